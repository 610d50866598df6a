import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RunningGateway } from '../support/gateway.ts';
import { customProvider, readFrames, ScriptedUpstream, whole } from '../support/upstream.ts';

/** The operator's contract: commands, environment, exit codes, signals; and input that nobody should send. */

type Json = Record<string, any>;

const MAIN = join(import.meta.dir, '../../src/main.ts');

async function cli(
  args: readonly string[],
  {
    env = {},
    folder = mkdtempSync(join(tmpdir(), 'turnpike-cli-')),
  }: { env?: Record<string, string>; folder?: string } = {},
) {
  const run = Bun.spawn([process.execPath, MAIN, ...args], {
    cwd: folder,
    stdout: 'pipe',
    stderr: 'pipe',
    env: { PATH: process.env.PATH ?? '', TURNPIKE_HOME: join(folder, 'home'), TURNPIKE_PORT: '0', ...env },
  });
  const timer = setTimeout(() => run.kill(), 10_000);
  const [stdout, stderr, code] = [
    await new Response(run.stdout).text(),
    await new Response(run.stderr).text(),
    await run.exited,
  ];
  clearTimeout(timer);
  return { stdout, stderr, code, folder };
}

const folderWith = (files: Record<string, string>): string => {
  const folder = mkdtempSync(join(tmpdir(), 'turnpike-cli-'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
};

describe('what the operator got wrong is exit 2 and one sentence', () => {
  const cases: readonly (readonly [string, Record<string, string>, Record<string, string>, RegExp])[] = [
    ['an unknown key of the file', { 'turnpike.yaml': 'sevrer: { port: 1 }\n' }, {}, /sevrer.*server/],
    ['an unset variable', { 'turnpike.yaml': 'default_model: "$' + '{NOT_SET_ANYWHERE}"\n' }, {}, /NOT_SET_ANYWHERE/],
    ['a named file that is missing', {}, { TURNPIKE_CONFIG: 'elsewhere.yaml' }, /elsewhere\.yaml/],
    ['YAML that is none', { 'turnpike.yaml': 'a: [\n' }, {}, /turnpike\.yaml/],
    ['a port that is none', {}, { TURNPIKE_PORT: 'eighty' }, /TURNPIKE_PORT/],
    ['a key that is too short', {}, { TURNPIKE_API_KEY: 'short' }, /TURNPIKE_API_KEY/],
    ['a sandbox mode that is none', {}, { TURNPIKE_SANDBOX: 'maybe' }, /TURNPIKE_SANDBOX/],
    ['a file where the data folder should be', { home: 'not a folder' }, {}, /home/],
  ];
  for (const [what, files, env, says] of cases) {
    test(what, async () => {
      const { code, stderr, stdout } = await cli(['serve'], { env, folder: folderWith(files) });
      expect([code, stdout]).toEqual([2, '']);
      expect(stderr.trim()).toMatch(says);
      expect(stderr.trim().split('\n')).toHaveLength(1);
    });
  }

  test('a corrupt and a foreign database', async () => {
    const { Database } = await import('bun:sqlite');
    for (const make of [
      (path: string) => writeFileSync(path, 'this is no database, '.repeat(500)),
      (path: string) => new Database(path).run('CREATE TABLE others (a)'),
    ]) {
      const folder = folderWith({});
      mkdirSync(join(folder, 'home'));
      make(join(folder, 'home', 'turnpike.db'));
      const before = readFileSync(join(folder, 'home', 'turnpike.db'));
      const { code, stderr } = await cli(['serve'], { folder });
      expect(code).toBe(2);
      expect(stderr.trim().split('\n')).toHaveLength(1);
      expect(readFileSync(join(folder, 'home', 'turnpike.db'))).toEqual(before);
    }
  });

  test('a port in use', async () => {
    const taken = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => new Response() });
    const { code, stderr } = await cli(['serve'], { env: { TURNPIKE_PORT: String(taken.port) } });
    await taken.stop(true);
    expect([code, stderr]).toEqual([2, expect.stringContaining(String(taken.port))]);
  });

  test('an unknown command, and help for each known one', async () => {
    expect((await cli(['fly'])).code).toBe(2);
    for (const command of ['serve', 'sandbox', 'keys', 'credits', 'catalogue', 'explain', 'plan', 'doctor']) {
      const { code, stdout } = await cli([command, '--help']);
      expect([code, stdout]).toEqual([0, expect.stringContaining(`turnpike ${command}`)]);
    }
  });
});

