import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { RunningGateway } from '../support/gateway.ts';
import { ScriptedUpstream, whole } from '../support/upstream.ts';

/** Two hosts of the same price, between which every plain request is drawn: who serves a conversation that one of them has in its cache. */

type Json = Record<string, any>;

const hosts = { left: new ScriptedUpstream(), right: new ScriptedUpstream() };
type Name = keyof typeof hosts;
let gateway: RunningGateway;

const CACHED = { prompt: '0.000001', completion: '0.000002', input_cache_read: '0.0000001' };
const NO_GAIN = { ...CACHED, input_cache_read: '0.000001' };
const row = (model: string, pricing: Json): Json => ({
  model,
  upstream_model: model,
  context_length: 100_000,
  pricing,
});

beforeAll(async () => {
  const provider = (name: Name): Json => ({
    name,
    base_url: hosts[name].base,
    endpoints: [row('lab/cached', CACHED), row('lab/no-gain', NO_GAIN), row('lab/down', CACHED)],
  });
  gateway = await RunningGateway.start({
    config: JSON.stringify({
      providers: { left: provider('left'), right: provider('right') },
      routing: { seed: 7 },
      // Outages are looked at here; a breaker would come first.
      limits: { breaker_failures: 100_000, breaker_attempts: 100_000 },
    }),
  });
});
afterAll(async () => {
  await gateway.stop();
  for (const host of Object.values(hosts)) await host.stop();
});

const usage = (cached: number): Json => ({
  usage: {
    prompt_tokens: 1000,
    completion_tokens: 5,
    total_tokens: 1005,
    prompt_tokens_details: { cached_tokens: cached },
  },
});
const answers = (cached: number): void => {
  for (const host of Object.values(hosts)) host.reply = () => whole('Hello', usage(cached));
};
beforeEach(() => answers(0));

let conversations = 0;
/** A conversation that nobody had before. */
const fresh = (): Json => ({
  model: 'lab/cached',
  messages: [
    { role: 'system', content: 'You are patient.' },
    { role: 'user', content: `Conversation ${conversations++}` },
  ],
});

const servedBy = async (body: Json, headers: Record<string, string> = {}): Promise<Name> => {
  const response = await gateway.post(body, headers);
  expect(response.status).toBe(200);
  return ((await response.json()) as Json).provider as Name;
};
const turns = async (count: number, body: Json, headers?: Record<string, string>): Promise<readonly Name[]> => {
  const names: Name[] = [];
  for (let i = 0; i < count; i++) names.push(await servedBy(body, headers));
  return names;
};
const TURNS = 12;
const distinct = (names: readonly Name[]): number => new Set(names).size;
/** The same two messages with more behind them, as a conversation grows. */
const later = (body: Json): Json => ({
  ...body,
  messages: [...body.messages, { role: 'assistant', content: 'Yes?' }, { role: 'user', content: 'Go on.' }],
});

describe('what it is worth', () => {
  const cacheOf = async (): Promise<Json> => ((await gateway.json('/key')).data as Json).turnpike.prompt_cache;

  test('a key says how much came from caches, what that saved, and what was lost to changes of hosts', async () => {
    const before = await cacheOf();
    answers(800);
    const body = { ...fresh(), session_id: 'counted' };
    const first = await servedBy(body);
    // 800 tokens at 0.9 USD less a million.
    const saved = await cacheOf();
    expect(saved.input_tokens - before.input_tokens).toBe(1000);
    expect(saved.cached_tokens - before.cached_tokens).toBe(800);
    expect(saved.saved_usd - before.saved_usd).toBeCloseTo(800 * 0.9e-6, 12);
    expect(saved.flips).toBe(before.flips);
    expect(saved.cached_share).toBeCloseTo(saved.cached_tokens / saved.input_tokens, 4);
    expect(Date.parse(saved.since)).toBeLessThanOrEqual(Date.now());

    answers(100);
    const response = await gateway.post({ ...body, provider: { ignore: [first] } });
    const { id } = (await response.json()) as Json;
    const lost = await cacheOf();
    expect(lost.flips - saved.flips).toBe(1);
    expect(lost.lost_to_flips_usd - saved.lost_to_flips_usd).toBeCloseTo(700 * 0.9e-6, 12);
    const { turnpike } = (await gateway.json(`/generation?id=${id}`)).data as Json;
    expect(turnpike.cache_flip).toEqual({ from: `${first}/lab/cached`, tokens: 700, lost_usd: 0.00063 });
  });
});

