import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { converse, gemini, message, messageStream, ollama } from '../support/claude.ts';
import { RunningGateway } from '../support/gateway.ts';
import { ScriptedUpstream, whole } from '../support/upstream.ts';

/** What hosts of Claude and others are told of one wish: headers, trials, thinking, choices. */

type Json = Record<string, any>;

const claude = new ScriptedUpstream();
const vertex = new ScriptedUpstream();
const bedrock = new ScriptedUpstream();
const plain = new ScriptedUpstream();
const openai = new ScriptedUpstream();
const moonshot = new ScriptedUpstream();
const minimax = new ScriptedUpstream();
const strict = new ScriptedUpstream();
const google = new ScriptedUpstream();
const local = new ScriptedUpstream();
const all = [claude, vertex, bedrock, plain, openai, moonshot, minimax, strict, google, local];
let gateway: RunningGateway;

const pricing = { prompt: '0.000001', completion: '0.000002' };
const row = (model: string, upstream_model: string, more: Json = {}): Json => ({
  model,
  upstream_model,
  context_length: 1_000_000,
  pricing,
  ...more,
});
const CONFIGURED = 'files-api-2025-04-14, interleaved-thinking-2025-05-14';

beforeAll(async () => {
  const providers = {
    claude: {
      dialect: 'anthropic-messages',
      base_url: claude.base,
      api_key: 'k',
      auth: { header: 'x-api-key' },
      endpoints: [
        row('anthropic/claude-sonnet-4.5', 'claude-sonnet-4-5', { max_completion_tokens: 200_000 }),
        row('anthropic/claude-opus-4.6', 'claude-opus-4-6'),
        row('anthropic/claude-opus-4.7', 'claude-opus-4-7'),
        row('anthropic/claude-opus-4.8', 'claude-opus-4-8'),
        row('anthropic/claude-opus-5.5', 'claude-opus-5-5'),
        row('anthropic/claude-fable-5.1', 'claude-fable-5-1'),
        row('lab/unbounded', 'claude-sonnet-4-5'),
      ],
    },
    configured: {
      dialect: 'anthropic-messages',
      base_url: claude.base,
      api_key: 'k',
      headers: { 'Anthropic-Beta': CONFIGURED },
      endpoints: [row('lab/configured', 'claude-sonnet-4-5')],
    },
    vertex: {
      dialect: 'anthropic-messages',
      base_url: vertex.base,
      api_key: 'k',
      quirks: ['vertex-body'],
      endpoints: [row('lab/vertex', 'claude-sonnet-4-5@20250929')],
    },
    bedrock: {
      dialect: 'bedrock-converse',
      base_url: bedrock.base,
      api_key: 'k',
      endpoints: [row('lab/bedrock', 'anthropic.claude-sonnet-4-5-v1:0')],
    },
    plain: { base_url: plain.base, api_key: 'k', endpoints: [row('lab/plain', 'plain')] },
    strict: { base_url: strict.base, api_key: 'k', quirks: ['system-first'], endpoints: [row('lab/strict', 'strict')] },
    google: {
      dialect: 'gemini-generate',
      base_url: google.base,
      api_key: 'k',
      endpoints: [row('lab/google', 'gemini-3-flash')],
    },
    local: {
      dialect: 'ollama-chat',
      base_url: local.base,
      api_key: 'k',
      endpoints: [row('lab/local', 'llama')],
    },
    'empty-text': {
      base_url: plain.base,
      api_key: 'k',
      quirks: ['empty-content'],
      endpoints: [row('lab/empty-text', 'plain')],
    },
    'no-text': {
      base_url: plain.base,
      api_key: 'k',
      quirks: ['no-empty-content'],
      endpoints: [row('lab/no-text', 'plain')],
    },
    openai: {
      base_url: openai.base,
      api_key: 'k',
      endpoints: [row('openai/gpt-6-sol', 'gpt-6-sol'), row('openai/o3', 'o3')],
    },
    moonshotai: {
      base_url: moonshot.base,
      api_key: 'k',
      endpoints: [
        row('moonshotai/kimi-k2.6', 'kimi-k2.6', {
          supported_parameters: ['temperature', 'top_p', 'presence_penalty', 'max_tokens'],
        }),
      ],
    },
    minimax: { base_url: minimax.base, api_key: 'k', endpoints: [row('minimax/minimax-m2.5', 'MiniMax-M2.5')] },
  };
  gateway = await RunningGateway.start({ config: JSON.stringify({ providers }) });
});
beforeEach(() => {
  for (const host of [claude, vertex, minimax]) host.reply = ({ body }) => (body.stream ? messageStream() : message());
  bedrock.reply = () => converse();
  google.reply = () => gemini();
  local.reply = () => ollama();
  for (const host of [plain, openai, moonshot, strict]) host.reply = () => whole('Hello');
});
afterAll(async () => {
  await gateway.stop();
  for (const host of all) await host.stop();
});

