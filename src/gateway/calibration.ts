/** How far the counts that a host reports lie from ours: what is likely, and what is seldom exceeded. */
export interface Correction {
  readonly mean: number;
  /** The 95th percentile. */
  readonly high: number;
}

const NONE: Correction = { mean: 1, high: 1 };

/** The weight of the newest ratio; the first ones weigh as much as all before them together. */
const WEIGHT = 0.1;
const RATIOS_KEPT = 64;
const SORTED_EACH = 16;
/** Beyond these a count was no count: a host that reports nothing but zero, or another prompt's. */
const RATIO_MIN = 0.2;
const RATIO_MAX = 5;
/** Of shorter prompts most is the template around them. */
const TOKENS_MIN = 64;

interface Learned {
  mean: number;
  seen: number;
  readonly ratios: number[];
  correction: Correction;
}

/** Learns from every reported count how many tokens an endpoint makes of what we estimate. Bounded, and gone with the process. */
export class Calibration {
  readonly #endpoints = new Map<string, Learned>();

  of(endpointId: string): Correction {
    return this.#endpoints.get(endpointId)?.correction ?? NONE;
  }

  /** @param estimated before any correction of ours */
  observe(endpointId: string, estimated: number, reported: number): void {
    if (estimated < TOKENS_MIN || reported <= 0) return;
    const ratio = Math.min(RATIO_MAX, Math.max(RATIO_MIN, reported / estimated));
    let learned = this.#endpoints.get(endpointId);
    if (!learned) {
      learned = { mean: 1, seen: 0, ratios: [], correction: NONE };
      this.#endpoints.set(endpointId, learned);
    }
    learned.seen += 1;
    learned.mean += (ratio - learned.mean) * Math.max(WEIGHT, 1 / learned.seen);
    learned.ratios.push(ratio);
    if (learned.ratios.length > RATIOS_KEPT) learned.ratios.shift();
    // Sorting costs more than all the rest, and one ratio more hardly moves what is seldom exceeded.
    const stale = learned.seen <= SORTED_EACH || learned.seen % SORTED_EACH === 0;
    const high = stale ? percentile(learned.ratios, 0.95) : learned.correction.high;
    learned.correction = { mean: learned.mean, high };
  }
}

function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? 1;
}
