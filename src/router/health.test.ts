import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import {
  foldAttempt,
  foldPace,
  type Health,
  inOutage,
  lately,
  merge,
  NO_HEALTH,
  speed,
  uptimeClass,
  uptimePercent,
} from './health.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;

interface Seen {
  readonly at: number;
  readonly kind: 'served' | 'failed' | 'limited' | number;
}

const seen = fc.record({
  at: fc.oneof(fc.integer({ min: 0, max: 200 * SECOND }), fc.integer({ min: 0, max: 26 * 60 * MINUTE })),
  kind: fc.oneof(
    fc.constantFrom('served' as const, 'failed' as const, 'limited' as const),
    fc.double({ min: 0, max: 1e7, noNaN: true }),
  ),
});

const fold = (all: readonly Seen[]): Health =>
  all.reduce(
    (health, { at, kind }) =>
      typeof kind === 'number'
        ? foldPace(health, { firstContentMs: kind, tokensPerSecond: kind / 7 }, at)
        : foldAttempt(health, kind, at),
    NO_HEALTH,
  );

const many = (count: number, kind: 'served' | 'failed' | 'limited', at: number, from = NO_HEALTH): Health => {
  let health = from;
  for (let i = 0; i < count; i++) health = foldAttempt(health, kind, at);
  return health;
};

/** Everything that can be read of it. */
const read = (health: Health, now: number): unknown => [
  inOutage(health, now),
  uptimeClass(health, now),
  [5, 30, 1440].map((minutes) => uptimePercent(health, now, minutes)),
  [5, 30].map((minutes) => speed(health, now, minutes)),
];

describe('the fold', () => {
  test('is the same whoever saw what, and in whatever order it is put together', () => {
    fc.assert(
      fc.property(fc.array(seen), fc.array(seen), fc.array(seen), (x, y, z) => {
        const [a, b, c] = [fold(x), fold(y), fold(z)];
        expect(merge(a, b)).toEqual(merge(b, a));
        expect(merge(merge(a, b), c)).toEqual(merge(a, merge(b, c)));
        expect(merge(a, NO_HEALTH)).toEqual(a);
        const now = Math.max(0, ...[...x, ...y, ...z].map(({ at }) => at));
        expect(read(merge(merge(a, b), c), now)).toEqual(read(fold([...x, ...y, ...z]), now));
      }),
    );
  });

  test('does not grow with what it sees', () => {
    let health = NO_HEALTH;
    for (let i = 0; i < 20_000; i++) {
      const now = i * 7 * SECOND;
      health = foldPace(foldAttempt(health, i % 3 === 0 ? 'failed' : 'served', now), PACE(i), now);
    }
    expect(health.seconds.past.length).toBeLessThan(60);
    expect(health.minutes.past.length).toBeLessThan(30);
    expect(health.quarters.past.length).toBeLessThan(96);
    expect(JSON.stringify(health).length).toBeLessThan(60_000);
  });
});

const PACE = (i: number): { firstContentMs: number; tokensPerSecond: number } => ({
  firstContentMs: 1 + (i % 997) * 13,
  tokensPerSecond: 1 + (i % 101),
});

describe('outage memory', () => {
  test('is two failures and half of all attempts within 30 seconds', () => {
    let health = foldAttempt(NO_HEALTH, 'failed', 100 * SECOND);
    expect(inOutage(health, 100 * SECOND)).toBe(false);
    health = foldAttempt(health, 'failed', 101 * SECOND);
    expect(inOutage(health, 101 * SECOND)).toBe(true);
    health = many(3, 'served', 102 * SECOND, health);
    expect(inOutage(health, 102 * SECOND)).toBe(false);
  });

  test('forgets after 30 seconds, or when a breaker has closed', () => {
    const health = many(10, 'failed', 100 * SECOND);
    expect(inOutage(health, 129 * SECOND)).toBe(true);
    expect(inOutage(health, 130 * SECOND)).toBe(false);
    expect(inOutage(health, 105 * SECOND, 104 * SECOND)).toBe(false);
  });

  test('limits are no outage', () => {
    expect(inOutage(many(50, 'limited', 0), 0)).toBe(false);
    expect(lately(many(50, 'limited', 0), 0, 30)).toEqual({ served: 0, failed: 0, limited: 50 });
  });
});

