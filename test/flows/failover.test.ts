import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { ERRORS } from '../../src/canon/errors.ts';
import { RunningGateway } from '../support/gateway.ts';
import { chunk, DONE, readFrames, ScriptedUpstream, stream, usageChunk, whole } from '../support/upstream.ts';

/** Two hosts and two models under a test's control: who is asked next, and what is told when nobody answers. */

type Json = Record<string, any>;

let first: ScriptedUpstream;
let second: ScriptedUpstream;
let gateway: RunningGateway;
beforeAll(async () => {
  first = new ScriptedUpstream();
  second = new ScriptedUpstream();
  gateway = await RunningGateway.start({
    config: `
providers:
  one:
    base_url: ${first.base}
    endpoints:
      - { model: lab/small, upstream_model: small, context_length: 1000, pricing: { prompt: "0.000001", completion: "0.000001" } }
  two:
    base_url: ${second.base}
    endpoints:
      - { model: lab/small, upstream_model: small, context_length: 1000, pricing: { prompt: "0.000001", completion: "0.000001" } }
      - { model: lab/large, upstream_model: large, context_length: 100000, pricing: { prompt: "0.000001", completion: "0.000001" } }
limits: { headers_ms_max: 500, attempt_first_content_ms_max: 300, stream_idle_ms_max: 300, attempt_whole_ms_max: 900 }
`,
  });
});
afterAll(async () => {
  await gateway.stop();
  await first.stop();
  await second.stop();
});

const messages = [{ role: 'user', content: 'Hi' }];
const order = { order: ['one', 'two'] };
const ask = async (body: Json): Promise<{ status: number; body: Json; headers: Headers }> => {
  const response = await gateway.post({ model: 'lab/small', messages, provider: order, ...body });
  return { status: response.status, body: (await response.json()) as Json, headers: response.headers };
};
const failing =
  (status: number, message = 'no') =>
  () =>
    Response.json({ error: { message, code: status } }, { status });

describe('who is asked next', () => {
  test('INF-224 a prompt too long for the first model goes to the next', async () => {
    second.reply = () => whole('Large');
    const long = [{ role: 'user', content: 'word '.repeat(3000) }];
    const { status, body } = await ask({ models: ['lab/small', 'lab/large'], messages: long });
    expect([status, body.model]).toEqual([200, 'lab/large']);
  });

  test('INF-224 a refusal by moderation goes to the next model, not to another host of the same', async () => {
    const before = second.received.length;
    first.reply = () => Response.json({ error: { message: 'flagged', metadata: { reasons: ['x'] } } }, { status: 403 });
    second.reply = () => whole('Large');
    const { body } = await ask({ models: ['lab/small', 'lab/large'] });
    expect(body.model).toBe('lab/large');
    expect(second.received.slice(before).map((one) => one.body.model)).toEqual(['large']);
  });

  test('INF-215 what we refuse ourselves asks nobody', async () => {
    const before = first.received.length + second.received.length;
    await ask({ models: ['lab/small', 'lab/large'], temperature: 9 });
    await ask({ provider: { only: ['nobody'] } });
    expect(first.received.length + second.received.length).toBe(before);
  });

  test('INF-214 UP-011 silence before the first content fails over; a comment is no silence', async () => {
    second.reply = () => stream(chunk({ content: 'second' }), chunk({}, 'stop'), usageChunk(), DONE);
    first.reply = () => stream(chunk({ role: 'assistant', content: '' }), 'hang');
    const silent = await gateway.post({ model: 'lab/small', messages, provider: order, stream: true });
    expect(readFrames(await silent.text()).data[0]?.provider).toBe('two');
    first.reply = () =>
      stream(
        ': wait\n\n',
        200,
        ': wait\n\n',
        200,
        ': wait\n\n',
        200,
        chunk({ content: 'first' }),
        chunk({}, 'stop'),
        DONE,
      );
    const alive = await gateway.post({ model: 'lab/small', messages, provider: order, stream: true });
    expect(readFrames(await alive.text()).data[0]?.provider).toBe('one');
  });

  test('UP-011 each limit is its own: an answer that is not streamed may take longer than a stream’s first content', async () => {
    first.reply = async () => {
      await Bun.sleep(600);
      return whole('slow');
    };
    expect((await ask({ stream: false })).body.provider).toBe('one');
  });

  test('UP-096 INF-212 an error inside a 200 goes to another host, whole and streamed', async () => {
    second.reply = (received) =>
      received.body.stream ? stream(chunk({ content: 'second' }), chunk({}, 'stop'), DONE) : whole('second');
    first.reply = () => Response.json({ error: { message: 'overloaded', code: 503 } });
    for (const wants of [true, false]) {
      const response = await gateway.post({ model: 'lab/small', messages, provider: order, stream: wants });
      expect([response.status, await response.text()]).toEqual([200, expect.stringContaining('"provider":"two"')]);
    }
  });
});

