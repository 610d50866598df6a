import { describe, expect, it } from 'bun:test';
import fc from 'fast-check';
import { classify, decimalAndBinary, type ResolveContext, resolve, resolveAll } from './resolve.ts';
import type { Observation, Source } from './types.ts';

const source = (id: string, rank: Source['rank'], lineage: readonly string[] = []): Source => ({
  id,
  name: id,
  url: 'https://example.org',
  licence: 'MIT',
  kind: 'manual',
  rank,
  lineage,
});

const context: ResolveContext = {
  sources: new Map(
    [
      source('list', 1),
      source('docs', 3),
      source('data-a', 4, ['list']),
      source('data-b', 4),
      source('data-c', 4),
      source('copy-of-b', 4, ['data-b']),
      source('people', 5),
    ].map((s) => [s.id, s]),
  ),
  routed: false,
  repeated: new Set(),
};

const observation = (over: Partial<Observation> = {}): Observation => ({
  subject: 'endpoint:host/lab/model',
  field: 'price.input',
  value: '0.15',
  state: 'listed',
  source: 'data-a',
  checked: '2026-07-01',
  ...over,
});

const ruled = (...observations: Observation[]) => {
  const fact = resolve(observations, context);
  return fact && { value: fact.value, rule: fact.rule, source: fact.source };
};

