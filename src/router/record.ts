import { NO_POLICY, type RoutingPolicy } from '../canon/policy.ts';
import type { Endpoint } from '../catalogue/types.ts';
import type { Plan } from './candidate.ts';
import type { Percentiles } from './histogram.ts';
import type { Size } from './limits.ts';
import type { PlanInput } from './plan.ts';
import { type Skeleton, skeletonOf, standIn } from './skeleton.ts';
import { type Standing, UNTRIED } from './standing.ts';

/**
 * Everything that a plan was made from beside the catalogue and the operator's configuration, as JSON and as short as it can be: what
 * is usual is left out. With the same catalogue and configuration it gives the same plan; with others it tells what they would change.
 */
export interface PlanRecord {
  readonly seed: number;
  readonly snapshot: string;
  /** Milliseconds since 1970: the hour that dates are held against. */
  readonly at?: number;
  /** The prompt's size before any endpoint's own way of counting. */
  readonly tokens: number;
  /** Endpoints whose counts were known to differ from what their tokenizer makes of it: likely, and seldom exceeded. */
  readonly sizes?: Readonly<Record<string, readonly [number, number]>>;
  /** Of endpoints that had been tried; of these only what is unusual. */
  readonly standings?: Readonly<Record<string, StoredStanding>>;
  /** The endpoint that had the conversation in its cache. */
  readonly sticky?: string;
  /** What the operator asked of every request then. */
  readonly policy?: RoutingPolicy;
  /** The model that was taken because the request named none. */
  readonly defaultModel?: string;
  /** What a router took the request for; null where it could not tell. */
  readonly taskType?: string | null;
  readonly request: Skeleton;
}

/** Percentiles as a list: p50, p75, p90, p95, p99. */
type Figures = readonly [number, number, number, number, number];

type StoredStanding = Partial<Omit<Standing, 'latency' | 'throughput'>> & {
  readonly latency?: Figures;
  readonly throughput?: Figures;
};

type Source = Pick<PlanInput, 'standing' | 'promptTokens' | 'sizeAt' | 'snapshot'>;

/**
 * Stands between the planner and what changes by itself: the planner sees each value once, and what it saw is kept. Of endpoints that
 * nobody has tried, and of counts that anybody can work out, nothing is kept.
 */
export class Witness {
  readonly #source: Source;
  #standings: Map<string, Standing> | undefined;
  #sizes: Map<string, Size> | undefined;

  constructor(source: Source) {
    this.#source = source;
  }

  readonly standing = (endpointId: string): Standing => {
    const seen = this.#standings?.get(endpointId);
    if (seen) return seen;
    const standing = this.#source.standing(endpointId);
    if (standing !== UNTRIED) {
      this.#standings ??= new Map();
      this.#standings.set(endpointId, standing);
    }
    return standing;
  };

  readonly sizeAt = (endpoint: Endpoint): Size => {
    const seen = this.#sizes?.get(endpoint.id);
    if (seen) return seen;
    const { promptTokens, sizeAt, snapshot } = this.#source;
    const size = sizeAt ? sizeAt(endpoint) : { likely: promptTokens, most: promptTokens };
    const usual = promptTokens * snapshot.tokenFactor(endpoint);
    if (size.likely !== Math.round(usual) || size.most !== Math.ceil(usual)) {
      this.#sizes ??= new Map();
      this.#sizes.set(endpoint.id, size);
    }
    return size;
  };

