import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test';
import Anthropic from '@anthropic-ai/sdk';
import { GoogleGenAI } from '@google/genai';
import { loadSnapshot } from '../../src/catalogue/load.ts';
import { NDJSON } from '../../src/streams/framing.ts';
import { RunningGateway } from '../support/gateway.ts';
import { chunk, DONE, type Reply, readFrames, ScriptedUpstream, stream, whole } from '../support/upstream.ts';

/** What callers say in one wire and a host takes otherwise in another, over sockets: names, choices, schemas and words for the end. */

type Json = Record<string, any>;

const chat = new ScriptedUpstream();
const gemini = new ScriptedUpstream();
const ollama = new ScriptedUpstream();
let gateway: RunningGateway;
beforeAll(async () => {
  const row = (model: string, upstream_model = 'm'): Json => ({
    model,
    upstream_model,
    context_length: 40_000,
    max_completion_tokens: 8000,
    pricing: { prompt: '0.000001', completion: '0.000001' },
  });
  gateway = await RunningGateway.start({
    config: JSON.stringify({
      providers: {
        plain: { base_url: chat.base, api_key: 'k', endpoints: [row('lab/plain'), row('lab/both')] },
        curt: { base_url: chat.base, api_key: 'k', quirks: ['short-answers'], endpoints: [row('lab/curt')] },
        either: { base_url: chat.base, api_key: 'k', quirks: ['form-or-tools'], endpoints: [row('lab/either')] },
        gem: {
          base_url: gemini.base,
          api_key: 'k',
          dialect: 'gemini-generate',
          endpoints: [row('lab/gem', 'gemini-2.5-flash'), row('lab/gem3', 'gemini-3-flash')],
        },
        local: {
          base_url: new URL(ollama.base).origin,
          api_key: 'k',
          dialect: 'ollama-chat',
          endpoints: [row('lab/local', 'qwen3:8b'), row('lab/both', 'qwen3:8b')],
        },
      },
    }),
  });
});
afterAll(async () => {
  await Promise.all([chat, gemini, ollama].map((host) => host.stop()));
});
afterEach(() => {
  for (const host of [chat, gemini, ollama]) host.received.length = 0;
});

const messages = [{ role: 'user', content: 'Hi' }];
const tools = [{ type: 'function', function: { name: 'look', parameters: { type: 'object', properties: {} } } }];
const ask = (body: Json): Promise<Response> => gateway.post({ messages, ...body });

/** Calls whatever it was offered first. */
const callsFirst: Reply = ({ body }) => {
  const { name } = (body as Json).tools[0].function;
  const call = { index: 0, id: 'call00001', type: 'function', function: { name, arguments: '{"at":"it"}' } };
  return body.stream
    ? stream(chunk({ role: 'assistant', content: '' }), chunk({ tool_calls: [call] }), chunk({}, 'tool_calls'), DONE)
    : whole(null, { message: { tool_calls: [call] }, finish_reason: 'tool_calls' });
};

