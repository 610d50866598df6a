import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { collect } from '../../src/canon/collect.ts';
import { runMachine } from '../../src/canon/grammar.ts';
import type { Quirk, Target } from '../../src/canon/target.ts';
import { type Dialect, EXPECT_NOTHING } from '../../src/dialects/dialect.ts';
import { DIALECTS } from '../../src/dialects/registry.ts';
import { SseDecoder } from '../../src/streams/sse.ts';
import { FORGIVING, RunningGateway } from '../support/gateway.ts';
import { encodedFor, targetFor } from '../support/targets.ts';
import { chunk, DONE, readFrames, ScriptedUpstream, stream, usageChunk, whole } from '../support/upstream.ts';
import { request } from '../support/world.ts';

/** What hosts of OpenAI's wire answer, in all the ways they have of saying it, and what a client hears. */

type Json = Record<string, any>;

const chat = DIALECTS['openai-chat'] as Dialect;

function read(text: string, target: Target, expectation = EXPECT_NOTHING): ReturnType<typeof collect> {
  const frames = new SseDecoder();
  const all = [...frames.step(new TextEncoder().encode(text)), ...frames.end()];
  return collect(runMachine(chat.decodeStream(target, expectation), all));
}
const readWhole = (body: Json, target: Target, expectation = EXPECT_NOTHING): ReturnType<typeof collect> =>
  collect(chat.decodeWhole(body, target, expectation));
const said = ({ blocks }: ReturnType<typeof collect>): unknown => blocks.map(({ block, text }) => [block.kind, text]);
const calls = ({ blocks }: ReturnType<typeof collect>): unknown =>
  blocks.flatMap(({ block, text }) => (block.kind === 'tool-call' ? [[block.name, text]] : []));

const plain = targetFor('openai', 'openai/gpt-4o');
const tagged = targetFor('perplexity', 'perplexity/sonar-reasoning');

const choices = (message: Json, finish: string | null = 'stop', more: Json = {}): Json => ({
  id: 'x',
  choices: [{ index: 0, message: { role: 'assistant', ...message }, finish_reason: finish }],
  ...more,
});

let one: ScriptedUpstream;
let two: ScriptedUpstream;
let gateway: RunningGateway;
const PRICE = 'context_length: 100000, pricing: { prompt: "0.000001", completion: "0.000002" }';
const FLEX =
  '      - { model: test/flex, upstream_model: m, pricing: { prompt: "0.000002", completion: "0.000002", overrides: [{ service_tier: flex, prompt: "0.000001" }] } }\n';
beforeAll(async () => {
  one = new ScriptedUpstream();
  two = new ScriptedUpstream();
  const row = (provider: string, upstream: ScriptedUpstream, models: readonly string[]): string =>
    `  ${provider}:\n    base_url: ${upstream.base}\n    api_key: k\n    endpoints:\n${models.map((model) => `      - { model: ${model}, upstream_model: m, ${PRICE} }\n`).join('')}`;
  gateway = await RunningGateway.start({
    config: `providers:\n${row('groq', one, ['test/shared', 'test/groq'])}${FLEX}${row('deepseek', one, ['test/deepseek'])}${row('alibaba', one, ['qwen/qwq-plus', 'qwen/qwen-plus'])}${row('llamacpp', one, ['test/local'])}${row('azure', one, ['test/azure'])}${row('openai', one, ['test/openai'])}${row('together', two, ['test/shared', 'test/deepseek', 'test/local'])}  server:\n    name: Server\n    base_url: ${two.base}\n    endpoints:\n${FLEX}limits: ${JSON.stringify(FORGIVING)}\n`,
  });
});
afterAll(async () => {
  await gateway.stop();
  await one.stop();
  await two.stop();
});

