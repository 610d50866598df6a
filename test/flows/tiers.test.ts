import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { readBooks } from '../support/books.ts';
import { FORGIVING, RunningGateway } from '../support/gateway.ts';
import { ScriptedUpstream, whole } from '../support/upstream.ts';

/** Tiers of service as callers meet them: endpoints with prices of their own, told to hosts by name, billed as served. */

type Json = Record<string, any>;

const tiers = new ScriptedUpstream();
const usual = new ScriptedUpstream();
let gateway: RunningGateway;

const PRICE = { prompt: '0.000002', completion: '0.000004' };
const TIERED = {
  ...PRICE,
  overrides: [
    { min_prompt_tokens: 1000, prompt: '0.000006' },
    { service_tier: 'flex', prompt: '0.000001', completion: '0.000002' },
    { service_tier: 'priority', prompt: '0.000005', completion: '0.00001' },
  ],
};
const row = (model: string, pricing: Json): string =>
  `      - { model: ${model}, upstream_model: m, pricing: ${JSON.stringify(pricing)} }\n`;

beforeAll(async () => {
  gateway = await RunningGateway.start({
    config: `
providers:
  tiers:
    name: Tiers
    base_url: ${tiers.base}
    endpoints:
${row('lab/one', TIERED)}${row('lab/plain', PRICE)}      - { model: lab/plain, upstream_model: t, flavour: turbo, pricing: { prompt: "0.000009", completion: "0.000009" } }
${row('anthropic/claude-opus-4.6', TIERED)}${row('anthropic/claude-opus-4.7', PRICE)}
  usual:
    name: Usual
    base_url: ${usual.base}
    endpoints:
${row('lab/one', { prompt: '0.000003', completion: '0.000006' })}${row('anthropic/claude-opus-4.7-fast', { prompt: '0.00003', completion: '0.00015' })}
limits: ${JSON.stringify(FORGIVING)}
`,
  });
});
afterAll(async () => {
  await gateway.stop();
  await tiers.stop();
  await usual.stop();
});

const USAGE = { prompt_tokens: 100, completion_tokens: 10, total_tokens: 110 };
const messages = [{ role: 'user', content: 'Hello' }];
const told: unknown[] = [];
const failing = (wrong: (tier: unknown) => boolean, status: number) => {
  tiers.reply = ({ body }) => {
    told.push(body.service_tier);
    if (wrong(body.service_tier)) return Response.json({ error: { message: 'no capacity' } }, { status });
    return whole('Hi', { usage: USAGE, ...(body.service_tier !== undefined && { service_tier: body.service_tier }) });
  };
  usual.reply = ({ body }) => {
    told.push(`usual ${body.service_tier}`);
    return whole('From the usual', { usage: USAGE });
  };
  told.length = 0;
};
const never = (): boolean => false;

