import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { createOpenRouter } from '@openrouter/ai-sdk-provider';
import { OpenRouter } from '@openrouter/sdk';
import { generateObject, streamText } from 'ai';
import OpenAI from 'openai';
import { zodResponseFormat } from 'openai/helpers/zod';
import { z } from 'zod';
import { RunningGateway } from '../support/gateway.ts';

/** What single clients do beyond what all of them do (loop.test.ts). */

const MODEL = 'mistralai/mistral-small-2603';

let gateway: RunningGateway;
beforeAll(async () => {
  gateway = await RunningGateway.start();
});
afterAll(() => gateway.stop());

const weather = {
  type: 'function' as const,
  function: {
    name: 'get_weather',
    description: 'The weather in a city',
    parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  },
};

describe('openai', () => {
  const openai = () => new OpenAI({ baseURL: gateway.api, apiKey: gateway.key, maxRetries: 0 });

  test('also works with the base URL without /api', async () => {
    const client = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: gateway.key, maxRetries: 0 });
    const answer = await client.chat.completions.create({ model: MODEL, messages: [{ role: 'user', content: 'Hi' }] });
    expect(answer.model).toBe(MODEL);
  });

  test('streams', async () => {
    const stream = openai().chat.completions.stream({
      model: MODEL,
      messages: [{ role: 'user', content: 'Tell me about the Rhine.' }],
    });
    const pieces: string[] = [];
    stream.on('content', (piece) => pieces.push(piece));
    const whole = await stream.finalChatCompletion();
    expect(pieces.length).toBeGreaterThan(20);
    expect(pieces.join('')).toBe(whole.choices[0]?.message.content ?? '');
    expect((await stream.totalUsage()).completion_tokens).toBeGreaterThan(20);
  });

  test('streams tool calls piece by piece', async () => {
    const stream = openai().chat.completions.stream({
      model: MODEL,
      messages: [{ role: 'user', content: 'What is the weather in Paris and Rome?' }],
      tools: [weather],
    });
    const whole = await stream.finalChatCompletion();
    const calls = whole.choices[0]?.message.tool_calls ?? [];
    expect(calls.map((call) => JSON.parse(call.type === 'function' ? call.function.arguments : ''))).toEqual([
      { city: 'Paris' },
      { city: 'Rome' },
    ]);
    expect(whole.choices[0]?.finish_reason).toBe('tool_calls');
  });

  test('INF-048 parses structured output by a zod schema', async () => {
    const event = z.object({ name: z.string(), date: z.string(), participants: z.array(z.string()), seats: z.int() });
    const answer = await openai().chat.completions.parse({
      model: MODEL,
      messages: [{ role: 'user', content: 'On Friday Alice and Bob go to the Science Fair with 3 friends.' }],
      response_format: zodResponseFormat(event, 'event'),
    });
    const parsed = answer.choices[0]?.message.parsed;
    expect(parsed && event.parse(parsed)).toBeDefined();
    expect(parsed?.participants.length).toBeGreaterThan(0);
  });

  test('INF-004 gets its own error classes', async () => {
    const wrong = new OpenAI({ baseURL: gateway.api, apiKey: 'nobody', maxRetries: 0 });
    // The SDK's own promise is lazy, which `rejects` does not see through.
    const create = async (client: OpenAI, model: string) =>
      await client.chat.completions.create({ model, messages: [{ role: 'user', content: 'Hi' }] });
    await expect(create(wrong, MODEL)).rejects.toBeInstanceOf(OpenAI.AuthenticationError);
    await expect(create(openai(), 'nobody/nothing')).rejects.toBeInstanceOf(OpenAI.BadRequestError);
  });

  test('lists models', async () => {
    const ids: string[] = [];
    for await (const model of openai().models.list()) ids.push(model.id);
    expect(ids).toContain(MODEL);
    expect(ids.length).toBeGreaterThan(250);
  });
});

describe('@openrouter/sdk', () => {
  const openRouter = () => new OpenRouter({ serverURL: gateway.api, apiKey: gateway.key });
  const messages = [{ role: 'user' as const, content: 'Tell me about the Rhine.' }];

  const send = async (client: OpenRouter) => {
    const answer = await client.chat.send({ chatRequest: { model: MODEL, messages, stream: false } });
    if (!('choices' in answer)) throw new Error('no whole answer');
    return answer;
  };

  test('INF-151 chats, whole and streamed', async () => {
    const whole = await send(openRouter());
    expect(whole.choices[0]?.message.content).toContain('Rhine');
    const stream = await openRouter().chat.send({ chatRequest: { model: MODEL, messages, stream: true } });
    let text = '';
    let cost: number | null | undefined;
    if (!(Symbol.asyncIterator in stream)) throw new Error('no stream');
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? '';
      cost = chunk.usage?.cost ?? cost;
    }
    expect(text).toContain('Rhine');
    expect(typeof cost).toBe('number');
  });

  test('reads models, endpoints, generation, credits and key', async () => {
    const client = openRouter();
    const models = await client.models.list({});
    const page = 'data' in models ? models : undefined;
    expect(JSON.stringify(page ?? models)).toContain(MODEL);
    const endpoints = await client.endpoints.list({ author: 'mistralai', slug: 'mistral-small-2603' });
    expect(endpoints.data.endpoints.map((endpoint) => endpoint.providerName as string).sort()).toEqual([
      'Mistral AI Studio',
      'NVIDIA NIM',
      'OpenRouter',
    ]);
    const whole = await send(client);
    const generation = await client.generations.getGeneration({ id: whole.id });
    expect(generation.data.totalCost).toBe(whole.usage?.cost ?? -1);
    expect((await client.apiKeys.getCurrentKeyMetadata()).data.usage).toBeGreaterThanOrEqual(0);
    expect((await client.credits.getCredits()).data.totalCredits).toBe(10);
  });
});

describe('@openrouter/ai-sdk-provider with ai', () => {
  const model = () => createOpenRouter({ baseURL: gateway.api, apiKey: gateway.key }).chat(MODEL);

  test('INF-151 streamText', async () => {
    const result = streamText({ model: model(), prompt: 'Tell me about the Rhine.' });
    let text = '';
    for await (const piece of result.textStream) text += piece;
    expect(text).toContain('Rhine');
    expect(await result.finishReason).toBe('stop');
    expect((await result.usage).outputTokens).toBeGreaterThan(20);
  });

  test('generateObject', async () => {
    const { object } = await generateObject({
      model: model(),
      schema: z.object({ city: z.string(), population: z.int().min(1), tags: z.array(z.string()).max(3) }),
      prompt: 'Describe Cologne.',
    });
    expect(object.population).toBeGreaterThan(0);
  });
});
