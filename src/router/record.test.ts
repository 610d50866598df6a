import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { endpoint, model, planInput, provider, request, world } from '../../test/support/world.ts';
import { mediaOf } from '../canon/media.ts';
import { PARAMETERS, usedParameters } from '../canon/parameters.ts';
import type { RoutingPolicy } from '../canon/policy.ts';
import { preferencesSchema, QUANTIZATIONS } from '../canon/preferences.ts';
import { EFFORTS, type GenerationRequest, type Operation, type Part, type ToolChoice } from '../canon/request.ts';
import type { Snapshot } from '../catalogue/snapshot.ts';
import { type PlanInput, plan } from './plan.ts';
import { orderDigest, replayed, Witness } from './record.ts';
import { skeletonOf, standIn } from './skeleton.ts';
import { type Standing, UNTRIED } from './standing.ts';

/** Members that are now and then there. */
const sometimes = <T extends object>(members: { readonly [K in keyof T]: fc.Arbitrary<T[K]> }, absent = 6) =>
  fc
    .record(
      Object.fromEntries(
        Object.entries<fc.Arbitrary<unknown>>(members).map(([key, arbitrary]) => [
          key,
          fc.oneof({ weight: absent, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary }),
        ]),
      ),
    )
    .map((all) => Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as Partial<T>);

const IDS = ['a', 'b', 'c', 'd'] as const;
const MODELS = ['lab/one', 'lab/two', 'lab/two-pro'] as const;
const id = fc.constantFrom(...IDS);
const TEXT = 'a secret of the caller';

const hosting = sometimes({
  toolsMax: fc.constantFrom(1, 3),
  bodyBytesMax: fc.constantFrom(40, 500),
  imagesMax: fc.constantFrom(1, 2),
  imageBytesMax: fc.constantFrom(10, 100),
  imageTypes: fc.constantFrom(['image/png'], ['image/png', 'image/jpeg']),
  media: fc.record({
    image: fc.constantFrom('none', 'data', 'address', '^gs://'),
    file: fc.constantFrom('none', 'data', 'address', '^gs://'),
    audio: fc.constantFrom('none', 'data'),
    video: fc.constantFrom('none', 'address', '^https://tube[.]example/'),
  }),
});
const serving = sometimes({
  contextLength: fc.constantFrom(100, 5000),
  maxOutputTokens: fc.constantFrom(10, 1000),
  quantization: fc.constantFrom(...QUANTIZATIONS),
  parameters: fc.subarray([...PARAMETERS]),
  retired: fc.constant(true as const),
});

const snapshots: fc.Arbitrary<Snapshot> = fc
  .record({
    hosts: fc.array(fc.tuple(id, fc.constantFrom(...MODELS), fc.constantFrom(0, 1, 2, 5), serving), {
      minLength: 2,
      maxLength: 8,
    }),
    providers: fc.tuple(...IDS.map((one) => hosting.map((overrides) => provider(one, overrides)))),
    takes: fc.subarray(['image', 'audio', 'video']),
    gives: fc.subarray(['embeddings', 'rerank']),
    mandatory: fc.boolean(),
  })
  .map(({ hosts, providers, takes, gives, mandatory }) =>
    world({
      models: MODELS.map((one) =>
        model(one, {
          inputModalities: ['text', ...takes] as never,
          outputModalities: ['text', ...gives] as never,
          ...(mandatory && { reasoning: { mandatory } as never }),
        }),
      ),
      providers,
      endpoints: [
        ...new Map(
          hosts.map(([at, what, dollars, more]) => [`${at}/${what}`, endpoint(at, what, dollars, more)]),
        ).values(),
      ],
    }),
  );

const slugs = fc.array(fc.constantFrom('a', 'B', 'Provider C', 'd/flex', 'nobody'), { maxLength: 3 });
const preferences = sometimes({
  order: slugs,
  only: slugs,
  ignore: slugs,
  allow_fallbacks: fc.boolean(),
  require_parameters: fc.boolean(),
  sort: fc.constantFrom('price', 'latency', { by: 'throughput', partition: 'none' }, { partition: 'none' }),
  data_collection: fc.constantFrom('allow', 'deny'),
  zdr: fc.boolean(),
  quantizations: fc.subarray([...QUANTIZATIONS]),
  preferred_max_latency: fc.constantFrom(1, { p90: 2 }),
  preferred_min_throughput: fc.constantFrom(50, { p50: 20, p99: 5 }),
  max_price: fc.constantFrom({ prompt: 1 }, { completion: '2' }),
}).map((wire) => preferencesSchema.parse(wire));

