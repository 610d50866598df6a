/**
 * Chance that depends on what it is asked about and on nothing else: what a host does with a call is the same whichever way led there,
 * so that an oracle can look it up beforehand, and a policy can be compared with another on the same luck.
 * @returns a number in [0, 1)
 */
export function chance(seed: number, ...about: readonly number[]): number {
  let state = seed >>> 0;
  for (const part of about) state = mix(state ^ Math.imul(part + 1, 0x9e3779b1));
  return mix(state) / 4_294_967_296;
}

/** The finalizer of MurmurHash3. */
function mix(value: number): number {
  let mixed = value >>> 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/** How a duration or a speed scatters: log-normal, as waiting times of servers do. */
export interface Spread {
  readonly median: number;
  /** Standard deviation of the logarithm: 0 for none, 0.5 for a p95 of 2.3 times the median. */
  readonly sigma: number;
}

/** A draw from a spread, by two numbers in [0, 1). */
export function scattered({ median, sigma }: Spread, one: number, other: number): number {
  if (sigma === 0) return median;
  return median * Math.exp(sigma * Math.sqrt(-2 * Math.log(1 - one)) * Math.cos(2 * Math.PI * other));
}

/** The time to the next of events that come at random, so many a second. @returns milliseconds */
export const untilNext = (perSecond: number, draw: number): number => (-Math.log(1 - draw) / perSecond) * 1000;
