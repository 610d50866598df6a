import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { afterFailed, afterServed, type Breaker, CLOSED, phase, rampWeight, trialsAtOnce } from './breaker.ts';
import { cooled, rested, WARM, warmed } from './cooldown.ts';
import type { Counts } from './health.ts';

const LIMITS = { failuresMax: 5, attemptsMin: 20, openMs: 5000, openMsMax: 300_000 };
const FEW: Counts = { served: 0, failed: 1, limited: 0 };
const MIDDLE = 0.5;

const fail = (breaker: Breaker, now: number, recent = FEW, random = MIDDLE): Breaker =>
  afterFailed(breaker, recent, LIMITS, now, now, random);
const times = (count: number, step: (breaker: Breaker, i: number) => Breaker, from = CLOSED): Breaker => {
  let breaker = from;
  for (let i = 0; i < count; i++) breaker = step(breaker, i);
  return breaker;
};
const opened = (now: number): Breaker => times(5, (breaker) => fail(breaker, now));

describe('P8 UP-136 a breaker', () => {
  test('opens at five failures in a row, and at half of twenty within 30 seconds', () => {
    expect(
      phase(
        times(4, (one) => fail(one, 1000)),
        1000,
      ),
    ).toBe('closed');
    expect(phase(opened(1000), 1000)).toBe('open');
    const mixed = times(4, (one) => fail(one, 1000));
    expect(phase(fail(afterServed(mixed, 1000, 1000), 1000), 1000)).toBe('closed');
    expect(phase(fail(CLOSED, 1000, { served: 10, failed: 10, limited: 0 }), 1000)).toBe('open');
    expect(phase(fail(CLOSED, 1000, { served: 11, failed: 9, limited: 9 }), 1000)).toBe('closed');
    expect(phase(fail(CLOSED, 1000, { served: 9, failed: 10, limited: 90 }), 1000)).toBe('closed');
  });

  test('rests 5 seconds, then twice as long each time, at most 5 minutes, give or take a fifth', () => {
    let breaker = CLOSED;
    let now = 1000;
    for (const rest of [5, 10, 20, 40, 80, 160, 300, 300]) {
      breaker = breaker.until === 0 ? opened(now) : fail(breaker, now);
      expect(breaker.until - now).toBe(rest * 1000);
      now = breaker.until;
      expect(phase(breaker, now)).toBe('half-open');
    }
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (random) => {
        const one = times(5, (breaker) => fail(breaker, 0, FEW, random));
        expect(one.until).toBeGreaterThanOrEqual(4000);
        expect(one.until).toBeLessThanOrEqual(6000);
      }),
    );
  });

  test('lets one try, then three, and closes when four in a row were served', () => {
    let breaker = opened(0);
    const at = breaker.until;
    for (const atOnce of [1, 3, 3, 3]) {
      expect([phase(breaker, at), trialsAtOnce(breaker)]).toEqual(['half-open', atOnce]);
      breaker = afterServed(breaker, at, at);
    }
    expect([phase(breaker, at), breaker.closedAt]).toEqual(['closed', at]);
  });

  test('opens again when a trial fails', () => {
    const breaker = afterServed(opened(0), 5000, 5000);
    expect(fail(breaker, 6000).until).toBe(16_000);
  });

  test('what began before it opened neither closes it nor makes its rest longer', () => {
    const breaker = opened(1000);
    expect(afterServed(breaker, 900, 2000)).toEqual(breaker);
    expect(afterFailed(breaker, FEW, LIMITS, 900, 2000, MIDDLE)).toEqual(breaker);
    expect(afterFailed(breaker, FEW, LIMITS, 900, 9000, MIDDLE)).toEqual(breaker);
  });

  test('forgets one opening with each healthy minute', () => {
    const closed = (openings: number): Breaker => ({ ...CLOSED, opened: openings, healthyFrom: 0, closedAt: 1 });
    const rest = (breaker: Breaker, now: number): number => times(5, (one) => fail(one, now), breaker).until - now;
    expect(rest(closed(3), 59_000)).toBe(40_000);
    expect(rest(closed(3), 60_000)).toBe(20_000);
    expect(rest(closed(3), 180_000)).toBe(5000);
    expect(rest(closed(3), 3_600_000)).toBe(5000);
    // A failure starts the minute anew.
    const once = fail(closed(3), 60_000);
    expect(fail(once, 110_000).opened).toBe(2);
  });

  test('weight comes back over half a minute', () => {
    expect(rampWeight(0, 5)).toBe(1);
    expect([0, 15, 29.999, 30, 90].map((s) => Math.round(100 * rampWeight(1, 1 + s * 1000)))).toEqual([
      10, 55, 100, 100, 100,
    ]);
  });
});

describe('a cooldown', () => {
  const LONGEST = { firstMs: 1000, growsTo: 60_000, msMax: 3_600_000 };

  test('is what the provider asks for, and a tenth more at most; absurd times are cut', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (random) => {
        const { until } = cooled(WARM, 20_000, LONGEST, 0, 0, random);
        expect(until).toBeGreaterThanOrEqual(20_000);
        expect(until).toBeLessThan(22_001);
        expect(cooled(WARM, 1e9, LONGEST, 0, 0, random).until).toBe(3_600_000);
        expect(cooled(WARM, 0, LONGEST, 0, 0, random).until).toBeGreaterThanOrEqual(100);
      }),
    );
  });

  test('doubles from a second to a minute where it is not told, and starts anew after an answer', () => {
    let cooldown = WARM;
    let now = 0;
    for (const wait of [1, 2, 4, 8, 16, 32, 60, 60]) {
      cooldown = cooled(cooldown, undefined, LONGEST, now, now, 0);
      expect(cooldown.until - now).toBe(wait * 1000);
      now = cooldown.until;
    }
    const warm = warmed(cooldown, now);
    expect(warm.until).toBe(0);
    expect(cooled(warm, undefined, LONGEST, now, now, 0).until - now).toBe(1000);
  });

  test('refusals of what was under way together count once, and an earlier answer does not end it', () => {
    let cooldown = cooled(WARM, undefined, LONGEST, 0, 100, 0);
    for (let i = 0; i < 50; i++) cooldown = cooled(cooldown, undefined, LONGEST, 50, 110, 0);
    expect([cooldown.times, cooldown.until]).toEqual([1, 1110]);
    expect(warmed(cooldown, 50)).toEqual(cooldown);
  });

  test('can be set without a refusal, and is never cut short by that', () => {
    expect(rested(WARM, 500).until).toBe(500);
    expect(rested(rested(WARM, 500), 400).until).toBe(500);
  });
});
