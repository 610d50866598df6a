import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { Ollama } from 'ollama';
import OpenAI from 'openai';
import { type OfficialClient, officialClients } from '../support/clients.ts';
import { everyWire, modelAt, WIRE_HOSTS } from '../support/every-wire.ts';

/** Every client over every wire: nobody's program needs to know who answers. */

let running: Awaited<ReturnType<typeof everyWire>>;
let clients: ReadonlyMap<string, OfficialClient>;
beforeAll(async () => {
  running = await everyWire();
  clients = new Map(officialClients(running.gateway).map((client) => [client.name, client]));
});
afterAll(() => running.stop());

/** Their names are needed before there is a gateway. */
const NAMES = officialClients({ url: 'http://x', api: 'http://x/api/v1', key: 'x' } as never).map(({ name }) => name);

/** Clients that have no member for thoughts. */
const THOUGHTLESS: ReadonlySet<string> = new Set(['ai, @ai-sdk/openai chat', 'langchain, ChatOpenAI']);

for (const name of NAMES) {
  describe(name, () => {
    const client = (): OfficialClient => clients.get(name) as OfficialClient;
    for (const host of WIRE_HOSTS) {
      const model = modelAt(host);
      test(`over ${host.id}: text, whole and streamed, with its count`, async () => {
        for (const how of ['whole', 'stream'] as const) {
          const { text, output } = await client()[how](model, 'Tell me about the Rhine');
          expect(text).toContain('Rhine');
          if (output !== undefined) expect(output).toBeGreaterThan(10);
        }
      });

      if (!host.lacks.has('tools'))
        test(`over ${host.id}: a tool runs and its result is read, whole and streamed`, async () => {
          for (const stream of [false, true]) {
            const cities: string[] = [];
            const run = (city: string): string => {
              cities.push(city);
              return `Sunny in ${city}, 23 degrees`;
            };
            const { text } = await client().tools(model, 'What is the weather in Paris?', stream, run);
            expect(cities).toEqual(['Paris']);
            expect(text).toContain('Sunny in Paris, 23 degrees');
          }
        });

      if (!host.lacks.has('thoughts'))
        test(`over ${host.id}: thoughts apart from the text, whole and streamed`, async () => {
          for (const stream of [false, true]) {
            const { text, thought } = await client().think(model, 'Think about the Rhine', stream);
            expect(text).toContain('Rhine');
            if (THOUGHTLESS.has(name)) continue;
            expect(thought).toContain('The prompt asks');
            expect(text).not.toContain('The prompt asks');
          }
        });
    }
  });
}

describe('hosts without a gateway between', () => {
  const prompt = 'Tell me about the Rhine';

  test('Ollama’s, read by its client: lines, thoughts and calls', async () => {
    const client = new Ollama({ host: running.base('ollama-chat'), headers: { authorization: 'Bearer any' } });
    const messages = [{ role: 'user', content: prompt }];
    const whole = await client.chat({ model: 'm', messages, think: true });
    expect(whole.message.content).toContain('Rhine');
    expect(whole.message.thinking).toContain('The prompt asks');
    expect(whole).toMatchObject({ done: true, done_reason: 'stop' });
    let [text, lines] = ['', 0];
    for await (const line of await client.chat({ model: 'm', messages, stream: true })) {
      text += line.message.content;
      lines += 1;
    }
    expect(text).toContain('Rhine');
    expect(lines).toBeGreaterThan(5);
    const parameters = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
    const tools = [{ type: 'function', function: { name: 'get_weather', description: 'Weather', parameters } }];
    const called = await client.chat({
      model: 'm',
      messages: [{ role: 'user', content: 'The weather in Paris?' }],
      tools,
    });
    expect(called.message.tool_calls?.[0]?.function).toMatchObject({
      name: 'get_weather',
      arguments: { city: 'Paris' },
    });
  });

  test('of responses, read by OpenAI’s client', async () => {
    const client = new OpenAI({ baseURL: running.base('openai-responses'), apiKey: 'any', maxRetries: 0 });
    const whole = await client.responses.create({ model: 'm', input: prompt });
    expect(whole.output_text).toContain('Rhine');
    const stream = client.responses.stream({ model: 'm', input: prompt });
    expect((await stream.finalResponse()).output_text).toBe(whole.output_text);
  });
});
