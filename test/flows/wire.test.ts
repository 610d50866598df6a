import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { RunningGateway } from '../support/gateway.ts';
import { hasOpenRouterSchema, openRouterSchema } from '../support/openrouter-schema.ts';
import {
  chunk,
  customProvider,
  DONE,
  hello,
  readFrames,
  ScriptedUpstream,
  stream,
  usageChunk,
  whole,
} from '../support/upstream.ts';

/** What goes over the wire, both ways: the caller's request as a provider sees it, the provider's answer as the caller sees it. */

type Json = Record<string, any>;

let upstream: ScriptedUpstream;
let gateway: RunningGateway;
const MANAGEMENT = 'management-key-0123456789';
beforeAll(async () => {
  upstream = new ScriptedUpstream();
  gateway = await RunningGateway.start({
    config: customProvider(upstream.base, 'default_model: lab/one'),
    env: { TURNPIKE_MANAGEMENT_KEY: MANAGEMENT },
  });
});
afterAll(async () => {
  await gateway.stop();
  await upstream.stop();
});

const messages = [{ role: 'user', content: 'Hello' }];

async function send(body: Json, headers: Record<string, string> = {}): Promise<{ response: Response; body: Json }> {
  const response = await gateway.post({ model: 'lab/one', messages, ...body }, headers);
  return { response, body: (await response.json()) as Json };
}

async function streamed(body: Json = {}, headers: Record<string, string> = {}) {
  const response = await gateway.post({ model: 'lab/one', messages, stream: true, ...body }, headers);
  return { response, ...readFrames(await response.text()) };
}

const answerWhole = (): void => {
  upstream.reply = () => whole('Hello');
};

describe('who asks', () => {
  test('INF-001 PLT-002 a key in the Bearer header opens the API, no key is 401 with the envelope', async () => {
    answerWhole();
    expect((await send({})).response.status).toBe(200);
    const response = await fetch(`${gateway.api}/chat/completions`, { method: 'POST', body: '{}' });
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({ error: { code: 401, message: expect.any(String) } });
  });

  test('INF-003 a missing key is told so without routing metadata', async () => {
    const response = await fetch(`${gateway.api}/chat/completions`, {
      method: 'POST',
      headers: { 'x-openrouter-metadata': 'enabled' },
      body: JSON.stringify({ model: 'lab/one', messages }),
    });
    const body = (await response.json()) as Json;
    expect([response.status, body.error.code]).toEqual([401, 401]);
    expect(body.openrouter_metadata).toBeUndefined();
  });

  test('PLT-003 an unknown key is 401 and says that the user is not found', async () => {
    const response = await gateway.get('/key', 'sk-nobody-has-this-key');
    expect(response.status).toBe(401);
    expect(((await response.json()) as Json).error.message).toContain('User not found');
  });

  test('PLT-008 a management key runs no model', async () => {
    const response = await gateway.post({ model: 'lab/one', messages }, { authorization: `Bearer ${MANAGEMENT}` });
    expect(response.status).toBe(403);
  });

  test('PLT-009 public catalogue routes do not care about the key', async () => {
    for (const path of ['/models', '/models/count', '/providers', '/model/lab/one', '/models/lab/one/endpoints']) {
      expect((await gateway.get(path, 'garbage')).status).toBe(200);
    }
  });
});