describe('names of functions', () => {
  const LONG = `look_${'very_'.repeat(20)}far`;

  test('UP-070 a name of 100 characters, for Anthropic’s client, at a host that takes 64', async () => {
    chat.reply = callsFirst;
    const client = new Anthropic({
      baseURL: `${gateway.url}/api`,
      authToken: gateway.key,
      apiKey: null,
      maxRetries: 0,
    });
    const question = {
      model: 'lab/plain',
      max_tokens: 100,
      messages: [{ role: 'user' as const, content: 'Hi' }],
      tools: [{ name: LONG, input_schema: { type: 'object' as const } }],
      tool_choice: { type: 'tool' as const, name: LONG },
    };
    const called = { type: 'tool_use', name: LONG, input: { at: 'it' } };
    const answer = await client.messages.create(question);
    expect(answer.content).toMatchObject([called]);
    const sent = chat.last.body as Json;
    expect(sent.tools[0].function.name).toMatch(/^look_[a-zA-Z0-9_-]{1,59}$/);
    expect(sent.tool_choice.function.name).toBe(sent.tools[0].function.name);
    expect((await client.messages.stream(question).finalMessage()).content).toMatchObject([called]);
    // The next turn brings the call back, and the host knows it again.
    await client.messages.create({
      ...question,
      messages: [
        ...question.messages,
        { role: 'assistant', content: answer.content },
        { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'call00001', content: 'x' }] },
      ],
    });
    expect((chat.last.body as Json).messages[1].tool_calls[0].function.name).toBe(sent.tools[0].function.name);
  });

  test('UP-070 a name with dots and colons, for Google’s client, at a host that takes neither', async () => {
    chat.reply = callsFirst;
    const client = new GoogleGenAI({ apiKey: gateway.key, httpOptions: { baseUrl: gateway.url } });
    const question = {
      model: 'lab/plain',
      contents: 'Hi',
      config: { tools: [{ functionDeclarations: [{ name: 'places.look:near', description: 'Looks' }] }] },
    };
    const { functionCalls } = await client.models.generateContent(question);
    expect(functionCalls).toMatchObject([{ name: 'places.look:near', args: { at: 'it' } }]);
    expect((chat.last.body as Json).tools[0].function.name).toMatch(/^places_look_near_[a-zA-Z0-9]{9}$/);
    const names: unknown[] = [];
    for await (const one of await client.models.generateContentStream(question))
      for (const { name } of one.functionCalls ?? []) names.push(name);
    expect(names).toEqual(['places.look:near']);
  });

  test('UP-070 a name with spaces, for a client of Ollama, at a host of Google', async () => {
    gemini.reply = ({ body }) => {
      const { name } = (body as Json).tools[0].functionDeclarations[0];
      return Response.json({
        candidates: [{ content: { parts: [{ functionCall: { name, args: {} } }] }, finishReason: 'STOP' }],
      });
    };
    const response = await fetch(`${gateway.url}/api/chat`, {
      method: 'POST',
      headers: { authorization: `Bearer ${gateway.key}` },
      body: JSON.stringify({
        model: 'lab/gem',
        stream: false,
        messages,
        tools: [{ type: 'function', function: { name: 'look it up', parameters: {} } }],
      }),
    });
    const { message } = (await response.json()) as Json;
    expect(message.tool_calls[0].function.name).toBe('look it up');
    const [told] = (gemini.last.body as Json).tools[0].functionDeclarations;
    expect(told.name).toMatch(/^look_it_up_[a-zA-Z0-9]{9}$/);
  });
});

describe('choices', () => {
  test('UP-063 a call that must be made is made by a host that can be made to', async () => {
    chat.reply = callsFirst;
    const order = { order: ['local', 'plain'] };
    const response = await ask({ model: 'lab/both', tools, tool_choice: 'required', provider: order });
    const { choices, provider } = (await response.json()) as Json;
    expect([provider, choices[0].message.tool_calls[0].function.name]).toEqual(['plain', 'look']);
    expect(ollama.received).toHaveLength(0);
    // Where there is no other, the caller hears why.
    const refused = await ask({ model: 'lab/local', tools, tool_choice: 'required' });
    expect(refused.status).toBe(400);
    expect(((await refused.json()) as Json).error.message).toContain('cannot be made to call a tool');
  });
});

describe('limits', () => {
  const line = (message: Json, more: Json = {}): string =>
    NDJSON.format({ data: JSON.stringify({ created_at: '2026-10-01T00:00:00Z', message, done: false, ...more }) });
  const end = { done: true, done_reason: 'stop', prompt_eval_count: 3, eval_count: 2 };

  test('UP-047 Ollama is told the context of the endpoint, and always whether to stream', async () => {
    ollama.reply = ({ body }) => {
      const last = line({ role: 'assistant', content: body.stream ? '' : 'Hello' }, end);
      if (!body.stream) return new Response(last, { headers: { 'content-type': 'application/json' } });
      const text = line({ role: 'assistant', content: 'Hello' }) + last;
      return new Response(text, { headers: { 'content-type': 'application/x-ndjson' } });
    };
    const response = await ask({ model: 'lab/local' });
    expect(((await response.json()) as Json).choices[0].message.content).toBe('Hello');
    expect(ollama.last.body).toMatchObject({ stream: false, options: { num_ctx: 40_000 } });
    const { data } = readFrames(await (await ask({ model: 'lab/local', stream: true })).text());
    expect(data.map(({ choices }) => choices[0]?.delta?.content ?? '').join('')).toBe('Hello');
    expect(ollama.last.body).toMatchObject({ stream: true, options: { num_ctx: 40_000 } });
  });

  test('UP-048 a host that cuts answers short is told a limit, as Workers AI’s row says of it', async () => {
    chat.reply = () => whole('Hello');
    await ask({ model: 'lab/curt' });
    expect(chat.last.body.max_tokens).toBe(8000);
    await ask({ model: 'lab/plain' });
    expect(chat.last.body.max_tokens).toBeUndefined();
    expect(loadSnapshot().provider('cloudflare')?.quirks).toContain('short-answers');
  });

  test('UP-068 Kimi’s row says that its schemas are narrow', () => {
    expect(loadSnapshot().provider('moonshotai')?.quirks).toContain('narrow-schemas');
  });
});

