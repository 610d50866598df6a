import { describe, expect, it } from 'bun:test';
import { endpoint, model, planInput, provider, request, world } from '../../test/support/world.ts';
import type { Preferences } from '../canon/preferences.ts';
import type { GenerationRequest } from '../canon/request.ts';
import { tagOf } from '../catalogue/tags.ts';
import { plan } from './plan.ts';
import { replayed, Witness } from './record.ts';
import { means } from './slugs.ts';
import { UNTRIED } from './standing.ts';

/** One host with two regions, and one that sells two tiers. */
const REGIONS = world({
  providers: [provider('a'), provider('b')],
  endpoints: [
    endpoint('a', 'lab/one', 1),
    endpoint('a', 'lab/one', 2, { id: 'a/lab/one@us', flavour: 'us' }),
    endpoint('a', 'lab/one', 3, { id: 'a/lab/one@us/flex', flavour: 'us', tier: 'flex' }),
    endpoint('b', 'lab/one', 4),
    endpoint('b', 'lab/one', 5, { id: 'b/lab/one@flex', tier: 'flex' }),
    endpoint('b', 'lab/one', 6, { id: 'b/lab/one@priority', tier: 'priority' }),
  ],
});

const tags = (preferences: Preferences): readonly string[] => {
  const planned = plan(
    planInput({ snapshot: REGIONS, request: request({ preferences: { sort: 'price', ...preferences } }) }),
  );
  return planned.ok ? planned.value.candidates.map((one) => tagOf(one.endpoint)) : [planned.error.code];
};

const matched = (slug: string): readonly string[] =>
  REGIONS.hostsInTiers('lab/one').flatMap((host) => (means(slug, host) ? [tagOf(host.endpoint)] : []));

describe('tags', () => {
  it('INF-198 PLT-068 a base slug means every region and flavour, and no tier of service', () => {
    expect(matched('a')).toEqual(['a', 'a/us']);
    expect(matched('Provider A')).toEqual(['a', 'a/us']);
    expect(matched('b')).toEqual(['b']);
    expect(tags({ only: ['a'] })).toEqual(['a', 'a/us']);
    expect(tags({ order: ['b', 'a'] })).toEqual(['b', 'a', 'a/us']);
    expect(tags({ ignore: ['a'], only: ['a', 'b', 'b/flex'] })).toEqual(['b', 'b/flex']);
  });

  it('INF-199 a whole tag means one endpoint and no other', () => {
    for (const { endpoint: one } of REGIONS.hostsInTiers('lab/one'))
      if (one.flavour !== undefined || one.tier !== undefined)
        for (const written of [tagOf(one), tagOf(one).toUpperCase()]) expect(matched(written)).toEqual([tagOf(one)]);
    expect(matched('a/flex')).toEqual([]);
    expect(matched('a/us/priority')).toEqual([]);
    expect(tags({ only: ['A/US'] })).toEqual(['a/us']);
    expect(tags({ only: ['b/priority'] })).toEqual(['b/priority']);
    expect(tags({ order: ['a/us'], allow_fallbacks: false })).toEqual(['a/us']);
  });
});

/** Two hosts; the first sells both tiers. Speeds are in the order of the ids: the usual tier of `b` is the fastest of the usual ones. */
const TIERS = world({
  providers: [provider('a'), provider('b')],
  endpoints: [
    endpoint('a', 'lab/one', 4),
    endpoint('a', 'lab/one', 2, { id: 'a/lab/one@flex', tier: 'flex' }),
    endpoint('a', 'lab/one', 8, { id: 'a/lab/one@priority', tier: 'priority' }),
    endpoint('b', 'lab/one', 3),
    endpoint('b', 'lab/one', 9, { id: 'b/lab/one@priority', tier: 'priority' }),
    endpoint('a', 'lab/one:free', 0),
    endpoint('b', 'lab/two', 1),
  ],
  models: [model('lab/one'), model('lab/one:free'), model('lab/two')],
});
const SPEEDS: Readonly<Record<string, number>> = {
  a: 40,
  'a/flex': 10,
  'a/priority': 60,
  b: 80,
  'b/priority': 90,
};
const speed = (p50: number) => ({ p50, p75: p50, p90: p50, p95: p50, p99: p50 });

