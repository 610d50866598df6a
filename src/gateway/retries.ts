import type { Clock, Random } from '../canon/clock.ts';
import { RetryBudget, type RetryLimits } from '../router/retry-budget.ts';

const PAUSE_MS = 250;
const PAUSE_MS_MAX = 4000;
/** What is told to wait without a reason of its own comes back spread over so long. */
const WAIT_MS_MIN = 1000;
const WAIT_MS_MAX = 5000;

/** Whether, and after what pause, a request may try again: one budget for the whole gateway. */
export class Retries {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #budget: RetryBudget;

  constructor(clock: Clock, random: Random, limits: RetryLimits) {
    this.#clock = clock;
    this.#random = random;
    this.#budget = new RetryBudget(limits);
  }

  /** Counts an attempt. @returns false where it would be a retry too many */
  attempt(first: boolean): boolean {
    const now = this.#clock.monotonic();
    if (!first) return this.#budget.retry(now);
    this.#budget.request(now);
    return true;
  }

  /** Waits before the same provider is asked again, a random time of at most a quarter of a second, doubled with each failure. */
  pause(failures: number): Promise<void> {
    const most = Math.min(PAUSE_MS_MAX, PAUSE_MS * 2 ** Math.max(0, failures - 1));
    return new Promise((resolve) => this.#clock.after(this.#random() * most, resolve));
  }

  /** When whoever is turned away by us may come again, in milliseconds. */
  waitMs(): number {
    return WAIT_MS_MIN + this.#random() * (WAIT_MS_MAX - WAIT_MS_MIN);
  }
}
