import { describe, expect, test } from 'bun:test';
import { endpoint, world } from '../../test/support/world.ts';
import type { Counts } from '../canon/units.ts';
import { price } from '../ledger/price.ts';
import { formatUsd } from '../money/money.ts';
import { overrideOf, type Prices, parseCondition, ratesOf } from './price-conditions.ts';

/** Twenty published price lists and what they make of a request: sizes, hours, tiers, fees (spec/providers D.3). */

interface Case {
  readonly counts: Counts;
  readonly tier?: string;
  /** When the request was accepted. */
  readonly at?: string;
  readonly usd: string;
}

interface PriceList {
  readonly prices: Prices;
  readonly conditions?: readonly string[];
  readonly cases: readonly Case[];
}

const OPUS = { input: '5', output: '25', 'cache-write': '6.25', 'cache-write-1h': '10', 'cache-read': '0.5' } as const;
const ALL_OF_OPUS = { input: 1000, 'cache-read': 2000, 'cache-write': 400, 'cache-write-1h': 100, output: 300 };
const GPT55 = [
  'prompt > 272000: input 10, output 45, cache-read 1',
  'tier priority: input 12.5, output 75, cache-read 1.25',
];
const PEAK = ['0100-0400', '0600-1000'].map((hours) => `utc ${hours} mon/tue/wed/thu/fri except 2026-10-01: times 2`);
const FLASH = { input: 1000, 'cache-read': 1000, output: 1000 };
const off = { counts: FLASH, usd: '0.000753' };
const peak = { counts: FLASH, usd: '0.001506' };

