import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readBooks, recompute } from '../support/books.ts';
import { RunningGateway } from '../support/gateway.ts';
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

/** Prepaid credit, receipts, and who pays for what went wrong. One dollar a million in, two out: 10 + 5 tokens are 20 micro-dollars. */

type Json = Record<string, any>;

let upstream: ScriptedUpstream;
let gateway: RunningGateway;
beforeAll(async () => {
  upstream = new ScriptedUpstream();
  gateway = await RunningGateway.start({
    config: customProvider(upstream.base, 'credits: { mode: prepaid, initial_usd: 1 }'),
  });
});
afterAll(async () => {
  await gateway.stop();
  await upstream.stop();
});

const messages = [{ role: 'user', content: 'Hello' }];
const ask = async (body: Json = {}, from = gateway): Promise<{ status: number; body: Json; headers: Headers }> => {
  const response = await from.post({ model: 'lab/one', messages, max_tokens: 100, ...body });
  return { status: response.status, body: (await response.json()) as Json, headers: response.headers };
};
const generation = async (id: string): Promise<Json> =>
  ((await (await gateway.get(`/generation?id=${id}`)).json()) as Json).data;
const balance = async (from = gateway): Promise<number> => {
  const { total_credits, total_usage } = ((await (await from.get('/credits')).json()) as Json).data;
  return Math.round((total_credits - total_usage) * 1e9);
};

describe('what is reserved', () => {
  test('P4 a prompt beyond a price threshold is reserved at the price it will cost', async () => {
    const poor = await RunningGateway.start({ config: 'credits: { mode: prepaid, initial_usd: 2 }' });
    try {
      // About 212,000 tokens: 1.6 USD at most at the base price, 3.2 at the price beyond 200,000.
      const { status, body } = await ask(
        {
          model: 'anthropic/claude-opus-4.6',
          max_tokens: 10,
          messages: [{ role: 'user', content: 'word '.repeat(250_000) }],
        },
        poor,
      );
      expect(status).toBe(402);
      expect(body.error.message).toContain('Prompt tokens limit exceeded');
      expect(await balance(poor)).toBe(2_000_000_000);
    } finally {
      await poor.stop();
    }
  });
});

describe('what is charged', () => {
  test('INF-102 INF-114 PLT-228 the price in the answer is the price in the record, at once', async () => {
    upstream.reply = () =>
      whole('Hi', {
        usage: {
          prompt_tokens: 1000,
          completion_tokens: 50,
          total_tokens: 1050,
          prompt_tokens_details: { cached_tokens: 400 },
        },
      });
    const { body } = await ask();
    // No price for cached input of its own: the input price holds.
    expect(body.usage.cost).toBe(0.0011);
    expect((await generation(body.id)).total_cost).toBe(0.0011);
  });

  test('PLT-131 credits bought less credits used are the balance', async () => {
    upstream.reply = () => whole('Hi');
    const before = await balance();
    await ask();
    expect(before - (await balance())).toBe(20_000);
  });

  test('INF-120 who served sets the price, not who was asked first', async () => {
    const cheap = new ScriptedUpstream();
    const other = await RunningGateway.start({
      config: `${customProvider(upstream.base)}
  cheap:
    base_url: ${cheap.base}
    endpoints:
      - { model: lab/one, upstream_model: one, pricing: { prompt: "0.0000001", completion: "0.0000001" } }
`,
    });
    upstream.reply = () => Response.json({ error: { message: 'down' } }, { status: 503 });
    try {
      const { body } = await ask({ provider: { order: ['mine'] } }, other);
      expect([body.provider, body.usage.cost]).toEqual(['cheap', 0.0000015]);
    } finally {
      await other.stop();
      await cheap.stop();
    }
  });

  test('INF-124 PLT-096 an answer without a token and without a finish costs nothing', async () => {
    upstream.reply = () =>
      whole('', { finish_reason: null, usage: { prompt_tokens: 10, completion_tokens: 0, total_tokens: 10 } });
    const before = await balance();
    await ask();
    expect(await balance()).toBe(before);
  });

  test('INF-125 PLT-097 an answer that ends in an error costs nothing, whatever the provider counted', async () => {
    upstream.reply = () => stream(chunk({ content: 'Hel' }), chunk({}, 'error'), usageChunk(), DONE);
    const before = await balance();
    const response = await gateway.post({ model: 'lab/one', messages, stream: true });
    expect(readFrames(await response.text()).data.some((one) => one.error)).toBe(true);
    expect(await balance()).toBe(before);
  });

  test('INF-115 the price of long prompts starts above the threshold, not at it', async () => {
    const { price } = await import('../../src/ledger/price.ts');
    const { loadSnapshot } = await import('../../src/catalogue/load.ts');
    const snapshot = loadSnapshot();
    const endpoint = snapshot.endpoints.find(
      (one) => one.overrides?.[0]?.minPromptTokens !== undefined && one.overrides[0].rates.input !== undefined,
    );
    const threshold = endpoint?.overrides?.[0]?.minPromptTokens ?? 0;
    if (!endpoint) throw new Error('no endpoint with a threshold');
    const at = (promptTokens: number): bigint =>
      price({ input: promptTokens }, snapshot.ratesFor(endpoint, { promptTokens, at: 0 })).total;
    expect(at(threshold)).toBe((BigInt(endpoint.rates.input ?? '0') * BigInt(threshold) + 500n) / 1000n);
    expect(at(threshold + 1)).toBe(
      (BigInt(endpoint.overrides?.[0]?.rates.input ?? '0') * BigInt(threshold + 1) + 500n) / 1000n,
    );
  });

  test('PLT-229 every attempt stands in the record', async () => {
    let calls = 0;
    upstream.reply = () => {
      calls += 1;
      return whole('Hi');
    };
    const { body } = await ask();
    const record = await generation(body.id);
    expect(record.provider_responses).toHaveLength(calls);
    expect(record.provider_responses[0]).toMatchObject({ provider_name: 'Mine', status: 200 });
  });
});