const messages = [{ role: 'user', content: 'Hi' }];
const first = (provider: string): Json => ({ provider: { order: [provider] } });
const ask = async (body: Json): Promise<Json> => {
  const response = await gateway.post({ messages, ...body });
  return { status: response.status, ...((await response.json()) as Json) };
};
const asStream = async (
  body: Json,
): Promise<{ status: number; type: string | null; data: readonly Json[]; done: boolean; text: string }> => {
  const response = await gateway.post({ messages, stream: true, ...body });
  const text = await response.text();
  const { data, done } = readFrames(text);
  return { status: response.status, type: response.headers.get('content-type'), data, done, text };
};
const contentOf = (data: readonly Json[]): string =>
  data.map(({ choices }) => choices?.[0]?.delta?.content ?? '').join('');

describe('thoughts', () => {
  test('UP-054 tags part them from the text wherever they are cut, once, and only where a row says so', () => {
    const thoughtful = '<think>if a < b then <b>x</b> & </thin or so</think>\n\nThe <think> tag </think> is text.';
    const expected = [
      ['reasoning', 'if a < b then <b>x</b> & </thin or so'],
      ['text', 'The <think> tag </think> is text.'],
    ];
    for (let cut = 0; cut <= thoughtful.length; cut++) {
      const text =
        chunk({ content: thoughtful.slice(0, cut) }) + chunk({ content: thoughtful.slice(cut) }, 'stop') + DONE;
      expect(said(read(text, tagged))).toEqual(expected);
    }
    const letters = [...thoughtful].map((letter) => chunk({ content: letter })).join('');
    expect(said(read(letters + chunk({}, 'stop') + DONE, tagged))).toEqual(expected);
    expect(said(readWhole(choices({ content: thoughtful }), tagged))).toEqual(expected);
    expect(said(readWhole(choices({ content: thoughtful }), plain))).toEqual([['text', thoughtful]]);
    expect(said(readWhole(choices({ content: '<think>never closed' }), tagged))).toEqual([
      ['reasoning', 'never closed'],
    ]);
    expect(said(readWhole(choices({ content: 'No thought. <think>x</think>' }), tagged))).toEqual([
      ['text', 'No thought. <think>x</think>'],
    ]);
    const prefilled: Target = { ...plain, quirks: new Set<Quirk>(['think-prefilled']) };
    for (let cut = 0; cut <= 12; cut++) {
      const begun = 'Hm</think>\n\nYes';
      const text = chunk({ content: begun.slice(0, cut) }) + chunk({ content: begun.slice(cut) }, 'stop') + DONE;
      expect(said(read(text, prefilled))).toEqual([
        ['reasoning', 'Hm'],
        ['text', 'Yes'],
      ]);
    }
    const call = { id: 'c', type: 'function', function: { name: 'f', arguments: '{"x":"<think>a</think>"}' } };
    expect(calls(readWhole(choices({ content: null, tool_calls: [call] }, 'tool_calls'), tagged))).toEqual([
      ['f', '{"x":"<think>a</think>"}'],
    ]);
  });

  test('UP-061 they are counted once, whether a host counts them with the answer or beside it', () => {
    const counted = (provider: string, model: string, usage: Json): unknown =>
      readWhole(choices({ content: 'Hi' }, 'stop', { usage }), targetFor(provider, model)).usage?.counts;
    const details = { completion_tokens_details: { reasoning_tokens: 30 } };
    const expected = { input: 10, output: 5, reasoning: 30 };
    expect(
      counted('xai', 'x-ai/grok-4.5', { prompt_tokens: 10, completion_tokens: 5, total_tokens: 45, ...details }),
    ).toEqual(expected);
    expect(
      counted('deepinfra', 'google/gemini-2.5-flash', {
        prompt_tokens: 10,
        completion_tokens: 5,
        total_tokens: 15,
        ...details,
      }),
    ).toEqual(expected);
    expect(
      counted('perplexity', 'perplexity/sonar-deep-research', {
        prompt_tokens: 10,
        completion_tokens: 5,
        total_tokens: 15,
        reasoning_tokens: 30,
      }),
    ).toEqual(expected);
    expect(
      counted('perplexity', 'perplexity/sonar-deep-research', {
        prompt_tokens: 10,
        completion_tokens: 50,
        total_tokens: 60,
        reasoning_tokens: 30,
      }),
    ).toEqual({ input: 10, output: 50, reasoning: 30 });
    expect(
      counted('openai', 'openai/gpt-5', { prompt_tokens: 10, completion_tokens: 35, total_tokens: 45, ...details }),
    ).toEqual(expected);
    expect(
      counted('xai', 'x-ai/grok-4.5', { prompt_tokens: 10, completion_tokens: 35, total_tokens: 45, ...details }),
    ).toEqual(expected);
    expect(
      counted('openai', 'openai/gpt-5', { prompt_tokens: 10, completion_tokens: 30, total_tokens: 40, ...details }),
    ).toEqual({ input: 10, reasoning: 30 });
  });
});

