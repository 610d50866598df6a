import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test';
import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadSnapshot } from '../../src/catalogue/load.ts';
import type { Provider } from '../../src/catalogue/types.ts';
import { DIALECTS } from '../../src/dialects/registry.ts';
import { RunningGateway } from '../support/gateway.ts';
import { basePath, credentialsOf, ProviderHosts } from '../support/provider-hosts.ts';
import { ScriptedUpstream, whole } from '../support/upstream.ts';

/** Every provider row of the catalogue, against a host that speaks its wire with its habits. */

type Json = Record<string, any>;

const providers = loadSnapshot().providers.filter(({ dialect }) => dialect in DIALECTS);
const hosts = new ProviderHosts(providers);
let gateway: RunningGateway;

const keyOf = ({ id }: Provider): string => `key-of-${id}`;

beforeAll(async () => {
  const config = {
    providers: Object.fromEntries(
      providers.map((provider) => [
        provider.id,
        {
          base_url: hosts.base(provider),
          api_key: keyOf(provider),
          headers: { 'x-team': 'rivers' },
          endpoints: [
            {
              model: `test/${provider.id}`,
              upstream_model: 'm',
              context_length: 100_000,
              pricing: { prompt: '0.000001', completion: '0.000002' },
            },
          ],
        },
      ]),
    ),
  };
  gateway = await RunningGateway.start({ config: JSON.stringify(config) });
});
afterAll(async () => {
  await gateway.stop();
  hosts.close();
});

const ask = (provider: Provider, more: Json = {}): Promise<Response> =>
  gateway.post({
    model: `test/${provider.id}`,
    messages: [{ role: 'user', content: 'Tell me about the Rhine' }],
    max_tokens: 2000,
    ...more,
  });

/** The credential that a row asks for, and where. */
function expectedCredential(provider: Provider): Json {
  const { auth } = provider;
  if (auth.kind === 'none') return {};
  if (auth.kind === 'header') return { [auth.name.toLowerCase()]: `${auth.prefix ?? ''}${keyOf(provider)}` };
  return auth.kind === 'google' || auth.kind === 'client'
    ? { [auth.name.toLowerCase()]: keyOf(provider) }
    : { authorization: `Bearer ${keyOf(provider)}` };
}

const tools = [
  {
    type: 'function',
    function: {
      name: 'get_weather',
      parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
    },
  },
];

/** Every wish that a client can have, and one that nobody knows. */
const EVERYTHING: Json = {
  temperature: 0.5,
  top_p: 0.9,
  top_k: 40,
  min_p: 0.1,
  top_a: 0.2,
  frequency_penalty: 0.1,
  presence_penalty: 0.1,
  repetition_penalty: 1.1,
  seed: 7,
  stop: ['END'],
  logit_bias: { 12: 1 },
  logprobs: true,
  top_logprobs: 2,
  prediction: { type: 'content', content: 'The Rhine' },
  tools,
  tool_choice: 'auto',
  parallel_tool_calls: false,
  response_format: { type: 'json_object' },
  reasoning: { effort: 'low' },
  verbosity: 'low',
  user: 'somebody',
  metadata: { team: 'rivers' },
  prompt_cache_key: 'rivers',
  service_tier: 'default',
  safety_identifier: 'somebody',
  modalities: ['text'],
  store: false,
  mystery: 1,
};

/** The words of each wire; beyond them only what the row lists. */
const VOCABULARY: Readonly<Record<string, readonly string[]>> = {
  'openai-chat':
    'model messages stream stream_options max_tokens max_completion_tokens temperature top_p top_k min_p top_a frequency_penalty presence_penalty repetition_penalty seed random_seed stop logit_bias logprobs top_logprobs prediction tools tool_choice parallel_tool_calls response_format reasoning reasoning_effort verbosity thinking enable_thinking thinking_budget reasoning_format chat_template_kwargs service_tier user_id'.split(
      ' ',
    ),
  'anthropic-messages':
    'model anthropic_version messages system max_tokens temperature top_p top_k stop_sequences stream tools tool_choice thinking output_config metadata'.split(
      ' ',
    ),
  'gemini-generate': ['contents', 'systemInstruction', 'tools', 'toolConfig', 'generationConfig'],
  'cohere-v2':
    'model messages stream max_tokens temperature p k seed frequency_penalty presence_penalty stop_sequences logprobs tools tool_choice strict_tools response_format thinking'.split(
      ' ',
    ),
  'ollama-chat': ['model', 'messages', 'stream', 'tools', 'format', 'think', 'options'],
  'bedrock-converse':
    'messages system inferenceConfig toolConfig outputConfig additionalModelRequestFields serviceTier requestMetadata'.split(
      ' ',
    ),
};