describe('uptime', () => {
  const of = (served: number, failed: number, at = 0): Health => many(failed, 'failed', at, many(served, 'served', at));

  test('with fewer than 100 requests nobody is judged', () => {
    expect(uptimeClass(of(0, 99), 0)).toBe('normal');
    expect(uptimeClass(of(0, 100), 0)).toBe('down');
  });

  test('has its classes at 95 and 80 percent', () => {
    expect(uptimeClass(of(95, 5), 0)).toBe('normal');
    expect(uptimeClass(of(94, 6), 0)).toBe('degraded');
    expect(uptimeClass(of(80, 20), 0)).toBe('degraded');
    expect(uptimeClass(of(79, 21), 0)).toBe('down');
  });

  test('is of 5 minutes, or of 30 where they hold too little', () => {
    const before = of(0, 100);
    expect(uptimeClass(before, 20 * MINUTE)).toBe('down');
    expect(uptimeClass(before, 31 * MINUTE)).toBe('normal');
    expect(uptimeClass(many(100, 'served', 20 * MINUTE, before), 20 * MINUTE)).toBe('normal');
  });

  test('PLT-063 leaves limits out and is unknown without traffic', () => {
    expect(uptimePercent(NO_HEALTH, 0, 5)).toBeUndefined();
    expect(uptimePercent(many(9, 'limited', 0), 0, 5)).toBeUndefined();
    expect(uptimePercent(many(5, 'limited', 0, of(3, 1)), 0, 5)).toBe(75);
  });

  test('of a day is counted in quarters of an hour', () => {
    const health = of(1, 1);
    expect(uptimePercent(health, 23 * 60 * MINUTE, 1440)).toBe(50);
    expect(uptimePercent(health, 23 * 60 * MINUTE, 30)).toBeUndefined();
    expect(uptimePercent(health, 25 * 60 * MINUTE, 1440)).toBeUndefined();
  });
});

describe('percentiles', () => {
  const sample = fc.array(fc.double({ min: 0.2, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 300 });

  test('are within a twentieth of what was measured', () => {
    fc.assert(
      fc.property(sample, (values) => {
        const health = values.reduce(
          (all, value) => foldPace(all, { firstContentMs: value, tokensPerSecond: value }, 0),
          NO_HEALTH,
        );
        const { latency, throughput } = speed(health, 0, 5);
        const sorted = [...values].sort((a, b) => a - b);
        for (const [name, share] of [
          ['p50', 0.5],
          ['p75', 0.75],
          ['p90', 0.9],
          ['p95', 0.95],
          ['p99', 0.99],
        ] as const) {
          const rank = Math.ceil(share * sorted.length) - 1;
          near(latency?.[name], sorted[rank]);
          near(throughput?.[name], sorted[sorted.length - 1 - rank]);
        }
      }),
    );
  });

  const near = (read: number | undefined, exact: number | undefined): void => {
    expect(read).toBeDefined();
    expect(Math.abs((read ?? 0) - (exact ?? 0))).toBeLessThanOrEqual(0.05 * (exact ?? 0) + 0.051);
  };

  test('PLT-066 those of throughput fall, and PLT-065 those of latency rise, over half an hour', () => {
    fc.assert(
      fc.property(sample, (values) => {
        const health = values.reduce(
          (all, value) => foldPace(all, { firstContentMs: value, tokensPerSecond: value }, 0),
          NO_HEALTH,
        );
        const { latency, throughput } = speed(health, 29 * MINUTE, 30);
        const row = (all: typeof latency): number[] => [all?.p50, all?.p75, all?.p90, all?.p95, all?.p99].map(Number);
        expect(row(latency)).toEqual(row(latency).sort((a, b) => a - b));
        expect(row(throughput)).toEqual(row(throughput).sort((a, b) => b - a));
        expect(speed(health, 30 * MINUTE, 30).samples).toBe(0);
      }),
    );
  });
});