const hi = [{ role: 'user', content: 'Hi' }];
const schema = { type: 'json_schema', json_schema: { name: 'n', schema: { type: 'object', properties: {} } } };
const tool = (more: Json = {}): Json => ({
  type: 'function',
  function: { name: 'f', parameters: { type: 'object' }, ...more },
});

interface Told {
  readonly status: number;
  readonly sent: Json;
  readonly headers: Headers;
  readonly dropped: string;
  readonly answer: string;
}

/** What the host was sent for a request that it answered; nothing where it was refused. */
async function tell(
  host: ScriptedUpstream,
  model: string,
  body: Json,
  headers: Record<string, string> = {},
): Promise<Told> {
  const before = host.received.length;
  const response = await gateway.post({ model, messages: hi, ...body }, headers);
  const answer = await response.text();
  const dropped = response.headers.get('x-turnpike-dropped') ?? '';
  const received = host.received.length > before ? host.last : { body: {}, headers: new Headers() };
  return { status: response.status, sent: received.body, headers: received.headers, dropped, answer };
}

const SONNET = 'anthropic/claude-sonnet-4.5';
const betasOf = (headers: Headers): readonly string[] | undefined => headers.get('anthropic-beta')?.split(/, */);

describe('headers', () => {
  test('UP-003 the version is always said, and betas of host, features and caller are one list without doubles', async () => {
    for (const stream of [false, true]) {
      const bare = await tell(claude, SONNET, { stream });
      expect(bare.headers.get('anthropic-version')).toBe('2023-06-01');
      expect(bare.headers.get('anthropic-beta')).toBeNull();
      const { status, headers } = await tell(
        claude,
        'lab/configured',
        { stream, response_format: schema },
        {
          'x-anthropic-beta': 'interleaved-thinking-2025-05-14,structured-outputs-2025-11-13',
          'anthropic-beta': 'compact-2026-01-12',
        },
      );
      expect(status).toBe(200);
      expect(headers.get('anthropic-version')).toBe('2023-06-01');
      expect(betasOf(headers)?.toSorted()).toEqual([
        'compact-2026-01-12',
        'files-api-2025-04-14',
        'interleaved-thinking-2025-05-14',
        'structured-outputs-2025-11-13',
      ]);
    }
    const alone = await tell(claude, 'lab/configured', {});
    expect(betasOf(alone.headers)).toEqual(CONFIGURED.split(', '));
  });

  test('INF-310 betas of the caller reach hosts of Claude and nobody else, and only those that are known', async () => {
    const beta = 'interleaved-thinking-2025-05-14';
    for (const name of ['x-anthropic-beta', 'anthropic-beta']) {
      const header = { [name]: `${beta}, made-up-2020-01-01` };
      for (const [host, model] of [
        [claude, SONNET],
        [vertex, 'lab/vertex'],
      ] as const)
        expect(betasOf((await tell(host, model, {}, header)).headers)).toEqual([beta]);
      const amazon = await tell(bedrock, 'lab/bedrock', {}, header);
      expect(amazon.sent.additionalModelRequestFields).toEqual({ anthropic_beta: [beta] });
      for (const [host, model] of [
        [plain, 'lab/plain'],
        [minimax, 'minimax/minimax-m2.5'],
        [openai, 'openai/o3'],
      ] as const) {
        const other = await tell(host, model, {}, header);
        expect(other.status).toBe(200);
        expect([...other.headers.keys()].filter((key) => key.includes('beta'))).toEqual([]);
        expect(JSON.stringify(other.sent)).not.toContain('interleaved');
      }
    }
    const messages = await fetch(`${gateway.api}/messages`, {
      method: 'POST',
      headers: { 'x-api-key': gateway.key, 'content-type': 'application/json', 'anthropic-beta': beta },
      body: JSON.stringify({ model: SONNET, max_tokens: 9, messages: hi }),
    });
    expect(messages.status).toBe(200);
    expect(betasOf(claude.last.headers)).toEqual([beta]);
  });

  test('INF-046 a strict tool is strict only with the trial that knows the word', async () => {
    const tools = [tool({ strict: true }), { ...tool(), function: { name: 'g' } }];
    for (const [host, model] of [
      [claude, SONNET],
      [vertex, 'lab/vertex'],
    ] as const) {
      const without = await tell(host, model, { tools });
      expect(without.sent.tools.map(({ strict: said }: Json) => said)).toEqual([undefined, undefined]);
      expect(without.dropped).toContain('/tools/0/strict');
      const within = await tell(host, model, { tools }, { 'x-anthropic-beta': 'structured-outputs-2025-11-13' });
      expect(within.sent.tools.map(({ strict: said }: Json) => said)).toEqual([true, undefined]);
      expect(betasOf(within.headers)).toEqual(['structured-outputs-2025-11-13']);
      expect(within.dropped).toBe('');
    }
  });

  test('INF-047 arguments of tools stream as they come, where an answer streams', async () => {
    const tools = [tool(), { ...tool(), function: { name: 'g' } }];
    const eager = async (stream: boolean, host = claude, model = SONNET): Promise<unknown[]> =>
      (await tell(host, model, { tools, stream })).sent.tools.map((one: Json) => one.eager_input_streaming);
    expect(await eager(true)).toEqual([true, true]);
    expect(await eager(false)).toEqual([undefined, undefined]);
    expect(await eager(true, minimax, 'minimax/minimax-m2.5')).toEqual([undefined, undefined]);
  });

  test('INF-049 a schema for the answer brings its beta by itself', async () => {
    for (const stream of [false, true]) {
      const { sent, headers } = await tell(claude, SONNET, { stream, response_format: schema });
      expect(sent.output_config.format).toMatchObject({ type: 'json_schema', schema: { type: 'object' } });
      expect(betasOf(headers)).toEqual(['structured-outputs-2025-11-13']);
    }
    expect(betasOf((await tell(claude, SONNET, {})).headers)).toBeUndefined();
  });
});