describe('who leaves', () => {
  test('INF-146 P2 leaving a stream stops the provider and pays for what was said', async () => {
    upstream.reply = () => stream(chunk({ content: 'one two three four' }), 'hang');
    const leaving = new AbortController();
    const before = await balance();
    const response = await gateway.post(
      { model: 'lab/one', messages, stream: true, max_tokens: 100 },
      {},
      leaving.signal,
    );
    const id = response.headers.get('x-generation-id') ?? '';
    await response.body?.getReader().read();
    leaving.abort();
    await upstream.last.aborted;
    let record: Json | undefined;
    for (let tries = 0; tries < 50 && !record; tries += 1) {
      await Bun.sleep(20);
      record = await generation(id);
    }
    expect(record?.cancelled).toBe(true);
    const paid = before - (await balance());
    expect(paid).toBeGreaterThan(0);
    expect(paid).toBeLessThan(100_000);
    expect(Math.round(record?.total_cost * 1e9)).toBe(paid);
  });

  test('INF-148 leaving an answer that is not streamed pays in full', async () => {
    upstream.reply = async () => {
      await Bun.sleep(150);
      return whole('Hi');
    };
    const before = await balance();
    const leaving = new AbortController();
    setTimeout(() => leaving.abort(), 50);
    await gateway.post({ model: 'lab/one', messages }, {}, leaving.signal).catch(() => undefined);
    await Bun.sleep(400);
    expect(before - (await balance())).toBe(20_000);
  });
});

describe('what cannot be paid', () => {
  test('INF-158 PLT-136 too large a wish is told what was asked and what can be afforded', async () => {
    const poor = await RunningGateway.start({
      config: customProvider(upstream.base, 'credits: { mode: prepaid, initial_usd: "0.001" }'),
    });
    try {
      upstream.reply = () => whole('Hi');
      const { status, body } = await ask({ max_tokens: 5000 }, poor);
      expect(status).toBe(402);
      expect(body.error.message).toMatch(/You requested up to 5000 tokens, but can only afford \d+/);
      expect((await ask({ max_tokens: 100 }, poor)).status).toBe(200);
    } finally {
      await poor.stop();
    }
  });

  test('INF-159 PLT-137 without a wish the endpoint’s longest answer is what has to be affordable', async () => {
    const poor = await RunningGateway.start({
      config: customProvider(upstream.base, 'credits: { mode: prepaid, initial_usd: "0.001" }'),
    });
    try {
      const { status, body } = await ask({ max_tokens: undefined }, poor);
      expect([status, body.error.message]).toEqual([402, expect.stringContaining('10000 tokens')]);
    } finally {
      await poor.stop();
    }
  });

  test('INF-160 a prompt that alone costs too much is told so', async () => {
    const poor = await RunningGateway.start({
      config: customProvider(upstream.base, 'credits: { mode: prepaid, initial_usd: "0.00001" }'),
    });
    try {
      const { status, body } = await ask(
        { messages: [{ role: 'user', content: 'word '.repeat(2000) }], max_tokens: 1 },
        poor,
      );
      expect([status, body.error.message]).toEqual([
        402,
        expect.stringMatching(/Prompt tokens limit exceeded: \d+ > \d+/),
      ]);
    } finally {
      await poor.stop();
    }
  });

  test('P3 I4 INF-163 four hundred at once never spend more than there is, and who was let in is served', async () => {
    const poor = await RunningGateway.start({
      config: customProvider(upstream.base, 'credits: { mode: prepaid, initial_usd: "0.01" }'),
    });
    upstream.reply = async () => {
      await Bun.sleep(20);
      return whole('Hi', { usage: { prompt_tokens: 10, completion_tokens: 100, total_tokens: 110 } });
    };
    try {
      const answers = await Promise.all(Array.from({ length: 400 }, () => ask({}, poor)));
      const served = answers.filter(({ status }) => status === 200);
      expect(served.length).toBeGreaterThan(10);
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 402]));
      expect(await balance(poor)).toBeGreaterThanOrEqual(0);
      expect(10_000_000 - (await balance(poor))).toBe(served.length * 210_000);
    } finally {
      await poor.stop();
    }
  });
});

