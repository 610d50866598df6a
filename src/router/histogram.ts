/**
 * How often values of each size came, in buckets that grow by a tenth: a percentile read from it is off by at most a twentieth, its size
 * does not depend on how many values came, and two of them add up to what one would have seen of both.
 */
export interface Histogram {
  /** The number of the first bucket that `counts` holds. */
  readonly from: number;
  readonly counts: readonly number[];
}

export const NO_HISTOGRAM: Histogram = { from: 0, counts: [] };

const GROWTH = Math.log(1.1);
/** Everything below is one bucket; a tenth of a millisecond, or of a token a second. */
const SMALLEST = 0.1;
const LAST = 180;

const bucketOf = (value: number): number =>
  value <= SMALLEST ? 0 : Math.min(LAST, 1 + Math.floor(Math.log(value / SMALLEST) / GROWTH));

/** The middle of a bucket, as factors go. */
const middleOf = (bucket: number): number => (bucket === 0 ? SMALLEST : SMALLEST * Math.exp((bucket - 0.5) * GROWTH));

export const histogramOf = (value: number): Histogram => ({ from: bucketOf(value), counts: [1] });

export function sum(a: Histogram, b: Histogram): Histogram {
  if (a.counts.length === 0) return b;
  if (b.counts.length === 0) return a;
  const from = Math.min(a.from, b.from);
  const counts = new Array<number>(Math.max(a.from + a.counts.length, b.from + b.counts.length) - from).fill(0);
  for (const { from: start, counts: own } of [a, b])
    for (let i = 0; i < own.length; i++) counts[start - from + i] = (counts[start - from + i] ?? 0) + (own[i] ?? 0);
  return { from, counts };
}

export function samples({ counts }: Histogram): number {
  let total = 0;
  for (const count of counts) total += count;
  return total;
}

export interface Percentiles {
  readonly p50: number;
  readonly p75: number;
  readonly p90: number;
  readonly p95: number;
  readonly p99: number;
}

/**
 * The better end first: each percentile is the value that this share of all reached or beat.
 * @param better whether less or more is the better end
 */
export function percentiles(histogram: Histogram, better: 'less' | 'more'): Percentiles | undefined {
  const total = samples(histogram);
  if (total === 0) return undefined;
  const at = (share: number): number => percentile(histogram, total, share, better);
  return { p50: at(0.5), p75: at(0.75), p90: at(0.9), p95: at(0.95), p99: at(0.99) };
}

function percentile({ from, counts }: Histogram, total: number, share: number, better: 'less' | 'more'): number {
  let left = Math.max(1, Math.ceil(share * total));
  for (let step = 0; step < counts.length; step++) {
    const index = better === 'less' ? step : counts.length - 1 - step;
    left -= counts[index] ?? 0;
    if (left <= 0) return Math.round(10 * middleOf(from + index)) / 10;
  }
  return 0;
}
