import { describe, expect, it } from 'bun:test';
import fc from 'fast-check';
import { endpoint, world } from '../../test/support/world.ts';
import { UNIT_IDS, type Unit } from '../canon/units.ts';
import { ratesOn, readRates, unitPrice } from './rates.ts';
import { tierEndpoints } from './tier-endpoints.ts';
import type { RateOverride } from './types.ts';

/** Amounts that the factors below leave whole in any order: a bill is always worked out in the order of the list. */
const rates = fc.dictionary(
  fc.constantFrom<Unit>('input', 'output', 'cache-read'),
  fc.nat(1000).map((n) => String(n * 4 ** 6)),
  {
    maxKeys: 3,
  },
);
const override: fc.Arbitrary<RateOverride> = fc.record(
  {
    minPromptTokens: fc.constantFrom(100, 200),
    tier: fc.constantFrom('flex', 'priority'),
    utc: fc.constant({ start: '0000', end: '1200' }),
    times: fc.constantFrom('0.5', '2', '1.25'),
    rates,
  },
  { requiredKeys: ['rates'] },
);
const MORNING = Date.UTC(2026, 0, 1, 6);
const EVENING = Date.UTC(2026, 0, 1, 18);

describe('tier endpoints', () => {
  it('cost by themselves what their host costs when that tier serves, whatever the occasion', () => {
    fc.assert(
      fc.property(
        rates,
        fc.array(override, { maxLength: 6 }),
        fc.constantFrom(50, 150, 250),
        fc.constantFrom(MORNING, EVENING),
        (base, overrides, promptTokens, at) => {
          const usual = endpoint('a', 'lab/one', 1, { rates: base, overrides });
          for (const one of tierEndpoints(usual, undefined)) {
            const occasion = { promptTokens, at, tier: one.tier };
            const wanted = ratesOn(readRates(base), overrides, occasion);
            const had = ratesOn(readRates(one.rates), one.overrides, { promptTokens, at });
            for (const unit of UNIT_IDS) expect(unitPrice(had, unit)).toBe(unitPrice(wanted, unit));
          }
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('are reserved for at the dearest of their own price and the usual one, since either may be served', () => {
    const overrides = [
      { tier: 'flex', times: '0.5', rates: {} },
      { tier: 'priority', times: '2', rates: {} },
    ];
    const snapshot = world({ endpoints: [endpoint('a', 'lab/one', 3, { overrides })] });
    const dollars = (tier: string | undefined, served: string | undefined): readonly number[] => {
      const one = snapshot.hostsInTiers('lab/one').find((host) => host.endpoint.tier === tier)?.endpoint;
      if (!one) throw new Error(`no tier ${tier}`);
      const held = snapshot.worstRates(one, { promptTokens: 10 });
      const billed = snapshot.ratesFor(one, { promptTokens: 10, at: 0, tier: served });
      return [held, billed].map((rates) => Number(unitPrice(rates, 'input')) / 1e6);
    };
    expect(dollars(undefined, undefined)).toEqual([3, 3]);
    expect(dollars('flex', 'flex')).toEqual([3, 1.5]);
    expect(dollars('flex', 'default')).toEqual([3, 3]);
    expect(dollars('priority', 'priority')).toEqual([6, 6]);
    expect(dollars('priority', 'default')).toEqual([6, 3]);
  });

  it('are those whose price is known and which the host has a word for', () => {
    const overrides = [
      { tier: 'flex', times: '0.5', rates: {} },
      { tier: 'scale', rates: {} },
    ];
    const tiers = (words: Record<string, string> | undefined) =>
      tierEndpoints(endpoint('a', 'lab/one', 1, { overrides }), words).map(({ id }) => id);
    expect(tiers(undefined)).toEqual(['a/lab/one@flex']);
    expect(tiers({ flex: 'cheap', priority: 'fast' })).toEqual(['a/lab/one@flex']);
    expect(tiers({ priority: 'fast' })).toEqual([]);
    expect(tierEndpoints(endpoint('a', 'lab/one', 1, { overrides, retired: true }), undefined)).toEqual([]);
  });
});
