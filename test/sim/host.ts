import { type GatewayError, gatewayError } from '../../src/canon/errors.ts';
import type { GenerationEvent } from '../../src/canon/event.ts';
import type { Counts } from '../../src/canon/units.ts';
import type { AttemptRequest } from '../../src/upstream/try.ts';
import { chance, type Spread, scattered } from './chance.ts';

/** Something that is wrong with a host for a time, with a share of its calls. */
export interface Fault {
  /** Milliseconds from the start. */
  readonly from: number;
  readonly to: number;
  /** Of the calls that begin in that time; all where nothing is said. */
  readonly share?: number;
  readonly kind:
    | 'unreachable'
    /** Answers 503 at once. */
    | 'unavailable'
    /** Answers 429 at once, with `Retry-After` where it is said. */
    | 'rate-limited'
    /** Takes the call and never answers. */
    | 'hang'
    /** Closes the connection after its headers. */
    | 'reset'
    /** Breaks off in the middle of its answer. */
    | 'cut'
    /** Falls silent in the middle of its answer. */
    | 'stall'
    /** Ends without having said anything, that it ends among it. */
    | 'empty'
    /** Everything takes `factor` times as long. */
    | 'slow'
    /** `slots` are left of all its slots. */
    | 'brown-out';
  readonly retryAfterMs?: number;
  readonly factor?: number;
  readonly slots?: number;
}

/** One provider of the model, as its calls experience it. */
export interface HostSpec {
  readonly id: string;
  /** Dollars per million tokens, in and out alike. */
  readonly usd: number;
  /** Calls that it serves at once; what comes beyond mostly hangs, as at a server that takes more than it can do. */
  readonly slots?: number;
  readonly firstTokenMs: Spread;
  readonly tokensPerSecond: Spread;
  /** A share of answers whose first content takes so many times as long. */
  readonly slowTail?: { readonly share: number; readonly factor: number };
  /** Calls in a minute, on a sliding window; beyond it is 429. */
  readonly callsPerMinute?: number;
  readonly retryAfterMs?: number;
  /** Keeps prompts of a conversation for so long after their last use, where the caller marks them. */
  readonly cacheMs?: number;
  readonly faults?: readonly Fault[];
}

/** What a host makes of a call: what it says when. Times are milliseconds after the step before. */
export interface Step {
  readonly afterMs: number;
  readonly headers?: true;
  readonly refusal?: GatewayError;
  readonly events?: readonly GenerationEvent[];
  /** Nothing comes after it. */
  readonly last?: true;
}

/** What a caller of the simulation asks for. */
export interface Order {
  readonly number: number;
  readonly promptTokens: number;
  readonly outputTokens: number;
  /** Which conversation it belongs to: its prompt begins as the one before it did. */
  readonly conversation?: string;
}

/** The share of calls beyond the slots that are never answered in time; the others take twice as long (spec/reliability 0.6). */
const OVERLOAD_HANGS = 0.8;
const MARK = /"ttl":\s*"1h"/;
const HANG: readonly Step[] = [];
const START: readonly GenerationEvent[] = [
  { type: 'generation-start' },
  { type: 'block-start', block: { kind: 'text' } },
];
const END: readonly GenerationEvent[] = [
  { type: 'block-end' },
  { type: 'generation-end', finish: 'stop', nativeFinish: 'stop' },
];

/** How long a call takes that nothing is wrong with. */
export interface Service {
  readonly firstTokenMs: number;
  readonly totalMs: number;
}

export class SimulatedHost {
  readonly spec: HostSpec;
  /** Calls that have begun and not ended. */
  inFlight = 0;
  readonly #seed: number;
  readonly #index: number;
  readonly #recent: number[] = [];
  readonly #cached = new Map<string, { tokens: number; until: number }>();

  constructor(spec: HostSpec, index: number, seed: number) {
    this.spec = spec;
    this.#seed = seed;
    this.#index = index;
  }

