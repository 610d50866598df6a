import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { RunningGateway } from '../support/gateway.ts';
import { ScriptedUpstream, whole } from '../support/upstream.ts';

/** A request that is over tells why it went where it went: over the API, at the command line, and after the gateway has stopped. */

type Json = Record<string, any>;

const config = (base: string): string => `
server: { body_bytes_max: 4096 }
providers:
  first:
    base_url: ${base}/first
    endpoints:
      - { model: lab/one, upstream_model: first, context_length: 1000, pricing: { prompt: "0.000001", completion: "0.000001" } }
  second:
    base_url: ${base}/second
    endpoints:
      - { model: lab/one, upstream_model: second, context_length: 2000, pricing: { prompt: "0.000002", completion: "0.000002" } }
  third:
    base_url: ${base}/third
    endpoints:
      - { model: lab/one, upstream_model: third, context_length: 100000, pricing: { prompt: "0.000009", completion: "0.000009" } }
`;

let upstream: ScriptedUpstream;
let gateway: RunningGateway;
beforeAll(async () => {
  upstream = new ScriptedUpstream();
  upstream.reply = ({ body }) =>
    body.model === 'first' ? Response.json({ error: { message: 'overloaded' } }, { status: 503 }) : whole('Hello');
  gateway = await RunningGateway.start({ config: config(upstream.base) });
});
afterAll(async () => {
  await gateway.stop();
  await upstream.stop();
});

const messages = [{ role: 'user', content: 'a secret of the caller' }];
const ask = async (body: Json): Promise<{ id: string; status: number; body: Json }> => {
  const response = await gateway.post({ model: 'lab/one', messages, max_tokens: 10, ...body });
  return {
    id: response.headers.get('x-generation-id') ?? '',
    status: response.status,
    body: (await response.json()) as Json,
  };
};
/** Refusals are written without anybody waiting for them. */
const why = async (id: string): Promise<Json> => {
  const { data } = (await gateway.json(`/requests/${id}/why`)) as Json;
  return data;
};

describe('GET /requests/{id}/why', () => {
  test('all candidates in order, each rejection with its rule, all attempts, and who won', async () => {
    const { id, status } = await ask({
      provider: { order: ['first', 'second'], max_price: { prompt: 5 }, allow_fallbacks: true },
    });
    expect(status).toBe(200);
    const told = await why(id);
    expect(told.state).toBe('settled');
    expect(told.replay).toEqual({ exact: true });
    expect(told.candidates.map((one: Json) => [one.endpoint, one.reason, one.attempted, one.won])).toEqual([
      ['first/lab/one', 'named in provider.order', true, false],
      ['second/lab/one', 'named in provider.order', true, true],
    ]);
    expect(told.candidates.map((one: Json) => one.usd_per_million)).toEqual([1, 2]);
    expect(told.rejected).toEqual([
      {
        endpoint: 'third/lab/one',
        provider: 'third',
        model: 'lab/one',
        rule: 'max_price',
        reason: 'its prompt price is above max_price.prompt',
      },
    ]);
    expect(told.attempts.map((one: Json) => [one.endpoint, one.status, one.code])).toEqual([
      ['first/lab/one', 503, 'upstream_overloaded'],
      ['second/lab/one', 200, undefined],
    ]);
    expect(told.winner).toEqual({ endpoint: 'second/lab/one', provider: 'second', model: 'lab/one' });
    expect(told.summary).toContain('Served by second');
    expect(told.error).toBeNull();
    expect(JSON.stringify(told)).not.toContain('secret');
  });

  test('the health that was known then is told as it was', async () => {
    let told: Json = {};
    let first: Json | undefined;
    // What is known of a host is looked at anew now and then, not at every request.
    while (!first?.standing.outage && first?.standing.resting === undefined) {
      told = await why((await ask({})).id);
      first = told.candidates.find((one: Json) => one.endpoint === 'first/lab/one');
      await Bun.sleep(20);
    }
    expect(first.reason).toMatch(/outage|breaker|worse/);
    expect(told.replay.exact).toBe(true);
  });

  const refusals: readonly (readonly [string, Json, number, Json])[] = [
    ['hosts that nobody has', { provider: { only: ['nobody'] } }, 404, { code: 'providers_excluded', rule: 'only' }],
    [
      'a ceiling',
      { provider: { max_price: { prompt: 0.5 } } },
      404,
      { code: 'constraint_filtered', rule: 'max_price', limit: 0.5, current: 1 },
    ],
    [
      'too many tokens',
      { max_tokens: 200_000, provider: { require_parameters: true } },
      400,
      { code: 'context_too_long', rule: 'context_length', limit: 100_000 },
    ],
    ['a model that nobody knows', { model: 'lab/none' }, 400, { code: 'model_unknown', rule: 'model_unknown' }],
    ['no request at all', { messages: 7 }, 400, { code: 'invalid_request', rule: 'invalid_request' }],
    ['too many bytes', { user: 'x'.repeat(4096) }, 413, { rule: 'body_bytes_max', limit: 4096 }],
  ];
  for (const [what, body, status, error] of refusals) {
    test(`a refusal too: ${what}`, async () => {
      const refused = await ask(body);
      expect(refused.status).toBe(status);
      const { metadata } = refused.body.error;
      const told = await why(refused.id);
      expect(told.state).toBe('refused');
      expect(told.error).toMatchObject({ ...error, status });
      for (const member of ['rule', 'limit', 'current'])
        expect([member, metadata[member]]).toEqual([member, told.error[member]]);
      expect(told.summary).toContain(told.error.rule);
      expect(told.attempts).toEqual([]);
      expect(told.winner).toBeNull();
      if (error.rule === 'only')
        expect(told.rejected.map((one: Json) => [one.endpoint, one.rule])).toEqual([
          ['first/lab/one', 'only'],
          ['second/lab/one', 'only'],
          ['third/lab/one', 'only'],
        ]);
    });
  }

  test('only the key that made the request may ask, and a generation is no refusal', async () => {
    const { id } = await ask({ provider: { only: ['nobody'] } });
    const { key } = JSON.parse((await gateway.command('keys', 'create', '--json')).stdout) as { key: string };
    expect((await gateway.get(`/requests/${id}/why`, key)).status).toBe(404);
    expect((await gateway.get(`/requests/${id}/why`, null)).status).toBe(401);
    expect((await gateway.get('/requests/gen-none/why')).status).toBe(404);
    expect((await gateway.get(`/generation?id=${id}`)).status).toBe(404);
  });
});

describe('turnpike explain <id>', () => {
  test('says the same from the running gateway, and from its file after that', async () => {
    const served = await ask({ provider: { order: ['first', 'second'] } });
    const refused = await ask({ provider: { only: ['nobody'] } });
    const [a, b] = [await why(served.id), await why(refused.id)];
    const explain = async (id: string): Promise<Json> =>
      JSON.parse((await gateway.command('explain', id, '--json')).stdout) as Json;
    expect([await explain(served.id), await explain(refused.id)]).toEqual([a, b]);
    const { stdout, code } = await gateway.command('explain', served.id);
    expect(code).toBe(0);
    expect(stdout).toContain('Served by second');
    expect(stdout).toMatch(/\d\. +second\/lab\/one .*won/);
    await gateway.terminate();
    expect([await explain(served.id), await explain(refused.id)]).toEqual([a, b]);
    expect((await gateway.command('explain', 'gen-none')).code).toBe(2);
  });
});
