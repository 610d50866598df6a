import { describe, expect, it } from 'bun:test';
import fc from 'fast-check';
import { endpoint, model, planInput, provider, request, type World } from '../../test/support/world.ts';
import type { GenerationRequest } from '../canon/request.ts';
import type { Router } from '../catalogue/routers.ts';
import { Snapshot } from '../catalogue/snapshot.ts';
import { type PlanInput, plan } from './plan.ts';
import { replayed, Witness } from './record.ts';
import { fitsGlob } from './routers/globs.ts';
import { UNTRIED } from './standing.ts';

const AUTO: Router = {
  source: 'test',
  checked: '2026-01-01',
  slug: 'openrouter/auto',
  kind: 'auto',
  plugin: 'auto-router',
  default: ['lab/gone', 'lab/m2'],
  otherwise: 'qa',
  task: [
    { id: 'qa', words: ['who'], needs: [], prefer: 'newest' },
    { id: 'code:debugging', words: ['traceback', 'bug'], sign: 'code', needs: ['tools'], prefer: 'newest' },
    { id: 'listed', words: ['listed'], needs: [], prefer: 'newest', models: ['lab/m0', 'lab/m9', 'lab/none'] },
    { id: 'empty', words: ['nobody'], needs: [], prefer: 'newest', models: ['lab/none'] },
  ],
};
const PARETO: Router = {
  source: 'test',
  checked: '2026-01-01',
  slug: 'openrouter/pareto-code',
  kind: 'pareto',
  plugin: 'pareto-router',
  // Ten models at $1 to $10: the even ones score as they cost, the odd ones a good deal less.
  model: Array.from({ length: 10 }, (_, i) => ({ id: `lab/m${i}`, score: i % 2 === 0 ? (i + 1) / 10 : i / 20 })),
};
const ROUTERS: readonly Router[] = [
  AUTO,
  { ...AUTO, slug: 'openrouter/auto-beta', plugin: 'auto-beta-router' } as Router,
  { source: 'test', checked: '2026-01-01', slug: 'openrouter/free', kind: 'free' },
  PARETO,
];

/** Ten models at $1 to $10, the dearer the newer. */
const TEN: World = {
  providers: [provider('a')],
  models: Array.from({ length: 10 }, (_, i) => model(`lab/m${i}`, { created: i })),
  endpoints: Array.from({ length: 10 }, (_, i) => endpoint('a', `lab/m${i}`, i + 1)),
};
function routed({ models = [], providers = [], endpoints = [] }: World, routers = ROUTERS): Snapshot {
  const base = { id: 'test', asOf: '2026-01-01', labs: [], sandbox: [], routers };
  return new Snapshot({ ...base, models, providers, endpoints });
}

const saying = (text: string, more: Partial<GenerationRequest> = {}): Partial<GenerationRequest> => ({
  messages: [{ role: 'user', parts: [{ kind: 'text', text }] }],
  ...more,
});
function made(slug: string, wish: Partial<GenerationRequest> = {}, more: Partial<PlanInput> = {}) {
  return plan(
    planInput({ snapshot: routed(TEN), request: request({ ...saying('who?'), ...wish, model: slug }), ...more }),
  );
}
/** The numbers of the chosen models, in order. */
function chosen(slug: string, wish: Partial<GenerationRequest> = {}, more: Partial<PlanInput> = {}): readonly string[] {
  const result = made(slug, wish, more);
  return result.ok
    ? [...new Set(result.value.candidates.map((one) => one.model.id.replace('lab/m', '')))]
    : [result.error.message];
}
const NOTHING = 'No models match your request and model restrictions';