describe('calls', () => {
  test('UP-081 pieces are put together, whatever they leave out', () => {
    const fragment = (call: Json): string => chunk({ tool_calls: [call] });
    const end = chunk({}, 'tool_calls') + DONE;
    const cases: Record<string, readonly [string, unknown]> = {
      'by index': [
        fragment({ index: 0, id: 'a', type: 'function', function: { name: 'f', arguments: '' } }) +
          fragment({ index: 0, function: { arguments: '{"x":' } }) +
          fragment({ index: 1, id: 'b', type: 'function', function: { name: 'g', arguments: '{"y":' } }) +
          fragment({ index: 0, function: { arguments: '1}' } }) +
          fragment({ index: 1, function: { arguments: '2}' } }),
        [
          ['f', '{"x":1}'],
          ['g', '{"y":2}'],
        ],
      ],
      'without an index': [
        fragment({ id: 'a', function: { name: 'f', arguments: '{"x"' } }) +
          fragment({ id: 'a', function: { arguments: ':1}' } }) +
          fragment({ function: { arguments: '' } }) +
          fragment({ id: 'b', function: { name: 'g', arguments: '{}' } }),
        [
          ['f', '{"x":1}'],
          ['g', '{}'],
        ],
      ],
      'without index and id': [
        fragment({ function: { name: 'f', arguments: '{"x"' } }) +
          fragment({ function: { arguments: ':1}' } }) +
          fragment({ function: { name: 'g', arguments: '{}' } }),
        [
          ['f', '{"x":1}'],
          ['g', '{}'],
        ],
      ],
      'with a late id': [
        fragment({ index: 0, function: { name: 'f', arguments: '{"x"' } }) +
          fragment({ index: 0, id: 'a', function: { arguments: ':1}' } }),
        [['f', '{"x":1}']],
      ],
      'with id and name repeated': [
        fragment({ index: 0, id: 'a', function: { name: 'f', arguments: '{"x"' } }) +
          fragment({ index: 0, id: 'a', function: { name: 'f', arguments: ':1}' } }),
        [['f', '{"x":1}']],
      ],
      'with an object for arguments': [
        fragment({ index: 0, id: 'a', function: { name: 'f', arguments: { x: 1 } } }),
        [['f', '{"x":1}']],
      ],
      'without arguments': [
        fragment({ index: 0, id: 'a', function: { name: 'f', arguments: '' } }) +
          fragment({ index: 1, id: 'b', function: { name: 'g' } }),
        [
          ['f', '{}'],
          ['g', '{}'],
        ],
      ],
    };
    for (const [name, [text, expected]] of Object.entries(cases)) {
      const answer = read(text + end, plain);
      expect([name, calls(answer), answer.finish]).toEqual([name, expected, 'tool-calls']);
      const ids = answer.blocks.flatMap(({ block }) => (block.kind === 'tool-call' ? [block.callId] : []));
      expect([name, ids.every((id) => id !== ''), new Set(ids).size]).toEqual([name, true, ids.length]);
    }
  });

  test('UP-077 an answer that a host doubles as a call of a tool that nobody gave is one answer', () => {
    const json = '{"town":"Basel"}';
    const doubled = {
      content: json,
      tool_calls: [{ id: 'c', type: 'function', function: { name: 'answer', arguments: json } }],
    };
    const tools = [{ name: 'answer', parameters: { type: 'object' } }];
    const target = targetFor('cerebras', 'z-ai/glm-4.7');
    const without = encodedFor('cerebras', 'z-ai/glm-4.7', request({ output: { kind: 'json' } })).expectation;
    const given = encodedFor('cerebras', 'z-ai/glm-4.7', request({ output: { kind: 'json' }, tools })).expectation;
    const streamed = chunk({ content: json }) + chunk({ tool_calls: doubled.tool_calls }, 'tool_calls') + DONE;
    for (const answer of [
      readWhole(choices(doubled, 'tool_calls'), target, without),
      read(streamed, target, without),
    ]) {
      expect([said(answer), answer.finish, answer.nativeFinish]).toEqual([[['text', json]], 'stop', 'tool_calls']);
    }
    const called = readWhole(choices(doubled, 'tool_calls'), target, given);
    expect([calls(called), called.finish]).toEqual([[['answer', json]], 'tool-calls']);
    const other = encodedFor('cerebras', 'openai/gpt-oss-120b', request({})).expectation;
    expect(readWhole(choices(doubled, 'tool_calls'), targetFor('cerebras', 'openai/gpt-oss-120b'), other).finish).toBe(
      'tool-calls',
    );
  });

  test('UP-083 what was called decides the finish, in a stream and whole', () => {
    const call = { index: 0, id: 'a', type: 'function', function: { name: 'f', arguments: '{}' } };
    const both = (delta: Json, word: string): unknown => [
      read(chunk(delta) + chunk({}, word) + DONE, plain).finish,
      readWhole(choices(delta, word), plain).finish,
    ];
    expect(both({ content: null, tool_calls: [call] }, 'stop')).toEqual(['tool-calls', 'tool-calls']);
    expect(both({ content: 'Hi' }, 'tool_calls')).toEqual(['stop', 'stop']);
    expect(both({ content: 'Hi' }, 'function_call')).toEqual(['stop', 'stop']);
    expect(both({ content: null, tool_calls: [call] }, 'length')).toEqual(['length', 'length']);
    expect(both({ content: null, tool_calls: [call] }, 'tool_calls')).toEqual(['tool-calls', 'tool-calls']);
  });
});

