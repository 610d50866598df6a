import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FORGIVING, RunningGateway } from '../support/gateway.ts';
import { ScriptedUpstream, whole } from '../support/upstream.ts';

/** Names that are no models: what a router chose stands in the answer, its metadata and its record. */

type Json = Record<string, any>;

const upstream = new ScriptedUpstream();
const folder = mkdtempSync(join(tmpdir(), 'turnpike-routers-'));
let gateway: RunningGateway;
let sandbox: RunningGateway;

const row = (model: string, dollars: number): string =>
  `      - { model: ${model}, upstream_model: ${model}, pricing: { prompt: "${dollars / 1e6}", completion: "${dollars / 1e6}" } }\n`;

beforeAll(async () => {
  const home = join(folder, 'home');
  mkdirSync(join(home, 'routers'), { recursive: true });
  writeFileSync(
    join(home, 'routers', 'pareto-code.toml'),
    'source = "own"\nchecked = 2026-11-25\nslug = "openrouter/pareto-code"\nkind = "pareto"\nplugin = "pareto-router"\n' +
      [0.9, 0.8, 0.7, 0.6].map((score, i) => `[[model]]\nid = "lab/m${i}"\nscore = ${score}\n`).join(''),
  );
  [gateway, sandbox] = await Promise.all([
    RunningGateway.start({
      home,
      config: `providers:\n  mine:\n    base_url: ${upstream.base}\n    endpoints:\n${[1, 2, 3, 4].map((price, i) => row(`lab/m${i}`, price)).join('')}limits: ${JSON.stringify(FORGIVING)}\n`,
    }),
    RunningGateway.start(),
  ]);
});
afterAll(async () => {
  await Promise.all([gateway.stop(), sandbox.stop(), upstream.stop()]);
  rmSync(folder, { recursive: true, force: true });
});

async function ask(at: RunningGateway, body: Json): Promise<{ status: number; body: Json; record: Json }> {
  const response = await at.post(
    { messages: [{ role: 'user', content: 'Fix the bug: Traceback (most recent call last)' }], ...body },
    { 'x-openrouter-metadata': 'enabled' },
  );
  const answer = (await response.json()) as Json;
  const { data } = (await at.json(`/generation?id=${response.headers.get('x-generation-id')}`)) as Json;
  return { status: response.status, body: answer, record: data };
}

describe('routers', () => {
  test('INF-226 INF-238 auto answers with a real model, tells the task, and the record names the router', async () => {
    const { body, record } = await ask(sandbox, { model: 'openrouter/auto' });
    const { data } = (await sandbox.json('/models')) as Json;
    expect(data.map(({ id }: Json) => id)).toContain(body.model);
    expect(body.openrouter_metadata).toMatchObject({
      requested: 'openrouter/auto',
      strategy: 'auto',
      pipeline: [{ type: 'plugin', name: 'auto-router', data: { task_type: 'code:debugging' } }],
    });
    expect([record.router, record.model]).toEqual(['openrouter/auto', body.model]);
    const plain = await ask(sandbox, { model: body.model });
    expect([plain.record.router, plain.body.openrouter_metadata.strategy]).toEqual([null, 'direct']);
  });

  test('INF-227 whoever forbids everything is told so', async () => {
    const response = await sandbox.post({
      model: 'openrouter/auto',
      messages: [{ role: 'user', content: 'Hi' }],
      plugins: [{ id: 'auto-router', allowed_models: ['nobody/*'] }],
    });
    const { error } = (await response.json()) as Json;
    expect([response.status, error.message]).toEqual([404, 'No models match your request and model restrictions']);
  });

  test('INF-231 the model of the latest answer is kept over the wire', async () => {
    const pin = { plugins: [{ id: 'auto-router', pin_model: true }] };
    upstream.reply = () => whole('Hi');
    const talk = (model: string): Json[] => [
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: 'Hello', model },
      { role: 'user', content: 'who?' },
    ];
    for (const model of ['lab/m2', 'lab/m3'])
      expect((await ask(gateway, { model: 'openrouter/auto', messages: talk(model), ...pin })).body.model).toBe(model);
    // It is told to nobody.
    expect(JSON.stringify(upstream.last.body.messages)).not.toContain('lab/m3');
  });

  test('INF-232 INF-238 free costs nothing, and its record names it', async () => {
    const { status, body, record } = await ask(sandbox, { model: 'openrouter/free' });
    expect([status, record.router, record.total_cost]).toEqual([200, 'openrouter/free', 0]);
    expect(body.openrouter_metadata.strategy).toBe('free');
    expect(body.model.endsWith(':free')).toBe(true);
  });

  test('INF-234 a ceiling that nobody is below is 404', async () => {
    upstream.reply = () => whole('Hi');
    const under = (max_price: number) =>
      ask(gateway, { model: 'openrouter/pareto-code', plugins: [{ id: 'pareto-router', max_price }] });
    expect((await under(4)).body.model).toBe('lab/m0');
    expect((await under(0.1)).status).toBe(404);
  });

  test('INF-233 INF-238 pareto goes to the next of its tier for an ill host, not for a refused request', async () => {
    const model = 'openrouter/pareto-code';
    const sent = (): unknown[] => upstream.received.map(({ body }) => body.model);
    const failing = (status: number): void => {
      upstream.received.length = 0;
      upstream.reply = ({ body }) =>
        body.model === 'lab/m0' ? Response.json({ error: { message: 'no' } }, { status }) : whole('Hi');
    };
    failing(200);
    failing(400);
    const refused = await ask(gateway, { model });
    expect([refused.status, sent()]).toEqual([400, ['lab/m0']]);
    for (const status of [429, 503]) {
      failing(status);
      const answered = await ask(gateway, { model });
      expect([answered.body.model, answered.record.router, answered.body.openrouter_metadata.strategy]).toEqual([
        'lab/m1',
        model,
        'pareto',
      ]);
    }
    upstream.reply = () => whole('Hi');
    const medium = await ask(gateway, { model, plugins: [{ id: 'pareto-router', min_coding_score: 0.5 }] });
    expect(medium.body.model).toBe('lab/m3');
  });

  test('INF-237 the latest of a family is its newest model that is served; a family that is none is an error', async () => {
    const { body } = await ask(sandbox, { model: '~mistralai/mistral-small-latest' });
    const { data } = (await sandbox.json('/models')) as Json;
    const family = data.filter(({ id }: Json) => /^mistralai\/mistral-small-(?!creative)[^:]*$/.test(id));
    const newest = family.toSorted((a: Json, b: Json) => b.created - a.created)[0];
    expect(body.model).toBe(newest.id);
    const unknown = await sandbox.post({
      model: '~mistralai/nothing-latest',
      messages: [{ role: 'user', content: 'Hi' }],
    });
    expect(unknown.status).toBeGreaterThanOrEqual(400);
  });
});