describe('receipts and keys', () => {
  test('PLT-094 I10 I7 the ledger is the sum of the receipts, each computed anew from its lines', async () => {
    upstream.reply = hello;
    await Promise.all(
      Array.from({ length: 20 }, async () => (await gateway.post({ model: 'lab/one', messages, stream: true })).text()),
    );
    const books = readBooks(gateway.home);
    expect(books.breaches).toEqual([]);
    let sum = 0n;
    for (const { state, charge, document } of books.generations.values())
      if (state === 'settled') sum += charge === recompute(document) ? charge : 1_000_000_000n;
    expect(sum).toBe(books.charged);
    expect(sum).toBeGreaterThan(0n);
  });

  test('PLT-102 PLT-103 PLT-104 a key is stored as its SHA-256 and shown by a mask', async () => {
    const made = Bun.spawnSync(
      [process.execPath, join(import.meta.dir, '../../src/main.ts'), 'keys', 'create', '--json'],
      {
        env: { PATH: process.env.PATH ?? '', TURNPIKE_HOME: gateway.home },
        cwd: gateway.home,
      },
    );
    const { key, data } = JSON.parse(made.stdout.toString()) as Json;
    const { hash, label } = data;
    expect(key).toMatch(/^sk-tp-v1-[0-9a-f]{64}$/);
    expect(hash).toBe(createHash('sha256').update(key).digest('hex'));
    expect(label).not.toBe(key);
    expect(((await (await gateway.get('/key', key)).json()) as Json).data.label).toBe(label);
    const file =
      readFileSync(join(gateway.home, 'turnpike.db')).toString('latin1') +
      readFileSync(join(gateway.home, 'turnpike.db-wal')).toString('latin1');
    expect(file).toContain(hash);
    expect(file).not.toContain(key);
  });

  test('PLT-117 a key reads all of its fields, deprecated ones too', async () => {
    const { data } = (await (await gateway.get('/key')).json()) as Json;
    for (const field of [
      'label',
      'limit',
      'limit_remaining',
      'usage',
      'usage_daily',
      'usage_weekly',
      'usage_monthly',
      'byok_usage',
      'is_free_tier',
      'is_provisioning_key',
      'rate_limit',
      'expires_at',
    ])
      expect(Object.hasOwn(data, field)).toBe(true);
    expect(data.usage).toBeGreaterThan(0);
  });

  test('PLT-004 PLT-006 a revoked key is 401 within a second, on inference and on its own page', async () => {
    const cli = (...args: string[]): Json =>
      JSON.parse(
        Bun.spawnSync([process.execPath, join(import.meta.dir, '../../src/main.ts'), ...args, '--json'], {
          env: { PATH: process.env.PATH ?? '', TURNPIKE_HOME: gateway.home },
          cwd: gateway.home,
        }).stdout.toString() || '{}',
      ) as Json;
    const { key, data } = cli('keys', 'create');
    expect((await gateway.get('/key', key)).status).toBe(200);
    cli('keys', 'revoke', data.hash);
    expect((await gateway.get('/key', key)).status).toBe(401);
    expect((await gateway.post({ model: 'lab/one', messages }, { authorization: `Bearer ${key}` })).status).toBe(401);
  });
});
