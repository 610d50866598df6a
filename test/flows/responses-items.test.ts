import { afterAll, beforeAll, beforeEach, expect, test } from 'bun:test';
import { RunningGateway } from '../support/gateway.ts';
import { chunk, DONE, ScriptedUpstream, stream, usageChunk, whole } from '../support/upstream.ts';

/** OpenAI's responses, item by item: before hosts of its own wire and of the chat wire, which a test controls. */

type Json = Record<string, any>;

let chat: ScriptedUpstream;
let own: ScriptedUpstream;
let gateway: RunningGateway;
beforeAll(async () => {
  chat = new ScriptedUpstream();
  own = new ScriptedUpstream();
  const endpoint = (model: string): string =>
    `      - { model: ${model}, upstream_model: m, context_length: 100000, pricing: { prompt: "0.000001", completion: "0.000002" } }\n`;
  gateway = await RunningGateway.start({
    config: `providers:\n  talk:\n    base_url: ${chat.base}\n    endpoints:\n${endpoint('test/chat')}${endpoint('test/both')}  own:\n    dialect: openai-responses\n    base_url: ${own.base}\n    endpoints:\n${endpoint('test/own')}  spare:\n    base_url: ${chat.base}\n    endpoints:\n${endpoint('test/both')}`,
  });
});
afterAll(async () => {
  await gateway.stop();
  await chat.stop();
  await own.stop();
});
beforeEach(() => {
  chat.reply = () => whole('Hello');
  chat.received.length = 0;
});