const planned = (wish: Partial<GenerationRequest>): readonly string[] => {
  const made = plan(
    planInput({
      snapshot: TIERS,
      request: request(wish),
      standing: (id) => {
        const known = TIERS.endpoint(id);
        return { ...UNTRIED, throughput: speed((known && SPEEDS[tagOf(known)]) ?? 1) };
      },
    }),
  );
  return made.ok ? made.value.candidates.map((one) => tagOf(one.endpoint)) : [made.error.code];
};

describe('pools of tiers', () => {
  it('INF-239 nitro lets the priority tier in and goes by speed, floor the flex tier and goes by price', () => {
    expect(planned({ model: 'lab/one:nitro' })).toEqual(['b/priority', 'b', 'a/priority', 'a']);
    expect(planned({ model: 'lab/one:floor' })).toEqual(['a/flex', 'b', 'a']);
    for (const variant of ['nitro', 'floor'])
      for (const wish of [{ serviceTier: 'default' }, { preferences: { order: ['b', 'a'] } }]) {
        const tiers = planned({ model: `lab/one:${variant}`, ...wish });
        expect(tiers.toSorted()).toEqual(['a', 'b']);
      }
  });

  it('INF-240 INF-242 priority and fast put the priority tier first, each group by speed', () => {
    for (const serviceTier of ['priority', 'fast'])
      expect(planned({ serviceTier })).toEqual(['b/priority', 'a/priority', 'b', 'a']);
    expect(planned({ speed: 'fast' })).toEqual(['b/priority', 'a/priority', 'b', 'a']);
    expect(planned({ speed: 'fast', serviceTier: 'default' }).toSorted()).toEqual(['a', 'b']);
    // An explicit sort orders each group, and a list goes before both.
    expect(planned({ serviceTier: 'priority', preferences: { sort: 'price' } })).toEqual([
      'a/priority',
      'b/priority',
      'b',
      'a',
    ]);
    expect(planned({ serviceTier: 'priority', preferences: { order: ['a'] } })[0]).toBe('a');
  });

  it('INF-241 flex is flex alone, and the usual tier where there is none', () => {
    expect(planned({ serviceTier: 'flex' })).toEqual(['a/flex']);
    expect(planned({ serviceTier: 'flex', model: 'lab/two' })).toEqual(['b']);
    // Flex that a constraint of the request excludes is none: whoever names b alone gets b.
    expect(planned({ serviceTier: 'flex', preferences: { only: ['b'] } })).toEqual(['b']);
    expect(planned({ serviceTier: 'flex', maxOutputTokens: 20_000 })).toEqual(['context_too_long']);
  });

  it('INF-239 INF-198 a whole tag lets its tier in, and whoever ignores a provider ignores its tiers', () => {
    expect(planned({ preferences: { order: ['a/priority'] } })).toEqual(['a/priority', 'b', 'a']);
    expect(planned({ preferences: { only: ['a/flex', 'b'] }, model: 'lab/one:floor' })).toEqual(['a/flex', 'b']);
    expect(planned({ serviceTier: 'priority', preferences: { ignore: ['a'] } })).toEqual(['b/priority', 'b']);
    expect(planned({ serviceTier: 'priority', preferences: { ignore: ['a/priority'] } })).toEqual([
      'b/priority',
      'b',
      'a',
    ]);
  });

  it('whom the operator ignores serves in no tier, whatever the request names', () => {
    const only = (slug: string) =>
      plan(
        planInput({
          snapshot: TIERS,
          policy: { ignore: [slug] },
          request: request({ preferences: { only: ['a/priority'] } }),
        }),
      ).ok;
    expect([only('a'), only('Provider A'), only('a/priority')]).toEqual([false, false, false]);
    expect([only('b'), only('a/flex')]).toEqual([true, true]);
  });

  it('whom the operator permits may serve in the tier that a request asks for, and in no other', () => {
    const policy = { only: ['a'] };
    const made = (wish: Partial<GenerationRequest>) =>
      plan(planInput({ snapshot: TIERS, policy, request: request(wish) }));
    const tagsOf = (result: ReturnType<typeof made>) =>
      result.ok && result.value.candidates.map((one) => tagOf(one.endpoint));
    expect(tagsOf(made({ serviceTier: 'priority' }))).toEqual(['a/priority', 'a']);
    expect(tagsOf(made({}))).toEqual(['a']);
  });

  it('PLT-068 nobody gets a tier unasked, and an unasked tier is no reason for an error', () => {
    for (const wish of [
      {},
      { serviceTier: 'auto' },
      { serviceTier: 'scale' },
      { preferences: { sort: 'price' } } as const,
    ])
      expect(planned(wish).toSorted()).toEqual(['a', 'b']);
    const dear = plan(
      planInput({
        snapshot: TIERS,
        request: request({ model: 'lab/one:nitro', preferences: { max_price: { prompt: 2.5 } } }),
      }),
    );
    expect(!dear.ok && dear.error.facts.availability?.excludedBy).toEqual(['max_price']);
  });
});

