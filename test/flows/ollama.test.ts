import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { Ollama } from 'ollama';
import { RunningGateway } from '../support/gateway.ts';

/** Programs that only know Ollama, unmodified, over a socket. */

const MODEL = 'mistralai/mistral-small-2603';

let gateway: RunningGateway;
let client: Ollama;
beforeAll(async () => {
  gateway = await RunningGateway.start();
  client = new Ollama({ host: gateway.url, headers: { authorization: `Bearer ${gateway.key}` } });
});
afterAll(() => gateway.stop());

const messages = [{ role: 'user', content: 'Tell me about the Rhine' }];
const tools = [
  {
    type: 'function',
    function: {
      name: 'get_weather',
      description: 'The weather',
      parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
    },
  },
];

describe('the client of Ollama', () => {
  test('chats, whole and streamed, and both are metered', async () => {
    const whole = await client.chat({ model: MODEL, messages });
    expect(whole.message.content).toContain('Rhine');
    expect(whole.done_reason).toBe('stop');
    expect(whole.prompt_eval_count).toBeGreaterThan(5);
    let text = '';
    let last: Awaited<ReturnType<typeof client.chat>> | undefined;
    for await (const part of await client.chat({ model: `${MODEL}:latest`, messages, stream: true })) {
      text += part.message.content;
      last = part;
    }
    expect(text).toContain('Rhine');
    expect(last).toMatchObject({ done: true, done_reason: 'stop' });
    const { id } = last as unknown as { id: string };
    const record = await gateway.json(`/generation?id=${id}`);
    expect(record.data).toMatchObject({ model: MODEL, streamed: true, native_finish_reason: expect.anything() });
  });

  test('calls tools and gives their results back', async () => {
    const asked = [{ role: 'user', content: 'The weather in Basel?' }];
    const { message } = await client.chat({ model: MODEL, messages: asked, tools });
    const [call] = message.tool_calls ?? [];
    expect(call?.function.name).toBe('get_weather');
    expect(typeof call?.function.arguments.city).toBe('string');
    const answer = await client.chat({
      model: MODEL,
      messages: [...asked, message, { role: 'tool', tool_name: 'get_weather', content: '{"sky":"clear"}' }],
      tools,
    });
    expect(answer.message.content.length).toBeGreaterThan(5);
  });

  test('thinks where asked to, and answers after a schema', async () => {
    const { message } = await client.chat({ model: MODEL, messages, think: true });
    expect(message.thinking?.length).toBeGreaterThan(10);
    const format = { type: 'object', properties: { year: { type: 'integer' } }, required: ['year'] };
    const formed = await client.chat({ model: MODEL, messages, format });
    expect(Number.isInteger((JSON.parse(formed.message.content) as { year: number }).year)).toBe(true);
  });

  test('completes a text', async () => {
    const whole = await client.generate({ model: MODEL, prompt: 'Tell me about the Rhine', system: 'Be brief.' });
    expect(whole.response).toContain('Rhine');
    let text = '';
    for await (const part of await client.generate({ model: MODEL, prompt: 'About the Rhine', stream: true }))
      text += part.response;
    expect(text).toContain('Rhine');
  });

  test('lists models and shows one', async () => {
    const { models } = await client.list();
    expect(models.map(({ name }) => name)).toContain(MODEL);
    const shown = await client.show({ model: MODEL });
    expect(shown.capabilities).toEqual(expect.arrayContaining(['completion', 'tools']));
    await expect(client.show({ model: 'no/such' })).rejects.toThrow("model 'no/such' not found");
  });

  test('is told of an error in its own words', async () => {
    await expect(client.chat({ model: 'no/such', messages })).rejects.toThrow('no/such');
    const bad = await fetch(`${gateway.url}/api/chat`, { method: 'POST', body: '{"model":"m","messages":[]}' });
    expect(bad.status).toBe(401);
    expect(await bad.json()).toHaveProperty('error', expect.any(String));
  });
});
