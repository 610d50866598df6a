import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { converse, gemini, message, messageStream } from '../support/claude.ts';
import { RunningGateway } from '../support/gateway.ts';
import { ScriptedUpstream, whole } from '../support/upstream.ts';

/** Marks of what to cache, from every wire to every host, and what reading and writing a cache costs. */

type Json = Record<string, any>;

const claude = new ScriptedUpstream();
const bedrock = new ScriptedUpstream();
const openai = new ScriptedUpstream();
const responses = new ScriptedUpstream();
const alibaba = new ScriptedUpstream();
const plain = new ScriptedUpstream();
const google = new ScriptedUpstream();
const cohere = new ScriptedUpstream();
const local = new ScriptedUpstream();
const all = [claude, bedrock, openai, responses, alibaba, plain, google, cohere, local];
let gateway: RunningGateway;

const row = (
  model: string,
  upstream_model: string,
  pricing: Json = { prompt: '0.000001', completion: '0.000002' },
): Json => ({
  model,
  upstream_model,
  context_length: 1_000_000,
  pricing,
});
const PRICES = {
  prompt: '0.000001',
  completion: '0.000002',
  input_cache_read: '0.0000001',
  input_cache_write: '0.00000125',
  input_cache_write_1h: '0.000002',
};
const { input_cache_read: _read, ...WITHOUT_READ } = PRICES;
const host = (upstream: ScriptedUpstream, dialect: string, endpoints: readonly Json[], more: Json = {}): Json => ({
  dialect,
  base_url: upstream.base,
  api_key: 'k',
  endpoints,
  ...more,
});

const CLAUDE = 'lab/claude';
const GPT = 'openai/gpt-5.6-sol';

beforeAll(async () => {
  const providers = {
    claude: host(claude, 'anthropic-messages', [
      row(CLAUDE, 'claude-sonnet-4-5', PRICES),
      row('lab/without-read', 'claude-sonnet-4-5', WITHOUT_READ),
      row('lab/without-write', 'claude-sonnet-4-5'),
    ]),
    bedrock: host(bedrock, 'bedrock-converse', [row('lab/bedrock', 'anthropic.claude-sonnet-4-5-v1:0')]),
    openai: host(openai, 'openai-chat', [row(GPT, 'gpt-5.6-sol'), row('openai/gpt-5.5', 'gpt-5.5')]),
    azure: host(responses, 'openai-responses', [row(GPT, 'gpt-5.6-sol')]),
    alibaba: host(alibaba, 'openai-chat', [row('lab/qwen', 'qwen')]),
    plain: host(plain, 'openai-chat', [row('lab/plain', 'plain')]),
    strict: host(plain, 'openai-chat', [row('lab/closed', 'closed')], { quirks: ['closed-request'] }),
    router: host(
      plain,
      'openai-chat',
      [row('google/gemini-2.5-flash', 'google/gemini-2.5-flash'), row('lab/routed', 'r')],
      {
        quirks: ['router-answers', 'reasoning-object'],
      },
    ),
    google: host(google, 'gemini-generate', [row('lab/google', 'gemini-3-flash')]),
    cohere: host(cohere, 'cohere-v2', [row('lab/cohere', 'command')]),
    local: host(local, 'ollama-chat', [row('lab/local', 'llama')]),
  };
  gateway = await RunningGateway.start({ config: JSON.stringify({ providers }) });
});
beforeEach(() => {
  claude.reply = ({ body }) => (body.stream ? messageStream() : message());
  bedrock.reply = () => converse();
  for (const one of [openai, alibaba, plain]) one.reply = () => whole('Hello');
  google.reply = () => gemini();
  const never = (): Response => new Response('{}', { status: 400 });
  for (const one of [responses, cohere, local]) one.reply = never;
});
afterAll(async () => {
  await gateway.stop();
  for (const one of all) await one.stop();
});

interface Told {
  readonly sent: Json;
  readonly text: string;
  readonly dropped: string;
  readonly body: Json;
}

