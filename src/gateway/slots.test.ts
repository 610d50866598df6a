import { describe, expect, test } from 'bun:test';
import { ManualClock } from '../../test/support/manual-clock.ts';
import { Slots } from './slots.ts';

const LIMITS = { start: 4, max: 100, queueMsMax: 200 };

/** Full, with a limit that is known: 4 at once. */
function crowded(clock: ManualClock): Slots {
  const slots = new Slots(clock, { ...LIMITS, start: 5 });
  for (let i = 0; i < 5; i++) slots.take();
  slots.give(true, clock.monotonic());
  expect([slots.full, slots.exhausted, slots.inFlight]).toEqual([true, true, 4]);
  slots.give(undefined, 0);
  expect(slots.inFlight).toBe(3);
  return slots;
}

describe('slots of a host', () => {
  test('are only a guess until it was too much once', () => {
    const slots = new Slots(new ManualClock(), LIMITS);
    for (let i = 0; i < 9; i++) slots.take();
    expect([slots.full, slots.exhausted]).toEqual([true, false]);
  });

  test('who waits gets the next free one, the longest wait first', async () => {
    const clock = new ManualClock();
    const slots = crowded(clock);
    const got: number[] = [];
    const wait = slots.wait().then((ok) => ok && got.push(1));
    slots.give(undefined, 0);
    await wait;
    expect(got).toEqual([1]);
    expect(slots.inFlight).toBe(3);
  });

  test('waits 200 ms and no longer, and leaves the queue then', async () => {
    const clock = new ManualClock();
    const slots = crowded(clock);
    const waiting = slots.wait();
    clock.pass(199);
    clock.pass(1);
    expect(await waiting).toBe(false);
    slots.give(undefined, 0);
    expect(slots.inFlight).toBe(2);
  });

  test('where many wait the newest is served, and no more wait than may be at it', async () => {
    const clock = new ManualClock();
    const slots = crowded(clock);
    const order: number[] = [];
    const waits = [1, 2, 3].map((n) => slots.wait().then((ok) => ok && order.push(n)));
    expect(await slots.wait()).toBe(false);
    slots.give(undefined, 0);
    await Promise.resolve();
    slots.give(undefined, 0);
    slots.give(undefined, 0);
    await Promise.all(waits);
    expect(order[0]).toBe(3);
    expect(order).toHaveLength(3);
  });
});
