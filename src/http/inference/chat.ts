import type { Caller } from '../../accounts/keyring.ts';
import { type GatewayError, gatewayError } from '../../canon/errors.ts';
import { fail, type Result } from '../../canon/result.ts';
import type { Dialect, PathCall } from '../../dialects/dialect.ts';
import { namesPreset } from '../../dialects/preset-merge.ts';
import type { CallOrigin, Client } from '../../gateway/call.ts';
import { type Answer, handle, refuse } from '../../gateway/handle.ts';
import { refusalRow } from '../../gateway/kept-plan.ts';
import { overload } from '../../gateway/overload.ts';
import { withPreset } from '../../gateway/preset.ts';
import { promptSize } from '../../gateway/prompt-size.ts';
import { cacheHeaders } from '../../gateway/response-cache.ts';
import type { HttpPorts } from '../ports.ts';
import { type ReadBody, readJson } from './body.ts';
import { extrasOf } from './extras.ts';

/** What Bun's server can do for a connection beyond its request and response. */
export interface Connection {
  /** Seconds of idleness after which the connection is closed; 0 for never. */
  timeout(request: Request, seconds: number): void;
}

class HttpClient implements Client {
  readonly #request: Request;
  readonly #connection: Connection;

  constructor(request: Request, connection: Connection) {
    this.#request = request;
    this.#connection = connection;
  }

  get gone(): boolean {
    return this.#request.signal.aborted;
  }

  onGone(listener: () => void): void {
    const { signal } = this.#request;
    if (signal.aborted) listener();
    else signal.addEventListener('abort', listener, { once: true });
  }

  hangUp(): void {
    this.#connection.timeout(this.#request, 1);
  }
}

const ENABLED = /^enabled$/i;
/** One of the switches in `X-Turnpike-Compat`, which are separated by commas. */
const PLACEHOLDER_CHOICE = /(^|,)\s*usage_chunk_choice\s*=\s*placeholder\s*(,|$)/i;
/** Identifiers from headers end up in records and links; control characters have no business there. */
const clean = (value: string | null): string | undefined => {
  if (value === null) return undefined;
  const text = value.replace(/[\p{Cc}]/gu, '').trim();
  return text === '' ? undefined : text.slice(0, 1024);
};

/** Features in trial by name, under the header of Anthropic's clients and under the one of OpenRouter's. */
function betasOf(headers: Headers): readonly string[] | undefined {
  const own = clean(headers.get('anthropic-beta'));
  const prefixed = clean(headers.get('x-anthropic-beta'));
  if (own === undefined && prefixed === undefined) return undefined;
  const names = `${own ?? ''},${prefixed ?? ''}`.split(',').map((name) => name.trim());
  return [...new Set(names.filter((name) => name !== ''))];
}

function originOf(request: Request): CallOrigin {
  const { headers } = request;
  const metadata = headers.get('x-openrouter-metadata') ?? headers.get('x-openrouter-experimental-metadata');
  const compat = headers.get('x-turnpike-compat');
  const strict = headers.get('x-turnpike-strict') === '1';
  const betas = betasOf(headers);
  const cache = cacheHeaders(headers);
  const sessionId = clean(headers.get('x-session-id'));
  const referer = clean(headers.get('http-referer'));
  const title = clean(headers.get('x-openrouter-title') ?? headers.get('x-title'));
  const userAgent = clean(headers.get('user-agent'));
  return {
    baseUrl: baseUrlOf(request),
    wantsMetadata: metadata !== null && ENABLED.test(metadata.trim()),
    ...(strict && { strict }),
    ...(compat !== null && PLACEHOLDER_CHOICE.test(compat) && { usagePlaceholder: true as const }),
    ...(sessionId !== undefined && { sessionId }),
    ...(betas && { betas }),
    ...(cache && { cache }),
    ...(referer !== undefined && { referer }),
    ...(title !== undefined && { title }),
    ...(userAgent !== undefined && { userAgent }),
  };
}

/** Scheme and host under which the client reached us. */
export function baseUrlOf(request: Request): string {
  const path = request.url.indexOf('/', request.url.indexOf('://') + 3);
  return path < 0 ? request.url : request.url.slice(0, path);
}

