import { describe, expect, it } from 'bun:test';
import { endpoint, model, planInput, provider, request, world } from '../../test/support/world.ts';
import type { RoutingPolicy } from '../canon/policy.ts';
import { QUANTIZATIONS } from '../canon/preferences.ts';
import type { DataPolicy } from '../catalogue/data-policy.ts';
import { endOfLife } from '../catalogue/lifetime.ts';
import type { Snapshot } from '../catalogue/snapshot.ts';
import { type PlanInput, plan } from './plan.ts';

const hosts = (input: PlanInput): string[] => {
  const planned = plan(input);
  if (!planned.ok) throw new Error(planned.error.message);
  return planned.value.candidates.map((candidate) => candidate.endpoint.provider).sort();
};
const refused = (input: PlanInput) => {
  const planned = plan(input);
  if (planned.ok) throw new Error('a plan was made');
  const { code, message, facts } = planned.error;
  return { code, message, availability: facts.availability };
};
/** A request with these preferences, as they stand on the wire, under a policy. */
const wishing = (snapshot: Snapshot, preferences: object, policy: RoutingPolicy = {}): PlanInput =>
  planInput({ snapshot, policy, request: request({ preferences }) });

const policies: Readonly<Record<string, Partial<DataPolicy> | undefined>> = {
  clean: { trainsOnPrompts: false, zeroRetention: 'default' },
  keeps: { trainsOnPrompts: false, zeroRetention: 'agreement', retentionDays: 30 },
  switch: { trainsOnPrompts: false, zeroRetention: 'setting' },
  trains: { trainsOnPrompts: true, zeroRetention: 'never' },
  silent: { retentionDays: 0, zeroRetention: 'default' },
  router: { trainsOnPrompts: false, zeroRetention: 'default', passesOn: true },
  home: { source: 'own-machine' },
  unknown: undefined,
};
const DATA = world({
  providers: Object.entries(policies).map(([id, policy]) =>
    provider(id, policy && { policy: { regions: [], passesOn: false, source: [], checked: '2026-01-01', ...policy } }),
  ),
  endpoints: Object.keys(policies).map((id) => endpoint(id, 'lab/one', 1)),
});
const everybody = Object.keys(policies).sort();

describe('data policies', () => {
  it('INF-200 INF-202 deny leaves out who trains, who says nothing of it, who passes on, and who is not known', () => {
    expect(hosts(wishing(DATA, { data_collection: 'deny' }))).toEqual(['clean', 'home', 'keeps', 'switch']);
    expect(hosts(wishing(DATA, { data_collection: 'allow' }))).toEqual(everybody);
    expect(hosts(wishing(DATA, {}))).toEqual(everybody);
  });

  it('INF-202 zero retention leaves out who keeps unless agreed, who passes on, and who is not known', () => {
    expect(hosts(wishing(DATA, { zdr: true }))).toEqual(['clean', 'home', 'silent']);
    expect(hosts(wishing(DATA, { zdr: true, data_collection: 'deny' }))).toEqual(['clean', 'home']);
  });

  it("INF-201 zdr adds to the operator's setting and never loosens it", () => {
    expect(hosts(wishing(DATA, { zdr: false }, { zdr: true }))).toEqual(['clean', 'home', 'silent']);
    expect(hosts(wishing(DATA, {}, { zdr: true }))).toEqual(['clean', 'home', 'silent']);
    expect(hosts(wishing(DATA, { zdr: true }, { zdr: false }))).toEqual(['clean', 'home', 'silent']);
    expect(hosts(wishing(DATA, { zdr: false }, { zdr: false }))).toEqual(everybody);
    expect(hosts(wishing(DATA, { data_collection: 'allow' }, { data_collection: 'deny' }))).toEqual([
      'clean',
      'home',
      'keeps',
      'switch',
    ]);
  });

  it('say what each host does, and who asked', () => {
    const error = refused(wishing(DATA, { zdr: true, only: ['keeps', 'switch', 'unknown', 'router'] }));
    expect(error).toMatchObject({
      code: 'privacy_restricted',
      availability: { excludedBy: ['allowed_providers', 'data_policy:zdr'], constraint: { field: 'provider.zdr' } },
    });
    expect(error.message).toContain('Provider KEEPS keeps prompts unless otherwise agreed');
    expect(error.message).toContain('Provider UNKNOWN has no known data policy');
    expect(refused(wishing(DATA, { only: ['keeps'] }, { zdr: true })).availability?.constraint?.field).toBe(
      'routing.zdr in turnpike.yaml',
    );
  });

  it('regions count where a host promises them and passes nothing on', () => {
    const at = (id: string, more: Partial<DataPolicy>) =>
      provider(id, { policy: { regions: [], passesOn: false, source: [], checked: '2026-01-01', ...more } });
    const snapshot = world({
      providers: [
        at('eu', { regions: ['eu'] }),
        at('both', { regions: ['eu', 'us'] }),
        at('anywhere', {}),
        at('router', { regions: ['eu'], passesOn: true }),
      ],
      endpoints: ['eu', 'both', 'anywhere', 'router'].map((id) => endpoint(id, 'lab/one', 1)),
    });
    expect(hosts(wishing(snapshot, {}, { data_regions: ['eu'] }))).toEqual(['eu']);
    expect(hosts(wishing(snapshot, {}, { data_regions: ['eu', 'us'] }))).toEqual(['both', 'eu']);
  });
});

