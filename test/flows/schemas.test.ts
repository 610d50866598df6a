import { afterAll, beforeAll, beforeEach, expect, test } from 'bun:test';
import OpenAI from 'openai';
import { RunningGateway } from '../support/gateway.ts';
import {
  chunk,
  DONE,
  type Reply,
  readFrames,
  ScriptedUpstream,
  stream,
  usageChunk,
  whole,
} from '../support/upstream.ts';

/** A schema where hosts promise JSON and no more: it stands in the prompt, and nobody sees an answer that does not conform. */

type Json = Record<string, any>;

let first: ScriptedUpstream;
let second: ScriptedUpstream;
let gateway: RunningGateway;
beforeAll(async () => {
  first = new ScriptedUpstream();
  second = new ScriptedUpstream();
  const row = (model: string, parameters: string): string =>
    `{ model: ${model}, upstream_model: m, supported_parameters: [${parameters}], pricing: { prompt: "0.000001", completion: "0.000001" } }`;
  const plain = 'max_tokens, temperature, response_format';
  gateway = await RunningGateway.start({
    config: `
providers:
  one:
    base_url: ${first.base}
    endpoints: [${row('lab/both', plain)}, ${row('lab/single', plain)}, ${row('lab/strict', 'structured_outputs')}]
  two: { base_url: ${second.base}, endpoints: [${row('lab/both', plain)}] }
`,
  });
});
afterAll(async () => {
  await gateway.stop();
  await first.stop();
  await second.stop();
});

const schema = {
  type: 'object',
  properties: { city: { type: 'string', pattern: '^[A-Z]' }, people: { type: 'integer', minimum: 1 } },
  required: ['city', 'people'],
  additionalProperties: false,
};
const response_format = { type: 'json_schema', json_schema: { name: 'place', schema, strict: true } };
const RIGHT = '{"city":"Cologne","people":1000000}';
const WRONG = ['{"city":"Cologne"}', '{"city":"cologne","people":1}', '{"city":"Cologne","people":0}', 'Cologne', ''];

const answers =
  (...texts: readonly string[]): Reply =>
  ({ body }) => {
    const text = texts[Math.min(calls++, texts.length - 1)] ?? '';
    if (!body.stream) return whole(text);
    const pieces = (text.match(/.{1,5}/gs) ?? []).map((piece) => chunk({ content: piece }));
    return stream(chunk({ role: 'assistant', content: '' }), ...pieces, chunk({}, 'stop'), usageChunk(), DONE);
  };
let calls = 0;
beforeEach(() => {
  calls = 0;
  first.received.length = 0;
  second.received.length = 0;
});

const messages = [{ role: 'user', content: 'Where?' }];
const order = { order: ['one', 'two'] };
const ask = (body: Json): Promise<Response> =>
  gateway.post({ model: 'lab/both', messages, response_format, provider: order, ...body });
const contentOf = (text: string): string =>
  readFrames(text)
    .data.map((one) => one.choices[0]?.delta?.content ?? '')
    .join('');

test('UP-073 the host is asked for JSON, the schema stands in the prompt, and the caller is told of it', async () => {
  first.reply = answers(RIGHT);
  const response = await ask({ messages: [{ role: 'system', content: 'Be brief.' }, ...messages] });
  expect((await response.json()).choices[0].message.content).toBe(RIGHT);
  const { body } = first.last;
  expect(body.response_format).toEqual({ type: 'json_object' });
  const [system, user] = body.messages as Json[];
  expect(JSON.stringify(system)).toContain('Be brief.');
  expect(JSON.stringify(system)).toContain(JSON.stringify(JSON.stringify(schema)).slice(1, -1));
  expect(user).toEqual({ role: 'user', content: 'Where?' });
  expect(response.headers.get('x-turnpike-dropped')).toBe('/response_format;adapted');
  // Hosts that know schemas are told in their own words, and what they answer is theirs to answer for.
  first.reply = answers('{}');
  const strict = await ask({ model: 'lab/strict' });
  expect((await strict.json()).choices[0].message.content).toBe('{}');
  expect(first.last.body.response_format).toEqual(response_format);
});

test('UP-073 an answer that does not conform is never seen: the next host answers, streamed or whole', async () => {
  second.reply = answers(RIGHT);
  for (const wrong of WRONG) {
    first.reply = answers(wrong);
    for (const streamed of [true, false]) {
      calls = 0;
      const before = [first.received.length, second.received.length];
      second.reply = () => answers(RIGHT)({ body: { stream: streamed } } as never);
      const response = await ask({ stream: streamed });
      const text = await response.text();
      expect(response.status).toBe(200);
      expect(streamed ? contentOf(text) : JSON.parse(text).choices[0].message.content).toBe(RIGHT);
      expect(text).toContain('"provider":"two"');
      expect([first.received.length, second.received.length]).toEqual(before.map((count) => count + 1));
    }
  }
});

test('UP-073 a host without another is asked a second time, and then there is an error with its status', async () => {
  for (const streamed of [true, false]) {
    calls = 0;
    first.reply = answers(WRONG[0] ?? '', RIGHT);
    const saved = await ask({ model: 'lab/single', stream: streamed });
    const text = await saved.text();
    expect(streamed ? contentOf(text) : JSON.parse(text).choices[0].message.content).toBe(RIGHT);
    expect(calls).toBe(2);

    calls = 0;
    first.reply = answers(WRONG[0] ?? '');
    second.reply = answers(WRONG[1] ?? '');
    for (const [model, asked] of [
      ['lab/single', 2],
      ['lab/both', 2],
    ] as const) {
      calls = 0;
      const lost = await ask({ model, stream: streamed });
      expect([lost.status, calls]).toEqual([502, asked]);
      const { error } = (await lost.json()) as Json;
      expect(error.message).toContain('schema');
      const { data } = (await (
        await gateway.get(`/generation?id=${lost.headers.get('x-generation-id')}`)
      ).json()) as Json;
      expect([data.total_cost, data.provider_responses.length]).toEqual([0, 2]);
    }
  }
});

test('what was cut off claims to be no value, and a pattern that could hold everybody up is not tried', async () => {
  first.reply = () => whole('{"city":"Col', { finish_reason: 'length' });
  const cut = await (await ask({ model: 'lab/single' })).json();
  expect([cut.choices[0].message.content, cut.choices[0].finish_reason]).toEqual(['{"city":"Col', 'length']);

  const slow = { type: 'object', properties: { city: { type: 'string', pattern: '^((a+)b?)+$' } } };
  first.reply = () => whole(JSON.stringify({ city: `${'a'.repeat(60)}!` }));
  const began = performance.now();
  const format = { type: 'json_schema', json_schema: { name: 'slow', schema: slow } };
  expect((await ask({ model: 'lab/single', response_format: format })).status).toBe(200);
  expect(performance.now() - began).toBeLessThan(2000);
});

test('UP-073 the openai client parses what it gets', async () => {
  first.reply = answers(WRONG[2] ?? '', RIGHT);
  const client = new OpenAI({ baseURL: gateway.api, apiKey: gateway.key, maxRetries: 0 });
  const completion = await client.chat.completions.parse({
    model: 'lab/single',
    messages: [{ role: 'user', content: 'Where?' }],
    response_format: response_format as never,
  });
  expect(completion.choices[0]?.message.parsed as unknown).toEqual(JSON.parse(RIGHT));
});