const LISTS: Readonly<Record<string, PriceList>> = {
  '1 cache writes, a fast mode and batches': {
    prices: OPUS,
    conditions: ['tier fast: input 10, output 50, cache-write 12.5, cache-read 1', 'tier batch: times 0.5'],
    cases: [
      { counts: ALL_OF_OPUS, usd: '0.017' },
      { counts: ALL_OF_OPUS, tier: 'fast', usd: '0.033' },
      { counts: ALL_OF_OPUS, tier: 'batch', usd: '0.0085' },
    ],
  },
  '2 reads at a fortieth': {
    prices: { input: '10', output: '50', 'cache-write': '12.5', 'cache-write-1h': '20', 'cache-read': '0.25' },
    cases: [
      {
        counts: { input: 1000, 'cache-read': 4000, 'cache-write': 400, 'cache-write-1h': 100, output: 200 },
        usd: '0.028',
      },
    ],
  },
  '3 searches beside tokens': {
    prices: { input: '1', output: '5', 'cache-read': '0.1', 'web-search': '10000' },
    cases: [{ counts: { input: 1000, output: 1000, 'web-search': 3 }, usd: '0.036' }],
  },
  '4 a size and a tier': {
    prices: { input: '5', output: '30', 'cache-read': '0.5' },
    conditions: GPT55,
    cases: [
      { counts: { input: 271_000, 'cache-read': 1000, output: 1000 }, usd: '1.3855' },
      { counts: { input: 271_001, 'cache-read': 1000, output: 1000 }, usd: '2.75601' },
      { counts: { input: 1000, output: 100 }, tier: 'priority', usd: '0.02' },
      { counts: { input: 1000, output: 100 }, tier: 'default', usd: '0.008' },
    ],
  },
  '5 half of what a size costs': {
    prices: { input: '2.5', output: '15', 'cache-read': '0.25' },
    conditions: [
      'prompt > 272000: input 5, output 22.5, cache-read 0.5',
      'tier flex: times 0.5',
      'tier batch: times 0.5',
    ],
    cases: [
      { counts: { input: 1000, output: 1000 }, tier: 'flex', usd: '0.00875' },
      { counts: { input: 1000, output: 1000 }, tier: 'batch', usd: '0.00875' },
      { counts: { input: 300_000, output: 1000 }, tier: 'flex', usd: '0.76125' },
    ],
  },
  '6 a size elsewhere': {
    prices: { input: '2', output: '12', 'cache-read': '0.2' },
    conditions: ['prompt > 200000: input 4, output 18, cache-read 0.4'],
    cases: [
      { counts: { input: 200_000, output: 100 }, usd: '0.4012' },
      { counts: { input: 200_001, output: 100 }, usd: '0.801804' },
    ],
  },
  '7 audio apart': {
    prices: { input: '0.3', 'input-audio': '1', output: '2.5', 'cache-read': '0.03' },
    cases: [{ counts: { input: 1000, 'input-audio': 500, 'cache-read': 200, output: 100 }, usd: '0.001056' }],
  },
  '8 a size that cached tokens count towards': {
    prices: { input: '1.25', output: '2.5', 'cache-read': '0.2' },
    conditions: ['prompt > 200000: input 2.5, output 5, cache-read 0.4'],
    cases: [
      { counts: { input: 100_000, 'cache-read': 100_000, output: 0 }, usd: '0.145' },
      { counts: { input: 100_000, 'cache-read': 100_001, output: 0 }, usd: '0.2900004' },
    ],
  },
  '9 writes with a size of their own': {
    prices: { input: '0.5', output: '3', 'cache-read': '0.05', 'cache-write': '0.625' },
    conditions: ['prompt > 256000: input 2, output 6, cache-read 0.2, cache-write 2.5'],
    cases: [
      { counts: { input: 255_000, 'cache-write': 1000, output: 1000 }, usd: '0.131125' },
      { counts: { input: 255_001, 'cache-write': 1000, output: 1000 }, usd: '0.518502' },
    ],
  },
  '10 hours of working days': {
    prices: { input: '0.15', output: '0.6', 'cache-read': '0.003' },
    conditions: PEAK,
    cases: [
      { ...off, at: '2026-11-24T00:59:59.999Z' },
      { ...peak, at: '2026-11-24T01:00:00Z' },
      { ...peak, at: '2026-11-24T03:59:59.999Z' },
      { ...off, at: '2026-11-24T04:00:00Z' },
      { ...peak, at: '2026-11-24T09:59:00Z' },
      { ...off, at: '2026-11-24T10:00:00Z' },
      { ...off, at: '2026-11-28T02:00:00Z' },
      { ...off, at: '2026-10-01T02:00:00Z' },
      { ...peak, at: '2026-10-08T02:00:00Z' },
    ],
  },
  '11 plain, and batches': {
    prices: { input: '0.15', output: '0.6', 'cache-read': '0.015' },
    conditions: ['tier batch: times 0.5'],
    cases: [
      { counts: { input: 1000, 'cache-read': 200, output: 500 }, usd: '0.000453' },
      // Half of 226.5 nano-dollars more than 226 micro-dollars: halves go to the even side.
      { counts: { input: 1000, 'cache-read': 200, output: 500 }, tier: 'batch', usd: '0.0002265' },
    ],
  },
  '12 a fee a request, and searches with thoughts': {
    prices: { input: '3', output: '15', reasoning: '3', 'web-search': '5000', request: '14000' },
    cases: [{ counts: { input: 1000, output: 100, reasoning: 500, 'web-search': 4 }, usd: '0.04' }],
  },
  '13 one model, here': {
    prices: { input: '0.15', output: '0.6', 'cache-read': '0.075' },
    cases: [{ counts: { input: 1000, output: 1000 }, usd: '0.00075' }],
  },
  '13 one model, there': {
    prices: { input: '0.35', output: '0.75' },
    // Without a price of their own, cached tokens cost what others cost.
    cases: [{ counts: { input: 500, 'cache-read': 500, output: 1000 }, usd: '0.0011' }],
  },
  '14 writes dearer than input': {
    prices: { input: '0.3', output: '1.2', 'cache-read': '0.03', 'cache-write': '0.375' },
    cases: [{ counts: { input: 1000, 'cache-read': 1000, 'cache-write': 1000, output: 1000 }, usd: '0.001905' }],
  },
  '15 writes for nothing': {
    prices: { input: '1', output: '3.2', 'cache-read': '0.2', 'cache-write': '0' },
    cases: [{ counts: { input: 1000, 'cache-read': 1000, 'cache-write': 1000, output: 1000 }, usd: '0.0044' }],
  },
  '16 three prices': {
    prices: { input: '0.95', output: '4', 'cache-read': '0.16' },
    cases: [{ counts: { input: 1000, 'cache-read': 1000, output: 1000 }, usd: '0.00511' }],
  },
  '17 pages': {
    prices: { page: '4000' },
    conditions: ['tier annotated: page 5000', 'tier batch: times 0.5'],
    cases: [
      { counts: { page: 10 }, usd: '0.04' },
      { counts: { page: 10 }, tier: 'annotated', usd: '0.05' },
      { counts: { page: 10 }, tier: 'batch', usd: '0.02' },
    ],
  },
  '18 minutes beside tokens': {
    prices: { input: '0.1', output: '0.4', 'input-audio-second': '66.666667' },
    cases: [{ counts: { 'input-audio-second': 60, input: 100, output: 100 }, usd: '0.00405' }],
  },
  '19 two prices': {
    prices: { input: '2.5', output: '10' },
    cases: [{ counts: { input: 1000, output: 1000 }, usd: '0.0125' }],
  },
  '20 a tier at half': {
    prices: { input: '1', output: '2', request: '1000' },
    conditions: ['tier flex: times 0.5'],
    cases: [
      { counts: { input: 1000, output: 1000 }, usd: '0.004' },
      // A flat fee is not halved.
      { counts: { input: 1000, output: 1000 }, tier: 'flex', usd: '0.0025' },
    ],
  },
};

