import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FunctionCallingConfigMode, GoogleGenAI, Type } from '@google/genai';
import { RunningGateway } from '../support/gateway.ts';

/** Google's client, unmodified: against this gateway for any model, and against the sandbox host that speaks its wire. */

type Json = Record<string, any>;

let gateway: RunningGateway;
beforeAll(async () => {
  gateway = await RunningGateway.start();
});
afterAll(() => gateway.stop());

const ours = (): GoogleGenAI => new GoogleGenAI({ apiKey: gateway.key, httpOptions: { baseUrl: gateway.url } });
const host = (): GoogleGenAI =>
  new GoogleGenAI({ apiKey: 'AIza-any', httpOptions: { baseUrl: gateway.host('google-ai-studio') } });

const weather = {
  name: 'get_weather',
  description: 'The weather in a city',
  parameters: { type: Type.OBJECT, properties: { city: { type: Type.STRING } }, required: ['city'] },
};
const picture = readFileSync(join(import.meta.dir, '..', 'support', 'picture-7x3.png')).toString('base64');

for (const [where, client, model] of [
  ['the gateway, a model of another lab', ours, 'mistralai/mistral-small-2603'],
  ['the gateway, the maker’s own model', ours, 'google/gemini-2.5-flash'],
  ['the sandbox host', host, 'gemini-2.5-flash'],
] as const) {
  describe(`@google/genai against ${where}`, () => {
    test('generates', async () => {
      const answer = await client().models.generateContent({
        model,
        contents: 'Tell me about the Rhine',
        config: { systemInstruction: 'You are brief.', maxOutputTokens: 300 },
      });
      expect(answer.text).toContain('Rhine');
      expect(answer.candidates?.[0]?.finishReason).toBe('STOP' as never);
      expect(answer.usageMetadata?.promptTokenCount).toBeGreaterThan(5);
      expect(answer.usageMetadata?.candidatesTokenCount).toBeGreaterThan(5);
    });

    test('streams in pieces', async () => {
      const stream = await client().models.generateContentStream({ model, contents: 'Tell me about the Rhine' });
      let [text, chunks] = ['', 0];
      let finish: unknown;
      for await (const chunk of stream) {
        text += chunk.text ?? '';
        chunks += 1;
        finish = chunk.candidates?.[0]?.finishReason ?? finish;
      }
      expect(text).toContain('Rhine');
      expect(chunks).toBeGreaterThan(3);
      expect(finish).toBe('STOP');
    });

    test('INF-035 calls a function, and goes on from its result', async () => {
      const config = {
        tools: [{ functionDeclarations: [weather] }],
        toolConfig: { functionCallingConfig: { mode: FunctionCallingConfigMode.ANY } },
      };
      const question = { role: 'user', parts: [{ text: 'The weather in Basel?' }] };
      const answer = await client().models.generateContent({ model, contents: [question], config });
      const call = answer.functionCalls?.[0];
      expect(call?.name).toBe('get_weather');
      expect(typeof call?.args?.city).toBe('string');
      const result = { functionResponse: { id: call?.id ?? '', name: 'get_weather', response: { output: 'Sunny' } } };
      const next = await client().models.generateContent({
        model,
        contents: [question, answer.candidates?.[0]?.content ?? {}, { role: 'user', parts: [result] }],
        config: {
          tools: config.tools,
          toolConfig: { functionCallingConfig: { mode: FunctionCallingConfigMode.NONE } },
        },
      });
      expect(next.text?.length).toBeGreaterThan(0);
    });

    test('answers in JSON after a schema in its own words', async () => {
      const answer = await client().models.generateContent({
        model,
        contents: 'When and where?',
        config: {
          responseMimeType: 'application/json',
          responseSchema: {
            type: Type.OBJECT,
            properties: { year: { type: Type.INTEGER }, town: { type: Type.STRING, enum: ['Basel', 'Bern'] } },
            required: ['year', 'town'],
          },
        },
      });
      const out = JSON.parse(answer.text ?? '') as Json;
      expect(Number.isInteger(out.year)).toBe(true);
      expect(['Basel', 'Bern']).toContain(out.town);
    });

    test('shows thoughts to those who ask, and only to them', async () => {
      const ask = (includeThoughts: boolean) =>
        client().models.generateContent({
          model,
          contents: 'Tell me about the Rhine',
          config: { thinkingConfig: { thinkingBudget: 2000, includeThoughts } },
        });
      const thoughts = (answer: Awaited<ReturnType<typeof ask>>): number =>
        answer.candidates?.[0]?.content?.parts?.filter(({ thought }) => thought).length ?? 0;
      const shown = await ask(true);
      expect(thoughts(shown)).toBe(1);
      expect(shown.usageMetadata?.thoughtsTokenCount).toBeGreaterThan(5);
      expect(thoughts(await ask(false))).toBe(0);
    });

    test('reads a picture', async () => {
      const answer = await client().models.generateContent({
        model,
        contents: [{ inlineData: { mimeType: 'image/png', data: picture } }, { text: 'What is this?' }],
      });
      expect(answer.text).toMatch(/7.{1,3}3/);
    });
  });
}

describe('over this gateway', () => {
  test('tokens are counted', async () => {
    const model = 'google/gemini-2.5-flash';
    const { totalTokens } = await ours().models.countTokens({ model, contents: 'Hi there. '.repeat(100) });
    expect(totalTokens).toBeGreaterThan(200);
  });

  test('errors have Google’s form, and the key may stand in the address', async () => {
    const url = `${gateway.url}/v1beta/models/google/gemini-2.5-flash:generateContent`;
    const post = async (address: string, body: Json): Promise<{ status: number; body: Json }> => {
      const response = await fetch(address, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      return { status: response.status, body: (await response.json()) as Json };
    };
    const contents = [{ role: 'user', parts: [{ text: 'Hi' }] }];
    expect(await post(url, { contents })).toMatchObject({
      status: 401,
      body: { error: { status: 'UNAUTHENTICATED' } },
    });
    expect((await post(`${url}?key=${gateway.key}`, { contents })).status).toBe(200);
    expect(await post(`${url}?key=${gateway.key}`, { contents: [] })).toMatchObject({
      status: 400,
      body: { error: { code: 400, status: 'INVALID_ARGUMENT' } },
    });
    const none = `${gateway.url}/v1beta/models/google/none:generateContent?key=${gateway.key}`;
    expect((await post(none, { contents })).body.error.message).toContain('google/none');
  });

  test('the models can be listed', async () => {
    const names: string[] = [];
    for await (const { name } of await ours().models.list()) names.push(name ?? '');
    expect(names).toContain('models/mistralai/mistral-small-2603');
  });
});
