import { type Counts, tokens } from '../canon/units.ts';
import type { KeptPlan } from '../gateway/kept-plan.ts';
import type { Roads } from '../gateway/ports.ts';
import type { Past } from '../gateway/why.ts';
import { price } from '../ledger/price.ts';
import { plan } from '../router/plan.ts';
import { replayed } from '../router/record.ts';

/** Requests that would go another way, told together where they go the same way. */
interface Change {
  /** The endpoint that is asked first, or the rule that refuses. */
  readonly from: string;
  readonly to: string;
  readonly model: string;
  requests: number;
  /** Nano-dollars for what these requests used, where both would be served. */
  costBefore: bigint;
  costAfter: bigint;
}

export interface WhatIf {
  /** Replayed. */
  requests: number;
  /** Without a plan on record: from the response cache, refused before planning, or from before plans were kept. */
  unplanned: number;
  unchanged: number;
  rerouted: number;
  newlyRefused: number;
  newlyServed: number;
  costBefore: bigint;
  costAfter: bigint;
  readonly changes: Change[];
}

interface Route {
  readonly to: string;
  readonly served: boolean;
  readonly cost: bigint | undefined;
}

/** What each past request would come to before and after a change; only the first host of each plan is compared: it gets the request. */
export function whatIf(past: Iterable<Past>, before: Roads, after: Roads): WhatIf {
  const sum: WhatIf = {
    requests: 0,
    unplanned: 0,
    unchanged: 0,
    rerouted: 0,
    newlyRefused: 0,
    newlyServed: 0,
    costBefore: 0n,
    costAfter: 0n,
    changes: [],
  };
  const changes = new Map<string, Change>();
  for (const { document, createdAt } of past) {
    const { plan: kept, counts = {}, serviceTier } = document as Recorded;
    if (!kept) {
      sum.unplanned += 1;
      continue;
    }
    sum.requests += 1;
    const used = { counts, at: createdAt, tier: serviceTier ?? undefined };
    add(sum, changes, kept, routeOf(kept, before, used), routeOf(kept, after, used));
  }
  sum.changes.push(...[...changes.values()].sort((a, b) => b.requests - a.requests));
  return sum;
}

interface Recorded {
  readonly plan?: KeptPlan;
  readonly counts?: Counts;
  readonly serviceTier?: string | null;
}

interface Used {
  readonly counts: Counts;
  readonly at: number;
  readonly tier: string | undefined;
}

function routeOf(kept: KeptPlan, { snapshot, unroutable, defaultModel, policy }: Roads, used: Used): Route {
  // What was taken for want of a model is what the configuration in question would take.
  const { defaultModel: _then, ...record } = kept;
  const made = plan(replayed(record, { snapshot, unroutable, defaultModel, ...(policy && { policy }) }));
  const [first] = made.ok ? made.value.candidates : [];
  if (!made.ok || !first) {
    const rule = made.ok ? 'nobody' : (made.error.facts.rule ?? made.error.code);
    return { to: `refused: ${rule}`, served: false, cost: undefined };
  }
  const { counts, at, tier } = used;
  const prompt = tokens(counts, 'input');
  const cost =
    prompt + tokens(counts, 'output') === 0
      ? undefined
      : price(counts, snapshot.ratesFor(first.endpoint, { promptTokens: prompt, at, tier })).total;
  return { to: first.endpoint.id, served: true, cost };
}

function add(sum: WhatIf, changes: Map<string, Change>, kept: KeptPlan, before: Route, after: Route): void {
  const priced = before.cost !== undefined && after.cost !== undefined;
  const [costBefore, costAfter] = priced ? [before.cost ?? 0n, after.cost ?? 0n] : [0n, 0n];
  sum.costBefore += costBefore;
  sum.costAfter += costAfter;
  if (before.to === after.to && costBefore === costAfter) {
    sum.unchanged += 1;
    return;
  }
  if (before.served && !after.served) sum.newlyRefused += 1;
  else if (!before.served && after.served) sum.newlyServed += 1;
  else if (before.to !== after.to) sum.rerouted += 1;
  const model = kept.request.model ?? kept.request.fallbacks?.[0] ?? '(default)';
  const key = `${model}\n${before.to}\n${after.to}`;
  let change = changes.get(key);
  if (!change) {
    change = { from: before.to, to: after.to, model, requests: 0, costBefore: 0n, costAfter: 0n };
    changes.set(key, change);
  }
  change.requests += 1;
  change.costBefore += costBefore;
  change.costAfter += costAfter;
}
