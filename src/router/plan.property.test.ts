import { describe, expect, it } from 'bun:test';
import fc from 'fast-check';
import { model, planInput, provider, request } from '../../test/support/world.ts';
import type { RoutingPolicy } from '../canon/policy.ts';
import type { Preferences } from '../canon/preferences.ts';
import type { GenerationRequest } from '../canon/request.ts';
import type { DataPolicy } from '../catalogue/data-policy.ts';
import { Snapshot } from '../catalogue/snapshot.ts';
import type { Endpoint, Provider, Quantization } from '../catalogue/types.ts';
import { type PlanInput, plan } from './plan.ts';
import { type Standing, UNTRIED } from './standing.ts';

/**
 * Laws of planning over any catalogue and any request. What a constraint means is written down here a second time, in plain words and
 * without any of the code that the planner uses.
 */

const RUNS = { numRuns: 10_000 };
const NOW = Date.parse('2026-06-01T12:00:00Z');

/** One host in small numbers. */
interface Drawn {
  readonly dollars: number;
  readonly quantization: number;
  readonly parameters: number;
  readonly context: number;
  readonly output: number;
  readonly data: number;
  readonly image: number;
  readonly health: number;
  /** Bits: retired, not configured. */
  readonly flags: number;
}

const QUANTIZATIONS: readonly (Quantization | undefined)[] = [undefined, 'fp8', 'mxfp8', 'nvfp4', 'bf16', 'unknown'];
const PARAMETERS: readonly Endpoint['parameters'][] = [
  'all',
  ['temperature', 'max_tokens'],
  ['temperature', 'max_tokens', 'tools', 'tool_choice', 'seed'],
  ['seed'],
];
const base = { regions: [], passesOn: false, source: [], checked: '2026-01-01' } as const;
const POLICIES: readonly (DataPolicy | undefined)[] = [
  undefined,
  { ...base, trainsOnPrompts: false, zeroRetention: 'default', regions: ['eu'] },
  { ...base, trainsOnPrompts: false, zeroRetention: 'agreement', regions: ['eu', 'us'] },
  { ...base, trainsOnPrompts: true, zeroRetention: 'never' },
  { ...base, trainsOnPrompts: false, zeroRetention: 'default', passesOn: true, regions: ['eu'] },
  { ...base, zeroRetention: 'default' },
  { ...base, source: 'own-machine' },
];
const IMAGES = ['none', 'data', 'address'] as const;
const percentiles = (value: number) => ({ p50: value, p75: value, p90: value, p95: value, p99: value });
const STANDINGS: readonly Standing[] = [
  UNTRIED,
  { ...UNTRIED, outage: true },
  { ...UNTRIED, uptime: 'down', latency: percentiles(300) },
  { ...UNTRIED, resting: 'cooldown' },
  { ...UNTRIED, weight: 0, throughput: percentiles(40) },
  { ...UNTRIED, uptime: 'degraded', latency: percentiles(900), throughput: percentiles(90) },
];

const up = (max: number) => fc.nat({ max });
const drawn: fc.Arbitrary<Drawn> = fc.record({
  dollars: up(4),
  quantization: up(QUANTIZATIONS.length - 1),
  parameters: up(PARAMETERS.length - 1),
  context: up(3),
  output: up(3),
  data: up(POLICIES.length - 1),
  image: up(2),
  health: up(STANDINGS.length - 1),
  flags: up(7),
});

/** Larger than those whose conversations are shortened unasked. */
const CONTEXTS = [undefined, 10_000, 20_000, 200_000];
const OUTPUTS = [undefined, 50, 500, 5000];
const slugOf = (i: number): string => `p${i}`;

const providerOf = (one: Drawn, i: number): Provider => {
  const policy = POLICIES[one.data];
  const media = { image: IMAGES[one.image] ?? 'none', file: 'none', audio: 'none', video: 'none' };
  return provider(slugOf(i), { media, ...(policy && { policy }) });
};
const endpointOf = (one: Drawn, i: number): Endpoint => {
  const [quantization, context, output] = [QUANTIZATIONS[one.quantization], CONTEXTS[one.context], OUTPUTS[one.output]];
  const pico = String(one.dollars * 1e6);
  return {
    id: `${slugOf(i)}/lab/one`,
    provider: slugOf(i),
    model: 'lab/one',
    upstreamModel: 'one',
    rates: { input: pico, output: pico },
    priceState: 'listed',
    parameters: PARAMETERS[one.parameters] ?? 'all',
    delivery: 'serverless',
    ...(quantization && { quantization }),
    ...(context !== undefined && { contextLength: context }),
    ...(output !== undefined && { maxOutputTokens: output }),
    // Seldom, so that most hosts are worth looking at.
    ...(one.flags === 1 && { retired: true }),
  };
};
const configured = (one: Drawn): boolean => one.flags !== 2;