describe('resolve', () => {
  it('knows nothing where nothing was said', () => {
    expect(resolve([], context)).toBeUndefined();
  });

  it('takes the only word, with its witnesses', () => {
    const fact = resolve([observation(), observation({ source: 'data-b', checked: '2026-08-01' })], context);
    expect(fact).toMatchObject({
      value: '0.15',
      rule: 'only-word',
      source: 'data-b',
      supports: [{ source: 'data-a', checked: '2026-07-01' }],
      dissents: [],
    });
  });

  it('names the source closest to the invoice of those that agree', () => {
    const fact = resolve([observation({ checked: '2026-09-01' }), observation({ source: 'docs' })], context);
    expect(fact).toMatchObject({ source: 'docs', rule: 'only-word', supports: [{ source: 'data-a' }] });
  });

  it('REF-022 sets the price of an older meaning of an alias aside, whoever says it', () => {
    const old = observation({
      value: '0.1',
      source: 'list',
      checked: '2026-09-23',
      conflict: 'alias_moved',
      note: 'Small 3.2',
    });
    const fact = resolve([old, observation({ source: 'data-b' })], context);
    expect(fact).toMatchObject({ value: '0.15', rule: 'same-thing', source: 'data-b' });
    expect(fact?.dissents).toEqual([
      {
        value: '0.1',
        state: 'listed',
        source: 'list',
        checked: '2026-09-23',
        conflict: 'alias_moved',
        note: 'Small 3.2',
      },
    ]);
  });

  it('counts an alias with the same figure as a witness', () => {
    const fact = resolve([observation({ conflict: 'alias_moved', source: 'data-c' }), observation()], context);
    expect(fact).toMatchObject({
      rule: 'only-word',
      supports: [{ source: 'data-c', checked: '2026-07-01' }],
      dissents: [],
    });
  });

  it('REF-023 shows 256,000 beside 262,144 and says what they are', () => {
    const limit = { field: 'context_length', subject: 'model:lab/model' };
    const fact = resolve(
      [
        observation({ ...limit, value: 256_000, source: 'docs' }),
        observation({ ...limit, value: 262_144, source: 'data-b', checked: '2026-09-01' }),
        observation({ ...limit, value: 262_144, source: 'list', conflict: 'scope_model_vs_host' }),
      ],
      context,
    );
    expect(fact).toMatchObject({ value: 256_000, rule: 'closest-to-invoice' });
    expect(fact?.dissents.map(({ value, conflict }) => ({ value, conflict }))).toEqual([
      { value: 262_144, conflict: 'decimal_vs_binary' },
      { value: 262_144, conflict: 'scope_model_vs_host' },
    ]);
  });

  it('REF-027 the source closest to the invoice wins over a later one', () => {
    expect(ruled(observation({ value: '0.2', source: 'docs' }), observation({ checked: '2026-12-01' }))).toEqual({
      value: '0.2',
      rule: 'closest-to-invoice',
      source: 'docs',
    });
  });

  it('equally close: the later one wins', () => {
    expect(ruled(observation({ value: '0.2' }), observation({ source: 'data-b', checked: '2026-08-01' }))).toEqual({
      value: '0.15',
      rule: 'later-look',
      source: 'data-b',
    });
  });

  it('a later look at an older assertion is no later word', () => {
    const repeatedHearsay = observation({
      value: '0.2',
      source: 'data-b',
      checked: '2026-09-01',
      asserted: '2026-03-01',
    });
    expect(ruled(repeatedHearsay, observation())).toEqual({ value: '0.15', rule: 'later-look', source: 'data-a' });
  });

  it('REF-028 what no rule settles is shown as disputed, with both figures', () => {
    const fact = resolve([observation({ value: '0.2', source: 'data-b' }), observation()], context);
    expect(fact).toMatchObject({
      state: 'disputed',
      rule: 'unsettled',
      dissents: [{ value: '0.2', conflict: 'unknown' }],
    });
  });

  it.each([
    ['0.15', '0.9'],
    ['0.9', '0.15'],
    ['0.15', '0'],
    ['0', '0.15'],
  ])('REF-026 a move from %s to %s waits for a second look', (before, after) => {
    const later = observation({ value: after, source: 'data-b', checked: '2026-08-01' });
    expect(ruled(observation({ value: before }), later)).toMatchObject({ value: before, rule: 'second-look' });
    const again = observation({ value: after, source: 'data-c', checked: '2026-08-02' });
    expect(ruled(observation({ value: before }), later, again)).toMatchObject({ value: after, rule: 'later-look' });
  });

  it('a source that looks every day has given its second look', () => {
    const steady = { ...context, repeated: new Set(['data-b']) };
    const later = observation({ value: '0.9', source: 'data-b', checked: '2026-08-01' });
    expect(resolve([observation(), later], steady)).toMatchObject({ value: '0.9', rule: 'later-look' });
  });

  it('a figure off by a thousand loses to one closer to the invoice, and to more witnesses', () => {
    const wrong = observation({ value: '150', source: 'data-b', checked: '2026-09-01' });
    expect(resolve([observation({ source: 'docs' }), wrong], context)).toMatchObject({
      value: '0.15',
      rule: 'unit-guard',
      dissents: [{ value: '150', conflict: 'unit' }],
    });
    expect(ruled(observation(), observation({ source: 'data-c' }), wrong)).toMatchObject({
      value: '0.15',
      rule: 'unit-guard',
    });
  });

  it('REF-017 a copy is no second witness', () => {
    const wrong = observation({ value: '150', source: 'data-c', checked: '2026-09-01' });
    const copied = [observation({ source: 'data-b' }), observation({ source: 'copy-of-b' })];
    // One witness against one: the guard cannot tell which is wrong, so the later figure waits instead.
    expect(ruled(...copied, wrong)).toMatchObject({ value: '0.15', rule: 'second-look' });
  });

  it('a blank never beats a figure, and a figure about something else fills no blank', () => {
    const blank = observation({ value: null, state: 'not_sourced', source: 'list', checked: '2026-12-01' });
    expect(ruled(blank, observation({ source: 'people' }))).toMatchObject({ value: '0.15' });
    const stranger = observation({ conflict: 'wrong_identity' });
    expect(resolve([stranger], context)).toMatchObject({
      value: null,
      state: 'not_sourced',
      rule: 'same-thing',
      dissents: [{ value: '0.15' }],
    });
  });

  it('tells a free price from a listed zero', () => {
    const fact = resolve(
      [observation({ value: '0', state: 'free', source: 'docs' }), observation({ value: '0' })],
      context,
    );
    expect(fact).toMatchObject({ state: 'free', dissents: [{ state: 'listed' }] });
  });
});