const post = (body: Json): Promise<Response> =>
  fetch(`${gateway.api}/responses`, {
    method: 'POST',
    headers: { authorization: `Bearer ${gateway.key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'test/chat', input: 'Hi', ...body }),
  });
const ask = async (body: Json): Promise<Json> => {
  const response = await post(body);
  return {
    http: response.status,
    dropped: response.headers.get('x-turnpike-dropped'),
    ...((await response.json()) as Json),
  };
};
const events = async (body: Json): Promise<{ http: number; events: Json[]; text: string }> => {
  const response = await post({ ...body, stream: true });
  const text = await response.text();
  const data = text.match(/^data: \{.*$/gm)?.map((line) => JSON.parse(line.slice(6)) as Json) ?? [];
  return { http: response.status, events: data, text };
};

test('INF-277 every kind of input item is taken: what is said and called is told, what only its own host knows is named', async () => {
  const input = [
    { role: 'user', content: 'easy' },
    { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'strict' }] },
    {
      type: 'message',
      id: 'msg_1',
      status: 'completed',
      role: 'assistant',
      phase: 'commentary',
      content: [
        { type: 'output_text', text: 'said', annotations: [] },
        { type: 'refusal', refusal: 'refused' },
      ],
    },
    { type: 'function_call', call_id: 'c1', name: 'f', arguments: '{"x":1}' },
    { type: 'function_call_output', call_id: 'c1', output: 'without an id' },
    {
      type: 'function_call',
      id: 'fc_2',
      status: 'completed',
      call_id: 'c2',
      name: 'f',
      arguments: '{}',
      namespace: 'n',
    },
    {
      type: 'function_call_output',
      id: 'fco_2',
      status: 'completed',
      call_id: 'c2',
      output: [{ type: 'input_text', text: 'in parts' }],
    },
    { type: 'custom_tool_call', call_id: 'c3', name: 'patch', input: '*** Begin' },
    { type: 'custom_tool_call_output', call_id: 'c3', output: 'patched' },
    { type: 'reasoning', id: 'rs_1', summary: [{ type: 'summary_text', text: 'thought' }], encrypted_content: 'AAAA' },
    { role: 'developer', content: 'later' },
  ];
  const foreign = [
    'apply_patch_call apply_patch_call_output shell_call shell_call_output local_shell_call local_shell_call_output',
    'web_search_call file_search_call image_generation_call code_interpreter_call computer_call computer_call_output',
    'mcp_list_tools mcp_call mcp_approval_request compaction additional_tools agent_message openrouter:web_search openrouter:fusion',
  ].flatMap((names) => names.split(' '));
  const others = foreign.map((type) => ({
    type,
    id: `x_${type}`,
    call_id: 'x',
    status: 'completed',
    action: {},
    output: 'x',
  }));
  const answer = await ask({ input: [...input, ...others] });
  expect(answer.http).toBe(200);
  const { messages } = chat.last.body as Json;
  expect(messages.map(({ role }: Json) => role)).toEqual([
    'user',
    'user',
    'assistant',
    'tool',
    'assistant',
    'tool',
    'assistant',
    'tool',
    'assistant',
    'system',
  ]);
  const sent = JSON.stringify(messages);
  for (const text of ['easy', 'strict', 'said', 'refused', 'without an id', 'in parts', 'patched', 'later'])
    expect(sent).toContain(text);
  expect(messages[2].tool_calls[0]).toMatchObject({ id: 'c1', function: { name: 'f', arguments: '{"x":1}' } });
  expect(JSON.parse(messages[6].tool_calls[0].function.arguments)).toEqual({ input: '*** Begin' });
  for (const [index] of others.entries())
    expect(answer.dropped).toContain(`/input/${input.length + index};unknown-field`);
});

test('INF-278 flat functions and every way to choose among them', async () => {
  const tool = (name: string): Json => ({
    type: 'function',
    name,
    description: name,
    parameters: { type: 'object' },
    strict: true,
  });
  const tools = ['a', 'b', 'c'].map(tool);
  const told = async (tool_choice: unknown): Promise<unknown> => {
    const { http } = await ask({ tools, tool_choice });
    const { tools: sent, tool_choice: choice } = chat.last.body as Json;
    return [http, sent.map((one: Json) => one.function.name), choice];
  };
  const all = ['a', 'b', 'c'];
  for (const word of ['auto', 'none', 'required']) expect(await told(word)).toEqual([200, all, word]);
  expect((chat.last.body as Json).tools[0]).toEqual({
    type: 'function',
    function: { name: 'a', description: 'a', parameters: { type: 'object' }, strict: true },
  });
  expect(await told({ type: 'function', name: 'b' })).toEqual([
    200,
    all,
    { type: 'function', function: { name: 'b' } },
  ]);
  const allowed = (mode: string, ...names: string[]): Json => ({
    type: 'allowed_tools',
    mode,
    tools: names.map((name) => ({ type: 'function', name })),
  });
  expect(await told(allowed('auto', 'a', 'c'))).toEqual([200, ['a', 'c'], 'auto']);
  expect(await told(allowed('required', 'b'))).toEqual([200, ['b'], 'required']);
  const unknown = await ask({ tools, tool_choice: allowed('auto', 'd') });
  expect([unknown.http, unknown.error.message]).toEqual([400, expect.stringContaining('d')]);
  for (const type of ['web_search_preview', 'web_search_preview_2025_03_11', 'apply_patch', 'shell']) {
    const refused = await ask({ tools, tool_choice: { type } });
    expect([refused.http, refused.error.message]).toEqual([400, expect.stringContaining(`names ${type}`)]);
  }
});

test('INF-282 a prompt too long for its host makes an answer incomplete, and is no failure', async () => {
  const body = {
    error: { message: "This model's maximum context length is 8192 tokens.", code: 'context_length_exceeded' },
  };
  chat.reply = () => Response.json(body, { status: 400 });
  const expected = {
    object: 'response',
    status: 'incomplete',
    incomplete_details: { reason: 'max_output_tokens' },
    error: null,
    output: [],
  };
  const answer = await ask({});
  expect([answer.http, answer]).toEqual([200, expect.objectContaining(expected)]);
  const streamed = await events({});
  expect([streamed.http, streamed.events.map(({ type }) => type)]).toEqual([
    200,
    ['response.created', 'response.in_progress', 'response.incomplete'],
  ]);
  expect(streamed.events.at(-1)?.response).toMatchObject(expected);
  expect(streamed.events.map(({ sequence_number }) => sequence_number)).toEqual([0, 1, 2]);
  chat.reply = () => stream(chunk({ content: 'Half' }), `data: ${JSON.stringify(body)}\n\n`);
  const half = await events({});
  expect(half.events.at(-1)).toMatchObject({
    type: 'response.incomplete',
    response: { status: 'incomplete', output: [{ content: [{ text: 'Half' }] }] },
  });
  chat.reply = () => Response.json(body, { status: 400 });
  const plain = await gateway.post({ model: 'test/chat', messages: [{ role: 'user', content: 'Hi' }] });
  expect(plain.status).toBe(400);
  chat.reply = () => Response.json({ error: { message: 'no such field' } }, { status: 400 });
  expect((await ask({})).http).toBe(400);
});

const sealedItem = {
  type: 'reasoning',
  id: 'rs_1',
  summary: [
    { type: 'summary_text', text: 'First' },
    { type: 'summary_text', text: 'Second' },
  ],
  encrypted_content: 'AAAA',
};
const message = {
  type: 'message',
  id: 'msg_1',
  role: 'assistant',
  status: 'completed',
  content: [{ type: 'output_text', text: 'Hello', annotations: [] }],
};
const usage = {
  input_tokens: 10,
  output_tokens: 5,
  total_tokens: 15,
  input_tokens_details: { cached_tokens: 0 },
  output_tokens_details: { reasoning_tokens: 2 },
};
const completed = (output: readonly Json[]): Json => ({
  id: 'resp_1',
  object: 'response',
  model: 'm',
  status: 'completed',
  output,
  usage,
  error: null,
});

test('INF-283 sealed thoughts come back to who asks for them, and go to their maker as they came', async () => {
  own.reply = () => Response.json(completed([sealedItem, message]));
  const include = ['reasoning.encrypted_content'];
  const asked = await ask({ model: 'test/own', include, reasoning: { effort: 'high' } });
  expect(asked.output[0]).toMatchObject({ ...sealedItem, status: 'completed' });
  const unasked = await ask({ model: 'test/own', reasoning: { effort: 'high' } });
  expect(unasked.output[0]).toMatchObject({ type: 'reasoning', id: 'rs_1', summary: sealedItem.summary });
  expect(JSON.stringify(unasked)).not.toContain('AAAA');
  await ask({
    model: 'test/own',
    input: [{ role: 'user', content: 'Hi' }, ...asked.output, { role: 'user', content: 'And?' }],
  });
  const sent = (own.last.body as Json).input.find(({ type }: Json) => type === 'reasoning');
  expect(sent).toEqual(sealedItem);
});

test('INF-287 thoughts and what they come to have events of their own, each part with its number', async () => {
  const event = (type: string, more: Json): string => `event: ${type}\ndata: ${JSON.stringify({ type, ...more })}\n\n`;
  const at = { item_id: 'rs_1', output_index: 0 };
  const part = (summary_index: number, text: string): string =>
    event('response.reasoning_summary_part.added', { ...at, summary_index, part: { type: 'summary_text', text: '' } }) +
    [...text].map((delta) => event('response.reasoning_summary_text.delta', { ...at, summary_index, delta })).join('') +
    event('response.reasoning_summary_text.done', { ...at, summary_index, text }) +
    event('response.reasoning_summary_part.done', { ...at, summary_index, part: { type: 'summary_text', text } });
  own.reply = () =>
    stream(
      event('response.created', { response: { id: 'resp_1', model: 'm' } }),
      event('response.output_item.added', { output_index: 0, item: { type: 'reasoning', id: 'rs_1', summary: [] } }),
      part(0, 'First') + part(1, 'Second'),
      event('response.output_item.done', { output_index: 0, item: sealedItem }),
      event('response.output_item.added', { output_index: 1, item: { ...message, content: [] } }),
      event('response.output_text.delta', { item_id: 'msg_1', output_index: 1, content_index: 0, delta: 'Hello' }),
      event('response.output_item.done', { output_index: 1, item: message }),
      event('response.completed', { response: completed([sealedItem, message]) }),
    );
  const { events: told } = await events({ model: 'test/own', reasoning: { effort: 'high' } });
  const summary = told.filter(({ type }) => type.startsWith('response.reasoning_summary'));
  expect(
    summary
      .filter(({ type }) => !type.endsWith('delta'))
      .map(({ type, summary_index }) => [type.slice(9), summary_index]),
  ).toEqual(
    [0, 1].flatMap((index) => [
      ['reasoning_summary_part.added', index],
      ['reasoning_summary_text.done', index],
      ['reasoning_summary_part.done', index],
    ]),
  );
  const text = (index: number): string =>
    summary
      .flatMap(({ type, summary_index, delta }) => (type.endsWith('delta') && summary_index === index ? [delta] : []))
      .join('');
  expect([text(0), text(1)]).toEqual(['First', 'Second']);
  expect(summary.every(({ item_id, output_index }) => item_id === 'rs_1' && output_index === 0)).toBe(true);
  expect(told.at(-1)?.response.output[0]).toMatchObject({ id: 'rs_1', summary: sealedItem.summary });
  expect(told.at(-1)?.response.output).toHaveLength(2);

  chat.reply = () =>
    stream(
      chunk({ reasoning: 'I ' }),
      chunk({ reasoning: 'think' }),
      chunk({ content: 'Hello' }),
      chunk({}, 'stop'),
      usageChunk(),
      DONE,
    );
  const { events: thought } = await events({ reasoning: { effort: 'high' } });
  const inner = thought.filter(({ output_index }) => output_index === 0);
  expect(inner.map(({ type }) => type.slice(9))).toEqual([
    'output_item.added',
    'content_part.added',
    'reasoning_text.delta',
    'reasoning_text.delta',
    'reasoning_text.done',
    'content_part.done',
    'output_item.done',
  ]);
  expect(inner.slice(1, -1).every(({ content_index }) => content_index === 0)).toBe(true);
  expect(inner.at(-1)?.item).toMatchObject({
    type: 'reasoning',
    content: [{ type: 'reasoning_text', text: 'I think' }],
  });
  expect(thought.filter(({ output_index }) => output_index === 1)[0]?.item.type).toBe('message');
});

test('INF-289 what hosts were sent comes first when asked for, an event for each', async () => {
  let failures = 1;
  chat.reply = () =>
    failures-- > 0
      ? Response.json({ error: { message: 'no' } }, { status: 503 })
      : stream(chunk({ content: 'Hello' }), chunk({}, 'stop'), usageChunk(), DONE);
  const { events: told, text } = await events({ model: 'test/both', debug: { echo_upstream_body: true } });
  expect(told.map(({ type }) => type).slice(0, 4)).toEqual([
    'response.debug',
    'response.debug',
    'response.created',
    'response.in_progress',
  ]);
  for (const one of told.slice(0, 2))
    expect(one.debug.echo_upstream_body).toMatchObject({
      model: 'm',
      messages: [{ role: 'user', content: 'Hi' }],
      stream: true,
    });
  expect(told.map(({ sequence_number }) => sequence_number)).toEqual(told.map((_, index) => index));
  expect(text).toContain('event: response.debug\n');
  expect(text).not.toContain('chat.completion.chunk');
  chat.reply = () => stream(chunk({ content: 'Hello' }), chunk({}, 'stop'), usageChunk(), DONE);
  expect((await events({})).events.some(({ type }) => type === 'response.debug')).toBe(false);
  chat.reply = () => whole('Hello');
  expect(JSON.stringify(await ask({ debug: { echo_upstream_body: true } }))).not.toContain('echo_upstream_body');
});