/** A Tuesday noon. */
const NOON = '2026-11-24T12:00:00Z';

function costs({ prices, conditions = [] }: PriceList, { counts, tier, at = NOON }: Case): string {
  const overrides = conditions.map((line) => {
    const condition = parseCondition(line);
    if (!condition) throw new Error(`no condition: ${line}`);
    return overrideOf(condition);
  });
  const host = endpoint('a', 'lab/one', 1, { rates: ratesOf(prices), ...(overrides.length > 0 && { overrides }) });
  const promptTokens = (['input', 'cache-read', 'cache-write', 'cache-write-1h', 'input-audio'] as const).reduce(
    (sum, unit) => sum + (counts[unit] ?? 0),
    0,
  );
  const rates = world({ endpoints: [host] }).ratesFor(host, { promptTokens, at: Date.parse(at), tier });
  return formatUsd(price(counts, rates).total);
}

describe('UP-150 price lists', () => {
  for (const [name, list] of Object.entries(LISTS))
    test(`UP-150 ${name}`, () => {
      for (const one of list.cases) expect([one, costs(list, one)]).toEqual([one, one.usd]);
    });

  test('UP-150 a window may wrap midnight, and its small hours belong to the day it began', () => {
    const list = { prices: { input: '1' }, conditions: ['utc 2200-0200 fri: input 9'], cases: [] };
    const at = (time: string): string => costs(list, { counts: { input: 1_000_000 }, at: time, usd: '' });
    const hours = ['27T21:59', '27T22:00', '27T23:59', '28T00:00', '28T01:59', '28T02:00', '28T22:00', '27T01:00'];
    expect(hours.map((hour) => at(`2026-11-${hour}:00Z`))).toEqual(['1', '9', '9', '9', '9', '1', '1', '1']);
  });

  test('UP-150 of several that hold the later one wins, unit by unit, and a factor takes what came before it', () => {
    const cost = (...conditions: string[]): string =>
      costs(
        { prices: { input: '1', output: '1' }, conditions, cases: [] },
        {
          counts: { input: 1_000_000, output: 1_000_000 },
          tier: 'flex',
          usd: '',
        },
      );
    const [low, high] = ['prompt > 100: input 2, output 2', 'prompt > 200: input 3'];
    expect(cost(low, high)).toBe('5');
    expect(cost(high, low)).toBe('4');
    expect(cost(low, 'tier flex: times 0.5', high)).toBe('4');
    expect(cost(low, high, 'tier flex: times 0.5')).toBe('2.5');
    expect(cost(low, high, 'tier other: times 0.5')).toBe('5');
  });
});
