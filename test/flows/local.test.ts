import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ollama } from 'ollama';
import { loadSnapshot } from '../../src/catalogue/load.ts';
import type { Provider } from '../../src/catalogue/types.ts';
import { welcome } from '../../src/cli/welcome.ts';
import { type GatewayOptions, RunningGateway } from '../support/gateway.ts';
import { LocalServer } from '../support/local-server.ts';

/** Model servers of one's own machine: found, called, gone. */

type Json = Record<string, any>;

const snapshot = loadSnapshot();
const row = (id: string): Provider => snapshot.provider(id) as Provider;

const LLAMA = { capabilities: ['completion', 'tools'], model_info: { 'llama.context_length': 131_072 } };
const QWEN = {
  capabilities: ['completion', 'tools', 'thinking', 'vision'],
  model_info: { 'qwen3.context_length': 8192 },
};
const ollamaLists = (names: () => readonly string[]): LocalServer['lists'] => ({
  '/api/tags': () => ({ models: names().map((name) => ({ name, model: name, size: 1, digest: 'd', details: {} })) }),
  '/api/show': (body) => ((body as Json).model.startsWith('qwen') ? QWEN : LLAMA),
});
const vllmList = (owner: string): LocalServer['lists'] => ({
  '/v1/models': () => ({ object: 'list', data: [{ id: 'Org/Big-Model', owned_by: owner, max_model_len: 50_000 }] }),
});

const EVERY_MS = 100;
const yaml = (local: string): string => `local: { every_ms: ${EVERY_MS}, ${local} }\n`;
const start = (config: string, more: GatewayOptions = {}): Promise<RunningGateway> =>
  RunningGateway.start({ ...more, config, env: { TURNPIKE_LOCAL: '', ...more.env } });

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let waited = 0; !(await holds()); waited += 20) {
    if (waited > 10_000) throw new Error('it never came true');
    await Bun.sleep(20);
  }
}
const ids = async (gateway: RunningGateway): Promise<readonly string[]> =>
  ((await gateway.json('/models')).data as readonly Json[]).map(({ id }) => id);
const of = async (gateway: RunningGateway, provider: string): Promise<readonly string[]> =>
  (await ids(gateway)).filter((id) => id.startsWith(`${provider}/`)).sort();
const page = async (gateway: RunningGateway, path: string): Promise<string> => (await fetch(gateway.url + path)).text();