const slugs = fc.subarray(['p0', 'P1', 'Provider P2', 'p3', 'p4', 'elsewhere']);
/** At most three of all wishes: with more of them nobody is ever left. */
const some = <T extends object>(wishes: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<Partial<T>> =>
  fc
    .tuple(fc.record(wishes), fc.subarray(Object.keys(wishes) as (keyof T)[], { maxLength: 3 }))
    .map(([all, kept]) => Object.fromEntries(kept.map((key) => [key, all[key]])) as Partial<T>);

const preferences = some({
  order: slugs,
  only: slugs,
  ignore: slugs,
  allow_fallbacks: fc.boolean(),
  require_parameters: fc.boolean(),
  data_collection: fc.constantFrom('allow', 'deny'),
  zdr: fc.boolean(),
  enforce_distillable_text: fc.boolean(),
  quantizations: fc.subarray(['fp8', 'fp4', 'mxfp8', 'bf16', 'unknown'], { minLength: 1 }),
  sort: fc.constantFrom('price', 'latency', 'throughput'),
  preferred_max_latency: fc.constantFrom(0.5, 1),
  max_price: fc.record({ prompt: up(4), completion: up(4) }, { requiredKeys: [] }),
}) as fc.Arbitrary<Preferences>;
const policy = some({
  only: slugs,
  ignore: slugs,
  zdr: fc.boolean(),
  data_collection: fc.constantFrom('allow', 'deny'),
  data_regions: fc.constantFrom(['eu'], ['eu', 'us']),
}) as fc.Arbitrary<RoutingPolicy>;

interface Case {
  readonly hosts: readonly Drawn[];
  readonly preferences: Preferences;
  readonly policy: RoutingPolicy;
  /** Bits: seed, picture, forced tools, output limit, a model that others may be trained on, one that takes pictures. */
  readonly wants: number;
  readonly promptTokens: number;
  readonly seed: number;
}

const cases: fc.Arbitrary<Case> = fc.record({
  hosts: fc.array(drawn, { minLength: 1, maxLength: 5 }),
  preferences,
  policy: fc.oneof({ weight: 2, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: policy }),
  wants: fc.oneof(fc.constantFrom(0, 33, 34, 36, 40, 48), up(63)),
  promptTokens: fc.constantFrom(10, 10, 10, 9900, 15_000, 500_000),
  seed: fc.nat(),
});

const has = (wants: number, bit: number): boolean => (wants & (1 << bit)) !== 0;
const picture = { kind: 'image', url: 'https://pictures.example/a.png' } as const;

const requestOf = ({ preferences: wishes, wants }: Case): GenerationRequest =>
  request({
    preferences: wishes,
    ...(has(wants, 0) && { sampling: { seed: 1 } }),
    ...(has(wants, 1) && { messages: [{ role: 'user' as const, parts: [picture] }] }),
    ...(has(wants, 2) && { tools: [{ name: 'f' }], toolChoice: { kind: 'required' as const } }),
    ...(has(wants, 3) && { maxOutputTokens: 400 }),
  });

function inputOf(one: Case, hosts: readonly (readonly [Drawn, number])[]): PlanInput {
  const { wants, promptTokens, seed } = one;
  const inputModalities = has(wants, 5) ? ['text', 'image'] : ['text'];
  const snapshot = new Snapshot({
    id: 'laws',
    asOf: '2026-01-01',
    labs: [],
    sandbox: [],
    models: [model('lab/one', { inputModalities, ...(has(wants, 4) && { distillable: true }) })],
    providers: hosts.map(([host, i]) => providerOf(host, i)),
    endpoints: hosts.map(([host, i]) => endpointOf(host, i)),
  });
  return planInput({
    snapshot,
    promptTokens,
    seed,
    now: NOW,
    policy: one.policy,
    request: requestOf(one),
    unroutable: ({ id }) => (configured(one.hosts[Number(id.slice(1))] as Drawn) ? undefined : 'not configured'),
    standing: (id) => STANDINGS[one.hosts[Number(id.slice(1, 2))]?.health ?? 0] ?? UNTRIED,
  });
}
const everyHost = ({ hosts }: Case): readonly (readonly [Drawn, number])[] =>
  hosts.map((host, i) => [host, i] as const);

/** Whom a list of slugs means, by hand: case does not count, and neither does the word before a display name. */
const listed = (list: readonly string[], i: number): boolean =>
  list.some((slug) => slug.toLowerCase().replace('provider ', '') === slugOf(i));

/** Every hard constraint by hand. @returns the first that a host breaks */
function broken(one: Case, host: Drawn, i: number): string | undefined {
  const { preferences: wishes, policy: operators, wants, promptTokens } = one;
  const data = POLICIES[host.data];
  const own = data?.source === 'own-machine';
  const dollars = host.dollars;
  const output = OUTPUTS[host.output];
  const window = CONTEXTS[host.context];
  const parameters = PARAMETERS[host.parameters] ?? [];
  const knows = (name: string): boolean => parameters === 'all' || parameters.includes(name);
  const precision: string = QUANTIZATIONS[host.quantization] ?? 'unknown';
  const wanted: readonly string[] | undefined = wishes.quantizations;
  const used = [
    has(wants, 0) && 'seed',
    has(wants, 2) && 'tools',
    has(wants, 2) && 'tool_choice',
    has(wants, 3) && 'max_tokens',
  ];
  const needed = promptTokens + (has(wants, 3) ? 400 : 1);
  const needs: readonly (readonly [string, boolean])[] = [
    ['retired', host.flags !== 1],
    ['configured', configured(host)],
    ['only', wishes.only === undefined || listed(wishes.only, i)],
    ['operator’s only', operators.only === undefined || listed(operators.only, i)],
    ['ignore', !listed([...(wishes.ignore ?? []), ...(operators.ignore ?? [])], i)],
    ['zdr', !(wishes.zdr || operators.zdr) || own || (data?.zeroRetention === 'default' && !data.passesOn)],
    [
      'training',
      (wishes.data_collection !== 'deny' && operators.data_collection !== 'deny') ||
        own ||
        (data?.trainsOnPrompts === false && !data.passesOn),
    ],
    [
      'region',
      operators.data_regions === undefined ||
        own ||
        (data !== undefined &&
          !data.passesOn &&
          data.regions.length > 0 &&
          data.regions.every((region) => operators.data_regions?.includes(region))),
    ],
    ['distillable', !wishes.enforce_distillable_text || has(wants, 4)],
    [
      'precision',
      wanted === undefined ||
        wanted.includes(precision) ||
        (precision === 'mxfp8' && wanted.includes('fp8')) ||
        (precision === 'nvfp4' && wanted.includes('fp4')),
    ],
    ['price of the prompt', dollars <= Number(wishes.max_price?.prompt ?? 9)],
    ['price of the answer', dollars <= Number(wishes.max_price?.completion ?? 9)],
    ['pictures', !has(wants, 1) || (has(wants, 5) && host.image > 0)],
    ['tools', !has(wants, 2) || knows('tools')],
    ['parameters', !wishes.require_parameters || used.every((name) => name === false || knows(name))],
    ['output', !has(wants, 3) || output === undefined || output >= 400],
    ['window', window === undefined || needed <= window || promptTokens * 0.9 < window - (needed - promptTokens) + 1],
  ];
  return needs.find(([, holds]) => !holds)?.[0];
}

const chosen = (input: PlanInput): readonly string[] => {
  const planned = plan(input);
  return planned.ok ? planned.value.candidates.map(({ endpoint }) => endpoint.provider) : [];
};

describe('laws of planning', () => {
  it('every candidate satisfies every hard constraint, and who satisfies all is a candidate', () => {
    let left = 0;
    fc.assert(
      fc.property(cases, (one) => {
        const candidates = chosen(inputOf(one, everyHost(one)));
        left += candidates.length;
        for (const slug of candidates) {
          const i = Number(slug.slice(1));
          expect([slug, broken(one, one.hosts[i] as Drawn, i)]).toEqual([slug, undefined]);
        }
        if (one.preferences.allow_fallbacks === false) return;
        const able = everyHost(one).flatMap(([host, i]) => (broken(one, host, i) === undefined ? [slugOf(i)] : []));
        expect([...candidates].sort()).toEqual(able);
      }),
      RUNS,
    );
    // A law about nobody would say nothing.
    expect(left).toBeGreaterThan(RUNS.numRuns / 2);
  });

  it('a host more or less is no matter to the others, as far as hard constraints go', () => {
    const free = cases.filter(({ preferences: wishes }) => wishes.allow_fallbacks !== false);
    fc.assert(
      fc.property(free, up(4), (one, out) => {
        const hosts = everyHost(one);
        const all = chosen(inputOf(one, hosts));
        const without = chosen(
          inputOf(
            one,
            hosts.filter(([, i]) => i !== out),
          ),
        );
        expect([...without].sort()).toEqual(all.filter((slug) => slug !== slugOf(out)).sort());
      }),
      RUNS,
    );
  });

  it('every host is a candidate or rejected for a reason, and never both', () => {
    fc.assert(
      fc.property(cases, (one) => {
        const planned = plan(inputOf(one, everyHost(one)));
        if (!planned.ok) return;
        const [only] = planned.value.models;
        const named = [...(only?.candidates ?? []), ...(only?.rejected ?? [])];
        expect(named.map(({ endpoint }) => endpoint.provider).sort()).toEqual(everyHost(one).map(([, i]) => slugOf(i)));
        for (const { reason } of named) expect(reason).not.toBe('');
      }),
      RUNS,
    );
  });
});
