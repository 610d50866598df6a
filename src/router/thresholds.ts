import type { Preferences } from '../canon/preferences.ts';
import type { Standing } from './standing.ts';

/** One bound of `preferred_max_latency` or `preferred_min_throughput`, in the units of a standing. */
interface Cutoff {
  readonly figure: 'latency' | 'throughput';
  readonly percentile: 'p50' | 'p75' | 'p90' | 'p99';
  readonly bound: number;
}

/** Which of three groups a host stands in: 0 = every cutoff holds, 1 = nobody knows yet, 2 = one is missed. */
export type Met = 0 | 1 | 2;

const PERCENTILES = ['p50', 'p75', 'p90', 'p99'] as const;
const MS_PER_SECOND = 1000;

/** The cutoffs of a request; undefined where it has none, which is nearly always. */
export function cutoffsOf({
  preferred_max_latency: latency,
  preferred_min_throughput: throughput,
}: Preferences): readonly Cutoff[] | undefined {
  if (latency === undefined && throughput === undefined) return undefined;
  const cutoffs = [...read('latency', latency, MS_PER_SECOND), ...read('throughput', throughput, 1)];
  return cutoffs.length > 0 ? cutoffs : undefined;
}

type Threshold = Preferences['preferred_max_latency'];

/** A bare number speaks of the median. */
function read(figure: Cutoff['figure'], threshold: Threshold, scale: number): readonly Cutoff[] {
  if (threshold === undefined) return [];
  if (typeof threshold === 'number') return [{ figure, percentile: 'p50', bound: threshold * scale }];
  return PERCENTILES.flatMap((percentile) => {
    const bound = threshold[percentile];
    return bound === null || bound === undefined ? [] : [{ figure, percentile, bound: bound * scale }];
  });
}

/** A missed cutoff outweighs one of which nothing is known. */
export function met(cutoffs: readonly Cutoff[], standing: Standing): Met {
  let result: Met = 0;
  for (const { figure, percentile, bound } of cutoffs) {
    const value = standing[figure]?.[percentile];
    if (value === undefined) result = 1;
    else if (figure === 'latency' ? value > bound : value < bound) return 2;
  }
  return result;
}
