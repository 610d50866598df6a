import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { collect } from '../../canon/collect.ts';
import { runMachine } from '../../canon/grammar.ts';
import type { GenerationRequest, Message } from '../../canon/request.ts';
import type { Target } from '../../canon/target.ts';
import { loadSnapshot } from '../../catalogue/load.ts';
import { SseDecoder } from '../../streams/sse.ts';
import { EXPECT_NOTHING } from '../dialect.ts';
import { DIALECTS } from '../registry.ts';
import { anthropicMessages as dialect } from './dialect.ts';

/** What hosts of this dialect are sent, by models of the catalogue, and how their answers are read. */

type Json = Record<string, any>;

const snapshot = loadSnapshot();

function targetOf(model: string): Target {
  const endpoint = snapshot.endpointsOf(model).find((one) => one.provider === 'anthropic');
  if (!endpoint) throw new Error(model);
  return {
    upstreamModel: endpoint.upstreamModel,
    quirks: new Set(),
    traits: snapshot.traitsOf(endpoint),
    parameters: snapshot.parameters(endpoint),
    extraFields: new Set(),
    maxOutputTokens: snapshot.model(model)?.maxOutputTokens ?? 0,
  };
}

/** One that thinks within a budget and takes a temperature, and one that does neither. */
const budgeted = targetOf('anthropic/claude-sonnet-4.5');
const adaptive = targetOf('anthropic/claude-opus-5');

const base: GenerationRequest = {
  model: 'm',
  fallbacks: [],
  messages: [{ role: 'user', parts: [{ kind: 'text', text: 'Hi' }] }],
  tools: [],
  sampling: {},
  stream: false,
  preferences: {},
  echoUpstreamBody: false,
  extras: {},
};

const sent = (request: Partial<GenerationRequest>, target = budgeted): Json & { dropped: readonly string[] } => {
  const { body, dropped } = dialect.encodeRequest({ ...base, ...request }, target);
  return { ...JSON.parse(body), dropped: dropped.map(({ pointer }) => pointer) };
};
const chat = (wire: Json, target = budgeted): ReturnType<typeof sent> => {
  const decoded = DIALECTS['openai-chat']?.decodeRequest({ model: 'm', ...wire });
  if (!decoded?.ok) throw new Error('not decoded');
  return sent(decoded.value, target);
};
const text = (role: 'system' | 'user' | 'assistant', words: string): Message =>
  role === 'assistant'
    ? { role, parts: [{ kind: 'text', text: words }], toolCalls: [] }
    : { role, parts: [{ kind: 'text', text: words }] };

