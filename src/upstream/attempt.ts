import type { Clock } from '../canon/clock.ts';
import { type ErrorCode, type GatewayError, gatewayError } from '../canon/errors.ts';
import type { GenerationEvent } from '../canon/event.ts';
import type { Machine } from '../canon/machine.ts';
import { type Dialect, type EncodedRequest, framingOf } from '../dialects/dialect.ts';
import { wholeBody } from '../dialects/short-way.ts';
import { type FrameDecoder, SSE } from '../streams/framing.ts';
import type { Frame } from '../streams/sse.ts';
import type { Deadlines, Waiting } from './deadlines.ts';
import type { Departures } from './departures.ts';
import { type RateReading, rateReading } from './rate-headers.ts';
import { redacted, type SentHeaders, withoutSecrets } from './redaction.ts';
import { retryAfterMs } from './retry-after.ts';
import { joinUrl, type ProviderRoute, plainHeaders, requestHeaders, type Signer, withHeaders } from './route.ts';
import type { AttemptRequest, Try } from './try.ts';

export interface AttemptPorts {
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly departures: Departures;
}

const ANSWER_BYTES_MAX = 32 * 1024 * 1024;
const ERROR_BYTES_MAX = 64 * 1024;
const NOTHING: readonly GenerationEvent[] = [];

/**
 * One call to one endpoint: a batch of events for each read of the socket, until it has ended. Every failure becomes an event or a
 * `GatewayError` here; nothing is thrown further up. Waiting for the provider is limited at every stage, waiting for the client is not
 * this object's business.
 */
export class Attempt implements Try, Waiting {
  deadline = Number.POSITIVE_INFINITY;
  status = 0;
  readonly startedAt: number;
  rate: RateReading | undefined;
  readonly #request: AttemptRequest;
  readonly #ports: AttemptPorts;
  readonly #controller = new AbortController();
  #stage: 'headers' | 'first-content' | 'stream' | 'whole' = 'headers';
  /** Why we gave up, where we did: it explains the rejected read that follows. */
  #gaveUp: GatewayError | undefined;
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  readonly #frames: FrameDecoder;
  #decoder: Machine<Frame, GenerationEvent>;
  #pending: readonly GenerationEvent[] = NOTHING;
  #ended = false;
  readonly #url: string;
  /** What was sent with the call: credentials among it. */
  #headers: SentHeaders = {};

  constructor(request: AttemptRequest, ports: AttemptPorts) {
    this.#request = request;
    this.#url = joinUrl(request.route.base, request.encoded.path, request.target.upstreamModel);
    this.#ports = ports;
    this.startedAt = ports.clock.monotonic();
    this.#frames = framingOf(request.dialect).decoder();
    this.#decoder = request.dialect.decodeStream(request.target, request.encoded.expectation);
    ports.deadlines.watch(this);
  }

  get ended(): boolean {
    return this.#ended;
  }

  contentSeen(): void {
    this.#stage = 'stream';
  }

  async open(): Promise<GatewayError | undefined> {
    const { route, dialect, encoded, stream, limits } = this.#request;
    this.#wait(stream ? Math.min(limits.headersMsMax, limits.firstContentMsMax) : limits.wholeMsMax);
    let response: Response;
    try {
      await this.#ports.departures.next();
      response = await (route.signer
        ? this.#signed(route.signer)
        : this.#send(headersOf(route, dialect, stream, encoded), wholeBody(encoded)));
    } catch (error) {
      return this.#end(this.#gaveUp ?? (error instanceof NoCredential ? error.told : connectionError(error)));
    }
    this.status = response.status;
    this.rate = rateReading(route, response, this.#ports.clock.now());
    if (response.status !== 200) return this.#end(await this.#refused(response));
    if (stream && isOfType(response, framingOf(dialect).contentType)) {
      this.#reader = response.body?.getReader();
      this.#stage = 'first-content';
      return undefined;
    }
    if (stream) this.#wait(limits.firstContentMsMax);
    return this.#readWhole(response);
  }

  #send(headers: SentHeaders, body: string | Uint8Array<ArrayBuffer>): Promise<Response> {
    this.#headers = headers;
    return fetch(this.#url, {
      method: 'POST',
      headers,
      body,
      // Followed redirects would carry the credential to another origin.
      redirect: 'manual',
      signal: this.#controller.signal,
    });
  }

  /** A credential that is no longer taken is renewed, and the call made again, once (UP-007). */
  async #signed(signer: Signer): Promise<Response> {
    const { route, dialect, stream, encoded } = this.#request;
    const plain = withHeaders(plainHeaders(route, dialect.headers, stream), encoded.headers);
    const body = wholeBody(encoded);
    const headers = await signedHeaders(signer, plain, this.#url, body);
    const response = await this.#send(headers, body);
    if (response.status !== 401 || !signer.refused(headers)) return response;
    await response.body?.cancel();
    return this.#send(await signedHeaders(signer, plain, this.#url, body), body);
  }

