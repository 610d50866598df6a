/**
 * How many requests a host is given at once: a little more while it keeps up, much less when it does not (spec/reliability 0.6, 4.2). A
 * value and functions of it and of the time.
 */
export interface Concurrency {
  readonly limit: number;
  /** Served since the limit last grew. */
  readonly served: number;
  readonly cutAt: number;
  /**
   * It has been too much once. Until then the limit is our guess: it spreads requests over hosts and grows fast, but nobody is turned away
   * for it.
   */
  readonly known: boolean;
}

export interface ConcurrencyLimits {
  readonly start: number;
  readonly max: number;
}

const LEAST = 2;
const CUT = 0.7;
/** What was under way when it was too much comes back as failures too, and says nothing new. */
const CUT_EVERY_MS = 1000;

export const atFirst = ({ start, max }: ConcurrencyLimits): Concurrency => ({
  limit: Math.max(1, Math.min(start, max)),
  served: 0,
  cutAt: Number.NEGATIVE_INFINITY,
  known: false,
});

/** @param inFlight this one included: a limit that is not used does not grow */
export function afterSuccess(value: Concurrency, inFlight: number, { max }: ConcurrencyLimits): Concurrency {
  if (2 * inFlight < value.limit || value.limit >= max) return value;
  const served = value.served + 1;
  return !value.known || served >= value.limit
    ? { ...value, limit: Math.min(max, value.limit + 1), served: 0 }
    : { ...value, served };
}

/**
 * After a timeout, an overload or a 429. Where much less was under way than the host is given, that was not the reason: a quota that is
 * spent for minutes must not leave a limit of two for the time after.
 */
export function afterOverload(
  value: Concurrency,
  inFlight: number,
  now: number,
  { max }: ConcurrencyLimits,
): Concurrency {
  if (now - value.cutAt < CUT_EVERY_MS || 2 * inFlight < value.limit) return value;
  const reached = value.known ? value.limit : Math.max(value.limit, inFlight);
  return { limit: Math.min(max, Math.max(LEAST, Math.floor(reached * CUT))), served: 0, cutAt: now, known: true };
}
