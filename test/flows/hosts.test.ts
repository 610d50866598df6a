import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Mistral } from '@mistralai/mistralai';
import { OpenRouter } from '@openrouter/sdk';
import OpenAI from 'openai';
import { RunningGateway } from '../support/gateway.ts';
import { hasOpenRouterSchema, openRouterSchema } from '../support/openrouter-schema.ts';

/** The sandbox hosts, asked by clients we did not write. */

let gateway: RunningGateway;
beforeAll(async () => {
  gateway = await RunningGateway.start();
});
afterAll(() => gateway.stop());

const weather = {
  type: 'function' as const,
  function: {
    name: 'get_weather',
    parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  },
};

const picture = `data:image/png;base64,${readFileSync(join(import.meta.dir, '..', 'support', 'picture-7x3.png')).toString('base64')}`;

describe('@mistralai/mistralai against the Mistral host', () => {
  const client = () => new Mistral({ serverURL: new URL(gateway.base('mistral')).origin, apiKey: 'any' });
  const model = 'mistral-small-2603';

  test('chats', async () => {
    const answer = await client().chat.complete({ model, messages: [{ role: 'user', content: 'About the Rhine' }] });
    expect(answer.choices[0]?.message?.content).toContain('Rhine');
    expect(answer.usage.totalTokens).toBeGreaterThan(20);
  });

  test('streams, thinking first', async () => {
    const stream = await client().chat.stream({
      model,
      messages: [{ role: 'user', content: 'About the Rhine' }],
      reasoningEffort: 'high',
    });
    let thought = '';
    let text = '';
    let finish: string | null | undefined;
    for await (const { data } of stream) {
      const [choice] = data.choices;
      finish = choice?.finishReason ?? finish;
      const content = choice?.delta.content;
      if (typeof content === 'string') text += content;
      for (const chunk of Array.isArray(content) ? content : []) {
        if (chunk.type === 'thinking') thought += chunk.thinking.map((one) => ('text' in one ? one.text : '')).join('');
        if (chunk.type === 'text') text += chunk.text;
      }
    }
    expect(thought).toContain('The prompt asks');
    expect(text).toContain('Rhine');
    expect(finish).toBe('stop');
  });

  test('calls tools with nine-character ids and takes their results back', async () => {
    const messages = [{ role: 'user' as const, content: 'What is the weather in Paris?' }];
    const asked = await client().chat.complete({ model, messages, tools: [weather] });
    const call = asked.choices[0]?.message?.toolCalls?.[0];
    expect(call?.id).toMatch(/^[a-zA-Z0-9]{9}$/);
    const answer = await client().chat.complete({
      model,
      tools: [weather],
      messages: [
        ...messages,
        { role: 'assistant', toolCalls: call ? [call] : [] },
        { role: 'tool', toolCallId: call?.id ?? null, content: 'Sunny, 23 degrees' },
      ],
    });
    expect(answer.choices[0]?.message?.content).toContain('Sunny, 23 degrees');
  });

  test('continues a prefix and repeats it', async () => {
    const answer = await client().chat.complete({
      model,
      messages: [
        { role: 'user', content: 'About the Rhine' },
        { role: 'assistant', content: 'The Rhine is', prefix: true },
      ],
    });
    expect(answer.choices[0]?.message?.content).toStartWith('The Rhine is');
  });

  test('refuses unknown fields, foreign ids and broken turns', async () => {
    const send = (body: object): Promise<Response> =>
      fetch(`${gateway.base('mistral')}/chat/completions`, {
        method: 'POST',
        headers: { authorization: 'Bearer any' },
        body: JSON.stringify({ model, messages: [{ role: 'user', content: 'Hi' }], ...body }),
      });
    expect((await send({ top_k: 3 })).status).toBe(422);
    const call = { id: 'call_too_long_for_them', type: 'function', function: { name: 'f', arguments: '{}' } };
    const foreign = await send({
      messages: [
        { role: 'user', content: 'Hi' },
        { role: 'assistant', content: '', tool_calls: [call] },
        { role: 'tool', tool_call_id: call.id, content: 'x' },
      ],
    });
    expect(foreign.status).toBe(400);
    expect(JSON.stringify(await foreign.json())).toContain('3280');
  });

  test('lists its models and refuses a caller without a key', async () => {
    const models = await client().models.list();
    expect(models.data?.map((card) => ('id' in card ? card.id : ''))).toContain(model);
    expect((await fetch(`${gateway.base('mistral')}/models`)).status).toBe(401);
  });
});