describe('streams', () => {
  test('UP-080 a finish completes one without its marker, without a finish it was cut', async () => {
    one.reply = () => stream(chunk({ content: 'Hello' }), chunk({}, 'stop'), usageChunk());
    const complete = await asStream({ model: 'test/openai' });
    expect([contentOf(complete.data), complete.done, complete.data.some(({ error }) => error)]).toEqual([
      'Hello',
      true,
      false,
    ]);
    expect(complete.data.at(-1)?.usage.completion_tokens).toBe(5);
    one.reply = () => stream(chunk({ content: 'Hello' }));
    const cut = await asStream({ model: 'test/openai' });
    const error = cut.data.find((frame) => frame.error);
    expect(error).toMatchObject({ error: { code: 502 }, choices: [{ finish_reason: 'error' }] });
  });

  test('UP-082 one choice is asked for and given: another that comes between is another answer', async () => {
    const refused = await ask({ model: 'test/openai', n: 2 });
    expect([refused.status, refused.error.message]).toEqual([400, expect.stringContaining('one choice per request')]);
    const at = (index: number, delta: Json, finish: string | null = null): string =>
      `data: ${JSON.stringify({ id: 'x', choices: [{ index, delta, finish_reason: finish }] })}\n\n`;
    const call = (id: string, args: string): Json => ({
      tool_calls: [{ index: 0, id, function: { name: 'f', arguments: args } }],
    });
    one.reply = () =>
      stream(
        at(1, { content: 'No' }) + at(0, { content: 'Ye' }),
        at(1, { content: ' way' }) + at(0, { content: 's' }),
        at(1, call('b', '{"no":1}')) + at(0, call('a', '{"yes":1}')),
        at(1, {}, 'length') + at(0, {}, 'tool_calls'),
        usageChunk(),
        DONE,
      );
    const { data } = await asStream({ model: 'test/openai' });
    expect(contentOf(data)).toBe('Yes');
    const told = data.flatMap(({ choices }) => choices?.[0]?.delta?.tool_calls ?? []);
    expect(told.map((one: Json) => one.function.arguments).join('')).toBe('{"yes":1}');
    expect(data.flatMap(({ choices }) => choices?.[0]?.finish_reason ?? [])).toEqual(['tool_calls']);
    expect(data.every(({ choices }) => choices.every(({ index }: Json) => index === 0))).toBe(true);
  });

  test('UP-084 usage is found wherever it stands, and counted once', () => {
    const usage = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };
    const less = { prompt_tokens: 10, completion_tokens: 2, total_tokens: 12 };
    const inChoice = (wire: Json): string =>
      `data: ${JSON.stringify({ id: 'x', choices: [{ index: 0, delta: {}, finish_reason: 'stop', usage: wire }] })}\n\n`;
    const hi = chunk({ content: 'Hi' });
    const cases: Record<string, string> = {
      'a chunk of its own': hi + chunk({}, 'stop') + usageChunk(usage),
      'the finish': hi + chunk({}, 'stop', { usage }),
      'every chunk':
        chunk({ content: 'H' }, null, { usage: less }) +
        chunk({ content: 'i' }, null, { usage }) +
        chunk({}, 'stop', { usage }),
      'a corner': hi + chunk({}, 'stop', { x_groq: { id: 'r', usage } }),
      'a corner and the top': hi + chunk({}, 'stop', { x_groq: { id: 'r', usage: less }, usage }),
      'the choice': hi + inChoice(usage),
      'the choice and the top': hi + inChoice(usage) + usageChunk(usage),
    };
    for (const [name, text] of Object.entries(cases))
      expect([name, read(text + DONE, plain).usage?.counts]).toEqual([name, { input: 10, output: 5 }]);
  });

  test('UP-085 what Azure says of its filters is no content', async () => {
    const filters = { hate: { filtered: false, severity: 'safe' } };
    const head = {
      id: '',
      object: '',
      created: 0,
      model: '',
      choices: [],
      prompt_filter_results: [{ prompt_index: 0, content_filter_results: filters }],
    };
    const offsets = {
      id: 'az-1',
      choices: [
        { index: 0, finish_reason: null, content_filter_offsets: { check_offset: 1 }, content_filter_results: filters },
      ],
    };
    const data = (wire: Json): string => `data: ${JSON.stringify(wire)}\n\n`;
    one.reply = () =>
      stream(
        data(head),
        chunk({ role: 'assistant', content: '' }),
        chunk({ content: 'Hello' }),
        data(offsets),
        chunk({}, 'stop'),
        usageChunk(),
        DONE,
      );
    const { data: frames, text } = await asStream({ model: 'test/azure' });
    expect(contentOf(frames)).toBe('Hello');
    expect(text).not.toMatch(/filter/);
    expect(
      frames.filter(({ choices }) => choices?.[0]?.delta.content === '' && choices[0].finish_reason === null),
    ).toEqual([]);
    expect(frames.every(({ id }) => id.startsWith('gen-'))).toBe(true);
    const events = runMachine(chat.decodeStream(targetFor('azure', 'openai/gpt-4o'), EXPECT_NOTHING), [
      { data: JSON.stringify(head) },
      { data: JSON.stringify({ id: 'az-1', model: 'gpt', choices: [{ index: 0, delta: { content: 'Hi' } }] }) },
      { data: '[DONE]' },
    ]);
    expect(events[0]).toEqual({ type: 'generation-start', upstreamId: 'az-1', model: 'gpt' });
  });

  test('UP-101 one with nothing in it is a failure, and another host is asked', async () => {
    two.reply = () => whole('From the other');
    for (const empty of [
      [],
      [DONE],
      [chunk({ role: 'assistant', content: '' })],
      [chunk({ role: 'assistant', content: '' }), DONE],
    ]) {
      one.reply = () => stream(...empty);
      two.reply = () => stream(chunk({ content: 'From the other' }), chunk({}, 'stop'), usageChunk(), DONE);
      const { data } = await asStream({ model: 'test/local', ...first('llamacpp') });
      expect([contentOf(data), data[0]?.provider]).toEqual(['From the other', 'Together']);
    }
    two.reply = () => whole('From the other');
    one.reply = () => stream(DONE);
    expect((await ask({ model: 'test/local', ...first('llamacpp') })).provider).toBe('Together');
    one.reply = () => stream();
    const alone = await ask({ model: 'test/local', provider: { only: ['llamacpp'] } });
    expect([alone.status, alone.error.metadata.provider_name]).toEqual([502, 'llama.cpp']);
  });

  test('UP-105 a host that ran out says so: another is asked before the first word, the client is told after it', async () => {
    for (const word of ['insufficient_system_resource', 'network_error', 'abort']) {
      one.reply = () => stream(chunk({ role: 'assistant', content: '' }), chunk({}, word), DONE);
      two.reply = () => stream(chunk({ content: 'From the other' }), chunk({}, 'stop'), usageChunk(), DONE);
      const { data } = await asStream({ model: 'test/deepseek', ...first('deepseek') });
      expect([word, contentOf(data)]).toEqual([word, 'From the other']);
      one.reply = () => stream(chunk({ content: 'Half' }), chunk({}, word), DONE);
      const broken = await asStream({ model: 'test/deepseek', ...first('deepseek') });
      expect(contentOf(broken.data)).toBe('Half');
      expect(broken.data.at(-1)).toMatchObject({ error: { code: 502 }, choices: [{ finish_reason: 'error' }] });
      one.reply = () => whole('', { finish_reason: word });
      two.reply = () => whole('From the other');
      expect((await ask({ model: 'test/deepseek', ...first('deepseek') })).choices[0].message.content).toBe(
        'From the other',
      );
    }
  });

  test('UP-111 more cached than asked is added to what was asked', () => {
    const counts = (usage: Json): unknown =>
      readWhole(choices({ content: 'Hi' }, 'stop', { usage }), targetFor('xai', 'x-ai/grok-4.5')).usage?.counts;
    const details = { prompt_tokens_details: { cached_tokens: 100 } };
    expect(counts({ prompt_tokens: 20, completion_tokens: 5, ...details })).toEqual({
      input: 20,
      'cache-read': 100,
      output: 5,
    });
    expect(counts({ prompt_tokens: 120, completion_tokens: 5, ...details })).toEqual({
      input: 20,
      'cache-read': 100,
      output: 5,
    });
    expect(counts({ prompt_tokens: 100, completion_tokens: 5, ...details })).toEqual({ 'cache-read': 100, output: 5 });
  });

  test('INF-149 INF-052 sound comes in the deltas, and is only streamed', async () => {
    const wish = { model: 'test/openai', modalities: ['text', 'audio'], audio: { voice: 'alloy', format: 'pcm16' } };
    const refused = await ask(wish);
    expect([refused.status, refused.error.metadata.error_type ?? refused.error_type]).toEqual([400, 'invalid_request']);
    expect(refused.error.message).toContain('stream');
    expect((await ask({ ...wish, stream: false })).status).toBe(400);
    one.reply = () =>
      stream(
        chunk({ role: 'assistant', audio: { id: 'audio_1', transcript: 'Hel' } }),
        chunk({ audio: { transcript: 'lo', data: 'AAAA' } }),
        chunk({ audio: { data: 'BBBB' } }),
        chunk({ audio: { expires_at: 1_790_000_000 } }),
        chunk({}, 'stop'),
        usageChunk(),
        DONE,
      );
    const { data } = await asStream(wish);
    expect(one.last.body).toMatchObject({ modalities: ['text', 'audio'], audio: wish.audio });
    const pieces = data.flatMap(({ choices }) => choices?.[0]?.delta?.audio ?? []) as Json[];
    expect(pieces.map(({ transcript = '' }) => transcript).join('')).toBe('Hello');
    expect(pieces.flatMap(({ data }) => data ?? [])).toEqual(['AAAA', 'BBBB']);
    expect(pieces.every(({ id }) => id === 'audio_1')).toBe(true);
    expect(pieces.at(-1)?.expires_at).toBe(1_790_000_000);
  });
});