  /**
   * @param input what the planner was given, with this witness in it
   * @param routed by which routers, where one chose the model
   */
  record(input: PlanInput, routed?: Plan['routed']): PlanRecord {
    const { request, media = [], snapshot, policy = NO_POLICY, now, sticky, defaultModel } = input;
    const named = request.model !== undefined || request.fallbacks.length > 0;
    const record: { -readonly [K in keyof PlanRecord]: PlanRecord[K] } = {
      seed: input.seed,
      snapshot: snapshot.id,
      tokens: input.promptTokens,
      request: skeletonOf(request, media, snapshot),
    };
    if (now !== undefined) record.at = now;
    if (this.#sizes) record.sizes = object(this.#sizes, ({ likely, most }) => [likely, most] as const);
    if (this.#standings) record.standings = object(this.#standings, stored);
    if (sticky !== undefined) record.sticky = sticky;
    if (policy !== NO_POLICY && said(policy)) record.policy = policy;
    if (!named && defaultModel !== undefined) record.defaultModel = defaultModel;
    if (routed) record.taskType = routed.find(({ taskType }) => taskType !== undefined)?.taskType ?? null;
    return record;
  }
}

const said = (policy: RoutingPolicy): boolean => Object.values(policy).some((value) => value !== undefined);

function object<V, S>(map: ReadonlyMap<string, V>, of: (value: V) => S): Record<string, S> {
  const all: Record<string, S> = {};
  for (const [id, value] of map) all[id] = of(value);
  return all;
}

const known = new WeakMap<Standing, StoredStanding>();

/** Worked out once: health hands the same value out for as long as it holds. */
function stored(standing: Standing): StoredStanding {
  let short = known.get(standing);
  if (!short) {
    short = shortened(standing);
    known.set(standing, short);
  }
  return short;
}

function shortened(standing: Standing): StoredStanding {
  const { outage, uptime, weight, latency, throughput, ...rest } = standing;
  return {
    ...rest,
    ...(outage && { outage }),
    ...(uptime !== 'normal' && { uptime }),
    ...(weight !== 1 && { weight }),
    ...(latency && { latency: figures(latency) }),
    ...(throughput && { throughput: figures(throughput) }),
  };
}

const figures = ({ p50, p75, p90, p95, p99 }: Percentiles): Figures => [p50, p75, p90, p95, p99];
const percentiles = ([p50, p75, p90, p95, p99]: Figures): Percentiles => ({ p50, p75, p90, p95, p99 });

function standingOf({ latency, throughput, ...rest }: StoredStanding): Standing {
  return {
    ...UNTRIED,
    ...rest,
    ...(latency && { latency: percentiles(latency) }),
    ...(throughput && { throughput: percentiles(throughput) }),
  };
}

/** What the operator has configured now, or would. */
export type Installation = Pick<PlanInput, 'snapshot' | 'unroutable'> & {
  readonly defaultModel: string | undefined;
  /** In place of the one that is recorded. */
  readonly policy?: RoutingPolicy;
};

/** The planner's input once more. */
export function replayed(record: PlanRecord, { snapshot, unroutable, defaultModel, policy }: Installation): PlanInput {
  const standings = new Map(
    Object.entries(record.standings ?? {}).map(([id, standing]) => [id, standingOf(standing)] as const),
  );
  const { sizes = {}, tokens, sticky, at, taskType } = record;
  return {
    ...standIn(record.request),
    snapshot,
    unroutable,
    defaultModel: record.defaultModel ?? defaultModel,
    standing: (id) => standings.get(id) ?? UNTRIED,
    promptTokens: tokens,
    sizeAt: (endpoint) => {
      const known = sizes[endpoint.id];
      if (known) return { likely: known[0], most: known[1] };
      const usual = tokens * snapshot.tokenFactor(endpoint);
      return { likely: Math.round(usual), most: Math.ceil(usual) };
    },
    seed: record.seed,
    policy: policy ?? record.policy ?? NO_POLICY,
    ...(at !== undefined && { now: at }),
    ...(sticky !== undefined && { sticky }),
    ...(taskType !== undefined && { taskType }),
  };
}

/** A number by which two plans can be told apart: whom they would ask, in which order. */
export function orderDigest({ candidates }: Plan): number {
  let digest = 0;
  for (const { endpoint } of candidates) digest = Bun.hash.crc32(endpoint.id, digest);
  return digest;
}
