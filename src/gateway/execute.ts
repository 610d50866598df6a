import { type ErrorCode, type GatewayError, gatewayError } from '../canon/errors.ts';
import type { GenerationEvent } from '../canon/event.ts';
import { mediaOf, type PlacedMedia } from '../canon/media.ts';
import type { GenerationRequest } from '../canon/request.ts';
import { fail, ok, type Result } from '../canon/result.ts';
import type { Provider } from '../catalogue/types.ts';
import type { EncodedRequest } from '../dialects/dialect.ts';
import { wholeBody } from '../dialects/short-way.ts';
import type { Stage } from '../plugins/stage.ts';
import type { Candidate, Plan } from '../router/candidate.ts';
import { beyondLimits, bodyTooLarge } from '../router/limits.ts';
import { credentialId } from '../upstream/route.ts';
import type { Try } from '../upstream/try.ts';
import { anonymous } from './anonymous.ts';
import type { Call } from './call.ts';
import { ask } from './encode.ts';
import { untilChecked, untilContent } from './first-content.ts';
import { type Fitted, fitted, withGap } from './fit.ts';
import { type Hedge, hedge, race } from './hedge.ts';
import { MediaFetch } from './media.ts';
import type { Meter } from './meter.ts';
import { refusedOurs } from './own-fault.ts';
import type { GatewayPorts, Permit } from './ports.ts';
import type { PromptSize } from './prompt-size.ts';
import { remaining, tires } from './remaining.ts';
import { type Failure, unasked, verdict } from './verdict.ts';

/** One try, as the record keeps it. */
export interface AttemptRecord {
  readonly endpoint: string;
  readonly provider: string;
  readonly model: string;
  /** The provider's HTTP status; 0 where it never answered. */
  readonly status: number;
  readonly code?: ErrorCode;
  readonly providerCode?: string;
  readonly latencyMs: number;
  /** It was one of two that ran for the first content: the other was given up, and is not paid by the caller. */
  readonly hedge?: 'won' | 'lost';
  /** Known once the answer has ended: it began with this word, which was meant for the server and not for its callers. */
  leaked?: string;
}

/** An attempt whose content is ready to be sent: failover ends here. */
export interface Winner {
  readonly attempt: Try;
  readonly candidate: Candidate;
  readonly encoded: EncodedRequest;
  /** Given back when the answer is over. */
  readonly permit: Permit;
  /** Everything read so far; it holds the first content, or a terminal event. */
  readonly first: readonly GenerationEvent[];
  /** The conversation it was given, where that is not all of it. */
  readonly fitted?: Fitted;
}

type Outcome = { readonly winner: Winner } | { readonly error: GatewayError };

interface Admitted {
  readonly candidate: Candidate;
  readonly permit: Permit;
}

/** A piece of an answer that broke off, and went on elsewhere. */
export interface Part {
  readonly winner: Winner;
  readonly meter: Meter;
  /** How many characters of text had been sent when it broke off. */
  readonly at: number;
}

export interface Execution {
  /** Who answered, or gave the rest of the answer. */
  readonly winner?: Winner;
  /** What came before the rest, where the answer broke off. */
  readonly parts?: readonly Part[];
  /** Why nobody answered, where nobody did. */
  readonly error?: GatewayError;
  readonly attempts: readonly AttemptRecord[];
  /** Bodies as sent, one for each provider tried, where the caller asked to see them. */
  readonly echoes: readonly string[];
  /** What plugins changed for the last host that was asked. */
  readonly pipeline?: readonly Stage[];
}

/**
 * Walks the plan until an attempt has content. What may be tried next is the error table's word (spec/inference 5.6); the bounds are
 * the plan itself, attempts per request, and the request's deadline.
 */
export class Walk {
  readonly #call: Call;
  /** What providers are told. */
  readonly #request: GenerationRequest;
  readonly #plan: Plan;
  readonly #size: PromptSize;
  readonly #ports: GatewayPorts;
  readonly #attempts: AttemptRecord[] = [];
  readonly #failures: Failure[] = [];
  readonly #echoes: string[] = [];
  /** Attempts under way: one, or two where one of them is to be given up. */
  readonly #open = new Map<Candidate, Try>();
  #stopped: GatewayError | undefined;
  /** What the last host that was asked was given, where that is not the whole conversation. */
  #fitted: Fitted | undefined;
  /** Set where the budget for retries is spent. */
  #retryMs: number | undefined;
  readonly #media: MediaFetch | undefined;

