import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import { RunningGateway } from '../support/gateway.ts';
import { chunk, DONE, ScriptedUpstream, stream, usageChunk, whole } from '../support/upstream.ts';

/** What keys may spend, what may be in flight, and how often free models may be asked, from the command line to the socket. */

type Json = Record<string, any>;

const upstream = new ScriptedUpstream();
const MANAGEMENT = 'management-key-0123456789';
/** A dollar a million tokens in, two out: an answer to 10 tokens of 5 costs 20 micro-dollars. */
const PRICES = 'pricing: { prompt: "0.000001", completion: "0.000002" }';
const config = (more: string): string => `
${more}
providers:
  mine:
    name: Mine
    base_url: ${upstream.base}
    api_key: sk-upstream
    endpoints:
      - { model: lab/one, upstream_model: one, context_length: 100000, max_completion_tokens: 10000, ${PRICES} }
      - { model: "lab/one:free", upstream_model: free, context_length: 100000, max_completion_tokens: 10000, pricing: { prompt: "0", completion: "0" } }
`;

afterAll(() => upstream.stop());
beforeEach(() => {
  upstream.received.length = 0;
  upstream.reply = () => whole('Hello');
});

/** The command line beside a running gateway. */
function cli(gateway: RunningGateway, ...args: string[]): { code: number; json: Json; err: string } {
  const run = Bun.spawnSync([process.execPath, join(import.meta.dir, '../../src/main.ts'), ...args, '--json'], {
    env: { PATH: process.env.PATH ?? '', TURNPIKE_HOME: gateway.home },
    cwd: gateway.home,
  });
  const out = String(run.stdout);
  return { code: run.exitCode, json: out === '' ? {} : JSON.parse(out), err: String(run.stderr) };
}

const messages = [{ role: 'user', content: 'Hello' }];
interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Json;
}
async function ask(gateway: RunningGateway, key: string, body: Json = {}): Promise<Answer> {
  const response = await gateway.post(
    { model: 'lab/one', messages, max_tokens: 100, ...body },
    { authorization: `Bearer ${key}`, 'x-openrouter-metadata': 'enabled' },
  );
  return { status: response.status, headers: response.headers, body: (await response.json()) as Json };
}
const ofKey = async (gateway: RunningGateway, key: string): Promise<Json> =>
  ((await (await gateway.get('/key', key)).json()) as Json).data;