describe('the request on its way up', () => {
  const sent = async (body: Json, headers?: Record<string, string>): Promise<Json> => {
    answerWhole();
    const { response, body: answer } = await send(body, headers);
    if (response.status !== 200) throw new Error(JSON.stringify(answer));
    return upstream.last.body;
  };

  test('INF-008 unknown members are accepted', async () => {
    expect((await sent({ something_new: { a: 1 } })).model).toBe('one');
  });

  test('INF-013 without a model the default serves, and a list alone is enough', async () => {
    answerWhole();
    const without = await gateway.post({ messages });
    expect(((await without.json()) as Json).model).toBe('lab/one');
    const list = await gateway.post({ models: ['lab/one'], messages });
    expect(((await list.json()) as Json).model).toBe('lab/one');
  });

  test('INF-018 both values of stream_options.include_usage and of usage.include do nothing', async () => {
    upstream.reply = hello;
    const bodies = [
      {},
      { stream_options: { include_usage: false } },
      { stream_options: { include_usage: true } },
      { usage: { include: false } },
    ];
    for (const body of bodies) {
      const { data } = await streamed(body);
      expect(data.filter((one) => one.usage)).toHaveLength(1);
    }
  });

  test('INF-019 no sampling default is added', async () => {
    expect(Object.keys(await sent({})).sort()).toEqual(['messages', 'model']);
  });

  test('INF-020 a temperature of 1 is passed on', async () => {
    expect((await sent({ temperature: 1 })).temperature).toBe(1);
  });

  test('INF-021 the output limit goes by both names', async () => {
    expect((await sent({ max_tokens: 7 })).max_tokens).toBe(7);
    expect((await sent({ max_completion_tokens: 8 })).max_tokens).toBe(8);
  });

  test('INF-029 the user’s name is not passed on', async () => {
    expect(JSON.stringify(await sent({ user: 'alice@example.com' }))).not.toContain('alice@example.com');
  });

  test('INF-030 developer messages reach a host that lacks the role as system', async () => {
    const body = await sent({ messages: [{ role: 'developer', content: 'Be brief' }, ...messages] });
    expect(body.messages[0]).toMatchObject({ role: 'system', content: 'Be brief' });
  });

  test('INF-032 a trailing assistant message goes last, as it is', async () => {
    const body = await sent({ messages: [...messages, { role: 'assistant', content: 'Well' }] });
    expect(body.messages.at(-1)).toMatchObject({ role: 'assistant', content: 'Well' });
  });

  test('INF-036 INF-040 every kind of content part arrives', async () => {
    const content = [
      { type: 'text', text: 'a' },
      { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } },
      { type: 'image_url', image_url: { url: 'https://example.com/a.png' } },
      { type: 'input_audio', input_audio: { data: 'AAAA', format: 'wav' } },
      { type: 'video_url', video_url: { url: 'https://example.com/a.mp4' } },
      { type: 'file', file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,AAAA' } },
    ];
    const body = await sent({ messages: [{ role: 'user', content }] });
    expect(body.messages[0].content.map((part: Json) => part.type)).toEqual(content.map((part) => part.type));
  });

  test('INF-061 fields beyond the vocabulary reach a server of one’s own', async () => {
    expect((await sent({ safe_prompt: true })).safe_prompt).toBe(true);
  });

  test('the provider’s key and headers go up, the caller’s do not', async () => {
    await sent({}, { 'x-api-key': 'caller', cookie: 'a=b' });
    const { headers } = upstream.last;
    expect(headers.get('authorization')).toBe('Bearer sk-upstream');
    expect(headers.get('x-api-key')).toBeNull();
    expect(headers.get('cookie')).toBeNull();
  });
});

