import { describe, expect, it } from 'bun:test';
import { endpoint, planInput, provider, request, world } from '../../test/support/world.ts';
import type { Preferences } from '../canon/preferences.ts';
import { tagOf } from '../catalogue/tags.ts';
import { plan } from './plan.ts';
import { means } from './slugs.ts';

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
  REGIONS.hostsOf('lab/one').flatMap((host) => (means(slug, host) ? [tagOf(host.endpoint)] : []));

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
    for (const { endpoint: one } of REGIONS.hostsOf('lab/one'))
      if (one.flavour !== undefined || one.tier !== undefined)
        for (const written of [tagOf(one), tagOf(one).toUpperCase()]) expect(matched(written)).toEqual([tagOf(one)]);
    expect(matched('a/flex')).toEqual([]);
    expect(matched('a/us/priority')).toEqual([]);
    expect(tags({ only: ['A/US'] })).toEqual(['a/us']);
    expect(tags({ only: ['b/priority'] })).toEqual(['b/priority']);
    expect(tags({ order: ['a/us'], allow_fallbacks: false })).toEqual(['a/us']);
  });
});