describe("the operator's lists", () => {
  it("INF-196 only stays within the operator's list, and an empty intersection is a refusal", () => {
    expect(hosts(wishing(world(), { only: ['a', 'b'] }, { only: ['b', 'c'] }))).toEqual(['b']);
    expect(hosts(wishing(world(), {}, { only: ['b', 'c'] }))).toEqual(['b', 'c']);
    const nobody = { code: 'providers_excluded', availability: { excludedBy: ['allowed_providers'] } };
    expect(refused(wishing(world(), { only: ['a'] }, { only: ['b'] }))).toMatchObject(nobody);
    expect(refused(wishing(world(), { only: [] }))).toMatchObject(nobody);
    // A list of the caller's is no way around it either.
    expect(hosts(wishing(world(), { order: ['a'] }, { only: ['b'] }))).toEqual(['b']);
  });

  it("INF-197 ignore adds to the operator's list", () => {
    expect(hosts(wishing(world(), { ignore: ['a'] }, { ignore: ['b'] }))).toEqual(['c']);
    expect(hosts(wishing(world(), { only: ['a', 'b'] }, { ignore: ['b'] }))).toEqual(['a']);
    expect(hosts(wishing(world(), {}, { ignore: ['Provider B'] }))).toEqual(['a', 'c']);
  });

  it('an order without fallbacks that names nobody who serves the model says so', () => {
    const error = refused(wishing(world(), { order: ['nobody'], allow_fallbacks: false }));
    expect(error.code).toBe('providers_excluded');
    expect(error.message).toContain('Listed without fallbacks: nobody');
  });

  it("the operator's sort holds where neither the request nor its variant asks for one", () => {
    const first = (preferences: object, sort: RoutingPolicy['sort'], slug = 'lab/one'): string[] => {
      const planned = (seed: number) =>
        plan(planInput({ seed, policy: { sort }, request: request({ model: slug, preferences }) }));
      return [
        ...new Set(
          Array.from({ length: 60 }, (_, seed) => {
            const made = planned(seed);
            return made.ok ? (made.value.candidates[0]?.endpoint.provider ?? '') : '';
          }),
        ),
      ].sort();
    };
    expect(first({}, 'price')).toEqual(['a']);
    expect(first({}, undefined).length).toBeGreaterThan(1);
    expect(first({}, 'latency', 'lab/one:floor')).toEqual(['a']);
    expect(first({ sort: 'latency' }, 'price').length).toBeGreaterThan(1);
  });
});