describe('openai against the NVIDIA host', () => {
  const client = () => new OpenAI({ baseURL: gateway.base('nvidia'), apiKey: 'any', maxRetries: 0 });
  const model = 'mistralai/mistral-small-4-119b-2603';

  test('chats and streams', async () => {
    const messages = [{ role: 'user' as const, content: 'About the Rhine' }];
    const whole = await client().chat.completions.create({ model, messages });
    expect(whole.choices[0]?.message.content).toContain('Rhine');
    const stream = client().chat.completions.stream({ model, messages, stream_options: { include_usage: true } });
    const answer = await stream.finalChatCompletion();
    expect(answer.choices[0]?.message.content).toBe(whole.choices[0]?.message.content ?? '');
    expect(answer.usage?.completion_tokens).toBe(whole.usage?.completion_tokens ?? 0);
  });

  test('reports usage in a stream only when asked', async () => {
    const stream = await client().chat.completions.create({
      model,
      stream: true,
      messages: [{ role: 'user', content: 'About the Rhine' }],
    });
    for await (const chunk of stream) expect(chunk.usage ?? null).toBeNull();
  });

  test('calls tools', async () => {
    const answer = await client().chat.completions.create({
      model,
      messages: [{ role: 'user', content: 'What is the weather in Paris?' }],
      tools: [weather],
      tool_choice: 'required',
    });
    const call = answer.choices[0]?.message.tool_calls?.[0];
    expect(call?.type === 'function' && JSON.parse(call.function.arguments)).toEqual({ city: 'Paris' });
  });

  test('sees a picture in its real size', async () => {
    const answer = await client().chat.completions.create({
      model,
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'What is this?' },
            { type: 'image_url', image_url: { url: picture } },
          ],
        },
      ],
    });
    expect(answer.choices[0]?.message.content).toContain('7 × 3 pixels');
  });

  test('honours max_tokens and stop', async () => {
    const messages = [{ role: 'user' as const, content: 'Reply with exactly: one two three four five' }];
    const cut = await client().chat.completions.create({ model, messages, max_tokens: 3 });
    expect(cut.choices[0]?.finish_reason).toBe('length');
    expect(cut.usage?.completion_tokens).toBe(3);
    const stopped = await client().chat.completions.create({ model, messages, stop: ['three'] });
    expect(stopped.choices[0]?.message.content).toBe('one two ');
    expect(stopped.choices[0]?.finish_reason).toBe('stop');
  });
});

describe('@openrouter/sdk against the OpenRouter host', () => {
  const client = () => new OpenRouter({ serverURL: gateway.base('openrouter'), apiKey: 'any' });
  const messages = [{ role: 'user' as const, content: 'About the Rhine' }];

  test('chats, whole and streamed', async () => {
    const model = 'mistralai/mistral-small-2603';
    const whole = await client().chat.send({ chatRequest: { model, messages, stream: false } });
    if (!('choices' in whole)) throw new Error('no whole answer');
    expect(whole.choices[0]?.message.content).toContain('Rhine');
    const stream = await client().chat.send({
      chatRequest: { model, messages, stream: true, reasoning: { effort: 'high' } },
    });
    if (!(Symbol.asyncIterator in stream)) throw new Error('no stream');
    let reasoning = '';
    for await (const chunk of stream) reasoning += chunk.choices[0]?.delta.reasoning ?? '';
    expect(reasoning).toContain('The prompt asks');
  });

  test('serves every model of its catalogue', async () => {
    const models = (await (
      await fetch(`${gateway.base('openrouter')}/models`, { headers: { authorization: 'Bearer any' } })
    ).json()) as { data: { id: string }[] };
    expect(models.data.length).toBeGreaterThan(250);
    const any = models.data.find(({ id }) => !id.startsWith('mistralai/'))?.id ?? '';
    const answer = await client().chat.send({ chatRequest: { model: any, messages, stream: false } });
    expect('choices' in answer && answer.choices[0]?.finishReason).toBe('stop');
  });

  test.skipIf(!hasOpenRouterSchema)('its bodies validate against the published schema', async () => {
    const send = async (body: object): Promise<Response> =>
      fetch(`${gateway.base('openrouter')}/chat/completions`, {
        method: 'POST',
        headers: { authorization: 'Bearer any' },
        body: JSON.stringify({ model: 'mistralai/mistral-small-2603', messages, ...body }),
      });
    const schema = openRouterSchema();
    expect(schema.problems('ChatResult', await (await send({})).json())).toEqual([]);
    expect(
      schema.problems('ChatResult', await (await send({ tools: [weather], tool_choice: 'required' })).json()),
    ).toEqual([]);
    const text = await (await send({ stream: true, reasoning: { effort: 'high' } })).text();
    const chunks = [...text.matchAll(/^data: (\{.*)$/gm)].map(([, json]) => JSON.parse(json ?? ''));
    expect(chunks.length).toBeGreaterThan(10);
    for (const chunk of chunks) expect(schema.problems('ChatStreamChunk', chunk)).toEqual([]);
  });
});