describe('a whole answer', () => {
  test('INF-009 INF-010 PLT-234 the id has the documented form and stands in the header', async () => {
    answerWhole();
    const { response, body } = await send({});
    expect(body.id).toMatch(/^gen-\d{10}-[A-Za-z0-9]{20}$/);
    expect(response.headers.get('x-generation-id')).toBe(body.id);
    const failed = await send({ temperature: 9 });
    expect(failed.response.headers.get('x-generation-id')).toMatch(/^gen-/);
  });

  test('INF-095 INF-096 INF-097 object, one choice, provider, model, fingerprint, and no empty tool calls', async () => {
    answerWhole();
    const { body } = await send({});
    expect(body).toMatchObject({
      object: 'chat.completion',
      provider: 'Mine',
      model: 'lab/one',
      system_fingerprint: null,
    });
    expect(body.choices).toHaveLength(1);
    expect('tool_calls' in body.choices[0].message).toBe(false);
  });

  test('INF-098 finish reasons are of the five, the native one stays', async () => {
    for (const [native, expected] of [
      ['stop', 'stop'],
      ['length', 'length'],
      ['max_tokens', 'length'],
      ['eos', 'stop'],
    ] as const) {
      upstream.reply = () => whole('Hello', { finish_reason: native });
      const { body } = await send({});
      expect([body.choices[0].finish_reason, body.choices[0].native_finish_reason]).toEqual([expected, native]);
    }
  });

  test('INF-099 tool calls make the finish reason tool_calls', async () => {
    const call = { id: 'call_1', type: 'function', function: { name: 'f', arguments: '{}' } };
    upstream.reply = () => whole(null, { message: { tool_calls: [call] } });
    expect((await send({})).body.choices[0].finish_reason).toBe('tool_calls');
  });

  test('INF-100 a safety stop is content_filter', async () => {
    upstream.reply = () => whole('I', { finish_reason: 'content_filter' });
    expect((await send({})).body.choices[0].finish_reason).toBe('content_filter');
  });

  test('INF-101 INF-103 INF-104 usage has its counts, and details are numbers', async () => {
    answerWhole();
    const { usage } = (await send({})).body;
    expect(usage).toMatchObject({ prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 });
    expect(typeof usage.prompt_tokens_details.cached_tokens).toBe('number');
    expect(typeof usage.cost_details.upstream_inference_prompt_cost).toBe('number');
    expect(typeof usage.cost_details.upstream_inference_completions_cost).toBe('number');
  });

  test('INF-094 reasoning tokens are counted apart and inside the completion', async () => {
    upstream.reply = () =>
      whole('Hi', {
        usage: {
          prompt_tokens: 10,
          completion_tokens: 9,
          total_tokens: 19,
          completion_tokens_details: { reasoning_tokens: 4 },
        },
      });
    const { usage } = (await send({})).body;
    expect([usage.completion_tokens, usage.completion_tokens_details.reasoning_tokens]).toEqual([9, 4]);
  });

  test('INF-079 INF-025 hidden reasoning is billed and not shown', async () => {
    const usage = {
      prompt_tokens: 10,
      completion_tokens: 9,
      total_tokens: 19,
      completion_tokens_details: { reasoning_tokens: 4 },
    };
    upstream.reply = () => whole('Hi', { message: { reasoning_content: 'secret thought' }, usage });
    for (const body of [{ reasoning: { effort: 'high', exclude: true } }, { include_reasoning: false }]) {
      const answer = (await send(body)).body;
      expect(JSON.stringify(answer)).not.toContain('secret thought');
      expect(answer.usage.completion_tokens_details.reasoning_tokens).toBe(4);
      expect(answer.usage.cost).toBe(0.000028);
    }
    expect((await send({ include_reasoning: true })).body.choices[0].message.reasoning).toBe('secret thought');
  });

  test('INF-111 INF-145 routing metadata come only when asked for', async () => {
    answerWhole();
    expect((await send({})).body.openrouter_metadata).toBeUndefined();
    const asked = await send({}, { 'x-openrouter-metadata': 'enabled' });
    expect(asked.body.openrouter_metadata).toMatchObject({ requested: 'lab/one', strategy: 'direct' });
    upstream.reply = hello;
    const { data } = await streamed({}, { 'x-openrouter-metadata': 'enabled' });
    expect(data.at(-1)?.openrouter_metadata).toMatchObject({ requested: 'lab/one' });
    expect(data.slice(0, -1).some((one) => one.openrouter_metadata)).toBe(false);
  });

  test('INF-112 the served tier is reported', async () => {
    upstream.reply = () => whole('Hi', { service_tier: 'standard' });
    expect((await send({})).body.service_tier).toBe('default');
  });

  test('INF-113 JSON answers say that they are JSON', async () => {
    answerWhole();
    expect((await send({})).response.headers.get('content-type')).toMatch(/^application\/json/);
  });

  test('INF-055 INF-059 what a host cannot take is left out in silence', async () => {
    // A host that says what it supports: nothing but the limit.
    const other = new ScriptedUpstream();
    const narrow = await RunningGateway.start({
      config: customProvider(other.base).replace(
        'context_length',
        'supported_parameters: [max_tokens], context_length',
      ),
    });
    try {
      const response = await narrow.post({ model: 'lab/one', messages, temperature: 0.5, top_p: 0.5, max_tokens: 3 });
      expect(response.status).toBe(200);
      expect(Object.keys(other.last.body).sort()).toEqual(['max_tokens', 'messages', 'model']);
      const strict = await narrow.post({
        model: 'lab/one',
        messages,
        temperature: 0.5,
        provider: { require_parameters: true },
      });
      expect(strict.status).toBe(404);
    } finally {
      await narrow.stop();
      await other.stop();
    }
  });
});

