import { describe, expect, it } from 'bun:test';
import { endpoint, model, planInput, request, world } from '../../test/support/world.ts';
import { type Preferences, preferencesSchema } from '../canon/preferences.ts';
import type { GenerationRequest } from '../canon/request.ts';
import type { Candidate } from './candidate.ts';
import { foldAttempt, type Health, inOutage, NO_HEALTH, uptimeClass } from './health.ts';
import { type Classes, orderCandidates } from './order.ts';
import { type PlanInput, plan } from './plan.ts';
import { type Standing, UNTRIED } from './standing.ts';

const candidates = (input: PlanInput): readonly Candidate[] => {
  const planned = plan(input);
  if (!planned.ok) throw new Error(planned.error.message);
  return planned.value.candidates;
};
const hosts = (input: PlanInput): string[] => candidates(input).map(({ endpoint: { provider } }) => provider);

const all = (value: number): NonNullable<Standing['latency']> => ({
  p50: value,
  p75: value,
  p90: value,
  p95: value,
  p99: value,
});

/** Three hosts of lab/one at $1, $2 and $3, a $1 host of lab/two; what is known of each, by endpoint or provider. */
const input = (
  provider: unknown,
  known: Readonly<Record<string, Partial<Standing>>> = {},
  overrides: Partial<PlanInput> & { readonly asks?: Partial<GenerationRequest> } = {},
): PlanInput =>
  planInput({
    request: request({ preferences: preferencesSchema.parse(provider), ...overrides.asks }),
    standing: (id) => ({ ...UNTRIED, ...(known[id] ?? known[id.split('/')[0] ?? '']) }),
    ...overrides,
  });

describe('health in the order', () => {
  it('INF-189 a host with a recent outage is tried last, by price among its like', () => {
    for (let seed = 0; seed < 100; seed++) {
      const known = { a: { outage: true }, b: { outage: true } };
      expect(hosts(input({}, known, { seed }))).toEqual(['c', 'a', 'b']);
      expect(hosts(input({ sort: 'price' }, known, { seed }))).toEqual(['c', 'a', 'b']);
    }
  });

  it('INF-191 a degraded host goes behind normal ones and one that is down behind both, whatever the sort', () => {
    const known = { a: { uptime: 'down' }, b: { uptime: 'degraded' } } as const;
    for (let seed = 0; seed < 100; seed++) {
      expect(hosts(input({}, known, { seed }))).toEqual(['c', 'b', 'a']);
      expect(hosts(input({ sort: 'price' }, known, { seed }))).toEqual(['c', 'b', 'a']);
    }
  });

  const attempts = (served: number, failed: number): Health => {
    let health = NO_HEALTH;
    for (let i = 0; i < served; i++) health = foldAttempt(health, 'served', 0);
    for (let i = 0; i < failed; i++) health = foldAttempt(health, 'failed', 0);
    return health;
  };
  /** The order by price of three hosts that served and failed so often, four minutes later. */
  const after = (...seen: readonly (readonly [served: number, failed: number])[]): string[] => {
    const known = Object.fromEntries(
      seen.map(([served, failed], i) => {
        const health = attempts(served, failed);
        return ['abc'[i], { uptime: uptimeClass(health, 240_000), outage: inOutage(health, 240_000) }];
      }),
    );
    return hosts(input({ sort: 'price' }, known));
  };

  it('INF-191 below 95 % of a hundred requests a host goes back, below 80 % to the end, with fewer nothing is said', () => {
    expect(after([94, 6], [95, 5], [200, 0])).toEqual(['b', 'c', 'a']);
    expect(after([79, 21], [80, 20], [100, 0])).toEqual(['c', 'b', 'a']);
    expect(after([0, 99], [50, 49], [100, 0])).toEqual(['a', 'b', 'c']);
  });

  it('INF-189 two failures of the last half minute are an outage, and it is forgotten after that', () => {
    const health = attempts(2, 2);
    const at = (now: number): string[] => hosts(input({ sort: 'price' }, { a: { outage: inOutage(health, now) } }));
    expect(at(29_000)).toEqual(['b', 'c', 'a']);
    expect(at(31_000)).toEqual(['a', 'b', 'c']);
  });

  it('resting hosts stay candidates after everybody else, listed ones too', () => {
    const known = { a: { resting: 'breaker' }, b: { outage: true } } as const;
    expect(hosts(input({}, known))).toEqual(['c', 'b', 'a']);
    expect(hosts(input({ order: ['a', 'c'] }, known))).toEqual(['c', 'b', 'a']);
    const tripped = { a: { resting: 'breaker' }, b: { resting: 'cooldown' }, c: { resting: 'ejected' } } as const;
    expect(hosts(input({}, tripped))).toHaveLength(3);
    expect(candidates(input({ sort: 'price' }, tripped)).map(({ reason }) => reason)).toEqual([
      'price sort, last while its breaker is open',
      'price sort, last while it cools down',
      'price sort, last while it does worse than the others',
    ]);
  });

  it('a host that comes back is drawn as often as its weight says', () => {
    const known = { b: { weight: 0.1 } };
    const snapshot = world({ endpoints: [endpoint('a', 'lab/one', 1), endpoint('b', 'lab/one', 1)] });
    const first = Array.from({ length: 4000 }, (_, seed) => hosts(input({}, known, { snapshot, seed }))[0]);
    const share = first.filter((host) => host === 'b').length / first.length;
    expect(share).toBeGreaterThan(0.07);
    expect(share).toBeLessThan(0.11);
  });
});