async function post(upstream: ScriptedUpstream, path: string, body: Json): Promise<Told> {
  const response = await fetch(`${gateway.api}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${gateway.key}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const dropped = response.headers.get('x-turnpike-dropped') ?? '';
  const sent = upstream.last.body as Json;
  return { sent, text: JSON.stringify(sent), dropped, body: (await response.json()) as Json };
}
const chat = (upstream: ScriptedUpstream, model: string, body: Json): Promise<Told> =>
  post(upstream, '/chat/completions', { model, ...body });

const mark = { type: 'ephemeral' };
const hour = { type: 'ephemeral', ttl: '1h' };
const part = (text: string, more: Json = {}): Json => ({ type: 'text', text, ...more });
const MARKED = /cache_control|cachePoint|prompt_cache_breakpoint/;

describe('marks', () => {
  test('INF-041 marks on parts, messages, tools and results reach hosts of Claude', async () => {
    const body = {
      tools: [{ type: 'function', function: { name: 'f' }, cache_control: hour }],
      messages: [
        { role: 'system', content: 'S', cache_control: hour },
        { role: 'user', content: [part('A', { cache_control: mark }), part('B')] },
        {
          role: 'assistant',
          content: 'C',
          tool_calls: [{ id: 'a', type: 'function', function: { name: 'f', arguments: '{}' } }],
        },
        { role: 'tool', tool_call_id: 'a', content: 'D', cache_control: mark },
      ],
    };
    const { sent, dropped } = await chat(claude, CLAUDE, body);
    expect(sent.tools[0].cache_control).toEqual(hour);
    expect(sent.system).toEqual([{ type: 'text', text: 'S', cache_control: hour }]);
    expect(sent.messages[0].content.map(({ cache_control: said }: Json) => said)).toEqual([mark, undefined]);
    expect(sent.messages[2].content).toEqual([
      { type: 'tool_result', tool_use_id: 'a', content: [{ type: 'text', text: 'D' }], cache_control: mark },
    ]);
    expect(dropped).toBe('');
    const said = await chat(claude, CLAUDE, {
      messages: [
        { role: 'user', content: [part('A'), part('B')], cache_control: mark },
        {
          role: 'assistant',
          content: null,
          tool_calls: [{ id: 'a', type: 'function', function: { name: 'f', arguments: '{}' } }],
          cache_control: hour,
        },
        { role: 'tool', tool_call_id: 'a', content: 'D' },
      ],
    });
    expect(said.sent.messages[0].content.map(({ cache_control: one }: Json) => one)).toEqual([undefined, mark]);
    const point = { cachePoint: { type: 'default' } };
    const amazon = await chat(bedrock, 'lab/bedrock', body);
    expect(amazon.sent.messages[0].content).toEqual([{ text: 'A' }, point, { text: 'B' }]);
    expect(amazon.sent.system).toEqual([{ text: 'S' }, { cachePoint: { type: 'default', ttl: '1h' } }]);
    expect(amazon.sent.toolConfig.tools[1]).toEqual({ cachePoint: { type: 'default', ttl: '1h' } });
  });

  test('INF-365 Gemini is given the last mark alone, by whoever passes marks on to it', async () => {
    const body = {
      tools: [{ type: 'function', function: { name: 'f' }, cache_control: mark }],
      messages: [
        { role: 'system', content: [part('S', { cache_control: hour })] },
        { role: 'user', content: [part('A', { cache_control: mark }), part('B', { cache_control: mark }), part('C')] },
      ],
    };
    const only = { provider: { only: ['router'] } };
    const { sent, text, dropped } = await chat(plain, 'google/gemini-2.5-flash', { ...body, ...only });
    expect(text.match(/cache_control/g)).toHaveLength(1);
    expect(sent.messages[1].content[1]).toEqual(part('B', { cache_control: mark }));
    for (const at of ['/messages/0/content/0', '/messages/1/content/0', '/tools/0'])
      expect(dropped).toContain(`${at}/cache_control;adapted`);
    // Others behind the same router get them all.
    const routed = await chat(plain, 'lab/routed', { ...body, ...only });
    expect(routed.text.match(/cache_control/g)).toHaveLength(4);
    // Google's own wire has no place for one in a request; its cache is its own doing.
    expect((await chat(google, 'lab/google', body)).text).not.toMatch(MARKED);
  });

  test('INF-042 where a cache takes no marks none is sent, and each is named', async () => {
    const body = {
      cache_control: mark,
      tools: [{ type: 'function', function: { name: 'f' }, cache_control: mark }],
      messages: [
        { role: 'system', content: [part('S', { cache_control: hour })] },
        { role: 'user', content: 'A', cache_control: mark },
        { role: 'user', content: [part('B', { prompt_cache_breakpoint: { mode: 'explicit' } })] },
      ],
    };
    for (const [upstream, model] of [
      [plain, 'lab/closed'],
      [openai, 'openai/gpt-5.5'],
      [google, 'lab/google'],
      [cohere, 'lab/cohere'],
      [local, 'lab/local'],
    ] as const) {
      const { sent, text } = await chat(upstream, model, body);
      expect([model, Object.keys(sent).length > 1, text.match(MARKED)]).toEqual([model, true, null]);
    }
    const { dropped } = await chat(plain, 'lab/plain', body);
    expect(dropped).toContain('/cache_control;unsupported');
    for (const at of ['/tools/0', '/messages/0/content/0', '/messages/1/content/0', '/messages/2/content/0'])
      expect(dropped).toContain(`${at}/cache_control;unsupported`);
  });

  test('INF-291 a breakpoint of the prompt’s cache is a mark without a time at Claude', async () => {
    const prompt_cache_breakpoint = { mode: 'explicit' };
    const input = [
      {
        role: 'user',
        content: [
          { type: 'input_text', text: 'A', prompt_cache_breakpoint },
          { type: 'input_text', text: 'B' },
        ],
      },
    ];
    const fromResponses = await post(claude, '/responses', { model: CLAUDE, input });
    const fromChat = await chat(claude, CLAUDE, {
      messages: [{ role: 'user', content: [part('A', { prompt_cache_breakpoint }), part('B')] }],
    });
    for (const { sent, dropped } of [fromResponses, fromChat]) {
      expect(sent.messages[0].content).toEqual([part('A', { cache_control: mark }), part('B')]);
      expect(dropped).toBe('');
    }
  });

  test('INF-363 a mark on the whole request marks the last block that can bear one', async () => {
    const turns = [
      { role: 'user', content: 'A' },
      { role: 'assistant', content: [{ type: 'text', text: 'B' }] },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'C' },
          { type: 'text', text: 'D' },
        ],
      },
    ];
    const ways = [
      post(claude, '/messages', { model: CLAUDE, max_tokens: 9, messages: turns, cache_control: hour }),
      chat(claude, CLAUDE, { messages: turns, cache_control: hour }),
    ];
    for (const way of ways) {
      const { sent, dropped } = await way;
      expect(sent.cache_control).toBeUndefined();
      const marks = sent.messages.flatMap(({ content }: Json) =>
        content.map((block: Json) => [block.text, block.cache_control]),
      );
      expect(marks).toEqual([
        ['A', undefined],
        ['B', undefined],
        ['C', undefined],
        ['D', hour],
      ]);
      expect(dropped).toBe('');
    }
    const thought = { type: 'thinking', thinking: 'T', signature: 's' };
    const { sent } = await post(claude, '/messages', {
      model: CLAUDE,
      max_tokens: 9,
      messages: [
        { role: 'user', content: 'A' },
        { role: 'assistant', content: [{ type: 'text', text: 'B' }] },
        { role: 'user', content: 'C' },
        { role: 'assistant', content: [thought] },
      ],
      cache_control: mark,
    });
    expect(sent.messages[2].content[0].cache_control).toEqual(mark);
    expect(sent.messages[3].content[0]).toEqual(thought);
    const amazon = await chat(bedrock, 'lab/bedrock', { messages: turns, cache_control: mark });
    expect(amazon.sent.messages.at(-1).content).toEqual([
      { text: 'C' },
      { text: 'D' },
      { cachePoint: { type: 'default' } },
    ]);
  });

  test('INF-366 marks of one maker become those of the other, without a time', async () => {
    const prompt_cache_breakpoint = { mode: 'explicit' };
    const marked = [
      { role: 'user', content: [part('A', { cache_control: hour }), part('B', { cache_control: mark }), part('C')] },
    ];
    const own = await chat(openai, GPT, { messages: marked, provider: { only: ['openai'] } });
    expect(own.sent.messages[0].content).toEqual([
      part('A', { prompt_cache_breakpoint }),
      part('B', { prompt_cache_breakpoint }),
      part('C'),
    ]);
    expect(own.dropped).toBe('/messages/0/content/0/cache_control/ttl;adapted');
    await chat(responses, GPT, { messages: marked, provider: { only: ['azure'] } });
    expect((responses.last.body as Json).input[0].content.slice(0, 2)).toEqual([
      { type: 'input_text', text: 'A', prompt_cache_breakpoint },
      { type: 'input_text', text: 'B', prompt_cache_breakpoint },
    ]);
    const points = [{ role: 'user', content: [part('A', { prompt_cache_breakpoint }), part('B')] }];
    expect((await chat(claude, CLAUDE, { messages: points })).sent.messages[0].content[0]).toEqual(
      part('A', { cache_control: mark }),
    );
    const same = await chat(openai, GPT, { messages: points, provider: { only: ['openai'] } });
    expect(same.sent.messages[0].content[0]).toEqual(part('A', { prompt_cache_breakpoint }));
    const whole = await chat(openai, GPT, { messages: points, cache_control: hour, provider: { only: ['openai'] } });
    expect(whole.sent.messages[0].content[1]).toEqual(part('B', { prompt_cache_breakpoint }));
  });

  test('hosts that know the marks themselves get the latest four, for five minutes', async () => {
    const texts = ['A', 'B', 'C', 'D', 'E'].map((text) => part(text, { cache_control: hour }));
    const { sent, dropped } = await chat(alibaba, 'lab/qwen', { messages: [{ role: 'user', content: texts }] });
    expect(sent.messages[0].content.map(({ cache_control: said }: Json) => said)).toEqual([
      undefined,
      mark,
      mark,
      mark,
      mark,
    ]);
    expect(dropped).toContain('/messages/0/content/0/cache_control;adapted');
  });
});

const USAGE = {
  input_tokens: 100,
  cache_read_input_tokens: 1000,
  cache_creation_input_tokens: 500,
  cache_creation: { ephemeral_5m_input_tokens: 300, ephemeral_1h_input_tokens: 200 },
  output_tokens: 10,
};

/** An answer with this usage: what it says, and the record of it. */
async function metered(model: string, usage: Json, stream = false): Promise<{ usage: Json; record: Json }> {
  claude.reply = () => (stream ? messageStream(undefined, { usage }) : message(undefined, { usage }));
  const response = await gateway.post({ model, stream, messages: [{ role: 'user', content: 'Hi' }] });
  const text = await response.text();
  const chunks = stream
    ? text.match(/^data: \{.*$/gm)?.map((line) => JSON.parse(line.slice(6)) as Json)
    : [JSON.parse(text) as Json];
  const told = chunks?.findLast((one) => one.usage);
  const { data } = (await (await gateway.get(`/generation?id=${told?.id}`)).json()) as Json;
  return { usage: told?.usage, record: data };
}

describe('money', () => {
  test('INF-119 UP-152 what is written for an hour, for minutes and what is read each have their price', async () => {
    for (const stream of [false, true]) {
      const { usage, record } = await metered(CLAUDE, USAGE, stream);
      const cost = (100 * 1000 + 1000 * 100 + 300 * 1250 + 200 * 2000 + 10 * 2000) / 1e9;
      expect(usage.cost).toBeCloseTo(cost, 12);
      expect(record.total_cost).toBe(usage.cost);
      expect(record.turnpike.receipt).toEqual(
        [
          ['input', 100, '1000000'],
          ['cache-read', 1000, '100000'],
          ['cache-write', 300, '1250000'],
          ['cache-write-1h', 200, '2000000'],
          ['output', 10, '2000000'],
        ].map(([unit, quantity, usd_pico_per_unit]) => ({ unit, quantity, usd_pico_per_unit })),
      );
    }
    const { usage } = await metered('lab/without-read', USAGE);
    expect(usage.cost).toBeCloseTo((100 * 1000 + 1000 * 1000 + 300 * 1250 + 200 * 2000 + 10 * 2000) / 1e9, 12);
  });

  test('INF-123 what a cache saved is positive, and what writing it cost beyond the plain price negative', async () => {
    const only = (more: Json): Json => ({ input_tokens: 0, output_tokens: 10, ...more });
    const discount = async (model: string, usage: Json): Promise<number> =>
      (await metered(model, usage)).record.cache_discount;
    expect(await discount(CLAUDE, only({ cache_read_input_tokens: 1000 }))).toBeCloseTo(0.0009, 12);
    expect(await discount(CLAUDE, only({ cache_creation_input_tokens: 1000 }))).toBeCloseTo(-0.00025, 12);
    const long = {
      cache_creation_input_tokens: 1000,
      cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 1000 },
    };
    expect(await discount(CLAUDE, only(long))).toBeCloseTo(-0.001, 12);
    expect(await discount(CLAUDE, USAGE)).toBeCloseTo((1000 * 900 - 300 * 250 - 200 * 1000) / 1e9, 12);
    expect(await discount(CLAUDE, only({ input_tokens: 50 }))).toBeNull();
    expect(await discount('lab/without-read', only({ cache_read_input_tokens: 1000 }))).toBeNull();
  });

  test('INF-105 tokens written to a cache are told where writing has a price, and only there', async () => {
    for (const stream of [false, true]) {
      const priced = await metered(CLAUDE, USAGE, stream);
      expect(priced.usage.prompt_tokens_details).toMatchObject({ cached_tokens: 1000, cache_write_tokens: 500 });
      expect(priced.usage.prompt_tokens).toBe(1600);
      const none = await metered(CLAUDE, { input_tokens: 9, output_tokens: 1 }, stream);
      expect(none.usage.prompt_tokens_details.cache_write_tokens).toBe(0);
      const unpriced = await metered('lab/without-write', USAGE, stream);
      expect(unpriced.usage.prompt_tokens_details.cached_tokens).toBe(1000);
      expect('cache_write_tokens' in unpriced.usage.prompt_tokens_details).toBe(false);
      expect(unpriced.usage.prompt_tokens).toBe(1600);
    }
  });
});