describe('the automatic router', () => {
  it('INF-226 takes a model for what the request is about, and says what that is', () => {
    const result = made('openrouter/auto', saying('```\nTraceback (most recent call last)\n```'));
    expect(result.ok && result.value.routed).toEqual([
      { slug: 'openrouter/auto', kind: 'auto', plugin: 'auto-router', taskType: 'code:debugging' },
    ]);
    expect(result.ok && result.value.models.every(({ model: { id } }) => /^lab\/m\d$/.test(id))).toBe(true);
    // Words of the latest message count, and a sign of the request as much as two of them.
    for (const [text, task] of [
      ['who is it', 'qa'],
      ['a bug in the listed code', 'code:debugging'],
      ['as listed', 'listed'],
      ['debugging is not bugs', 'qa'],
    ] as const) {
      const told = made('openrouter/auto', saying(text));
      expect([text, told.ok && told.value.routed?.[0]?.taskType]).toEqual([text, task]);
    }
    // A classifier of another kind decides where there is one.
    const other = made('openrouter/auto', {}, { taskType: 'listed' });
    expect(other.ok && other.value.routed?.[0]?.taskType).toBe('listed');
  });

  it('INF-227 patterns: any run of characters, whole slugs, exclusion wins, nothing left is 404', () => {
    const only = (allowed: readonly string[], excluded: readonly string[] = []) =>
      chosen('openrouter/auto', {
        plugins: { 'auto-router': { allowed_models: [...allowed], excluded_models: [...excluded], cost_tier: 'max' } },
      });
    expect(only([])).toEqual(['9', '8']);
    expect(only(['LAB/*'])).toEqual(['9', '8']);
    expect(only(['*m8'])).toEqual(['8']);
    expect(only(['lab/m'])).toEqual([NOTHING]);
    expect(only(['lab/*'], ['*9'])).toEqual(['8']);
    expect(only(['lab/m9'], ['lab/m9'])).toEqual([NOTHING]);
    const none = made('openrouter/auto', { plugins: { 'auto-router': { allowed_models: ['other/*'] } } });
    expect(!none.ok && [none.error.code, none.error.message]).toEqual(['no_endpoints', NOTHING]);
    // What the request itself forbids holds as well.
    expect(chosen('openrouter/auto', { preferences: { max_price: { prompt: 1 } } })).toEqual(['0']);
    expect(chosen('openrouter/auto', { preferences: { only: ['z'] } })).toEqual([NOTHING]);
  });

  it('INF-228 a band of cost leaves out what is cheaper and what is dearer; the older scale loses to it', () => {
    const tier = (settings: NonNullable<Exclude<NonNullable<GenerationRequest['plugins']>['auto-router'], false>>) =>
      chosen('openrouter/auto', { plugins: { 'auto-router': settings } });
    expect(tier({ cost_tier: 'low' })).toEqual(['1', '0']);
    expect(tier({ cost_tier: 'medium' })).toEqual(['3', '2']);
    expect(tier({ cost_tier: 'high' })).toEqual(['5', '4']);
    expect(tier({ cost_tier: 'xhigh' })).toEqual(['7', '6']);
    expect(tier({ cost_tier: 'max' })).toEqual(['9', '8']);
    expect(tier({ cost_quality_tradeoff: 10 })).toEqual(['1', '0']);
    expect(tier({ cost_quality_tradeoff: 0 })).toEqual(['9', '8']);
    expect(tier({ cost_quality_tradeoff: 0, cost_tier: 'medium' })).toEqual(['3', '2']);
    // Without a wish it is the cheapest band first.
    expect(tier({}).slice(0, 2)).toEqual(['1', '0']);
  });

  it('INF-229 settings under the name of another router are not looked at', () => {
    const settings = { cost_tier: 'max' } as const;
    expect(chosen('openrouter/auto', { plugins: { 'auto-router': settings } })).toEqual(['9', '8']);
    expect(chosen('openrouter/auto', { plugins: { 'auto-beta-router': settings } })).toEqual(chosen('openrouter/auto'));
    expect(chosen('openrouter/auto-beta', { plugins: { 'auto-beta-router': settings } })).toEqual(['9', '8']);
    expect(chosen('openrouter/auto-beta', { plugins: { 'auto-router': settings } })).toEqual(chosen('openrouter/auto'));
  });

  it('INF-230 where the task cannot be told, or nobody is ranked for it, the default models serve', () => {
    const fallen = [
      made('openrouter/auto', {}, { taskType: null }),
      made('openrouter/auto', {}, { taskType: 'unheard of' }),
      made('openrouter/auto', saying('nobody')),
      made('openrouter/auto', saying('   ')),
    ];
    for (const result of fallen)
      expect(result.ok && [result.value.candidates[0]?.model.id, result.value.routed?.[0]?.taskType]).toEqual([
        'lab/m2',
        undefined,
      ]);
    // Where none of these can be called either, models are ranked as for any question.
    const bare = { ...AUTO, default: ['lab/gone'] };
    expect(chosen('openrouter/auto', {}, { taskType: null, snapshot: routed(TEN, [bare]) })[0]).toBe('1');
    const forbidden = { plugins: { 'auto-router': { excluded_models: ['lab/*'] } } };
    expect(chosen('openrouter/auto', forbidden, { taskType: null })).toEqual([NOTHING]);
  });

  it('INF-231 the model of the latest answer stays, where it is asked for and still one of the candidates', () => {
    const talk = (said: string | undefined): GenerationRequest['messages'] => [
      { role: 'user', parts: [{ kind: 'text', text: 'who?' }] },
      { role: 'assistant', parts: [], toolCalls: [], model: 'lab/m4' },
      { role: 'assistant', parts: [], toolCalls: [], ...(said !== undefined && { model: said }) },
      { role: 'user', parts: [{ kind: 'text', text: 'who else?' }] },
    ];
    const pin = { plugins: { 'auto-router': { pin_model: true } } };
    expect(chosen('openrouter/auto', { messages: talk('lab/m7'), ...pin })[0]).toBe('7');
    expect(chosen('openrouter/auto', { messages: talk('lab/m7') })[0]).toBe('1');
    expect(chosen('openrouter/auto', { messages: talk(undefined), ...pin })[0]).toBe('1');
    expect(chosen('openrouter/auto', { messages: talk('lab/none'), ...pin })[0]).toBe('1');
    const barred = { plugins: { 'auto-router': { pin_model: true, excluded_models: ['*7'] } } };
    expect(chosen('openrouter/auto', { messages: talk('lab/m7'), ...barred })[0]).toBe('1');
  });

  it('globs fit as a regular expression would, whatever they hold', () => {
    const piece = fc.stringMatching(/^[ab*/]{0,8}$/);
    fc.assert(
      fc.property(piece, fc.stringMatching(/^[ab/]{0,10}$/), (pattern, slug) => {
        const expression = new RegExp(`^${pattern.replaceAll('*', '.*')}$`);
        expect(fitsGlob(pattern, slug)).toBe(expression.test(slug));
      }),
      { numRuns: 3000 },
    );
  });
});