describe('a plan with tiers', () => {
  it('is replayed from its record', () => {
    const wishes: readonly Partial<GenerationRequest>[] = [
      { speed: 'fast' },
      { serviceTier: 'priority' },
      { serviceTier: 'flex' },
      { model: 'lab/one:nitro' },
      { preferences: { order: ['a/flex'] } },
    ];
    for (const wish of wishes) {
      const input = planInput({ snapshot: TIERS, request: request(wish) });
      const witness = new Witness(input);
      const watched = { ...input, standing: witness.standing, sizeAt: witness.sizeAt };
      const made = plan(watched);
      const again = plan(replayed(witness.record(watched), input));
      const tagsOf = (one: typeof made) => one.ok && one.value.candidates.map(({ endpoint: { id } }) => id);
      expect(tagsOf(again)).toEqual(tagsOf(made));
    }
  });
});

describe('variants', () => {
  it('INF-014 variants of routing follow a variant of the model, and each other', () => {
    expect(planned({ model: 'lab/one:free:nitro' })).toEqual(['a']);
    expect(planned({ model: 'LAB/one:free:FLOOR' })).toEqual(['a']);
    // Of two sorts the last one holds; both let their tiers in.
    expect(planned({ model: 'lab/one:nitro:floor' })).toEqual(['a/flex', 'b', 'a', 'a/priority', 'b/priority']);
    expect(planned({ model: 'lab/one:floor:nitro' })[0]).toBe('b/priority');
    expect(planned({ model: 'lab/one:nitro:free' })).toEqual(['a']);
  });

  it('a model is also called by its permanent name, which ends in the day of its release', () => {
    const dated = world({
      models: [model('lab/one', { created: Date.UTC(2026, 1, 5) / 1000 })],
      endpoints: [endpoint('a', 'lab/one', 1)],
    });
    const named = (slug: string) => {
      const made = plan(planInput({ snapshot: dated, request: request({ model: slug }) }));
      return made.ok ? made.value.candidates[0]?.model.id : made.error.code;
    };
    for (const slug of ['lab/one-20260205', 'lab/one-2026-02-05', 'lab/one-20260205:nitro'])
      expect(named(slug)).toBe('lab/one');
    for (const slug of ['lab/one-20260206', 'lab/two-20260205', 'lab/one-20261399'])
      expect(named(slug)).toBe('model_unknown');
  });

  it('INF-014 what cannot be honoured is refused and says why', () => {
    const refusal = (slug: string) => {
      const made = plan(planInput({ snapshot: TIERS, request: request({ model: slug }) }));
      return made.ok ? undefined : ([made.error.code, made.error.message] as const);
    };
    for (const slug of ['lab/one:online', 'lab/one:free:online', 'lab/one:online:nitro'])
      expect(refusal(slug)).toEqual(['invalid_request', expect.stringContaining('web search')]);
    expect(refusal('lab/two:thinking')).toEqual(['invalid_request', expect.stringContaining('no variant `:thinking`')]);
    expect(refusal('lab/two:extended')).toEqual(['invalid_request', expect.stringContaining('no variant `:extended`')]);
    expect(refusal('lab/nothing:online')).toEqual(['model_unknown', expect.stringContaining('not a valid model ID')]);
  });
});
