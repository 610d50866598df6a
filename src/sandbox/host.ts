import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type GatewayError, gatewayError } from '../canon/errors.ts';
import type { GenerationEvent } from '../canon/event.ts';
import { tokens } from '../canon/units.ts';
import { type AnswerContext, type Dialect, framingOf } from '../dialects/dialect.ts';
import { type Delivery, writeStream, writeWhole } from './answer-writer.ts';
import { FAULTS, FaultBook, type FaultId, faultError, faultRow, parseFault, type Struck } from './faults.ts';
import type { SandboxHostSpec, SandboxModel, SandboxPorts } from './ports.ts';
import { forged, signed } from './signatures.ts';

const BODY_BYTES_MAX = 64 * 1024 * 1024;
const FAULTS_PATH = '/_sandbox/faults';

/**
 * A provider's API on a port of its own, over a real socket, in its own dialect with its own habits, and wrong on demand. It answers any
 * key, because nobody pays here, but wants one, because the real one does.
 */
export class SandboxHost {
  readonly spec: SandboxHostSpec;
  readonly faults: FaultBook;
  readonly #ports: SandboxPorts;
  readonly #server: Server;
  #served = 0;

  constructor(spec: SandboxHostSpec, ports: SandboxPorts) {
    this.spec = spec;
    this.faults = new FaultBook(ports.random);
    this.#ports = ports;
    this.#server = createServer((request, response) => {
      this.#serve(request, response).catch(() => response.socket?.destroy());
    });
    // A host that stalls on purpose must not be cut off by its own server.
    this.#server.requestTimeout = 0;
    this.#server.headersTimeout = 0;
    this.#server.timeout = 0;
  }

  /** @param port 0 for any free one. @returns the port */
  listen(port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, '127.0.0.1', () => resolve((this.#server.address() as AddressInfo).port));
    });
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://host');
    if (url.pathname === FAULTS_PATH) return this.#control(request, response);
    const { basePath } = this.spec;
    const inside = request.method === 'POST' && url.pathname.startsWith(basePath);
    const call = inside ? this.#callOf(url.pathname.slice(basePath.length)) : undefined;
    if (call) return this.#chat(request, response, call);
    if (!authorized(request)) return this.#refuse(response, UNAUTHORIZED, 401);
    if (request.method === 'GET' && url.pathname === `${basePath}/models`) return this.#models(response);
    this.#refuse(response, gatewayError('route_unknown', `No route ${request.method} ${url.pathname}`), 404);
  }

  /** `POST` adds a fault, `DELETE` clears them, `GET` lists them. */
  async #control(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method === 'POST') {
      const parsed = parseFault(parseJson(await readBody(request)));
      if (!parsed.ok) return sendJson(response, 400, { error: { code: 400, message: parsed.message } });
      this.faults.add(parsed.wish);
    } else if (request.method === 'DELETE') this.faults.clear();
    else if (request.method !== 'GET')
      return sendJson(response, 405, { error: { code: 405, message: 'GET, POST or DELETE' } });
    sendJson(response, 200, { host: this.spec.id, faults: this.faults.list() });
  }

  #models(response: ServerResponse): void {
    const data = this.spec.models().map((model) => ({
      id: model.upstreamModel,
      object: 'model',
      type: 'base',
      created: 0,
      owned_by: this.spec.id,
      context_length: model.contextLength,
      max_context_length: model.contextLength,
      capabilities: { completion_chat: true },
    }));
    sendJson(response, 200, { object: 'list', data });
  }

  /** What the path asks for, in which wire, with what it says beside the body; undefined where this is no such path. */
  #callOf(path: string): Said | undefined {
    for (const dialect of this.spec.wires) {
      const { route, fromPath, hostPath } = dialect;
      const plain = path === route ? { fields: {}, counts: false } : undefined;
      const call = hostPath ? hostPath(path, this.spec.quirks) : fromPath ? fromPath(path) : plain;
      if (call && !call.counts) return { dialect, fields: call.fields };
    }
    return undefined;
  }

  async #chat(request: IncomingMessage, response: ServerResponse, said: Said): Promise<void> {
    const struck = this.faults.strike();
    const fault = struck.find(({ id }) => FAULTS[id].at !== 'pace')?.id;
    if (fault === 'refuse') {
      request.socket.destroy();
      return;
    }
    const body = await readBody(request);
    await sleep(paceOf(struck, 'latency') ?? this.spec.latencyMs);
    if (fault === 'reset-before-headers') request.socket.destroy();
    if (fault === 'reset-before-headers' || fault === 'stall-before-headers') return;
    if (!authorized(request)) return this.#refuse(response, UNAUTHORIZED, 401);
    const parsed = parseJson(body);
    const wire =
      typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? { ...parsed, ...said.fields } : parsed;
    if (fault !== undefined && (faultRow(fault).at === 'answer' || fault === 'error-in-200'))
      return this.#fail(response, fault, wire);
    await this.#answer(said.dialect, wire, response, fault, struck);
  }

  async #answer(
    dialect: Dialect,
    wire: unknown,
    response: ServerResponse,
    fault: FaultId | undefined,
    struck: readonly Struck[],
  ): Promise<void> {
    const { piecesPerSecond, latencyMs, comment } = this.spec;
    const name = (wire as { model?: unknown } | undefined)?.model;
    const model = typeof name === 'string' ? this.spec.model(name) : undefined;
    if (!model)
      return this.#refuse(
        response,
        gatewayError('upstream_not_found', `The model ${JSON.stringify(name)} does not exist`, {
          providerCode: 'invalid_model',
        }),
        404,
      );
    const { quirks } = model.target;
    const decoded = dialect.decodeRequest(wire, model.target);
    if (!decoded.ok) return this.#refuse(response, decoded.error, decoded.error.facts.providerStatus ?? 400);
    const request = decoded.value;
    const { signs } = dialect;
    const forgery = signs === undefined ? undefined : forged(request, signs);
    if (forgery) return this.#refuse(response, forgery, 400);
    const answer = this.#ports.brain(request, {
      modelName: model.upstreamModel,
      maxOutputTokens: model.maxOutputTokens,
      efforts: model.target.efforts,
      echoPrefill: quirks.has('prefix-prefill'),
    });
    if (!answer.ok) return this.#refuse(response, answer.error, 400);
    const pieces = signs === undefined ? answer.value.pieces : signed(answer.value.pieces, signs);
    const tooLong = overflow(pieces, request.maxOutputTokens ?? 0, model);
    if (tooLong) return this.#refuse(response, tooLong, 400);
    const optedIn = (wire as { stream_options?: { include_usage?: unknown } }).stream_options?.include_usage === true;
    const context = { ...this.#context(model, pieces, request.reasoning?.exclude !== true, optedIn), request };
    const delivery: Delivery = {
      fault,
      latencyMs,
      comment,
      piecesPerSecond: paceOf(struck, 'tokens-per-second') ?? piecesPerSecond,
      gone: () => response.destroyed,
    };
    await (request.stream ? writeStream : writeWhole)(response, dialect, context, pieces, delivery);
  }

  #context(
    model: SandboxModel,
    pieces: readonly GenerationEvent[],
    showReasoning: boolean,
    optedIn: boolean,
  ): AnswerContext {
    const { name, idPrefix } = this.spec;
    const { quirks } = model.target;
    const usage = pieces.findLast((piece) => piece.type === 'usage');
    const bill = model.costUsd(usage?.type === 'usage' ? usage.usage.counts : {});
    this.#served += 1;
    const seconds = Math.floor(this.#ports.now() / 1000);
    return {
      id: `${idPrefix}${seconds}-${String(this.#served).padStart(20, '0')}`,
      created: seconds,
      model: model.upstreamModel,
      provider: name,
      quirks,
      showReasoning,
      streamUsage: !quirks.has('usage-opt-in') || optedIn,
      bill: () => ({ costUsd: bill.cost, promptCostUsd: bill.prompt, completionCostUsd: bill.completion }),
    };
  }

  #fail(response: ServerResponse, fault: FaultId, wire: unknown): void {
    const row = faultRow(fault);
    const error = faultError(fault);
    if (fault !== 'error-in-200') {
      const headers = row.retryAfterSeconds === undefined ? {} : { 'retry-after': String(row.retryAfterSeconds) };
      this.#refuse(response, error, row.status ?? 500, headers);
      return;
    }
    const { body } = this.spec.dialect.encodeError(error, {
      quirks: this.spec.quirks,
      origin: '',
      status: row.status ?? 500,
    });
    if ((wire as { stream?: unknown } | undefined)?.stream !== true) sendJson(response, 200, body);
    else {
      const { contentType, encoding, format } = framingOf(this.spec.dialect);
      response.writeHead(200, { 'content-type': contentType });
      const { errorEvent } = this.spec.dialect;
      response.end(
        format({ ...(errorEvent !== undefined && { event: errorEvent }), data: JSON.stringify(body) }),
        encoding,
      );
    }
  }

  #refuse(response: ServerResponse, error: GatewayError, status: number, headers: Record<string, string> = {}): void {
    const { body } = this.spec.dialect.encodeError(error, { quirks: this.spec.quirks, origin: '', status });
    sendJson(response, status, body, headers);
  }
}

