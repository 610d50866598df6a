import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import OpenAI from 'openai';
import { readBooks } from '../support/books.ts';
import { everyWire } from '../support/every-wire.ts';
import { RunningGateway } from '../support/gateway.ts';
import { type Answer, INGRESS, type Ingress, type Question } from '../support/ingresses.ts';
import {
  chunk,
  customProvider,
  DONE,
  hello,
  readFrames,
  ScriptedUpstream,
  stream,
  whole,
} from '../support/upstream.ts';

/** Answers that are given again, where that is wanted: who may have them, how long, and what they cost. */

type Json = Record<string, any>;

const MODEL = 'lab/one';
const ON = { 'x-openrouter-cache': 'true' };

let upstream: ScriptedUpstream;
let gateway: RunningGateway;
let otherKey: string;
let serial = 0;

beforeAll(async () => {
  upstream = new ScriptedUpstream();
  gateway = await RunningGateway.start({ pace: 'real', config: customProvider(upstream.base) });
  const made = Bun.spawnSync([process.execPath, join(import.meta.dir, '../../src/main.ts'), 'keys', 'create'], {
    env: { PATH: process.env.PATH ?? '', TURNPIKE_HOME: gateway.home },
    cwd: gateway.home,
  });
  otherKey = made.stdout.toString().trim();
});
afterAll(async () => {
  await gateway.stop();
  await upstream.stop();
});
beforeEach(() => {
  upstream.reply = ({ body }) => (body.stream ? hello() : whole('Hello'));
  upstream.received.length = 0;
});

/** A text that nobody has asked before. */
const fresh = (): Json[] => [{ role: 'user', content: `Question ${++serial}` }];

interface Given {
  readonly status: number;
  readonly cache: string | null;
  readonly age: number;
  readonly ttl: number;
  readonly source: string | null;
  readonly id: string | null;
  readonly text: string;
  readonly body: Json;
}