test('one more OpenAI-compatible provider is one file', async () => {
  const repository = join(import.meta.dir, '..', '..');
  const root = mkdtempSync(join(tmpdir(), 'turnpike-catalogue-'));
  for (const part of ['src', 'scripts', 'catalogue', 'runtime.env', 'package.json', 'tsconfig.json'])
    cpSync(join(repository, part), join(root, part), { recursive: true });
  symlinkSync(join(repository, 'node_modules'), join(root, 'node_modules'));
  const upstream = new ScriptedUpstream();
  upstream.reply = () => whole('Hello from the newcomer');
  writeFileSync(
    join(root, 'catalogue/providers/newcomer.toml'),
    `source = "provider-docs"
checked = 2026-10-01
name = "Newcomer"
kind = "inference"
about = "A host that was not there yesterday."
dialect = "openai-chat"
base = "${upstream.base}"
auth = { kind = "header", name = "X-Newcomer", prefix = "Key " }
key_env = ["NEWCOMER_API_KEY"]
`,
  );
  const built = Bun.spawnSync([process.execPath, 'scripts/build-catalogue.ts'], { cwd: root });
  expect(built.exitCode).toBe(0);
  const endpoints = [
    { model: 'mistralai/mistral-small-2603', upstream_model: 'small-4', pricing: { prompt: '0', completion: '0' } },
  ];
  const newcomer = await RunningGateway.start({
    root,
    env: { NEWCOMER_API_KEY: 'newcomer-key' },
    config: JSON.stringify({ providers: { newcomer: { endpoints } } }),
  });
  const body = (await (
    await newcomer.post({ model: 'mistralai/mistral-small-2603', messages: [{ role: 'user', content: 'Hi' }] })
  ).json()) as Json;
  expect(body).toMatchObject({ provider: 'Newcomer', choices: [{ message: { content: 'Hello from the newcomer' } }] });
  expect(upstream.last.body.model).toBe('small-4');
  expect(upstream.last.headers.get('x-newcomer')).toBe('Key newcomer-key');
  expect(upstream.last.headers.get('authorization')).toBeNull();
  await newcomer.stop();
  await upstream.stop();
  rmSync(root, { recursive: true });
});

test('at least sixty are called', () => {
  expect(providers.length).toBeGreaterThanOrEqual(60);
});

for (const provider of providers) {
  describe(provider.id, () => {
    afterEach(async () => {
      (await hosts.host(provider)).faults.clear();
    });

    test('UP-001 UP-002 UP-014 is called at its address with its key and nobody else’s', async () => {
      const response = await ask(provider);
      const body = (await response.json()) as Json;
      expect(response.status).toBe(200);
      expect(body.choices[0].message.content).toContain('Rhine');
      expect(body.usage.cost).toBeGreaterThan(0);
      const { path, headers } = hosts.last(provider.id);
      const base = basePath(provider.base ?? 'http://x/v1');
      expect(path.startsWith(`${base}/`)).toBe(true);
      expect(path.slice(base.length)).not.toMatch(/\/\/|key/);
      expect(credentialsOf(headers)).toEqual(expectedCredential(provider));
      for (const [name, value] of Object.entries(provider.headers)) expect(headers.get(name)).toBe(value);
      expect(headers.get('x-team')).toBe('rivers');
      if (provider.dialect === 'anthropic-messages') expect(headers.get('anthropic-version')).toBe('2023-06-01');
    });

    test('streams to a proper end, with counts', async () => {
      const response = await ask(provider, { stream: true });
      const text = await response.text();
      expect(text.trimEnd().endsWith('data: [DONE]')).toBe(true);
      const frames = text.match(/^data: \{.*$/gm)?.map((line) => JSON.parse(line.slice(6)) as Json) ?? [];
      expect(frames.map(({ choices }) => choices?.[0]?.delta?.content ?? '').join('')).toContain('Rhine');
      expect(frames.find(({ usage }) => usage)?.usage.completion_tokens).toBeGreaterThan(5);
      expect(frames.some(({ error }) => error)).toBe(false);
    });

    test('calls a tool, or says that it was not told of one', async () => {
      const response = await ask(provider, { messages: [{ role: 'user', content: 'The weather in Basel?' }], tools });
      const { choices } = (await response.json()) as Json;
      if (provider.refusedParameters?.includes('tools')) {
        expect(response.headers.get('x-turnpike-dropped')).toContain('/tools;unsupported');
        return;
      }
      expect(choices[0].finish_reason).toBe('tool_calls');
      const [call] = choices[0].message.tool_calls;
      expect(call.function.name).toBe('get_weather');
      expect(typeof JSON.parse(call.function.arguments).city).toBe('string');
    });

    test('UP-010 is sent only what its wire and its row know, and the rest is named', async () => {
      const response = await ask(provider, EVERYTHING);
      if (response.status !== 200) throw new Error(await response.text());
      const dropped = response.headers.get('x-turnpike-dropped') ?? '';
      const { body } = hosts.last(provider.id);
      const known = new Set([
        ...(VOCABULARY[provider.dialect] ?? []),
        ...(provider.extraFields === 'all' ? Object.keys(body) : provider.extraFields),
      ]);
      expect(Object.keys(body).filter((name) => !known.has(name))).toEqual([]);
      if (provider.extraFields !== 'all') expect(dropped).toContain('/mystery;unknown-field');
      expect(JSON.stringify(body)).not.toContain('"user":"somebody"');
    });

    test('breaks in its own words, and the client hears of it in ours', async () => {
      const host = await hosts.host(provider);
      host.faults.add({ fault: '429', count: 1, probability: 1, value: undefined });
      const response = await ask(provider);
      expect(response.status).toBe(429);
      const { error } = (await response.json()) as Json;
      expect(error).toMatchObject({ code: 429, metadata: { provider_name: provider.name } });
      expect(JSON.stringify(error)).not.toContain(keyOf(provider));
    });
  });
}