describe('the limit of a key', () => {
  let gateway: RunningGateway;
  beforeAll(async () => {
    gateway = await RunningGateway.start({
      config: config('credits: { mode: unlimited }'),
      env: { TURNPIKE_MANAGEMENT_KEY: MANAGEMENT },
    });
  }, 60_000);
  afterAll(() => gateway.stop());
  const limited = (...args: string[]): { key: string; data: Json } =>
    cli(gateway, 'keys', 'create', ...args).json as { key: string; data: Json };

  test('INF-161 that is spent is 403, and says which, how much and until when', async () => {
    const { key, data } = limited('--limit-usd', '0.00025', '--reset', 'daily');
    // 100 tokens out are reserved, 0.0002 USD, and the prompt; each answer costs 0.00002.
    const statuses = [];
    for (let n = 0; n < 3; n += 1) statuses.push((await ask(gateway, key)).status);
    expect(statuses).toEqual([200, 200, 402]);
    const { body } = await ask(gateway, key);
    expect(body.error.message).toMatch(/You requested up to 100 tokens, but can only afford \d+\. .*settings\/keys/);
    expect(body.error.metadata).toMatchObject({ limit_source: 'openrouter_key_limit', rule: 'key_limit_max_tokens' });
    const afforded = body.error.metadata.limit as number;
    expect((await ask(gateway, key, { max_tokens: afforded + 1 })).status).toBe(402);
    expect((await ask(gateway, key, { max_tokens: afforded })).status).toBe(200);
    expect(cli(gateway, 'keys', 'limit', data.hash, '--limit-usd', '0.00006', '--reset', 'daily').code).toBe(0);
    const last = await ask(gateway, key, { max_tokens: 1 });
    expect(last.status).toBe(403);
    const tomorrow = new Date(Math.floor(Date.now() / 86_400_000 + 1) * 86_400_000).toISOString();
    expect(last.body.error).toMatchObject({
      code: 403,
      message: expect.stringMatching(/^Key limit exceeded \(daily limit\)\. Manage it using http.*\/settings\/keys$/),
      metadata: {
        error_type: 'permission_denied',
        limit_source: 'openrouter_key_limit',
        scope: 'daily',
        limit_usd: 0.00006,
        spend_usd: 0.00006,
        rule: 'key_limit',
        limit: 0.00006,
        current: 0.00006,
        resets_at: tomorrow,
      },
    });
    expect(last.body.openrouter_metadata).toBeUndefined();
    expect(await ofKey(gateway, key)).toMatchObject({ limit: 0.00006, limit_remaining: 0, limit_reset: 'daily' });
    // Before anything is looked up, and for what costs nothing as well.
    expect((await ask(gateway, key, { model: 'lab/unknown' })).status).toBe(403);
    expect((await ask(gateway, key, { model: 'lab/one:free' })).status).toBe(403);
    expect((await ask(gateway, gateway.key)).status).toBe(200);
  });

  test('I5 is never passed, however many ask at once', async () => {
    const { key } = limited('--limit-usd', '0.0011');
    upstream.reply = async () => {
      await Bun.sleep(5);
      return whole('Hello', { usage: { prompt_tokens: 10, completion_tokens: 100, total_tokens: 110 } });
    };
    const statuses: number[] = [];
    // Each asks again as soon as it is answered, so that some ask at every moment of the others' settlement.
    const one = async (): Promise<void> => {
      for (let n = 0; n < 8; n += 1) statuses.push((await ask(gateway, key)).status);
    };
    await Promise.all(Array.from({ length: 20 }, one));
    while (statuses.at(-1) === 200) statuses.push((await ask(gateway, key)).status);
    // An answer costs 0.00021 USD.
    expect(statuses.filter((status) => status === 200).length).toBe(5);
    expect(new Set(statuses)).toEqual(new Set([200, 402]));
    const { usage, limit_remaining } = await ofKey(gateway, key);
    expect(usage).toBeCloseTo(0.00105, 9);
    expect(limit_remaining).toBeCloseTo(0.00005, 9);
  });

  test('can be changed and taken away beside a running server, and outlives it', async () => {
    const { key, data } = limited('--limit-usd', '0');
    expect((await ask(gateway, key)).status).toBe(403);
    expect(cli(gateway, 'keys', 'limit', data.hash, '--limit-usd', '1', '--reset', 'monthly').code).toBe(0);
    expect((await ask(gateway, key)).status).toBe(200);
    expect(await ofKey(gateway, key)).toMatchObject({ limit: 1, limit_reset: 'monthly' });
    const listed = (cli(gateway, 'keys', 'list').json.data as Json[]).find(({ hash }) => hash === data.hash);
    expect(listed?.limit).toEqual({ nano: '1000000000', reset: 'monthly' });
    expect(cli(gateway, 'keys', 'limit', data.hash, '--limit-usd', 'none').code).toBe(0);
    expect(await ofKey(gateway, key)).toMatchObject({ limit: null, limit_remaining: null, limit_reset: null });
    for (const wrong of [
      ['--limit-usd', '-1'],
      ['--limit-usd', 'x'],
      ['--reset', 'daily'],
      ['--limit-usd', '1', '--reset', 'hourly'],
    ]) {
      const { code, err } = cli(gateway, 'keys', 'create', ...wrong);
      expect(code).toBe(2);
      expect(err).toMatch(/--(limit-usd|reset)/);
    }
    expect(cli(gateway, 'keys', 'limit', data.hash, '--limit-usd', '0.5').code).toBe(0);
    await gateway.terminate();
    gateway = await RunningGateway.start({ config: config('credits: { mode: unlimited }'), home: gateway.home });
    expect(await ofKey(gateway, key)).toMatchObject({ limit: 0.5, limit_reset: null });
  }, 60_000);
});

