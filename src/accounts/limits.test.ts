import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { Books, type Hold } from '../ledger/books.ts';
import type { LedgerStore } from '../ledger/ports.ts';
import { nanodollars, ZERO } from '../money/money.ts';
import { FreeModels } from './free-models.ts';
import { Keyring } from './keyring.ts';
import type { AccountsStore, KeyReset } from './ports.ts';

/** What keys may spend and how often free models may be asked, on a clock that is set by hand and stores that forget. */

const DAY = 86_400_000;
/** A Wednesday. */
const NOW = Date.UTC(2026, 10, 25, 13, 30);

const forgetful: AccountsStore & LedgerStore = {
  putKey: async () => {},
  deleteKey: async () => {},
  journalHold: () => {},
  writeOutcome: async () => {},
  writeEntry: async () => 'written',
};
const booksOf = (mode: 'prepaid' | 'unlimited', balance: bigint, inFlightMax?: bigint): Books => {
  const balances = { customer: nanodollars(balance), revenue: ZERO, granted: ZERO, operator: ZERO, writeoff: ZERO };
  const max = inFlightMax === undefined ? undefined : nanodollars(inFlightMax);
  return new Books(forgetful, { balances, purchased: ZERO }, mode, max);
};
const keyringWith = async (nano: bigint, reset: KeyReset | null): Promise<{ keyring: Keyring; hash: string }> => {
  const keyring = new Keyring(forgetful, [], []);
  const { key } = await keyring.create('k', 'inference', NOW, { nano: nano.toString(), reset });
  return { keyring, hash: key.hash };
};
const asked = (total: bigint): Parameters<Books['hold']>[0]['worst'] => ({
  promptTokens: 1,
  perPromptToken: 1n,
  prompt: ZERO,
  perOutputToken: 1000n,
  total: nanodollars(total),
});

describe('the window of a key’s limit', () => {
  test.each([
    [null, null, 111n],
    ['daily', Date.UTC(2026, 10, 26), 1n],
    ['weekly', Date.UTC(2026, 10, 30), 11n],
    ['monthly', Date.UTC(2026, 11, 1), 111n],
  ] as const)('%s', async (reset, resetsAt, spent) => {
    const { keyring, hash } = await keyringWith(1000n, reset);
    keyring.charged(hash, 1n, NOW);
    keyring.charged(hash, 10n, NOW - 2 * DAY);
    keyring.charged(hash, 100n, NOW - 20 * DAY);
    expect(keyring.allowance(hash, NOW)).toEqual({
      limit: nanodollars(1000n),
      spent: nanodollars(spent),
      reset,
      resetsAt,
    });
    if (resetsAt !== null) expect(keyring.allowance(hash, resetsAt)?.spent).toBe(ZERO);
    await keyring.update(hash, { limit: null });
    expect(keyring.allowance(hash, NOW)).toBeUndefined();
  });
});

type Step =
  | { readonly kind: 'hold'; readonly total: bigint }
  | { readonly kind: 'settle' | 'void'; readonly which: number; readonly share: number }
  | { readonly kind: 'later'; readonly ms: number };
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('hold' as const), total: fc.bigInt({ min: 0n, max: 600n }) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('settle' as const, 'void' as const),
      which: fc.nat(),
      share: fc.integer({ min: 0, max: 100 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('later' as const), ms: fc.nat(2 * DAY) }) },
);

test('I5 in any history what a key spent and what it has in flight is no more than its limit', async () => {
  let refused = 0;
  for (const mode of ['prepaid', 'unlimited'] as const)
    for (const reset of [null, 'daily', 'weekly', 'monthly'] as const)
      await fc.assert(
        fc.asyncProperty(
          fc.array(step, { maxLength: 60 }),
          fc.bigInt({ min: 0n, max: 1500n }),
          async (steps, limit) => {
            const { keyring, hash } = await keyringWith(limit, reset);
            const books = booksOf(mode, 1_000_000n);
            const open: Hold[] = [];
            let now = NOW;
            for (const [at, one] of steps.entries()) {
              if (one.kind === 'later') now += one.ms;
              else if (one.kind === 'hold') {
                const allowance = keyring.allowance(hash, now);
                const worst = asked(one.total);
                const id = `gen-${at}`;
                const hold = books.hold({
                  id,
                  keyHash: hash,
                  createdAt: now,
                  worst,
                  allowance,
                  outputTokens: 1,
                  origin: '',
                });
                if (hold.ok) open.push(hold.value);
                else refused += 1;
              } else if (open.length > 0) {
                const [hold] = open.splice(one.which % open.length, 1);
                if (!hold) continue;
                if (one.kind === 'void') void books.void(hold, {});
                else {
                  const charge = (hold.worst * BigInt(one.share)) / 100n;
                  void books.settle(hold, nanodollars(charge), {});
                  keyring.charged(hash, charge, hold.createdAt);
                }
              }
              const inFlight = open.reduce((sum, { worst }) => sum + worst, 0n);
              const spent = keyring.allowance(hash, now)?.spent ?? 0n;
              expect(spent + inFlight <= limit).toBe(true);
            }
          },
        ),
        { numRuns: 150 },
      );
  expect(refused).toBeGreaterThan(1000);
});