describe('whole answers and streams', () => {
  const call = { index: 0, id: 'c1', type: 'function', function: { name: 'f', arguments: '{"x":1}' } };
  const streamed = (): Response =>
    stream(
      chunk({ role: 'assistant', reasoning_content: 'Hm' }),
      chunk({ content: 'Hel' }),
      chunk({ content: 'lo' }),
      chunk({ tool_calls: [call] }),
      chunk({}, 'tool_calls'),
      usageChunk(),
      DONE,
    );
  const wholly = (): Response =>
    whole('Hello', { message: { reasoning_content: 'Hm', tool_calls: [call] }, finish_reason: 'tool_calls' });
  const shape = {
    role: 'assistant',
    content: 'Hello',
    reasoning: 'Hm',
    tool_calls: [{ id: 'c1', function: { name: 'f', arguments: '{"x":1}' } }],
  };

  test('UP-062 models that only stream are asked for a stream, and their answers are put together', async () => {
    one.reply = ({ body }) =>
      body.stream === true
        ? streamed()
        : Response.json(
            { error: { code: 'InvalidParameter', message: 'This model only supports stream calls' } },
            { status: 400 },
          );
    const {
      status,
      choices: [choice],
      usage,
    } = await ask({ model: 'qwen/qwq-plus', reasoning: { enabled: true } });
    expect(status).toBe(200);
    expect(one.last.body).toMatchObject({
      stream: true,
      stream_options: { include_usage: true },
      enable_thinking: true,
    });
    expect([choice.finish_reason, choice.message]).toEqual([
      'tool_calls',
      expect.objectContaining({ ...shape, tool_calls: [expect.objectContaining(shape.tool_calls[0] as Json)] }),
    ]);
    expect([usage.prompt_tokens, usage.completion_tokens]).toEqual([10, 5]);
    one.reply = wholly;
    expect((await ask({ model: 'qwen/qwen-plus' })).status).toBe(200);
    expect(one.last.body.stream).toBeUndefined();
  });

  test('UP-100 each stands in for the other, and the client gets the shape it asked for', async () => {
    one.reply = streamed;
    const response = await gateway.post({ model: 'test/openai', messages });
    expect(response.headers.get('content-type')).toBe('application/json');
    const answer = (await response.json()) as Json;
    expect(answer).toMatchObject({
      object: 'chat.completion',
      choices: [{ finish_reason: 'tool_calls', message: shape }],
      usage: { completion_tokens: 5 },
    });
    one.reply = wholly;
    const { type, data, done } = await asStream({ model: 'test/openai' });
    expect([type, done]).toEqual(['text/event-stream; charset=utf-8', true]);
    expect(data.every(({ object }) => object === 'chat.completion.chunk')).toBe(true);
    expect(contentOf(data)).toBe('Hello');
    const deltas = data.flatMap(({ choices }) => (choices?.[0] ? [choices[0].delta] : []));
    expect(deltas.map(({ reasoning = '' }) => reasoning).join('')).toBe('Hm');
    expect(
      deltas
        .flatMap(({ tool_calls = [] }) => tool_calls)
        .map((one: Json) => one.function.arguments)
        .join(''),
    ).toBe('{"x":1}');
    expect(data.at(-1)?.usage.completion_tokens).toBe(5);
    const responses = await fetch(`${gateway.api}/responses`, {
      method: 'POST',
      headers: { authorization: `Bearer ${gateway.key}` },
      body: JSON.stringify({ model: 'test/openai', input: 'Hi', stream: true }),
    });
    expect(await responses.text()).toContain('event: response.completed');
  });
});