const anyObservation = fc.record({
  subject: fc.constant('endpoint:host/lab/model'),
  field: fc.constantFrom('price.input', 'price.output', 'context_length'),
  value: fc.constantFrom('0', '0.15', '0.6', '150', '1.05', null),
  state: fc.constantFrom('listed', 'free', 'not_sourced', 'trial_quota'),
  source: fc.constantFrom(...context.sources.keys()),
  checked: fc.constantFrom('2026-06-01', '2026-07-01', '2026-08-01'),
  conflict: fc.constantFrom(undefined, undefined, undefined, 'alias_moved', 'unit'),
}) as fc.Arbitrary<Observation>;

describe('resolve, for any observations', () => {
  it('REF-030 never says what nobody said', () => {
    fc.assert(
      fc.property(fc.array(anyObservation, { minLength: 1, maxLength: 8 }), (observations) => {
        for (const [field, fact] of Object.entries(
          resolveAll(observations, () => context)['endpoint:host/lab/model'] ?? {},
        )) {
          const said = observations.filter((o) => o.field === field).map((o) => o.value);
          expect([null, ...said]).toContain(fact.value as never);
        }
      }),
    );
  });

  it('gives the same facts whatever the order', () => {
    fc.assert(
      fc.property(fc.array(anyObservation, { maxLength: 8 }), fc.infiniteStream(fc.nat()), (observations, dice) => {
        const shuffled = observations
          .map((o) => ({ o, at: dice.next().value as number }))
          .toSorted((a, b) => a.at - b.at)
          .map(({ o }) => o);
        const plain = JSON.stringify(resolveAll(observations, () => context));
        expect(JSON.stringify(resolveAll(shuffled, () => context))).toBe(plain);
      }),
      { numRuns: 3000 },
    );
  });

  it('keeps every figure: chosen, supporting or dissenting', () => {
    fc.assert(
      fc.property(fc.array(anyObservation, { minLength: 1, maxLength: 8 }), (observations) => {
        const facts = resolveAll(observations, () => context)['endpoint:host/lab/model'] ?? {};
        for (const o of observations.filter(({ state }) => state !== 'not_sourced')) {
          const fact = facts[o.field];
          const shown = [fact, ...(fact?.dissents ?? [])].map((f) => `${f?.state} ${JSON.stringify(f?.value)}`);
          const stated = fact?.state === 'disputed' ? [`${o.state} ${JSON.stringify(fact.value)}`] : [];
          expect([...shown, ...stated]).toContain(`${o.state} ${JSON.stringify(o.value)}`);
        }
      }),
    );
  });
});

describe('resolveAll', () => {
  it('REF-026 holds a price list as a whole, so that no bill mixes two', () => {
    const facts = resolveAll(
      [
        observation({ field: 'price.input', value: '0.66' }),
        observation({ field: 'price.output', value: '1' }),
        observation({ field: 'price.input', value: '0.06', source: 'data-b', checked: '2026-08-01' }),
        observation({ field: 'price.output', value: '0.9', source: 'data-b', checked: '2026-08-01' }),
        observation({ field: 'price.cache-read', value: '0.006', source: 'data-b', checked: '2026-08-01' }),
      ],
      () => context,
    )['endpoint:host/lab/model'];
    expect(facts?.['price.input']).toMatchObject({ value: '0.66', rule: 'second-look' });
    expect(facts?.['price.output']).toMatchObject({ value: '1', rule: 'second-look' });
    expect(facts?.['price.cache-read']).toMatchObject({ value: null, state: 'not_sourced', rule: 'second-look' });
  });
});

describe('classify', () => {
  it.each([
    ['a router’s price moves', true, '2026-06-01', 'route_price_moved'],
    ['an older figure is stale', false, '2026-06-01', 'stale'],
    ['a later loser is unexplained', false, '2026-08-01', 'unknown'],
  ])('%s', (_name, routed, checked, conflict) => {
    expect(classify(observation({ value: '1', checked }), observation(), { ...context, routed })).toBe(
      conflict as never,
    );
  });

  it.each([
    [256_000, 262_144, true],
    [131_072, 128_000, true],
    [1_000_000, 1_048_576, true],
    [200_000, 204_800, true],
    [128_000, 262_144, false],
    [256_000, 256_000, false],
    [0, 0, false],
  ])('REF-023 %p and %p count the same thousands: %p', (a, b, same) => {
    expect(decimalAndBinary(a, b)).toBe(same);
  });
});
