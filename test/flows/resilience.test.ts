import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test';
import { RunningGateway } from '../support/gateway.ts';
import {
  chunk,
  DONE,
  hello,
  type Reply,
  readFrames,
  ScriptedUpstream,
  stream,
  usageChunk,
  whole,
} from '../support/upstream.ts';

/** What the gateway makes of hosts that fail, say "wait", or have enough to do: over real sockets, as its users see it. */

type Json = Record<string, any>;

const messages = [{ role: 'user', content: 'Hi' }];
const NAMES = ['one', 'two', 'three'] as const;
const PRICES = { one: '0.000001', two: '0.000001', three: '0.000001' };

const row = (name: (typeof NAMES)[number], base: string): string => `
  ${name}:
    base_url: ${base}
    api_key: sk-${name}
    endpoints:
      - { model: lab/m, upstream_model: m, context_length: 10000, pricing: { prompt: "${PRICES[name]}", completion: "${PRICES[name]}" } }
      - { model: lab/other, upstream_model: other, context_length: 10000, pricing: { prompt: "0.000001", completion: "0.000001" } }`;

const answering: Reply = ({ body }) => (body.stream ? hello() : whole('Hello'));
const failing =
  (status: number, headers: Record<string, string> = {}): Reply =>
  () =>
    Response.json({ error: { message: 'no' } }, { status, headers });

/** Three hosts at one price and a gateway of their own, so that nobody else's failures count. */
class Scene {
  readonly hosts: Readonly<Record<(typeof NAMES)[number], ScriptedUpstream>>;
  readonly gateway: RunningGateway;

  private constructor(hosts: Scene['hosts'], gateway: RunningGateway) {
    this.hosts = hosts;
    this.gateway = gateway;
  }

  static async start(limits: Json = {}): Promise<Scene> {
    const hosts = { one: new ScriptedUpstream(), two: new ScriptedUpstream(), three: new ScriptedUpstream() };
    for (const host of Object.values(hosts)) host.reply = answering;
    const gateway = await RunningGateway.start({
      config: `
providers: ${NAMES.map((name) => row(name, hosts[name].base)).join('')}
limits: ${JSON.stringify(limits)}
`,
    });
    return new Scene(hosts, gateway);
  }

  async ask(body: Json = {}): Promise<{ status: number; body: Json; headers: Headers }> {
    const response = await this.gateway.post({ model: 'lab/m', messages, ...body });
    const text = await response.text();
    return {
      status: response.status,
      body: text.startsWith('{') ? (JSON.parse(text) as Json) : {},
      headers: response.headers,
    };
  }

  /** Calls that hosts got so far, together. */
  get calls(): number {
    return Object.values(this.hosts).reduce((sum, host) => sum + host.received.length, 0);
  }

  async listed(name: string): Promise<Json> {
    const { data } = (await (await this.gateway.get('/models/lab/m/endpoints')).json()) as Json;
    return data.endpoints.find((one: Json) => one.tag === name);
  }

  async stop(): Promise<void> {
    await this.gateway.stop();
    for (const host of Object.values(this.hosts)) await host.stop();
  }
}

let scene: Scene | undefined;
afterEach(async () => {
  await scene?.stop();
  scene = undefined;
});

const every = <T>(count: number, make: (index: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, index) => make(index)));