async function ask(path: string, body: unknown, headers: Record<string, string> = ON, at = gateway): Promise<Given> {
  const response = await fetch(`${at.api}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${at.key}`, 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  const text = await response.text();
  const header = (name: string): string | null => response.headers.get(`x-openrouter-cache-${name}`);
  return {
    status: response.status,
    cache: header('status'),
    age: Number(header('age') ?? Number.NaN),
    ttl: Number(header('ttl') ?? Number.NaN),
    source: header('source-id'),
    id: response.headers.get('x-generation-id'),
    text,
    body: text.startsWith('{') ? (JSON.parse(text) as Json) : {},
  };
}
const chat = (body: Json, headers?: Record<string, string>): Promise<Given> =>
  ask('/chat/completions', { model: MODEL, ...body }, headers);
const keep = async (slug: string, body: Json): Promise<void> => {
  const answer = await ask(`/presets/${slug}/chat/completions`, { model: MODEL, messages: fresh(), ...body }, {});
  expect(answer.status).toBe(200);
};
/** How two of the same are answered. */
const twice = async (body: Json, headers?: Record<string, string>): Promise<(string | null)[]> => {
  const first = await chat(body, headers);
  return [first.cache, (await chat(body, headers)).cache];
};
const generation = async (id: string | null): Promise<Json> => (await gateway.json(`/generation?id=${id}`)).data;

const usage = async (): Promise<number> => ((await gateway.json('/key')).data as Json).usage;

describe('whether', () => {
  test('INF-251 only where a header or a preset asks for it', async () => {
    await keep('cached', { cache_enabled: true });
    expect(await twice({ messages: fresh() }, {})).toEqual([null, null]);
    expect(upstream.received).toHaveLength(2);
    expect(await twice({ messages: fresh() })).toEqual(['MISS', 'HIT']);
    expect(upstream.received).toHaveLength(3);
    expect(await twice({ preset: 'cached', messages: fresh() }, {})).toEqual(['MISS', 'HIT']);
    for (const word of ['false', 'yes', '1', ''])
      expect([word, await twice({ messages: fresh() }, { 'x-openrouter-cache': word })]).toEqual([word, [null, null]]);
    expect(await twice({ messages: fresh() }, { 'x-openrouter-cache': ' TRUE ' })).toEqual(['MISS', 'HIT']);
    // A time alone asks for nothing.
    expect(await twice({ messages: fresh() }, { 'x-openrouter-cache-ttl': '60' })).toEqual([null, null]);
    expect(await twice({ messages: fresh(), cache_enabled: true }, {})).toEqual([null, null]);
  });

  test('INF-252 a preset that forbids it has the last word, one that wants it has not', async () => {
    await keep('uncached', { cache_enabled: false });
    await keep('wanting', { cache_enabled: true });
    await keep('silent', {});
    expect(await twice({ preset: 'uncached', messages: fresh() })).toEqual([null, null]);
    const off = { 'x-openrouter-cache': 'false' };
    expect(await twice({ preset: 'wanting', messages: fresh() }, off)).toEqual([null, null]);
    expect(await twice({ preset: 'silent', messages: fresh() })).toEqual(['MISS', 'HIT']);
    expect(await twice({ preset: 'silent', messages: fresh() }, {})).toEqual([null, null]);
  });

  test('INF-261 not where the operator wants nothing kept; a request may say so and is cached all the same', async () => {
    const config = customProvider(upstream.base, 'routing: { zdr: true }').replace(
      'api_key: sk-upstream',
      'api_key: sk-upstream\n    data_policy: { trains_on_prompts: false, zero_retention: true }',
    );
    const strict = await RunningGateway.start({ pace: 'real', config });
    try {
      const body = { model: MODEL, messages: fresh() };
      const answers = [1, 2].map(() => ask('/chat/completions', body, ON, strict));
      expect((await Promise.all(answers)).map(({ status, cache }) => [status, cache])).toEqual([
        [200, null],
        [200, null],
      ]);
      await ask('/presets/wanting/chat/completions', { ...body, cache_enabled: true }, {}, strict);
      expect((await ask('/chat/completions', { ...body, preset: 'wanting' }, ON, strict)).cache).toBeNull();
    } finally {
      await strict.stop();
    }
    const lenient = await RunningGateway.start({ pace: 'real', config: config.replace('zdr: true', 'zdr: false') });
    try {
      const body = { model: MODEL, messages: fresh(), provider: { zdr: true } };
      expect((await ask('/chat/completions', body, ON, lenient)).cache).toBe('MISS');
      expect((await ask('/chat/completions', body, ON, lenient)).cache).toBe('HIT');
    } finally {
      await lenient.stop();
    }
  });
});

describe('how long', () => {
  test('INF-253 the number the header begins with, within a second and a day; else as the preset says', async () => {
    await keep('minute', { cache_enabled: true, cache_ttl_seconds: 60 });
    const ttl = async (text: string | undefined, preset?: string): Promise<number> => {
      const headers = { ...ON, ...(text !== undefined && { 'x-openrouter-cache-ttl': text }) };
      return (await chat({ messages: fresh(), ...(preset && { preset }) }, headers)).ttl;
    };
    const table: readonly (readonly [string | undefined, number])[] = [
      [undefined, 300],
      ['60', 60],
      ['60abc', 60],
      ['1.5', 1],
      ['0', 1],
      ['86400', 86_400],
      ['86401', 86_400],
      ['99999999999999999999', 86_400],
      ['abc', 300],
      ['-5', 300],
      ['.5', 300],
    ];
    for (const [text, expected] of table) expect([text, await ttl(text)]).toEqual([text, expected]);
    expect(await ttl(undefined, 'minute')).toBe(60);
    expect(await ttl('5', 'minute')).toBe(5);
    expect(await ttl('x', 'minute')).toBe(60);
  });

  test('an answer is forgotten when its time is over', async () => {
    const body = { messages: fresh() };
    expect((await chat(body, { ...ON, 'x-openrouter-cache-ttl': '1' })).cache).toBe('MISS');
    await Bun.sleep(1050);
    expect((await chat(body)).cache).toBe('MISS');
    expect((await chat(body)).cache).toBe('HIT');
  });
});

describe('for whom', () => {
  test('INF-254 keys, routes, streaming, the order of members and defaults that are said keep answers apart', async () => {
    const content = `Question ${++serial}`;
    const messages = [{ role: 'user', content }];
    const asks: readonly (readonly [string, string, Json, string])[] = [
      ['chat', '/chat/completions', { model: MODEL, messages }, gateway.key],
      ['another key', '/chat/completions', { model: MODEL, messages }, otherKey],
      ['another order', '/chat/completions', { messages, model: MODEL }, gateway.key],
      ['a default that is said', '/chat/completions', { model: MODEL, messages, temperature: 1 }, gateway.key],
      ['a stream', '/chat/completions', { model: MODEL, messages, stream: true }, gateway.key],
      ['no stream, said so', '/chat/completions', { model: MODEL, messages, stream: false }, gateway.key],
      ['messages', '/messages', { model: MODEL, messages }, gateway.key],
      ['responses', '/responses', { model: MODEL, input: content }, gateway.key],
      ['completions', '/completions', { model: MODEL, prompt: content }, gateway.key],
    ];
    for (const status of ['MISS', 'HIT'])
      for (const [what, path, body, key] of asks) {
        const { cache } = await ask(path, body, { ...ON, authorization: `Bearer ${key}` });
        expect([what, cache]).toEqual([what, status]);
      }
  });

  test('INF-255 white space and the names of apps do not', async () => {
    const body = { model: MODEL, messages: fresh(), temperature: 0.5 };
    expect((await ask('/chat/completions', JSON.stringify(body))).cache).toBe('MISS');
    const spaced = `\n${JSON.stringify(body, null, 3).replaceAll(':', ' :\t')} \r\n`;
    expect((await ask('/chat/completions', spaced)).cache).toBe('HIT');
    const named = {
      ...ON,
      'http-referer': 'https://app.test',
      'x-title': 'An app',
      'x-openrouter-title': 'An app',
      'user-agent': 'another',
      'x-openrouter-metadata': 'enabled',
      'anthropic-version': '2023-06-01',
    };
    expect((await ask('/chat/completions', body, named)).cache).toBe('HIT');
    // White space that is part of a text is part of the question.
    const other = { ...body, messages: [{ role: 'user', content: `${body.messages[0]?.content} ` }] };
    expect((await ask('/chat/completions', other)).cache).toBe('MISS');
  });

  test('a new version of its preset is another question', async () => {
    await keep('changing', { cache_enabled: true, temperature: 0.1 });
    const body = { preset: 'changing', messages: fresh() };
    expect(await twice(body, {})).toEqual(['MISS', 'HIT']);
    await keep('changing', { cache_enabled: true, temperature: 0.2 });
    expect(await twice(body, {})).toEqual(['MISS', 'HIT']);
  });
});

describe('what is given again', () => {
  const QUESTIONS: readonly (readonly [string, Json, (body: Json) => readonly (number | undefined)[]])[] = [
    [
      '/chat/completions',
      { messages: fresh() },
      ({ usage }) => [usage.prompt_tokens, usage.completion_tokens, usage.total_tokens],
    ],
    ['/responses', { input: 'Hi' }, ({ usage }) => [usage.input_tokens, usage.output_tokens, usage.total_tokens]],
    ['/messages', { messages: fresh() }, ({ usage }) => [usage.input_tokens, usage.output_tokens]],
  ];

  test('INF-256 has its own id and time, uses and costs nothing, and says how old it is', async () => {
    const firsts = await Promise.all(QUESTIONS.map(([path, body]) => ask(path, { model: MODEL, ...body })));
    await Bun.sleep(1050);
    for (const [index, [path, body, counts]] of QUESTIONS.entries()) {
      const first = firsts[index] as Given;
      const used = await usage();
      const again = await ask(path, { model: MODEL, ...body }, { ...ON, 'x-openrouter-metadata': 'enabled' });
      expect([path, first.cache, again.cache]).toEqual([path, 'MISS', 'HIT']);
      expect(first.body.usage.cost).toBeGreaterThan(0);
      expect(again.id).toMatch(/^gen-\d+-\w{20}$/);
      expect(again.id).not.toBe(first.id);
      expect(again.source).toBe(first.id);
      expect(JSON.stringify(again.body)).not.toContain(String(first.id?.slice(-20)));
      expect(again.age).toBeGreaterThanOrEqual(1);
      expect([first.ttl, again.age + again.ttl]).toEqual([300, 300]);
      expect(counts(first.body).every((count) => Number(count) > 0)).toBe(true);
      expect(counts(again.body).every((count) => count === 0)).toBe(true);
      expect(again.body.usage.cost).toBe(0);
      const created = (answer: Json): number => answer.created ?? answer.created_at ?? Number.POSITIVE_INFINITY;
      if (path !== '/messages') expect(created(again.body)).toBeGreaterThan(created(first.body));
      expect(again.body.openrouter_metadata).toBeUndefined();
      // Its own record, which costs nothing and names where it comes from.
      const record = await generation(again.id);
      expect(record).toMatchObject({
        id: again.id,
        model: MODEL,
        provider_name: 'Mine',
        response_cache_source_id: first.id,
        total_cost: 0,
        usage: 0,
        tokens_prompt: 0,
        tokens_completion: 0,
        native_tokens_prompt: 0,
        native_tokens_completion: 0,
        finish_reason: 'stop',
        provider_responses: [],
      });
      expect((await generation(first.id)).response_cache_source_id).toBeNull();
      expect(await usage()).toBe(used);
    }
    expect(upstream.received).toHaveLength(QUESTIONS.length);
  });

  test('INF-273 says nothing of routing, in any wire, whole or streamed', async () => {
    const headers = {
      ...ON,
      'x-openrouter-metadata': 'enabled',
      'x-turnpike-compat': 'usage_chunk_choice=placeholder',
    };
    for (const streamed of [false, true])
      for (const [path, body] of QUESTIONS) {
        const question = { model: MODEL, seed: 99, ...body, stream: streamed };
        const [first, again] = [await ask(path, question, headers), await ask(path, question, headers)];
        expect([first.cache, again.cache]).toEqual(['MISS', 'HIT']);
        expect(first.text).toContain('"openrouter_metadata"');
        expect(again.text).not.toContain('openrouter_metadata');
        if (path !== '/chat/completions' || !streamed) continue;
        // What else headers say of a stream's form is read anew.
        expect(readFrames(again.text).data.at(-1)?.choices).toHaveLength(1);
        const plain = readFrames((await ask(path, question, ON)).text);
        expect(plain.data.at(-1)?.choices).toEqual([]);
      }
  });

  test('vectors too', async () => {
    const running = await RunningGateway.start();
    try {
      const body = { model: 'mistralai/mistral-embed', input: ['the Rhine', 'the Main'], dimensions: 16 };
      const first = await ask('/embeddings', body, ON, running);
      const again = await ask('/embeddings', body, ON, running);
      expect([first.cache, again.cache]).toEqual(['MISS', 'HIT']);
      expect(again.body.data).toEqual(first.body.data);
      expect(again.body.id).toBe(again.id);
      expect(first.body.usage.prompt_tokens).toBeGreaterThan(0);
      expect(again.body.usage).toMatchObject({ prompt_tokens: 0, total_tokens: 0, cost: 0 });
      const base64 = { ...body, encoding_format: 'base64' };
      expect((await ask('/embeddings', base64, ON, running)).cache).toBe('MISS');
      const packed = await ask('/embeddings', base64, ON, running);
      expect([packed.cache, typeof packed.body.data[0].embedding]).toEqual(['HIT', 'string']);
      const client = new OpenAI({ baseURL: running.api, apiKey: running.key, defaultHeaders: ON });
      const { data, response } = await client.embeddings.create({ ...body, encoding_format: 'float' }).withResponse();
      expect(response.headers.get('x-openrouter-cache-status')).toBe('MISS');
      expect(data.data[0]?.embedding).toEqual(first.body.data[0].embedding);
      const ranked = { model: 'cohere/rerank-v3.5', query: 'x', documents: ['a', 'b'] };
      expect((await ask('/rerank', ranked, ON, running)).cache).toBeNull();
    } finally {
      await running.stop();
    }
  });

  test('INF-257 a stream is the same chunks under a new id and time', async () => {
    const body = { messages: fresh(), stream: true };
    const first = await chat(body);
    await Bun.sleep(1050);
    const again = await chat(body);
    expect([first.cache, again.cache, upstream.received.length]).toEqual(['MISS', 'HIT', 1]);
    const [before, after] = [readFrames(first.text), readFrames(again.text)];
    expect(after.done).toBe(true);
    const bare = ({ id: _id, created: _created, usage: _usage, ...rest }: Json): Json => rest;
    expect(after.data.map(bare)).toEqual(before.data.map(bare));
    expect(after.data.length).toBeGreaterThan(3);
    expect(new Set(after.data.map(({ id }) => id))).toEqual(new Set([again.id]));
    const [created, ...others] = new Set(after.data.map((one) => one.created));
    expect(others).toEqual([]);
    expect(created).toBeGreaterThan(before.data[0]?.created);
    expect(before.data.at(-1)?.usage).toMatchObject({ prompt_tokens: 10, completion_tokens: 5 });
    expect(after.data.at(-1)?.usage).toMatchObject({
      prompt_tokens: 0,
      completion_tokens: 0,
      total_tokens: 0,
      cost: 0,
    });
    expect(await generation(again.id)).toMatchObject({ streamed: true, response_cache_source_id: first.id });
  });
});

describe('what is kept', () => {
  test('INF-258 calls of tools are; errors, broken streams and abandoned ones are not', async () => {
    const call = { id: 'c1', type: 'function', function: { name: 'f', arguments: '{"a":1}' } };
    upstream.reply = () => whole(null, { message: { tool_calls: [call] }, finish_reason: 'tool_calls' });
    const tools = [{ type: 'function', function: { name: 'f', parameters: { type: 'object', properties: {} } } }];
    const body = { messages: fresh(), tools };
    const first = await chat(body);
    const again = await chat(body);
    expect([first.cache, again.cache]).toEqual(['MISS', 'HIT']);
    expect(again.body.choices[0].message.tool_calls).toEqual(first.body.choices[0].message.tool_calls);
    expect(again.body.choices[0].message.tool_calls[0].function).toEqual(call.function);

    const failing: readonly (readonly [string, boolean, () => Response])[] = [
      ['refused', false, () => Response.json({ error: { message: 'bad' } }, { status: 400 })],
      ['an error in 200', false, () => whole('Half', { finish_reason: 'error' })],
      ['badly ended', false, () => whole('Half', { finish_reason: 'network_error' })],
      ['badly ended stream', true, () => stream(chunk({ content: 'Half' }), chunk({}, 'network_error'), DONE)],
      ['nothing at all', false, () => whole('', { finish_reason: null })],
      ['refused stream', true, () => Response.json({ error: { message: 'bad' } }, { status: 400 })],
      ['cut', true, () => stream(chunk({ content: 'Half' }))],
      ['an error inside', true, () => stream(chunk({ content: 'Half' }), 'data: {"error":{"message":"x"}}\n\n', DONE)],
    ];
    for (const [what, streamed, reply] of failing) {
      const question = { messages: fresh(), stream: streamed };
      upstream.reply = reply;
      const failed = await chat(question);
      expect([what, failed.cache === 'HIT']).toEqual([what, false]);
      upstream.reply = () => (streamed ? hello() : whole('Whole'));
      const next = await chat(question);
      expect([what, next.status, next.cache]).toEqual([what, 200, 'MISS']);
      expect([what, (await chat(question)).cache]).toEqual([what, 'HIT']);
    }

    const question = { messages: fresh(), stream: true };
    upstream.reply = () => stream(chunk({ content: 'Half' }), 'hang');
    const controller = new AbortController();
    const left = await gateway.post({ model: MODEL, ...question }, ON, controller.signal);
    await left.body?.getReader().read();
    controller.abort();
    await upstream.last.aborted;
    // What becomes of it is decided when it is settled.
    while ((await gateway.get(`/generation?id=${left.headers.get('x-generation-id')}`)).status === 404)
      await Bun.sleep(10);
    upstream.reply = () => hello();
    expect((await chat(question)).cache).toBe('MISS');
    expect((await chat(question)).cache).toBe('HIT');
  });

  test('INF-259 clearing forgets, asks again and keeps; where the cache is off it does nothing', async () => {
    const body = { messages: fresh() };
    const clear = { 'x-openrouter-cache-clear': 'true' };
    upstream.reply = () => whole('First');
    expect((await chat(body)).cache).toBe('MISS');
    upstream.reply = () => whole('Second');
    const off = await chat(body, clear);
    expect([off.cache, off.body.choices[0].message.content]).toEqual([null, 'Second']);
    expect((await chat(body)).body.choices[0].message.content).toBe('First');
    const cleared = await chat(body, { ...ON, ...clear });
    expect([cleared.cache, cleared.body.choices[0].message.content]).toEqual(['MISS', 'Second']);
    const again = await chat(body);
    expect([again.cache, again.source, again.body.choices[0].message.content]).toEqual(['HIT', cleared.id, 'Second']);
    // What was forgotten stays forgotten where the next answer fails.
    upstream.reply = () => Response.json({ error: { message: 'bad' } }, { status: 400 });
    expect((await chat(body, { ...ON, ...clear })).status).toBe(400);
    upstream.reply = () => whole('Third');
    expect((await chat(body)).cache).toBe('MISS');
  });

  test('INF-260 two at once that find nothing both ask and both pay', async () => {
    let both: () => void = () => {};
    const arrived = new Promise<void>((resolve) => {
      both = resolve;
    });
    upstream.reply = async () => {
      if (upstream.received.length === 2) both();
      await arrived;
      return whole('Hello');
    };
    const body = { messages: fresh() };
    const answers = await Promise.all([chat(body), chat(body)]);
    expect(answers.map(({ cache }) => cache)).toEqual(['MISS', 'MISS']);
    expect(upstream.received).toHaveLength(2);
    for (const { id, body: answer } of answers) {
      expect(answer.usage.cost).toBeGreaterThan(0);
      expect((await generation(id)).total_cost).toBe(answer.usage.cost);
    }
    expect((await chat(body)).cache).toBe('HIT');
  });

  test('what a host was not told is named again', async () => {
    const config = customProvider(upstream.base).replace(
      'upstream_model: one,',
      'upstream_model: one, supported_parameters: [temperature],',
    );
    const running = await RunningGateway.start({ pace: 'real', config });
    try {
      const post = () => running.post({ model: MODEL, messages: [{ role: 'user', content: 'x' }], seed: 5 }, ON);
      const [first, again] = [await post(), await post()];
      expect(again.headers.get('x-openrouter-cache-status')).toBe('HIT');
      expect(first.headers.get('x-turnpike-dropped')).toContain('/seed');
      expect(again.headers.get('x-turnpike-dropped')).toBe(first.headers.get('x-turnpike-dropped'));
      // Who wants nothing left out is not given an answer to less.
      const strict = await running.post(
        { model: MODEL, messages: [{ role: 'user', content: 'x' }], seed: 5 },
        { ...ON, 'x-turnpike-strict': '1' },
      );
      expect(strict.status).toBe(400);
    } finally {
      await running.stop();
    }
  });

  test('JSON that was mended is mended again', async () => {
    upstream.reply = () => whole('{"a": 1,}');
    const body = {
      messages: fresh(),
      response_format: { type: 'json_object' },
      plugins: [{ id: 'response-healing' }],
    };
    const [first, again] = [await chat(body), await chat(body)];
    expect([first.cache, again.cache]).toEqual(['MISS', 'HIT']);
    expect(JSON.parse(first.body.choices[0].message.content)).toEqual({ a: 1 });
    expect(again.body.choices[0].message).toEqual(first.body.choices[0].message);
  });

  test('within its limits: the answer that was asked for last stays', async () => {
    const config = customProvider(upstream.base, '', 'limits: { response_cache_entries_max: 2 }');
    const running = await RunningGateway.start({ pace: 'real', config });
    try {
      const [a, b, c] = [fresh(), fresh(), fresh()].map((messages) => ({ model: MODEL, messages }));
      const at = async (body: unknown) => (await ask('/chat/completions', body, ON, running)).cache;
      expect([await at(a), await at(b), await at(a), await at(c)]).toEqual(['MISS', 'MISS', 'HIT', 'MISS']);
      expect([await at(a), await at(b)]).toEqual(['HIT', 'MISS']);
    } finally {
      await running.stop();
    }
  });

  test('free answers leave the books whole, also where there is no credit left', async () => {
    const config = customProvider(upstream.base, '', 'credits: { mode: prepaid, initial_usd: 0.0002 }');
    const running = await RunningGateway.start({ pace: 'real', config });
    let paid = 0;
    try {
      const body = { model: MODEL, messages: [{ role: 'user', content: 'x' }], max_tokens: 5 };
      expect((await ask('/chat/completions', body, ON, running)).cache).toBe('MISS');
      let spent = 1;
      for (; spent < 50; spent++) if ((await ask('/chat/completions', body, {}, running)).status === 402) break;
      expect(spent).toBeLessThan(50);
      paid = spent;
      for (let n = 0; n < 20; n++) expect((await ask('/chat/completions', body, ON, running)).cache).toBe('HIT');
    } finally {
      await running.terminate();
    }
    const books = readBooks(running.home);
    expect(books.breaches).toEqual([]);
    expect([books.open, books.held, books.generations.size]).toEqual([0, 0n, paid + 20]);
    const given = [...books.generations.values()].filter(({ document }) => document?.cacheSourceId !== undefined);
    expect(given).toHaveLength(20);
    expect(given.every(({ state, charge }) => state === 'settled' && charge === 0n)).toBe(true);
    running.clean();
  });
});

describe('every wire that is served', () => {
  let running: Awaited<ReturnType<typeof everyWire>>;
  beforeAll(async () => {
    running = await everyWire();
  });
  afterAll(() => running.stop());

  const QUESTIONS: readonly Question[] = [
    { text: 'Tell me about the Rhine', stream: true },
    { text: 'What is the weather in Paris?', stream: true, tool: 'offered' },
    { text: 'Think about the Rhine', stream: true, budget: 2000 },
    { text: 'Tell me about the Rhine', stream: false },
  ];
  for (const [name, ingress] of Object.entries(INGRESS) as [string, Ingress][])
    test(`${name} gives the same again, streamed and whole`, async () => {
      for (const question of QUESTIONS) {
        if (question.tool && ingress.lacks?.includes('tools')) continue;
        if (question.budget && ingress.lacks?.includes('thoughts')) continue;
        const ask = async (): Promise<{ status: string | null; answer: Omit<Answer, 'status'>; frames: number }> => {
          const model = 'loop/openai-chat';
          const response = await fetch(`${running.gateway.url}${ingress.route(model, question.stream)}`, {
            method: 'POST',
            headers: { authorization: `Bearer ${running.gateway.key}`, 'content-type': 'application/json', ...ON },
            body: JSON.stringify({ model, stream: question.stream, max_tokens: 3000, ...ingress.body(question) }),
          });
          const text = await response.text();
          return {
            status: response.headers.get('x-openrouter-cache-status'),
            answer: question.stream ? ingress.stream(text) : ingress.whole(JSON.parse(text) as Json),
            frames: text.split('\n').filter((line) => line !== '' && !line.startsWith(':')).length,
          };
        };
        const [first, again] = [await ask(), await ask()];
        expect([first.status, again.status]).toEqual(['MISS', 'HIT']);
        expect(again.frames).toBe(first.frames);
        expect(first.answer.clean).toBe(true);
        expect(first.answer.tokens[1]).toBeGreaterThan(0);
        const { cost, ...rest } = first.answer;
        expect(again.answer).toEqual({ ...rest, tokens: [0, 0], cost: cost === undefined ? cost : 0 });
      }
    });
});
