import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { RunningGateway } from '../support/gateway.ts';
import { customProvider, ScriptedUpstream, whole } from '../support/upstream.ts';

/** Keys that administer and keys that run models, over sockets: who may do what, and what a key's page says. */

type Json = Record<string, any>;

const MANAGEMENT = 'management-key-0123456789';
const upstream = new ScriptedUpstream();
let gateway: RunningGateway;
beforeAll(async () => {
  gateway = await RunningGateway.start({
    config: customProvider(upstream.base),
    env: { TURNPIKE_MANAGEMENT_KEY: MANAGEMENT },
  });
  upstream.reply = () => whole('Hello');
}, 60_000);
afterAll(async () => {
  await gateway.stop();
  await upstream.stop();
});

interface Answer {
  readonly status: number;
  readonly body: Json;
}
async function call(method: string, path: string, key: string | null, body?: unknown): Promise<Answer> {
  const response = await fetch(`${gateway.api}${path}`, {
    method,
    headers: { 'content-type': 'application/json', ...(key !== null && { authorization: `Bearer ${key}` }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Json };
}
const managed = (method: string, path: string, body?: unknown): Promise<Answer> => call(method, path, MANAGEMENT, body);
const chat = (key: string): Promise<Answer> =>
  call('POST', '/chat/completions', key, {
    model: 'lab/one',
    messages: [{ role: 'user', content: 'hi' }],
    max_tokens: 5,
  });

describe('who may do what', () => {
  test('INF-005 a management key runs no model on any wire, an inference key administers nothing: 403', async () => {
    const wires: readonly (readonly [string, Json])[] = [
      ['/chat/completions', { model: 'lab/one', messages: [{ role: 'user', content: 'hi' }] }],
      ['/completions', { model: 'lab/one', prompt: 'hi' }],
      ['/responses', { model: 'lab/one', input: 'hi' }],
      ['/messages', { model: 'lab/one', max_tokens: 5, messages: [{ role: 'user', content: 'hi' }] }],
      ['/embeddings', { model: 'lab/one', input: 'hi' }],
      ['/rerank', { model: 'lab/one', query: 'hi', documents: ['hi'] }],
    ];
    for (const [path, body] of wires) {
      const { status, body: told } = await managed('POST', path, body);
      expect(status).toBe(403);
      expect(JSON.stringify(told)).toContain('Management keys cannot run inference');
    }
    expect(upstream.received).toHaveLength(0);
    const { hash } = (await managed('GET', '/keys')).body.data[0];
    const before = (await managed('GET', '/keys?include_disabled=true')).body;
    for (const [method, path, body] of [
      ['GET', '/keys', undefined],
      ['POST', '/keys', { name: 'mine' }],
      ['GET', `/keys/${hash}`, undefined],
      ['PATCH', `/keys/${hash}`, { disabled: true }],
      ['DELETE', `/keys/${hash}`, undefined],
      ['GET', '/keys/unknown', undefined],
    ] as const) {
      const { status, body: told } = await call(method, path, gateway.key, body);
      expect(status).toBe(403);
      expect(told.error).toMatchObject({
        code: 403,
        message: 'Only management keys can perform this operation',
        metadata: { error_type: 'permission_denied' },
      });
      expect((await call(method, path, null, body)).status).toBe(401);
    }
    expect((await managed('GET', '/keys?include_disabled=true')).body).toEqual(before);
    expect((await chat(gateway.key)).status).toBe(200);
  });
});

describe('what a management key can do', () => {
  test('make a key with a limit, change it, and take it away', async () => {
    const made = await managed('POST', '/keys', { name: 'app', limit: 0.5, limit_reset: 'weekly' });
    expect(made.status).toBe(201);
    const { key, data } = made.body;
    expect(data).toMatchObject({
      name: 'app',
      disabled: false,
      limit: 0.5,
      limit_remaining: 0.5,
      limit_reset: 'weekly',
      usage: 0,
    });
    expect((await chat(key)).status).toBe(200);
    const path = `/keys/${data.hash}`;
    expect((await managed('GET', path)).body.data).toMatchObject({ usage: 0.00002, limit_remaining: 0.49998 });
    expect((await managed('PATCH', path, { limit: 0.00001 })).body.data).toMatchObject({
      limit: 0.00001,
      limit_remaining: 0,
      limit_reset: 'weekly',
    });
    expect((await chat(key)).status).toBe(403);
    expect((await managed('PATCH', path, { limit_reset: null, limit: 1 })).body.data.limit_reset).toBeNull();
    expect((await chat(key)).status).toBe(200);
    expect((await managed('PATCH', path, { limit: null, name: 'other' })).body.data).toMatchObject({
      name: 'other',
      limit: null,
      limit_remaining: null,
    });
    expect((await managed('PATCH', path, { disabled: true })).body.data.disabled).toBe(true);
    expect((await chat(key)).status).toBe(401);
    const hashes = async (query: string): Promise<readonly string[]> =>
      (await managed('GET', `/keys${query}`)).body.data.map(({ hash }: Json) => hash);
    expect(await hashes('')).not.toContain(data.hash);
    expect((await hashes('?include_disabled=true'))[0]).toBe(data.hash);
    expect((await managed('PATCH', path, { disabled: false })).status).toBe(200);
    expect((await chat(key)).status).toBe(200);
    expect((await managed('DELETE', path)).body).toEqual({ deleted: true });
    expect((await chat(key)).status).toBe(401);
    expect((await managed('GET', path)).status).toBe(404);
    expect((await managed('DELETE', path)).status).toBe(404);
  });

  test('nothing that is not here: it is refused by name', async () => {
    for (const [body, field] of [
      [{}, 'name'],
      [{ name: '' }, 'name'],
      [{ name: 'x', limit: -1 }, 'limit'],
      [{ name: 'x', limit: '5' }, 'limit'],
      [{ name: 'x', limit: 1, limit_reset: 'hourly' }, 'limit_reset'],
      [{ name: 'x', include_byok_in_limit: true }, 'include_byok_in_limit'],
      [{ name: 'x', expires_at: '2030-01-01T00:00:00Z' }, 'expires_at'],
    ] as const) {
      const { status, body: told } = await managed('POST', '/keys', body);
      expect(status).toBe(400);
      expect(told.error.metadata.issues[0].path).toBe(field);
    }
    expect((await managed('GET', '/keys?offset=x')).status).toBe(400);
    expect((await managed('GET', '/keys?offset=1000')).body.data).toEqual([]);
  });

  test('not to administer management keys: they are nowhere in the list', async () => {
    const kinds = (await managed('GET', '/keys?include_disabled=true')).body.data.map(({ label }: Json) => label);
    expect(kinds.length).toBeGreaterThan(0);
    expect(JSON.stringify(kinds)).not.toContain('man...');
    const own = (await managed('GET', '/key')).body.data;
    expect(own.is_management_key).toBe(true);
    expect(kinds).not.toContain(own.label);
  });
});
