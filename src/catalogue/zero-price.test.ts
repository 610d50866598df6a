import { describe, expect, it } from 'bun:test';
import type { Observed } from './row.ts';
import type { State } from './types.ts';
import { withZerosNamed, type ZeroMeaning, zeroMeaning } from './zero-price.ts';

const ORIGIN = { source: 'docs', checked: '2026-10-01' };
const meaning = (over: Partial<ZeroMeaning> = {}): ZeroMeaning => ({
  kind: 'inference',
  model: 'lab/model',
  origin: ORIGIN,
  ...over,
});
const price = (field: string, value: string): Observed => ({ field: `price.${field}`, value });
const ZEROS = [price('input', '0'), price('output', '0')];

describe('zeroMeaning', () => {
  it.each<[string, Partial<ZeroMeaning>, State]>([
    ['a trial stays a trial', { stated: 'trial_quota' }, 'trial_quota'],
    ['a coding plan includes it', { kind: 'plan' }, 'plan_included'],
    ['a free twin is free', { model: 'lab/model:free', kind: 'aggregator' }, 'free'],
    ['one’s own machine bills nothing', { kind: 'local' }, 'local'],
    ['anywhere else a zero says nothing', { kind: 'aggregator' }, 'not_sourced'],
    ['a word inside the name is no variant', { model: 'lab/free-model' }, 'not_sourced'],
  ])('REF-014 %s', (_name, over, state) => {
    expect(zeroMeaning(meaning(over))).toBe(state);
  });
});

describe('withZerosNamed', () => {
  it('REF-014 keeps no figure where a zero is a trial', () => {
    const named = withZerosNamed(ZEROS, meaning({ stated: 'trial_quota' }));
    expect(named.map(({ field, value, state }) => ({ field, value, state }))).toEqual([
      { field: 'price.input', value: null, state: 'trial_quota' },
      { field: 'price.output', value: null, state: 'trial_quota' },
    ]);
  });

  it('a free price is a price of zero', () => {
    expect(withZerosNamed(ZEROS, meaning({ model: 'lab/model:free' }))).toEqual([
      { field: 'price.input', value: '0', state: 'free' },
      { field: 'price.output', value: '0', state: 'free' },
    ]);
  });

  it('a row that bills something keeps its zeros', () => {
    const row = [price('input', '0.1'), price('output', '0')];
    expect(withZerosNamed(row, meaning({ stated: 'trial_quota' }))).toBe(row);
  });

  it('a row without prices takes the provider’s word, with the provider as witness', () => {
    const limits: Observed[] = [{ field: 'context_length', value: 8_192 }];
    const named = withZerosNamed(limits, meaning({ stated: 'trial_quota' }));
    expect(named).toContainEqual({ field: 'price.input', value: null, state: 'trial_quota', ...ORIGIN });
    expect(named).toContainEqual(limits[0] as never);
  });

  it('a row without prices and without a word stays silent', () => {
    const limits: Observed[] = [{ field: 'context_length', value: 8_192 }];
    expect(withZerosNamed(limits, meaning())).toBe(limits);
  });
});