const url = fc.oneof(
  fc.constantFrom(
    `https://pictures.example/${TEXT}.png`,
    `gs://bucket/${TEXT}`,
    `https://tube.example/watch?v=${TEXT}`,
    `http:${TEXT}`,
    'QUFBQQ==',
    `data:${TEXT}`,
    `data:${TEXT},x`,
  ),
  fc
    .tuple(
      fc.constantFrom('image/png', 'image/JPEG', 'image/webp', TEXT, ''),
      fc.constantFrom(';base64', ''),
      fc.nat(200),
    )
    .map(([type, how, size]) => `data:${type}${how},${'A'.repeat(size)}`),
);
const words = fc.nat(90).map((size): Part => ({ kind: 'text', text: 'ä'.repeat(size) + TEXT }));
const part: fc.Arbitrary<Part> = fc.oneof(
  url.map((one): Part => ({ kind: 'image', url: one })),
  url.map((one): Part => ({ kind: 'video', url: one })),
  fc
    .option(url, { nil: undefined })
    .map((data): Part => (data === undefined ? { kind: 'file', fileId: TEXT } : { kind: 'file', data })),
  fc.nat(300).map((size): Part => ({ kind: 'audio', data: 'A'.repeat(size), format: 'wav' })),
);

const choice: fc.Arbitrary<ToolChoice> = fc.constantFrom(
  { kind: 'none' },
  { kind: 'auto' },
  { kind: 'required' },
  { kind: 'named', name: TEXT },
);
const operation: fc.Arbitrary<Operation> = fc.constantFrom(
  { kind: 'embeddings', inputs: [[{ kind: 'text', text: TEXT }]], base64: false },
  { kind: 'rerank', query: TEXT, documents: [] },
);
const slug = fc.constantFrom(...MODELS, 'lab/one:floor', 'lab/two:nitro', 'lab/none');

const requests: fc.Arbitrary<GenerationRequest> = fc
  .tuple(
    fc.record({
      model: fc.option(slug, { nil: undefined }),
      fallbacks: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, fc.array(slug, { maxLength: 3 })),
      messages: fc.array(
        fc
          .array(fc.oneof({ weight: 3, arbitrary: words }, { weight: 1, arbitrary: part }), { maxLength: 3 })
          .map((parts) => ({ role: 'user' as const, parts })),
        { minLength: 1, maxLength: 3 },
      ),
    }),
    sometimes<Partial<GenerationRequest>>(
      {
        tools: fc.nat(4).map((count) => Array.from({ length: count }, () => ({ name: TEXT, description: TEXT }))),
        sampling: sometimes({
          temperature: fc.constant(0.3),
          topP: fc.constant(0.3),
          topK: fc.constant(3),
          seed: fc.constant(7),
          stop: fc.constant([TEXT]),
          logitBias: fc.constant({ 7: 1 }),
          logprobs: fc.boolean(),
        }),
        preferences,
        toolChoice: choice,
        parallelToolCalls: fc.boolean(),
        output: fc.constantFrom(
          { kind: 'text' as const },
          { kind: 'json' as const },
          { kind: 'json-schema' as const, name: TEXT, schema: { title: TEXT } },
        ),
        reasoning: fc.record(
          {
            exclude: fc.boolean(),
            effort: fc.constantFrom(...EFFORTS),
            budgetTokens: fc.constantFrom(0, 100),
            enabled: fc.boolean(),
            pro: fc.constant(true as const),
          },
          { requiredKeys: ['exclude'] },
        ),
        maxOutputTokens: fc.constantFrom(5, 50, 5000),
        serviceTier: fc.constantFrom('flex', 'priority', 'default', 'auto'),
        verbosity: fc.constant('low'),
        prediction: fc.constant(TEXT),
        user: fc.constant(TEXT),
        plugins: fc.constantFrom({ 'context-compression': {} }, { 'context-compression': false as const }),
        operation,
      } as never,
      4,
    ),
  )
  .map(([base, more]) => request({ ...base, ...more } as Partial<GenerationRequest>));

const figure = fc.double({ min: 0.1, max: 1e5, noNaN: true });
const figures = fc.record({ p50: figure, p75: figure, p90: figure, p95: figure, p99: figure });
const standing: fc.Arbitrary<Standing> = fc
  .tuple(
    fc.record({
      outage: fc.boolean(),
      uptime: fc.constantFrom('normal' as const, 'degraded' as const, 'down' as const),
      weight: fc.constantFrom(1, 0.25),
    }),
    sometimes({
      resting: fc.constantFrom('breaker' as const, 'cooldown' as const, 'ejected' as const),
      trial: fc.constant(true as const),
      latency: figures,
      throughput: figures,
    }),
  )
  .map(([base, more]): Standing => ({ ...base, ...more }));