describe('a server on this machine', () => {
  let names: readonly string[] = ['llama3.2:latest', 'qwen3:8b', 'hf.co/some/Model-GGUF:Q4'];
  const ollama = new LocalServer(
    row('ollama'),
    ollamaLists(() => names),
  );
  const vllm = new LocalServer(row('vllm'), vllmList('vllm'));
  let gateway: RunningGateway;
  beforeAll(async () => {
    gateway = await start(yaml(`discover: [ollama, vllm], servers: { ollama: ${ollama.base}, vllm: ${vllm.base} }`));
  });
  afterAll(async () => {
    await Promise.all([gateway.stop(), ollama.close(), vllm.close()]);
  });

  test('is there from the start, beside the sandbox, which it does not switch off', async () => {
    await until(async () => (await of(gateway, 'ollama')).length > 0 && (await of(gateway, 'vllm')).length > 0);
    expect(gateway.ready.providers.find(({ id }) => id === 'mistral')?.mode).toBe('sandbox');
    expect(await of(gateway, 'ollama')).toEqual([
      'ollama/hf.co-some-model-gguf:q4',
      'ollama/llama3.2',
      'ollama/qwen3:8b',
    ]);
    expect(await of(gateway, 'vllm')).toEqual(['vllm/org-big-model']);
    const sandboxed = await gateway.post({
      model: 'mistralai/mistral-small-2603',
      messages: [{ role: 'user', content: 'Hi' }],
    });
    expect(sandboxed.status).toBe(200);
  });

  test('tells what its models take and can do, and bills nothing', async () => {
    const rows = (await gateway.json('/models')).data as readonly Json[];
    const qwen = rows.find(({ id }) => id === 'ollama/qwen3:8b') as Json;
    expect(qwen).toMatchObject({ context_length: 8192, pricing: { prompt: '0', completion: '0' } });
    expect(qwen.architecture.input_modalities).toEqual(['text', 'image']);
    expect(qwen.supported_parameters).toContain('reasoning');
    const llama = rows.find(({ id }) => id === 'ollama/llama3.2') as Json;
    expect(llama.supported_parameters).toContain('tools');
    expect(llama.supported_parameters).not.toContain('reasoning');
    expect(llama).toMatchObject({ context_length: 131_072, top_provider: { context_length: 16_384 } });
    expect(rows.find(({ id }) => id === 'vllm/org-big-model')).toMatchObject({ context_length: 50_000 });
    const list = await page(gateway, '/providers');
    expect(list).toMatch(/Ollama<\/a><\/th>.{0,200}<td class="short">Running<\/td>/);
    expect(list).toMatch(/SGLang<\/a><\/th>.{0,200}<td class="short">Not running<\/td>/);
    expect(await page(gateway, '/models/ollama/llama3.2/on/ollama')).toContain('Own machine');
  });

  test('is called by its own names in any wire, for nothing, and for what it has itself alone', async () => {
    const messages = [{ role: 'user' as const, content: 'Tell me about the Rhine' }];
    for (const model of ['ollama/llama3.2', 'llama3.2', 'llama3.2:latest', 'Org/Big-Model', 'vllm/Org/Big-Model']) {
      const response = await gateway.post({ model, messages });
      const body = (await response.json()) as Json;
      expect(body).toMatchObject({ provider: model.includes('llama') ? 'Ollama' : 'vLLM', usage: { cost: 0 } });
      expect(body.choices[0].message.content).toContain('Rhine');
    }
    const client = new Ollama({ host: gateway.url, headers: { authorization: `Bearer ${gateway.key}` } });
    const { models } = await client.list();
    expect(models.map(({ name }) => name)).toContain('ollama/llama3.2');
    let text = '';
    for await (const part of await client.chat({ model: 'llama3.2', messages, stream: true }))
      text += part.message.content;
    expect(text).toContain('Rhine');
    expect((await client.show({ model: 'qwen3:8b' })).capabilities).toContain('thinking');
  });

  test('is looked at again and again: models come and go, and so does the server', async () => {
    const before = await of(gateway, 'ollama');
    names = ['llama3.2:latest', 'phi4:latest'];
    await until(async () => (await of(gateway, 'ollama')).join() === 'ollama/llama3.2,ollama/phi4');
    await ollama.stop();
    await until(async () => (await of(gateway, 'ollama')).length === 0);
    expect((await of(gateway, 'vllm')).length).toBe(1);
    const gone = await gateway.post({ model: 'ollama/phi4', messages: [{ role: 'user', content: 'Hi' }] });
    expect(gone.status).toBe(400);
    ollama.start();
    await until(async () => (await of(gateway, 'ollama')).length === 2);
    names = ['llama3.2:latest', 'qwen3:8b', 'hf.co/some/Model-GGUF:Q4'];
    await until(async () => (await of(gateway, 'ollama')).join() === before.join());
  });
});

test('the welcome names what runs here apart from the sandbox', () => {
  const providers = [
    { id: 'ollama', name: 'Ollama', mode: 'local', base_url: 'http://127.0.0.1:11434' },
    { id: 'mistral', name: 'Mistral', mode: 'sandbox', base_url: 'http://127.0.0.1:1/v1' },
  ] as const;
  const ready = { ready: true, url: 'u', api: 'a', page: 'p', pid: 1, home: 'h', key_label: null } as const;
  const text = welcome({ ...ready, default_model: 'm', credits: 'prepaid', providers }, true);
  expect(text).toMatch(/Local {4}Ollama {3}http:\/\/127\.0\.0\.1:11434\n {2}Sandbox/);
});

test('says what it found once, and nothing while nothing changes', async () => {
  const server = new LocalServer(
    row('ollama'),
    ollamaLists(() => ['a', 'b']),
  );
  const gateway = await start(
    yaml(`discover: [ollama, sglang], servers: { ollama: ${server.base}, sglang: http://127.0.0.1:9 }`),
  );
  await until(async () => server.asked.filter((one) => one === 'GET /api/tags').length > 4);
  const { code, stderr } = await gateway.stop();
  await server.close();
  expect(code).toBe(0);
  const lines = stderr
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Json);
  expect(lines.map(({ msg, models }) => [msg, models])).toEqual([['Ollama runs here', 2]]);
});

