import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { RunningGateway } from '../support/gateway.ts';
import { chunk, DONE, ScriptedUpstream, stream, usageChunk, whole } from '../support/upstream.ts';

/** Wishes and the operator's policy at a real gateway: who is asked, and what is told when nobody is left. */

type Json = Record<string, any>;

/** Until a slow host begins; half of it is more than a quick one ever takes. */
const SLOW_MS = 1600;
const PRICE = 'pricing: { prompt: "0.000001", completion: "0.000001" }';

let upstream: ScriptedUpstream;
let open: RunningGateway;
let strict: RunningGateway;

/** Three hosts of one model: one keeps nothing, one keeps, of one nothing is known. */
const config = (base: string, routing: string): string => `
providers:
  clean:
    base_url: ${base}
    data_policy: { trains_on_prompts: false, zero_retention: true, regions: [eu] }
    endpoints:
      - { model: lab/one, upstream_model: clean, quantization: fp8, context_length: 50000, ${PRICE} }
      - { model: lab/quick, upstream_model: quick, ${PRICE} }
      - { model: lab/gone, upstream_model: gone, ${PRICE} }
      - { model: lab/past, upstream_model: past, ${PRICE} }
      - { model: lab/one-pro, upstream_model: pro, ${PRICE} }
      - { model: lab/later, upstream_model: later, ${PRICE} }
  keeps:
    base_url: ${base}
    data_policy: { trains_on_prompts: false, zero_retention: false }
    endpoints:
      - { model: lab/one, upstream_model: keeps, quantization: bf16, supported_parameters: [temperature], ${PRICE} }
      - { model: lab/dear, upstream_model: dear, pricing: { prompt: "0.000009", completion: "0.000009" } }
      - { model: lab/cheap, upstream_model: cheap, ${PRICE} }
      - { model: lab/paced, upstream_model: slow, ${PRICE} }
      - { model: lab/busy-0, upstream_model: busy, ${PRICE} }
      - { model: lab/busy-1, upstream_model: busy, ${PRICE} }
      - { model: lab/busy-2, upstream_model: busy, ${PRICE} }
      - { model: lab/vectors, upstream_model: vectors, output_modalities: [embeddings], ${PRICE} }
      - { model: lab/kept, upstream_model: kept, ${PRICE} }
  unknown:
    base_url: ${base}
    endpoints:
      - { model: lab/paced, upstream_model: quick, pricing: { prompt: "0.000009", completion: "0.000009" } }
      - { model: lab/one, upstream_model: unknown, ${PRICE} }
models:
  lab/gone: { hidden: true, successor: lab/one }
  lab/past: { expiration_date: 2024-01-01 }
  lab/later: { expiration_date: 2999-01-01 }
limits: { stream_commit_ms: 100 }
${routing}
`;

beforeAll(async () => {
  upstream = new ScriptedUpstream();
  upstream.reply = async ({ body }) => {
    if (body.model === 'busy') {
      // Longer than a stream waits for its first word before it is answered at all.
      await Bun.sleep(900);
      return Response.json({ error: { message: 'busy' } }, { status: 429 });
    }
    if (!body.stream) return whole(`by ${body.model}`);
    const words = Array.from({ length: 20 }, () => chunk({ content: 'word ' }));
    return stream(
      body.model === 'slow' ? SLOW_MS : 0,
      ...words,
      chunk({}, 'stop'),
      usageChunk({ prompt_tokens: 10, completion_tokens: 100, total_tokens: 110 }),
      DONE,
    );
  };
  open = await RunningGateway.start({ config: config(upstream.base, '') });
  strict = await RunningGateway.start({
    config: config(upstream.base, 'routing: { zdr: true, ignore: [unknown], only: [clean, keeps, unknown] }'),
  });
});
afterAll(async () => {
  await open.stop();
  await strict.stop();
  await upstream.stop();
});