describe('models and their precision', () => {
  it('INF-203 only models of which a source says that others may be trained on their text', () => {
    const snapshot = world({
      models: [model('lab/one', { distillable: true }), model('lab/two', { distillable: false }), model('lab/three')],
      endpoints: ['lab/one', 'lab/two', 'lab/three'].map((id) => endpoint('a', id, 1)),
    });
    const asks = (slug: string, enforce_distillable_text: boolean) =>
      plan(planInput({ snapshot, request: request({ model: slug, preferences: { enforce_distillable_text } }) }));
    expect(['lab/one', 'lab/two', 'lab/three'].map((slug) => asks(slug, true).ok)).toEqual([true, false, false]);
    expect(['lab/one', 'lab/two', 'lab/three'].map((slug) => asks(slug, false).ok)).toEqual([true, true, true]);
    expect(asks('lab/three', true)).toMatchObject({
      error: { code: 'constraint_filtered', facts: { availability: { excludedBy: ['distillable'] } } },
    });
  });

  it('INF-204 quantizations leave out the others; fp4 and fp8 mean their relatives too', () => {
    const snapshot = world({
      providers: [...QUANTIZATIONS, 'silent'].map((id) => provider(id)),
      endpoints: [
        ...QUANTIZATIONS.map((quantization) => endpoint(quantization, 'lab/one', 1, { quantization })),
        endpoint('silent', 'lab/one', 1),
      ],
    });
    const at = (...quantizations: string[]): string[] => hosts(wishing(snapshot, { quantizations }));
    expect(at('fp4')).toEqual(['fp4', 'mxfp4', 'nvfp4']);
    expect(at('fp8')).toEqual(['fp8', 'mxfp8']);
    expect(at('mxfp4')).toEqual(['mxfp4']);
    expect(at('nvfp4')).toEqual(['nvfp4']);
    expect(at('mxfp8', 'bf16')).toEqual(['bf16', 'mxfp8']);
    expect(at('unknown')).toEqual(['silent', 'unknown']);
    expect(at()).toHaveLength(QUANTIZATIONS.length + 1);
    for (const one of ['int4', 'int8', 'fp6', 'fp16', 'bf16', 'fp32']) expect(at(one)).toEqual([one]);
  });
});

describe('prices under conditions', () => {
  const long = { minPromptTokens: 1000, rates: { input: '9000000', output: '9000000' } };
  const night = { utc: { start: '0000', end: '0600' }, rates: { input: '500000', output: '500000' } };
  const snapshot = world({
    endpoints: [
      endpoint('a', 'lab/one', 1, { overrides: [long] }),
      endpoint('b', 'lab/one', 2),
      endpoint('c', 'lab/one', 3, { overrides: [night] }),
    ],
  });
  const first = (preferences: object, more: Partial<PlanInput>): string[] => {
    const made = plan(planInput({ snapshot, request: request({ preferences }), ...more }));
    return made.ok ? made.value.candidates.map((one) => one.endpoint.provider) : [];
  };
  const noon = Date.parse('2026-05-01T12:00:00Z');
  const three = Date.parse('2026-05-01T03:00:00Z');

  it('a ceiling and a price sort look at what this request costs, at its hour and its size', () => {
    expect(first({ sort: 'price' }, { now: noon })).toEqual(['a', 'b', 'c']);
    expect(first({ sort: 'price' }, { now: three })).toEqual(['c', 'a', 'b']);
    expect(first({ sort: 'price' }, { now: noon, promptTokens: 5000 })).toEqual(['b', 'c', 'a']);
    expect(first({ max_price: { prompt: 1 } }, { now: noon })).toEqual(['a']);
    expect(first({ max_price: { prompt: 1 }, sort: 'price' }, { now: three })).toEqual(['c', 'a']);
    expect(first({ max_price: { prompt: 1 } }, { now: noon, promptTokens: 5000 })).toEqual([]);
  });
});

