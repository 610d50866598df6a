/**
 * What recent attempts say of an endpoint, as a fold over them: a value and a function, no clock and no I/O. So far it remembers
 * outages (spec/inference 5.2); percentiles and breakers can be read off the same buckets later.
 */

/** One second of attempts at one endpoint. 429s and the caller's own faults are in neither count. */
interface Bucket {
  readonly second: number;
  readonly served: number;
  readonly failed: number;
}

export type EndpointHealth = readonly Bucket[];

export const UNKNOWN_HEALTH: EndpointHealth = [];

const WINDOW_SECONDS = 30;
const OUTAGE_FAILURES_MIN = 2;
const OUTAGE_SHARE_MIN = 0.5;

/** @param now milliseconds; only differences matter */
export function foldAttempt(health: EndpointHealth, outcome: 'served' | 'failed', now: number): EndpointHealth {
  const second = Math.floor(now / 1000);
  const last = health.at(-1);
  const one = { served: outcome === 'served' ? 1 : 0, failed: outcome === 'failed' ? 1 : 0 };
  if (last?.second === second) {
    return [...health.slice(0, -1), { second, served: last.served + one.served, failed: last.failed + one.failed }];
  }
  return [...health.filter((bucket) => bucket.second > second - WINDOW_SECONDS), { second, ...one }];
}

/** A significant outage: within the last 30 s at least two countable failures, and at least half of the attempts failed. */
export function inOutage(health: EndpointHealth, now: number): boolean {
  const since = Math.floor(now / 1000) - WINDOW_SECONDS;
  let served = 0;
  let failed = 0;
  for (const bucket of health) {
    if (bucket.second <= since) continue;
    served += bucket.served;
    failed += bucket.failed;
  }
  return failed >= OUTAGE_FAILURES_MIN && failed / (served + failed) >= OUTAGE_SHARE_MIN;
}
