import type { Preferences } from '../canon/preferences.ts';
import type { Standing } from './standing.ts';

/** What hosts can be sorted by. `exacto` is no figure but classes: within them the draw goes on. */
export type Sort = 'price' | 'throughput' | 'latency' | 'exacto';

/** The sort that holds: the request's, else its variant's, else the operator's (spec/inference 5.5). */
export function sortOf({ sort }: Preferences, variant: Sort | undefined, standard: Sort | undefined): Sort | undefined {
  return (typeof sort === 'object' ? sort.by : sort) ?? variant ?? standard;
}

/** The hosts of all models are sorted together instead of model by model. */
export const mixesModels = ({ sort }: Preferences): boolean => typeof sort === 'object' && sort.partition === 'none';

/** A host's rank by a sort: less is earlier. Who was never measured has none and stands behind those who were. */
export function figureOf(sort: Sort | undefined, price: number, standing: Standing): number | undefined {
  if (sort === 'price') return price;
  if (sort === 'latency') return standing.latency?.p50;
  const throughput = sort === 'throughput' ? standing.throughput?.p50 : undefined;
  return throughput === undefined ? undefined : -throughput;
}

/** The same in words. */
export function saidOf(sort: Sort, standing: Standing): string {
  if (sort === 'latency' || sort === 'throughput') {
    const figure = standing[sort]?.p50;
    if (figure === undefined) return `${sort} sort, not measured yet`;
    return `${sort} sort, median ${Math.round(figure)} ${sort === 'latency' ? 'ms' : 'tokens/s'}`;
  }
  return `${sort} sort`;
}
