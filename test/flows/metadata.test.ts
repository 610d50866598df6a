import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { gatewayError } from '../../src/canon/errors.ts';
import { DIALECTS } from '../../src/dialects/registry.ts';
import { OUR_QUIRKS } from '../../src/gateway/call.ts';
import { RunningGateway } from '../support/gateway.ts';
import { customProvider, hello, readFrames, ScriptedUpstream, whole } from '../support/upstream.ts';

/** `openrouter_metadata`, over sockets: who gets it, when, and what it says of a request that nobody answered. */

const upstream = new ScriptedUpstream();
let gateway: RunningGateway;
const MANAGEMENT = 'management-key-0123456789';
const MORE = `      - { model: lab/dear, upstream_model: dear, context_length: 1000, max_completion_tokens: 1000, pricing: { prompt: "1", completion: "1" } }`;

beforeAll(async () => {
  gateway = await RunningGateway.start({
    config: customProvider(
      upstream.base,
      MORE,
      'credits: { mode: prepaid, initial_usd: 1 }\nfree_models: { per_minute: 1, per_day: 1 }',
    ),
    env: { TURNPIKE_MANAGEMENT_KEY: MANAGEMENT },
  });
}, 60_000);
afterAll(async () => {
  await gateway.stop();
  await upstream.stop();
});
beforeEach(() => {
  upstream.reply = ({ body }) => (body.stream ? hello() : whole('Hello'));
});
/** The one free request that this day has. */
beforeAll(async () => {
  await gateway.post({ model: 'lab/one:free', messages: turns });
});

const turns = [{ role: 'user', content: 'Hello' }];
/** A request on each wire,. */
const WIRES = {
  chat: ['/chat/completions', { messages: turns }],
  completions: ['/completions', { prompt: 'Hello' }],
  responses: ['/responses', { input: 'Hello' }],
  messages: ['/messages', { messages: turns, max_tokens: 50 }],
} as const;
type Wire = keyof typeof WIRES;
const ALL = Object.keys(WIRES) as Wire[];

interface Told {
  readonly status: number;
  readonly text: string;
  readonly metadata: Record<string, any> | undefined;
}

