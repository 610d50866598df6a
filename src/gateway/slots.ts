import type { Clock } from '../canon/clock.ts';
import {
  afterOverload,
  afterSuccess,
  atFirst,
  type Concurrency,
  type ConcurrencyLimits,
} from '../router/concurrency.ts';

export interface SlotLimits extends ConcurrencyLimits {
  /** How long a request waits for a slot where no other host is left. */
  readonly queueMsMax: number;
}

interface Waiter {
  readonly resolve: (got: boolean) => void;
  readonly cancel: () => void;
}

/** The requests under way at one endpoint with one credential, and those that wait for their turn. */
export class Slots {
  readonly #clock: Clock;
  readonly #limits: SlotLimits;
  #concurrency: Concurrency;
  #inFlight = 0;
  readonly #waiting: Waiter[] = [];

  constructor(clock: Clock, limits: SlotLimits) {
    this.#clock = clock;
    this.#limits = limits;
    this.#concurrency = atFirst(limits);
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  get full(): boolean {
    return this.#inFlight >= this.#concurrency.limit;
  }

  /** More would be too much, as far as is known: only then is anybody made to wait. */
  get exhausted(): boolean {
    return this.full && this.#concurrency.known;
  }

  take(): void {
    this.#inFlight++;
  }

  /** Gives a slot back. @param overloaded undefined where the attempt says nothing about that */
  give(overloaded: boolean | undefined, now: number): void {
    if (overloaded === true) this.#concurrency = afterOverload(this.#concurrency, this.#inFlight, now, this.#limits);
    else if (overloaded === false) this.#concurrency = afterSuccess(this.#concurrency, this.#inFlight, this.#limits);
    this.#inFlight--;
    while (this.#waiting.length > 0 && !this.full) this.#serve();
  }

  /** @returns whether a slot was taken: not where too many wait already, or nothing came free in time */
  wait(): Promise<boolean> {
    if (this.#waiting.length >= this.#concurrency.limit) return Promise.resolve(false);
    return new Promise((resolve) => {
      const waiter: Waiter = {
        resolve,
        cancel: this.#clock.after(this.#limits.queueMsMax, () => {
          this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
          resolve(false);
        }),
      };
      this.#waiting.push(waiter);
    });
  }

  /** The longest wait first; but where many wait, the newest, because the others will hardly be in time. */
  #serve(): void {
    const crowded = 2 * this.#waiting.length >= this.#concurrency.limit;
    const waiter = crowded ? this.#waiting.pop() : this.#waiting.shift();
    if (!waiter) return;
    waiter.cancel();
    this.take();
    waiter.resolve(true);
  }
}
