import { type Histogram, histogramOf, NO_HISTOGRAM, type Percentiles, percentiles, samples, sum } from './histogram.ts';
import { NO_SERIES, put, type Series, since, together } from './series.ts';

/**
 * What attempts say of one endpoint with one credential, as a fold over them: a value, functions of it and of the time, no clock and no
 * I/O. Two of them that saw different attempts add up to one that saw all, in any order (`merge`), so replicas and credentials can be
 * put together. Its size does not depend on how many attempts there were.
 */
export interface Health {
  readonly seconds: Series<Counts>;
  readonly minutes: Series<Minute>;
  readonly quarters: Series<Counts>;
}

export interface Counts {
  readonly served: number;
  /** Failures that are the endpoint's own: limits and the caller's faults are none (spec/inference 5.2). */
  readonly failed: number;
  readonly limited: number;
}

interface Minute extends Counts {
  /** Milliseconds to the first content. */
  readonly latency: Histogram;
  /** Output tokens a second. */
  readonly throughput: Histogram;
}

export type Kind = keyof Counts;

export const NO_HEALTH: Health = { seconds: NO_SERIES, minutes: NO_SERIES, quarters: NO_SERIES };

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const QUARTER = 15 * MINUTE;
/** Buckets of each width that are kept: a minute, half an hour, a day. */
const SECONDS = 60;
const MINUTES = 30;
const QUARTERS = 96;

const NOTHING: Counts = { served: 0, failed: 0, limited: 0 };
const ONE: { readonly [K in Kind]: Counts } = {
  served: { served: 1, failed: 0, limited: 0 },
  failed: { served: 0, failed: 1, limited: 0 },
  limited: { served: 0, failed: 0, limited: 1 },
};

const addCounts = (a: Counts, b: Counts): Counts => ({
  served: a.served + b.served,
  failed: a.failed + b.failed,
  limited: a.limited + b.limited,
});

const addMinutes = (a: Minute, b: Minute): Minute => ({
  ...addCounts(a, b),
  latency: sum(a.latency, b.latency),
  throughput: sum(a.throughput, b.throughput),
});

/** @param now milliseconds since 1970, by which replicas put their buckets together */
export function foldAttempt(health: Health, kind: Kind, now: number): Health {
  const one = ONE[kind];
  const minute: Minute = { ...one, latency: NO_HISTOGRAM, throughput: NO_HISTOGRAM };
  return {
    seconds: put(health.seconds, Math.floor(now / SECOND), one, addCounts, SECONDS),
    minutes: put(health.minutes, Math.floor(now / MINUTE), minute, addMinutes, MINUTES),
    quarters: put(health.quarters, Math.floor(now / QUARTER), one, addCounts, QUARTERS),
  };
}

/** How fast one answer was. */
export interface Pace {
  /** Milliseconds to the first content; undefined where that is not known, as in an answer that came whole. */
  readonly firstContentMs: number | undefined;
  /** Output tokens a second, the wait included; undefined where it was too short to have a speed. */
  readonly tokensPerSecond: number | undefined;
}

export function foldPace(health: Health, { firstContentMs, tokensPerSecond }: Pace, now: number): Health {
  const minute: Minute = {
    ...NOTHING,
    latency: firstContentMs === undefined ? NO_HISTOGRAM : histogramOf(firstContentMs),
    throughput: tokensPerSecond === undefined ? NO_HISTOGRAM : histogramOf(tokensPerSecond),
  };
  return { ...health, minutes: put(health.minutes, Math.floor(now / MINUTE), minute, addMinutes, MINUTES) };
}

/** Both together. Commutative and associative: windows are cut by the newest bucket of all, whoever saw it. */
export const merge = (a: Health, b: Health): Health => ({
  seconds: together(a.seconds, b.seconds, addCounts, SECONDS),
  minutes: together(a.minutes, b.minutes, addMinutes, MINUTES),
  quarters: together(a.quarters, b.quarters, addCounts, QUARTERS),
});

const total = (all: readonly Counts[]): Counts => all.reduce(addCounts, NOTHING);

/** Attempts of the last seconds, at most 60 of them. @param from nothing before this time counts */
export function lately(health: Health, now: number, seconds: number, from = 0): Counts {
  const second = Math.floor(now / SECOND);
  return total(since(health.seconds, Math.max(second - seconds + 1, Math.ceil(from / SECOND))));
}

const OUTAGE_SECONDS = 30;
const OUTAGE_FAILURES_MIN = 2;
const OUTAGE_SHARE_MIN = 0.5;

/**
 * A significant outage: within the last 30 s at least two countable failures, and at least half of the attempts failed.
 * @param from a breaker that has closed since then has proven that it is over
 */
export function inOutage(health: Health, now: number, from = 0): boolean {
  const { served, failed } = lately(health, now, OUTAGE_SECONDS, from);
  return failed >= OUTAGE_FAILURES_MIN && failed / (served + failed) >= OUTAGE_SHARE_MIN;
}

/** Attempts of the last minutes, the present one included: of the last half hour by minutes, of more by quarters of an hour. */
export function counted(health: Health, now: number, minutes: number): Counts {
  return minutes <= MINUTES
    ? total(since(health.minutes, Math.floor(now / MINUTE) - minutes + 1))
    : total(since(health.quarters, Math.floor((now - minutes * MINUTE) / QUARTER) + 1));
}

/** Percent of countable attempts that were served, to the hundredth; undefined without any. */
export function uptimePercent(health: Health, now: number, minutes: number): number | undefined {
  const { served, failed } = counted(health, now, minutes);
  return served + failed === 0 ? undefined : Math.round((10_000 * served) / (served + failed)) / 100;
}

const JUDGED_REQUESTS_MIN = 100;

/** Over 5 minutes, or over 30 where there is too little; with too little even then nobody is judged (spec/inference 5.2). */
export function uptimeClass(health: Health, now: number): 'normal' | 'degraded' | 'down' {
  for (const minutes of [5, MINUTES]) {
    const { served, failed } = counted(health, now, minutes);
    if (served + failed < JUDGED_REQUESTS_MIN) continue;
    const percent = (100 * served) / (served + failed);
    if (percent >= 95) return 'normal';
    return percent >= 80 ? 'degraded' : 'down';
  }
  return 'normal';
}

interface Speed {
  /** Answers it was measured by. */
  readonly samples: number;
  /** Those of them of which the wait for the first content is known. */
  readonly timed: number;
  readonly latency?: Percentiles;
  readonly throughput?: Percentiles;
}

/** Over the last minutes, at most 30. */
export function speed(health: Health, now: number, minutes: number): Speed {
  const all = since(health.minutes, Math.floor(now / MINUTE) - minutes + 1);
  const latencies = all.reduce((both, minute) => sum(both, minute.latency), NO_HISTOGRAM);
  const throughputs = all.reduce((both, minute) => sum(both, minute.throughput), NO_HISTOGRAM);
  const latency = percentiles(latencies, 'less');
  const throughput = percentiles(throughputs, 'more');
  return {
    samples: Math.max(samples(latencies), samples(throughputs)),
    timed: samples(latencies),
    ...(latency && { latency }),
    ...(throughput && { throughput }),
  };
}