const messages = [{ role: 'user', content: 'Hi' }];
const ask = async (gateway: RunningGateway, body: Json): Promise<{ status: number; body: Json }> => {
  const response = await gateway.post({ model: 'lab/one', messages, ...body });
  return { status: response.status, body: (await response.json()) as Json };
};
const post = (path: string, body: Json): Promise<Response> =>
  fetch(open.api + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${open.key}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
/** Everybody who serves a request in some of thirty tries. */
const served = async (gateway: RunningGateway, body: Json): Promise<string[]> => {
  const answers = await Promise.all(Array.from({ length: 30 }, () => ask(gateway, body)));
  return [...new Set(answers.map((one) => one.body.choices[0].message.content.slice(3)))].sort() as string[];
};

describe('who is asked', () => {
  test('INF-200 INF-202 data_collection: deny leaves out who is not known', async () => {
    expect(await served(open, { provider: { data_collection: 'deny' } })).toEqual(['clean', 'keeps']);
    expect(await served(open, {})).toEqual(['clean', 'keeps', 'unknown']);
  });

  test("INF-201 the operator's zdr holds whatever the request says", async () => {
    expect(await served(open, { provider: { zdr: true } })).toEqual(['clean']);
    expect(await served(strict, { provider: { zdr: false } })).toEqual(['clean']);
    expect(await served(strict, {})).toEqual(['clean']);
  });

  test("INF-196 INF-197 the operator's lists hold beside the caller's", async () => {
    expect((await ask(strict, { provider: { only: ['unknown'] } })).status).toBe(404);
    expect(await served(open, { provider: { ignore: ['unknown'], only: ['unknown', 'keeps'] } })).toEqual(['keeps']);
  });

  test('INF-204 precision', async () => {
    expect(await served(open, { provider: { quantizations: ['fp8', 'fp16'] } })).toEqual(['clean']);
  });
});

describe('other words of the wire', () => {
  test('INF-088 the pro mode of thinking, on both wires that have it', async () => {
    const reasoning = { mode: 'pro', effort: 'high' };
    const answers = await Promise.all([
      post('/chat/completions', { model: 'lab/one', messages, reasoning }),
      post('/responses', { model: 'lab/one', input: 'Hi', reasoning }),
    ]);
    for (const answer of answers) {
      expect(answer.status).toBe(200);
      expect(((await answer.json()) as Json).model).toBe('lab/one-pro');
    }
    expect(await served(open, { reasoning: { mode: 'pro' } })).toEqual(['pro']);
    expect((await served(open, { reasoning: { mode: 'standard' } })).includes('pro')).toBe(false);
    const none = await ask(open, { model: 'lab/kept', reasoning: { mode: 'pro' } });
    expect(none.body.error.availability.code).toBe('constraint_filtered');
  });

  test('INF-026 route mixes the hosts of all models or keeps them apart', async () => {
    const models = ['lab/dear', 'lab/cheap'];
    const wires: readonly (readonly [string, Json])[] = [
      ['/chat/completions', { messages }],
      ['/responses', { input: 'Hi' }],
      ['/messages', { messages, max_tokens: 5 }],
    ];
    for (const [path, body] of wires) {
      const model = async (more: Json): Promise<string> => {
        const answer = await post(path, { ...body, models, provider: { sort: 'price' }, ...more });
        return ((await answer.json()) as Json).model;
      };
      expect([path, await model({})]).toEqual([path, 'lab/dear']);
      expect([path, await model({ route: 'fallback' })]).toEqual([path, 'lab/dear']);
      expect([path, await model({ route: 'sort' })]).toEqual([path, 'lab/cheap']);
      // What the newer field says goes before it.
      const newer = { by: 'price', partition: 'model' };
      expect([path, await model({ route: 'sort', provider: { sort: newer } })]).toEqual([path, 'lab/dear']);
      expect([path, await model({ route: 'fallback', provider: { sort: { ...newer, partition: 'none' } } })]).toEqual([
        path,
        'lab/cheap',
      ]);
    }
  });
});

describe('what was measured', () => {
  test('INF-205 INF-207 INF-208 decides who is asked: by sort, by threshold, and over models', async () => {
    for (const only of ['keeps', 'unknown'])
      await Promise.all(
        Array.from({ length: 3 }, async () =>
          (await open.post({ model: 'lab/paced', messages, stream: true, provider: { only: [only] } })).text(),
        ),
      );
    const first = async (body: Json): Promise<string> =>
      (await ask(open, { model: 'lab/paced', ...body })).body.choices[0].message.content;
    // What is known of hosts is put together once a second.
    const soon = async (find: () => Promise<string>, expected: string): Promise<void> => {
      for (let i = 0; i < 100 && (await find()) !== expected; i++) await Bun.sleep(100);
      expect(await find()).toBe(expected);
    };
    await soon(() => first({ provider: { sort: 'latency' } }), 'by quick');
    const bound = SLOW_MS / 2000;
    const wishes: readonly (readonly [Json, string])[] = [
      [{ sort: 'price' }, 'by slow'],
      [{ sort: 'latency' }, 'by quick'],
      [{ sort: 'throughput' }, 'by quick'],
      [{ sort: 'price', preferred_max_latency: bound }, 'by quick'],
      [{ sort: 'price', preferred_max_latency: { p50: 60 } }, 'by slow'],
      [{ sort: 'price', preferred_max_latency: bound, only: ['keeps'] }, 'by slow'],
    ];
    for (const [provider, expected] of wishes)
      expect([provider, await first({ provider })]).toEqual([provider, expected]);
    // A fallback model goes first once it is known to be quick enough, and only then.
    const provider = { preferred_max_latency: bound, ignore: ['unknown'] };
    const model = async (): Promise<string> =>
      (await ask(open, { model: undefined, models: ['lab/paced', 'lab/quick'], provider })).body.model;
    expect(await model()).toBe('lab/paced');
    await (await open.post({ model: 'lab/quick', messages, stream: true })).text();
    await soon(model, 'lab/quick');
  });
});

/** Each with its code and status, and what `availability` must hold; nothing else may be in it. */
const refusals: readonly (readonly [string, Json, number, Json])[] = [
  [
    'INF-176 zero retention',
    { model: 'lab/kept', provider: { zdr: true } },
    404,
    {
      code: 'privacy_restricted',
      excluded_by: ['data_policy:zdr'],
    },
  ],
  [
    'INF-176 training',
    { provider: { data_collection: 'deny', only: ['unknown'] } },
    404,
    {
      code: 'privacy_restricted',
      excluded_by: ['allowed_providers', 'data_policy:training'],
    },
  ],
  [
    'INF-177 price',
    { provider: { max_price: { prompt: 0.5 } } },
    404,
    {
      code: 'constraint_filtered',
      excluded_by: ['max_price'],
    },
  ],
  [
    'INF-177 precision',
    { provider: { quantizations: ['int4'] } },
    404,
    {
      code: 'constraint_filtered',
      excluded_by: ['quantization'],
    },
  ],
  [
    'INF-177 parameters',
    { provider: { only: ['keeps'], require_parameters: true }, seed: 1 },
    404,
    {
      code: 'constraint_filtered',
      excluded_by: ['allowed_providers', 'require_parameters'],
    },
  ],
  [
    'INF-174 a free variant',
    { model: 'lab/one:free' },
    404,
    {
      code: 'free_variant_ended',
      fallback_models: ['lab/one'],
    },
  ],
  [
    'INF-173 a model with a successor',
    { model: 'lab/gone' },
    404,
    {
      code: 'model_deprecated',
      fallback_models: ['lab/one'],
    },
  ],
  ['INF-173 a model without one', { model: 'lab/past' }, 404, { code: 'model_deprecated' }],
  [
    'a model that does something else',
    { model: 'lab/vectors' },
    400,
    { code: 'wrong_endpoint', constraint: { field: 'model', detail: 'call /embeddings' } },
  ],
  ['an unknown model', { model: 'lab/never' }, 400, { code: 'model_not_found' }],
  [
    'nobody allowed',
    { provider: { only: [] } },
    404,
    {
      code: 'no_endpoints',
      excluded_by: ['allowed_providers'],
    },
  ],
];

describe('what is told when nobody is left', () => {
  for (const [name, body, status, expected] of refusals) {
    test(name, async () => {
      const answer = await ask(open, body);
      expect(answer.status).toBe(status);
      const { availability } = answer.body.error;
      expect(availability).toMatchObject({ ...expected, retryable: false });
      expect(availability.requested_models).toEqual([body.model ?? 'lab/one']);
    });
  }

  test('INF-177 the data region, which is the operator’s to set', async () => {
    const gateway = await RunningGateway.start({ config: config(upstream.base, 'routing: { data_regions: [eu] }') });
    expect(await served(gateway, {})).toEqual(['clean']);
    const { status, body } = await ask(gateway, { model: 'lab/kept' });
    expect([status, body.error.availability.code]).toEqual([404, 'constraint_filtered']);
    expect(body.error.availability.excluded_by).toEqual(['data_region']);
    await gateway.stop();
  });

  test('INF-179 what does not apply is absent, and each address of a page leads to its paragraph', async () => {
    const optional = ['retry_after', 'affected_providers', 'excluded_by', 'fallback_models', 'constraint'];
    const always = ['code', 'retryable', 'requested_models', 'docs_url'];
    const pages = new Map<string, string>();
    for (const [, body] of refusals) {
      const { availability } = (await ask(open, body)).body.error;
      for (const member of always) expect(availability).toHaveProperty(member);
      for (const [member, value] of Object.entries(availability as Json)) {
        expect([...always, ...optional]).toContain(member);
        expect(value === null || value === undefined || (Array.isArray(value) && value.length === 0)).toBe(false);
      }
      const [page = '', anchor] = availability.docs_url.split('#');
      if (!pages.has(page)) pages.set(page, await (await fetch(page)).text());
      expect(pages.get(page)).toContain(`id="${anchor}"`);
    }
    const page = [...pages.values()].join('');
    // Those that take a failing provider to be said.
    for (const code of ['capacity_exhausted', 'temporarily_unavailable', 'model_unavailable_upstream'])
      expect(page).toContain(`id="${code}"`);
    // A stream that fails before it begins is told the same.
    const streamed = await ask(open, { model: 'lab/gone', stream: true });
    expect(streamed.body.error.availability.fallback_models).toEqual(['lab/one']);
  });
});

describe('the same in every wire', () => {
  const wires: readonly (readonly [string, Json])[] = [
    ['/chat/completions', { messages }],
    ['/responses', { input: 'Hi' }],
    ['/messages', { messages, max_tokens: 5 }],
  ];

  test('INF-179 before an answer', async () => {
    for (const [path, body] of wires) {
      const answer = await post(path, { model: 'lab/gone', ...body });
      const { error } = (await answer.json()) as Json;
      expect([path, answer.status, error.availability?.fallback_models]).toEqual([path, 404, ['lab/one']]);
      expect(error.availability.docs_url).toBe(`${open.url}/docs/errors#model_deprecated`);
    }
  });

  test('INF-179 in the middle of a stream', async () => {
    for (const [index, [path, body]] of wires.entries()) {
      // One each: who was busy is left alone for a while.
      const answer = await post(path, { model: `lab/busy-${index}`, stream: true, ...body });
      expect([path, answer.status]).toEqual([path, 200]);
      const text = await answer.text();
      expect(text).toContain('"code":"capacity_exhausted"');
      expect(text).toContain(`"docs_url":"${open.url}/docs/errors#capacity_exhausted"`);
    }
  });
});

describe('models that have ended', () => {
  test('PLT-077 are listed nowhere and say so when asked for', async () => {
    const listed = async (path: string): Promise<string[]> => {
      const { data } = (await (await fetch(`${open.api}${path}`)).json()) as Json;
      return data.map((row: Json) => row.id);
    };
    const ids = await listed('/models');
    expect(ids).toContain('lab/one');
    expect(ids).toContain('lab/later');
    for (const slug of ['lab/gone', 'lab/past']) {
      expect(ids).not.toContain(slug);
      expect((await fetch(`${open.api}/model/${slug}`)).status).toBe(404);
      expect((await fetch(`${open.api}/models/${slug}/endpoints`)).status).toBe(404);
      expect((await ask(open, { model: slug })).body.error.availability.code).toBe('model_deprecated');
    }
    const later = ((await (await fetch(`${open.api}/model/lab/later`)).json()) as Json).data;
    expect(later.expiration_date).toBe('2999-01-01');
    expect((await ask(open, { model: 'lab/later' })).status).toBe(200);
  });
});