describe('a schema beside tools', () => {
  const schema = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
  const response_format = { type: 'json_schema', json_schema: { name: 'place', schema, strict: true } };
  const geminiSays = (text: string): Response =>
    Response.json({ candidates: [{ content: { parts: [{ text }] }, finishReason: 'STOP' }] });

  test('UP-075 stands in the prompt where a host takes one of them, and the answer is checked', async () => {
    gemini.reply = () => geminiSays('{"city":"Basel"}');
    const response = await ask({ model: 'lab/gem', tools, response_format });
    expect(((await response.json()) as Json).choices[0].message.content).toBe('{"city":"Basel"}');
    expect(response.headers.get('x-turnpike-dropped')).toContain('/response_format;adapted');
    const { generationConfig, contents, tools: told } = gemini.last.body as Json;
    expect([generationConfig?.responseMimeType, told.length]).toEqual([undefined, 1]);
    expect(JSON.stringify(contents)).toContain(JSON.stringify(JSON.stringify(schema)).slice(1, -1));
    // What does not conform is not given away.
    gemini.reply = () => geminiSays('Basel');
    expect((await ask({ model: 'lab/gem', tools, response_format })).status).toBe(502);
    // Whoever must have it enforced, gets no answer from here.
    const exact = { model: 'lab/gem', tools, response_format, provider: { require_exact: true } };
    expect((await ask(exact)).status).toBeGreaterThanOrEqual(400);
  });

  test('UP-075 a call is no answer and needs no schema', async () => {
    chat.reply = callsFirst;
    const response = await ask({ model: 'lab/either', tools, response_format });
    expect(((await response.json()) as Json).choices[0].message.tool_calls[0].function.name).toBe('look');
    expect(chat.last.body.response_format).toBeUndefined();
  });

  test('UP-075 is enforced where both are taken, and where there are no tools', async () => {
    gemini.reply = () => geminiSays('{"city":"Basel"}');
    for (const question of [{ model: 'lab/gem3', tools }, { model: 'lab/gem' }]) {
      const response = await ask({ ...question, response_format });
      expect(response.status).toBe(200);
      expect((gemini.last.body as Json).generationConfig.responseJsonSchema).toEqual(schema);
      expect(response.headers.get('x-turnpike-dropped') ?? '').not.toContain('response_format');
    }
    chat.reply = () => whole('{"city":"Basel"}');
    await ask({ model: 'lab/plain', tools, response_format });
    expect((chat.last.body.response_format as Json).type).toBe('json_schema');
    expect(loadSnapshot().provider('groq')?.quirks).toContain('form-or-tools');
  });
});

test('UP-103 a word for the end that nobody knows is kept, and noticed in the log', async () => {
  chat.reply = () => whole('Hello', { finish_reason: 'tired_of_it' });
  const response = await ask({ model: 'lab/plain' });
  const { choices } = (await response.json()) as Json;
  expect(choices[0]).toMatchObject({ finish_reason: 'stop', native_finish_reason: 'tired_of_it' });
  await (await ask({ model: 'lab/plain' })).text();
  const { stderr } = await gateway.stop();
  const lines = stderr.split('\n').filter((line) => line.includes('a word that nobody knows'));
  expect(lines).toHaveLength(1);
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ provider: 'plain', finish: 'tired_of_it' });
});
