import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import OpenAI from 'openai';
import { zodTextFormat } from 'openai/helpers/zod';
import { z } from 'zod';
import { RunningGateway } from '../support/gateway.ts';

/** OpenAI's responses, by OpenAI's client: from this gateway, and from a gateway that has this one for a provider of that wire. */

type Json = Record<string, any>;

const MODEL = 'mistralai/mistral-small-2603';
let gateway: RunningGateway;
let second: RunningGateway;
beforeAll(async () => {
  gateway = await RunningGateway.start();
  second = await RunningGateway.start({
    config: `
providers:
  behind:
    dialect: openai-responses
    base_url: ${gateway.api}
    api_key: ${gateway.key}
    endpoints:
      - { model: ${MODEL}, upstream_model: ${MODEL}, context_length: 128000 }
      - { model: anthropic/claude-opus-4.6, upstream_model: anthropic/claude-opus-4.6, context_length: 128000 }
`,
  });
});
afterAll(async () => {
  await second.stop();
  await gateway.stop();
});

const weather: OpenAI.Responses.FunctionTool = {
  type: 'function',
  name: 'get_weather',
  parameters: {
    type: 'object',
    properties: { city: { type: 'string' } },
    required: ['city'],
    additionalProperties: false,
  },
  strict: true,
};

for (const [where, running] of [
  ['one gateway', () => gateway],
  ['a gateway before a gateway', () => second],
] as const) {
  const client = (): OpenAI => new OpenAI({ baseURL: running().api, apiKey: running().key, maxRetries: 0 });

  describe(`openai's responses from ${where}`, () => {
    test('INF-275 INF-280 text for a text, with every key a client wants', async () => {
      const response = await client().responses.create({
        model: MODEL,
        instructions: 'You are brief.',
        input: 'Tell me about the Rhine',
      });
      expect(response.output_text).toContain('Rhine');
      expect(response).toMatchObject({
        object: 'response',
        status: 'completed',
        error: null,
        incomplete_details: null,
        tools: [],
        tool_choice: 'auto',
        parallel_tool_calls: true,
        temperature: null,
      });
      const required = [
        ...['id', 'object', 'created_at', 'completed_at', 'status', 'error', 'incomplete_details', 'instructions'],
        ...['metadata', 'model', 'output', 'parallel_tool_calls', 'tool_choice', 'tools', 'temperature', 'top_p'],
        ...['frequency_penalty', 'presence_penalty'],
      ];
      expect(required.filter((key) => !(key in response))).toEqual([]);
      expect(response.usage?.input_tokens_details.cached_tokens).toBe(0);
      expect(response.usage?.output_tokens_details.reasoning_tokens).toBe(0);
      expect(response.usage?.total_tokens).toBe(
        (response.usage?.input_tokens ?? 0) + (response.usage?.output_tokens ?? 0),
      );
    });

    test('INF-284 INF-285 INF-290 a stream in its order, with everything in its last event', async () => {
      const stream = client().responses.stream({ model: MODEL, input: 'Tell me about the Rhine' });
      const types: string[] = [];
      const numbers: number[] = [];
      let text = '';
      for await (const event of stream) {
        if (types.at(-1) !== event.type) types.push(event.type);
        numbers.push(event.sequence_number);
        if (event.type === 'response.output_text.delta') text += event.delta;
      }
      expect(types).toEqual([
        'response.created',
        'response.in_progress',
        'response.output_item.added',
        'response.content_part.added',
        'response.output_text.delta',
        'response.output_text.done',
        'response.content_part.done',
        'response.output_item.done',
        'response.completed',
      ]);
      expect(numbers).toEqual(numbers.map((_, index) => index));
      const final = await stream.finalResponse();
      expect(final.output_text).toBe(text);
      expect(final.usage?.output_tokens).toBeGreaterThan(5);
    });

    test('INF-286 a call, its arguments in pieces, and its result', async () => {
      const input: OpenAI.Responses.ResponseInput = [{ role: 'user', content: 'The weather in Basel?' }];
      const stream = client().responses.stream({ model: MODEL, input, tools: [weather], tool_choice: 'required' });
      let pieces = '';
      const done: (readonly [string, string])[] = [];
      for await (const event of stream) {
        if (event.type === 'response.function_call_arguments.delta') pieces += event.delta;
        if (event.type === 'response.function_call_arguments.done') done.push([event.name, event.arguments]);
      }
      expect(done).toEqual([['get_weather', pieces]]);
      const first = await stream.finalResponse();
      const call = first.output.find((item) => item.type === 'function_call');
      expect(call).toMatchObject({ name: 'get_weather', arguments: pieces });
      expect(typeof JSON.parse(pieces).city).toBe('string');
      const next = await client().responses.create({
        model: MODEL,
        tools: [weather],
        tool_choice: 'none',
        input: [
          ...input,
          ...(first.output as OpenAI.Responses.ResponseInputItem[]),
          { type: 'function_call_output', call_id: call?.call_id ?? '', output: 'Sunny' },
        ],
      });
      expect(next.output_text).not.toBe('');
    });

    test('INF-279 JSON after a schema', async () => {
      const form = z.object({ town: z.string(), year: z.number().int() });
      const response = await client().responses.parse({
        model: MODEL,
        input: 'When and where?',
        text: { format: zodTextFormat(form, 'answer') },
      });
      expect(Number.isInteger(response.output_parsed?.year)).toBe(true);
    });

    test('thoughts are an item of their own, before the text', async () => {
      const response = await client()
        .responses.stream({ model: MODEL, input: 'Tell me about the Rhine', reasoning: { effort: 'high' } })
        .finalResponse();
      expect(response.output.map(({ type }) => type)).toEqual(['reasoning', 'message']);
      expect(JSON.stringify(response.output[0])).toMatch(/reasoning_text|summary_text/);
      expect(response.usage?.output_tokens_details.reasoning_tokens).toBeGreaterThan(5);
    });

    test('INF-281 a limit makes it incomplete', async () => {
      const response = await client().responses.create({ model: MODEL, input: 'The Rhine', max_output_tokens: 16 });
      expect(response).toMatchObject({
        status: 'incomplete',
        incomplete_details: { reason: 'max_output_tokens' },
      });
    });
  });
}