describe('models that have ended', () => {
  const noon = Date.parse('2026-05-01T12:59:59Z');
  const family = (id: string, created: number, more = {}) => model(id, { family: 'One', created, ...more });

  it('a date means 13:00 UTC of its day', () => {
    const snapshot = world({ models: [model('lab/one', { ends: endOfLife('2026-05-01') })] });
    expect(plan(planInput({ snapshot, now: noon })).ok).toBe(true);
    expect(refused(planInput({ snapshot, now: noon + 1000 }))).toMatchObject({
      code: 'model_deprecated',
      availability: { code: 'model_deprecated' },
    });
    expect(refused(planInput({ snapshot, now: noon + 1000 })).availability).not.toHaveProperty('fallbackModels');
  });

  it('name whom a source names, else the newest of their family that is newer and served', () => {
    const models = [
      family('lab/one', 1),
      family('lab/two', 2),
      family('lab/three', 3, { ends: endOfLife('2026-04-01') }),
      model('lab/other'),
    ];
    const gone = (successor?: string) =>
      world({
        models: [...models, family('lab/old', 1, { hidden: true, ...(successor !== undefined && { successor }) })],
        endpoints: ['lab/one', 'lab/two', 'lab/three', 'lab/other', 'lab/old'].map((id) => endpoint('a', id, 1)),
      });
    const asked = (snapshot: Snapshot) =>
      refused(planInput({ snapshot, now: noon, request: request({ model: 'lab/old' }) })).availability?.fallbackModels;
    expect(asked(gone())).toEqual(['lab/two']);
    expect(asked(gone('lab/other'))).toEqual(['lab/other']);
    expect(asked(gone('lab/three'))).toEqual(['lab/two']);
  });

  it('INF-173 INF-174 every host has retired it: the successor, or the paid model of a free variant', () => {
    const snapshot = world({
      models: [family('lab/one', 1), family('lab/two', 2), family('lab/one:free', 1)],
      endpoints: [
        endpoint('a', 'lab/one', 1, { retired: true }),
        endpoint('b', 'lab/one', 1, { retired: true }),
        endpoint('a', 'lab/two', 1),
        endpoint('a', 'lab/one:free', 0, { retired: true }),
      ],
    });
    expect(refused(planInput({ snapshot }))).toMatchObject({
      code: 'model_deprecated',
      availability: { code: 'model_deprecated', fallbackModels: ['lab/two'] },
    });
    // The paid one is gone as well, so that it is no way out.
    const free = request({ model: 'lab/one:free' });
    expect(refused(planInput({ snapshot, request: free })).availability?.fallbackModels).toEqual(['lab/two']);
    const paid = world({ models: snapshot.models, endpoints: [...snapshot.endpoints, endpoint('c', 'lab/one', 1)] });
    expect(refused(planInput({ snapshot: paid, request: free }))).toMatchObject({
      code: 'free_variant_ended',
      availability: { fallbackModels: ['lab/one'] },
    });
  });

  it('the end of one model is no end of a list of models', () => {
    const snapshot = world({ models: [model('lab/one', { hidden: true }), model('lab/two')] });
    expect(hosts(planInput({ snapshot, request: request({ fallbacks: ['lab/two'] }) }))).toEqual(['a']);
  });
});

describe('the pro form of a model', () => {
  const snapshot = world({
    models: [model('lab/one'), model('lab/one-pro'), model('lab/two')],
    endpoints: [
      endpoint('a', 'lab/one', 1),
      endpoint('b', 'lab/one', 1),
      endpoint('b', 'lab/one-pro', 9),
      endpoint('c', 'lab/one-pro', 9),
      endpoint('a', 'lab/two', 1),
    ],
  });
  const planned = (slug: string, pro: boolean) => {
    const reasoning = { exclude: false, ...(pro && { pro: true as const }) };
    const made = plan(planInput({ snapshot, request: request({ model: slug, reasoning }) }));
    return made.ok ? made.value.candidates.map((one) => one.endpoint.id).sort() : made.error;
  };

  it('INF-088 is planned in its place, at the hosts that have it', () => {
    expect(planned('lab/one', true)).toEqual(['b/lab/one-pro', 'c/lab/one-pro']);
    expect(planned('lab/one-pro', true)).toEqual(['b/lab/one-pro', 'c/lab/one-pro']);
    expect(planned('lab/one', false)).toEqual(['a/lab/one', 'b/lab/one']);
  });

  it('INF-088 a model without one is not asked for something else', () => {
    expect(planned('lab/two', true)).toMatchObject({
      code: 'constraint_filtered',
      facts: { availability: { constraint: { field: 'reasoning.mode' } } },
    });
  });
});