describe('what is sent', () => {
  test('leading instructions stand apart, later ones in the user’s turn', () => {
    const { system, messages } = sent({
      messages: [text('system', 'One'), text('system', 'Two'), text('user', 'Hi'), text('system', 'Three')],
    });
    expect(system.map((block: Json) => block.text)).toEqual(['One', 'Two']);
    expect(messages).toEqual([
      {
        role: 'user',
        content: [
          { type: 'text', text: 'Hi' },
          { type: 'text', text: 'Three' },
        ],
      },
    ]);
  });

  test('turns of one side are one, with all their parts', () => {
    const { messages } = sent({ messages: [text('user', 'A'), text('user', 'B'), text('assistant', 'C ')] });
    expect(messages.map(({ role, content }: Json) => [role, content.map((block: Json) => block.text)])).toEqual([
      ['user', ['A', 'B']],
      ['assistant', ['C']],
    ]);
  });

  test('INF-035 results stand first in one turn, in the order of the calls, and no text is empty', () => {
    const call = (id: string): Json => ({ id, type: 'function', function: { name: 'f', arguments: '' } });
    const { messages } = chat({
      messages: [
        { role: 'user', content: 'Hi' },
        { role: 'assistant', content: '', tool_calls: [call('a'), call('b')] },
        { role: 'tool', tool_call_id: 'a', content: 'one' },
        { role: 'tool', tool_call_id: 'b', content: 'two' },
        { role: 'user', content: 'And?' },
      ],
    });
    expect(messages[1].content.map(({ type, input }: Json) => [type, input])).toEqual([
      ['tool_use', {}],
      ['tool_use', {}],
    ]);
    expect(messages[2].content.map(({ type, tool_use_id }: Json) => tool_use_id ?? type)).toEqual(['a', 'b', 'text']);
    expect(messages).toHaveLength(3);
  });

  test('arguments that are no JSON still make an object', () => {
    const past = (args: string): Json =>
      sent({
        messages: [
          text('user', 'Hi'),
          { role: 'assistant', parts: [], toolCalls: [{ id: 'a', name: 'f', arguments: args }] },
        ],
      }).messages[1].content[0].input;
    expect(past('')).toEqual({});
    expect(past('{"a":1}')).toEqual({ a: 1 });
    expect(past('{"a":')).toEqual({});
  });

  test('UP-033 a budget is never below the least, and always below the limit', () => {
    fc.assert(
      fc.property(
        fc.option(fc.integer({ min: 1, max: 70_000 }), { nil: undefined }),
        fc.integer({ min: 1, max: 70_000 }),
        fc.constantFrom('minimal', 'low', 'medium', 'high', 'xhigh', 'max'),
        (limit, budget, effort) => {
          const asked = limit === undefined ? {} : { maxOutputTokens: limit };
          for (const reasoning of [
            { budgetTokens: budget, exclude: false },
            { effort, exclude: false },
          ] as const) {
            const body = sent({ ...asked, reasoning });
            if (limit !== undefined) expect(body.max_tokens).toBe(limit);
            if (body.thinking) {
              expect(body.thinking.budget_tokens).toBeGreaterThanOrEqual(1024);
              expect(body.thinking.budget_tokens).toBeLessThan(body.max_tokens);
            } else expect(limit).toBeLessThanOrEqual(Math.max(1024, budget));
          }
        },
      ),
    );
  });

  test('INF-082 a budget too small is the least there is', () => {
    for (const budgetTokens of [1, 500, 1023, 1024])
      expect(sent({ reasoning: { budgetTokens, exclude: false } }).thinking.budget_tokens).toBe(1024);
    expect(sent({ reasoning: { budgetTokens: 1025, exclude: false } }).thinking.budget_tokens).toBe(1025);
  });

  test('UP-052 each Claude thinks as its row of the table says, and is not switched off where it refuses that', () => {
    const modes: Readonly<Record<string, string>> = {
      'claude-opus-4': 'budget',
      'claude-opus-4.1': 'budget',
      'claude-sonnet-4': 'budget',
      'claude-sonnet-4.5': 'budget',
      'claude-opus-4.5': 'budget',
      'claude-haiku-4.5': 'budget',
      'claude-opus-4.6': 'both',
      'claude-sonnet-4.6': 'both',
      'claude-opus-4.7': 'adaptive',
      'claude-opus-4.8': 'adaptive',
      'claude-sonnet-5': 'adaptive',
      'claude-opus-5': 'adaptive',
      'claude-fable-5': 'always adaptive',
      'claude-fable-5.1': 'always adaptive',
      'claude-opus-5.5': 'always adaptive',
    };
    const asked = (model: string, reasoning: Partial<NonNullable<GenerationRequest['reasoning']>>): Json =>
      sent({ maxOutputTokens: 10_000, reasoning: { exclude: false, ...reasoning } }, targetOf(`anthropic/${model}`));
    for (const [model, mode] of Object.entries(modes)) {
      const adaptive = mode !== 'budget';
      const effort = asked(model, { effort: 'high' });
      expect([model, effort.thinking, effort.output_config]).toEqual(
        adaptive
          ? [model, { type: 'adaptive' }, { effort: 'high' }]
          : [model, { type: 'enabled', budget_tokens: 8000 }, undefined],
      );
      const budget = asked(model, { budgetTokens: 2000 });
      expect([model, budget.thinking, budget.output_config]).toEqual(
        mode === 'budget' || mode === 'both'
          ? [model, { type: 'enabled', budget_tokens: 2000 }, undefined]
          : [model, { type: 'adaptive' }, { effort: 'low' }],
      );
      const off = asked(model, { effort: 'none' });
      const always = mode === 'always adaptive';
      expect([model, off.thinking]).toEqual([model, always ? undefined : { type: 'disabled' }]);
      expect(off.dropped).toEqual(always ? ['/reasoning'] : []);
      expect(asked(model, {}).thinking).toBeUndefined();
    }
  });

  test('no effort above high is said to a model that takes none while it does not think', () => {
    const quiet = { verbosity: 'max', reasoning: { enabled: false, exclude: false } } as const;
    expect(sent(quiet, targetOf('anthropic/claude-opus-5'))).toMatchObject({
      thinking: { type: 'disabled' },
      output_config: { effort: 'high' },
      dropped: ['/verbosity'],
    });
    expect(sent(quiet, targetOf('anthropic/claude-opus-4.8')).output_config).toEqual({ effort: 'max' });
  });

  test('a begun answer is gone on from where the model does that, and asked for where it does not', () => {
    const messages = [text('user', 'Count'), text('assistant', 'One, ')];
    const turns = (target: Target, more: Partial<GenerationRequest> = {}): Json => sent({ messages, ...more }, target);
    expect(turns(budgeted).messages.at(-1)).toEqual({ role: 'assistant', content: [{ type: 'text', text: 'One,' }] });
    expect(turns(budgeted).dropped).toEqual([]);
    for (const asked of [turns(adaptive), turns(budgeted, { reasoning: { effort: 'low', exclude: false } })]) {
      expect(asked.messages.at(-1).role).toBe('user');
      expect(asked.dropped).toContain('/messages/1');
    }
  });

  test('sampling is left out beside thinking, bounded otherwise, and never both of two', () => {
    const sampling = { temperature: 1.7, topP: 0.5, topK: 3, seed: 7 };
    const plain = sent({ sampling });
    expect([plain.temperature, plain.top_p]).toEqual([1, undefined]);
    expect(plain.dropped).toEqual(expect.arrayContaining(['/top_p', '/seed']));
    const thinking = sent({ sampling, maxOutputTokens: 5000, reasoning: { effort: 'high', exclude: false } });
    expect([thinking.temperature, thinking.top_p, thinking.top_k]).toEqual([undefined, undefined, undefined]);
    expect(sent({ sampling }, adaptive).temperature).toBeUndefined();
  });

  test('every choice of tools, in series or not, and none forced beside thinking', () => {
    const tools = [{ name: 'f' }];
    const choice = (request: Partial<GenerationRequest>): unknown => sent({ tools, ...request }).tool_choice;
    expect(choice({})).toBeUndefined();
    expect(choice({ toolChoice: { kind: 'required' } })).toEqual({ type: 'any' });
    expect(choice({ toolChoice: { kind: 'named', name: 'f' } })).toEqual({ type: 'tool', name: 'f' });
    expect(choice({ toolChoice: { kind: 'none' }, parallelToolCalls: false })).toEqual({ type: 'none' });
    expect(choice({ parallelToolCalls: false })).toEqual({ type: 'auto', disable_parallel_tool_use: true });
    const reasoning = { effort: 'high' as const, exclude: false };
    const forced = { toolChoice: { kind: 'required' as const }, maxOutputTokens: 9000, reasoning };
    expect(choice(forced)).toEqual({ type: 'auto' });
    expect(sent({ tools, ...forced }).dropped).toContain('/tool_choice');
  });

  test('INF-364 marks reach it, four at most, the latest', () => {
    const part = (words: string) => ({ kind: 'text' as const, text: words, cache: { ttl: '1h' as const } });
    const body = sent({
      tools: [{ name: 'f', cache: {} }],
      messages: [
        { role: 'system', parts: [part('S')] },
        { role: 'user', parts: ['A', 'B', 'C'].map(part) },
      ],
    });
    expect(body.tools[0].cache_control).toBeUndefined();
    expect(body.system[0].cache_control).toEqual({ type: 'ephemeral', ttl: '1h' });
    expect(body.messages[0].content.every((block: Json) => block.cache_control)).toBe(true);
    expect(body.dropped).toEqual(['/cache_control']);
  });

  test('UP-069 a schema keeps what can be enforced and says the rest', () => {
    const schema = {
      type: 'object',
      properties: {
        minimum: { type: 'integer', minimum: 3 },
        names: { type: 'array', items: { type: 'string', pattern: '^a', format: 'email' }, minItems: 1, maxItems: 4 },
        one: { oneOf: [{ type: 'string' }, { type: 'null' }] },
      },
      required: ['minimum'],
    };
    const { format } = sent({ output: { kind: 'json-schema', name: 'n', schema } }).output_config;
    expect(format.schema).toEqual({
      type: 'object',
      properties: {
        minimum: { type: 'integer', description: '(minimum: 3)' },
        names: {
          type: 'array',
          items: { type: 'string', format: 'email', description: '(pattern: "^a")' },
          minItems: 1,
          description: '(maxItems: 4)',
        },
        one: { anyOf: [{ type: 'string' }, { type: 'null' }] },
      },
      required: ['minimum'],
      additionalProperties: false,
    });
  });

  test('a schema is asked for in words where the model cannot be held to it', () => {
    const old = targetOf('anthropic/claude-3.5-haiku');
    const body = sent({ output: { kind: 'json-schema', name: 'n', schema: { type: 'object' } } }, old);
    expect(body.output_config).toBeUndefined();
    expect(body.system[0].text).toContain('JSON Schema');
    expect(body.dropped).toContain('/response_format');
  });

  test('pictures and documents are data or addresses, text is text', () => {
    const { content } = sent({
      messages: [
        {
          role: 'user',
          parts: [
            { kind: 'image', url: 'data:image/png;base64,AAAA' },
            { kind: 'image', url: 'https://example.org/a.png' },
            { kind: 'file', filename: 'a.pdf', data: 'data:application/pdf;base64,BBBB' },
            { kind: 'file', data: 'https://example.org/a.pdf' },
            { kind: 'file', data: `data:text/plain;base64,${btoa('plain')}` },
          ],
        },
      ],
    }).messages[0];
    expect(content.map(({ type, source }: Json) => [type, source])).toEqual([
      ['image', { type: 'base64', media_type: 'image/png', data: 'AAAA' }],
      ['image', { type: 'url', url: 'https://example.org/a.png' }],
      ['document', { type: 'base64', media_type: 'application/pdf', data: 'BBBB' }],
      ['document', { type: 'url', url: 'https://example.org/a.pdf' }],
      ['document', { type: 'text', media_type: 'text/plain', data: 'plain' }],
    ]);
  });

  test('INF-089 INF-090 INF-092 signed and sealed thoughts go back in order; unsigned and foreign ones do not, and are named', () => {
    const format = 'anthropic-claude-v1';
    const body = chat({
      messages: [
        { role: 'user', content: 'Hi' },
        {
          role: 'assistant',
          content: 'Yes',
          reasoning_details: [
            { type: 'reasoning.text', text: 'T1', signature: 's1', format, index: 0 },
            { type: 'reasoning.encrypted', data: 'D', format, index: 1 },
            { type: 'reasoning.text', text: 'unsigned', format, index: 2 },
            { type: 'reasoning.encrypted', data: 'X', format: 'openai-responses-v1', index: 3 },
          ],
        },
      ],
    });
    expect(body.messages[1].content).toEqual([
      { type: 'thinking', thinking: 'T1', signature: 's1' },
      { type: 'redacted_thinking', data: 'D' },
      { type: 'text', text: 'Yes' },
    ]);
    expect(body.dropped).toEqual(['/messages/1/reasoning']);
  });

  test('a limit is always named: the caller’s, the model’s, or one that the smallest takes', () => {
    expect(sent({ maxOutputTokens: 7 }).max_tokens).toBe(7);
    expect(sent({}).max_tokens).toBe(64_000);
    expect(sent({}, { ...budgeted, maxOutputTokens: undefined } as unknown as Target).max_tokens).toBe(4096);
  });
});