describe('a conversation and its host', () => {
  test('INF-216 stay together once a cache was used, by how it begins, and not before', async () => {
    const plain = fresh();
    expect(distinct(await turns(TURNS, plain))).toBe(2);
    answers(800);
    const read = fresh();
    const first = await servedBy(read);
    answers(0);
    expect(await turns(TURNS, later(read))).toEqual(Array(TURNS).fill(first));
    // Another conversation is another matter, and so is the same one with another key.
    expect(distinct(await turns(TURNS, fresh()))).toBe(2);
  });

  test('INF-216 a cache that was written to counts like one that was read', async () => {
    for (const host of Object.values(hosts))
      host.reply = () =>
        whole('Hello', {
          usage: { ...usage(0).usage, prompt_tokens_details: { cached_tokens: 0, cache_write_tokens: 900 } },
        });
    const body = fresh();
    const first = await servedBy(body);
    answers(0);
    expect(await turns(TURNS, body)).toEqual(Array(TURNS).fill(first));
  });

  test('INF-217 stay together after the first success where a session is named, in the body or by header', async () => {
    const first = await servedBy({ ...fresh(), session_id: 'one' });
    expect(await turns(TURNS, { ...fresh(), session_id: 'one' })).toEqual(Array(TURNS).fill(first));
    const second = await servedBy(fresh(), { 'x-session-id': 'two' });
    expect(await turns(TURNS, fresh(), { 'x-session-id': 'two' })).toEqual(Array(TURNS).fill(second));
    // The body's session wins over the header's.
    const third = await servedBy({ ...fresh(), session_id: 'three' }, { 'x-session-id': 'two' });
    const names = await turns(TURNS, { ...fresh(), session_id: 'three' }, { 'x-session-id': 'elsewhere' });
    expect(names).toEqual(Array(TURNS).fill(third));
  });

  test('INF-218 are known by the key of the prompt’s cache where no session is named', async () => {
    answers(800);
    const first = await servedBy({ ...fresh(), prompt_cache_key: 'mine' });
    answers(0);
    expect(await turns(TURNS, { ...fresh(), prompt_cache_key: 'mine' })).toEqual(Array(TURNS).fill(first));
    // A session wins over it: under another one the host is drawn, until a session has a host of its own.
    const drawn: Name[] = [];
    for (let i = 0; i < TURNS; i++)
      drawn.push(await servedBy({ ...fresh(), prompt_cache_key: 'mine', session_id: `s${i}` }));
    expect(distinct(drawn)).toBe(2);
    // A session of the same name is no cache of that name.
    const sessions: Name[] = [];
    for (let i = 0; i < TURNS; i++) {
      const key = `both ${i}`;
      answers(800);
      const by = await servedBy({ ...fresh(), prompt_cache_key: key });
      answers(0);
      sessions.push((await servedBy({ ...fresh(), session_id: key })) === by ? 'left' : 'right');
    }
    expect(distinct(sessions)).toBe(2);
  });

  test('INF-219 part where the caller gives an order', async () => {
    const body = { ...fresh(), session_id: 'ordered' };
    const first = await servedBy(body);
    const other: Name = first === 'left' ? 'right' : 'left';
    const order = { ...body, provider: { order: [other] } };
    expect(await turns(3, order)).toEqual([other, other, other]);
    // And what the order did is not remembered.
    expect(await turns(TURNS, body)).toEqual(Array(TURNS).fill(first));
  });

  test('INF-220 are nothing to each other where reading a cache costs as much as reading', async () => {
    answers(800);
    expect(distinct(await turns(TURNS, { ...fresh(), model: 'lab/no-gain', session_id: 'in vain' }))).toBe(2);
  });

  test('INF-222 stay together after a failure, and are apart only while the host is not there', async () => {
    answers(800);
    const body = fresh();
    const first = await servedBy(body);
    const other: Name = first === 'left' ? 'right' : 'left';
    answers(0);
    // A failure that nobody makes good, and one that the other host makes good: the cache is still where it was.
    hosts[first].reply = () => Response.json({ error: { message: 'no' } }, { status: 400 });
    expect((await gateway.post(body)).status).toBe(400);
    hosts[first].reply = () => Response.json({ error: { message: 'broken' } }, { status: 500 });
    expect(await servedBy(body)).toBe(other);
    answers(0);
    expect(await turns(TURNS, body)).toEqual(Array(TURNS).fill(first));
  });

  test('INF-222 a host in an outage is not asked at all, though it has the conversation', async () => {
    answers(800);
    const body = { ...fresh(), model: 'lab/down' };
    const first = await servedBy(body);
    const other: Name = first === 'left' ? 'right' : 'left';
    answers(0);
    hosts[first].reply = () => Response.json({ error: { message: 'down' } }, { status: 500 });
    // What is known of a host is looked at anew after a moment.
    let asked = -1;
    for (let i = 0; i < 100 && asked !== hosts[first].received.length; i++) {
      asked = hosts[first].received.length;
      await turns(1, body);
      await Bun.sleep(400);
    }
    expect(await turns(3, body)).toEqual([other, other, other]);
    expect(hosts[first].received.length).toBe(asked);
  });
});
