import { describe, expect, it } from 'bun:test';
import fc from 'fast-check';
import { endpoint, model, planInput, provider, request, world } from '../../test/support/world.ts';
import type { Preferences } from '../canon/preferences.ts';
import { type PlanInput, plan } from './plan.ts';
import { UNTRIED } from './standing.ts';

const slugs = (input: PlanInput): string[] => {
  const planned = plan(input);
  if (!planned.ok) throw new Error(planned.error.message);
  return planned.value.candidates.map((candidate) => candidate.endpoint.provider);
};

const failure = (input: PlanInput) => {
  const planned = plan(input);
  if (planned.ok) throw new Error('a plan was made');
  return planned.error;
};

const preferring = (preferences: Preferences, overrides: Partial<PlanInput> = {}): PlanInput =>
  planInput({ request: request({ preferences }), ...overrides });

describe('plan', () => {
  it('INF-188 draws $1 nine times as often as $3, and the rest follow by price', () => {
    const snapshot = world({ endpoints: [endpoint('a', 'lab/one', 1), endpoint('c', 'lab/one', 3)] });
    const first = Array.from({ length: 4000 }, (_, seed) => slugs(planInput({ snapshot, seed }))[0]);
    const share = first.filter((slug) => slug === 'a').length / first.length;
    expect(share).toBeGreaterThan(0.88);
    expect(share).toBeLessThan(0.92);
  });

  it('INF-188 the same seed gives the same plan', () => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        expect(slugs(planInput({ seed }))).toEqual(slugs(planInput({ seed })));
      }),
    );
  });

  it('a host in outage is tried last and never drawn', () => {
    for (let seed = 0; seed < 200; seed++) {
      const order = slugs(planInput({ seed, standing: (id) => ({ ...UNTRIED, outage: id.startsWith('a/') }) }));
      expect(order.at(-1)).toBe('a');
      expect(order).toHaveLength(3);
    }
  });

  it('a trial weighs like its cheapest priced sibling, and a price sort takes it as free', () => {
    const snapshot = world({ endpoints: [endpoint('a', 'lab/one', 1), endpoint('b', 'lab/one', 0)] });
    const first = Array.from({ length: 2000 }, (_, seed) => slugs(planInput({ snapshot, seed }))[0]);
    const share = first.filter((slug) => slug === 'b').length / first.length;
    expect(share).toBeGreaterThan(0.45);
    expect(share).toBeLessThan(0.55);
    expect(slugs(preferring({ sort: 'price' }, { snapshot }))).toEqual(['b', 'a']);
  });

  const cases: readonly (readonly [string, Preferences, readonly string[]])[] = [
    ['INF-190 a price sort switches the draw off', { sort: 'price' }, ['a', 'b', 'c']],
    ['INF-190 a sort object does too', { sort: { by: 'price' } }, ['a', 'b', 'c']],
    ['INF-193 listed hosts come first, the others after them', { order: ['c', 'b'] }, ['c', 'b', 'a']],
    ['INF-193 a listed host that does not serve the model is skipped', { order: ['nobody', 'b'] }, ['b', 'a', 'c']],
    ['INF-193 display names and other case are tolerated', { order: ['Provider C', 'B'] }, ['c', 'b', 'a']],
    ['INF-194 without fallbacks the list is never left', { order: ['c', 'b'], allow_fallbacks: false }, ['c', 'b']],
    ['only names the hosts there are', { only: ['b', 'c'], sort: 'price' }, ['b', 'c']],
    ['ignore takes hosts away', { ignore: ['a'], sort: 'price' }, ['b', 'c']],
    ['only and ignore hold together', { only: ['a', 'b'], ignore: ['a'] }, ['b']],
    ['INF-210 a price ceiling is inclusive and hard', { max_price: { prompt: 2 }, sort: 'price' }, ['a', 'b']],
    ['INF-211 a ceiling may be a string', { max_price: { prompt: '2', completion: '2.0' }, sort: 'price' }, ['a', 'b']],
    ['INF-210 a ceiling finer than a price can be is rounded down', { max_price: { prompt: 1.00000000001 } }, ['a']],
  ];
  for (const [name, preferences, expected] of cases) {
    it(name, () => {
      expect(slugs(preferring(preferences))).toEqual([...expected]);
    });
  }

  it('INF-195 without fallbacks and without an order one host is used', () => {
    expect(slugs(preferring({ allow_fallbacks: false }))).toHaveLength(1);
  });

  it('INF-175 names who serves the model and who is permitted', () => {
    const error = failure(preferring({ only: ['mistral'] }));
    expect(error.code).toBe('providers_excluded');
    expect(error.message).toContain('No allowed providers are available for the selected model.');
    expect(error.message).toContain('Provider A, Provider B, Provider C');
    expect(error.message).toContain('mistral');
    expect(error.facts.availability).toMatchObject({ code: 'no_endpoints', excludedBy: ['allowed_providers'] });
  });

  it('INF-210 a ceiling nobody meets names itself', () => {
    const error = failure(preferring({ max_price: { completion: '0.5' } }));
    expect(error).toMatchObject({
      code: 'constraint_filtered',
      facts: { availability: { excludedBy: ['max_price'] } },
    });
  });

  it('INF-012 an unknown model is named', () => {
    const error = failure(planInput({ request: request({ model: 'lab/none' }) }));
    expect(error).toMatchObject({
      code: 'model_unknown',
      message: 'lab/none is not a valid model ID',
      facts: { availability: { code: 'model_not_found', requestedModels: ['lab/none'] } },
    });
  });

  it('INF-013 the default model answers for a request without one, and `models` alone is enough', () => {
    const nameless = request({ model: undefined });
    expect(slugs(planInput({ request: nameless, defaultModel: 'lab/two' }))).toEqual(['a']);
    expect(slugs(planInput({ request: { ...nameless, fallbacks: ['lab/two'] }, defaultModel: 'lab/one' }))).toEqual([
      'a',
    ]);
    expect(failure(planInput({ request: nameless })).code).toBe('invalid_request');
  });

  it('INF-223 further models follow in order, each once', () => {
    const planned = plan(planInput({ request: request({ fallbacks: ['lab/two', 'lab/one', 'lab/none'] }) }));
    if (!planned.ok) throw new Error('no plan');
    expect(planned.value.models.map((one) => one.requested)).toEqual(['lab/one', 'lab/two']);
    expect(planned.value.candidates.at(-1)?.model.id).toBe('lab/two');
  });

  const someParameters = world({
    endpoints: [
      endpoint('a', 'lab/one', 1, { parameters: ['temperature', 'max_tokens'] }),
      endpoint('b', 'lab/one', 2, { parameters: ['temperature', 'max_tokens', 'tools', 'tool_choice', 'seed'] }),
    ],
  });
  const tools = [{ name: 'f' }];

  it('INF-058 with mixed hosts a request with tools goes to those that have them', () => {
    expect(slugs(planInput({ snapshot: someParameters, request: request({ tools }) }))).toEqual(['b']);
  });

  it('INF-059 with no supporting host the model stays', () => {
    const snapshot = world({ endpoints: [endpoint('a', 'lab/one', 1, { parameters: ['temperature'] })] });
    expect(slugs(planInput({ snapshot, request: request({ tools }) }))).toEqual(['a']);
  });

  it('tools that must be called need a host that has them', () => {
    const snapshot = world({ endpoints: [endpoint('a', 'lab/one', 1, { parameters: ['temperature'] })] });
    const error = failure(planInput({ snapshot, request: request({ tools, toolChoice: { kind: 'required' } }) }));
    expect(error.message).toContain('No endpoints found that support tool use');
  });

  it('INF-056 INF-057 require_parameters asks for parameters, not for routing fields', () => {
    const strict = { require_parameters: true } as const;
    const seeded = request({ preferences: strict, sampling: { seed: 1 } });
    expect(slugs(planInput({ snapshot: someParameters, request: seeded }))).toEqual(['b']);
    const routed = request({ preferences: strict, user: 'u', metadata: { a: 'b' }, sessionId: 's', fallbacks: [] });
    expect(slugs(planInput({ snapshot: someParameters, request: routed }))).toHaveLength(2);
    const biased = request({ preferences: strict, sampling: { logitBias: { 1: 2 } } });
    expect(failure(planInput({ snapshot: someParameters, request: biased }))).toMatchObject({
      code: 'constraint_filtered',
      facts: { availability: { excludedBy: ['require_parameters'] } },
    });
  });

  it('INF-060 an output longer than a host can produce excludes it', () => {
    const snapshot = world({
      endpoints: [endpoint('a', 'lab/one', 1, { maxOutputTokens: 100 }), endpoint('b', 'lab/one', 2)],
    });
    expect(slugs(planInput({ snapshot, request: request({ maxOutputTokens: 101 }) }))).toEqual(['b']);
    expect(slugs(planInput({ snapshot, request: request({ maxOutputTokens: 100 }) }))).toHaveLength(2);
    expect(failure(planInput({ snapshot, request: request({ maxOutputTokens: 1e9 }) })).message).toContain('10000');
  });

  it('INF-186 a prompt beyond every context is refused with its figures', () => {
    const error = failure(planInput({ promptTokens: 200_000, request: request({ maxOutputTokens: 500 }) }));
    expect(error.code).toBe('context_too_long');
    expect(error.message).toContain('maximum context length is 100000 tokens');
    expect(error.message).toContain('you requested about 200500 tokens (200000 of text input, 500 in the output)');
  });

  it('an estimate alone never refuses what is within a tenth of the window', () => {
    expect(slugs(planInput({ promptTokens: 109_000 }))).toHaveLength(3);
  });

  it('a host with a larger context is used for what does not fit the others', () => {
    const snapshot = world({
      endpoints: [endpoint('a', 'lab/one', 1), endpoint('b', 'lab/one', 2, { contextLength: 1_000_000 })],
    });
    expect(slugs(planInput({ snapshot, promptTokens: 400_000 }))).toEqual(['b']);
  });

  it('a picture needs a model that takes pictures', () => {
    const withImage = request({
      messages: [{ role: 'user', parts: [{ kind: 'image', url: 'https://x.example/a.png' }] }],
    });
    expect(failure(planInput({ request: withImage })).message).toContain('No endpoints found that support image input');
    const snapshot = world({ models: [model('lab/one', { inputModalities: ['text', 'image'] })] });
    expect(slugs(planInput({ snapshot, request: withImage }))).toHaveLength(3);
  });

  it('hosts that cannot be called say why', () => {
    const error = failure(planInput({ unroutable: (one) => `not configured (set ${one.id.toUpperCase()}_KEY)` }));
    expect(error.code).toBe('no_endpoints');
    expect(error.message).toContain('Provider A: not configured (set A_KEY)');
  });

  it('a retired endpoint is no candidate', () => {
    const snapshot = world({
      endpoints: [endpoint('a', 'lab/one', 1, { retired: true }), endpoint('b', 'lab/one', 2)],
    });
    expect(slugs(planInput({ snapshot }))).toEqual(['b']);
  });

  it('every candidate satisfies every hard constraint, and a further host never rejects another', () => {
    const preference = fc.record(
      {
        only: fc.subarray(['a', 'b', 'c', 'd']),
        ignore: fc.subarray(['a', 'b', 'c', 'd']),
        max_price: fc.record({ prompt: fc.integer({ min: 0, max: 5 }) }),
        require_parameters: fc.boolean(),
      },
      { requiredKeys: [] },
    );
    const providers = ['a', 'b', 'c', 'd'].map((id) => provider(id));
    const hosts = ['a', 'b', 'c'].map((id, i) => endpoint(id, 'lab/one', i + 1));
    fc.assert(
      fc.property(preference, fc.nat(), (preferences, seed) => {
        const chosen = (endpoints: typeof hosts): Set<string> => {
          const planned = plan(preferring(preferences, { seed, snapshot: world({ providers, endpoints }) }));
          return new Set(planned.ok ? planned.value.candidates.map((candidate) => candidate.endpoint.provider) : []);
        };
        const before = chosen(hosts);
        for (const slug of before) {
          expect(preferences.only === undefined || preferences.only.includes(slug)).toBe(true);
          expect(preferences.ignore?.includes(slug) ?? false).toBe(false);
        }
        const after = chosen([...hosts, endpoint('d', 'lab/one', 4)]);
        for (const slug of before) expect(after.has(slug)).toBe(true);
      }),
    );
  });
});
