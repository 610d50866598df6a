import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { RunningGateway } from '../support/gateway.ts';
import { chunk, customProvider, DONE, ScriptedUpstream, stream, usageChunk, whole } from '../support/upstream.ts';

/** JSON that a host writes badly, over sockets: what the caller is given, and what is told of it. */

const upstream = new ScriptedUpstream();
let gateway: RunningGateway;

beforeAll(async () => {
  const plain = `      - { model: lab/plain, upstream_model: plain, context_length: 100000, max_completion_tokens: 10000, supported_parameters: [max_tokens, response_format], pricing: { prompt: "0.000001", completion: "0.000002" } }`;
  gateway = await RunningGateway.start({ config: customProvider(upstream.base, plain) });
}, 60_000);
afterAll(async () => {
  await gateway.stop();
  await upstream.stop();
});

const HEALING = { plugins: [{ id: 'response-healing' }] };
const FORMS = {
  json_object: { type: 'json_object' },
  json_schema: { type: 'json_schema', json_schema: { name: 'x', schema: { type: 'object' } } },
};

async function asked(said: string, body: object = {}, more: object = {}): Promise<Record<string, any>> {
  upstream.reply = () => whole(said, more as Record<string, unknown>);
  const response = await gateway.post(
    {
      model: 'lab/one',
      messages: [{ role: 'user', content: 'hi' }],
      response_format: FORMS.json_object,
      ...HEALING,
      ...body,
    },
    { 'x-openrouter-metadata': 'Enabled' },
  );
  return response.json();
}
const contentOf = (answer: Record<string, any>): string => answer.choices[0].message.content;

describe('response healing', () => {
  test.each([
    ['missing closers', '{"a": [1, {"b": 2}'],
    ['a fence', '```json\n{"a": [1, {"b": 2}]}\n```'],
    ['prose', 'Here you go: {"a": [1, {"b": 2}]} Enjoy!'],
    ['trailing commas', '{"a": [1, {"b": 2,},],}'],
    ['bare keys', '{a: [1, {b: 2}]}'],
  ])('INF-361 mends %s', async (_, said) => {
    for (const mode of ['json_object', 'json_schema'] as const) {
      const answer = await asked(said, { response_format: FORMS[mode] });
      expect(JSON.parse(contentOf(answer))).toEqual({ a: [1, { b: 2 }] });
      expect(answer.openrouter_metadata.pipeline).toEqual([
        {
          type: 'response_healing',
          name: 'response-healing',
          summary: expect.any(String),
          data: { mode, improved: true, original_length: said.length, healed_length: contentOf(answer).length },
        },
      ]);
    }
  });

  test('INF-361 skips streams, requests for no JSON, and requests without the plugin', async () => {
    const said = '{a: 1,}';
    upstream.reply = () => stream(chunk({ content: said }), chunk({}, 'stop'), usageChunk(), DONE);
    const body = { model: 'lab/one', messages: [{ role: 'user', content: 'hi' }], stream: true };
    const text = await (await gateway.post({ ...body, ...HEALING, response_format: FORMS.json_object })).text();
    expect(text).toContain(JSON.stringify(said));
    for (const plain of [
      { response_format: undefined },
      { plugins: undefined },
      { plugins: [{ id: 'response-healing', enabled: false }] },
    ]) {
      const answer = await asked(said, plain);
      expect(contentOf(answer)).toBe(said);
      expect(answer.openrouter_metadata.pipeline).toBeUndefined();
    }
  });

  test('INF-362 leaves alone what was cut off, and what is JSON already', async () => {
    const cut = await asked('{"a": [1, 2', {}, { finish_reason: 'length' });
    expect(contentOf(cut)).toBe('{"a": [1, 2');
    const valid = await asked(' {"a":\t1 }\n');
    expect(contentOf(valid)).toBe(' {"a":\t1 }\n');
    const prose = await asked('I would rather not.');
    expect(contentOf(prose)).toBe('I would rather not.');
    for (const answer of [cut, valid, prose]) expect(answer.openrouter_metadata.pipeline).toBeUndefined();
  });

  test('arguments of tools are left alone', async () => {
    const call = { id: 'c', type: 'function', function: { name: 'f', arguments: '{a: 1,}' } };
    const tools = [{ type: 'function', function: { name: 'f', parameters: { type: 'object' } } }];
    const answer = await asked('', { tools }, { message: { tool_calls: [call] }, finish_reason: 'tool_calls' });
    expect(answer.choices[0].message.tool_calls[0].function.arguments).toBe('{a: 1,}');
  });

  test('a host that knows no schemas is not given up for what can be mended', async () => {
    const form = { type: 'json_schema', json_schema: { name: 'x', schema: { type: 'object', required: ['a'] } } };
    const answer = await asked('```json\n{a: 1}\n```', { model: 'lab/plain', response_format: form });
    expect(contentOf(answer)).toBe('{"a":1}');
    const without = await asked('```json\n{a: 1}\n```', { model: 'lab/plain', response_format: form, plugins: [] });
    expect(without.error).toBeDefined();
  });

  test('the same on the other wires', async () => {
    upstream.reply = () => whole('{a: 1,}');
    const post = async (path: string, body: object): Promise<string> => {
      const headers = { authorization: `Bearer ${gateway.key}`, 'content-type': 'application/json' };
      const response = await fetch(`${gateway.api}${path}`, {
        method: 'POST',
        headers: { ...headers, 'x-openrouter-metadata': 'enabled' },
        body: JSON.stringify({ model: 'lab/one', ...HEALING, ...body }),
      });
      return response.text();
    };
    const format = { type: 'json_schema', name: 'x', schema: { type: 'object' } };
    const responses = await post('/responses', { input: 'hi', text: { format } });
    const messages = await post('/messages', {
      max_tokens: 50,
      messages: [{ role: 'user', content: 'hi' }],
      output_config: { format },
    });
    for (const text of [responses, messages]) {
      expect(text).toContain(JSON.stringify('{"a":1}'));
      expect(JSON.parse(text).openrouter_metadata.pipeline[0].type).toBe('response_healing');
    }
  });
});