  constructor(call: Call, plan: Plan, size: PromptSize, ports: GatewayPorts) {
    this.#call = call;
    this.#size = size;
    this.#request = anonymous(call.request, call.caller.keyHash);
    this.#plan = plan;
    this.#ports = ports;
    const { downloader, limits } = ports;
    if (call.media.length > 0)
      this.#media = new MediaFetch(call.request, call.media, downloader, limits.mediaTotalBytesMax);
  }

  /** Ends the walk, and the attempt it is at, for a reason of our own. */
  stop(error: GatewayError): void {
    this.#stopped ??= error;
    this.#media?.cancel();
    for (const attempt of this.#open.values()) attempt.abort();
  }

  /** @param goesOn an answer that broke off: the request has been counted, and this is one more try at it */
  async run(goesOn = false): Promise<Execution> {
    const { request, client } = this.#call;
    if (request.stream) client.onGone(() => this.#clientGone());
    if (!this.#ports.retries.attempt(!goesOn)) return this.#execution({});
    let left = this.#plan.candidates;
    while (left.length > 0 && !this.#stopped && this.#attempts.length < this.#ports.limits.attemptsMax) {
      const admitted = this.#enter(left) ?? (await this.#queued(left));
      if (!admitted) break;
      const { candidate, permit } = admitted;
      if (this.#failures.length > 0 && !(await this.#again(candidate))) {
        permit.cancel();
        break;
      }
      let others = left[0] === candidate ? left.slice(1) : left.filter((one) => one !== candidate);
      const hedged = this.#attempts.length === 0 && this.#call.hedge ? this.#hedge(candidate, others) : undefined;
      let outcome: Outcome;
      try {
        outcome = await (hedged ? this.#race(admitted, hedged) : this.#try(admitted));
      } catch (error) {
        permit.cancel();
        throw error;
      }
      if ('winner' in outcome) {
        outcome.winner.permit.began();
        return this.#execution({ winner: outcome.winner });
      }
      if (this.#failures.length > 0 && hedged) others = others.filter((one) => one !== hedged.second);
      this.#failed(admitted, outcome.error);
      if (
        outcome.error.code === 'request_timeout' ||
        outcome.error.code === 'client_gone' ||
        (request.stream && client.gone)
      )
        break;
      left = remaining(others, candidate, outcome.error, this.#failures);
    }
    return this.#execution({ error: this.#stopped ?? this.#verdict(left) });
  }

  /** Whom else to ask where this host takes long, and when. */
  #hedge(first: Candidate, others: readonly Candidate[]): Hedge | undefined {
    const { hedges, roads, limits } = this.#ports;
    hedges.asked();
    if (limits.attemptsMax < 2) return undefined;
    const input = { first, others, request: this.#request, size: this.#size, snapshot: roads.snapshot };
    return hedge(input, hedges.limits);
  }

  /** Whoever has content first wins, and the other is given up. A host that fails in the meantime leaves it to the other. */
  async #race(first: Admitted, { second, afterMs }: Hedge): Promise<Outcome> {
    let late: Admitted | undefined;
    const begin = (): Promise<Outcome> | undefined => {
      late = this.#admitSecond(second);
      return late && this.#try(late);
    };
    const succeeded = (outcome: Outcome): boolean => 'winner' in outcome;
    const { outcome, by, before, pending } = await race(this.#try(first), begin, succeeded, afterMs, this.#ports.clock);
    if (!late) return outcome;
    if (before && 'error' in before) {
      const firstFailed = by === 'second';
      if ('winner' in outcome || !firstFailed) this.#failed(firstFailed ? first : late, before.error);
      else this.#failed(late, outcome.error);
      // Where both failed, the walk goes on from the first.
      return 'error' in outcome && firstFailed ? before : outcome;
    }
    const other = by === 'first' ? late : first;
    if (pending) this.#giveUp(other, by === 'second');
    if ('winner' in outcome) this.#fitted = outcome.winner.fitted;
    return outcome;
  }

  #failed({ candidate, permit }: Admitted, error: GatewayError): void {
    permit.release(error);
    this.#failures.push({ error, candidate });
  }

  #admitSecond(candidate: Candidate): Admitted | undefined {
    const { health, hedges, retries } = this.#ports;
    if (this.#stopped || this.#call.client.gone) return undefined;
    const permit = health.enter(candidate.endpoint, this.#credential(candidate), false);
    if (permit && hedges.take() && retries.attempt(false)) return { candidate, permit };
    permit?.cancel();
    return undefined;
  }

  /** The slower of two is left, and stands before the one that won. */
  #giveUp({ candidate, permit }: Admitted, first: boolean): void {
    const attempt = this.#open.get(candidate);
    if (!attempt) return;
    this.#open.delete(candidate);
    const won = this.#attempts.pop();
    const latencyMs = this.#record(candidate, attempt, undefined, 'lost').latencyMs;
    if (won) this.#attempts.push({ ...won, hedge: 'won' });
    // It would have taken longer than this: left out, its slow answers would be missing from what is slow for it.
    if (first)
      this.#ports.health.answered(candidate.endpoint, this.#credential(candidate), {
        firstContentMs: latencyMs,
        tokensPerSecond: undefined,
      });
    attempt.abort();
    permit.cancel();
  }

  #execution(end: Pick<Execution, 'winner' | 'error'>): Execution {
    const stage = this.#fitted && { pipeline: [this.#fitted.stage] };
    return { ...end, attempts: this.#attempts, echoes: this.#echoes, ...stage };
  }

  /** Where there was a failure: whether there may be one attempt more, and not before its time. */
  async #again({ provider }: Candidate): Promise<boolean> {
    const { retries } = this.#ports;
    if (this.#attempts.length > 0 && !retries.attempt(false)) {
      this.#retryMs = retries.waitMs();
      return false;
    }
    // Another provider is asked at once, the same one not before it could draw breath.
    const here = this.#failures.filter(({ error, candidate }) => candidate.provider.id === provider.id && tires(error));
    if (here.length > 0) await retries.pause(here.length);
    return !this.#stopped && !(this.#call.request.stream && this.#call.client.gone);
  }

  #verdict(left: readonly Candidate[]): GatewayError {
    if (this.#failures.length > 0 || left.length === 0) {
      const error = verdict(this.#failures, this.#plan);
      return this.#retryMs === undefined ? error : { ...error, facts: { retryAfterMs: this.#retryMs, ...error.facts } };
    }
    const { health } = this.#ports;
    const resting = left.map((candidate) => ({
      candidate,
      limited: health.standing(candidate.endpoint.id).resting === 'cooldown',
      waitMs: health.waitMs(candidate.endpoint, this.#credential(candidate)),
    }));
    return unasked(resting, this.#plan);
  }

  /** The first that may be asked now; where none may, the first that lets itself be asked all the same. */
  #enter(left: readonly Candidate[]): Admitted | undefined {
    for (const lastResort of [false, true]) {
      for (const candidate of left) {
        const permit = this.#ports.health.enter(candidate.endpoint, this.#credential(candidate), lastResort);
        if (permit) return { candidate, permit };
      }
    }
    return undefined;
  }

  /** All of them have enough to do: the first waits for a moment. */
  async #queued(left: readonly Candidate[]): Promise<Admitted | undefined> {
    for (const candidate of left) {
      const queued = this.#ports.health.queue(candidate.endpoint, this.#credential(candidate));
      if (!queued) continue;
      const permit = await queued;
      return permit && { candidate, permit };
    }
    return undefined;
  }

  #credential({ provider }: Candidate): string {
    const route = this.#ports.roads.routes.get(provider.id);
    return route ? credentialId(route) : '';
  }

  async #try({ candidate, permit }: Admitted): Promise<Outcome> {
    const { provider } = candidate;
    const { roads, limits } = this.#ports;
    const { startedAt } = this.#call;
    const fit = fitted(candidate, this.#request, this.#size, this.#call.dialect.id);
    if (fit && 'error' in fit) return fit;
    this.#fitted = fit?.value;
    const request = fit?.value.request ?? this.#request;
    const route = roads.routes.get(provider.id);
    const missing = this.#media?.missing(provider, request);
    const filled = missing && missing.length > 0 ? await this.#filled(candidate, request, missing) : undefined;
    if (filled?.ok === false) return { error: filled.error };
    const asked = ask(candidate, filled?.value ?? request, this.#ports);
    if (!route || !asked) return { error: gatewayError('internal', `no road to ${provider.id}`) };
    const { dialect, target, check } = asked;
    const encoded = fit ? withGap(asked.encoded, fit.value) : asked.encoded;
    const unable = encoded.unable ?? tooLarge(provider, encoded);
    if (unable !== undefined) return { error: hostUnable(provider, unable) };
    if (request.echoUpstreamBody) this.#echoes.push(String(Buffer.from(wholeBody(encoded))));
    const attempt = this.#ports.begin({
      route,
      dialect,
      target,
      encoded,
      stream: request.stream,
      limits,
      requestDeadline: startedAt + limits.requestTotalMsMax,
    });
    this.#open.set(candidate, attempt);
    const opened = await attempt.open();
    if (attempt.rate) permit.told(attempt.rate);
    const read = opened
      ? { first: [], error: opened }
      : await (check ? untilChecked(attempt, check) : untilContent(attempt));
    if (this.#open.get(candidate) !== attempt) return givenUp(attempt);
    const error = read.error && this.#judged(read.error, candidate, encoded);
    this.#record(candidate, attempt, error);
    if (error) {
      this.#open.delete(candidate);
      return { error };
    }
    return { winner: { attempt, candidate, encoded, permit, first: read.first, ...(fit && { fitted: fit.value }) } };
  }

  /** The first refusal of something that only we said is not the caller's to hear: another host is asked. */
  #judged(error: GatewayError, { endpoint }: Candidate, encoded: EncodedRequest): GatewayError {
    if (this.#failures.some((failure) => failure.error.code === 'upstream_refused_ours')) return error;
    const field = refusedOurs(error, encoded, this.#call.wire);
    if (field === undefined) return error;
    this.#ports.log.error(
      { generation: this.#call.id, endpoint: endpoint.id, field, raw: error.facts.raw },
      'a provider refused a field that was translated for it',
    );
    return gatewayError('upstream_refused_ours', error.message, error.facts);
  }

  /** The request with what this host does not fetch itself, where it may hold so much. */
  async #filled(
    { provider }: Candidate,
    request: GenerationRequest,
    missing: readonly PlacedMedia[],
  ): Promise<Result<GenerationRequest, GatewayError>> {
    const { client } = this.#call;
    const filled = await (this.#media?.filled(request, missing) ?? ok(request));
    if (this.#stopped) return fail(this.#stopped);
    if (request.stream && client.gone) return fail(gatewayError('client_gone', 'aborted'));
    if (!filled.ok) return filled;
    const beyond = beyondLimits(provider, filled.value, mediaOf(filled.value));
    return beyond === undefined ? filled : fail(hostUnable(provider, beyond));
  }

  /** Where leaving stops the bill, the provider is left too; elsewhere the answer is awaited for its count (spec/inference 3.6). */
  #clientGone(): void {
    this.#media?.cancel();
    for (const [{ provider }, attempt] of this.#open) if (provider.cancellation) attempt.abort();
  }

  #record(
    candidate: Candidate,
    attempt: Try,
    error: GatewayError | undefined,
    hedge?: AttemptRecord['hedge'],
  ): AttemptRecord {
    const { log, clock } = this.#ports;
    const record: AttemptRecord = {
      endpoint: candidate.endpoint.id,
      provider: candidate.provider.name,
      model: candidate.model.id,
      status: error?.facts.providerStatus ?? attempt.status,
      latencyMs: Math.round(clock.monotonic() - attempt.startedAt),
      ...(error && { code: error.code }),
      ...(error?.facts.providerCode !== undefined && { providerCode: error.facts.providerCode }),
      ...(hedge && { hedge }),
    };
    this.#attempts.push(record);
    if (error && error.code !== 'client_gone')
      log.warn({ generation: this.#call.id, ...record, raw: error.facts.raw }, 'attempt failed');
    return record;
  }
}

/** An attempt that nobody waits for any more is read to its end, which comes at once. */
async function givenUp(attempt: Try): Promise<Outcome> {
  attempt.abort();
  while (!attempt.ended) await attempt.read();
  return { error: gatewayError('client_gone', 'given up for another host') };
}

const hostUnable = ({ name }: Provider, why: string): GatewayError =>
  gatewayError('host_unable', `${name} ${why}`, { providerName: name });

/** Limits on whole requests are held to what is sent, byte by byte. */
function tooLarge({ bodyBytesMax }: Provider, { body, verbatim = [] }: EncodedRequest): string | undefined {
  if (bodyBytesMax === undefined) return undefined;
  const bytes = verbatim.reduce((sum, one) => sum + one.bytes.byteLength, Buffer.byteLength(body));
  return bytes > bodyBytesMax ? bodyTooLarge(bodyBytesMax) : undefined;
}