describe('the balance and what is in flight', () => {
  test('INF-157 without credit even free models are refused with 402, and with some they are not', async () => {
    const gateway = await RunningGateway.start({ config: config('credits: { mode: prepaid, initial_usd: 0 }') });
    try {
      for (const model of ['lab/one', 'lab/one:free']) {
        const { status, body } = await ask(gateway, gateway.key, { model });
        expect(status).toBe(402);
        expect(body.error.metadata).toMatchObject({
          limit_source: 'openrouter_credits',
          error_type: 'payment_required',
        });
        expect(body.openrouter_metadata).toBeUndefined();
      }
      expect(upstream.received).toHaveLength(0);
      expect(cli(gateway, 'credits', 'grant', '0.000001').code).toBe(0);
      expect((await ask(gateway, gateway.key, { model: 'lab/one:free' })).status).toBe(200);
      expect((await ask(gateway, gateway.key)).status).toBe(402);
    } finally {
      await gateway.stop();
    }
  }, 60_000);

  test('INF-162 too much in flight is 402 with a time to come again, and none where it would never fit', async () => {
    const gateway = await RunningGateway.start({
      config: config('credits: { mode: unlimited, in_flight_usd: 0.0005 }'),
    });
    try {
      let release: () => void = () => {};
      const waits = new Promise<void>((resolve) => {
        release = resolve;
      });
      upstream.reply = async () => {
        await waits;
        return whole('Hello');
      };
      const arrived = (count: number): Promise<void> =>
        upstream.received.length >= count ? Promise.resolve() : Bun.sleep(5).then(() => arrived(count));
      const first = ask(gateway, gateway.key, { max_tokens: 200 });
      await arrived(1);
      const { status, body, headers } = await ask(gateway, gateway.key, { max_tokens: 100 });
      expect(status).toBe(402);
      expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
      expect(body.error.metadata).toMatchObject({
        limit_source: 'openrouter_in_flight_budget',
        error_type: 'payment_required',
        rule: 'credits.in_flight_usd',
        limit: 0.0005,
        retry_after_seconds: Number(headers.get('retry-after')),
      });
      const alone = await ask(gateway, gateway.key, { max_tokens: 1000 });
      expect(alone.status).toBe(402);
      expect(alone.headers.get('retry-after')).toBeNull();
      expect(alone.body.error.metadata.limit_source).toBe('openrouter_in_flight_budget');
      expect(upstream.received).toHaveLength(1);
      release();
      expect((await first).status).toBe(200);
      expect((await ask(gateway, gateway.key, { max_tokens: 100 })).status).toBe(200);
    } finally {
      await gateway.stop();
    }
  }, 60_000);
});

