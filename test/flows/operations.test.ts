import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { Ollama } from 'ollama';
import OpenAI from 'openai';
import { loadSnapshot } from '../../src/catalogue/load.ts';
import { RunningGateway } from '../support/gateway.ts';
import { ProviderHosts } from '../support/provider-hosts.ts';

/** What models are asked for beside answers to messages: texts to complete, embeddings, rankings. */

type Json = Record<string, any>;

const MODEL = 'mistralai/mistral-small-2603';

let gateway: RunningGateway;
let client: OpenAI;
beforeAll(async () => {
  gateway = await RunningGateway.start();
  client = new OpenAI({ baseURL: gateway.api, apiKey: gateway.key });
});
afterAll(() => gateway.stop());

const call = async (path: string, body: Json, url = gateway): Promise<{ status: number; body: Json }> => {
  const response = await fetch(`${url.api}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${url.key}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: (await response.json()) as Json };
};

describe('a text to complete', () => {
  test('INF-312 gives text, whole and streamed, to the client of OpenAI', async () => {
    const whole = await client.completions.create({ model: MODEL, prompt: 'Tell me about the Rhine', max_tokens: 500 });
    expect(whole.object).toBe('text_completion');
    expect(whole.choices[0]?.text).toContain('Rhine');
    expect(whole.choices[0]?.finish_reason).toBe('stop');
    expect((whole.usage as Json | undefined)?.cost).toBeGreaterThanOrEqual(0);
    let text = '';
    let usage: Json | undefined;
    const stream = await client.completions.create({ model: MODEL, prompt: ['Tell me about the Rhine'], stream: true });
    for await (const chunk of stream) {
      for (const choice of chunk.choices) expect(typeof choice.text).toBe('string');
      text += chunk.choices[0]?.text ?? '';
      usage = chunk.usage ?? usage;
    }
    expect(text).toContain('Rhine');
    expect(usage?.completion_tokens).toBeGreaterThan(5);
  });

  test('INF-017 may come as a chat request with a prompt', async () => {
    const { status, body } = await call('/chat/completions', { model: MODEL, prompt: 'Tell me about the Rhine' });
    expect(status).toBe(200);
    expect(body.object).toBe('text_completion');
    expect(body.choices[0].text).toContain('Rhine');
    expect(body.choices[0].message).toBeUndefined();
  });

  test('is refused in the words of its own route', async () => {
    const { status, body } = await call('/completions', { model: MODEL, prompt: [] });
    expect(status).toBe(400);
    expect(body.error.metadata.issues[0].path).toBe('prompt');
  });

  test('UP-145 between two texts takes the route for gaps where there is one, whole and streamed', async () => {
    const gap = { model: MODEL, prompt: 'def add(a, b):', suffix: 'print(add(1, 2))', provider: { only: ['mistral'] } };
    const { body } = await call('/completions', { ...gap, seed: 7, top_k: 5 });
    expect(body.choices[0].text).toContain('add');
    const stream = await client.completions.create({ ...gap, stream: true } as OpenAI.CompletionCreateParamsStreaming);
    let text = '';
    for await (const chunk of stream) text += chunk.choices[0]?.text ?? '';
    expect(text).toContain('add');
    // Elsewhere what follows the gap is named as lost.
    const response = await fetch(`${gateway.api}/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${gateway.key}` },
      body: JSON.stringify({ ...gap, provider: { only: ['nvidia'] } }),
    });
    expect(response.headers.get('x-turnpike-dropped')).toContain('/suffix');
  });
});

const EMBEDDERS = [
  ['mistral', 'mistralai/mistral-embed'],
  ['google-ai-studio', 'google/gemini-embedding-001'],
  ['cohere', 'cohere/embed-v4.0'],
] as const;

const cosine = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);

describe('embeddings', () => {
  for (const [provider, model] of EMBEDDERS)
    test(`come in the order of their inputs from ${provider}, and are metered`, async () => {
      const input = ['the Rhine flows north', 'tariffs on cheese', 'north flows the Rhine'];
      const answer = await client.embeddings.create({ model, input, encoding_format: 'float' });
      const [rhine, cheese, again] = answer.data.map(({ embedding }) => embedding);
      if (!rhine || !cheese || !again) throw new Error('a vector is missing');
      expect(answer.data.map(({ index }) => index)).toEqual([0, 1, 2]);
      expect(cosine(rhine, again)).toBeGreaterThan(cosine(rhine, cheese));
      const { usage, id } = answer as unknown as Json;
      expect(usage.prompt_tokens).toBeGreaterThan(5);
      expect(usage.cost).toBeGreaterThan(0);
      const { data } = await gateway.json(`/generation?id=${id}`);
      expect(data).toMatchObject({ api_type: 'embeddings', model, total_cost: usage.cost });
    });

  test('INF-313 UP-146 take every form of input; floats unless asked otherwise, and as many as wanted', async () => {
    const model = 'mistralai/mistral-embed';
    const forms = [
      'the Rhine',
      ['the Rhine', 'the Main'],
      [1, 2, 3],
      [[1, 2, 3], [4]],
      [{ content: [{ type: 'text', text: 'the Rhine' }] }],
    ];
    for (const [index, input] of forms.entries()) {
      const { status, body } = await call('/embeddings', { model, input, user: 'somebody' });
      expect(status).toBe(200);
      expect(body.data).toHaveLength([1, 2, 1, 2, 1][index] as number);
      expect(body.data.every(({ embedding }: Json) => typeof embedding[0] === 'number')).toBe(true);
    }
    const floats = (await call('/embeddings', { model, input: 'the Rhine', dimensions: 32 })).body.data[0].embedding;
    expect(floats).toHaveLength(32);
    const text = (await call('/embeddings', { model, input: 'the Rhine', dimensions: 32, encoding_format: 'base64' }))
      .body;
    const bytes = Buffer.from(text.data[0].embedding, 'base64');
    expect(Array.from({ length: 32 }, (_, i) => bytes.readFloatLE(i * 4))).toEqual(floats);
    // The official client asks for Base64 by itself and unpacks it.
    const unasked = await client.embeddings.create({ model, input: 'the Rhine', dimensions: 32 });
    expect(unasked.data[0]?.embedding.length).toBe(32);
  });

  test('INF-314 tell tokens by kind only where there are two kinds', async () => {
    const image_url = { url: 'data:image/png;base64,iVBORw0KGgo=' };
    const picture = {
      content: [
        { type: 'text', text: 'a river' },
        { type: 'image_url', image_url },
      ],
    };
    const model = 'cohere/embed-v4.0';
    const { body } = await call('/embeddings', { model, input: [picture] });
    const details = body.usage.prompt_tokens_details;
    expect(Object.keys(details).sort()).toEqual(['image_tokens', 'text_tokens']);
    expect(details.image_tokens + details.text_tokens).toBe(body.usage.prompt_tokens);
    const plain = await call('/embeddings', { model, input: 'a river' });
    expect(plain.body.usage.prompt_tokens_details).toBeUndefined();
  });

  test('what cannot be said to a host goes to none that cannot hear it', async () => {
    const { status, body } = await call('/embeddings', { model: 'google/gemini-embedding-001', input: [[1, 2], [3]] });
    expect(status).toBe(400);
    expect(body.error.message).toContain('takes no token numbers');
  });

  test('bad inputs are 400 and cost nothing', async () => {
    const before = (await gateway.json('/credits')).data as Json;
    for (const input of ['', [], [''], [[]], [{ content: [] }], { text: 'x' }, undefined, 7])
      expect((await call('/embeddings', { model: 'mistralai/mistral-embed', input })).status).toBe(400);
    expect((await gateway.json('/credits')).data as Json).toEqual(before);
  });

  test('PLT-071 have a list of their models, the same as the list of all by kind', async () => {
    const [own, all] = [
      await gateway.json('/embeddings/models'),
      await gateway.json('/models?output_modalities=embeddings'),
    ];
    expect(own.data).toEqual(all.data);
    expect((own.data as Json[]).map(({ id }) => id)).toContain('mistralai/mistral-embed');
    expect(
      (own.data as Json[]).every(({ architecture }) => architecture.output_modalities.includes('embeddings')),
    ).toBe(true);
  });

  test('INF-172 models of another kind are refused with the route that they have', async () => {
    const chat = await call('/chat/completions', {
      model: 'mistralai/mistral-embed',
      messages: [{ role: 'user', content: 'Hi' }],
    });
    expect(chat.status).toBe(400);
    expect(chat.body.error.message).toContain('/embeddings');
    const embed = await call('/embeddings', { model: MODEL, input: 'Hi' });
    expect(embed.status).toBe(400);
    expect(embed.body.error.message).toContain('/chat/completions');
  });

  test('come to the client of Ollama', async () => {
    const ollama = new Ollama({ host: gateway.url, headers: { authorization: `Bearer ${gateway.key}` } });
    const { embeddings } = await ollama.embed({ model: 'mistralai/mistral-embed', input: ['the Rhine', 'the Main'] });
    expect(embeddings).toHaveLength(2);
    expect(embeddings[0]?.length).toBe(64);
  });
});

describe('at hosts of one’s own', () => {
  const ids = ['cohere', 'voyageai', 'ollama', 'openai'];
  const providers = loadSnapshot().providers.filter(({ id }) => ids.includes(id));
  const hosts = new ProviderHosts(providers);
  let own: RunningGateway;
  beforeAll(async () => {
    const endpoint = (id: string, kind: string): Json => ({
      model: `${kind}/${id}`,
      upstream_model: 'm',
      output_modalities: [kind],
      pricing: { prompt: '0.000001', completion: '0', request: '0.002' },
    });
    own = await RunningGateway.start({
      config: JSON.stringify({
        providers: Object.fromEntries(
          providers.map((provider) => [
            provider.id,
            {
              base_url: hosts.base(provider),
              api_key: 'k',
              endpoints: [endpoint(provider.id, 'rerank'), endpoint(provider.id, 'embeddings')],
            },
          ]),
        ),
      }),
    });
  });
  afterAll(async () => {
    await own.stop();
    hosts.close();
  });

  const documents = ['cheese from Gruyère', 'the Rhine flows through Basel', { text: 'Basel' }];

  for (const id of ['cohere', 'voyageai', 'openai'])
    test(`INF-315 ${id} ranks documents, best first, each with its place and its text`, async () => {
      const asked = { model: `rerank/${id}`, query: 'Rhine in Basel', documents, top_n: 2 };
      const { status, body } = await call('/rerank', asked, own);
      expect(status).toBe(200);
      expect(body.results.map(({ index }: Json) => index)).toEqual([1, 2]);
      expect(body.results[0].relevance_score).toBeGreaterThan(body.results[1].relevance_score);
      expect(body.results.map(({ document }: Json) => document)).toEqual([{ text: documents[1] }, { text: 'Basel' }]);
      expect(body.usage.cost).toBeGreaterThan(0);
      const { data } = await own.json(`/generation?id=${body.id}`);
      expect(data).toMatchObject({ api_type: 'rerank' });
      const sent = hosts.last(id);
      expect(sent.path.endsWith('/rerank')).toBe(true);
      expect(sent.body[id === 'voyageai' ? 'top_k' : 'top_n']).toBe(2);
    });

  test('UP-146 embeddings are asked for in each host’s own words', async () => {
    const asked = (id: string): Promise<{ body: Json }> =>
      call(
        '/embeddings',
        { model: `embeddings/${id}`, input: 'the Rhine', dimensions: 16, input_type: 'search_query' },
        own,
      );
    for (const id of ids) expect((await asked(id)).body.data[0].embedding).toHaveLength(16);
    expect(hosts.last('openai').body).toEqual({ model: 'm', input: 'the Rhine', dimensions: 16 });
    expect(hosts.last('voyageai').body).toEqual({
      model: 'm',
      input: 'the Rhine',
      output_dimension: 16,
      input_type: 'search_query',
    });
    expect(hosts.last('ollama').body).toEqual({ model: 'm', input: ['the Rhine'], dimensions: 16 });
    expect(hosts.last('cohere').body).toMatchObject({ input_type: 'search_query', output_dimension: 16 });
  });

  test('a ranking without documents is 400', async () => {
    const { status, body } = await call('/rerank', { model: 'rerank/cohere', query: 'q', documents: [] }, own);
    expect(status).toBe(400);
    expect(body.error.metadata.issues[0].path).toBe('documents');
  });
});