describe('the host of a conversation', () => {
  const sticky = { sticky: 'c/lab/one' };
  it('comes first, but never before a list of the caller, and never past a constraint', () => {
    expect(hosts(input({ sort: 'price' }, {}, sticky))).toEqual(['c', 'a', 'b']);
    expect(hosts(input({ order: ['b'] }, {}, sticky))).toEqual(['b', 'a', 'c']);
    expect(hosts(input({ ignore: ['c'], sort: 'price' }, {}, sticky))).toEqual(['a', 'b']);
  });

  it('is one of many while it is in trouble', () => {
    for (const trouble of [{ outage: true }, { resting: 'cooldown' }, { uptime: 'down' }] as const)
      expect(hosts(input({ sort: 'price' }, { c: trouble }, sticky))).toEqual(['a', 'b', 'c']);
  });
});

describe('sort', () => {
  const speeds = {
    a: { throughput: all(20), latency: all(300) },
    b: { throughput: all(90), latency: all(900) },
    c: { throughput: all(50), latency: all(100) },
  };
  it('INF-205 by price ascending, by throughput descending, by latency ascending', () => {
    for (let seed = 0; seed < 20; seed++) {
      expect(hosts(input({ sort: 'price' }, speeds, { seed }))).toEqual(['a', 'b', 'c']);
      expect(hosts(input({ sort: 'throughput' }, speeds, { seed }))).toEqual(['b', 'c', 'a']);
      expect(hosts(input({ sort: 'latency' }, speeds, { seed }))).toEqual(['c', 'a', 'b']);
      expect(hosts(input({ sort: { by: 'latency' } }, speeds, { seed }))).toEqual(['c', 'a', 'b']);
    }
    expect(candidates(input({ sort: 'latency' }, speeds)).map(({ reason }) => reason)).toEqual([
      'latency sort, median 100 ms',
      'latency sort, median 300 ms',
      'latency sort, median 900 ms',
    ]);
  });

  it('INF-205 who was never measured stands behind who was; with nobody measured the draw goes on', () => {
    const some = { b: speeds.b };
    for (let seed = 0; seed < 20; seed++)
      expect(hosts(input({ sort: 'latency' }, some, { seed }))).toEqual(['b', 'a', 'c']);
    const first = new Set(Array.from({ length: 300 }, (_, seed) => hosts(input({ sort: 'latency' }, {}, { seed }))[0]));
    expect([...first].sort()).toEqual(['a', 'b', 'c']);
  });

  it('a list goes before a sort, which orders the others', () => {
    expect(hosts(input({ order: ['a'], sort: 'throughput' }, speeds))).toEqual(['a', 'b', 'c']);
  });

  it('INF-206 by model, or the hosts of all models together', () => {
    const asks = { fallbacks: ['lab/two'] };
    const snapshot = world({
      models: [model('lab/one'), model('lab/two')],
      endpoints: [
        endpoint('b', 'lab/one', 2),
        endpoint('c', 'lab/one', 4),
        endpoint('a', 'lab/two', 1),
        endpoint('b', 'lab/two', 3),
      ],
    });
    const ids = (provider: unknown): string[] =>
      candidates(
        planInput({ request: request({ preferences: preferencesSchema.parse(provider), ...asks }), snapshot }),
      ).map((one) => one.endpoint.id);
    const byModel = ['b/lab/one', 'c/lab/one', 'a/lab/two', 'b/lab/two'];
    expect(ids({ sort: { by: 'price', partition: 'model' } })).toEqual(byModel);
    expect(ids({ sort: { by: 'price' } })).toEqual(byModel);
    expect(ids({ sort: { by: 'price', partition: 'none' } })).toEqual([
      'a/lab/two',
      'b/lab/one',
      'b/lab/two',
      'c/lab/one',
    ]);
    // Without other hosts there are still other models.
    expect(ids({ sort: { by: 'price', partition: 'none' }, allow_fallbacks: false })).toEqual([
      'a/lab/two',
      'b/lab/one',
    ]);
  });
});

