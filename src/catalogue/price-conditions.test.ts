import { describe, expect, it } from 'bun:test';
import fc from 'fast-check';
import { UNIT_IDS, type Unit } from '../canon/units.ts';
import { formatPricePerMillion, picodollarsPerUnit } from '../money/money.ts';
import { formatCondition, overrideOf, type Prices, parseCondition, perMillion, ratesOf } from './price-conditions.ts';

const price = fc.bigInt({ min: 0n, max: 10n ** 12n }).map((pico) => formatPricePerMillion(picodollarsPerUnit(pico)));
const prices = fc
  .dictionary(fc.constantFrom(...UNIT_IDS), price, { minKeys: 1 })
  .map((entries) => ({ ...entries }) as Prices);
const hour = fc
  .tuple(fc.nat(23), fc.nat(59))
  .map(([h, m]) => `${String(h).padStart(2, '0')}${String(m).padStart(2, '0')}`);
const window = fc.record(
  {
    start: hour,
    end: hour,
    days: fc.uniqueArray(fc.integer({ min: 1, max: 7 }), { minLength: 1 }),
    except: fc.uniqueArray(fc.constantFrom('2026-10-01', '2027-01-01', '2027-02-17'), { minLength: 1 }),
  },
  { requiredKeys: ['start', 'end'] },
);
const when = fc
  .record(
    {
      minPromptTokens: fc.nat(),
      tier: fc.constantFrom('flex', 'priority', 'scale-2'),
      utc: window,
      times: fc.constantFrom('0.5', '1.1', '2'),
    },
    { requiredKeys: [] },
  )
  .filter(({ minPromptTokens, tier, utc }) => minPromptTokens !== undefined || tier !== undefined || utc !== undefined);

describe('conditions', () => {
  it('are readable lines', () => {
    expect(formatCondition({ minPromptTokens: 200_000, prices: { input: '6', output: '22.5' } })).toBe(
      'prompt > 200000: input 6, output 22.5',
    );
    expect(formatCondition({ utc: { start: '0100', end: '0400' }, prices: { 'cache-read': '0.014' } })).toBe(
      'utc 0100-0400: cache-read 0.014',
    );
  });

  it('read back exactly', () => {
    fc.assert(
      fc.property(when, prices, (condition, named) => {
        const full = { ...condition, prices: named };
        expect(parseCondition(formatCondition(full))).toEqual(full);
      }),
    );
  });

  it.each([
    '',
    'cheap',
    ': input 1',
    'prompt > 5: input',
    'prompt > 5: tea 1',
    'prompt > 5: input -1',
    'prompt > x: input 1',
  ])('refuse %p', (line) => {
    expect(parseCondition(line)).toBeUndefined();
  });

  it('become rates of the same prices', () => {
    expect(overrideOf({ minPromptTokens: 5, prices: { input: '0.15' } })).toEqual({
      minPromptTokens: 5,
      rates: { input: '150000' },
    });
  });
});

describe('ratesOf', () => {
  it('turns dollars per million into pico-dollars per unit, exactly', () => {
    fc.assert(
      fc.property(prices, (named) => {
        for (const [unit, pico] of Object.entries(ratesOf(named))) {
          expect(formatPricePerMillion(picodollarsPerUnit(BigInt(pico)))).toBe(named[unit as Unit] as string);
        }
        expect(Object.keys(ratesOf(named))).toEqual(Object.keys(named));
      }),
    );
  });

  it('turns a price per thousand into one per million', () => {
    expect(perMillion('10')).toBe('10000');
    expect(perMillion('0.0005')).toBe('0.5');
  });
});