test('a server that does not answer delays neither start nor stop, and one that falls silent is not gone at once', async () => {
  const server = new LocalServer(
    row('ollama'),
    ollamaLists(() => ['a']),
  );
  const config = yaml(`discover: [ollama], servers: { ollama: ${server.base} }`);
  const lived = async (env: Readonly<Record<string, string>>): Promise<number> => {
    const began = performance.now();
    const gateway = await start(config, { env });
    expect(await of(gateway, 'ollama')).toEqual([]);
    expect((await gateway.stop()).code).toBe(0);
    return performance.now() - began;
  };
  server.silent = true;
  const without = await lived({ TURNPIKE_LOCAL: 'off' });
  expect(server.asked).toEqual([]);
  expect((await lived({})) - without).toBeLessThan(1500);
  expect(server.asked).toEqual(['GET /api/tags']);
  server.silent = false;
  const gateway = await start(config);
  await until(async () => (await of(gateway, 'ollama')).length === 1);
  server.silent = true;
  // Longer than it is waited for.
  await Bun.sleep(2500);
  expect((await of(gateway, 'ollama')).length).toBe(1);
  await gateway.stop();
  await server.close();
});

test('is not looked for where it was switched off, in a sandbox, or where others reach the gateway', async () => {
  const server = new LocalServer(
    row('ollama'),
    ollamaLists(() => ['a']),
  );
  const servers = `servers: { ollama: ${server.base} }`;
  const silent: readonly [string, Readonly<Record<string, string>>][] = [
    [yaml(`discover: false, ${servers}`), {}],
    [yaml(`discover: [ollama], ${servers}`), { TURNPIKE_LOCAL: 'off' }],
    [yaml(`discover: [], ${servers}`), {}],
    [yaml(servers), { TURNPIKE_SANDBOX: 'on' }],
    [yaml(servers), { HOST: '0.0.0.0' }],
  ];
  for (const [config, env] of silent) {
    const gateway = await start(config, { env });
    await Bun.sleep(2 * EVERY_MS);
    await gateway.stop();
  }
  expect(server.asked).toEqual([]);
  const asked = await start(yaml(`discover: [ollama], ${servers}`), { env: { HOST: '0.0.0.0' } });
  await until(async () => (await of(asked, 'ollama')).join() === 'ollama/a');
  await asked.stop();
  await server.close();
});

test('another program at the port of a server is none', async () => {
  const other = new LocalServer(row('vllm'), vllmList('someone-else'));
  const gateway = await start(yaml(`discover: [vllm], servers: { vllm: ${other.base} }`));
  await until(async () => other.asked.length > 1);
  expect(await of(gateway, 'vllm')).toEqual([]);
  await gateway.stop();
  await other.close();
});

test('servers that share a port are told apart by what they say of themselves', async () => {
  const tgi = new LocalServer(row('tgi'), {
    '/v1/models': () => ({ object: 'list', data: [{ id: 'some/model', object: 'model', owned_by: 'some/model' }] }),
    '/info': () => ({ model_id: 'some/model', max_total_tokens: 7000 }),
  });
  const both = `servers: { tgi: ${tgi.base}, llamacpp: ${tgi.base} }`;
  const gateway = await start(yaml(`discover: [llamacpp, tgi], ${both}`));
  await until(async () => (await of(gateway, 'tgi')).length > 0);
  expect(await of(gateway, 'tgi')).toEqual(['tgi/some-model']);
  expect(await of(gateway, 'llamacpp')).toEqual([]);
  const rows = (await gateway.json('/models')).data as readonly Json[];
  expect(rows.find(({ id }) => id === 'tgi/some-model')).toMatchObject({ context_length: 7000 });
  await gateway.stop();
  await tgi.close();
});

