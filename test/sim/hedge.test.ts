import { expect, test } from 'bun:test';
import { figures } from './report.ts';
import { scenario } from './scenarios.ts';
import { type Outcome, simulate } from './simulation.ts';
import { seeds } from './support.ts';

/** Dollars that hosts bill: what was delivered, and the prompt of every attempt that was given up. */
function spend({ requests, scenario: { hosts } }: Outcome): number {
  const price = new Map(hosts.map(({ id, usd }) => [id, usd]));
  let usd = 0;
  for (const { usd: charged, attempts, order, host } of requests) {
    usd += charged;
    for (const attempt of attempts)
      if (attempt.host !== host) usd += (order.promptTokens * (price.get(attempt.host) ?? 0)) / 1e6;
  }
  return usd;
}

test('a slow tail of one in twenty: hedging cuts the 99th percentile of the first token by 40 % or more, for 5 % more spend at most', () => {
  for (const seed of seeds(2)) {
    const plain = scenario('slow-tail', seed);
    const without = simulate(plain, seed);
    const hedged = simulate({ ...plain, hedged: true }, seed);
    expect(hedged.breaches).toEqual([]);
    const [before, after] = [figures(without), figures(hedged)];
    expect(after.success).toBeGreaterThanOrEqual(before.success);
    expect(after.firstMs.p99).toBeLessThanOrEqual(0.6 * before.firstMs.p99);
    expect(spend(hedged)).toBeLessThanOrEqual(1.05 * spend(without));
    const doubled = hedged.requests.filter(({ attempts }) => attempts.length > 1).length;
    expect(doubled / hedged.requests.length).toBeLessThanOrEqual(0.05);
  }
});