describe('wishes that hosts may leave out', () => {
  test('UP-042 a tier that is full is not the end: the next host that sells it answers', async () => {
    one.reply = ({ body }) =>
      body.service_tier === 'flex'
        ? Response.json({ error: { message: 'capacity_exceeded', type: 'capacity_exceeded' } }, { status: 498 })
        : whole('Hello');
    two.reply = () => whole('From the other');
    const answer = await ask({ model: 'test/flex', service_tier: 'flex', ...first('groq/flex') });
    expect([answer.provider, answer.choices[0].message.content]).toEqual(['Server', 'From the other']);
    expect([one.last.body.service_tier, two.last.body.service_tier]).toEqual(['flex', 'flex']);
    one.reply = () => whole('Hello', { service_tier: 'on_demand' });
    const plainTier = await ask({ model: 'test/groq', service_tier: 'default' });
    expect([one.last.body.service_tier, plainTier.service_tier]).toEqual(['on_demand', 'default']);
  });

  test('UP-046 where all are required, hosts that would leave one out are left out, and it is said which and why', async () => {
    one.reply = () => whole('From Groq');
    two.reply = () => whole('From Together');
    const wish: Json = { model: 'test/shared', logprobs: true, top_logprobs: 1, ...first('groq') };
    const loose = await gateway.post({ messages, ...wish });
    expect(loose.headers.get('x-turnpike-dropped')).toContain('/logprobs;unsupported');
    expect(((await loose.json()) as Json).provider).toBe('Groq');
    const strict = await ask({ ...wish, provider: { ...wish.provider, require_parameters: true } });
    expect(strict.provider).toBe('Together');
    const nobody = await ask({
      ...wish,
      model: 'test/groq',
      frequency_penalty: 0.5,
      metadata: { a: 'b' },
      provider: { require_parameters: true },
    });
    expect(nobody.status).toBe(404);
    expect(nobody.error.message).toContain('Groq does not support frequency_penalty, logprobs, top_logprobs');
    expect(nobody.error.availability ?? nobody.error.metadata?.availability).toMatchObject({
      excluded_by: ['require_parameters'],
    });
  });

  test('UP-041 a user’s name never leaves as it came, and is the same each time', async () => {
    one.reply = () => whole('Hello');
    const names = [];
    for (const user of ['alice@example.com', 'alice@example.com', 'bob']) {
      await ask({ model: 'test/openai', user, safety_identifier: user });
      const { user: told, safety_identifier: identifier } = one.last.body;
      expect(told).toMatch(/^[A-Za-z0-9_-]{32}$/);
      expect(identifier).toBe(told);
      names.push(told);
    }
    expect([names[0] === names[1], names[1] === names[2]]).toEqual([true, false]);
    expect(JSON.stringify(one.received.map(({ body }) => body))).not.toContain('alice@example.com');
    await ask({ model: 'test/deepseek', user: 'alice@example.com', provider: { only: ['deepseek'] } });
    expect(one.last.body).toMatchObject({ user_id: names[0] });
  });
});
