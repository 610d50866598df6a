import { type ErrorCode, errorRow, type GatewayError, gatewayError, type PreviousError } from '../canon/errors.ts';
import { type GenerationEvent, isContent } from '../canon/event.ts';
import { EFFORTS, type Effort } from '../canon/request.ts';
import { type ErrorRule, QUIRK_IDS, type Quirk, type Target } from '../canon/target.ts';
import type { EncodedRequest } from '../dialects/dialect.ts';
import { wireOf } from '../dialects/operations.ts';
import type { Candidate, Plan } from '../router/candidate.ts';
import { Attempt } from '../upstream/attempt.ts';
import type { Call } from './call.ts';
import type { GatewayPorts } from './ports.ts';

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
}

/** An attempt whose content is ready to be sent: failover ends here. */
export interface Winner {
  readonly attempt: Attempt;
  readonly candidate: Candidate;
  readonly encoded: EncodedRequest;
  /** Everything read so far; it holds the first content, or a terminal event. */
  readonly first: readonly GenerationEvent[];
}

export interface Execution {
  readonly winner?: Winner;
  /** Why nobody answered, where nobody did. */
  readonly error?: GatewayError;
  readonly attempts: readonly AttemptRecord[];
  /** Bodies as sent, one for each provider tried, where the caller asked to see them. */
  readonly echoes: readonly string[];
}

/**
 * Walks the plan until an attempt has content. What may be tried next is the error table's word (spec/inference 5.6); the bounds are
 * the plan itself, attempts per request, and the request's deadline.
 */
export class Walk {
  readonly #call: Call;
  readonly #plan: Plan;
  readonly #ports: GatewayPorts;
  readonly #attempts: AttemptRecord[] = [];
  readonly #failures: { error: GatewayError; candidate: Candidate }[] = [];
  readonly #echoes: string[] = [];
  #current: { attempt: Attempt; candidate: Candidate } | undefined;
  #stopped: GatewayError | undefined;

  constructor(call: Call, plan: Plan, ports: GatewayPorts) {
    this.#call = call;
    this.#plan = plan;
    this.#ports = ports;
  }

  /** Ends the walk, and the attempt it is at, for a reason of our own. */
  stop(error: GatewayError): void {
    this.#stopped ??= error;
    this.#current?.attempt.abort();
  }