async function asked(
  wire: Wire,
  body: object = {},
  headers: Record<string, string> = ON,
  key = gateway.key,
): Promise<Told> {
  const [path, own] = WIRES[wire];
  const response = await fetch(`${gateway.api}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ model: 'lab/one', ...own, ...body }),
  });
  const text = await response.text();
  return {
    status: response.status,
    text,
    metadata: response.headers.get('content-type')?.startsWith('text/')
      ? streamed(text)
      : JSON.parse(text).openrouter_metadata,
  };
}

/** From whichever event carries it. */
function streamed(text: string): Record<string, any> | undefined {
  const events = text.split('\n').flatMap((line) => (line.startsWith('data: {') ? [JSON.parse(line.slice(6))] : []));
  const told = events.flatMap((event) => event.openrouter_metadata ?? event.response?.openrouter_metadata ?? []);
  expect(told.length).toBeLessThan(2);
  return told[0];
}

const ON = { 'X-OpenRouter-Metadata': 'enabled' };

describe.each(ALL)('metadata on %s', (wire) => {
  test.each([false, true])(
    'INF-271 is told where the header says so, in any case and under its old name; stream %p',
    async (stream) => {
      for (const value of ['enabled', 'Enabled', 'ENABLED'])
        expect((await asked(wire, { stream }, { 'x-openrouter-metadata': value })).metadata).toBeDefined();
      expect(
        (await asked(wire, { stream }, { 'X-OpenRouter-Experimental-Metadata': 'eNabled' })).metadata,
      ).toBeDefined();
      for (const value of ['true', '1', 'disabled', 'enabled!', 'enabled, enabled', ''])
        expect((await asked(wire, { stream }, { 'x-openrouter-metadata': value })).metadata).toBeUndefined();
      expect((await asked(wire, { stream }, {})).metadata).toBeUndefined();
      const { metadata } = await asked(wire, { stream });
      expect(metadata).toMatchObject({
        requested: 'lab/one',
        strategy: 'direct',
        summary: 'available=1, selected=Mine',
        attempt: 1,
        endpoints: { total: 1, available: [{ provider: 'Mine', model: 'lab/one', selected: true }] },
        attempts: [{ provider: 'Mine', model: 'lab/one', status: 200 }],
      });
    },
  );

  test('INF-272 nothing was tried: attempt 0 and nobody selected', async () => {
    upstream.received.length = 0;
    const unrouted = await asked(wire, { provider: { only: ['nobody'] } });
    expect(unrouted.status).toBe(404);
    expect(unrouted.metadata).toMatchObject({
      requested: 'lab/one',
      attempt: 0,
      endpoints: { total: 1, available: [] },
    });
    const unpaid = await asked(wire, { model: 'lab/dear' });
    expect(unpaid.status).toBe(402);
    expect(unpaid.metadata).toMatchObject({
      requested: 'lab/dear',
      attempt: 0,
      endpoints: { total: 1, available: [{ provider: 'Mine', model: 'lab/dear', selected: false }] },
    });
    for (const { metadata } of [unrouted, unpaid]) expect(metadata).not.toHaveProperty('attempts');
    expect(upstream.received).toHaveLength(0);
  });

  test('INF-272 everybody failed: as many attempts as there were, and nobody selected', async () => {
    upstream.reply = () => new Response('{"error":{"message":"no"}}', { status: 400 });
    const { metadata } = await asked(wire);
    expect(metadata).toMatchObject({
      attempt: 1,
      summary: 'available=1',
      endpoints: { total: 1, available: [{ provider: 'Mine', model: 'lab/one', selected: false }] },
      attempts: [{ provider: 'Mine', model: 'lab/one', status: 400 }],
    });
  });

  test.each([false, true])(
    'INF-273 not with answers from the cache, nor with refusals for their number; stream %p',
    async (stream) => {
      const cached = { ...ON, 'X-OpenRouter-Cache': 'true' };
      const body = {
        stream,
        ...(wire === 'responses'
          ? { input: `once ${wire}` }
          : wire === 'completions'
            ? { prompt: `once ${wire}` }
            : { messages: [{ role: 'user', content: `once ${wire}` }] }),
      };
      const miss = await asked(wire, body, cached);
      const before = upstream.received.length;
      const hit = await asked(wire, body, cached);
      const free = await asked(wire, { stream, model: 'lab/one:free' });
      expect(upstream.received.length).toBe(before);
      expect(miss.metadata).toBeDefined();
      expect(hit.status).toBe(200);
      expect(hit.text).not.toContain('openrouter_metadata');
      expect(free.status).toBe(429);
      expect(free.text).not.toContain('openrouter_metadata');
    },
  );

  test('INF-273 not with errors of keys, of the request itself, or of our own', async () => {
    for (const key of ['no-such-key-0123456789', MANAGEMENT]) {
      const { status, text } = await asked(wire, {}, ON, key);
      expect([401, 403]).toContain(status);
      expect(text).not.toContain('openrouter_metadata');
    }
    const { status, text } = await asked(wire, { temperature: 'hot' });
    expect(status).toBe(400);
    expect(text).not.toContain('openrouter_metadata');
    const dialect = Object.values(DIALECTS).find(({ route }) => route === WIRES[wire][0]);
    const context = { quirks: OUR_QUIRKS, origin: 'http://x', metadata: { attempt: 1 } };
    const told = (code: 'internal' | 'upstream_empty'): string =>
      JSON.stringify(dialect?.encodeError(gatewayError(code, 'x'), context).body);
    expect(told('upstream_empty')).toContain('openrouter_metadata');
    expect(told('internal')).not.toContain('openrouter_metadata');
  });
});

describe('the chunk that tells the usage', () => {
  const chunks = async (
    path: '/chat/completions' | '/completions',
    compat?: string,
  ): Promise<readonly Record<string, any>[]> => {
    const wire = path === '/completions' ? 'completions' : 'chat';
    const { text } = await asked(wire, { stream: true }, compat === undefined ? {} : { 'X-Turnpike-Compat': compat });
    const { data, done } = readFrames(text);
    expect(done).toBe(true);
    return data;
  };

  test('INF-139 has an empty choice where the client asks for one, and none elsewhere', async () => {
    for (const compat of ['usage_chunk_choice=placeholder', 'other, usage_chunk_choice = Placeholder']) {
      const data = await chunks('/chat/completions', compat);
      const last = data.at(-1);
      expect(last?.usage.total_tokens).toBe(15);
      expect(last?.choices).toEqual([{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null }]);
      // What a client does that reads the first choice of every chunk.
      expect(data.map(({ choices }) => choices[0].delta.content ?? '').join('')).toBe('Hello there');
      const texts = await chunks('/completions', compat);
      expect(texts.map(({ choices }) => choices[0].text).join('')).toBe('Hello there');
      expect(texts.at(-1)?.usage.total_tokens).toBe(15);
    }
    for (const compat of [undefined, 'usage_chunk_choice=empty', 'usage_chunk_choice=placeholders'])
      expect((await chunks('/chat/completions', compat)).at(-1)?.choices).toEqual([]);
  });
});