describe('thinking', () => {
  test('INF-050 verbosity is the effort of the output', async () => {
    for (const [verbosity, opus46, opus47] of [
      ['low', 'low', 'low'],
      ['medium', 'medium', 'medium'],
      ['high', 'high', 'high'],
      ['xhigh', 'max', 'xhigh'],
      ['max', 'max', 'max'],
    ] as const) {
      const older = await tell(claude, 'anthropic/claude-opus-4.6', { verbosity });
      expect([verbosity, older.sent.output_config]).toEqual([verbosity, { effort: opus46 }]);
      expect(older.dropped).toBe(opus46 === verbosity ? '' : '/verbosity;adapted');
      const newer = await tell(claude, 'anthropic/claude-opus-4.7', { verbosity });
      expect([verbosity, newer.sent.output_config, newer.dropped]).toEqual([verbosity, { effort: opus47 }, '']);
    }
    expect((await tell(claude, 'anthropic/claude-opus-4.7', {})).sent.output_config).toBeUndefined();
  });

  test('INF-080 each effort is its share of the limit, 128000 at most and 1024 at least', async () => {
    const shares = { minimal: 0.1, low: 0.2, medium: 0.5, high: 0.8, xhigh: 0.95, max: 0.95 };
    for (const [effort, share] of Object.entries(shares))
      for (const max_tokens of [1100, 2000, 10_000, 64_000, 150_000, 200_000]) {
        const { sent } = await tell(claude, SONNET, { reasoning: { effort }, max_tokens });
        const budget_tokens = Math.max(Math.min(Math.floor(max_tokens * share), 128_000), 1024);
        expect([effort, max_tokens, sent.max_tokens, sent.thinking]).toEqual([
          effort,
          max_tokens,
          max_tokens,
          { type: 'enabled', budget_tokens },
        ]);
      }
    const { sent } = await tell(claude, SONNET, { reasoning: { effort: 'none' }, max_tokens: 5000 });
    expect(sent.thinking).toEqual({ type: 'disabled' });
  });

  test('INF-081 a budget that the limit does not hold is refused, or the limit raised where nobody gave one', async () => {
    for (const [max_tokens, budget] of [
      [2000, 2000],
      [2000, 9000],
      [1024, 10],
    ] as const) {
      const { status, answer, sent } = await tell(claude, SONNET, { max_tokens, reasoning: { max_tokens: budget } });
      expect([status, sent]).toEqual([400, {}]);
      expect(JSON.parse(answer).error.message).toContain('max_tokens');
    }
    const fits = await tell(claude, SONNET, { max_tokens: 2001, reasoning: { max_tokens: 2000 } });
    expect([fits.sent.max_tokens, fits.sent.thinking.budget_tokens]).toEqual([2001, 2000]);
    for (const budget of [1024, 4095, 4096, 30_000]) {
      const { sent } = await tell(claude, 'lab/unbounded', { reasoning: { max_tokens: budget } });
      expect(sent.thinking).toEqual({ type: 'enabled', budget_tokens: budget });
      expect(sent.max_tokens).toBeGreaterThan(budget);
    }
  });

  test('INF-086 a model that must think cannot be told not to', async () => {
    for (const reasoning of [{ effort: 'none' }, { enabled: false }, { max_tokens: 0 }]) {
      const { status, answer, sent } = await tell(claude, 'anthropic/claude-fable-5.1', { reasoning });
      expect([status, sent]).toEqual([400, {}]);
      expect(JSON.parse(answer).error).toMatchObject({ code: 400, message: expect.stringContaining('mandatory') });
    }
    expect((await tell(claude, 'anthropic/claude-fable-5.1', { reasoning: { effort: 'low' } })).status).toBe(200);
  });

  test('INF-087 the latest of a family that must think thinks as little as it can', async () => {
    for (const reasoning of [{ effort: 'none' }, { enabled: false }, { max_tokens: 0 }]) {
      const { status, answer, sent } = await tell(claude, '~anthropic/claude-fable-latest', { reasoning });
      expect([status, sent.model, sent.thinking, sent.output_config]).toEqual([
        200,
        'claude-fable-5-1',
        { type: 'adaptive' },
        { effort: 'low' },
      ]);
      expect(JSON.parse(answer).model).toBe('anthropic/claude-fable-5.1');
    }
    expect((await tell(claude, '~anthropic/claude-nothing-latest', {})).status).toBe(400);
  });

  test('UP-036 who fixes the draw is not told how to draw, and it is said what was left out', async () => {
    const draw = { temperature: 0.5, top_p: 0.9, top_k: 5, presence_penalty: 0.1 };
    const kept = async (host: ScriptedUpstream, model: string, more: Json = {}): Promise<readonly string[]> => {
      const { sent, dropped } = await tell(host, model, { ...draw, ...more });
      const names = Object.keys(draw);
      const said: Json = { ...sent, ...(sent.inferenceConfig as Json), ...(sent.additionalModelRequestFields as Json) };
      if (said.topP !== undefined) said.top_p = said.topP;
      for (const name of names)
        expect([model, name, said[name] === undefined]).toEqual([model, name, dropped.includes(`/${name};`)]);
      return names.filter((name) => said[name] !== undefined);
    };
    expect(await kept(openai, 'openai/gpt-6-sol')).not.toContain('temperature');
    for (const model of ['openai/gpt-6-sol', 'openai/o3']) expect(await kept(openai, model)).toEqual(['top_k']);
    expect(await kept(moonshot, 'moonshotai/kimi-k2.6')).toEqual([]);
    for (const model of ['4.7', '4.8', '5.5'].map((one) => `anthropic/claude-opus-${one}`))
      expect(await kept(claude, model)).toEqual([]);
    expect(await kept(claude, SONNET)).toEqual(['temperature', 'top_k']);
    const thinking = { reasoning: { effort: 'low' }, max_tokens: 9000 };
    expect(await kept(claude, SONNET, thinking)).toEqual([]);
    expect(await kept(claude, 'anthropic/claude-opus-4.6', thinking)).toEqual([]);
    expect(await kept(bedrock, 'lab/bedrock')).toContain('temperature');
    expect(await kept(bedrock, 'lab/bedrock', thinking)).toEqual([]);
    expect(await kept(vertex, 'lab/vertex', thinking)).toEqual([]);
    expect(await kept(plain, 'lab/plain')).toEqual(Object.keys(draw));
  });

  test('UP-076 a model that cannot be made to call is not asked to', async () => {
    const tools = [tool()];
    for (const tool_choice of ['required', { type: 'function', function: { name: 'f' } }]) {
      for (const model of ['anthropic/claude-opus-5.5', 'anthropic/claude-fable-5.1']) {
        const { status, answer, sent } = await tell(claude, model, { tools, tool_choice });
        expect([model, status, sent]).toEqual([model, 404, {}]);
        expect(JSON.parse(answer).error.message).toContain('call a tool');
      }
      // One that is as new, and takes orders.
      expect((await tell(claude, 'anthropic/claude-opus-4.8', { tools, tool_choice })).sent.tool_choice.type).not.toBe(
        'auto',
      );
      const next = await tell(claude, 'anthropic/claude-opus-5.5', { tools, tool_choice, models: [SONNET] });
      expect([next.status, next.sent.model]).toEqual([200, 'claude-sonnet-4-5']);
      expect(next.sent.tool_choice.type).toBe(tool_choice === 'required' ? 'any' : 'tool');
    }
    for (const tool_choice of ['auto', 'none'])
      expect((await tell(claude, 'anthropic/claude-opus-5.5', { tools, tool_choice })).status).toBe(200);
  });
});