describe('one of three hosts is dead', () => {
  test('P5 INF-212 nobody notices: every request is answered, and soon no call is made in vain', async () => {
    scene = await Scene.start();
    const { hosts } = scene;
    hosts.one.reply = failing(500);
    const statuses: number[] = [];
    for (let i = 0; i < 10; i++) {
      const answers = await every(10, async () => (await scene?.ask({ stream: i % 2 === 0 }))?.status ?? 0);
      statuses.push(...answers);
    }
    expect(statuses.filter((status) => status === 200)).toHaveLength(100);
    // Five failures, and what was under way with them.
    const inVain = hosts.one.received.length;
    expect(inVain).toBeLessThanOrEqual(5 + 10);
    expect(scene.calls - 100).toBe(inVain);
    // With the breaker open the median request makes one call.
    const before = scene.calls;
    for (let i = 0; i < 20; i++) expect((await scene.ask()).status).toBe(200);
    expect(scene.calls - before).toBeLessThanOrEqual(22);
  });

  test('P5 a dead address is as good as a dead host', async () => {
    scene = await Scene.start();
    await scene.hosts.two.stop();
    const answers = await every(60, () => scene?.ask({ stream: true }) ?? Promise.reject(new Error()));
    expect(answers.map(({ status }) => status)).toEqual(Array(60).fill(200));
  });

  test('P8 UP-136 it is left alone, tried by one, and gets its share back', async () => {
    scene = await Scene.start({ breaker_open_ms: 500, breaker_open_ms_max: 500 });
    const { hosts } = scene;
    hosts.one.reply = failing(500);
    while (hosts.one.received.length < 5) await scene.ask();
    const opened = hosts.one.received.length;
    const openedAt = performance.now();
    for (let i = 0; i < 10; i++) await scene.ask();
    const trials = Math.floor((performance.now() - openedAt) / 400);
    expect(hosts.one.received.length - opened).toBeLessThanOrEqual(trials);
    // It hangs: whoever tries it holds the only place.
    let free: () => void = () => {};
    const held = new Promise<void>((resolve) => {
      free = resolve;
    });
    hosts.one.reply = async (received) => {
      await held;
      return answering(received);
    };
    await Bun.sleep(700);
    const before = hosts.one.received.length;
    const trial = scene.ask();
    while (hosts.one.received.length === before) await Bun.sleep(5);
    for (let i = 0; i < 8; i++) expect((await scene.ask()).status).toBe(200);
    expect(hosts.one.received.length).toBe(before + 1);
    free();
    expect((await trial).body.provider).toBe('one');
    for (let i = 0; i < 3; i++) expect((await scene.ask()).body.provider).toBe('one');
    hosts.two.reply = failing(500);
    hosts.three.reply = failing(500);
    expect((await scene.ask()).body.provider).toBe('one');
  });

  test('another key of the same host starts anew', async () => {
    scene = await Scene.start();
    scene.hosts.one.reply = failing(401);
    expect((await scene.ask({ provider: { order: ['one'] } })).status).toBe(200);
    const refused = scene.hosts.one.received.length;
    for (let i = 0; i < 5; i++) await scene.ask({ model: 'lab/other', provider: { order: ['one'] } });
    expect(scene.hosts.one.received.length).toBe(refused);
  });
});