describe('a stream', () => {
  test('INF-127 INF-011 INF-132 frames, one identity, a proper end', async () => {
    upstream.reply = hello;
    const { response, data, done } = await streamed();
    expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
    expect(done).toBe(true);
    for (const name of ['id', 'created', 'model']) expect(new Set(data.map((one) => one[name])).size).toBe(1);
    for (const one of data.flatMap(({ choices }) => choices)) {
      expect(Object.keys(one)).toEqual(expect.arrayContaining(['index', 'delta', 'finish_reason']));
    }
  });

  test('INF-133 the first delta says assistant and no other role appears', async () => {
    upstream.reply = () =>
      stream(
        chunk({ role: 'user', content: 'Hel' }),
        chunk({ role: 'tool', content: 'lo' }),
        chunk({}, 'stop'),
        usageChunk(),
        DONE,
      );
    const { data } = await streamed();
    expect(data[0]?.choices[0].delta.role).toBe('assistant');
    expect(new Set(data.flatMap(({ choices }) => choices.flatMap((one: Json) => one.delta.role ?? [])))).toEqual(
      new Set(['assistant']),
    );
  });

  test('INF-134 INF-135 tool calls come in pieces with indexes of their own', async () => {
    const piece = (index: number, more: object): string => chunk({ tool_calls: [{ index, ...more }] });
    upstream.reply = () =>
      stream(
        piece(0, { id: 'a', type: 'function', function: { name: 'f', arguments: '' } }),
        piece(0, { function: { arguments: '{"x"' } }),
        piece(0, { function: { arguments: ':1}' } }),
        piece(1, { id: 'b', type: 'function', function: { name: 'g', arguments: '{}' } }),
        chunk({}, 'tool_calls'),
        usageChunk(),
        DONE,
      );
    const { data } = await streamed();
    const calls = data.flatMap(({ choices }) => choices.flatMap((one: Json) => one.delta.tool_calls ?? []));
    expect(
      calls.filter(({ id }) => id).map(({ index, id, type, function: { name } }) => [index, id, type, name]),
    ).toEqual([
      [0, 'a', 'function', 'f'],
      [1, 'b', 'function', 'g'],
    ]);
    const text = (index: number): string =>
      calls
        .filter((call) => call.index === index)
        .map((call) => call.function.arguments)
        .join('');
    expect([text(0), text(1)]).toEqual(['{"x":1}', '{}']);
  });

  test('INF-136 reasoning and its details come together, before the text', async () => {
    upstream.reply = () =>
      stream(chunk({ reasoning_content: 'Hm' }), chunk({ content: 'Yes' }), chunk({}, 'stop'), usageChunk(), DONE);
    const { data } = await streamed();
    const deltas = data.flatMap(({ choices }) => choices.map((one: Json) => one.delta));
    const thinking = deltas.findIndex((delta) => delta.reasoning);
    expect(deltas[thinking]).toMatchObject({
      reasoning: 'Hm',
      reasoning_details: [{ type: 'reasoning.text', text: 'Hm' }],
    });
    expect(deltas.findIndex((delta) => delta.content === 'Yes')).toBeGreaterThan(thinking);
  });

  test('INF-138 INF-102 one usage chunk with the charge, after the finish, before the end', async () => {
    upstream.reply = hello;
    const { data } = await streamed();
    const finish = data.findIndex((one) => one.choices[0]?.finish_reason);
    const usage = data.findIndex((one) => one.usage);
    expect(usage).toBe(data.length - 1);
    expect(finish).toBeLessThan(usage);
    expect(data[usage]).toMatchObject({ choices: [], usage: { cost: 0.00002 } });
    const record = await gateway.json(`/generation?id=${data[0]?.id}`);
    expect(record.data).toMatchObject({ total_cost: 0.00002, usage: 0.00002 });
  });

  test('INF-128 keep-alives are comments of the documented text', async () => {
    const slow = new ScriptedUpstream();
    slow.reply = () => stream(': waiting\n\n', 1200, chunk({ content: 'late' }), chunk({}, 'stop'), DONE);
    const impatient = await RunningGateway.start({
      config: customProvider(slow.base, '', 'limits: { stream_commit_ms: 200 }'),
    });
    try {
      const response = await impatient.post({ model: 'lab/one', messages, stream: true });
      const { comments, done } = readFrames(await response.text());
      expect(comments.length).toBeGreaterThan(0);
      expect(new Set(comments)).toEqual(new Set([': OPENROUTER PROCESSING']));
      expect(done).toBe(true);
    } finally {
      await impatient.stop();
      await slow.stop();
    }
  });

  test('INF-130 a failure before the stream began has its status', async () => {
    upstream.reply = () => Response.json({ error: { message: 'no', code: 400 } }, { status: 400 });
    const response = await gateway.post({ model: 'lab/one', messages, stream: true });
    expect(response.status).toBe(400);
    expect(response.headers.get('content-type')).toMatch(/json/);
    await response.text();
  });

  test('INF-131 a failure after the headers and before content is an event inside the stream', async () => {
    const slow = new ScriptedUpstream();
    slow.reply = async () => {
      await Bun.sleep(600);
      return Response.json({ error: { message: 'broken' } }, { status: 500 });
    };
    const impatient = await RunningGateway.start({
      config: customProvider(slow.base, '', 'limits: { stream_commit_ms: 150 }'),
    });
    try {
      const response = await impatient.post({ model: 'lab/one', messages, stream: true });
      expect(response.status).toBe(200);
      const { data, done } = readFrames(await response.text());
      expect(data.at(-1)?.error.code).toBeGreaterThan(499);
      expect(data.at(-1)?.choices[0].finish_reason).toBe('error');
      expect(done).toBe(true);
    } finally {
      await impatient.stop();
      await slow.stop();
    }
  });

  test('INF-140 INF-142 INF-143 a break after content is one error event, then the end, and no other host', async () => {
    const before = upstream.received.length;
    upstream.reply = () =>
      stream(chunk({ content: 'Hel' }), 50, `data: ${JSON.stringify({ error: { message: 'gone', code: 503 } })}\n\n`);
    const { data, done } = await streamed();
    const last = data.at(-1) as Json;
    expect(Number.isInteger(last.error.code)).toBe(true);
    expect(last.choices[0].finish_reason).toBe('error');
    expect(data.filter((one) => one.error)).toHaveLength(1);
    expect(done).toBe(true);
    expect(upstream.received.length - before).toBe(1);
  });

  test('INF-141 INF-154 our own provider’s secrets and internal words stay inside', async () => {
    upstream.reply = () =>
      stream(
        chunk({ content: 'Hel' }),
        50,
        `data: ${JSON.stringify({ error: { message: 'key sk-upstream is bad', code: 401 } })}\n\n`,
      );
    expect(JSON.stringify((await streamed()).data)).not.toContain('sk-upstream');
    upstream.reply = () => Response.json({ error: { message: 'key sk-upstream is bad' } }, { status: 401 });
    const { response, body } = await send({});
    expect(response.status).toBeGreaterThanOrEqual(500);
    expect(JSON.stringify(body)).not.toContain('sk-upstream');
  });

  test('INF-144 the request as sent comes first when debugging', async () => {
    upstream.reply = hello;
    const { data } = await streamed({ debug: { echo_upstream_body: true } });
    expect(data[0]).toMatchObject({ choices: [], debug: { echo_upstream_body: { model: 'one' } } });
    expect(data.filter((one) => one.debug)).toHaveLength(1);
    answerWhole();
    expect((await send({ debug: { echo_upstream_body: true } })).body.debug).toBeUndefined();
  });

  test('INF-110 a whole answer that failed half-way is 200 with an error in its choice', async () => {
    upstream.reply = () => whole('Hel', { finish_reason: 'error' });
    const { response, body } = await send({});
    expect(response.status).toBe(200);
    expect(body.choices[0]).toMatchObject({
      finish_reason: 'error',
      message: { content: 'Hel' },
      error: { code: expect.any(Number) },
    });
  });
});

