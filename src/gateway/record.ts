import type { ErrorCode } from '../canon/errors.ts';
import type { Counts } from '../canon/units.ts';
import type { Price } from '../ledger/price.ts';
import type { Candidate, Plan } from '../router/candidate.ts';
import type { Call } from './call.ts';
import type { Flip } from './conversations.ts';
import type { AttemptRecord, Execution } from './execute.ts';
import type { KeptPlan } from './kept-plan.ts';
import type { Meter } from './meter.ts';
import { summed } from './sums.ts';

/**
 * What is kept of a generation. With `lines` anybody can recompute the charge; with `seed` and `snapshot` anybody can replay the plan.
 */
export type GenerationRecord = {
  /** The slug that served, or was asked for where nobody did. */
  readonly model: string;
  readonly provider: string | null;
  readonly endpoint: string | null;
  readonly upstreamId: string | null;
  /** What was asked for: an answer, or something else. */
  readonly operation: string;
  /** The router that chose the model, where one did. */
  readonly router?: string;
  readonly streamed: boolean;
  readonly cancelled: boolean;
  readonly finish: string | null;
  readonly nativeFinish: string | null;
  readonly error: ErrorCode | null;
  /** Milliseconds from acceptance to the end, to the first content, and between the two. */
  readonly latencyMs: number;
  readonly firstContentMs: number | null;
  readonly generationMs: number | null;
  readonly counts: Counts;
  /** True where we counted because the provider did not. */
  readonly estimated: boolean;
  /** Unit, quantity, pico-dollars per unit. */
  readonly lines: readonly (readonly [string, number, string])[];
  /** Whose lines they are, in order, where an answer broke off and went on elsewhere. */
  readonly parts?: readonly PartRecord[];
  /** Pico-dollars for an input token that no cache has to do with: what caching saved or cost is told against it. */
  readonly inputPrice?: string;
  /** The conversation moved away from the endpoint that had it in its cache: how many tokens that was, and pico-dollars lost by it. */
  readonly flip?: { readonly from: string; readonly tokens: number; readonly lost: string };
  /** Why the lines were not charged, where they were not. */
  readonly waived: string | null;
  /** The provider's own usage object, as it came. */
  readonly usageRaw: unknown;
  readonly serviceTier: string | null;
  readonly snapshot: string;
  readonly seed: number;
  /** What the plan was made from; absent in records from before it was kept. */
  readonly plan?: KeptPlan;
  readonly attempts: readonly AttemptRecord[];
  readonly dropped: readonly string[];
  readonly sessionId: string | null;
  /** Absent in records from before there were presets. */
  readonly presetId?: string | null;
  /** The generation whose answer was given again, where it came from the cache. */
  readonly cacheSourceId?: string;
  readonly user: string | null;
  readonly referer: string | null;
  readonly title: string | null;
  readonly userAgent: string | null;
};

/** A piece of an answer, by one host. */
export interface PartRecord {
  readonly provider: string;
  readonly endpoint: string;
  readonly upstreamId: string | null;
  /** Where it broke off, in characters of the text; null for the last. */
  readonly brokeAt: number | null;
  readonly counts: Counts;
  readonly estimated: boolean;
  readonly usageRaw: unknown;
  /** How many of the lines are its own. */
  readonly lines: number;
  /** Pico-dollars for an input token of it. */
  readonly inputPrice: string;
}

export interface RecordInput {
  readonly call: Call;
  readonly plan: Plan;
  readonly execution: Execution;
  readonly meter: Meter | undefined;
  readonly price: Price | undefined;
  /** The prices of all parts, where there are several. */
  readonly partPrices?: readonly Price[] | undefined;
  readonly flip?: Flip | undefined;
  readonly waived: string | undefined;
  readonly cancelled: boolean;
  readonly error: ErrorCode | undefined;
  /** Monotonic. */
  readonly endedAt: number;
}

/** The router that chose who served; where nobody did, the first that was asked. */
function routerOf({ models, routed }: Plan, candidate: Candidate | undefined): { readonly router?: string } {
  const router = candidate ? models.find(({ model }) => model.id === candidate.model.id)?.router : routed?.[0]?.slug;
  return router === undefined ? {} : { router };
}

export function recordOf({
  call,
  plan,
  execution,
  meter,
  price,
  partPrices,
  flip,
  waived,
  cancelled,
  error,
  endedAt,
}: RecordInput): GenerationRecord {
  const { request, origin } = call;
  const candidate = execution.winner?.candidate;
  const { parts } = execution;
  const last = meter?.usage();
  const usage = parts && last ? summed([...parts.map((part) => part.meter.usage()), last]) : last;
  const first = parts?.[0]?.meter.firstContentMs ?? meter?.firstContentMs;
  const latencyMs = Math.round(endedAt - call.startedAt);
  return {
    model: candidate?.model.id ?? plan.models[0]?.model.id ?? request.model ?? '',
    provider: candidate?.provider.name ?? null,
    endpoint: candidate?.endpoint.id ?? null,
    upstreamId: meter?.upstreamId ?? null,
    operation: request.operation?.kind ?? 'completions',
    ...(plan.routed && routerOf(plan, candidate)),
    streamed: request.stream,
    cancelled,
    finish: meter?.finish ?? null,
    nativeFinish: meter?.nativeFinish ?? null,
    error: error ?? null,
    latencyMs,
    firstContentMs: first === undefined ? null : Math.round(first),
    generationMs: first === undefined ? null : Math.max(0, latencyMs - Math.round(first)),
    counts: usage?.counts ?? {},
    estimated: usage?.estimated ?? false,
    lines: price?.lines.map((line) => [line.unit, line.quantity, line.price.toString()] as const) ?? [],
    ...(parts && meter && partPrices && { parts: partRecords(execution, meter, partPrices) }),
    ...(price && { inputPrice: price.input.toString() }),
    ...(flip && { flip: { ...flip, lost: flip.lost.toString() } }),
    waived: waived ?? null,
    usageRaw: last?.raw ?? null,
    serviceTier: meter?.serviceTier ?? null,
    snapshot: plan.snapshotId,
    seed: plan.seed,
    plan: call.planRecord(),
    attempts: execution.attempts,
    dropped: execution.winner?.encoded.dropped.map((dropped) => dropped.pointer) ?? [],
    sessionId: request.sessionId ?? origin.sessionId ?? null,
    presetId: call.presetId ?? null,
    user: request.user ?? null,
    referer: origin.referer ?? null,
    title: origin.title ?? null,
    userAgent: origin.userAgent ?? null,
  };
}

function partRecords({ parts = [], winner }: Execution, meter: Meter, prices: readonly Price[]): readonly PartRecord[] {
  const all = [...parts, ...(winner ? [{ winner, meter, at: null }] : [])];
  return all.map((part, index) => {
    const usage = part.meter.usage();
    const own = prices[index];
    return {
      provider: part.winner.candidate.provider.name,
      endpoint: part.winner.candidate.endpoint.id,
      upstreamId: part.meter.upstreamId ?? null,
      brokeAt: part.at,
      counts: usage.counts,
      estimated: usage.estimated,
      usageRaw: usage.raw ?? null,
      lines: own?.lines.length ?? 0,
      inputPrice: own?.input.toString() ?? '0',
    };
  });
}