describe('free models', () => {
  let gateway: RunningGateway;
  const start = async (limits: string): Promise<void> => {
    gateway = await RunningGateway.start({
      config: config(`credits: { mode: unlimited }\nfree_models: ${limits}`),
    });
  };
  const FREE = { model: 'lab/one:free' };

  test('INF-164 the 21st request of a minute is 429, its headers say so, and paid models are served on', async () => {
    await start('{}');
    try {
      for (let n = 0; n < 20; n += 1) {
        const { status, headers } = await ask(gateway, gateway.key, FREE);
        expect(status).toBe(200);
        expect([...headers.keys()].filter((name) => name.startsWith('x-ratelimit'))).toEqual([]);
      }
      const before = Date.now();
      const { status, headers, body } = await ask(gateway, gateway.key, FREE);
      expect(status).toBe(429);
      expect(body.error.message).toBe('Rate limit exceeded: free-models-per-min');
      const told = {
        'X-RateLimit-Limit': headers.get('x-ratelimit-limit'),
        'X-RateLimit-Remaining': headers.get('x-ratelimit-remaining'),
        'X-RateLimit-Reset': headers.get('x-ratelimit-reset'),
      };
      expect(told).toMatchObject({ 'X-RateLimit-Limit': '20', 'X-RateLimit-Remaining': '0' });
      expect(body.error.metadata.headers).toEqual(told);
      const reset = Number(told['X-RateLimit-Reset']);
      expect(reset).toBeGreaterThan(before);
      expect(reset).toBeLessThanOrEqual(before + 60_000);
      expect(Number(headers.get('retry-after'))).toBeLessThanOrEqual(60);
      expect(body.error.metadata).toMatchObject({
        error_type: 'rate_limit_exceeded',
        rule: 'free_models.per_minute',
        limit: 20,
        resets_at: new Date(reset).toISOString(),
      });
      // INF-273: refused before anything was routed.
      expect(body.openrouter_metadata).toBeUndefined();
      expect((await ask(gateway, gateway.key)).status).toBe(200);
    } finally {
      await gateway.stop();
    }
  }, 60_000);

  test('INF-165 INF-166 a day’s limit holds for all keys together, counts failures, and rises with what was paid in', async () => {
    await start('{ per_minute: 10000 }');
    try {
      const { key } = cli(gateway, 'keys', 'create').json as { key: string };
      const fail = (n: number): boolean => n % 5 === 0;
      for (let n = 0; n < 50; n += 1) {
        upstream.reply = () => (fail(n) ? new Response('{}', { status: 400 }) : whole('Hello'));
        expect((await ask(gateway, n % 2 === 0 ? key : gateway.key, FREE)).status).toBe(fail(n) ? 400 : 200);
      }
      const midnight = Math.floor(Date.now() / 86_400_000 + 1) * 86_400_000;
      for (const one of [key, gateway.key]) {
        const { status, body, headers } = await ask(gateway, one, FREE);
        expect(status).toBe(429);
        expect(body.error.message).toBe(
          'Rate limit exceeded: free-models-per-day. Add 10 credits to unlock 1000 free model requests per day',
        );
        expect(headers.get('x-ratelimit-limit')).toBe('50');
        expect(headers.get('x-ratelimit-reset')).toBe(String(midnight));
        expect(body.error.metadata.limit_source).toBe('openrouter_free_tier_daily');
      }
      expect((await ofKey(gateway, key)).free_model_daily_requests).toEqual({ limit: 50, remaining: 0, used: 50 });
      expect(cli(gateway, 'credits', 'grant', '9.99', '--ref', 'a').code).toBe(0);
      expect((await ask(gateway, key, FREE)).status).toBe(429);
      expect(cli(gateway, 'credits', 'grant', '0.01', '--ref', 'b').code).toBe(0);
      upstream.reply = () => whole('Hello');
      for (let n = 0; n < 950; n += 50) {
        const answers = await Promise.all(
          Array.from({ length: 50 }, (_, at) => ask(gateway, at % 2 ? key : gateway.key, FREE)),
        );
        expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
      }
      const { status, body } = await ask(gateway, key, FREE);
      expect(status).toBe(429);
      expect(body.error.message).toBe('Rate limit exceeded: free-models-per-day-high-balance');
      // What was paid in is remembered.
      await gateway.terminate();
      gateway = await RunningGateway.start({
        config: config('credits: { mode: unlimited }\nfree_models: {}'),
        home: gateway.home,
      });
      expect((await ofKey(gateway, key)).free_model_daily_requests.limit).toBe(1000);
    } finally {
      await gateway.stop();
    }
  }, 120_000);

  test('are as free as anybody likes where nothing is said of them', async () => {
    gateway = await RunningGateway.start({ config: config('credits: { mode: unlimited }') });
    try {
      upstream.reply = ({ body }) =>
        body.stream ? stream(chunk({ content: 'Hello' }), chunk({}, 'stop'), usageChunk(), DONE) : whole('Hello');
      const answers = await Promise.all(Array.from({ length: 60 }, () => ask(gateway, gateway.key, FREE)));
      expect(answers.every(({ status }) => status === 200)).toBe(true);
      expect((await ofKey(gateway, gateway.key)).free_model_daily_requests).toEqual({
        limit: -1,
        remaining: -1,
        used: 0,
      });
    } finally {
      await gateway.stop();
    }
  }, 60_000);
});
