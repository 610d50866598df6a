import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Anthropic from '@anthropic-ai/sdk';
import { RunningGateway } from '../support/gateway.ts';

/** Anthropic's client, unmodified: against this gateway for any model, and against the sandbox host that speaks its wire. */

let gateway: RunningGateway;
beforeAll(async () => {
  gateway = await RunningGateway.start();
});
afterAll(() => gateway.stop());

const MISTRAL = 'mistralai/mistral-small-2603';
const CLAUDE = 'anthropic/claude-opus-4.6';

const ours = (): Anthropic => new Anthropic({ baseURL: `${gateway.url}/api`, apiKey: gateway.key, maxRetries: 0 });
const host = (): Anthropic =>
  new Anthropic({ baseURL: gateway.host('anthropic'), apiKey: 'sk-ant-any', maxRetries: 0 });

const user = (content: Anthropic.MessageParam['content']): Anthropic.MessageParam => ({ role: 'user', content });
const weather: Anthropic.Tool = {
  name: 'get_weather',
  description: 'The weather in a city',
  input_schema: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
};
const picture = readFileSync(join(import.meta.dir, '..', 'support', 'picture-7x3.png')).toString('base64');
const textOf = (message: Anthropic.Message): string =>
  message.content.map((block) => (block.type === 'text' ? block.text : '')).join('');