interface Said {
  readonly dialect: Dialect;
  readonly fields: Readonly<Record<string, unknown>>;
}

const UNAUTHORIZED = gatewayError('key_missing', 'Unauthorized', { providerCode: 'invalid_api_key' });

const authorized = ({ headers }: IncomingMessage): boolean =>
  /^(Bearer|AWS4-HMAC-SHA256) +\S/i.test(headers.authorization ?? '') ||
  /\S/.test(String(headers['x-api-key'] ?? headers['x-goog-api-key'] ?? ''));

const sleep = (ms: number): Promise<void> =>
  ms <= 0 ? Promise.resolve() : new Promise((resolve) => setTimeout(resolve, ms));

const paceOf = (struck: readonly Struck[], id: FaultId): number | undefined =>
  struck.find((one) => one.id === id)?.value;

/** A prompt and a wish for output that do not fit the context, in the words of the real hosts. */
function overflow(pieces: readonly GenerationEvent[], wanted: number, model: SandboxModel): GatewayError | undefined {
  const usage = pieces.findLast((piece) => piece.type === 'usage');
  const prompt = usage?.type === 'usage' ? tokens(usage.usage.counts, 'input') : 0;
  if (prompt + wanted <= model.contextLength) return undefined;
  const message = `This model's maximum context length is ${model.contextLength} tokens. However, you requested ${prompt + wanted} tokens (${prompt} in the messages, ${wanted} in the completion).`;
  return gatewayError('upstream_context_too_long', message, { providerCode: 'context_length_exceeded' });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > BODY_BYTES_MAX) throw new Error('body too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function sendJson(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}