describe('a server that the configuration names', () => {
  test('is a provider, asked with its key for all pages of its list, and the sandbox is off', async () => {
    const pages: LocalServer['lists'] = {
      '/v1/models': () => ({
        data: [{ id: `m${server.asked.length}` }],
        has_more: server.asked.length < 3,
        last_id: 'm',
      }),
    };
    const server: LocalServer = new LocalServer(row('vllm'), pages);
    const config = `providers: { vllm: { base_url: ${server.base}, api_key: sk-mine } }\nlocal: { every_ms: 60000 }\n`;
    const gateway = await start(config, { env: { TURNPIKE_LOCAL: 'off' } });
    await until(async () => (await of(gateway, 'vllm')).length === 3);
    expect(gateway.ready.providers.map(({ id }) => id)).toEqual(['vllm']);
    expect(server.asked).toEqual(['GET /v1/models', 'GET /v1/models?after_id=m', 'GET /v1/models?after_id=m']);
    await gateway.stop();
    await server.close();
  });

  test('keeps to the models that its rows name', async () => {
    const server = new LocalServer(row('vllm'), vllmList('vllm'));
    const endpoints = 'endpoints: [{ model: lab/one, upstream_model: one }]';
    const gateway = await start(`providers: { vllm: { base_url: ${server.base}, ${endpoints} } }\n`, {
      env: { TURNPIKE_LOCAL: 'off' },
    });
    expect(await ids(gateway)).toEqual(['lab/one']);
    expect(server.asked).toEqual([]);
    await gateway.stop();
    await server.close();
  });

  test('may be one of one’s own', async () => {
    const server = new LocalServer(row('vllm'), vllmList('me'));
    const gateway = await start(`providers: { mine: { base_url: ${server.base} } }\n`, {
      env: { TURNPIKE_LOCAL: 'off' },
    });
    await until(async () => (await of(gateway, 'mine')).join() === 'mine/org-big-model');
    await gateway.stop();
    await server.close();
  });
});

describe('commands', () => {
  const folder = mkdtempSync(join(tmpdir(), 'turnpike-local-'));
  const run = async (...argv: readonly string[]): Promise<{ code: number; out: Json; err: string }> => {
    const root = join(import.meta.dir, '..', '..');
    const child = Bun.spawn([process.execPath, join(root, 'src/main.ts'), ...argv, '--json'], {
      cwd: folder,
      stdout: 'pipe',
      stderr: 'pipe',
      env: { PATH: process.env.PATH, TURNPIKE_HOME: join(folder, 'home'), BUN_CONFIG_MAX_HTTP_REQUESTS: '65535' },
    });
    const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
    return { code: await child.exited, out: out === '' ? {} : JSON.parse(out), err };
  };
  const server = new LocalServer(
    row('ollama'),
    ollamaLists(() => ['llama3.2:latest']),
  );
  const mistral = new LocalServer(row('mistral'), {
    '/v1/models': () => ({
      data: [
        { id: 'mistral-small-latest', name: 'mistral-small-2603', aliases: ['mistral-small-2603'] },
        { id: 'mistral-small-2603', name: 'mistral-small-2603', aliases: ['mistral-small-latest'] },
        { id: 'mistral-new-2611', name: 'mistral-new-2611', aliases: [], deprecation: '2027-01-31T00:00:00Z' },
      ],
    }),
  });
  beforeAll(() => {
    const providers = `providers: { mistral: { base_url: ${mistral.base}, api_key: sk } }`;
    writeFileSync(
      join(folder, 'turnpike.yaml'),
      `${yaml(`discover: [ollama], servers: { ollama: ${server.base} }`)}${providers}\n`,
    );
  });
  afterAll(async () => {
    await Promise.all([server.close(), mistral.close()]);
    rmSync(folder, { recursive: true, force: true });
  });

  test('doctor says what runs here, and explain who would serve it', async () => {
    const { out } = await run('doctor');
    const finding = (out.findings as readonly Json[]).find(({ check }) => check === 'model servers');
    expect(finding?.says).toBe(`Ollama at ${server.base}: 1 models`);
    const plan = await run('explain', 'ollama/llama3.2');
    expect(plan.out.candidates).toEqual([expect.objectContaining({ endpoint: 'ollama/ollama/llama3.2' })]);
  });

  test('UP-144 catalogue models shows a provider’s own list beside what is known: no doubles, what is new and what is gone', async () => {
    const { out } = await run('catalogue', 'models', 'mistral');
    expect(out.models).toEqual([
      expect.objectContaining({ id: 'mistral-small-2603', known: 'mistralai/mistral-small-2603' }),
      expect.objectContaining({ id: 'mistral-new-2611', known: null, retires: '2027-01-31' }),
    ]);
    expect(out.gone).toContain('mistral-large-2512');
  });

  test('a server nobody knows is a mistake of the file', async () => {
    writeFileSync(join(folder, 'turnpike.yaml'), yaml('discover: [olama]'));
    const { code, err } = await run('doctor');
    expect(code).toBe(2);
    expect(err).toContain('olama is no model server of the catalogue; known are');
  });
});