describe('start and stop', () => {
  test('the key is shown once, later starts mask it, and one from the environment is never echoed', async () => {
    const first = await RunningGateway.start({ env: { TURNPIKE_API_KEY: '' } });
    const { key, home } = first.ready;
    expect(key).toMatch(/^sk-tp-v1-[0-9a-f]{64}$/);
    expect(Number(readFileSync(join(home, 'turnpike.pid'), 'utf8'))).toBe(first.process.pid);
    await first.terminate();
    const second = await RunningGateway.start({ home, env: { TURNPIKE_API_KEY: '' } });
    expect(second.ready.key).toBeUndefined();
    expect(second.ready.key_label).toContain('...');
    expect((await second.get('/key', key ?? '')).status).toBe(200);
    await second.terminate();
    const given = `  ${'a-key-from-the-environment-'}1234  `;
    const third = await RunningGateway.start({ home, env: { TURNPIKE_API_KEY: given } });
    expect(JSON.stringify(third.ready)).not.toContain(given.trim());
    expect((await third.get('/key', given.trim())).status).toBe(200);
    await third.stop();
    first.clean();
    second.clean();
  });

  test('several signals within two seconds are one: open streams end properly, then exit 0', async () => {
    const gateway = await RunningGateway.start();
    await Promise.all(
      ['openrouter', 'nvidia', 'mistral'].map(async (host) => {
        await fetch(`${gateway.host(host)}/_sandbox/faults`, { method: 'DELETE' });
        await gateway.fault(host, { fault: 'tokens-per-second', value: 100 });
      }),
    );
    const response = await gateway.post({
      model: 'mistralai/mistral-small-2603',
      stream: true,
      messages: [{ role: 'user', content: 'In 100 words: the Rhine' }],
    });
    const text = response.text();
    gateway.process.kill('SIGTERM');
    gateway.process.kill('SIGINT');
    await Bun.sleep(50);
    gateway.process.kill('SIGTERM');
    const { data, done } = readFrames(await text);
    expect([done, data.some((one) => one.usage), data.some((one) => one.error)]).toEqual([true, true, false]);
    expect(await gateway.process.exited).toBe(0);
    expect(existsSync(join(gateway.home, 'turnpike.pid'))).toBe(false);
    gateway.clean();
  });

  test('a second signal after two seconds ends open streams in-band', async () => {
    const upstream = new ScriptedUpstream();
    upstream.reply = () =>
      new Response(
        (async function* () {
          yield new TextEncoder().encode(
            'data: {"choices":[{"index":0,"delta":{"content":"Hel"},"finish_reason":null}]}\n\n',
          );
          await new Promise(() => {});
        })() as unknown as ReadableStream,
        { headers: { 'content-type': 'text/event-stream' } },
      );
    const gateway = await RunningGateway.start({ config: customProvider(upstream.base) });
    const response = await gateway.post({
      model: 'lab/one',
      stream: true,
      messages: [{ role: 'user', content: 'Hi' }],
    });
    const text = response.text();
    gateway.process.kill('SIGTERM');
    await Bun.sleep(2200);
    gateway.process.kill('SIGTERM');
    const { data, done } = readFrames(await text);
    expect([done, data.some((one) => one.error)]).toEqual([true, true]);
    expect(await gateway.process.exited).toBe(0);
    gateway.clean();
    await upstream.stop();
  });

  test('P15 ready soon, and small', async () => {
    const started = performance.now();
    const gateway = await RunningGateway.start();
    expect((await fetch(`${gateway.url}/readyz`)).status).toBe(200);
    expect(performance.now() - started).toBeLessThan(5000);
    await Bun.sleep(500);
    const resident =
      Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${gateway.process.pid}/status`, 'utf8'))?.[1]) / 1024;
    expect(resident).toBeLessThan(150);
    await gateway.stop();
  });
});

describe('sandbox mode', () => {
  test('off with nothing configured starts, is ready, and says why no model answers', async () => {
    const gateway = await RunningGateway.start({ env: { TURNPIKE_SANDBOX: 'off' } });
    expect((await fetch(`${gateway.url}/readyz`)).status).toBe(200);
    const response = await gateway.post({
      model: 'mistralai/mistral-small-2603',
      messages: [{ role: 'user', content: 'Hi' }],
    });
    expect([response.status, ((await response.json()) as Json).error.availability.code]).toEqual([404, 'no_endpoints']);
    await gateway.stop();
  });

  test('with one real provider no answer comes from the sandbox', async () => {
    const upstream = new ScriptedUpstream();
    upstream.reply = () => whole('Real');
    const gateway = await RunningGateway.start({ config: customProvider(upstream.base) });
    expect(gateway.ready.providers.map(({ mode }) => mode)).toEqual(['real']);
    const models = ((await gateway.json('/models')) as Json).data;
    expect(models.map((model: Json) => model.id)).toEqual(['lab/one']);
    await gateway.stop();
    await upstream.stop();
  });
});

describe('beside a running server', () => {
  test('commands go through it', async () => {
    const gateway = await RunningGateway.start({ config: 'credits: { mode: prepaid, initial_usd: 1 }\n' });
    const run = (...args: string[]) => cli([...args, '--json'], { env: { TURNPIKE_HOME: gateway.home } });
    expect((await run('credits', 'grant', '2.5')).code).toBe(0);
    expect(((await gateway.json('/credits')) as Json).data.total_credits).toBe(3.5);
    expect(JSON.parse((await run('doctor')).stdout).findings.find((one: Json) => one.check === 'books').ok).toBe(true);
    expect(JSON.parse((await run('catalogue', 'show', 'mistral-small-4')).stdout)).toBeDefined();
    expect((await run('explain', 'mistralai/mistral-small-2603')).code).toBe(0);
    await gateway.stop();
  });
});

describe('input that nobody should send', () => {
  let gateway: RunningGateway;
  beforeAll(async () => {
    gateway = await RunningGateway.start({ config: 'server: { body_bytes_max: 2000000 }\n' });
  });
  afterAll(() => gateway.stop());
  const MODEL = 'mistralai/mistral-small-2603';
  const messages = [{ role: 'user', content: 'Hi' }];

  const refused = async (body: unknown, status: number, says?: RegExp): Promise<void> => {
    const before = await gateway.json('/credits');
    const response = await gateway.post(body);
    const answer = (await response.json()) as Json;
    expect([response.status, answer.error.code]).toEqual([status, status]);
    if (says) expect(JSON.stringify(answer.error)).toMatch(says);
    expect(await gateway.json('/credits')).toEqual(before);
  };

  test('INF-006 what is no JSON, and what has a wrong type or value', async () => {
    await refused('{"model":', 400);
    await refused('[]', 400);
    await refused('null', 400);
    await refused({ model: MODEL, messages, temperature: 'hot' }, 400, /temperature/);
    await refused({ model: MODEL, messages: [{ role: 'king', content: 'Hi' }] }, 400, /role/);
    await refused({ model: 5, messages }, 400, /model/);
  });

  test('INF-007 a body beyond the limit', async () => {
    await refused({ model: MODEL, messages: [{ role: 'user', content: 'x'.repeat(2_000_001) }] }, 413);
  });

  test('INF-016 no messages', () => refused({ model: MODEL, messages: [] }, 400, /messages/));

  test('INF-012 PLT-057 a model that is none', async () => {
    await refused({ model: 'nobody/nothing', messages }, 400, /nobody\/nothing is not a valid model ID/);
    expect((await gateway.get('/models/nobody/nothing/endpoints')).status).toBe(404);
    expect((await gateway.get('/model/nobody/nothing')).status).toBe(404);
  });

  test('INF-022 five stops', () => refused({ model: MODEL, messages, stop: ['a', 'b', 'c', 'd', 'e'] }, 400, /stop/));

  test('INF-023 numbers out of range', async () => {
    for (const wrong of [
      { temperature: 2.1 },
      { temperature: -1 },
      { presence_penalty: 3 },
      { frequency_penalty: -3 },
      { top_logprobs: 21, logprobs: true },
      { logit_bias: { 1: 101 } },
    ]) {
      await refused({ model: MODEL, messages, ...wrong }, 400);
    }
  });

  test('INF-024 INF-077 efforts that contradict each other', async () => {
    await refused({ model: MODEL, messages, reasoning_effort: 'low', reasoning: { effort: 'high' } }, 400);
    await refused({ model: MODEL, messages, reasoning: { effort: 'high', max_tokens: 100 } }, 400);
    const same = await gateway.post({
      model: MODEL,
      messages,
      reasoning_effort: 'high',
      reasoning: { effort: 'high' },
    });
    expect(same.status).toBe(200);
  });

  test('INF-027 metadata beyond the limits', async () => {
    for (const metadata of [
      Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`k${i}`, 'v'])),
      { ['k'.repeat(65)]: 'v' },
      { 'a[b]': 'v' },
      { a: 'v'.repeat(513) },
    ]) {
      await refused({ model: MODEL, messages, metadata }, 400, /metadata/);
    }
  });

  test('INF-028 a session id that is too long', () =>
    refused({ model: MODEL, messages, session_id: 'x'.repeat(257) }, 400, /session_id/));

  test('INF-034 a tool result of no call', () =>
    refused({ model: MODEL, messages: [...messages, { role: 'tool', content: 'x' }] }, 400, /tool_call_id/));

  test('INF-038 sound by address', () =>
    refused(
      {
        model: MODEL,
        messages: [
          {
            role: 'user',
            content: [{ type: 'input_audio', input_audio: { data: 'https://example.com/a.wav', format: 'wav' } }],
          },
        ],
      },
      400,
    ));

  test('INF-043 names that no function has', async () => {
    for (const name of ['x'.repeat(65), 'a b', ''])
      await refused({ model: MODEL, messages, tools: [{ type: 'function', function: { name } }] }, 400, /name/);
  });

  test('INF-048 a schema name that is too long', () =>
    refused(
      {
        model: MODEL,
        messages,
        response_format: { type: 'json_schema', json_schema: { name: 'x'.repeat(65), schema: {} } },
      },
      400,
    ));

  test('INF-065 a plugin that is none', () =>
    refused({ model: MODEL, messages, plugins: [{ id: 'nonsense' }] }, 400, /plugin/));

  test('INF-223 more than three models to fall back on', () =>
    refused({ models: ['a/a', 'b/b', 'c/c', 'd/d'], messages }, 400, /models/));

  test('INF-175 INF-186 no host that may, and no host that is large enough', async () => {
    await refused({ model: MODEL, messages, provider: { only: ['groq'] } }, 404, /No allowed providers/);
    await refused(
      { model: MODEL, messages: [{ role: 'user', content: 'word '.repeat(390_000) }], max_tokens: 5 },
      400,
      /context/,
    );
  });

  test('bytes that are no UTF-8', async () => {
    const body = Buffer.concat([
      Buffer.from(`{"model":"${MODEL}","messages":[{"role":"user","content":"`),
      Buffer.from([0xff, 0xfe]),
      Buffer.from('"}]}'),
    ]);
    const response = await fetch(`${gateway.api}/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${gateway.key}` },
      body,
    });
    expect([response.status, await response.text()]).toEqual([400, expect.stringContaining('UTF-8')]);
  });

  test('a hundred thousand levels', async () => {
    await refused(`{"model":"${MODEL}","messages":${'['.repeat(100_000)}${']'.repeat(100_000)}}`, 400);
    await refused(`{"model":"${MODEL}","x":${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)},"messages":[]}`, 400);
  });

  test('members twice, and members that reach for the prototype', async () => {
    await refused(`{"model":"a/b","model":"${MODEL}","messages":[{"role":"user","content":"Hi"}]}`, 400, /model/);
    for (const name of ['__proto__', 'constructor', 'prototype'])
      await refused(
        `{"model":"${MODEL}","${name}":{"polluted":true},"messages":[{"role":"user","content":"Hi"}]}`,
        400,
        new RegExp(`${name} is no field`),
      );
  });

  test('a wish for more tokens than there are', async () => {
    for (const max_tokens of [1e15, 2 ** 53, -1, 0.5]) {
      const response = await gateway.post({ model: MODEL, messages, max_tokens });
      expect([400, 402, 404]).toContain(response.status);
      await response.text();
    }
  });

  test('ids with line breaks in them', async () => {
    const response = await gateway.post({ model: `${MODEL}\r\nx-evil: 1`, messages });
    expect(response.status).toBe(400);
    expect(response.headers.get('x-evil')).toBeNull();
    await response.text();
  });

  test('two Host headers', async () => {
    const { port } = new URL(gateway.url);
    const raw = (text: string): Promise<string> =>
      new Promise((resolve) => {
        const socket = connect(Number(port), '127.0.0.1', () => socket.write(text));
        let answer = '';
        socket.on('data', (data) => {
          answer += data;
          socket.end();
        });
        socket.on('close', () => resolve(answer));
        socket.on('error', () => resolve(answer));
      });
    expect(await raw('GET /api/v1/models HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n')).toMatch(
      /^HTTP\/1\.1 400/,
    );
  });

  test('PLT-014 what is not built here is 404, never 5xx', async () => {
    for (const path of ['/embeddings', '/images', '/guardrails', '/activity', '/byok']) {
      const response = await gateway.get(path);
      expect([path, response.status]).toEqual([path, 404]);
    }
  });
});