const policies: fc.Arbitrary<RoutingPolicy> = sometimes<RoutingPolicy>({
  only: slugs,
  ignore: slugs,
  zdr: fc.boolean(),
  sort: fc.constantFrom('price', 'latency'),
}) as fc.Arbitrary<RoutingPolicy>;

const inputs: fc.Arbitrary<PlanInput> = fc
  .record({
    request: requests,
    snapshot: snapshots,
    standings: fc.dictionary(
      fc.tuple(id, fc.constantFrom(...MODELS)).map((pair) => pair.join('/')),
      standing,
    ),
    sizes: fc.dictionary(
      fc.tuple(id, fc.constantFrom(...MODELS)).map((pair) => pair.join('/')),
      fc.tuple(fc.nat(6000), fc.nat(400)),
    ),
    unroutable: fc.subarray([...IDS]),
    promptTokens: fc.constantFrom(1, 80, 4000),
    seed: fc.nat(2 ** 32),
    policy: fc.option(policies, { nil: undefined }),
    now: fc.option(fc.constant(1_780_000_000_000), { nil: undefined }),
    sticky: fc.option(
      fc.tuple(id, fc.constantFrom(...MODELS)).map((pair) => pair.join('/')),
      { nil: undefined },
    ),
    defaultModel: fc.option(fc.constantFrom(...MODELS), { nil: undefined }),
  })
  .map(({ standings, sizes, unroutable, policy, now, sticky, ...rest }) =>
    planInput({
      ...rest,
      media: mediaOf(rest.request),
      standing: (one) => standings[one] ?? UNTRIED,
      sizeAt: (one) => {
        const [likely, more] = sizes[one.id] ?? [rest.promptTokens, 0];
        return { likely, most: likely + more };
      },
      unroutable: ({ id: one }) => ((unroutable as readonly string[]).includes(one) ? 'not configured' : undefined),
      ...(policy && { policy }),
      ...(now !== undefined && { now }),
      ...(sticky !== undefined && { sticky }),
    }),
  );

/** A plan, and the same from what was kept of it. */
function twice(input: PlanInput): { first: ReturnType<typeof plan>; again: ReturnType<typeof plan>; json: string } {
  const witness = new Witness(input);
  const seen = { ...input, standing: witness.standing, sizeAt: witness.sizeAt };
  const first = plan(seen);
  const json = JSON.stringify(witness.record(seen));
  const { snapshot, unroutable } = input;
  const again = plan(replayed(JSON.parse(json), { snapshot, unroutable, defaultModel: undefined }));
  return { first, again, json };
}

describe('a plan is replayed from its record', () => {
  let plans = 0;
  let refusals = 0;

  test('and is equal, refusals too; nothing that the caller wrote is kept', () => {
    fc.assert(
      fc.property(inputs, (input) => {
        const { first, again, json } = twice(input);
        expect(again).toEqual(first);
        expect(json).not.toContain('secret');
        if (first.ok) plans += 1;
        else refusals += 1;
        if (first.ok && again.ok) expect(orderDigest(again.value)).toBe(orderDigest(first.value));
      }),
      { numRuns: 10_000 },
    );
    // Both kinds were among them, many times.
    expect(Math.min(plans, refusals)).toBeGreaterThan(1000);
  }, 120_000);

  test('a stand-in uses the parameters that the request used', () => {
    fc.assert(
      fc.property(requests, (one) => {
        const skeleton = JSON.parse(JSON.stringify(skeletonOf(one, mediaOf(one), world())));
        expect(usedParameters(standIn(skeleton).request)).toEqual(usedParameters(one));
      }),
    );
  });

  test('each value that may change is asked for once', () => {
    let asked = 0;
    const input = planInput({ standing: () => ({ ...UNTRIED, outage: asked++ > 1 }) });
    const witness = new Witness(input);
    expect(witness.standing('a/lab/one')).toBe(witness.standing('a/lab/one'));
    expect(asked).toBe(1);
  });

  test('of a plain request little more than its model is kept', () => {
    const { json } = twice(
      planInput({
        now: 1_780_000_000_000,
        sizeAt: (one) => {
          const size = 10 * world().tokenFactor(one);
          return { likely: Math.round(size), most: Math.ceil(size) };
        },
      }),
    );
    expect(json).toBe(
      '{"seed":1,"snapshot":"test","tokens":10,"request":{"model":"lab/one","textBytes":5},"at":1780000000000}',
    );
  });
});