type Json = Record<string, any>;
const post = async (body: Json, headers: Record<string, string> = {}): Promise<{ status: number; body: Json }> => {
  const response = await fetch(`${gateway.api}/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': gateway.key, ...headers },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: (await response.json()) as Json };
};

for (const [where, client, model] of [
  ['the gateway, a model of another lab', ours, MISTRAL],
  ['the gateway, the maker’s own model', ours, CLAUDE],
  ['the sandbox host', host, 'claude-opus-4-6'],
] as const) {
  describe(`@anthropic-ai/sdk against ${where}`, () => {
    test('INF-293 creates a message', async () => {
      const message = await client().messages.create({
        model,
        max_tokens: 300,
        system: 'You are brief.',
        messages: [user('Tell me about the Rhine')],
      });
      expect(message).toMatchObject({
        type: 'message',
        role: 'assistant',
        stop_reason: 'end_turn',
        stop_sequence: null,
      });
      expect(textOf(message)).toContain('Rhine');
      expect(message.usage.input_tokens).toBeGreaterThan(5);
      expect(message.usage.output_tokens).toBeGreaterThan(5);
    });

    test('INF-302 streams in the documented order, and the helper puts the same message together', async () => {
      const stream = client().messages.stream({ model, max_tokens: 300, messages: [user('Tell me about the Rhine')] });
      const types: string[] = [];
      const begun: number[] = [];
      let starts = 0;
      let text = '';
      stream.on('streamEvent', (event) => {
        if (types.at(-1) !== event.type) types.push(event.type);
        if (event.type === 'message_start') starts += 1;
        if (event.type === 'content_block_start') begun.push(event.index);
      });
      stream.on('text', (delta) => {
        text += delta;
      });
      const message = await stream.finalMessage();
      expect(types).toEqual([
        'message_start',
        'content_block_start',
        'content_block_delta',
        'content_block_stop',
        'message_delta',
        'message_stop',
      ]);
      expect([starts, begun]).toEqual([1, [0]]);
      expect(text).toContain('Rhine');
      expect(textOf(message)).toBe(text);
      expect(message.stop_reason).toBe('end_turn');
      expect(message.usage.output_tokens).toBeGreaterThan(5);
    });

    test('INF-298 calls a tool, whole and streamed, and goes on from its result', async () => {
      const asked = {
        model,
        max_tokens: 1000,
        tools: [weather],
        tool_choice: { type: 'any' as const },
        messages: [user('What is the weather in Basel?')],
      };
      const whole = await client().messages.create(asked);
      const streamed = await client().messages.stream(asked).finalMessage();
      for (const message of [whole, streamed]) {
        expect(message.stop_reason).toBe('tool_use');
        const call = message.content.find((block) => block.type === 'tool_use');
        expect(call?.name).toBe('get_weather');
        expect(typeof (call?.input as Json | undefined)?.city).toBe('string');
        const next = await client().messages.create({
          ...asked,
          tool_choice: { type: 'none' },
          messages: [
            ...asked.messages,
            { role: 'assistant', content: message.content },
            user([{ type: 'tool_result', tool_use_id: call?.id ?? '', content: 'no such city', is_error: true }]),
          ],
        });
        expect(next.stop_reason).toBe('end_turn');
        expect(textOf(next)).not.toBe('');
      }
    });

    test('a limit is a limit', async () => {
      const message = await client().messages.create({ model, max_tokens: 4, messages: [user('About the Rhine')] });
      expect(message.stop_reason).toBe('max_tokens');
      expect(message.usage.output_tokens).toBe(4);
    });

    test('thinks, and says how much', async () => {
      const message = await client()
        .messages.stream({
          model,
          max_tokens: 4000,
          thinking: { type: 'enabled', budget_tokens: 2000 },
          messages: [user('About the Rhine')],
        })
        .finalMessage();
      const [thought, text] = message.content;
      expect(thought).toMatchObject({ type: 'thinking', thinking: expect.stringMatching(/\w/) });
      expect(text?.type).toBe('text');
    });

    test('reads a picture', async () => {
      const message = await client().messages.create({
        model,
        max_tokens: 300,
        messages: [
          user([
            { type: 'image', source: { type: 'base64', media_type: 'image/png', data: picture } },
            { type: 'text', text: 'What is this?' },
          ]),
        ],
      });
      expect(textOf(message)).toMatch(/7.{1,3}3/);
    });
  });
}

describe('over this gateway', () => {
  test('the usage tells cost and leaves cached tokens out', async () => {
    const { body } = await post({ model: CLAUDE, max_tokens: 50, messages: [user('About the Rhine')] });
    expect(body.usage.cost).toBeGreaterThan(0);
    expect(body.usage).toMatchObject({ cache_read_input_tokens: 0, cache_creation_input_tokens: 0, is_byok: false });
    const { body: found } = { body: (await (await gateway.get(`/generation?id=${body.id}`)).json()) as Json };
    expect(found.data.total_cost).toBe(body.usage.cost);
    expect(found.data.tokens_prompt).toBe(body.usage.input_tokens);
  });

  test('INF-002 the key comes in either header, and a bearer wins', async () => {
    const body = { model: CLAUDE, max_tokens: 5, messages: [user('Hi')] };
    expect((await post(body)).status).toBe(200);
    expect((await post(body, { authorization: `Bearer ${gateway.key}`, 'x-api-key': 'nobody' })).status).toBe(200);
    expect((await post(body, { authorization: 'Bearer nobody' })).status).toBe(401);
  });

  test('INF-303 INF-304 the id is the generation’s, and the last event tells the routing when asked', async () => {
    const stream = async (headers: Record<string, string>): Promise<readonly Json[]> => {
      const response = await fetch(`${gateway.api}/messages`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-api-key': gateway.key, ...headers },
        body: JSON.stringify({ model: CLAUDE, max_tokens: 50, stream: true, messages: [user('Hi')] }),
      });
      const frames = (await response.text()).trimEnd().split('\n\n');
      return frames.map((frame) => JSON.parse(frame.split('\ndata: ')[1] ?? '') as Json);
    };
    const [start, ...rest] = await stream({ 'x-openrouter-metadata': 'enabled' });
    expect(start?.message.id).toMatch(/^gen-/);
    expect((await gateway.get(`/generation?id=${start?.message.id}`)).status).toBe(200);
    expect(rest.at(-1)).toMatchObject({ type: 'message_stop', openrouter_metadata: { attempt: 1 } });
    expect((await stream({})).at(-1)).toEqual({ type: 'message_stop' });
  });

  test('INF-305 an error in the middle has Anthropic’s type and ours', async () => {
    await gateway.fault('anthropic', { fault: 'truncate' });
    const body = { model: CLAUDE, max_tokens: 500, messages: [user('Tell me about the Rhine')] };
    const stream = ours().messages.stream({ ...body, ...{ provider: { only: ['anthropic'] } } });
    const error = (await stream.finalMessage().catch((thrown: unknown) => thrown)) as { error?: Json };
    await gateway.clearFaults();
    expect(error.error).toMatchObject({
      type: 'error',
      error: { type: 'api_error', error_type: 'provider_unavailable' },
    });
  });

  test('INF-294 max_tokens may be left out', async () => {
    const { status, body } = await post({ model: CLAUDE, messages: [user('About the Rhine')] });
    expect([status, body.stop_reason]).toEqual([200, 'end_turn']);
  });

  test('INF-295 fallbacks are models, three at most, and not beside models', async () => {
    const messages = [user('Hi')];
    const model = 'lab/none';
    const { body } = await post({ model, fallbacks: [{ model: CLAUDE }], messages, max_tokens: 9 });
    expect(body.model).toBe(CLAUDE);
    const many = Array.from({ length: 4 }, () => ({ model: CLAUDE }));
    for (const bad of [
      { fallbacks: many },
      { fallbacks: [{ model: CLAUDE, provider: {} }] },
      { fallbacks: [{ model: CLAUDE }], models: [MISTRAL] },
    ]) {
      const { status, body } = await post({ model: CLAUDE, messages, ...bad });
      expect(status).toBe(400);
      expect(body).toMatchObject({ type: 'error', error: { type: 'invalid_request_error' } });
    }
  });

  test('INF-297 omitted thinking is not shown, and its signature is', async () => {
    const message = await ours().messages.create({
      model: CLAUDE,
      max_tokens: 4000,
      thinking: { type: 'enabled', budget_tokens: 2000, display: 'omitted' },
      messages: [user('About the Rhine')],
      ...{ provider: { only: ['anthropic'] } },
    });
    expect(message.content[0]).toMatchObject({ type: 'thinking', thinking: '' });
    expect((message.content[0] as Anthropic.ThinkingBlock).signature).not.toBe('');
  });

  test('UP-056 signed thoughts go back as they came, over two turns with a tool, and a changed one is refused', async () => {
    const ask = {
      model: CLAUDE,
      max_tokens: 4000,
      thinking: { type: 'enabled' as const, budget_tokens: 2000 },
      tools: [weather],
      ...{ provider: { only: ['anthropic'] } },
    };
    const messages = [user('What is the weather in Basel? Use the tool get_weather.')];
    const first = await ours().messages.create({ ...ask, messages });
    const call = first.content.find((block) => block.type === 'tool_use');
    const thought = first.content.find((block) => block.type === 'thinking');
    expect(thought?.signature).toMatch(/=$/);
    const result = user([{ type: 'tool_result', tool_use_id: call?.id ?? 'none', content: 'Sunny' }]);
    const turns = call ? [...messages, { role: 'assistant' as const, content: first.content }, result] : messages;
    expect(call).toBeDefined();
    const second = await ours().messages.create({ ...ask, messages: turns });
    expect(second.content.length).toBeGreaterThan(0);
    const changed = first.content.map((block) =>
      block.type === 'thinking' ? { ...block, thinking: `${block.thinking}!` } : block,
    );
    const forged = ours().messages.create({
      ...ask,
      messages: [...messages, { role: 'assistant', content: changed }, result],
    });
    expect(await forged.catch((error: unknown) => (error as InstanceType<typeof Anthropic.APIError>).status)).toBe(400);
  });

  test('INF-311 counts tokens', async () => {
    const short = await ours().messages.countTokens({ model: CLAUDE, messages: [user('Hi')] });
    const long = await ours().messages.countTokens({ model: CLAUDE, messages: [user('Hi there. '.repeat(100))] });
    expect(short.input_tokens).toBeGreaterThan(0);
    expect(long.input_tokens).toBeGreaterThan(short.input_tokens + 200);
  });

  test('INF-306 errors are Anthropic’s own classes, and name their request once there is one', async () => {
    const attempt = (client: Anthropic, model: string, max_tokens = 10): Promise<unknown> =>
      client.messages.create({ model, max_tokens, messages: [user('Hi')] }).catch((error: unknown) => error);
    const stranger = new Anthropic({ baseURL: `${gateway.url}/api`, apiKey: 'sk-nobody', maxRetries: 0 });
    expect(await attempt(stranger, CLAUDE)).toBeInstanceOf(Anthropic.AuthenticationError);
    expect(await attempt(ours(), 'lab/none')).toBeInstanceOf(Anthropic.BadRequestError);
    const bad = await attempt(ours(), CLAUDE, 0);
    expect(bad).toBeInstanceOf(Anthropic.BadRequestError);
    expect((bad as InstanceType<typeof Anthropic.APIError>).requestID).toMatch(/^gen-/);
    const keyless = await post({ model: CLAUDE, messages: [user('Hi')] }, { 'x-api-key': '' });
    expect(keyless.body.request_id).toBeNull();
    expect(keyless.body.error.type).toBe('authentication_error');
  });
});