describe('all hosts are limited', () => {
  const all = (scene: Scene, reply: Reply): void => {
    for (const host of Object.values(scene.hosts)) host.reply = reply;
  };

  test('P7 there is no storm: at most 1.2 attempts for each request', async () => {
    scene = await Scene.start();
    all(scene, failing(429));
    const answers = await every(200, () => scene?.ask() ?? Promise.reject(new Error()));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([429]));
    expect(scene.calls).toBeLessThanOrEqual(240);
  });

  test('P7 nor when all of them fail', async () => {
    scene = await Scene.start();
    all(scene, failing(500));
    const answers = await every(200, () => scene?.ask() ?? Promise.reject(new Error()));
    expect(answers.every(({ status }) => status >= 500)).toBe(true);
    expect(scene.calls).toBeLessThanOrEqual(240);
    // Who was not tried again is told when to come back.
    const cut = answers.filter(({ headers }) => headers.has('retry-after'));
    expect(cut.length).toBeGreaterThan(100);
    for (const { headers } of cut) {
      expect(Number(headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
      expect(Number(headers.get('retry-after'))).toBeLessThanOrEqual(5);
    }
  });

  test('INF-168 INF-169 where every attempt was limited the shortest wait is told, in header and body alike', async () => {
    scene = await Scene.start();
    const { hosts } = scene;
    hosts.one.reply = failing(429, { 'retry-after': '40' });
    hosts.two.reply = failing(429, { 'retry-after-ms': '20500' });
    hosts.three.reply = failing(429, { 'retry-after': new Date(Date.now() + 60_000).toUTCString() });
    const { status, body, headers } = await scene.ask({ provider: { order: ['one', 'two', 'three'] } });
    expect([status, body.error.metadata.error_type]).toEqual([429, 'rate_limit_exceeded']);
    expect(body.error.availability).toMatchObject({
      code: 'capacity_exhausted',
      retryable: true,
      retry_after: 21,
      affected_providers: ['one', 'two', 'three'],
      requested_models: ['lab/m'],
    });
    expect(headers.get('retry-after')).toBe('21');
    expect(scene.calls).toBe(3);
    // Whoever comes meanwhile is not passed on to them with every request: once a second, and else told what is left of the wait.
    const soon = await every(5, () => scene?.ask() ?? Promise.reject(new Error()));
    expect(scene.calls).toBeLessThanOrEqual(3 + 3 * 2);
    for (const one of soon) {
      expect([one.status, one.body.error.availability.code]).toEqual([429, 'capacity_exhausted']);
      expect(one.headers.get('retry-after')).toBe(String(one.body.error.availability.retry_after));
    }
  });

  test('INF-169 without a hint there is no wait, neither in the header nor in the body', async () => {
    scene = await Scene.start();
    all(scene, failing(429));
    const { status, body, headers } = await scene.ask();
    expect([status, body.error.availability.code]).toEqual([429, 'capacity_exhausted']);
    expect(headers.has('retry-after')).toBe(false);
    expect(body.error.availability).not.toHaveProperty('retry_after');
  });

  test('INF-170 where every attempt failed by the host’s fault or timed out it is 503', async () => {
    scene = await Scene.start({ attempt_whole_ms_max: 300 });
    const { hosts } = scene;
    hosts.one.reply = failing(500);
    hosts.two.reply = () => new Promise(() => {});
    hosts.three.reply = failing(529);
    const { status, body } = await scene.ask();
    expect([status, body.error.code, body.error.metadata.error_type]).toEqual([503, 503, 'provider_overloaded']);
    expect(body.error.availability).toMatchObject({ code: 'temporarily_unavailable', retryable: true });
    expect(scene.calls).toBe(3);
    hosts.two.reply = failing(429);
    hosts.one.reply = failing(500);
    // One that is limited among them is no agreement.
    expect((await scene.ask()).body.error.availability?.code).not.toBe('temporarily_unavailable');
  });
});

test('who said "wait" is left alone from the first time on, at this endpoint and for as long as it said', async () => {
  scene = await Scene.start();
  const { hosts } = scene;
  hosts.one.reply = failing(429, { 'retry-after': '2' });
  for (let i = 0; i < 10; i++)
    expect((await scene.ask({ provider: { order: ['one'] } })).body.provider).not.toBe('one');
  expect(hosts.one.received).toHaveLength(1);
  await scene.ask({ model: 'lab/other', provider: { order: ['one'] } });
  expect(hosts.one.received).toHaveLength(2);
  hosts.one.reply = answering;
  await Bun.sleep(2300);
  expect((await scene.ask({ provider: { order: ['one'] } })).body.provider).toBe('one');
});

test('UP-148 a host that says that nothing is left is not asked before there is', async () => {
  scene = await Scene.start();
  const { hosts } = scene;
  const order = { order: ['one'] };
  const HEADERS = ['x-ratelimit-remaining-tokens-minute', 'x-ratelimit-remaining-req-minute'];
  for (const header of HEADERS) {
    const model = header.includes('tokens') ? 'lab/m' : 'lab/other';
    hosts.one.reply = () => {
      const response = whole('Hello');
      for (const name of HEADERS) response.headers.set(name, name === header ? '0' : '50');
      return response;
    };
    expect((await scene.ask({ model, provider: order })).body.provider).toBe('one');
    for (let i = 0; i < 3; i++) expect((await scene.ask({ model, provider: order })).body.provider).not.toBe('one');
  }
});

test('INF-129 signs of life come before the first data, and the next host still answers', async () => {
  scene = await Scene.start({ stream_commit_ms: 200, attempt_first_content_ms_max: 1500 });
  const { hosts } = scene;
  hosts.one.reply = () => stream(chunk({ role: 'assistant', content: '' }), 'hang');
  hosts.two.reply = () => stream(chunk({ content: 'From the second' }), chunk({}, 'stop'), usageChunk(), DONE);
  const response = await scene.gateway.post({
    model: 'lab/m',
    messages,
    stream: true,
    provider: { order: ['one', 'two'] },
  });
  expect(response.status).toBe(200);
  const text = await response.text();
  const { data, comments, done } = readFrames(text);
  expect(text.startsWith(':')).toBe(true);
  expect(new Set(comments)).toEqual(new Set([': OPENROUTER PROCESSING']));
  expect(data.map(({ choices }) => choices[0]?.delta?.content ?? '').join('')).toBe('From the second');
  expect(data.every(({ provider }) => provider === 'two')).toBe(true);
  expect(done).toBe(true);
});

describe('overload', () => {
  test('what is too much is refused at once and told to come back; what is in hand is served', async () => {
    scene = await Scene.start({ requests_max: 10, concurrency_start: 100 });
    let free: () => void = () => {};
    const held = new Promise<void>((resolve) => {
      free = resolve;
    });
    for (const host of Object.values(scene.hosts))
      host.reply = async (received) => {
        await held;
        return answering(received);
      };
    const admitted = every(10, (i) => scene?.ask({ stream: i % 2 === 0 }) ?? Promise.reject(new Error()));
    while (scene.calls < 10) await Bun.sleep(5);
    const started = performance.now();
    const refused = await every(100, () => scene?.ask() ?? Promise.reject(new Error()));
    const tookMs = performance.now() - started;
    for (const { status, headers, body } of refused) {
      expect([status, body.error.metadata.error_type]).toEqual([503, 'provider_overloaded']);
      expect(Number(headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
      expect(Number(headers.get('retry-after'))).toBeLessThanOrEqual(5);
    }
    // A hundred refusals together: nobody waited for anybody's answer.
    expect(tookMs).toBeLessThan(5000);
    expect(scene.calls).toBe(10);
    free();
    expect((await admitted).map(({ status }) => status)).toEqual(Array(10).fill(200));
    expect((await scene.ask()).status).toBe(200);
  });

  test('a host that cannot keep up is given less, and the others take over', async () => {
    scene = await Scene.start({ attempt_whole_ms_max: 1000 });
    const { hosts } = scene;
    let atOnce = 0;
    let most = 0;
    // Two at once are served, more are turned away.
    hosts.one.reply = async (received) => {
      atOnce++;
      most = Math.max(most, atOnce);
      await Bun.sleep(30);
      const answer = atOnce > 2 ? failing(429)(received) : answering(received);
      atOnce--;
      return answer;
    };
    for (let round = 0; round < 5; round++) {
      const answers = await every(
        12,
        () => scene?.ask({ provider: { order: ['one', 'two'] } }) ?? Promise.reject(new Error()),
      );
      expect(answers.map(({ status }) => status)).toEqual(Array(12).fill(200));
    }
    expect(hosts.one.received.length).toBeLessThan(30);
    expect(most).toBeGreaterThan(2);
  });
});

describe('what listings say of it', () => {
  let seen: Scene;
  beforeAll(async () => {
    seen = await Scene.start({ breaker_failures: 1000, breaker_attempts: 1000, cooldown_ms_max: 1 });
  });
  afterAll(() => seen.stop());
  const only = (name: string): Json => ({ provider: { only: [name] } });

  test('PLT-063 uptime leaves limits out and is null without traffic', async () => {
    expect(await seen.listed('one')).toMatchObject({
      uptime_last_5m: null,
      uptime_last_30m: null,
      uptime_last_1d: null,
    });
    seen.hosts.one.reply = failing(429);
    await seen.ask(only('one'));
    expect(await seen.listed('one')).toMatchObject({
      uptime_last_5m: null,
      uptime_last_30m: null,
      uptime_last_1d: null,
    });
    seen.hosts.one.reply = answering;
    await seen.ask(only('one'));
    expect(await seen.listed('one')).toMatchObject({ uptime_last_5m: 100, uptime_last_30m: 100, uptime_last_1d: 100 });
  });

  test('PLT-064 INF-192 the caller’s faults do not lower it; the host’s do', async () => {
    const uptime = async (): Promise<number> => (await seen.listed('two')).uptime_last_5m as number;
    const after = async (reply: Reply): Promise<number> => {
      seen.hosts.two.reply = reply;
      await seen.ask(only('two'));
      return uptime();
    };
    expect(await after(answering)).toBe(100);
    for (const status of [400, 413, 422, 429]) expect([status, await after(failing(status))]).toEqual([status, 100]);
    let last = 100;
    const endsInError: Reply = () => whole('Hel', { finish_reason: 'error' });
    for (const reply of [failing(404), failing(500), failing(503), endsInError, failing(402), failing(401)]) {
      const now = await after(reply);
      expect(now).toBeLessThan(last);
      last = now;
      // A key that was refused is tried again at once here.
      await Bun.sleep(5);
    }
  });

  test('PLT-065 latencies are milliseconds to the first token', async () => {
    seen.hosts.three.reply = () =>
      stream(300, chunk({ content: 'a' }), 700, chunk({ content: 'b' }), chunk({}, 'stop'), DONE);
    const started = performance.now();
    await (await seen.gateway.post({ model: 'lab/m', messages, stream: true, ...only('three') })).text();
    const totalMs = performance.now() - started;
    const { latency_last_30m: latency } = await seen.listed('three');
    expect(Object.keys(latency)).toEqual(['p50', 'p75', 'p90', 'p99']);
    // To the first one and not to the last, which came 700 ms later, give or take a twentieth.
    expect(latency.p50).toBeGreaterThan(280);
    expect(0.95 * latency.p50).toBeLessThan(totalMs - 650);
    // An answer that came whole says nothing of its first token.
    seen.hosts.three.reply = async () => {
      await Bun.sleep(900);
      return whole('Hello');
    };
    const before = (await seen.listed('three')).latency_last_30m;
    await seen.ask(only('three'));
    expect((await seen.listed('three')).latency_last_30m).toEqual(before);
  });

  test('PLT-066 higher percentiles of throughput are lower figures', async () => {
    const usage = { prompt_tokens: 10, completion_tokens: 100, total_tokens: 110 };
    for (const ms of [20, 60, 200, 500]) {
      seen.hosts.three.reply = () => stream(ms, chunk({ content: 'a' }), chunk({}, 'stop'), usageChunk(usage), DONE);
      await (await seen.gateway.post({ model: 'lab/m', messages, stream: true, ...only('three') })).text();
    }
    const { throughput_last_30m: all } = await seen.listed('three');
    const figures = [all.p50, all.p75, all.p90, all.p99];
    expect(figures).toEqual([...figures].sort((a, b) => b - a));
    expect(all.p50).toBeGreaterThan(all.p99);
  });
});