  async read(): Promise<readonly GenerationEvent[]> {
    if (this.#pending.length > 0) {
      const events = this.#pending;
      this.#pending = NOTHING;
      return this.#redacted(events);
    }
    while (!this.#ended) {
      const events = await this.#readStream();
      if (events.length > 0) return this.#ended ? this.#redacted(events) : events;
    }
    return NOTHING;
  }

  /** What a provider says of a failure may repeat what it was sent. */
  #redacted(events: readonly GenerationEvent[]): readonly GenerationEvent[] {
    const last = events.at(-1);
    if (last?.type !== 'generation-error') return events;
    return [...events.slice(0, -1), { ...last, error: redacted(last.error, this.#headers) }];
  }

  abort(): void {
    this.#giveUp('client_gone', 'aborted');
  }

  onDeadline(): void {
    const { clock } = this.#ports;
    if (this.#ended) this.#controller.abort();
    else if (clock.monotonic() >= this.#request.requestDeadline)
      this.#giveUp('request_timeout', 'Operation timed out. Please try again later.');
    else if (this.#stage === 'stream')
      this.#giveUp('upstream_stalled', 'Provider fell silent in the middle of its answer');
    else this.#giveUp('upstream_timeout', 'Provider did not answer in time');
  }

  #giveUp(code: ErrorCode, message: string): void {
    if (this.#ended) return;
    this.#gaveUp ??= gatewayError(code, message);
    this.#controller.abort();
  }

  /** At most this long, and never beyond the whole request's deadline. */
  #wait(ms: number): void {
    this.deadline = Math.min(this.#ports.clock.monotonic() + ms, this.#request.requestDeadline);
  }

  async #readStream(): Promise<readonly GenerationEvent[]> {
    const { limits } = this.#request;
    const reader = this.#reader;
    if (!reader) return this.#finish(this.#decoder.end());
    // Any byte, a comment too, is proof of life and starts the wait anew.
    this.#wait(this.#stage === 'stream' ? limits.streamIdleMsMax : limits.firstContentMsMax);
    let chunk: { done: boolean; value?: Uint8Array | undefined };
    try {
      chunk = await reader.read();
    } catch (error) {
      return this.#broken(error);
    }
    this.deadline = Number.POSITIVE_INFINITY;
    if (chunk.done || !chunk.value) return this.#finish([...this.#decode(this.#frames.end()), ...this.#decoder.end()]);
    const events = this.#decode(this.#frames.step(chunk.value));
    if (this.#frames.overflow)
      return this.#fail(gatewayError('upstream_too_large', 'Provider sent an event beyond our limit'), events);
    return isTerminal(events.at(-1)) ? this.#finish(events) : events;
  }

  #decode(frames: readonly Frame[]): readonly GenerationEvent[] {
    if (frames.length === 1 && frames[0]) return this.#decoder.step(frames[0]);
    return frames.flatMap((frame) => this.#decoder.step(frame));
  }

  /** A read that was rejected: by our own giving up, or by the other side. A stall after the finish reason is still a complete answer. */
  #broken(error: unknown): readonly GenerationEvent[] {
    const cause = this.#gaveUp ?? connectionError(error);
    const last = this.#decoder.end();
    if (this.#gaveUp?.code === 'upstream_stalled' && last.at(-1)?.type === 'generation-end') return this.#finish(last);
    const kept = last.filter((event) => event.type !== 'generation-end' && event.type !== 'generation-error');
    if (this.#gaveUp) return this.#fail(cause, kept);
    return this.#fail(
      this.#stage === 'stream'
        ? gatewayError('upstream_interrupted', 'Provider broke off in the middle of its answer', cause.facts)
        : gatewayError('upstream_reset', 'Provider closed the connection after its headers', cause.facts),
      kept,
    );
  }

  #fail(error: GatewayError, events: readonly GenerationEvent[]): readonly GenerationEvent[] {
    this.#controller.abort();
    return this.#finish([...events, { type: 'generation-error', error }]);
  }

  /** The last batch. What the provider still sends is read and forgotten, so that its connection can be used again. */
  #finish(events: readonly GenerationEvent[]): readonly GenerationEvent[] {
    this.#end(undefined);
    const reader = this.#reader;
    this.#reader = undefined;
    if (reader) void this.#drain(reader);
    return withoutErrorFinish(events);
  }

  async #drain(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
    this.deadline = this.#ports.clock.monotonic() + DRAIN_MS_MAX;
    this.#ports.deadlines.watch(this);
    await drain(reader);
    this.deadline = Number.POSITIVE_INFINITY;
    this.#ports.deadlines.release(this);
  }

  #end<T>(result: T): T {
    this.#ended = true;
    this.deadline = Number.POSITIVE_INFINITY;
    this.#ports.deadlines.release(this);
    return result;
  }

  async #readWhole(response: Response): Promise<GatewayError | undefined> {
    const { dialect, target, encoded } = this.#request;
    this.#stage = 'whole';
    let text: string | undefined;
    try {
      text = await readText(response, ANSWER_BYTES_MAX);
    } catch (error) {
      return this.#end(
        this.#gaveUp ??
          gatewayError(
            'upstream_interrupted',
            'Provider broke off in the middle of its answer',
            connectionError(error).facts,
          ),
      );
    }
    this.#end(undefined);
    if (text === undefined) return gatewayError('upstream_too_large', 'Provider sent an answer beyond our limit');
    const events = withoutErrorFinish(
      isOfType(response, SSE.contentType) || text.startsWith('data:')
        ? this.#aggregate(text)
        : dialect.decodeWhole(parsed(text), target, encoded.expectation),
    );
    const last = events.at(-1);
    // A whole answer that is nothing but an error never became an answer.
    if (last?.type === 'generation-error' && !events.some((event) => event.type === 'block-start'))
      return redacted(last.error, this.#headers);
    this.#pending = events;
    return undefined;
  }

