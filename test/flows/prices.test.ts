import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadSnapshot } from '../../src/catalogue/load.ts';
import { compose } from '../../src/cli/compose.ts';
import { loadConfig } from '../../src/config/load.ts';
import { readBooks } from '../support/books.ts';
import { RunningGateway } from '../support/gateway.ts';
import { ScriptedUpstream, whole } from '../support/upstream.ts';

/** What hosts count and charge, and what our prices make of it. */

type Json = Record<string, any>;

const upstream = new ScriptedUpstream();
afterAll(() => upstream.stop());

const messages = [{ role: 'user', content: 'Hello' }];

/** An operator's own endpoint `lab/<name>` with OpenRouter's pricing object. */
const row = (name: string, pricing: Json): string =>
  `      - { model: lab/${name}, upstream_model: ${name}, pricing: ${JSON.stringify(pricing)} }`;

const PLAIN = { prompt: '0.000001', completion: '0.000002' };
const ROWS: Readonly<Record<string, Json>> = {
  plain: PLAIN,
  // What a list of models says of itself, strings throughout.
  free_writes: { ...PLAIN, input_cache_write: '0', input_cache_read: '0.0000002' },
  no_writes: { ...PLAIN, input_cache_read: '0.0000002' },
  whole: {
    ...PLAIN,
    request: '0.001',
    image: '0.002',
    web_search: '0.005',
    input_cache_read: '0.0000001',
    input_cache_write: '0.00000125',
    input_cache_write_1h: '0.000002',
    internal_reasoning: '0',
    audio: '0.000004',
    audio_second: '0.0001',
    page: '0.004',
    overrides: [
      { min_prompt_tokens: 1000, prompt: '0.000003' },
      { min_prompt_tokens: '2000', utc_start: 0, utc_end: 2400, utc_days: [1, 2, 3, 4, 5, 6, 7], prompt: '4e-6' },
      { service_tier: 'priority', completion: '0.000006' },
    ],
  },
  discounted: { ...PLAIN, discount: 0.1, overrides: [{ min_prompt_tokens: 1000, prompt: '0.000003' }] },
  marked_up: { ...PLAIN, discount: -0.1 },
  unknown: { prompt: '-1', completion: '-1' },
  half_known: { ...PLAIN, input_cache_read: '-1', image: '-1' },
};

let gateway: RunningGateway;
beforeAll(async () => {
  gateway = await RunningGateway.start({
    config: `
providers:
  mine:
    base_url: ${upstream.base}
    endpoints:
${Object.entries(ROWS)
  .map(([name, pricing]) => row(name, pricing))
  .join('\n')}
`,
  });
});
afterAll(async () => {
  await gateway.stop();
});

async function ask(
  name: string,
  usage: Json | null,
  more: Json = {},
): Promise<{ body: Json; status: number; record: Json }> {
  upstream.reply = () => whole('Hi', { usage, ...more });
  const response = await gateway.post({ model: `lab/${name}`, messages });
  const body = (await response.json()) as Json;
  const id = response.headers.get('x-generation-id') ?? '';
  const { data } = (await (await gateway.get(`/generation?id=${id}`)).json()) as Json;
  return { body, status: response.status, record: data };
}
const used = (prompt: number, completion: number, more: Json = {}): Json => ({
  prompt_tokens: prompt,
  completion_tokens: completion,
  total_tokens: prompt + completion,
  ...more,
});

