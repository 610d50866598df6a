import type { Counts, Unit, Usage } from '../canon/units.ts';

/** What several attempts used for one answer. The providers' own words stay apart, in the records of their parts. */
export function summed(usages: readonly Usage[]): Usage {
  const counts: { [U in Unit]?: number } = {};
  for (const usage of usages)
    for (const [unit, count] of Object.entries(usage.counts) as [Unit, number][])
      counts[unit] = (counts[unit] ?? 0) + count;
  return { counts: counts as Counts, estimated: usages.some(({ estimated }) => estimated) };
}
