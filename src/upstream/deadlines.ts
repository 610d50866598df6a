import type { Clock } from '../canon/clock.ts';

/** Something that must not wait for ever. */
export interface Waiting {
  /** Monotonic milliseconds; Infinity while nothing is awaited. */
  deadline: number;
  onDeadline(): void;
}

const TICK_MS = 50;

/** One coarse clock for all deadlines, where a timer for each wait of each stream would cost more than the wait. Late by at most a tick. */
export class Deadlines {
  readonly #clock: Clock;
  readonly #waiting = new Set<Waiting>();
  #cancel: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  watch(waiting: Waiting): void {
    this.#waiting.add(waiting);
    this.#cancel ??= this.#clock.after(TICK_MS, this.#tick);
  }

  release(waiting: Waiting): void {
    this.#waiting.delete(waiting);
    if (this.#waiting.size > 0) return;
    this.#cancel?.();
    this.#cancel = undefined;
  }

  readonly #tick = (): void => {
    this.#cancel = this.#clock.after(TICK_MS, this.#tick);
    const now = this.#clock.monotonic();
    for (const waiting of this.#waiting) {
      if (waiting.deadline > now) continue;
      waiting.deadline = Number.POSITIVE_INFINITY;
      waiting.onDeadline();
    }
  };
}
