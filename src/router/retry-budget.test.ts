import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { afterOverload, afterSuccess, atFirst, type Concurrency } from './concurrency.ts';
import { RetryBudget } from './retry-budget.ts';

describe('the budget for retries', () => {
  test('P7 over any ten seconds with a hundred requests there are at most 1.2 attempts a request', () => {
    // Whatever comes: in each step some requests, each of which fails and would like to try five times more.
    const step = fc.record({ afterMs: fc.integer({ min: 0, max: 3000 }), requests: fc.integer({ min: 0, max: 300 }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const budget = new RetryBudget({ percent: 20, least: 20 });
        const events: { readonly at: number; readonly requests: number; retries: number }[] = [];
        let now = 12_345;
        for (const { afterMs, requests } of steps) {
          now += afterMs;
          const event = { at: now, requests, retries: 0 };
          for (let i = 0; i < requests; i++) budget.request(now);
          for (let i = 0; i < 5 * requests; i++) if (budget.retry(now)) event.retries++;
          events.push(event);
        }
        for (const first of events) {
          const from = first.at - (first.at % 100);
          const window = events.filter(({ at }) => at >= from && at < from + 10_000);
          const requests = window.reduce((sum, one) => sum + one.requests, 0);
          const retries = window.reduce((sum, one) => sum + one.retries, 0);
          if (requests >= 100) expect((requests + retries) / requests).toBeLessThanOrEqual(1.2);
        }
      }),
      { numRuns: 300 },
    );
  });

  test('few requests may always try again, and a fifth of many', () => {
    const few = new RetryBudget({ percent: 20, least: 20 });
    few.request(0);
    for (let i = 0; i < 20; i++) expect(few.retry(i)).toBe(true);
    expect(few.retry(20)).toBe(false);
    expect(few.retry(9000)).toBe(false);
    expect(few.retry(10_000)).toBe(true);
    const many = new RetryBudget({ percent: 20, least: 20 });
    for (let i = 0; i < 1000; i++) many.request(0);
    let allowed = 0;
    while (many.retry(0)) allowed++;
    expect(allowed).toBe(200);
  });
});

describe('concurrency', () => {
  const LIMITS = { start: 20, max: 1000 };
  const served = (value: Concurrency, times: number, inFlight = value.limit): Concurrency => {
    let now = value;
    for (let i = 0; i < times; i++) now = afterSuccess(now, Math.max(inFlight, now.limit), LIMITS);
    return now;
  };

  test('grows with each success until it was too much once, then by one for each limit-full of successes', () => {
    expect(served(atFirst(LIMITS), 30).limit).toBe(50);
    const cut = afterOverload(served(atFirst(LIMITS), 30), 50, 0, LIMITS);
    expect([cut.limit, cut.known]).toEqual([35, true]);
    expect(served(cut, 34).limit).toBe(35);
    expect(served(cut, 35).limit).toBe(36);
    expect(served(cut, 35 + 36).limit).toBe(37);
    expect(served(atFirst(LIMITS), 5000).limit).toBe(1000);
  });

  test('does not grow while it is not used', () => {
    let idle = atFirst(LIMITS);
    for (let i = 0; i < 500; i++) idle = afterSuccess(idle, 9, LIMITS);
    expect(idle.limit).toBe(20);
  });

  test('does not fall while it is not used: a 429 of one in twenty is not about how many there are at once', () => {
    expect(afterOverload(atFirst(LIMITS), 1, 0, LIMITS)).toEqual(atFirst(LIMITS));
    expect(afterOverload(atFirst(LIMITS), 10, 0, LIMITS).limit).toBe(14);
  });

  test('falls by three tenths, at most once a second, never below two', () => {
    let value = atFirst(LIMITS);
    for (let i = 0; i < 100; i++) value = afterOverload(value, 20, 500, LIMITS);
    expect(value.limit).toBe(14);
    expect(afterOverload(value, 20, 1499, LIMITS).limit).toBe(14);
    expect(afterOverload(value, 20, 1500, LIMITS).limit).toBe(9);
    for (let i = 0; i < 30; i++) value = afterOverload(value, 20, 2000 * (i + 1), LIMITS);
    expect(value.limit).toBe(2);
    // What was let through on a guess counts: that many it did take.
    expect(afterOverload(atFirst(LIMITS), 200, 0, LIMITS).limit).toBe(140);
  });
});
