import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { ERRORS } from '../../src/canon/errors.ts';
import { FORGIVING, RunningGateway } from '../support/gateway.ts';
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
      - { model: lab/windows, upstream_model: windows, context_length: 1000, pricing: { prompt: "0.000001", completion: "0.000001" } }
  two:
    base_url: ${second.base}
    endpoints:
      - { model: lab/small, upstream_model: small, context_length: 1000, pricing: { prompt: "0.000001", completion: "0.000001" } }
      - { model: lab/windows, upstream_model: windows, context_length: 9000, pricing: { prompt: "0.000001", completion: "0.000001" } }
      - { model: lab/large, upstream_model: large, context_length: 100000, pricing: { prompt: "0.000001", completion: "0.000001" } }
limits: ${JSON.stringify({ headers_ms_max: 500, attempt_first_content_ms_max: 300, stream_idle_ms_max: 300, attempt_whole_ms_max: 900, ...FORGIVING })}
`,
  });
});
/** Fields whose refusal has to stand in the log. */
const translated: string[] = [];
afterAll(async () => {
  const { stderr } = await gateway.stop();
  const logged = stderr.split('\n').filter((line) => line.includes('refused a field that was translated'));
  expect(logged.map((line) => JSON.parse(line).field)).toEqual(translated);
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

describe('a refusal', () => {
  const refusal =
    (param: string | null, message: string, status = 400) =>
    () =>
      Response.json({ error: { message, param, type: 'invalid_request_error' } }, { status });
  const asked = async (body: Json): Promise<{ answer: Json; status: number; firsts: number; seconds: number }> => {
    const before = [first.received.length, second.received.length] as const;
    const { status, body: answer } = await ask(body);
    return {
      answer,
      status,
      firsts: first.received.length - before[0],
      seconds: second.received.length - before[1],
    };
  };

  test('UP-133 of a field that we translated goes to another host, one time, and into the log', async () => {
    // The caller said `max_completion_tokens`, the host was told `max_tokens`; the model’s name is always ours.
    for (const [reply, field] of [
      [refusal('max_tokens', 'Unsupported parameter'), 'max_tokens'],
      [refusal(null, "Unrecognized request argument supplied: 'max_tokens'"), 'max_tokens'],
      [() => Response.json({ detail: [{ loc: ['body', 'model'], msg: 'unknown' }] }, { status: 422 }), 'model'],
    ] as const) {
      first.reply = reply;
      second.reply = () => whole('second');
      const { status, answer, firsts, seconds } = await asked({ max_completion_tokens: 50 });
      expect([status, answer.provider, firsts, seconds]).toEqual([200, 'two', 1, 1]);
      translated.push(field);
      // When the other one refuses too, there is no third try: the next model is asked, where there is one.
      second.reply = reply;
      const both = await asked({ max_completion_tokens: 50, models: ['lab/small', 'lab/large'] });
      expect([both.firsts, both.seconds]).toEqual([1, 2]);
      translated.push(field);
    }
  });

  test('UP-133 of a field that the caller said so stands', async () => {
    second.reply = () => whole('second');
    for (const reply of [
      refusal('temperature', 'temperature must be at most 1'),
      refusal(null, "'temperature' must be at most 1"),
      refusal('messages', 'messages: too many'),
      refusal(null, 'No reason given'),
    ]) {
      first.reply = reply;
      const { status, firsts, seconds } = await asked({ temperature: 1.5 });
      expect([status, firsts, seconds]).toEqual([400, 1, 0]);
    }
  });
});

describe('when nobody answers', () => {
  test('a refusal of a body that was passed on as it came is the caller’s, too', async () => {
    second.reply = () => Response.json({ error: { message: 'too hot', param: 'temperature' } }, { status: 400 });
    const long = [{ role: 'user', content: 'Tell me about the Rhine. '.repeat(1000) }];
    const { status, body } = await ask({ model: 'lab/large', messages: long, temperature: 2, provider: {} });
    expect([status, body.error.message]).toEqual([400, 'too hot']);
    expect(second.last.body.messages).toEqual(long);
  });

  test('INF-225 the last model’s error is told', async () => {
    first.reply = failing(400, 'bad small');
    second.reply = failing(422, 'bad large');
    const { status, body } = await ask({ models: ['lab/small', 'lab/large'] });
    expect([status, JSON.stringify(body)]).toEqual([422, expect.stringContaining('bad large')]);
  });

  test('INF-156 earlier errors are listed in short, without what the providers wrote', async () => {
    first.reply = failing(500, 'secret words of the first');
    second.reply = failing(429, 'words of the second');
    const { body } = await ask({});
    expect(body.error.metadata.previous_errors).toEqual([{ provider: 'one', code: '500', status: 500 }]);
    expect(JSON.stringify(body)).not.toContain('secret words of the first');
  });

  test('UP-134 the most telling failure is told, whichever came first, and every attempt is listed', async () => {
    // Least telling first; each is told over all before it, in either order.
    const failures: readonly (readonly [number, number, string, string])[] = [
      [500, 502, 'broken', 'provider_unavailable'],
      [503, 503, 'overloaded', 'provider_overloaded'],
      [429, 429, 'too many', 'rate_limit_exceeded'],
      [400, 400, 'maximum context length', 'context_length_exceeded'],
    ];
    for (const [index, more] of failures.entries()) {
      for (const less of failures.slice(0, index)) {
        for (const [one, two] of [
          [more, less],
          [less, more],
        ] as const) {
          first.reply = failing(one[0], one[2]);
          second.reply = failing(two[0], two[2]);
          const response = await gateway.post(
            { model: 'lab/windows', messages, provider: order },
            { 'x-openrouter-metadata': 'enabled' },
          );
          const { error, openrouter_metadata } = (await response.json()) as Json;
          expect([response.status, error.metadata.error_type]).toEqual([more[1], more[3]]);
          expect(openrouter_metadata.attempts.map((attempt: Json) => attempt.status)).toEqual(
            // A prompt too long for one host only goes to a larger one.
            [one[0], two[0]],
          );
        }
      }
    }
    // The caller's own fault and the provider's policy end the walk, and are told over what came before them.
    for (const [status, message, type] of [
      [400, 'temperature is out of range', 'invalid_request'],
      [422, 'temperature is out of range', 'unprocessable'],
      [403, 'content policy', 'content_policy_violation'],
    ] as const) {
      first.reply = () =>
        Response.json({ error: { message: 'slow' } }, { status: 429, headers: { 'retry-after': '9' } });
      second.reply = failing(status, message);
      const { body } = await ask({ temperature: 1 });
      expect([body.error.metadata.error_type, body.error.metadata.previous_errors[0].status]).toEqual([type, 429]);
    }
    // Among rate limits the shortest wait counts, whoever else failed.
    first.reply = () => Response.json({ error: { message: 'slow' } }, { status: 429, headers: { 'retry-after': '9' } });
    second.reply = () => Response.json({ error: { message: 'x' } }, { status: 503, headers: { 'retry-after': '3' } });
    const { status, headers } = await ask({});
    expect([status, headers.get('retry-after')]).toEqual([429, '3']);
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