interface Asked {
  readonly status: number;
  readonly body: Json;
  readonly record: Json;
  readonly dropped: string;
}
async function ask(wish: Json, path = '/chat/completions'): Promise<Asked> {
  const response = await fetch(`${gateway.api}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${gateway.key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'lab/one', messages, ...wish }),
  });
  const body = (await response.json()) as Json;
  const id = response.headers.get('x-generation-id') ?? '';
  const { data } = (await (await gateway.get(`/generation?id=${id}`)).json()) as Json;
  return { status: response.status, body, record: data, dropped: response.headers.get('x-turnpike-dropped') ?? '' };
}

describe('tiers of service', () => {
  test('PLT-067 are endpoints of their own, with a tag and the prices of the tier', async () => {
    const { data } = (await (await gateway.get('/models/lab/one/endpoints')).json()) as Json;
    expect(data.endpoints.map(({ tag, pricing }: Json) => [tag, pricing.prompt, pricing.completion])).toEqual([
      ['tiers', '0.000002', '0.000004'],
      ['tiers/flex', '0.000001', '0.000002'],
      ['tiers/priority', '0.000005', '0.00001'],
      ['usual', '0.000003', '0.000006'],
    ]);
    // In the tier a long prompt costs what the tier says, because its row comes later.
    expect(data.endpoints[2].pricing.overrides).toEqual([
      { min_prompt_tokens: 1000, prompt: '0.000005', completion: '0.00001' },
    ]);
    // The model's own row shows the usual price.
    const { data: model } = (await (await gateway.get('/model/lab/one')).json()) as Json;
    expect(model.pricing.prompt).toBe('0.000002');
    const catalogued = (await (await gateway.get('/models/openai/gpt-5.5/endpoints')).json()) as Json;
    expect(catalogued.data.endpoints.map(({ tag }: Json) => tag)).not.toContain('openai/flex');
  });

  test('a flavour of turnpike.yaml is an endpoint with a tag, which the slug of its provider means too', async () => {
    failing(never, 0);
    const { data } = (await (await gateway.get('/models/lab/plain/endpoints')).json()) as Json;
    expect(data.endpoints.map(({ tag }: Json) => tag)).toEqual(['tiers', 'tiers/turbo']);
    const model = async (provider: Json): Promise<unknown> => {
      await ask({ model: 'lab/plain', provider: { sort: 'price', ...provider } });
      return tiers.last.body.model;
    };
    expect(await model({ only: ['tiers'] })).toBe('m');
    expect(await model({ only: ['tiers/turbo'] })).toBe('t');
    expect(await model({ order: ['tiers/turbo'] })).toBe('t');
  });

  test('PLT-068 a request that asks for no tier gets none, nor does a base slug or a sort', async () => {
    failing(never, 0);
    for (const wish of [
      {},
      { provider: { only: ['tiers'] } },
      { provider: { order: ['tiers'] } },
      { provider: { sort: 'price' } },
    ])
      await ask(wish);
    expect(told.filter((tier) => tier === 'flex' || tier === 'priority')).toEqual([]);
    const { body } = await ask({ provider: { only: ['tiers/flex'] } });
    expect([told.at(-1), body.service_tier]).toEqual(['flex', 'flex']);
  });

  test('INF-240 priority is tried first, then the others; each is billed as what it is', async () => {
    failing(never, 0);
    const first = await ask({ service_tier: 'priority' });
    expect([told, first.body.service_tier, first.record.total_cost]).toEqual([['priority'], 'priority', 0.0006]);
    failing((tier) => tier === 'priority', 503);
    const second = await ask({ service_tier: 'priority', provider: { ignore: ['usual'] } });
    expect(told).toEqual(['priority', undefined]);
    expect([second.status, second.record.total_cost, second.record.service_tier]).toEqual([200, 0.00024, null]);
    expect(second.dropped).toContain('/service_tier');
  });

  test('INF-121 a host that serves another tier than it was asked for is billed as served', async () => {
    for (const [asked, served, cost] of [
      ['priority', 'default', 0.00024],
      ['priority', 'standard', 0.00024],
      ['priority', 'priority', 0.0006],
      ['flex', 'default', 0.00024],
      ['flex', 'flex', 0.00012],
    ] as const) {
      tiers.reply = () => whole('Hi', { usage: USAGE, service_tier: served });
      const { body, record } = await ask({ service_tier: asked });
      const name = served === 'standard' ? 'default' : served;
      expect([body.service_tier, record.service_tier, record.total_cost, body.usage.cost]).toEqual([
        name,
        name,
        cost,
        cost,
      ]);
    }
    // A long prompt in the usual tier costs what long prompts cost there.
    tiers.reply = () => whole('Hi', { usage: { ...USAGE, prompt_tokens: 2000 }, service_tier: 'default' });
    expect((await ask({ service_tier: 'flex' })).record.total_cost).toBe(0.01204);
    // Where nothing is said, what was asked for is what was served.
    tiers.reply = () => whole('Hi', { usage: USAGE });
    const silent = await ask({ service_tier: 'flex' });
    expect([silent.body.service_tier, silent.record.total_cost]).toEqual(['flex', 0.00012]);
  });

  test('INF-241 flex stays flex: its failure is the answer; where there is none, the usual tier serves', async () => {
    failing((tier) => tier === 'flex', 429);
    const full = await ask({ service_tier: 'flex' });
    expect([full.status, told]).toEqual([429, ['flex']]);
    const plain = await ask({ model: 'lab/plain', service_tier: 'flex' });
    expect([plain.status, plain.record.total_cost, told.at(-1)]).toEqual([200, 0.00024, undefined]);
    // Neither does a fallback to another model turn flex into another tier of the same.
    failing((tier) => tier === 'flex', 429);
    const other = await ask({ models: ['lab/plain'], service_tier: 'flex' });
    expect([other.body.model, told]).toEqual(['lab/plain', ['flex', undefined]]);
  });

  test('INF-242 fast means priority, on the chat wire as on that of Messages', async () => {
    failing(never, 0);
    const chat = await ask({ service_tier: 'fast' });
    expect([told, chat.body.service_tier]).toEqual([['priority'], 'priority']);
    failing(never, 0);
    const { body, dropped } = await ask({ speed: 'fast', max_tokens: 50 }, '/messages');
    expect([told, body.usage.service_tier, dropped]).toEqual([['priority'], 'priority', '']);
    failing(never, 0);
    // Each is honoured as written: the tier says usual.
    await ask({ speed: 'fast', service_tier: 'default', max_tokens: 50 }, '/messages');
    expect(told.includes('priority')).toBe(false);
  });

  test('INF-242 a model with a fast twin is served by it, and by itself where the twin fails or is not here', async () => {
    failing(never, 0);
    const twin = await ask({ model: 'anthropic/claude-opus-4.7', service_tier: 'priority' });
    expect([twin.body.model, twin.record.total_cost, told]).toEqual([
      'anthropic/claude-opus-4.7-fast',
      0.0045,
      ['usual undefined'],
    ]);
    const speedy = await ask({ model: 'anthropic/claude-opus-4.7', speed: 'fast', max_tokens: 50 }, '/messages');
    expect([speedy.body.model, speedy.dropped]).toEqual(['anthropic/claude-opus-4.7-fast', '']);
    usual.reply = () => Response.json({ error: { message: 'down' } }, { status: 503 });
    const itself = await ask({ model: 'anthropic/claude-opus-4.7', service_tier: 'fast' });
    expect([itself.body.model, itself.record.total_cost]).toEqual(['anthropic/claude-opus-4.7', 0.00024]);
    failing(never, 0);
    expect((await ask({ model: 'anthropic/claude-opus-4.6', service_tier: 'priority' })).body.service_tier).toBe(
      'priority',
    );
    const slow = await ask(
      { model: 'anthropic/claude-opus-4.7', speed: 'standard', service_tier: 'fast', max_tokens: 50 },
      '/messages',
    );
    expect(slow.body.model).toBe('anthropic/claude-opus-4.7');
  });

  test('INF-239 the floor lets flex in and takes it first', async () => {
    failing(never, 0);
    const floor = await ask({ model: 'lab/one:floor' });
    expect([told, floor.record.total_cost]).toEqual([['flex'], 0.00012]);
    for (const wish of [{ service_tier: 'default' }, { provider: { order: ['usual'] } }]) {
      failing(never, 0);
      await ask({ model: 'lab/one:floor', ...wish });
      expect(told.includes('flex')).toBe(false);
    }
  });

  test('INF-121 the hold covers whatever tier may serve, and all of it is settled', async () => {
    failing(never, 0);
    await ask({ service_tier: 'flex', max_tokens: 50 });
    await ask({ service_tier: 'priority', max_tokens: 50 });
    const books = readBooks(gateway.home);
    expect([books.open, books.held, books.breaches]).toEqual([0, 0n, []]);
    expect(books.posted.writeoff ?? 0n).toBe(0n);
  });
});
