import { Database } from 'bun:sqlite';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import Anthropic from '@anthropic-ai/sdk';
import { OpenRouter } from '@openrouter/sdk';
import OpenAI from 'openai';
import { RunningGateway } from '../support/gateway.ts';
import { hasOpenRouterSchema, openRouterSchema } from '../support/openrouter-schema.ts';
import { customProvider, ScriptedUpstream, whole } from '../support/upstream.ts';

/** Settings of requests under a name: kept, listed, and added to the requests that name them. */

type Json = Record<string, any>;

const MODEL = 'lab/one';
const MANAGEMENT = `management-${'0123456789'.repeat(3)}`;

let upstream: ScriptedUpstream;
let gateway: RunningGateway;
let serial = 0;
const fresh = (): string => `preset-${++serial}`;

beforeAll(async () => {
  upstream = new ScriptedUpstream();
  gateway = await RunningGateway.start({
    pace: 'real',
    config: customProvider(upstream.base),
    env: { TURNPIKE_MANAGEMENT_KEY: MANAGEMENT },
  });
});
afterAll(async () => {
  await gateway.stop();
  await upstream.stop();
});
beforeEach(() => {
  upstream.reply = () => whole('Hello');
  upstream.received.length = 0;
});

const call = async (path: string, body: unknown, key = gateway.key): Promise<{ status: number; body: Json }> => {
  const response = await fetch(`${gateway.api}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  return { status: response.status, body: (await response.json()) as Json };
};
const user = (content: string) => ({ role: 'user', content });
const keep = async (slug: string, body: Json, wire = 'chat/completions'): Promise<Json> => {
  const required = wire === 'responses' ? { input: 'unused' } : { messages: [user('unused')] };
  const answer = await call(`/presets/${slug}/${wire}`, { ...required, ...body });
  expect([answer.status, answer.body.error]).toEqual([200, undefined]);
  return answer.body.data;
};
const get = async (path: string, key: string | null = gateway.key): Promise<{ status: number; body: Json }> => {
  const response = await gateway.get(path, key);
  return { status: response.status, body: (await response.json()) as Json };
};
const tool = (name: string, description: string) => ({
  type: 'function',
  function: { name, description, parameters: { type: 'object', properties: {} } },
});

describe('keeping a preset', () => {
  test('PLT-208 INF-250 a request under a new name is version 1, and nothing is run', async () => {
    const slug = fresh();
    const body = {
      model: MODEL,
      temperature: 0.2,
      messages: [{ role: 'system', content: 'Be brief.' }, user('hello')],
      stream: true,
    };
    const answer = await call(`/presets/${slug}/chat/completions`, body);
    expect(answer.status).toBe(200);
    expect(answer.body.data).toMatchObject({ slug, name: slug, status: 'active', description: null });
    const { designated_version: version } = answer.body.data;
    expect(version).toMatchObject({
      version: 1,
      system_prompt: 'Be brief.',
      config: { model: MODEL, temperature: 0.2 },
    });
    expect(version.preset_id).toBe(answer.body.data.id);
    expect(version.id).toBe(answer.body.data.designated_version_id);
    expect(upstream.received).toHaveLength(0);
    expect(version.config).toEqual({ model: MODEL, temperature: 0.2 });
    const asked = { model: MODEL, temperature: 0.2, stream: true };
    for (const wire of ['messages', 'responses']) {
      const { designated_version: other } = await keep(fresh(), asked, wire);
      expect(other).toMatchObject({ version: 1, system_prompt: null });
      expect(other.config).toEqual({ model: MODEL, temperature: 0.2 });
    }
    expect(upstream.received).toHaveLength(0);
    expect((await get('/key')).body.data.usage).toBe(0);
  });

  test('PLT-209 a known name gets the next version, which serves from then on', async () => {
    const slug = fresh();
    const first = await keep(slug, { model: MODEL, temperature: 0.1 });
    const second = await keep(slug, { model: MODEL, temperature: 0.9 }, 'messages');
    expect(second.id).toBe(first.id);
    expect(second.designated_version.version).toBe(2);
    expect(second.designated_version_id).not.toBe(first.designated_version_id);
    expect((await get(`/presets/${slug}`)).body.data).toEqual(second);
    await gateway.post({ model: `@preset/${slug}`, messages: [user('hi')] });
    expect(upstream.last.body.temperature).toBe(0.9);
  });

  test('PLT-210 what configures is kept as it was written, what passes is dropped', async () => {
    const config = {
      model: MODEL,
      models: ['test/other'],
      provider: { order: ['mine'], allow_fallbacks: false },
      route: 'fallback',
      temperature: 0,
      top_p: 0.5,
      top_k: 40,
      top_a: 0.1,
      min_p: 0.1,
      frequency_penalty: 0.5,
      presence_penalty: -0.5,
      repetition_penalty: 1.1,
      max_tokens: 100,
      max_completion_tokens: 90,
      max_output_tokens: 80,
      stop: ['END'],
      stop_sequences: ['STOP'],
      seed: 7,
      logit_bias: { '42': 3 },
      logprobs: true,
      top_logprobs: 2,
      response_format: { type: 'json_object' },
      text: { verbosity: 'low' },
      tools: [tool('a', 'does a')],
      tool_choice: 'auto',
      parallel_tool_calls: false,
      max_tool_calls: 3,
      reasoning: { effort: 'low' },
      reasoning_effort: 'low',
      thinking: { type: 'disabled' },
      verbosity: 'low',
      plugins: [{ id: 'response-healing' }],
      service_tier: 'flex',
      modalities: ['text'],
      image_config: { aspect_ratio: '1:1' },
      cache_control: { type: 'ephemeral' },
      prediction: { type: 'content', content: 'guess' },
      stop_server_tools_when: [{ type: 'max_cost' }],
      cache_enabled: true,
      cache_ttl_seconds: 60,
    };
    const passing = {
      stream: true,
      stream_options: { include_usage: true },
      user: 'somebody',
      session_id: 's',
      trace: { id: 't' },
      metadata: { a: 'b' },
      debug: { echo_upstream_body: true },
      safety_identifier: 'x',
      prompt_cache_key: 'k',
      whatever: 1,
      seed_of_null: null,
    };
    const chat = await keep(fresh(), { ...config, ...passing });
    expect(chat.designated_version.config).toEqual(config);
    const messages = await keep(fresh(), { model: MODEL, max_tokens: 5, metadata: { user_id: 'u' } }, 'messages');
    expect(messages.designated_version.config).toEqual({ model: MODEL, max_tokens: 5 });
    const responses = await keep(
      fresh(),
      { model: MODEL, store: false, background: false, previous_response_id: null, prompt: null, top_k: null },
      'responses',
    );
    expect(responses.designated_version.config).toEqual({ model: MODEL });
  });

  test('PLT-211 the system prompt is found in all three wires', async () => {
    const leading = [
      { role: 'system', content: 'One.' },
      { role: 'developer', content: [{ type: 'text', text: 'Two.' }] },
      user('hi'),
      { role: 'system', content: 'Part of the talk.' },
    ];
    const chat = await keep(fresh(), { messages: leading });
    expect(chat.designated_version.system_prompt).toBe('One.\n\nTwo.');
    const text = await keep(fresh(), { system: 'One.' }, 'messages');
    expect(text.designated_version.system_prompt).toBe('One.');
    const system = [
      { type: 'text', text: 'One.' },
      { type: 'text', text: 'Two.' },
    ];
    const blocks = await keep(fresh(), { system }, 'messages');
    expect(blocks.designated_version.system_prompt).toBe('One.\n\nTwo.');
    const responses = await keep(fresh(), { instructions: 'One.' }, 'responses');
    expect(responses.designated_version.system_prompt).toBe('One.');
    for (const wire of ['chat/completions', 'messages', 'responses'])
      expect((await keep(fresh(), { model: MODEL }, wire)).designated_version.system_prompt).toBeNull();
  });

  test('is refused as a request would be, and writes nothing then', async () => {
    const slug = fresh();
    const refused: readonly (readonly [string, unknown, number])[] = [
      ['chat/completions', { model: MODEL }, 400],
      ['chat/completions', { model: MODEL, messages: [user('x')], temperature: 9 }, 400],
      ['chat/completions', '{"model"', 400],
      ['messages', { model: MODEL }, 400],
      ['responses', { model: MODEL }, 400],
      ['chat/completions', { messages: [user('x')], cache_ttl_seconds: 0 }, 400],
      ['chat/completions', { messages: [user('x')], cache_enabled: 'yes' }, 400],
      ['chat/completions', { model: '@preset/other', messages: [user('x')] }, 400],
      ['chat/completions', { preset: 'other', messages: [user('x')] }, 400],
      ['chat/completions', { messages: [user('x')], image_config: { a: 'x'.repeat(300_000) } }, 400],
    ];
    for (const [wire, body, status] of refused) {
      const answer = await call(`/presets/${slug}/${wire}`, body);
      expect([wire, answer.status, answer.body.error.code]).toEqual([wire, status, status]);
    }
    for (const bad of ['a b', '-a', 'a'.repeat(129)]) {
      const answer = await call(`/presets/${encodeURIComponent(bad)}/responses`, { input: 'x' });
      expect([bad, answer.status]).toEqual([bad, 400]);
    }
    expect((await get(`/presets/${slug}`)).status).toBe(404);
    expect((await call(`/presets/${slug}/responses`, { input: 'x' }, 'nobody')).status).toBe(401);
    expect((await call(`/presets/${slug}/responses`, { input: 'x' }, MANAGEMENT)).status).toBe(403);
    expect((await get('/presets', null)).status).toBe(401);
  });

  test('two writes at once: one is made, the other is told so', async () => {
    const slug = fresh();
    const both = await Promise.all(
      Array.from({ length: 12 }, () => call(`/presets/${slug}/responses`, { input: 'x', model: MODEL })),
    );
    const made = both.filter(({ status }) => status === 200);
    const told = both.filter(({ status }) => status === 409);
    expect(made.length + told.length).toBe(12);
    expect(made.length).toBeGreaterThan(0);
    const { total_count, data } = (await get(`/presets/${slug}/versions`)).body;
    expect(total_count).toBe(made.length);
    expect(data.map(({ version }: Json) => version)).toEqual(made.map((_, i) => i + 1));
  });
});

describe('reading presets', () => {
  test('PLT-212 versions are listed from the first, or had by number', async () => {
    const slug = fresh();
    for (let n = 1; n <= 5; n++) await keep(slug, { model: MODEL, seed: n });
    const { body } = await get(`/presets/${slug}/versions`);
    expect(body.total_count).toBe(5);
    expect(body.data.map(({ version, config }: Json) => [version, config.seed])).toEqual(
      [1, 2, 3, 4, 5].map((n) => [n, n]),
    );
    const page = (await get(`/presets/${slug}/versions?offset=1&limit=2`)).body;
    expect([page.total_count, page.data.map(({ version }: Json) => version)]).toEqual([5, [2, 3]]);
    const second = await get(`/presets/${slug}/versions/2`);
    expect(second.body.data).toEqual(body.data[1]);
    for (const bad of ['x', '0', '-1', '1.5', '1e3'])
      expect([bad, (await get(`/presets/${slug}/versions/${bad}`)).status]).toEqual([bad, 400]);
    expect((await get(`/presets/${slug}/versions/6`)).status).toBe(404);
    expect((await get('/presets/nothing/versions/1')).status).toBe(404);
    expect((await get('/presets/nothing/versions')).status).toBe(404);
    expect((await get('/presets/nothing')).status).toBe(404);
    for (const query of ['offset=-1', 'offset=x', 'limit=0', 'limit=101', 'limit=1.5'])
      for (const path of ['/presets', `/presets/${slug}/versions`])
        expect([query, (await get(`${path}?${query}`)).status]).toEqual([query, 400]);
  });

  test('they are listed with the latest change first', async () => {
    const [older, newer] = [fresh(), fresh()];
    await keep(older, {});
    await keep(newer, {});
    await Bun.sleep(2);
    await keep(older, {});
    const { data, total_count } = (await get('/presets?limit=2')).body;
    expect(data.map(({ slug }: Json) => slug)).toEqual([older, newer]);
    expect(total_count).toBeGreaterThan(2);
    expect((await get('/presets?offset=1&limit=1')).body.data[0].slug).toBe(newer);
  });

  test.if(hasOpenRouterSchema)('every answer has the form that OpenRouter publishes', async () => {
    const schema = openRouterSchema();
    const slug = fresh();
    for (const wire of ['chat/completions', 'messages', 'responses'])
      expect(schema.problems(`POST /presets/{slug}/${wire}`, { data: await keep(slug, {}, wire) })).toEqual([]);
    for (const [path, name] of [
      ['/presets', 'GET /presets'],
      [`/presets/${slug}`, 'GET /presets/{slug}'],
      [`/presets/${slug}/versions`, 'GET /presets/{slug}/versions'],
      [`/presets/${slug}/versions/1`, 'GET /presets/{slug}/versions/{version}'],
    ] as const)
      expect([name, schema.problems(name, (await get(path)).body)]).toEqual([name, []]);
  });

  test('the client of OpenRouter keeps and reads them', async () => {
    const client = new OpenRouter({ apiKey: gateway.key, serverURL: gateway.api });
    const slug = fresh();
    const chatRequest = { model: MODEL, messages: [{ role: 'user' as const, content: 'x' }], temperature: 0.3 };
    const kept = await client.presets.createPresetsChatCompletions({ slug, chatRequest });
    expect(kept.data.designatedVersion?.config).toEqual({ model: MODEL, temperature: 0.3 });
    const messagesRequest = { model: MODEL, maxTokens: 9, messages: [{ role: 'user' as const, content: 'x' }] };
    expect(
      (await client.presets.createPresetsMessages({ slug, messagesRequest })).data.designatedVersion,
    ).toMatchObject({
      version: 2,
      config: { max_tokens: 9 },
    });
    const responsesRequest = { model: MODEL, input: 'x', instructions: 'Be brief.' };
    const third = await client.presets.createPresetsResponses({ slug, responsesRequest });
    expect(third.data.designatedVersion?.systemPrompt).toBe('Be brief.');
    expect((await client.presets.get({ slug })).data.designatedVersion?.version).toBe(3);
    const seen: number[] = [];
    for await (const page of await client.presets.listVersions({ slug, limit: 2 }))
      seen.push(...page.result.data.flatMap((one) => one?.version ?? []));
    expect(seen).toEqual([1, 2, 3]);
    expect((await client.presets.getVersion({ slug, version: '2' })).data?.version).toBe(2);
    const [first] = await Array.fromAsync(await client.presets.list({ limit: 1 }));
    expect(first?.result.data[0]?.slug).toBe(slug);
  });
});

describe('naming a preset', () => {
  test('INF-247 PLT-213 all three ways apply its latest version; what the request says stands', async () => {
    const slug = fresh();
    await keep(slug, { model: MODEL, temperature: 0.1, top_p: 0.5 });
    const { id } = await keep(slug, {
      model: MODEL,
      temperature: 0.2,
      top_p: 0.5,
      messages: [{ role: 'system', content: 'Be brief.' }, user('x')],
    });
    const ways: readonly Json[] = [
      { model: `@preset/${slug}` },
      { model: `${MODEL}@preset/${slug}` },
      { preset: slug },
      { preset: slug, model: MODEL },
      { models: [`${MODEL}@preset/${slug}`] },
      { models: [`@preset/${slug}`] },
      { model: MODEL, models: [`test/other@preset/${slug}`] },
    ];
    for (const way of ways) {
      const { status, body } = await call('/chat/completions', { ...way, messages: [user('hi')], top_p: 0.9 });
      expect([way, status]).toEqual([way, 200]);
      expect(upstream.last.body).toMatchObject({
        model: 'one',
        temperature: 0.2,
        top_p: 0.9,
        messages: [{ role: 'system', content: 'Be brief.' }, user('hi')],
      });
      expect(JSON.stringify(upstream.last.body)).not.toContain('preset');
      expect(body.model).toBe(MODEL);
      expect((await get(`/generation?id=${body.id}`)).body.data.preset_id).toBe(id);
    }
    const plain = await call('/chat/completions', { model: MODEL, messages: [user('hi')] });
    expect((await get(`/generation?id=${plain.body.id}`)).body.data.preset_id).toBeNull();
  });

  test('INF-248 members of the request replace whole members of the preset', async () => {
    const slug = fresh();
    await keep(slug, {
      model: 'test/other',
      provider: { order: ['nobody'], allow_fallbacks: false },
      reasoning: { effort: 'high' },
      max_tokens: 100,
      stop: ['A'],
      messages: [{ role: 'system', content: 'Of the preset.' }, user('x')],
    });
    const merged = await call('/chat/completions', {
      model: `${MODEL}@preset/${slug}`,
      // Replaces the whole object: no order is left in which nobody stands.
      provider: { sort: 'price' },
      max_completion_tokens: 7,
      reasoning_effort: null,
      messages: [{ role: 'system', content: 'Of the request.' }, user('hi')],
    });
    expect(merged.status).toBe(200);
    const { body } = upstream.last;
    expect(body.messages).toEqual([{ role: 'system', content: 'Of the request.' }, user('hi')]);
    expect(body.max_completion_tokens ?? body.max_tokens).toBe(7);
    expect(body.stop).toEqual(['A']);
    // What the request says with null is not said.
    const unsaid = { model: null, provider: null, max_tokens: null, stop: null };
    const refused = await call('/chat/completions', { preset: slug, ...unsaid, messages: [user('hi')] });
    expect([refused.status, refused.body.error.message]).toEqual([400, 'test/other is not a valid model ID']);
    const ordered = await call('/chat/completions', { preset: slug, model: MODEL, messages: [user('hi')] });
    expect(ordered.status).toBe(404);
  });

  test('PLT-214 INF-249 tools are joined by what they are', async () => {
    const slug = fresh();
    const search = (max: number) => ({ type: 'openrouter:web_search', parameters: { max_results: max } });
    await keep(slug, { model: MODEL, tools: [tool('a', 'preset'), search(1), tool('b', 'preset')] });
    const tools = [tool('c', 'request'), tool('b', 'request'), search(9)];
    await call('/chat/completions', { preset: slug, messages: [user('hi')], tools });
    const sent = (upstream.last.body.tools as Json[]).map(({ type, function: declared, parameters }) =>
      declared ? `${declared.name} ${declared.description}` : `${type} ${parameters?.max_results}`,
    );
    expect(sent.filter((one) => !one.startsWith('openrouter:'))).toEqual(['a preset', 'b request', 'c request']);
    await call('/chat/completions', { preset: slug, messages: [user('hi')] });
    const alone = (upstream.last.body.tools as Json[]).flatMap(({ function: declared }) => declared?.name ?? []);
    expect(alone).toEqual(['a', 'b']);
  });

  test('one that is unknown, disabled or archived is 404 in the caller’s own wire', async () => {
    const slug = fresh();
    await keep(slug, { model: MODEL });
    const home = gateway.home;
    for (const status of ['disabled', 'archived']) {
      await gateway.terminate();
      const db = new Database(join(home, 'turnpike.db'));
      db.run('UPDATE presets SET status = ? WHERE slug = ?', [status, slug]);
      db.close();
      gateway = await RunningGateway.start({
        pace: 'real',
        home,
        config: customProvider(upstream.base),
        env: { TURNPIKE_MANAGEMENT_KEY: MANAGEMENT },
      });
      expect((await get(`/presets/${slug}`)).body.data.status).toBe(status);
      for (const named of [slug, 'unknown']) {
        const chat = await call('/chat/completions', { preset: named, messages: [user('hi')] });
        expect([chat.status, chat.body.error.metadata.error_type]).toEqual([404, 'not_found']);
      }
      const messages = await call('/messages', { model: `@preset/${slug}`, messages: [user('hi')] });
      expect([messages.status, messages.body.error.type]).toEqual([404, 'not_found_error']);
      const responses = await call('/responses', { model: `@preset/${slug}`, input: 'hi' });
      expect([responses.status, responses.body.error_type]).toEqual([404, 'not_found']);
    }
    expect(upstream.received).toHaveLength(0);
  });

  test('two at once, and one on a wire that has none, are refused by name', async () => {
    const [a, b] = [fresh(), fresh()];
    await keep(a, { model: MODEL });
    await keep(b, { model: MODEL });
    const two = await call('/chat/completions', { model: `@preset/${a}`, preset: b, messages: [user('hi')] });
    expect([two.status, two.body.error.metadata.issues[0].path]).toEqual([400, 'preset']);
    expect((await call('/chat/completions', { preset: 5, messages: [user('hi')] })).status).toBe(400);
    const ollama = await fetch(`${gateway.url}/api/chat`, {
      method: 'POST',
      headers: { authorization: `Bearer ${gateway.key}` },
      body: JSON.stringify({ model: `@preset/${a}`, messages: [user('hi')] }),
    });
    expect(ollama.status).toBe(400);
    expect(await ollama.text()).toContain('preset');
  });
});

describe('clients that know nothing of presets', () => {
  test('name them as models: OpenAI’s in two wires, Anthropic’s and OpenRouter’s', async () => {
    const slug = fresh();
    await keep(slug, {
      model: MODEL,
      temperature: 0.25,
      messages: [{ role: 'system', content: 'Be brief.' }, user('x')],
    });
    const model = `@preset/${slug}`;
    const told = (): unknown => [upstream.last.body.temperature, (upstream.last.body.messages as Json[])[0]?.content];
    const openai = new OpenAI({ baseURL: gateway.api, apiKey: gateway.key, maxRetries: 0 });
    const chat = await openai.chat.completions.create({ model, messages: [{ role: 'user', content: 'hi' }] });
    expect([chat.model, told()]).toEqual([MODEL, [0.25, 'Be brief.']]);
    expect([(await openai.responses.create({ model, input: 'hi' })).output_text, told()]).toEqual([
      'Hello',
      [0.25, 'Be brief.'],
    ]);
    const anthropic = new Anthropic({ baseURL: `${gateway.url}/api`, apiKey: gateway.key, maxRetries: 0 });
    const asked = { model, max_tokens: 50, messages: [{ role: 'user' as const, content: 'hi' }] };
    expect([(await anthropic.messages.create(asked)).model, told()]).toEqual([MODEL, [0.25, 'Be brief.']]);
    // The system prompt is part of the prompt that is counted.
    const { input_tokens: counted } = await anthropic.messages.countTokens({ model, messages: asked.messages });
    const plain = await anthropic.messages.countTokens({ model: MODEL, messages: asked.messages });
    expect(counted).toBeGreaterThan(plain.input_tokens);
    const openrouter = new OpenRouter({ apiKey: gateway.key, serverURL: gateway.api });
    const sent = await openrouter.chat.send({ chatRequest: { model, messages: [{ role: 'user', content: 'hi' }] } });
    expect(['model' in sent && sent.model, told()]).toEqual([MODEL, [0.25, 'Be brief.']]);
  });

  test('vectors take the model and the routing of a preset', async () => {
    const running = await RunningGateway.start();
    try {
      const post = async (path: string, body: Json): Promise<Json> => {
        const response = await fetch(`${running.api}${path}`, {
          method: 'POST',
          headers: { authorization: `Bearer ${running.key}` },
          body: JSON.stringify(body),
        });
        return { status: response.status, ...((await response.json()) as Json) };
      };
      const embedder = { model: 'mistralai/mistral-embed', temperature: 0.5, messages: [user('x')] };
      expect((await post('/presets/vectors/chat/completions', embedder)).status).toBe(200);
      const vectors = await post('/embeddings', { model: '@preset/vectors', input: 'the Rhine' });
      expect([vectors.status, vectors.model]).toEqual([200, 'mistralai/mistral-embed']);
    } finally {
      await running.stop();
    }
  });
});

describe('a preset of one wire in another', () => {
  test('says the same in the words of the request', async () => {
    const slug = fresh();
    await keep(
      slug,
      {
        model: MODEL,
        max_tokens: 33,
        stop_sequences: ['END'],
        temperature: 0.4,
        system: 'Be brief.',
        tools: [{ name: 'a', description: 'does a', input_schema: { type: 'object', properties: {} } }],
        tool_choice: { type: 'any' },
      },
      'messages',
    );
    await call('/chat/completions', { preset: slug, messages: [user('hi')] });
    const fromChat = upstream.last.body;
    expect(fromChat).toMatchObject({
      max_tokens: 33,
      stop: ['END'],
      temperature: 0.4,
      tool_choice: 'required',
      messages: [{ role: 'system', content: 'Be brief.' }, user('hi')],
    });
    expect((fromChat.tools as Json[])[0]?.function.name).toBe('a');
    await call('/responses', { preset: slug, input: 'hi' });
    const { stop: _stop, ...rest } = fromChat;
    expect(upstream.last.body).toMatchObject(rest);
    await call('/messages', { preset: slug, messages: [user('hi')] });
    expect(upstream.last.body).toMatchObject(fromChat);
  });

  test('a large body is still passed on as it came, with the settings beside it', async () => {
    const slug = fresh();
    await keep(slug, {
      model: MODEL,
      temperature: 0.4,
      tools: [tool('a', 'preset')],
      messages: [{ role: 'system', content: 'Be brief.' }, user('x')],
    });
    const long = `${'The Rhine flows north. '.repeat(1500)}\u00e9`;
    const own = { role: 'system', content: 'Mine.' };
    for (const messages of [[user(long)], [own, user(long)]]) {
      await call('/chat/completions', { preset: slug, messages, tools: [tool('b', long)] });
      expect(upstream.last.body).toMatchObject({
        temperature: 0.4,
        messages: messages.length === 1 ? [{ role: 'system', content: 'Be brief.' }, user(long)] : messages,
      });
      const tools = upstream.last.body.tools as Json[];
      expect(tools.map(({ function: { name } }) => name)).toEqual(['a', 'b']);
      expect(tools[1]?.function.description).toBe(long);
    }
  });
});
