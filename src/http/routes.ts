import { Hono } from 'hono';
import { gatewayError } from '../canon/errors.ts';
import { isGone } from '../catalogue/lifetime.ts';
import type { Snapshot } from '../catalogue/snapshot.ts';
import { SERVED_OPERATIONS } from '../dialects/operations.ts';
import { SERVED } from '../dialects/registry.ts';
import { preflight } from './cors.ts';
import { baseUrlOf, type Connection, countTokens, inference } from './inference/chat.ts';
import { creditsJson, generationJson, keyJson, providerJson } from './platform/account.ts';
import { keyRoutes } from './platform/keys.ts';
import { nextLink, parseModelQuery, selectModels } from './platform/model-query.ts';
import { architectureJson, endpointJson, googleModelJson, ModelList, routableHosts } from './platform/models.ts';
import { ollamaRoutes } from './platform/ollama.ts';
import { presetRoutes } from './platform/presets.ts';
import type { HttpPorts } from './ports.ts';
import { errorResponse, json, toResponse, unknownResource } from './respond.ts';

const PUBLIC_CACHE = { 'cache-control': 'public, max-age=60' };
const PRIVATE_CACHE = { 'cache-control': 'private, no-store' };

type Bindings = { Bindings: { connection: Connection } };

/** Every route of the API, once; mounted under `/api/v1` and `/v1`. */
function api(ports: HttpPorts, models: () => ModelList): Hono<Bindings> {
  const { keyring, measurements } = ports;
  const snapshot = (): Snapshot => ports.gateway.roads.snapshot;
  const app = new Hono<Bindings>();

  const list = (parameters: URLSearchParams, baseUrl: string): Response => {
    const wish = parseModelQuery(parameters);
    if (!wish.ok) return errorResponse(wish.error, baseUrl);
    const rows = selectModels(models(), wish.value, snapshot());
    const paged = wish.value.offset !== undefined || wish.value.limit !== undefined;
    const offset = wish.value.offset ?? 0;
    const page = paged ? rows.slice(offset, offset + (wish.value.limit ?? 500)) : rows;
    const links = { next: nextLink(parameters, wish.value, rows.length) };
    return json({ data: page.map((row) => row.json), total_count: rows.length, links }, PUBLIC_CACHE);
  };
  app.get('/models', (c) => list(new URL(c.req.url).searchParams, baseUrlOf(c.req.raw)));

  // Style of `/models`, for models of one kind (spec/platform 4.3).
  app.get('/embeddings/models', (c) => {
    const parameters = new URL(c.req.url).searchParams;
    parameters.set('output_modalities', 'embeddings');
    return list(parameters, baseUrlOf(c.req.raw));
  });

  app.get('/models/count', (c) => {
    const wish = parseModelQuery(new URL(c.req.url).searchParams);
    if (!wish.ok) return errorResponse(wish.error, baseUrlOf(c.req.raw));
    return json({ data: { count: selectModels(models(), wish.value, snapshot()).length } }, PUBLIC_CACHE);
  });

  app.get('/model/:author/:slug', (c) => {
    const model = snapshot().model(`${c.req.param('author')}/${c.req.param('slug')}`);
    const row = model && models().rows.find((candidate) => candidate.model.id === model.id);
    return row ? json({ data: row.json }, PUBLIC_CACHE) : errorResponse(unknownResource('Model'), baseUrlOf(c.req.raw));
  });

  app.get('/models/:author/:slug/endpoints', (c) => {
    const { roads } = ports.gateway;
    const model = roads.snapshot.model(`${c.req.param('author')}/${c.req.param('slug')}`);
    if (!model || isGone(model, ports.gateway.clock.now()))
      return errorResponse(unknownResource('Model'), baseUrlOf(c.req.raw));
    const withKey = keyring.authenticate(c.req.header('authorization') ?? null).ok;
    const endpoints = routableHosts(model, roads).map((host) =>
      endpointJson(model, host, roads, measurements, withKey),
    );
    const { id, name, created, about: description } = model;
    return json(
      { data: { id, name, created, description, architecture: architectureJson(model), endpoints } },
      withKey ? PRIVATE_CACHE : PUBLIC_CACHE,
    );
  });

  for (const dialect of SERVED.filter(({ countTokens: counts, fromPath }) => counts && !fromPath))
    app.post(`${dialect.route}/count_tokens`, async (c) => toResponse(await countTokens(c.req.raw, dialect, ports)));

  app.get('/providers', () => json({ data: snapshot().providers.map(providerJson) }, PUBLIC_CACHE));

  const currentKey = (request: Request): Response => {
    const caller = keyring.authenticate(request.headers.get('authorization'));
    if (!caller.ok) return errorResponse(caller.error, baseUrlOf(request));
    const key = keyring.key(caller.value.keyHash);
    if (!key) return errorResponse(unknownResource('Key'), baseUrlOf(request));
    return json({ data: keyJson(key, keyring, ports.gateway) }, PRIVATE_CACHE);
  };
  app.get('/key', (c) => currentKey(c.req.raw));
  app.get('/auth/key', (c) => currentKey(c.req.raw));

  app.get('/credits', (c) => {
    const caller = keyring.authenticate(c.req.header('authorization') ?? null);
    return caller.ok
      ? json({ data: creditsJson(ports.gateway.books) }, PRIVATE_CACHE)
      : errorResponse(caller.error, baseUrlOf(c.req.raw));
  });

  keyRoutes(app, ports);
  presetRoutes(app, ports);

  app.get('/generation', async (c) => {
    const caller = keyring.authenticate(c.req.header('authorization') ?? null);
    if (!caller.ok) return errorResponse(caller.error, baseUrlOf(c.req.raw));
    const id = c.req.query('id');
    if (id === undefined || id === '')
      return errorResponse(gatewayError('invalid_request', 'id: is required'), baseUrlOf(c.req.raw));
    const found = await ports.findGeneration(id);
    return found
      ? json({ data: generationJson(found) }, PRIVATE_CACHE)
      : errorResponse(unknownResource('Generation'), baseUrlOf(c.req.raw));
  });

  app.get('/requests/:id/why', async (c) => {
    const baseUrl = baseUrlOf(c.req.raw);
    const caller = keyring.authenticate(c.req.header('authorization') ?? null);
    if (!caller.ok) return errorResponse(caller.error, baseUrl);
    const found = await ports.why(c.req.param('id'), caller.value.keyHash);
    return found ? json({ data: found }, PRIVATE_CACHE) : errorResponse(unknownResource('Request'), baseUrl);
  });
  return app;
}