describe('errors', () => {
  test('INF-152 PLT-010 the code is the status', async () => {
    for (const [body, status] of [
      [{ temperature: 9 }, 400],
      [{ model: 'nobody/nothing' }, 400],
      [{ provider: { only: ['nobody'] } }, 404],
    ] as const) {
      const { response, body: answer } = await send(body);
      expect([response.status, answer.error.code]).toEqual([status, status]);
    }
  });

  test('INF-155 a provider’s error carries its name, words and code', async () => {
    upstream.reply = () =>
      Response.json(
        { error: { message: 'Temperature is too hot', type: 'invalid_request_error', code: 'too_hot' } },
        { status: 400 },
      );
    const { body } = await send({});
    expect(body.error.metadata).toMatchObject({
      provider_name: 'Mine',
      provider_code: 'too_hot',
      raw: expect.stringContaining('too hot'),
    });
  });

  test('INF-171 a model that no host knows is named as such', async () => {
    upstream.reply = () => Response.json({ error: { message: 'no such model' } }, { status: 404 });
    const { response, body } = await send({});
    expect(response.status).toBe(404);
    expect(body.error.availability.code).toBe('model_unavailable_upstream');
  });

  test('INF-168 when every host is out of capacity the caller learns when to come back', async () => {
    upstream.reply = () =>
      Response.json({ error: { message: 'slow down' } }, { status: 429, headers: { 'retry-after': '7' } });
    const { response, body } = await send({});
    expect(response.status).toBe(429);
    expect(response.headers.get('retry-after')).toBe('7');
    expect(body.error.availability.code).toBe('capacity_exhausted');
  });

  test('INF-167 PLT-020 success carries no rate limit headers', async () => {
    answerWhole();
    const { response } = await send({});
    expect([...response.headers.keys()].filter((name) => name.startsWith('x-ratelimit'))).toEqual([]);
  });
});