const read = (lines: readonly Json[]): ReturnType<typeof collect> => {
  const stream = lines.map((line) => `event: ${line.type}\ndata: ${JSON.stringify(line)}\n\n`).join('');
  const frames = runMachine(new SseDecoder(), [new TextEncoder().encode(stream)]);
  return collect(runMachine(dialect.decodeStream(budgeted, EXPECT_NOTHING), frames));
};
const begin = (usage: Json = {}): Json => ({ type: 'message_start', message: { id: 'msg_1', model: 'm', usage } });
const delta = (index: number, one: Json): Json => ({ type: 'content_block_delta', index, delta: one });
const words = [
  { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
  delta(0, { type: 'text_delta', text: 'Hi' }),
  { type: 'content_block_stop', index: 0 },
];
const finish = (reason: string, usage: Json = {}): Json[] => [
  { type: 'message_delta', delta: { stop_reason: reason }, usage },
  { type: 'message_stop' },
];

describe('what is read', () => {
  test('UP-086 pings, unknown events and unknown deltas are passed over, and counts are overwritten', () => {
    const answer = read([
      begin({ input_tokens: 10, output_tokens: 1 }),
      { type: 'ping' },
      { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
      { type: 'something_new', data: 1 },
      delta(0, { type: 'text_delta', text: 'Hi' }),
      delta(0, { type: 'new_delta', text: 'no' }),
      { type: 'content_block_stop', index: 0 },
      ...finish('end_turn', { output_tokens: 5, input_tokens: null }),
    ]);
    expect(answer.blocks.map(({ text: said }) => said)).toEqual(['Hi']);
    expect(answer.usage?.counts).toEqual({ input: 10, output: 5 });
    expect(answer.error).toBeUndefined();
  });

  test('UP-106 what was read from and written to the cache is apart, by how long it lasts', () => {
    const usage = {
      input_tokens: 10,
      cache_read_input_tokens: 200,
      cache_creation_input_tokens: 30,
      cache_creation: { ephemeral_5m_input_tokens: 20, ephemeral_1h_input_tokens: 10 },
      output_tokens: 7,
      output_tokens_details: { thinking_tokens: 3 },
    };
    const counts = { input: 10, 'cache-read': 200, 'cache-write': 20, 'cache-write-1h': 10, output: 4, reasoning: 3 };
    expect(read([begin(usage), ...words, ...finish('end_turn')]).usage).toMatchObject({ counts, estimated: false });
    const { cache_creation: _split, ...unsplit } = usage;
    expect(read([begin(unsplit), ...words, ...finish('end_turn')]).usage?.counts['cache-write']).toBe(30);
  });

  test('each reason to stop has its meaning, and its own word is kept', () => {
    for (const [reason, meaning] of [
      ['end_turn', 'stop'],
      ['stop_sequence', 'stop'],
      ['pause_turn', 'stop'],
      ['compaction', 'stop'],
      ['max_tokens', 'length'],
      ['model_context_window_exceeded', 'length'],
      ['refusal', 'content-filter'],
      ['something_new', 'stop'],
    ] as const)
      expect(read([begin(), ...words, ...finish(reason)])).toMatchObject({ finish: meaning, nativeFinish: reason });
  });

  test('UP-128 an overload is one as a status and in the middle of a stream', () => {
    const body = { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } };
    expect(dialect.decodeError(529, JSON.stringify(body), budgeted).code).toBe('upstream_overloaded');
    expect(read([begin(), ...words, body]).error?.code).toBe('upstream_overloaded');
  });

  test('each error of its table is understood', () => {
    for (const [status, type, message, code] of [
      [400, 'invalid_request_error', 'messages: required', 'upstream_invalid_request'],
      [400, 'invalid_request_error', 'prompt is too long: 210000 tokens > 200000 maximum', 'upstream_context_too_long'],
      [401, 'authentication_error', 'invalid x-api-key', 'upstream_auth'],
      [402, 'billing_error', 'no credit', 'upstream_quota'],
      [403, 'permission_error', 'no', 'upstream_forbidden'],
      [404, 'not_found_error', 'model: x', 'upstream_not_found'],
      [413, 'request_too_large', 'too large', 'upstream_payload_too_large'],
      [429, 'rate_limit_error', 'slow down', 'upstream_rate_limited'],
      [500, 'api_error', 'oops', 'upstream_server'],
      [504, 'timeout_error', 'late', 'upstream_timeout'],
    ] as const)
      expect([status, dialect.decodeError(status, { type: 'error', error: { type, message } }, budgeted).code]).toEqual(
        [status, code],
      );
  });
});

describe('what clients send and are told', () => {
  test('INF-296 thinking within a budget, by itself and off are three wishes', () => {
    const wish = (thinking: Json, more: Json = {}): unknown => {
      const request = dialect.decodeRequest({ messages: [{ role: 'user', content: 'Hi' }], thinking, ...more });
      return request.ok && request.value.reasoning;
    };
    expect(wish({ type: 'enabled', budget_tokens: 2000 })).toEqual({ budgetTokens: 2000, exclude: false });
    expect(wish({ type: 'adaptive' })).toEqual({ enabled: true, exclude: false });
    const effort = { output_config: { effort: 'low' } };
    expect(wish({ type: 'adaptive' }, effort)).toEqual({ enabled: true, exclude: false, effort: 'low' });
    expect(wish({ type: 'disabled' })).toEqual({ enabled: false, exclude: false });
  });

  test('INF-299 INF-300 each finish has its reason to stop, and cached tokens are no input', () => {
    const context = {
      id: 'gen-1',
      created: 1,
      model: 'm',
      quirks: new Set(['router-answers'] as const),
      showReasoning: true,
      streamUsage: true,
      bill: () => ({ costUsd: 0.5, promptCostUsd: 0.2, completionCostUsd: 0.3 }),
    };
    const counts = { input: 10, 'cache-read': 200, 'cache-write': 30, 'cache-write-1h': 5, output: 7, reasoning: 3 };
    const told = (finish: 'stop' | 'length' | 'tool-calls' | 'content-filter'): Json =>
      dialect.encodeWhole(
        { blocks: [], finish, nativeFinish: null, usage: { counts, estimated: false } },
        context,
      ) as Json;
    expect((['stop', 'length', 'tool-calls', 'content-filter'] as const).map((one) => told(one).stop_reason)).toEqual([
      'end_turn',
      'max_tokens',
      'tool_use',
      'refusal',
    ]);
    expect(told('stop').usage).toMatchObject({
      input_tokens: 10,
      cache_read_input_tokens: 200,
      cache_creation_input_tokens: 35,
      cache_creation: { ephemeral_5m_input_tokens: 30, ephemeral_1h_input_tokens: 5 },
      output_tokens: 10,
      cost: 0.5,
    });
  });
});