/** Where the API is mounted: OpenRouter's base, and the one OpenAI's clients expect. */
const API_BASES = ['/api/v1', '/v1'] as const;

/** Answers a request on one connection. */
export type Surface = (request: Request, connection: Connection) => Response | Promise<Response>;

/**
 * The whole surface: API, health, documents, pages. Inference is found by its path alone, before the router, which would cost a
 * request more than everything else that happens to it here.
 */
export function routes(ports: HttpPorts): Surface {
  const app = otherRoutes(ports);
  const hot = new Map(
    [...SERVED, ...SERVED_OPERATIONS].flatMap((dialect) =>
      (dialect.bases ?? API_BASES).map((base) => [base + dialect.route, dialect] as const),
    ),
  );
  return (request, connection) => {
    const path = pathOf(request.url);
    const dialect = request.method === 'POST' ? hot.get(path) : undefined;
    if (!dialect)
      return (
        (request.method === 'POST' ? byPath(request, path, connection, ports) : undefined) ??
        app.fetch(request, { connection })
      );
    const problem = refusedRequest(request);
    if (problem) return errorResponse(gatewayError('bad_host', problem), 'http://localhost');
    return inference(request, connection, dialect, ports).then(toResponse, (error: Error) => {
      gatewayLog(ports, error, path);
      return errorResponse(gatewayError('internal', 'Internal Server Error'), baseUrlOf(request));
    });
  };
}

