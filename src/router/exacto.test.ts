import { describe, expect, it } from 'bun:test';
import { endpoint, model, planInput, provider, request, world } from '../../test/support/world.ts';
import type { GenerationRequest } from '../canon/request.ts';
import { type PlanInput, plan } from './plan.ts';
import { type Standing, UNTRIED } from './standing.ts';

const IDS = ['a', 'b', 'c', 'd', 'e', 'f'];
const SIX = world({
  models: [model('lab/one')],
  providers: IDS.map((id) => provider(id)),
  endpoints: IDS.map((id, i) => endpoint(id, 'lab/one', i + 1)),
});
const speed = (p50: number) => ({ p50, p75: p50, p90: p50, p95: p50, p99: p50 });
interface Told {
  readonly success?: number;
  readonly fast?: number;
  readonly requests?: number;
  readonly toolRequests?: number;
}
const known = ({ success = 0.99, fast = 50, requests = 100, toolRequests = 200 }: Told): Standing => ({
  ...UNTRIED,
  throughput: speed(fast),
  tools: { requests, toolRequests, success },
});
/** All alike but for what is said of some. */
const standings =
  (said: Readonly<Record<string, Told | null>>, ids = IDS) =>
  (id: string): Standing => {
    const name = id.split('/')[0] ?? '';
    const told = said[name];
    return told === null || !ids.includes(name) ? UNTRIED : known(told ?? {});
  };
const TOOLS: GenerationRequest['tools'] = [{ name: 'f', parameters: {} }];

function order(
  standing: PlanInput['standing'],
  wish: Partial<GenerationRequest> = {},
  more: Partial<PlanInput> = {},
): string {
  const made = plan(planInput({ snapshot: SIX, standing, request: request({ tools: TOOLS, ...wish }), ...more }));
  if (!made.ok) throw new Error(made.error.message);
  return made.value.candidates.map((one) => one.endpoint.provider).join('');
}
const last = (ids: string, count: number): string => [...ids.slice(-count)].sort().join('');

describe('Auto-Exacto', () => {
  it('INF-243 hosts good at tools first, unknown ones after them, bad ones last; within each the draw goes on', () => {
    const standing = standings({ a: { success: 0.5 }, b: { fast: 5 }, c: null });
    for (let seed = 0; seed < 30; seed++) {
      const ids = order(standing, {}, { seed });
      expect([[...ids.slice(0, 3)].sort().join(''), ids[3], last(ids, 2)]).toEqual(['def', 'c', 'ab']);
    }
    const firsts = new Set(Array.from({ length: 60 }, (_, seed) => order(standing, {}, { seed })[0]));
    expect([...firsts].sort()).toEqual(['d', 'e', 'f']);
    const made = plan(planInput({ snapshot: SIX, standing, request: request({ tools: TOOLS }) }));
    expect(made.ok && made.value.candidates.at(-1)?.reason).toContain('behind for how it calls tools');
  });

  it('INF-243 requests without tools stay as they were, unless they ask for it', () => {
    const standing = standings({ a: { success: 0.5 } });
    for (let seed = 0; seed < 30; seed++)
      expect(order(standing, { tools: [] }, { seed })).toBe(
        order(() => ({ ...UNTRIED, throughput: speed(50) }), { tools: [] }, { seed }),
      );
    expect(order(standing, { tools: [], preferences: { sort: 'exacto' } }).at(-1)).toBe('a');
    expect(order(standing, { tools: [], model: 'lab/one:exacto' }).at(-1)).toBe('a');
  });

  it('INF-243 how far is too far: two deviations for right calls, one and a half for speed', () => {
    // Medians 0.9 and 50; median deviations 0.02 and 2, so deviations of 0.0297 and 2.97.
    const spread = (success: number, fast: number) =>
      standings({
        a: { success, fast },
        b: { success: 0.92, fast: 52 },
        c: { success: 0.88, fast: 48 },
        d: { success: 0.9, fast: 50 },
        e: { success: 0.92, fast: 52 },
        f: null,
      });
    // The host in question is the cheapest, and so among the good ones it is nearly always the first.
    const deranked = (success: number, fast: number): boolean => order(spread(success, fast)).at(-1) === 'a';
    expect(deranked(0.85, 50)).toBe(false);
    expect(deranked(0.83, 50)).toBe(true);
    expect(deranked(0.9, 46)).toBe(false);
    expect(deranked(0.9, 45)).toBe(true);
  });

  it('INF-244 needs four providers that are known well enough', () => {
    const four = standings({ a: { success: 0.5 } }, ['a', 'b', 'c', 'd']);
    expect(order(four).at(-1)).toBe('a');
    for (const short of [
      standings({ a: { success: 0.5 } }, ['a', 'b', 'c']),
      standings({ a: { success: 0.5 }, d: { requests: 99 } }, ['a', 'b', 'c', 'd']),
      standings({ a: { success: 0.5 }, d: { toolRequests: 199 } }, ['a', 'b', 'c', 'd']),
    ])
      expect(order(short)).toBe(order(() => UNTRIED));
    // Who is not known well enough is not judged, however badly it did.
    const young = standings({ a: { success: 0.1, toolRequests: 199 } });
    expect(order(young).at(-1)).toBe('a');
    const made = plan(planInput({ snapshot: SIX, standing: young, request: request({ tools: TOOLS }) }));
    expect(made.ok && made.value.candidates.at(-1)?.reason).toContain('not known well enough');
  });

  it('INF-244 a sort by price opts out: of the request, of the floor, of the operator', () => {
    const standing = standings({ a: { success: 0.5 } });
    const byPrice = 'abcdef';
    expect(order(standing, { preferences: { sort: 'price' } })).toBe(byPrice);
    expect(order(standing, { model: 'lab/one:floor' })).toBe(byPrice);
    expect(order(standing, {}, { policy: { sort: 'price' } as never })).toBe(byPrice);
    expect(order(standing).at(-1)).toBe('a');
  });

  it('INF-245 a sort that was asked for beats it', () => {
    const standing = standings({ a: { success: 0.5, fast: 90 } });
    for (const sort of ['price', 'throughput'] as const) {
      expect(order(standing, { preferences: { sort } })[0]).toBe('a');
      expect(order(standing, { model: 'lab/one:exacto', preferences: { sort } })[0]).toBe('a');
    }
    expect(order(standing, { model: 'lab/one:exacto' }).at(-1)).toBe('a');
    expect(order(standing, { model: 'lab/one:exacto', preferences: { order: ['a'] } })[0]).toBe('a');
  });
});