describe('the free router', () => {
  const free = (id: string, more = {}) => endpoint('a', id, 0, { priceState: 'free', ...more });
  const snapshot = routed({
    providers: [provider('a'), provider('b')],
    models: [
      model('lab/m0:free'),
      model('lab/m1:free', { inputModalities: ['text', 'image'] }),
      model('lab/m2:free'),
      model('lab/m3'),
      model('lab/m4'),
    ],
    endpoints: [
      free('lab/m0:free', { parameters: ['tools'] }),
      free('lab/m1:free', { parameters: ['response_format', 'structured_outputs'] }),
      free('lab/m2:free', { parameters: [], contextLength: 9000 }),
      endpoint('a', 'lab/m3', 1),
      // Free at one host and paid at another is not free.
      free('lab/m4'),
      endpoint('b', 'lab/m4', 1),
    ],
  });
  const pick = (seed: number, wish: Partial<GenerationRequest> = {}, promptTokens = 5) =>
    chosen('openrouter/free', wish, { snapshot, seed, promptTokens });

  it('INF-232 takes only free models, each as likely as another', () => {
    const first = Array.from({ length: 3000 }, (_, seed) => pick(seed)[0] ?? '');
    for (const id of ['0:free', '1:free', '2:free'])
      expect(first.filter((one) => one === id).length / first.length).toBeCloseTo(1 / 3, 1);
    expect(new Set(first).size).toBe(3);
    expect(pick(7)).toEqual(pick(7));
  });

  it('INF-232 takes none that cannot do what the request needs', () => {
    const tools = [{ kind: 'function', name: 'f', parameters: {} }] as unknown as GenerationRequest['tools'];
    const image = { kind: 'image', url: 'https://x.example/a.png' } as never;
    for (let seed = 0; seed < 40; seed++) {
      expect(pick(seed, { tools })).toEqual(['0:free']);
      expect(pick(seed, { output: { kind: 'json-schema', name: 'x', schema: {} } as never })).toEqual(['1:free']);
      expect(pick(seed, { messages: [{ role: 'user', parts: [image] }] })).toEqual(['1:free']);
      expect(pick(seed, {}, 20_000)).not.toContain('2:free');
    }
    const nobody = { tools, output: { kind: 'json-schema', name: 'x', schema: {} } as never };
    expect(pick(1, nobody)).toEqual([NOTHING]);
  });
});