describe('browsers', () => {
  test('INF-015 PLT-015 PLT-017 a preflight opens the API and its headers', async () => {
    const response = await fetch(`${gateway.api}/chat/completions`, {
      method: 'OPTIONS',
      headers: { origin: 'https://app.example', 'access-control-request-method': 'POST' },
    });
    expect(response.status).toBe(204);
    expect(response.headers.get('access-control-allow-origin')).toBe('*');
    const allowed = response.headers.get('access-control-allow-headers')?.toLowerCase() ?? '';
    for (const name of ['authorization', 'content-type', 'http-referer', 'x-title', 'x-openrouter-title'])
      expect(allowed).toContain(name);
    const exposed = (await gateway.get('/models')).headers.get('access-control-expose-headers')?.toLowerCase() ?? '';
    for (const name of ['x-generation-id', 'retry-after', 'x-ratelimit-limit']) expect(exposed).toContain(name);
  });

  test('PLT-016 good and bad answers may be read from anywhere', async () => {
    answerWhole();
    for (const response of [
      (await send({})).response,
      (await send({ temperature: 9 })).response,
      await gateway.get('/nothing'),
    ]) {
      expect(response.headers.get('access-control-allow-origin')).toBe('*');
    }
  });

  test('PLT-018 PLT-023 attribution headers and unknown query parameters are ignored on reads', async () => {
    const response = await fetch(`${gateway.api}/models?nonsense=1`, {
      headers: { 'HTTP-Referer': 'x', 'X-Title': 'y' },
    });
    expect(response.status).toBe(200);
  });
});

describe.skipIf(!hasOpenRouterSchema)('the published schema', () => {
  test('PLT-024 every JSON answer of these routes validates', async () => {
    const schema = openRouterSchema();
    upstream.reply = hello;
    const { data } = await streamed();
    for (const one of data) expect(schema.problems('ChatStreamChunk', one)).toEqual([]);
    answerWhole();
    const { body } = await send({});
    expect(schema.problems('ChatResult', body)).toEqual([]);
    for (const [operation, path] of [
      ['GET /models', '/models'],
      ['GET /models/count', '/models/count'],
      ['GET /model/{author}/{slug}', '/model/lab/one'],
      ['GET /models/{author}/{slug}/endpoints', '/models/lab/one/endpoints'],
      ['GET /providers', '/providers'],
      ['GET /key', '/key'],
      ['GET /credits', '/credits'],
      ['GET /generation', `/generation?id=${body.id}`],
    ] as const) {
      expect([operation, schema.problems(operation, await gateway.json(path))]).toEqual([operation, []]);
    }
  });
});