describe('prices', () => {
  test('UP-153 a price of zero is free, a price that is not there is the price of other input', async () => {
    const usage = used(1000, 0, { prompt_tokens_details: { cache_write_tokens: 400, cached_tokens: 100 } });
    expect((await ask('free_writes', usage)).record.total_cost).toBe(0.00052);
    expect((await ask('no_writes', usage)).record.total_cost).toBe(0.00092);
    const pricing = async (name: string): Promise<Json> =>
      ((await (await gateway.get(`/models/lab/${name}/endpoints`)).json()) as Json).data.endpoints[0].pricing;
    expect((await pricing('free_writes')).input_cache_write).toBe('0');
    expect('input_cache_write' in (await pricing('no_writes'))).toBe(false);
  });

  test('UP-154 every key of a pricing object is read, with what changes it and what is not known', async () => {
    const endpoint = ((await (await gateway.get('/models/lab/whole/endpoints')).json()) as Json).data.endpoints[0];
    const { overrides, internal_reasoning, ...flat } = endpoint.pricing;
    const { overrides: given, internal_reasoning: _zero, ...wanted } = ROWS.whole as Json;
    expect(flat).toEqual(wanted);
    // Zero means that thoughts cost what other output costs.
    expect(internal_reasoning).toBeUndefined();
    expect(overrides).toEqual([given[0], { ...given[1], min_prompt_tokens: 2000, prompt: '0.000004' }]);
    // Each with the fee of a tenth of a cent a request.
    for (const [prompt, completion, tier, cost] of [
      [1000, 1000, 'default', 0.004],
      [1001, 0, 'default', 0.004003],
      [2001, 0, 'default', 0.009004],
      [1000, 1000, 'priority', 0.008],
    ] as const)
      expect((await ask('whole', used(prompt, completion), { service_tier: tier })).record.total_cost).toBe(cost);
  });

  test('UP-154 a discount is taken off every price and a markup put on; −1 is a price nobody knows', async () => {
    expect((await ask('discounted', used(1000, 1000))).record.total_cost).toBe(0.0027);
    expect((await ask('discounted', used(2000, 1000))).record.total_cost).toBe(0.0072);
    expect((await ask('marked_up', used(1000, 1000))).record.total_cost).toBe(0.0033);
    const { status, body } = await ask('unknown', used(1, 1));
    expect([status, body.error.message]).toEqual([404, expect.stringContaining('no price per token is known')]);
    // A single unknown price is like one that is not there.
    const half = await ask('half_known', used(1000, 0, { prompt_tokens_details: { cached_tokens: 500 } }));
    expect(half.record.total_cost).toBe(0.001);
  });

  test('UP-151 the hour at which a request was accepted sets its price, on working days that are no holiday', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'turnpike-prices-'));
    let now = 0;
    const key = `test-key-${'0123456789'.repeat(3)}`;
    writeFileSync(
      join(folder, 'turnpike.yaml'),
      `providers: { deepseek: { base_url: "${upstream.base}", api_key: any } }\n`,
    );
    const environment = { TURNPIKE_PORT: '0', TURNPIKE_HOME: join(folder, 'home'), TURNPIKE_API_KEY: key };
    const silent = { info() {}, warn() {}, error() {} };
    const clocked = await compose({
      config: loadConfig(environment, folder),
      catalogue: loadSnapshot(),
      effects: {
        clock: {
          now: () => now,
          monotonic: () => performance.now(),
          after: (ms, action) => {
            const timer = setTimeout(action, ms);
            return () => clearTimeout(timer);
          },
        },
        random: Math.random,
        environment,
        cwd: folder,
        pid: 0,
        out() {},
        err() {},
        onSignal() {},
        onHangup() {},
      },
      log: silent,
      page: () => () => undefined as never,
    });
    try {
      const costAt = async (accepted: string, answered: string): Promise<number> => {
        now = Date.parse(accepted);
        upstream.reply = () => {
          now = Date.parse(answered);
          return whole('Hi', { usage: used(1_000_000, 0) });
        };
        const response = await fetch(`${clocked.url}/api/v1/chat/completions`, {
          method: 'POST',
          headers: { authorization: `Bearer ${key}` },
          body: JSON.stringify({ model: 'deepseek/deepseek-v4-pro', messages }),
        });
        return ((await response.json()) as Json).usage.cost;
      };
      const [quiet, peak] = [0.66, 1.32];
      // A Tuesday; then a Saturday, a holiday and the Thursday after the holidays.
      expect(await costAt('2026-11-24T00:59:59.900Z', '2026-11-24T01:00:30Z')).toBe(quiet);
      expect(await costAt('2026-11-24T03:59:59.900Z', '2026-11-24T04:00:30Z')).toBe(peak);
      expect(await costAt('2026-11-24T04:00:00Z', '2026-11-24T04:00:30Z')).toBe(quiet);
      expect(await costAt('2026-11-24T09:59:59Z', '2026-11-24T10:30:00Z')).toBe(peak);
      expect(await costAt('2026-11-28T02:00:00Z', '2026-11-28T02:00:01Z')).toBe(quiet);
      expect(await costAt('2026-10-01T02:00:00Z', '2026-10-01T02:00:01Z')).toBe(quiet);
      expect(await costAt('2026-10-08T02:00:00Z', '2026-10-08T02:00:01Z')).toBe(peak);
    } finally {
      await clocked.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe('counts', () => {
  test('UP-112 what a host does not count is estimated and says so; nonsense is never negative', async () => {
    for (const usage of [null, {}, { prompt_tokens: null }]) {
      const { body, record } = await ask('plain', usage);
      expect(record.turnpike.estimated).toBe(true);
      expect(body.usage.prompt_tokens).toBeGreaterThan(0);
      expect(body.usage.completion_tokens).toBe(1);
      expect(record.total_cost).toBeGreaterThan(0);
    }
    for (const usage of [
      used(-10, -5),
      used(10, 5, { prompt_tokens_details: { cached_tokens: -3 } }),
      used(10, 5, { prompt_tokens_details: { cached_tokens: 400, cache_write_tokens: 700, audio_tokens: 9000 } }),
      used(10, 5, { completion_tokens_details: { reasoning_tokens: -1, audio_tokens: 600 } }),
    ]) {
      const { body, record } = await ask('plain', usage);
      const {
        prompt_tokens,
        completion_tokens,
        prompt_tokens_details: parts,
        completion_tokens_details: out,
      } = body.usage;
      for (const count of [prompt_tokens, completion_tokens, ...Object.values(parts), ...Object.values(out)])
        expect(count).toBeGreaterThanOrEqual(0);
      expect(parts.cached_tokens + (parts.cache_write_tokens ?? 0) + parts.audio_tokens).toBeLessThanOrEqual(
        prompt_tokens,
      );
      expect(out.reasoning_tokens + out.audio_tokens).toBeLessThanOrEqual(completion_tokens);
      expect([record.turnpike.estimated, record.total_cost >= 0]).toEqual([false, true]);
    }
  });

  test('UP-113 what the host counted stands in the record as it came', async () => {
    const usage = used(10, 5, { odd: { nested: [1, 2] }, prompt_tokens_details: { cached_tokens: 4 } });
    const { body, record } = await ask('plain', usage);
    expect(record.turnpike.usage_raw).toEqual(usage);
    expect(readBooks(gateway.home).generations.get(body.id)?.document?.usageRaw).toEqual(usage);
  });

  test('UP-114 seconds of audio, pages, searches and requests are counted beside tokens, and billed', async () => {
    const { body, record } = await ask(
      'whole',
      used(100, 0, {
        prompt_audio_seconds: 30,
        pages_processed: 3,
        server_tool_use: { web_search_requests: 2 },
      }),
    );
    const receipt = Object.fromEntries(record.turnpike.receipt.map((line: Json) => [line.unit, line.quantity]));
    expect(receipt).toEqual({ input: 100, 'input-audio-second': 30, page: 3, 'web-search': 2, request: 1 });
    expect(record.total_cost).toBeCloseTo(0.0001 + 0.003 + 0.012 + 0.01 + 0.001, 9);
    expect(body.usage.server_tool_use.web_search_requests).toBe(2);
    const { record: searched } = await ask('whole', used(100, 0, { num_search_queries: 4 }));
    expect(searched.turnpike.receipt).toContainEqual({
      unit: 'web-search',
      quantity: 4,
      usd_pico_per_unit: '5000000000',
    });
  });

  test('UP-155 a cost that the host reports and ours that lie apart are in the log, small differences are not', async () => {
    const watched = await RunningGateway.start({
      config: `providers: { mine: { base_url: ${upstream.base}, endpoints: [{ model: lab/plain, upstream_model: plain, pricing: ${JSON.stringify(PLAIN)} }] } }\n`,
    });
    const costing = async (prompt: number, more: Json): Promise<string> => {
      upstream.reply = () => whole('Hi', { usage: used(prompt, 0, more) });
      const response = await watched.post({ model: 'lab/plain', messages });
      return ((await response.json()) as Json).id;
    };
    const ticks = (usd: number): number => Math.round(usd * 1e10);
    // Ours is a dollar a million tokens.
    const noticed = [
      await costing(100_000, { cost: 0.103 }),
      await costing(100_000, { estimated_cost: 0.05 }),
      await costing(100_000, { cost: { total_cost: 0.2 } }),
      await costing(100_000, { cost_in_usd_ticks: ticks(0.097) }),
      await costing(100_000, { cost: 0 }),
    ];
    await costing(100_000, { cost: 0.1 });
    await costing(100_000, { cost: 0.1015 });
    await costing(100_000, { estimated_cost: 0.0985 });
    await costing(100_000, { cost_in_usd_ticks: ticks(0.1) });
    await costing(100_000, {});
    // Twice as much, and less than a hundredth of a cent.
    await costing(50, { cost: 0.0001 });
    const { stderr } = await watched.stop();
    const logged = stderr
      .split('\n')
      .filter((line) => line.includes('reports another cost'))
      .map((line) => JSON.parse(line));
    expect(logged.map(({ generation }) => generation)).toEqual(noticed);
    expect(logged[0]).toMatchObject({ endpoint: 'mine/lab/plain', computedUsd: 0.1, reportedUsd: 0.103 });
  });
});