describe('the router for code', () => {
  const pareto = (settings: object, slug = 'openrouter/pareto-code', more: Partial<PlanInput> = {}) =>
    chosen(slug, { plugins: { 'pareto-router': settings } }, more);

  it('INF-233 three tiers by score, the cheapest of the tier first and two of it behind', () => {
    expect(pareto({})).toEqual(['6', '8']);
    expect(pareto({ min_coding_score: 0.66 })).toEqual(['6', '8']);
    expect(pareto({ min_coding_score: 0.65 })).toEqual(['4', '7', '9']);
    expect(pareto({ min_coding_score: 0.33 })).toEqual(['4', '7', '9']);
    expect(pareto({ min_coding_score: 0.32 })).toEqual(['0', '1', '2']);
    const result = made('openrouter/pareto-code');
    expect(result.ok && result.value.candidates.map(({ onlyWhenIll }) => onlyWhenIll ?? false)).toEqual([false, true]);
    // A tier that has nobody is stood in for by its neighbour.
    const low = { ...PARETO, model: PARETO.kind === 'pareto' ? PARETO.model.filter(({ score }) => score < 0.33) : [] };
    expect(pareto({}, undefined, { snapshot: routed(TEN, [low as Router]) })[0]).toBe('0');
    // Nobody without a score, and nobody who cannot serve the request.
    expect(chosen('openrouter/pareto-code', { preferences: { max_price: { prompt: 8 } } })).toEqual(['6']);
  });

  it('INF-233 with nitro the fastest of the tier first', () => {
    const standing = (id: string) => {
      const p50 = id === 'a/lab/m8' ? 90 : 10;
      return { ...UNTRIED, throughput: { p50, p75: p50, p90: p50, p95: p50, p99: p50 } };
    };
    expect(pareto({}, 'openrouter/pareto-code:nitro', { standing })).toEqual(['8', '6']);
    expect(pareto({}, 'openrouter/pareto-code', { standing })).toEqual(['6', '8']);
  });

  it('INF-234 a ceiling replaces the tiers: the best of the frontier, the cheaper ones on it, then the others', () => {
    expect(pareto({ max_price: 5 })).toEqual(['4', '2', '0']);
    expect(pareto({ max_price: 2 })).toEqual(['0', '1']);
    expect(pareto({ max_price: 1, min_coding_score: 1 })).toEqual(['0']);
    expect(pareto({ max_price: 0.5 })).toEqual([NOTHING]);
    expect(pareto({ max_price: 0 })).toEqual([NOTHING]);
    // By the whole price, a model with dear output is above it.
    const dear = routed({
      ...TEN,
      endpoints: (TEN.endpoints ?? []).map((one) => ({ ...one, rates: { ...one.rates, output: '9000000' } })),
    });
    expect(pareto({ max_price: 3, price_source: 'weighted_avg' }, undefined, { snapshot: dear })).toEqual(['0']);
    expect(pareto({ max_price: 3 }, undefined, { snapshot: dear })).toEqual(['2', '0', '1']);
  });
});

describe('what a router chose', () => {
  it('is replayed from the record of its plan, without a word of the request', () => {
    const pinning = { plugins: { 'auto-router': { pin_model: true } } } as const;
    const talk: Partial<GenerationRequest> = {
      messages: [
        { role: 'assistant', parts: [], toolCalls: [], model: 'lab/m1' },
        { role: 'user', parts: [{ kind: 'text', text: 'a traceback: my bug' }] },
      ],
    };
    const unclear = saying('hm');
    for (const [slug, wish] of [
      ['openrouter/auto', saying('a traceback: my bug')],
      ['openrouter/auto', { ...talk, ...pinning }],
      ['openrouter/auto', unclear],
      ['openrouter/free', unclear],
      ['openrouter/pareto-code:nitro', unclear],
    ] as const) {
      const snapshot = routed({ ...TEN, endpoints: [...(TEN.endpoints ?? []), endpoint('a', 'lab/m3:free', 0)] });
      const source = planInput({ snapshot, request: request({ ...wish, model: slug }) });
      const witness = new Witness(source);
      const input = { ...source, standing: witness.standing, sizeAt: witness.sizeAt };
      const first = plan(input);
      const record = JSON.stringify(witness.record(input, first.ok ? first.value.routed : undefined));
      expect(record).not.toContain('traceback');
      const again = plan(
        replayed(JSON.parse(record), { snapshot, unroutable: () => undefined, defaultModel: undefined }),
      );
      expect(again).toEqual(first);
    }
  });
});