describe('turns', () => {
  test('UP-018 instructions in the middle are the user’s words, except where a model knows their place', async () => {
    const messages = [
      { role: 'system', content: 'One' },
      { role: 'user', content: 'A' },
      { role: 'system', content: 'Two' },
      { role: 'assistant', content: 'B' },
      { role: 'developer', content: 'Three' },
      { role: 'user', content: 'C' },
    ];
    const turns = ({ sent }: Told): unknown =>
      sent.messages.map(({ role, content }: Json) => [
        role,
        typeof content === 'string' ? content : content.map(({ text }: Json) => text).join(' '),
      ]);
    const folded = [
      ['user', 'A Two'],
      ['assistant', 'B'],
      ['user', 'Three C'],
    ];
    for (const [host, model] of [
      [claude, SONNET],
      [claude, 'anthropic/claude-opus-4.7'],
      [bedrock, 'lab/bedrock'],
    ] as const)
      expect(turns(await tell(host, model, { messages }))).toEqual(folded);
    expect(turns(await tell(claude, 'anthropic/claude-opus-4.8', { messages }))).toEqual([
      ['user', 'A'],
      ['system', 'Two'],
      ['assistant', 'B'],
      ['user', 'Three C'],
    ]);
    expect(turns(await tell(strict, 'lab/strict', { messages }))).toEqual([
      ['system', 'One'],
      ['user', 'A\n\nTwo'],
      ['assistant', 'B'],
      ['user', 'Three\n\nC'],
    ]);
    expect(turns(await tell(plain, 'lab/plain', { messages }))).toEqual(
      messages.map(({ role, content }) => [role === 'developer' ? 'system' : role, content]),
    );
  });

  const call = (id: string, args = ''): Json => ({
    id,
    type: 'function',
    function: { name: `f-${id}`, arguments: args },
  });
  // Some hosts take calls of the past only beside the tools that were called.
  const tools = ['a', 'b', 'c'].map((id) => ({ type: 'function', function: { name: `f-${id}` } }));
  const result = (id: string): Json => ({ role: 'tool', tool_call_id: id, content: `of ${id}` });
  const objects: readonly (readonly [ScriptedUpstream, string, (sent: Json) => readonly Json[]])[] = [
    [claude, SONNET, ({ messages }) => messages.map(({ content }: Json) => content)],
    [bedrock, 'lab/bedrock', ({ messages }) => messages.map(({ content }: Json) => content)],
    [google, 'lab/google', ({ contents }) => contents.map(({ parts }: Json) => parts)],
  ];

  test('UP-020 results stand first in one turn of the user, in the order of their calls', async () => {
    const messages = [
      ...hi,
      { role: 'assistant', content: 'I look.', tool_calls: ['a', 'b', 'c'].map((id) => call(id)) },
      result('c'),
      { role: 'user', content: 'Well?' },
      result('a'),
      result('b'),
      { role: 'user', content: 'And?' },
    ];
    const idOf = (block: Json): unknown =>
      block.tool_use_id ?? block.toolResult?.toolUseId ?? block.functionResponse?.id ?? block.text;
    for (const [host, model, turnsOf] of objects) {
      const turns = turnsOf((await tell(host, model, { messages, tools })).sent);
      expect(turns).toHaveLength(3);
      expect([model, turns[2]?.map(idOf)]).toEqual([model, ['a', 'b', 'c', 'Well?', 'And?']]);
    }
  });

  test('UP-022 a call without words has none beside it, said as each host wants that said', async () => {
    for (const content of ['', null, [{ type: 'text', text: '' }]]) {
      const messages = [...hi, { role: 'assistant', content, tool_calls: [call('a')] }, result('a')];
      for (const [host, model, turnsOf] of objects) {
        const blocks = turnsOf((await tell(host, model, { messages, tools })).sent)[1];
        expect([model, blocks?.length, blocks?.some(({ text }: Json) => text !== undefined)]).toEqual([
          model,
          1,
          false,
        ]);
      }
      for (const [model, said] of [
        ['lab/plain', null],
        ['lab/empty-text', ''],
        ['lab/no-text', undefined],
      ] as const)
        expect([model, (await tell(plain, model, { messages, tools })).sent.messages[1].content]).toEqual([
          model,
          said,
        ]);
    }
    const words = [...hi, { role: 'assistant', content: 'I look.', tool_calls: [call('a')] }, result('a')];
    expect((await tell(plain, 'lab/no-text', { messages: words })).sent.messages[1].content).toBe('I look.');
  });

  test('UP-023 arguments that are no JSON become an empty object, and a strict caller is told', async () => {
    const asked = (args: string): Json => ({
      tools,
      messages: [...hi, { role: 'assistant', content: null, tool_calls: [call('a', args)] }, result('a')],
    });
    const inputOf = (block: Json | undefined): unknown =>
      block?.input ?? block?.toolUse?.input ?? block?.functionCall?.args ?? block?.function?.arguments;
    for (const [host, model, turnsOf] of [
      ...objects,
      [local, 'lab/local', ({ messages }: Json) => messages.map((one: Json) => one.tool_calls)] as const,
    ]) {
      for (const [args, object] of [
        ['', {}],
        ['{"a":', {}],
        ['[1]', {}],
        ['{"a":1}', { a: 1 }],
      ] as const) {
        const { sent, dropped } = await tell(host, model, asked(args));
        expect([model, args, inputOf(turnsOf(sent)[1]?.[0])]).toEqual([model, args, object]);
        const lost = args === '{"a":' || args === '[1]';
        expect([args, dropped.includes('/messages/1/tool_calls/0/function/arguments')]).toEqual([args, lost]);
      }
      const exact = { 'x-turnpike-strict': '1' };
      expect((await tell(host, model, asked('{"a":'), exact)).status).toBe(400);
      expect((await tell(host, model, asked(''), exact)).status).toBe(200);
    }
  });
});
