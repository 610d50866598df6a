/** Time comes in as a value, so that plans, limits and records can be replayed, and hours of waiting simulated. */
export interface Clock {
  /** Wall clock, milliseconds since 1970. */
  now(): number;
  /** Monotonic milliseconds, for durations and deadlines. */
  monotonic(): number;
  /** Calls `action` once, when so many milliseconds are over. @returns what calls it off; without effect afterwards */
  after(ms: number, action: () => void): () => void;
}

/** A source of numbers in [0, 1); the planner's draw and the sandbox's probabilities take it as a value. */
export type Random = () => number;

/** mulberry32: a small, fast generator whose whole state is one number, so that a draw replays from its seed. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