  /** @param again how often this host was asked for the same answer before */
  service({ number, outputTokens }: Order, again: number, factor = 1): Service {
    const { firstTokenMs, tokensPerSecond, slowTail } = this.spec;
    const draw = (what: number): number => chance(this.#seed, number, this.#index, again, what);
    const slow = slowTail && draw(0) < slowTail.share ? slowTail.factor : 1;
    const first = scattered(firstTokenMs, draw(1), draw(2)) * slow * factor;
    const speed = scattered(tokensPerSecond, draw(3), draw(4)) / factor;
    return { firstTokenMs: first, totalMs: first + (outputTokens / speed) * 1000 };
  }

  /** What is wrong with a call that begins now. */
  faultAt(now: number, { number }: Order, again: number): Fault | undefined {
    return this.spec.faults?.find(
      ({ from, to, share = 1 }, index) =>
        now >= from && now < to && (share >= 1 || chance(this.#seed, number, this.#index, again, 100 + index) < share),
    );
  }

  slotsAt(now: number): number {
    const brownOut = this.spec.faults?.find(({ kind, from, to }) => kind === 'brown-out' && now >= from && now < to);
    return brownOut?.slots ?? this.spec.slots ?? Number.POSITIVE_INFINITY;
  }

  /** Takes a call: it is in flight until `left` is called. @param words the text it would answer with */
  take(order: Order, again: number, now: number, request: AttemptRequest, words: readonly string[]): readonly Step[] {
    const busy = this.inFlight >= this.slotsAt(now);
    this.inFlight += 1;
    const fault = this.faultAt(now, order, again);
    const draw = (what: number): number => chance(this.#seed, order.number, this.#index, again, what);
    if (fault?.kind === 'unreachable')
      return refused(1 + 4 * draw(5), gatewayError('upstream_unreachable', 'Provider could not be reached'));
    if (fault?.kind === 'unavailable') return refused(20 + 60 * draw(5), told(request, 503));
    if (fault?.kind === 'rate-limited' || this.#overRate(now))
      return refused(10 + 30 * draw(5), told(request, 429, fault?.retryAfterMs ?? this.spec.retryAfterMs));
    if (fault?.kind === 'hang' || (busy && draw(6) < OVERLOAD_HANGS)) return HANG;
    const factor = (busy ? 2 : 1) * (fault?.kind === 'slow' ? (fault.factor ?? 1) : 1);
    const service = this.service(order, again, factor);
    return answer(
      service,
      fault,
      words,
      { type: 'usage', usage: { counts: this.#counts(order, now, request.encoded.body), estimated: false } },
      request.stream,
    );
  }

  left(): void {
    this.inFlight -= 1;
  }

  #overRate(now: number): boolean {
    const { callsPerMinute } = this.spec;
    if (callsPerMinute === undefined) return false;
    while ((this.#recent[0] ?? now) <= now - 60_000) this.#recent.shift();
    if (this.#recent.length >= callsPerMinute) return true;
    this.#recent.push(now);
    return false;
  }

  /** A prompt that begins as the last one of its conversation did is read from the cache as far as that went. */
  #counts({ conversation, promptTokens, outputTokens }: Order, now: number, body: string): Counts {
    const { cacheMs } = this.spec;
    if (cacheMs === undefined || conversation === undefined || !MARK.test(body))
      return { input: promptTokens, output: outputTokens };
    const known = this.#cached.get(conversation);
    const read = known && known.until > now ? Math.min(known.tokens, promptTokens) : 0;
    this.#cached.set(conversation, { tokens: promptTokens, until: now + cacheMs });
    const written = promptTokens - read;
    return {
      ...(read > 0 && { 'cache-read': read }),
      ...(written > 0 && { 'cache-write-1h': written }),
      output: outputTokens,
    };
  }
}

const refused = (afterMs: number, refusal: GatewayError): readonly Step[] => [{ afterMs, refusal, last: true }];

/** A refusal as the dialect reads it off the wire. */
function told({ dialect, target }: AttemptRequest, status: number, retryAfterMs?: number): GatewayError {
  const error = dialect.decodeError(status, JSON.stringify({ error: { message: 'simulated' } }), target);
  return retryAfterMs === undefined ? error : { ...error, facts: { ...error.facts, retryAfterMs } };
}

const delta = (text: string): GenerationEvent => ({ type: 'block-delta', delta: { kind: 'text', text } });
const failed = (error: GatewayError): readonly GenerationEvent[] => [{ type: 'generation-error', error }];
const INTERRUPTED = gatewayError('upstream_interrupted', 'Provider broke off in the middle of its answer');
const RESET = gatewayError('upstream_reset', 'Provider closed the connection after its headers');

/** An answer in pieces: headers, the first word, the rest. */
function answer(
  { firstTokenMs, totalMs }: Service,
  fault: Fault | undefined,
  words: readonly string[],
  usage: GenerationEvent,
  stream: boolean,
): readonly Step[] {
  const [first = '', ...rest] = words;
  const end = [delta(rest.join('')), usage, ...END];
  if (!stream) {
    if (fault?.kind === 'stall') return HANG;
    if (fault?.kind === 'reset' || fault?.kind === 'cut')
      return refused(firstTokenMs, fault.kind === 'cut' ? INTERRUPTED : RESET);
    const events = fault?.kind === 'empty' ? START.slice(0, 1) : [...START, delta(first), ...end];
    return [{ afterMs: totalMs, headers: true, events, last: true }];
  }
  const headersMs = firstTokenMs / 5;
  const headers: Step = { afterMs: headersMs, headers: true };
  const begun: Step = { afterMs: firstTokenMs - headersMs, events: [...START, delta(first)] };
  if (fault?.kind === 'reset') return [headers, { afterMs: 1, events: failed(RESET), last: true }];
  if (fault?.kind === 'empty') return [headers, { afterMs: 1, events: START.slice(0, 1), last: true }];
  if (fault?.kind === 'stall') return [headers, begun];
  const restMs = totalMs - firstTokenMs;
  if (fault?.kind === 'cut') return [headers, begun, { afterMs: restMs / 2, events: failed(INTERRUPTED), last: true }];
  return [headers, begun, { afterMs: restMs, events: end, last: true }];
}
