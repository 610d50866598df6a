import { drainMicrotasks } from 'bun:jsc';
import type { Clock } from '../../src/canon/clock.ts';

interface Timer {
  readonly at: number;
  /** Timers of one instant go off in the order in which they were set. */
  readonly order: number;
  action: (() => void) | undefined;
}

/** Where simulated time begins: a Thursday, so that prices by the hour have one to go by. */
const EPOCH = Date.UTC(2026, 0, 1);

/**
 * Time that passes only when nothing is left to do at the present moment: it jumps from timer to timer, and after each one everything
 * that follows from it without waiting has happened before the next. Hours take seconds, and the same seed always takes the same way.
 */
export class VirtualClock implements Clock {
  #now = 0;
  #order = 0;
  /** A binary heap, the earliest first. What is called off stays in it until its time has come. */
  readonly #heap: Timer[] = [];

  now(): number {
    return EPOCH + Math.floor(this.#now);
  }

  monotonic(): number {
    return this.#now;
  }

  after(ms: number, action: () => void): () => void {
    const timer: Timer = { at: this.#now + Math.max(0, ms), order: this.#order++, action };
    this.#push(timer);
    return () => {
      timer.action = undefined;
    };
  }

  /** Lets time pass until nothing waits any more, or until a moment (milliseconds from the start). @returns whether nothing waits */
  run(until = Number.POSITIVE_INFINITY): boolean {
    drainMicrotasks();
    for (;;) {
      const next = this.#heap[0];
      if (!next) return true;
      if (next.at > until) break;
      this.#pop();
      if (!next.action) continue;
      this.#now = next.at;
      next.action();
      drainMicrotasks();
    }
    this.#now = until;
    return this.#heap.every(({ action }) => action === undefined);
  }

  #push(timer: Timer): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(timer);
    while (at > 0) {
      const above = (at - 1) >> 1;
      const other = heap[above];
      if (!other || !earlier(timer, other)) break;
      heap[at] = other;
      at = above;
    }
    heap[at] = timer;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (!last || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      let child = heap[below];
      if (!child) break;
      const right = heap[below + 1];
      if (right && earlier(right, child)) {
        below += 1;
        child = right;
      }
      if (!earlier(child, last)) break;
      heap[at] = child;
      at = below;
    }
    heap[at] = last;
  }
}

const earlier = (one: Timer, other: Timer): boolean =>
  one.at < other.at || (one.at === other.at && one.order < other.order);
