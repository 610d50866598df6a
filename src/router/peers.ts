import { type Breaker, phase, rampWeight } from './breaker.ts';
import { type Health, inOutage, lately, speed, uptimeClass } from './health.ts';
import { median } from './median.ts';
import type { Standing } from './standing.ts';

/** Endpoints of one model, compared with each other (spec/reliability 4.2). */
export interface Peer {
  readonly health: Health;
  readonly breaker: Breaker;
  /** Until when it cools down, and its key; 0 where they do not. */
  readonly cooledUntil: number;
  readonly keyUntil: number;
  /** Its place was taken from it in the last comparison. */
  readonly ejected: boolean;
  /** When it got its place back; 0 where it never lost it. */
  readonly readmittedAt: number;
}

const EJECTED_SHARE_MAX = 1 / 3;
const WINDOW_SECONDS = 60;
const SPEED_MINUTES = 5;
const REQUESTS_MIN = 100;
const COMPARED_MIN = 5;
const DEVIATIONS = 1.9;
const SLOWER_FACTOR = 3;
/** Nobody is ejected for milliseconds. */
const SLOWER_MS_MIN = 500;
const SLOWER_PEERS_MIN = 2;

/** Indexes of those that do so much worse than the others that they are left alone: the worst first, at most a third, never all. */
export function ejected(peers: readonly (Health | undefined)[], now: number): ReadonlySet<number> {
  const most = Math.min(Math.floor(peers.length * EJECTED_SHARE_MAX), peers.length - 1);
  if (most < 1) return NOBODY;
  return new Set([...failing(peers, now), ...slow(peers, now)].slice(0, most));
}

const NOBODY: ReadonlySet<number> = new Set();

/** Whose share of success is 1.9 standard deviations below the mean. */
function failing(peers: readonly (Health | undefined)[], now: number): number[] {
  const rates: { readonly index: number; readonly rate: number }[] = [];
  for (const [index, health] of peers.entries()) {
    if (!health) continue;
    const { served, failed } = lately(health, now, WINDOW_SECONDS);
    if (served + failed >= REQUESTS_MIN) rates.push({ index, rate: served / (served + failed) });
  }
  if (rates.length < COMPARED_MIN) return [];
  const mean = rates.reduce((all, { rate }) => all + rate, 0) / rates.length;
  const deviation = Math.sqrt(rates.reduce((all, { rate }) => all + (rate - mean) ** 2, 0) / rates.length);
  const least = mean - DEVIATIONS * deviation;
  return rates
    .filter(({ rate }) => rate < least)
    .sort((a, b) => a.rate - b.rate)
    .map(({ index }) => index);
}

/** Whose first content is, at its slow end, three times as late as the median of the others'. */
function slow(peers: readonly (Health | undefined)[], now: number): number[] {
  const ends: { readonly index: number; readonly p95: number }[] = [];
  for (const [index, health] of peers.entries()) {
    if (!health) continue;
    const { samples, latency } = speed(health, now, SPEED_MINUTES);
    if (latency && samples >= REQUESTS_MIN) ends.push({ index, p95: latency.p95 });
  }
  return ends
    .filter(({ index, p95 }) => {
      const others = ends.filter((one) => one.index !== index).map((one) => one.p95);
      if (others.length < SLOWER_PEERS_MIN) return false;
      const middle = median(others);
      return p95 > SLOWER_FACTOR * middle && p95 > middle + SLOWER_MS_MIN;
    })
    .sort((a, b) => b.p95 - a.p95)
    .map(({ index }) => index);
}

/**
 * Where more than half of a model's endpoints are open, breakers say nothing any more: it is rather us, or all of them.
 * @param peers undefined where nobody has asked an endpoint yet
 */
export const panics = (peers: readonly (Pick<Peer, 'breaker'> | undefined)[], now: number): boolean =>
  peers.filter((peer) => peer && phase(peer.breaker, now) === 'open').length * 2 > peers.length;

/** @param panic breakers are ignored; keys that were told to wait are not */
export function standingOf(peer: Peer, panic: boolean, now: number): Standing {
  const { health, breaker } = peer;
  const { latency, throughput, timed } = speed(health, now, SPEED_MINUTES);
  const resting = restOf(peer, panic, now);
  const trial = !panic && phase(breaker, now) === 'half-open';
  return {
    outage: !trial && inOutage(health, now, breaker.closedAt),
    uptime: uptimeClass(health, now),
    weight: Math.min(rampWeight(breaker.closedAt, now), rampWeight(peer.readmittedAt, now)),
    ...(resting && { resting }),
    ...(trial && !resting && { trial }),
    ...(latency && { latency, samples: timed }),
    ...(throughput && { throughput }),
  };
}

function restOf({ breaker, cooledUntil, keyUntil, ejected }: Peer, panic: boolean, now: number): Standing['resting'] {
  if (now < keyUntil) return 'credential';
  if (now < cooledUntil) return 'cooldown';
  if (!panic && phase(breaker, now) === 'open') return 'breaker';
  return ejected ? 'ejected' : undefined;
}