describe('thresholds', () => {
  const speeds = {
    a: { throughput: all(20), latency: all(300) },
    b: { throughput: { ...all(90), p90: 30 }, latency: all(900) },
    c: { throughput: all(50), latency: { ...all(400), p99: 5000 } },
  };
  const cases: readonly (readonly [string, Preferences, readonly string[]])[] = [
    ['a bound in seconds on the wait', { preferred_max_latency: { p50: 0.5 } }, ['a', 'c', 'b']],
    ['a bound on speed', { preferred_min_throughput: { p50: 50 } }, ['b', 'c', 'a']],
    ['two percentiles', { preferred_min_throughput: { p50: 50, p90: 40 } }, ['c', 'a', 'b']],
    ['both objects', { preferred_min_throughput: { p50: 50 }, preferred_max_latency: { p99: 2 } }, ['b', 'a', 'c']],
    ['nobody meets it', { preferred_max_latency: { p50: 0.01 } }, ['a', 'b', 'c']],
    ['exactly at the bound', { preferred_max_latency: { p50: 0.4 } }, ['a', 'c', 'b']],
  ];
  for (const [name, preferences, expected] of cases) {
    it(`INF-207 all cutoffs must hold, the others go to the end and stay: ${name}`, () => {
      expect(hosts(input({ ...preferences, sort: 'price' }, speeds))).toEqual([...expected]);
    });
  }

  it('INF-207 without a sort only hosts that meet them are drawn', () => {
    const wish = { preferred_min_throughput: { p50: 50 } };
    const first = new Set(Array.from({ length: 300 }, (_, seed) => hosts(input(wish, speeds, { seed }))[0]));
    expect([...first].sort()).toEqual(['b', 'c']);
  });

  it('INF-207 hosts without figures stand behind those that meet them and before those that do not', () => {
    const known = { a: { latency: all(900) }, c: { latency: all(100) } };
    expect(hosts(input({ preferred_max_latency: 0.5, sort: 'price' }, known))).toEqual(['c', 'b', 'a']);
  });

  it('INF-209 a number means the median', () => {
    const known = {
      a: { latency: { ...all(100), p50: 600 }, throughput: { ...all(500), p50: 10 } },
      b: { latency: { ...all(9000), p50: 400 }, throughput: { ...all(1), p50: 100 } },
      c: { latency: all(5000), throughput: all(5) },
    };
    expect(hosts(input({ preferred_max_latency: 0.5, sort: 'price' }, known))).toEqual(['b', 'a', 'c']);
    expect(hosts(input({ preferred_min_throughput: 50, sort: 'price' }, known))).toEqual(['b', 'a', 'c']);
  });

  it('INF-208 a fallback model whose hosts meet them goes before hosts that do not', () => {
    const asks = { fallbacks: ['lab/two'] };
    const ids = (known: Readonly<Record<string, Partial<Standing>>>, wish: object = {}): string[] =>
      candidates(input({ preferred_max_latency: 0.5, sort: 'price', ...wish }, known, { asks })).map(
        (one) => one.endpoint.id,
      );
    const slow = { 'a/lab/one': { latency: all(900) }, 'b/lab/one': { latency: all(400) }, c: { latency: all(900) } };
    const fast = { ...slow, 'a/lab/two': { latency: all(100) } };
    expect(ids(fast)).toEqual(['b/lab/one', 'a/lab/two', 'a/lab/one', 'c/lab/one']);
    // What nobody has measured promotes nobody, and neither does a host in trouble.
    expect(ids(slow).at(-1)).toBe('a/lab/two');
    expect(ids({ ...fast, 'a/lab/two': { latency: all(100), outage: true } }).at(-1)).toBe('a/lab/two');
    // Whom the caller lists stays where it was listed.
    expect(ids(fast, { order: ['c'] })[0]).toBe('c/lab/one');
  });
});

describe('classes', () => {
  const worse: Classes = {
    rankOf: ({ provider }) => (provider.id === 'a' ? 1 : 0),
    says: (rank) => (rank ? 'worse' : undefined),
  };
  const order = (overrides: Partial<Parameters<typeof orderCandidates>[0]>): string[] => {
    const snapshot = world();
    const [field] = [{ model: snapshot.models[0] ?? model('lab/one'), hosts: snapshot.hostsOf('lab/one') }];
    const ordered = orderCandidates({
      fields: [field],
      preferences: {},
      rates: (one) => snapshot.rates(one),
      standing: () => UNTRIED,
      seed: 1,
      ...overrides,
    });
    return ordered.candidates.map(({ provider }) => provider.id);
  };

  it('of tiers go before every sort', () => {
    expect(order({ tiers: worse, preferences: { sort: 'price' } })).toEqual(['b', 'c', 'a']);
  });

  it('of tool callers go before the draw, and a sort by a figure switches them off', () => {
    for (let seed = 0; seed < 50; seed++) expect(order({ exacto: worse, seed }).at(-1)).toBe('a');
    expect(order({ exacto: worse, preferences: { sort: 'exacto' } }).at(-1)).toBe('a');
    expect(order({ exacto: worse, preferences: { sort: 'price' } })).toEqual(['a', 'b', 'c']);
  });
});