  async run(): Promise<Execution> {
    const { request, client } = this.#call;
    if (request.stream) client.onGone(() => this.#clientGone());
    let left = [...this.#plan.candidates];
    while (left.length > 0 && !this.#stopped && this.#attempts.length < this.#ports.limits.attemptsMax) {
      const [candidate, ...others] = left;
      if (!candidate) break;
      const outcome = await this.#try(candidate);
      if ('winner' in outcome) return { winner: outcome.winner, attempts: this.#attempts, echoes: this.#echoes };
      this.#failures.push({ error: outcome.error, candidate });
      if (
        outcome.error.code === 'request_timeout' ||
        outcome.error.code === 'client_gone' ||
        (request.stream && client.gone)
      )
        break;
      left = remaining(others, candidate, outcome.error);
    }
    return { error: this.#stopped ?? this.#verdict(), attempts: this.#attempts, echoes: this.#echoes };
  }

  async #try(candidate: Candidate): Promise<{ winner: Winner } | { error: GatewayError }> {
    const { provider, endpoint } = candidate;
    const { roads, limits, health } = this.#ports;
    const { request, startedAt } = this.#call;
    const route = roads.routes.get(provider.id);
    const dialect = wireOf(provider.dialect, request.operation?.kind);
    if (!route || !dialect) return { error: gatewayError('internal', `no road to ${provider.id}`) };
    const target = targetOf(candidate, this.#ports);
    // A host that only streams is asked for a stream; its answer is put together for callers who wanted it whole (UP-062).
    const streams = !request.stream && target.quirks.has('stream-only');
    const encoded = dialect.encodeRequest(streams ? { ...request, stream: true } : request, target);
    if (encoded.unable !== undefined)
      return {
        error: gatewayError('host_unable', `${provider.name} ${encoded.unable}`, { providerName: provider.name }),
      };
    if (request.echoUpstreamBody) this.#echoes.push(encoded.body);
    const attempt = new Attempt(
      {
        route,
        dialect,
        target,
        encoded,
        stream: request.stream,
        limits,
        requestDeadline: startedAt + limits.requestTotalMsMax,
      },
      this.#ports,
    );
    this.#current = { attempt, candidate };
    const opened = await attempt.open();
    const { first, error } = opened ? { first: [], error: opened } : await untilContent(attempt);
    this.#record(candidate, attempt, error);
    if (error) {
      if (errorRow(error.code).health) health.record(endpoint.id, 'failed');
      return { error };
    }
    return { winner: { attempt, candidate, encoded, first } };
  }

  /** Where leaving stops the bill, the provider is left too; elsewhere the answer is awaited for its count (spec/inference 3.6). */
  #clientGone(): void {
    if (this.#current?.candidate.provider.cancellation) this.#current.attempt.abort();
  }

  #record(candidate: Candidate, attempt: Attempt, error: GatewayError | undefined): void {
    const { log, clock } = this.#ports;
    const record: AttemptRecord = {
      endpoint: candidate.endpoint.id,
      provider: candidate.provider.name,
      model: candidate.model.id,
      status: error?.facts.providerStatus ?? attempt.status,
      latencyMs: Math.round(clock.monotonic() - attempt.startedAt),
      ...(error && { code: error.code }),
      ...(error?.facts.providerCode !== undefined && { providerCode: error.facts.providerCode }),
    };
    this.#attempts.push(record);
    if (error && error.code !== 'client_gone')
      log.warn({ generation: this.#call.id, ...record, raw: error.facts.raw }, 'attempt failed');
  }

  /** The error the caller gets: what all attempts agree on, otherwise the last one (spec/inference 4.6). */
  #verdict(): GatewayError {
    const last = this.#failures.at(-1);
    if (!last) return gatewayError('internal', 'the plan was empty');
    const { error, candidate } = last;
    const previous = this.#failures.slice(0, -1).map(previousError);
    const waits = this.#failures.flatMap((failure) => failure.error.facts.retryAfterMs ?? []);
    const agreed = agreement(this.#failures.map((failure) => failure.error));
    const { retryAfterMs: _ownWait, ...own } = error.facts;
    const facts = {
      ...own,
      providerName: candidate.provider.name,
      ...(previous.length > 0 && { previous }),
      ...(waits.length > 0 && { retryAfterMs: Math.min(...waits) }),
    };
    if (error.code === 'request_timeout') return gatewayError(error.code, error.message, facts);
    if (!agreed) return gatewayError(error.code, error.message, facts);
    const { code, retryable } = agreed;
    const requestedModels = this.#plan.models.map((model) => model.requested);
    const affectedProviders = [...new Set(this.#failures.map((failure) => failure.candidate.provider.name))];
    return gatewayError(code, error.message, {
      ...facts,
      availability: { code, retryable, requestedModels, affectedProviders },
    });
  }
}

const previousError = ({ error, candidate }: { error: GatewayError; candidate: Candidate }): PreviousError => ({
  provider: candidate.provider.name,
  code: error.facts.providerCode ?? error.code,
  status: error.facts.providerStatus ?? errorRow(error.code).status,
});

/** What may be tried after this failure: never what the error table forbids. */
function remaining(others: readonly Candidate[], failed: Candidate, error: GatewayError): Candidate[] {
  const { next } = errorRow(error.code);
  if (next === 'none') return [];
  if (next === 'endpoint') return [...others];
  const other = (candidate: Candidate): boolean => candidate.model.id !== failed.model.id;
  if (next === 'model') return others.filter(other);
  const window = failed.endpoint.contextLength ?? 0;
  return others.filter((candidate) => other(candidate) || (candidate.endpoint.contextLength ?? 0) > window);
}

function agreement(
  errors: readonly GatewayError[],
):
  | { code: 'capacity_exhausted' | 'temporarily_unavailable' | 'model_unavailable_upstream'; retryable: boolean }
  | undefined {
  const all = (test: (error: GatewayError) => boolean): boolean => errors.every(test);
  if (all((error) => error.code === 'upstream_rate_limited')) return { code: 'capacity_exhausted', retryable: true };
  if (all((error) => error.code === 'upstream_not_found'))
    return { code: 'model_unavailable_upstream', retryable: false };
  const unavailable = (error: GatewayError): boolean => {
    const { status, next } = errorRow(error.code);
    return (
      next === 'endpoint' &&
      (status >= 500 || status === 408) &&
      error.code !== 'upstream_auth' &&
      error.code !== 'upstream_quota'
    );
  };
  return errors.length > 1 && all(unavailable) ? { code: 'temporarily_unavailable', retryable: true } : undefined;
}

/** Reads until there is content to send or the answer is over. Role-only chunks and comments are neither. */
async function untilContent(attempt: Attempt): Promise<{ first: readonly GenerationEvent[]; error?: GatewayError }> {
  let first: readonly GenerationEvent[] = [];
  while (!attempt.ended || first.length === 0) {
    const events = await attempt.read();
    if (events.length === 0) break;
    first = first.length === 0 ? events : [...first, ...events];
    if (events.some(isContent)) {
      attempt.contentSeen();
      return { first };
    }
    const last = events.at(-1);
    if (last?.type === 'generation-error') return { first, error: last.error };
    if (last?.type === 'generation-end') return { first };
  }
  return { first, error: gatewayError('upstream_empty', 'Provider returned an empty answer') };
}

const isQuirk = (name: string): name is Quirk => (QUIRK_IDS as readonly string[]).includes(name);
const isEffort = (name: string): name is Effort => (EFFORTS as readonly string[]).includes(name);

const errorRule = ({ status, code, text, means }: NonNullable<Candidate['provider']['errors']>[number]): ErrorRule => ({
  means,
  ...(status && { status }),
  ...(code !== undefined && { code: new RegExp(code, 'i') }),
  ...(text !== undefined && { text: new RegExp(text, 'i') }),
});

const targets = new WeakMap<Candidate['endpoint'], Target>();

/** What the codec may know of the endpoint; the same for every request, so it is made once. */
export function targetOf({ endpoint, provider, model }: Candidate, ports: GatewayPorts): Target {
  const known = targets.get(endpoint);
  if (known) return known;
  const efforts = endpoint.efforts ?? provider.efforts ?? model.reasoning?.efforts;
  const maxOutputTokens = endpoint.maxOutputTokens ?? model.maxOutputTokens;
  const contextLength = endpoint.contextLength ?? model.contextLength;
  const target: Target = {
    upstreamModel: endpoint.upstreamModel,
    quirks: new Set(provider.quirks.filter(isQuirk)),
    parameters: ports.roads.snapshot.parameters(endpoint),
    extraFields: provider.extraFields === 'all' ? 'all' : new Set(provider.extraFields),
    ...(efforts && { efforts: efforts.filter(isEffort) }),
    ...(provider.temperatureMax !== undefined && { temperatureMax: provider.temperatureMax }),
    ...(maxOutputTokens !== undefined && { maxOutputTokens }),
    ...(contextLength !== undefined && { contextLength }),
    ...(provider.stopsMax !== undefined && { stopsMax: provider.stopsMax }),
    ...(provider.errors && { errors: provider.errors.map(errorRule) }),
  };
  targets.set(endpoint, target);
  return target;
}