  /** A stream that came although none was asked for (spec/reliability U16). */
  #aggregate(text: string): readonly GenerationEvent[] {
    const frames = SSE.decoder();
    const all = [...frames.step(new TextEncoder().encode(text)), ...frames.end()];
    return [...all.flatMap((frame) => this.#decoder.step(frame)), ...this.#decoder.end()];
  }

  async #refused(response: Response): Promise<GatewayError> {
    const { dialect, target } = this.#request;
    let text = '';
    try {
      text = (await readText(response, ERROR_BYTES_MAX)) ?? '';
    } catch {
      // The status alone says enough.
    }
    if (this.#gaveUp) return this.#gaveUp;
    const error = dialect.decodeError(response.status, withoutSecrets(text, this.#headers), target);
    const wait = retryAfterMs(response.headers, text, this.#ports.clock.now());
    return wait === undefined ? error : { ...error, facts: { ...error.facts, retryAfterMs: wait } };
  }
}

/** No token could be had, so there was no call: as good as a refused key, and not the caller's fault. */
class NoCredential extends Error {
  readonly told: GatewayError;

  constructor(cause: unknown) {
    super('no credential', { cause });
    const raw = cause instanceof Error ? cause.message : '';
    this.told = gatewayError('upstream_auth', 'Provider could not be authenticated to', { ...(raw !== '' && { raw }) });
  }
}

/** Most requests need nothing beside what every call to this host carries, which is put together once. */
const headersOf = (
  route: ProviderRoute,
  { headers }: Dialect,
  stream: boolean,
  { headers: own }: EncodedRequest,
): SentHeaders =>
  own ? withHeaders(plainHeaders(route, headers, stream), own) : requestHeaders(route, headers, stream);

async function signedHeaders(
  signer: Signer,
  headers: Readonly<Record<string, string>>,
  url: string,
  body: string | Uint8Array,
): Promise<Readonly<Record<string, string>>> {
  try {
    return await signer.sign(url, headers, body);
  } catch (error) {
    throw new NoCredential(error);
  }
}

const isOfType = (response: Response, contentType: string): boolean =>
  response.headers.get('content-type')?.toLowerCase().startsWith(contentType) ?? false;

const isTerminal = (event: GenerationEvent | undefined): boolean =>
  event?.type === 'generation-end' || event?.type === 'generation-error';

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A provider that finishes with `error` and says no more has failed; its answer must not pass for a complete one. */
function withoutErrorFinish(events: readonly GenerationEvent[]): readonly GenerationEvent[] {
  const last = events.at(-1);
  if (last?.type !== 'generation-end' || last.finish !== 'error') return events;
  const error = gatewayError('upstream_server', 'Provider returned error');
  return [...events.slice(0, -1), { type: 'generation-error', error }];
}

/** A body as text, or undefined when it is larger than allowed. */
async function readText(response: Response, bytesMax: number): Promise<string | undefined> {
  const declared = Number(response.headers.get('content-length') ?? Number.NaN);
  // What a compressed body comes to is not what its length says.
  if (declared <= bytesMax && !response.headers.has('content-encoding')) return response.text();
  const decoder = new TextDecoder();
  let text = '';
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    if (size > bytesMax) {
      return undefined;
    }
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

const DRAIN_BYTES_MAX = 64 * 1024;
const DRAIN_MS_MAX = 2000;

async function drain(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
  try {
    for (let size = 0; size <= DRAIN_BYTES_MAX; ) {
      const { done, value } = await reader.read();
      if (done) return;
      size += value.byteLength;
    }
    await reader.cancel();
  } catch {
    // The connection is gone; there is nothing left to return to the pool.
  }
}

/** The code Bun gives an error of `fetch`; its text may hold a header's value and is never passed on. */
function errorCode(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : '';
}

function connectionError(error: unknown): GatewayError {
  const code = errorCode(error);
  const facts = code === '' ? {} : { providerCode: code };
  if (/reset|closed|aborted|epipe/i.test(code))
    return gatewayError('upstream_reset', 'Provider closed the connection before it answered', facts);
  return gatewayError('upstream_unreachable', 'Provider could not be reached', facts);
}
