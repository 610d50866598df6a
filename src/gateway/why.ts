import { errorRow, type GatewayError } from '../canon/errors.ts';
import type { Candidate, PlannedModel, Rejection } from '../router/candidate.ts';
import { planned } from '../router/plan.ts';
import { orderDigest, replayed } from '../router/record.ts';
import type { Standing } from '../router/standing.ts';
import { type KeptPlan, type RefusalRecord, refusalError } from './kept-plan.ts';
import type { Roads } from './ports.ts';
import type { GenerationRecord } from './record.ts';

type Json = Record<string, unknown>;

/** A request that is over, as the store has it. */
export interface Past {
  readonly id: string;
  readonly createdAt: number;
  readonly state: 'settled' | 'voided' | 'refused';
  /** Of a refusal a {@link RefusalRecord}, otherwise a {@link GenerationRecord}. */
  readonly document: unknown;
}

/** What a past plan comes to now, or came to. */
interface Replay {
  readonly models: readonly PlannedModel[];
  readonly candidates: readonly Candidate[];
  readonly error: GatewayError | undefined;
  /** It is what was planned then. */
  readonly exact: boolean;
}

/**
 * Why a request went where it went (docs/explain.md): the plan once more, from its record, and what came of it.
 * @param roads as they are now, and before them as they were, the latest first
 */
export function why(past: Past, roads: readonly Roads[]): Json {
  const refused = past.state === 'refused' ? (past.document as RefusalRecord) : undefined;
  const record = refused ? undefined : (past.document as GenerationRecord);
  const kept = refused ? refused.plan : record?.plan;
  const error = refused ? refusalError(refused) : undefined;
  const replay = kept && best(kept, roads, error);
  const facts: Json = {
    id: past.id,
    created_at: new Date(past.createdAt).toISOString(),
    state: past.state,
    ...(kept && looked(kept)),
    replay: replay
      ? { exact: replay.exact, ...(!replay.exact && { note: NOT_EXACT }) }
      : { exact: false, note: unplanned(kept, record) },
    ...(replay && listed(replay, record, kept)),
    attempts: (record?.attempts ?? []).map(({ latencyMs, providerCode, ...rest }) => ({
      ...rest,
      ...(providerCode !== undefined && { provider_code: providerCode }),
      latency_ms: latencyMs,
    })),
    winner: record?.endpoint ? { endpoint: record.endpoint, provider: record.provider, model: record.model } : null,
    error: error
      ? errorWire(error)
      : record?.error
        ? { code: record.error, status: errorRow(record.error).status }
        : null,
  };
  return { ...facts, summary: summary(replay, record, error) };
}

const NOT_EXACT =
  'The catalogue or the configuration has changed since: this is what the same request would come to now.';
const NO_ROADS = 'No catalogue is loaded to replay the plan with.';
const CACHED = 'The answer came from the response cache: nobody was planned for.';
const NO_RECORD = 'This request is from before plans were kept.';
const NOT_PLANNED = 'The request was refused before it was planned.';

function unplanned(kept: KeptPlan | undefined, record: GenerationRecord | undefined): string {
  if (kept) return NO_ROADS;
  if (!record) return NOT_PLANNED;
  return record.cacheSourceId == null ? NO_RECORD : CACHED;
}

/** With the state of the installation in which it comes to what it came to; where there is none, with the present one. */
function best(kept: KeptPlan, roads: readonly Roads[], error: GatewayError | undefined): Replay | undefined {
  let first: Replay | undefined;
  for (const one of roads) {
    const replay = replayOf(kept, one, error);
    if (replay.exact) return replay;
    first ??= replay;
  }
  return first;
}

function replayOf(
  kept: KeptPlan,
  { snapshot, unroutable, defaultModel }: Roads,
  error: GatewayError | undefined,
): Replay {
  const { models, result } = planned(replayed(kept, { snapshot, unroutable, defaultModel }));
  const candidates = result.ok ? result.value.candidates : [];
  const same = result.ok
    ? kept.digest === orderDigest(result.value)
    : kept.digest === undefined && error?.code === result.error.code;
  return {
    models,
    candidates,
    error: result.ok ? undefined : result.error,
    exact: same && kept.snapshot === snapshot.id,
  };
}

