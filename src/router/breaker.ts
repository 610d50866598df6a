import type { Counts } from './health.ts';

/**
 * A circuit breaker (spec/reliability 4.2, P8, UP-136): a host that fails is left alone for a while, then one request tries it; when that
 * and three more were served it is back, and gets its usual weight over half a minute. A value and functions of it and of the time.
 */
export interface Breaker {
  /** Failures in a row. */
  readonly failures: number;
  /** How often it opened, forgotten one by one with each healthy minute: each doubles the rest. */
  readonly opened: number;
  /** When it opened, and until when it rests; both 0 while it is closed. */
  readonly openedAt: number;
  readonly until: number;
  /** Trials served in a row since it rested. */
  readonly trials: number;
  /** When it closed the last time after it had been open; 0 where it never was. */
  readonly closedAt: number;
  /** Since when nothing has failed. */
  readonly healthyFrom: number;
}

export const CLOSED: Breaker = {
  failures: 0,
  opened: 0,
  openedAt: 0,
  until: 0,
  trials: 0,
  closedAt: 0,
  healthyFrom: 0,
};

export interface BreakerLimits {
  /** Failures in a row that open it. */
  readonly failuresMax: number;
  /** Attempts within 30 seconds that open it where half of them failed. */
  readonly attemptsMin: number;
  /** The first rest, and the longest. */
  readonly openMs: number;
  readonly openMsMax: number;
}

type Phase = 'closed' | 'open' | 'half-open';

const MINUTE = 60_000;
/** The window of the share of failures, in seconds. */
export const BREAKER_SECONDS = 30;
const SHARE_MAX = 0.5;
/** How much a rest varies, so that not all come back at once. */
const SPREAD = 0.2;
/** After the first that was served. */
const TRIALS_MORE = 3;

export function phase({ until }: Breaker, now: number): Phase {
  if (until === 0) return 'closed';
  return now < until ? 'open' : 'half-open';
}

/** How many trials may be under way: one, and when that was served three. */
export const trialsAtOnce = ({ trials }: Breaker): number => (trials === 0 ? 1 : TRIALS_MORE);

/** @param startedAt when the attempt began: one from before the rest says nothing about what is now */
export function afterServed(breaker: Breaker, startedAt: number, now: number): Breaker {
  if (breaker.until === 0) return breaker.failures === 0 ? breaker : { ...breaker, failures: 0 };
  if (startedAt < breaker.openedAt) return breaker;
  const trials = breaker.trials + 1;
  if (trials <= TRIALS_MORE) return { ...breaker, trials };
  return { ...breaker, failures: 0, openedAt: 0, until: 0, trials: 0, closedAt: now, healthyFrom: now };
}

/**
 * @param recent attempts of the last 30 seconds since it closed, this one included
 * @param random of [0, 1): spreads the rest by a fifth either way
 */
export function afterFailed(
  breaker: Breaker,
  recent: Counts,
  limits: BreakerLimits,
  startedAt: number,
  now: number,
  random: number,
): Breaker {
  if (breaker.until !== 0) {
    // While it rests only late failures and those of nobody's choice come in; they do not make the rest longer.
    const trial = startedAt >= breaker.openedAt && phase(breaker, now) === 'half-open';
    return trial ? open(breaker, limits, now, random) : breaker;
  }
  const minutes = Math.floor((now - breaker.healthyFrom) / MINUTE);
  const opened = Math.max(0, breaker.opened - minutes);
  const failed = { ...breaker, failures: breaker.failures + 1, opened, healthyFrom: now };
  const all = recent.served + recent.failed;
  const often = all >= limits.attemptsMin && recent.failed / all >= SHARE_MAX;
  return often || failed.failures >= limits.failuresMax ? open(failed, limits, now, random) : failed;
}

function open(breaker: Breaker, { openMs, openMsMax }: BreakerLimits, now: number, random: number): Breaker {
  const rest = Math.min(openMsMax, openMs * 2 ** breaker.opened * (1 + SPREAD * (2 * random - 1)));
  return { ...breaker, failures: 0, opened: breaker.opened + 1, openedAt: now, until: now + rest, trials: 0 };
}

const RAMP_MS = 30_000;
const RAMP_FROM = 0.1;

/** The share of its usual weight for a host that has come back: a tenth at first, all of it after half a minute. */
export function rampWeight(backAt: number, now: number): number {
  const passed = now - backAt;
  if (backAt === 0 || passed >= RAMP_MS) return 1;
  return RAMP_FROM + (1 - RAMP_FROM) * (Math.max(0, passed) / RAMP_MS);
}