const post = async (body: Json): Promise<{ status: number; body: Json }> => {
  const response = await fetch(`${gateway.api}/responses`, {
    method: 'POST',
    headers: { authorization: `Bearer ${gateway.key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: MODEL, input: 'Hi', ...body }),
  });
  return { status: response.status, body: (await response.json()) as Json };
};

test('INF-276 nothing is stored, so nothing can be gone back to', async () => {
  for (const [body, says] of [
    [{ store: true }, /store/],
    [{ previous_response_id: 'resp_1' }, /previous_response_id/],
    [{ background: true }, /background/],
    [{ prompt: { id: 'p' } }, /prompt/],
    [{ input: [{ type: 'item_reference', id: 'msg_1' }] }, /item_reference|stored/],
  ] as const) {
    const { status, body: answer } = await post(body);
    expect([status, answer.error_type]).toEqual([400, 'invalid_request']);
    expect(answer.error.message).toMatch(says);
  }
  expect((await post({ store: false, previous_response_id: null })).status).toBe(200);
});

test('items nobody knows are left out', async () => {
  const { status } = await post({
    input: [
      { type: 'web_search_call', id: 'ws_1', status: 'completed' },
      { role: 'user', content: 'Hi' },
    ],
  });
  expect(status).toBe(200);
});

test('INF-292 names of users and sessions have their limits', async () => {
  for (const body of [
    { user: 'u'.repeat(257) },
    { safety_identifier: 'u'.repeat(257) },
    { session_id: 's'.repeat(257) },
  ])
    expect((await post(body)).status).toBe(400);
});

test('INF-288 a stream that fails ends with response.failed and nothing but its marker', async () => {
  for (const host of ['mistral', 'openrouter', 'nvidia']) await gateway.fault(host, { fault: 'truncate' });
  const response = await fetch(`${gateway.api}/responses`, {
    method: 'POST',
    headers: { authorization: `Bearer ${gateway.key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: MODEL, input: 'About the Rhine', stream: true }),
  });
  const frames = (await response.text()).trimEnd().split('\n\n');
  await gateway.clearFaults();
  expect(frames.at(-1)).toBe('data: [DONE]');
  const failed = JSON.parse(frames.at(-2)?.split('\ndata: ')[1] ?? '{}') as Json;
  expect(failed).toMatchObject({ type: 'response.failed', response: { status: 'failed' } });
  expect(failed.response.error_type).toMatch(/\w/);
  expect(failed.response.error.message).toMatch(/\w/);
});

test('thoughts in the place of a summary keep their signature, and go back to their maker with it', async () => {
  const ask = async (input: unknown): Promise<{ readonly body: Json; readonly dropped: string | null }> => {
    const response = await fetch(`${gateway.api}/responses`, {
      method: 'POST',
      headers: { authorization: `Bearer ${gateway.key}`, 'content-type': 'application/json' },
      body: JSON.stringify({
        model: 'anthropic/claude-opus-4.6',
        provider: { only: ['anthropic'] },
        input,
        tools: [weather],
        max_output_tokens: 4000,
        reasoning: { effort: 'high', summary: 'auto' },
      }),
    });
    return { body: (await response.json()) as Json, dropped: response.headers.get('x-turnpike-dropped') };
  };
  const user = { role: 'user', content: 'What is the weather in Paris?' };
  const { body: first } = await ask([user]);
  const [thought, call] = first.output;
  expect(thought.summary[0].text).toContain('The prompt asks');
  expect(thought.content ?? []).toEqual([]);
  const result = { type: 'function_call_output', call_id: call.call_id, output: 'Sunny, 23 degrees' };
  const { body: second, dropped } = await ask([user, thought, call, result]);
  expect(JSON.stringify(second.output)).toContain('Sunny, 23 degrees');
  expect(dropped ?? '').not.toMatch(/input|messages|reasoning/);
  // The host knows its signatures again: another thought under this one is refused.
  const changed = { ...thought, summary: [{ type: 'summary_text', text: 'Something else' }] };
  expect((await ask([user, changed, call, result])).body.error).toBeDefined();
});