/** The clients of Anthropic and Google send the key in headers of their own, or in the address; `Authorization` wins. */
function authorizationOf({ headers, url }: Request): string | null {
  const own = headers.get('authorization');
  if (own !== null) return own;
  const key = headers.get('x-api-key') ?? headers.get('x-goog-api-key') ?? new URL(url).searchParams.get('key');
  return key === null ? null : `Bearer ${key}`;
}

/** Inference keys only: a management key administers and never runs a model. */
export function authenticate(request: Request, { keyring }: HttpPorts): Result<Caller, GatewayError> {
  const caller = keyring.authenticate(authorizationOf(request));
  if (!caller.ok || caller.value.kind === 'inference') return caller;
  return fail(gatewayError('inference_key_required', 'Management keys cannot run inference; use an inference key'));
}

/** Stages 1 and 2 of an inference request, then the gateway. */
export async function inference(
  request: Request,
  connection: Connection,
  dialect: Dialect,
  ports: HttpPorts,
  fromPath?: PathCall['fields'],
): Promise<Answer> {
  const origin = originOf(request);
  const reason = ports.notReady();
  if (reason !== undefined) {
    const draining = gatewayError('draining', `The gateway is not taking requests: ${reason}`, { retryAfterMs: 1000 });
    return refuse(undefined, dialect, draining, origin);
  }
  const crowded = overload(ports.gateway);
  if (crowded) return refuse(undefined, dialect, crowded, origin);
  const caller = authenticate(request, ports);
  if (!caller.ok) return refuse(undefined, dialect, caller.error, origin);
  const extras = extrasOf(request.headers);
  if (!extras.ok) return refuse(ports.gateway.newGenerationId(), dialect, extras.error, origin);
  const { running } = ports.gateway;
  running.arriving++;
  const received = await receive(request, ports);
  running.arriving--;
  if (!received.ok) {
    const id = ports.gateway.newGenerationId();
    const { keyHash } = caller.value;
    ports.gateway.refused?.(
      refusalRow({ id, keyHash, acceptedAt: ports.gateway.clock.now() }, received.error, undefined),
    );
    return refuse(id, dialect, received.error, origin);
  }
  // From here on silence is ours to limit: a stream may think longer than an idle connection may live.
  connection.timeout(request, 0);
  return handle(
    {
      dialect,
      wire: withFields(received.value.value, fromPath),
      original: received.value.original,
      caller: caller.value,
      origin: { ...origin, ...extras.value },
      client: new HttpClient(request, connection),
    },
    ports.gateway,
  );
}

/** What the path said, said in the body; a body that is no object is refused later, by its dialect. */
const withFields = (wire: unknown, fields: PathCall['fields'] | undefined): unknown =>
  fields && typeof wire === 'object' && wire !== null && !Array.isArray(wire) ? { ...wire, ...fields } : wire;

/** The size of a prompt as far as it can be told here, without asking anybody (spec/inference 7.4). */
export async function countTokens(request: Request, dialect: Dialect, ports: HttpPorts): Promise<Answer> {
  const origin = originOf(request);
  const caller = authenticate(request, ports);
  if (!caller.ok) return refuse(undefined, dialect, caller.error, origin);
  const received = await receive(request, ports);
  if (!received.ok) return refuse(undefined, dialect, received.error, origin);
  const { value: wire } = received.value;
  const named = namesPreset(wire) ? withPreset(wire, dialect, ports.gateway.presets) : undefined;
  if (named && !named.ok) return refuse(undefined, dialect, named.error, origin);
  const decoded = dialect.decodeRequest(named ? named.value.wire : wire);
  if (!decoded.ok) return refuse(undefined, dialect, decoded.error, origin);
  const size = await promptSize(decoded.value, ports.gateway);
  const { snapshot } = ports.gateway.roads;
  const [endpoint] = snapshot.endpointsOf(snapshot.model(decoded.value.model ?? '')?.id ?? '');
  const tokens = endpoint ? size.at(endpoint).likely : size.base;
  return {
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(dialect.countTokens?.(tokens) ?? null),
  };
}

export async function receive(request: Request, ports: HttpPorts): Promise<Result<ReadBody, GatewayError>> {
  try {
    return await readJson(request, ports.bodyBytesMax);
  } catch {
    // The client broke off its own request; nobody is there to read this.
    return fail(gatewayError('client_gone', 'The request was not completed'));
  }
}