describe('the catalogue over the API', () => {
  let gateway: RunningGateway;
  beforeAll(async () => {
    gateway = await RunningGateway.start();
  });
  afterAll(() => gateway.stop());
  const body = async (path: string, key?: string | null): Promise<Json> =>
    (await (await gateway.get(path, key)).json()) as Json;

  test('PLT-025 PLT-026 PLT-031 models come whole or in pages, and are counted', async () => {
    const all = await body('/models');
    expect(all.links.next).toBeNull();
    expect(all.data).toHaveLength(all.total_count);
    const page = await body('/models?limit=2');
    expect(page.data).toHaveLength(2);
    expect(page.total_count).toBe(all.total_count);
    const next = (await (await fetch(new URL(page.links.next, gateway.url))).json()) as Json;
    expect(next.data.map((model: Json) => model.id)).toEqual(all.data.slice(2, 4).map((model: Json) => model.id));
    expect((await body('/models/count')).data.count).toBe(all.total_count);
    const images = await body('/models?output_modalities=image');
    expect((await body('/models/count?output_modalities=image')).data.count).toBe(images.total_count);
  });

  test('PLT-050 PLT-052 PLT-053 a row has its required members, nulls too, and leaves out what it does not know', async () => {
    const { data } = await body('/models');
    for (const model of data) {
      for (const field of [
        'id',
        'canonical_slug',
        'name',
        'created',
        'description',
        'context_length',
        'architecture',
        'pricing',
        'top_provider',
        'per_request_limits',
        'supported_parameters',
        'default_parameters',
        'supported_voices',
        'links',
      ]) {
        expect([model.id, field, Object.hasOwn(model, field)]).toEqual([model.id, field, true]);
      }
      expect(model.default_parameters).toBeNull();
      expect(Object.hasOwn(model, 'benchmarks')).toBe(false);
    }
    expect(data.some((model: Json) => model.reasoning === undefined)).toBe(true);
    expect(data.find((model: Json) => model.id === 'mistralai/mistral-small-2603').reasoning).toBeDefined();
  });

  test('PLT-051 PLT-054 PLT-061 the details link works, one model comes alone, and other names lead to it', async () => {
    const { data } = await body('/model/mistralai/mistral-small-2603');
    expect((await fetch(new URL(data.links.details, gateway.url))).status).toBe(200);
    expect(data.id).toBe('mistralai/mistral-small-2603');
    expect((await body('/models/mistralai/mistral-small-4/endpoints')).data.id).toBe('mistralai/mistral-small-2603');
  });

  test('PLT-062 how fast a host is, is for callers with a key', async () => {
    await (
      await gateway.post({
        model: 'mistralai/mistral-small-2603',
        stream: true,
        provider: { only: ['openrouter'] },
        messages: [{ role: 'user', content: 'Hi' }],
      })
    ).text();
    const own = (await body('/models/mistralai/mistral-small-2603/endpoints')).data.endpoints.find(
      (one: Json) => one.tag === 'openrouter',
    );
    expect(own.latency_last_30m).toMatchObject({ p50: expect.any(Number) });
    for (const one of (await body('/models/mistralai/mistral-small-2603/endpoints', null)).data.endpoints)
      expect(one.latency_last_30m).toBeNull();
  });

  test('PLT-070 providers come with name, slug and policies', async () => {
    const { data } = await body('/providers');
    expect(data.length).toBeGreaterThan(30);
    for (const one of data)
      expect(Object.keys(one)).toEqual(
        expect.arrayContaining(['name', 'slug', 'privacy_policy_url', 'terms_of_service_url', 'status_page_url']),
      );
  });

  test('PLT-084 prices are plain decimal strings that lose nothing', async () => {
    const { data } = await body('/models');
    for (const model of data) {
      for (const [unit, price] of Object.entries(model.pricing)) {
        if (unit === 'overrides' || unit === 'discount') continue;
        expect(price).toMatch(/^\d+(\.\d+)?$/);
      }
    }
    expect(data.find((model: Json) => model.id === 'mistralai/mistral-small-2603').pricing).toMatchObject({
      prompt: '0.00000015',
      completion: '0.0000006',
    });
  });
});