/** Everything that the plan was made from. */
const looked = ({ seed, snapshot, at, tokens, sticky, policy, defaultModel, request }: KeptPlan): Json => ({
  seed,
  snapshot,
  inputs: {
    ...(at !== undefined && { at: new Date(at).toISOString() }),
    prompt_tokens: tokens,
    request,
    ...(defaultModel !== undefined && { default_model: defaultModel }),
    ...(sticky !== undefined && { sticky_endpoint: sticky }),
    ...(policy && { policy }),
  },
});

function listed(replay: Replay, record: GenerationRecord | undefined, kept: KeptPlan | undefined): Json {
  const attempted = new Set(record?.attempts.map(({ endpoint }) => endpoint));
  const inexact = new Set(kept?.inexact);
  return {
    models: replay.models.map(({ requested, model, error }) => ({
      requested,
      model: model.id,
      ...(error && { error: errorWire(error) }),
    })),
    candidates: replay.candidates.map((candidate, index) => ({
      position: index + 1,
      ...placeWire(candidate),
      model: candidate.model.id,
      reason: candidate.reason,
      usd_per_million: candidate.price,
      ...(candidate.chance !== undefined && { chance: candidate.chance }),
      standing: standingWire(candidate.standing),
      ...(inexact.has(candidate.endpoint.id) && { left_out: 'could not be told every part of the request' }),
      attempted: attempted.has(candidate.endpoint.id),
      won: record?.endpoint === candidate.endpoint.id,
    })),
    rejected: replay.models.flatMap(({ model, rejected }) =>
      rejected.map((one) => ({ ...placeWire(one), model: model.id, rule: one.rule, reason: one.reason })),
    ),
  };
}

const placeWire = ({ endpoint, provider }: Pick<Rejection, 'endpoint' | 'provider'>): Json => ({
  endpoint: endpoint.id,
  provider: provider.name,
});

const standingWire = ({ outage, uptime, resting, trial, weight, latency, throughput }: Standing): Json => ({
  outage,
  uptime,
  ...(resting !== undefined && { resting }),
  ...(trial && { trial }),
  weight,
  ...(latency && { latency_ms: latency }),
  ...(throughput && { tokens_per_second: throughput }),
});

function errorWire({ code, message, facts: { rule, limit, current, resetsAt } }: GatewayError): Json {
  return {
    code,
    status: errorRow(code).status,
    message,
    rule: rule ?? code,
    ...(limit !== undefined && { limit }),
    ...(current !== undefined && { current }),
    ...(resetsAt !== undefined && { resets_at: resetsAt === null ? null : new Date(resetsAt).toISOString() }),
  };
}

/** What happened, in one sentence or two. */
function summary(
  replay: Replay | undefined,
  record: GenerationRecord | undefined,
  refused: GatewayError | undefined,
): string {
  if (refused) return `Refused by the rule ${refused.facts.rule ?? refused.code}: ${refused.message}`;
  if (record?.cacheSourceId != null)
    return `Answered from the response cache with what ${record.cacheSourceId} was answered.`;
  const attempts = record?.attempts ?? [];
  const failed = attempts.filter(({ code }) => code !== undefined);
  const fell = failed.map(({ provider, code }) => `${provider} (${code})`).join(', ');
  if (!record?.endpoint)
    return `Nobody answered: ${fell === '' ? 'no host was asked' : `${fell} failed`}; the caller was told ${record?.error ?? 'nothing'}.`;
  const winner = replay?.candidates.find(({ endpoint }) => endpoint.id === record.endpoint);
  const place = winner && replay?.exact ? `, which was ${winner.reason}` : '';
  return `Served by ${record.provider}${place}${fell === '' ? '' : `, after ${fell} failed`}.${record.error === null ? '' : ` It broke: ${record.error}.`}`;
}