/** A wire whose clients say in the path what is wanted of which model; undefined where this is no such path. */
function byPath(
  request: Request,
  path: string,
  connection: Connection,
  ports: HttpPorts,
): Promise<Response> | undefined {
  for (const dialect of SERVED) {
    const { fromPath, bases = API_BASES } = dialect;
    if (!fromPath) continue;
    const base = bases.find((one) => path.startsWith(`${one}/`));
    const call = base === undefined ? undefined : fromPath(path.slice(base.length));
    if (!call) continue;
    const problem = refusedRequest(request);
    if (problem) return Promise.resolve(errorResponse(gatewayError('bad_host', problem), 'http://localhost'));
    const answer = call.counts
      ? countTokens(request, dialect, ports)
      : inference(request, connection, dialect, ports, call.fields);
    return answer.then(toResponse, (error: Error) => {
      gatewayLog(ports, error, path);
      return errorResponse(gatewayError('internal', 'Internal Server Error'), baseUrlOf(request));
    });
  }
  return undefined;
}

function pathOf(url: string): string {
  const start = url.indexOf('/', url.indexOf('://') + 3);
  const query = url.indexOf('?', start);
  return query < 0 ? url.slice(start) : url.slice(start, query);
}

function otherRoutes(ports: HttpPorts): Hono<Bindings> {
  const app = new Hono<Bindings>();
  let list: ModelList | undefined;
  const models = (): ModelList => {
    const { roads } = ports.gateway;
    const now = ports.gateway.clock.now();
    if (list?.roads !== roads || now >= list.endsAt * 1000) list = new ModelList(roads, now);
    return list;
  };
  const surface = api(ports, models);
  app.use('*', async (c, next) => {
    const problem = refusedRequest(c.req.raw);
    if (problem) return errorResponse(gatewayError('bad_host', problem), 'http://localhost');
    return c.req.method === 'OPTIONS' ? preflight() : next();
  });
  for (const base of API_BASES) app.route(base, surface);
  for (const base of ['/v1beta', '/api/v1beta']) {
    app.get(`${base}/models`, () => json({ models: models().rows.map(googleModelJson) }, PUBLIC_CACHE));
    app.get(`${base}/models/:author/:slug`, (c) => {
      const id = `${c.req.param('author')}/${c.req.param('slug')}`;
      const row = models().rows.find(({ model }) => model.id === id);
      return row
        ? json(googleModelJson(row), PUBLIC_CACHE)
        : errorResponse(unknownResource('Model'), baseUrlOf(c.req.raw));
    });
  }
  ollamaRoutes(app, models);
  app.get('/healthz', () => new Response('ok\n'));
  app.get('/readyz', () => {
    const reason = ports.notReady();
    return new Response(`${reason ?? 'ready'}\n`, { status: reason === undefined ? 200 : 503 });
  });
  app.get('/openapi.json', () => json(ports.openapi(), PUBLIC_CACHE));
  app.notFound(async (c) => {
    const page = c.req.method === 'GET' || c.req.method === 'HEAD' ? await ports.page(c.req.raw) : undefined;
    return (
      page ??
      errorResponse(gatewayError('route_unknown', `No route ${c.req.method} ${c.req.path}`), baseUrlOf(c.req.raw))
    );
  });
  app.onError((error, c) => {
    gatewayLog(ports, error, c.req.path);
    return errorResponse(gatewayError('internal', 'Internal Server Error'), baseUrlOf(c.req.raw));
  });
  return app;
}

function gatewayLog(ports: HttpPorts, error: Error, path: string): void {
  ports.gateway.log.error({ path, error: String(error), stack: error.stack }, 'a request failed');
}

/** Two Host headers reach us joined; an absolute target would let the URL name another host than the connection's. */
function refusedRequest(request: Request): string | undefined {
  const host = request.headers.get('host');
  if (host === null) return undefined;
  const start = request.url.indexOf('://') + 3;
  if (request.url.startsWith(host, start) && request.url[start + host.length] === '/' && !host.includes(','))
    return undefined;
  if (host.includes(',')) return 'The request carries more than one Host header';
  const base = baseUrlOf(request);
  return base.slice(base.indexOf('://') + 3).toLowerCase() === host.toLowerCase()
    ? undefined
    : 'The request target names another host than the Host header';
}