describe('when nobody answers', () => {
  test('INF-225 the last model’s error is told', async () => {
    first.reply = failing(400, 'bad small');
    second.reply = failing(422, 'bad large');
    const { status, body } = await ask({ models: ['lab/small', 'lab/large'] });
    expect([status, JSON.stringify(body)]).toEqual([422, expect.stringContaining('bad large')]);
  });

  test('INF-156 earlier errors are listed in short, without what the providers wrote', async () => {
    first.reply = failing(429, 'secret words of the first');
    second.reply = failing(500, 'words of the second');
    const { body } = await ask({});
    expect(body.error.metadata.previous_errors).toEqual([{ provider: 'one', code: '429', status: 429 }]);
    expect(JSON.stringify(body)).not.toContain('secret words of the first');
  });

  test('INF-168 the shortest wait of all is told, in header and body alike', async () => {
    first.reply = () => Response.json({ error: { message: 'slow' } }, { status: 429, headers: { 'retry-after': '9' } });
    second.reply = () =>
      Response.json({ error: { message: 'slow' } }, { status: 429, headers: { 'retry-after': '4' } });
    const { status, body, headers } = await ask({});
    expect([status, headers.get('retry-after'), body.error.availability.retry_after]).toEqual([429, '4', 4]);
  });

  test('INF-153 each kind of error has one status', () => {
    const statuses = new Map<string, Set<number>>();
    for (const { type, status } of Object.values(ERRORS))
      statuses.set(type, (statuses.get(type) ?? new Set()).add(status));
    const documented: Record<string, readonly number[]> = {
      invalid_request: [400],
      authentication: [401],
      payment_required: [402],
      permission_denied: [403],
      not_found: [404],
      payload_too_large: [413],
      rate_limit_exceeded: [429],
      provider_overloaded: [503],
      provider_unavailable: [502],
      server: [500],
      context_length_exceeded: [400],
      content_policy_violation: [403],
      unprocessable: [422],
    };
    for (const [type, wanted] of Object.entries(documented))
      expect([type, [...(statuses.get(type) ?? [])]]).toEqual([type, [...wanted]]);
  });

  test('INF-122 PLT-229 the record agrees with the answer and lists every attempt', async () => {
    first.reply = failing(500);
    second.reply = () => whole('Hi');
    const { body } = await ask({});
    const { data } = (await (await gateway.get(`/generation?id=${body.id}`)).json()) as Json;
    expect(data).toMatchObject({
      id: body.id,
      model: body.model,
      provider_name: body.provider,
      total_cost: body.usage.cost,
      tokens_prompt: body.usage.prompt_tokens,
      tokens_completion: body.usage.completion_tokens,
      finish_reason: body.choices[0].finish_reason,
    });
    expect(data.provider_responses.map((one: Json) => [one.provider_name, one.status])).toEqual([
      ['one', 500],
      ['two', 200],
    ]);
  });
});

test('INF-150 structured output in pieces is valid JSON when put together', async () => {
  const sandbox = await RunningGateway.start();
  const schema = {
    type: 'object',
    properties: { city: { type: 'string' }, tags: { type: 'array', items: { type: 'string' } } },
    required: ['city', 'tags'],
  };
  const response = await sandbox.post({
    model: 'mistralai/mistral-small-2603',
    stream: true,
    messages: [{ role: 'user', content: 'Describe Cologne' }],
    response_format: { type: 'json_schema', json_schema: { name: 'city', schema, strict: true } },
  });
  const { data } = readFrames(await response.text());
  const pieces = data.map((one) => one.choices[0]?.delta?.content ?? '').filter((piece) => piece !== '');
  expect(pieces.length).toBeGreaterThan(2);
  expect(Object.keys(JSON.parse(pieces.join('')))).toEqual(['city', 'tags']);
  await sandbox.stop();
});

test('INF-054 debugging a request that is not streamed changes nothing', async () => {
  first.reply = () => whole('Hi');
  const { status, body } = await ask({ debug: { echo_upstream_body: true } });
  expect([status, body.debug]).toEqual([200, undefined]);
});

test('UP-015 a provider’s key is found under each of its names', async () => {
  const upstream = new ScriptedUpstream();
  upstream.reply = () => whole('Hi');
  for (const name of ['NVIDIA_API_KEY', 'NVIDIA_NIM_API_KEY']) {
    const real = await RunningGateway.start({
      config: `providers: { nvidia: { base_url: "${upstream.base}" } }\n`,
      env: { [name]: 'nv-key' },
    });
    await (await real.post({ model: 'mistralai/mistral-small-2603', messages })).text();
    expect(upstream.last.headers.get('authorization')).toBe('Bearer nv-key');
    await real.stop();
  }
  await upstream.stop();
});