test('another key’s limit is its own', async () => {
  const { keyring, hash } = await keyringWith(100n, null);
  const books = booksOf('unlimited', 0n);
  const hold = (keyHash: string, total: bigint): boolean =>
    books.hold({
      id: `${keyHash}${total}`,
      keyHash,
      createdAt: NOW,
      worst: asked(total),
      allowance: keyring.allowance(keyHash, NOW),
      outputTokens: 1,
      origin: '',
    }).ok;
  expect(hold('other', 5000n)).toBe(true);
  expect(hold(hash, 99n)).toBe(true);
  expect(hold(hash, 2n)).toBe(false);
  expect(hold(hash, 1n)).toBe(true);
});

test('all that is in flight together is bounded, credit or none, and what costs nothing is let in', () => {
  for (const mode of ['prepaid', 'unlimited'] as const) {
    const books = booksOf(mode, 1_000_000n, 100n);
    const hold = (id: string, total: bigint): ReturnType<Books['hold']> =>
      books.hold({ id, keyHash: 'k', createdAt: NOW, worst: asked(total), outputTokens: 1, origin: '' });
    const first = hold('a', 70n);
    expect(first.ok).toBe(true);
    const second = hold('b', 31n);
    expect(second.ok || second.error.code).toBe('in_flight_budget');
    expect(second.ok || second.error.facts.retryAfterMs).toBeGreaterThan(0);
    const alone = hold('c', 101n);
    expect(alone.ok || alone.error.facts).not.toHaveProperty('retryAfterMs');
    expect(hold('d', 0n).ok).toBe(true);
    if (first.ok) void books.void(first.value, {});
    expect(hold('e', 31n).ok).toBe(true);
  }
});

describe('free models', () => {
  const limits = { perMinute: 20, perDay: 50, perDayPaid: 1000 };
  const free = ['lab/one:free'];

  test('twenty in any minute', () => {
    const models = new FreeModels(limits, () => ZERO);
    for (let n = 0; n < 20; n += 1) expect(models.admit(free, NOW + n)).toBeUndefined();
    expect(models.admit(['lab/one'], NOW + 20)).toBeUndefined();
    const refused = models.admit(['lab/paid', 'openrouter/free'], NOW + 30);
    expect(refused?.message).toBe('Rate limit exceeded: free-models-per-min');
    expect(refused?.facts).toMatchObject({ rule: 'free_models.per_minute', limit: 20, resetsAt: NOW + 60_000 });
    expect(models.admit(free, NOW + 59_999)).toBeDefined();
    expect(models.admit(free, NOW + 60_000)).toBeUndefined();
    expect(models.admit(free, NOW + 60_000)).toBeDefined();
  });

  test.each([
    [0n, 50, /free-models-per-day\. Add 10 credits to unlock 1000/],
    [9_999_999_999n, 50, /free-models-per-day\. Add 10 credits/],
    [10_000_000_000n, 1000, /free-models-per-day-high-balance$/],
  ] as const)('a day after %p nano-dollars were paid in: %p, until midnight UTC', (paid, most, message) => {
    const models = new FreeModels(limits, () => nanodollars(paid));
    const midnight = Date.UTC(2026, 10, 26);
    let now = Date.UTC(2026, 10, 25);
    for (let n = 0; n < most; n += 1, now += 3500) expect(models.admit(free, now)).toBeUndefined();
    const refused = models.admit(free, now);
    expect(refused?.message).toMatch(message);
    expect(refused?.facts).toMatchObject({
      limitSource: 'openrouter_free_tier_daily',
      limit: most,
      resetsAt: midnight,
    });
    expect(models.today(now)).toMatchObject({ limit: most, used: most });
    expect(models.admit(free, midnight - 1)).toBeDefined();
    expect(models.admit(free, midnight)).toBeUndefined();
    expect(models.today(midnight).used).toBe(1);
  });
});
