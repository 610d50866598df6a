import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { IMPATIENT, RunningGateway } from '../support/gateway.ts';
import { chunk, DONE, type Received, ScriptedUpstream, stream, usageChunk, whole } from '../support/upstream.ts';

/** Conversations that are too long for whoever serves them, over sockets: what hosts are given, and what callers are told. */

const one = new ScriptedUpstream();
const two = new ScriptedUpstream();
const claude = new ScriptedUpstream();
let gateway: RunningGateway;

const PRICES = 'pricing: { prompt: "0.000001", completion: "0.000002" }';
const endpoint = (model: string, window: number, more = ''): string =>
  `      - { model: ${model}, upstream_model: ${model.slice(4)}, context_length: ${window}, max_completion_tokens: 2000, ${PRICES}${more} }`;
const CONFIG = `
credits: { mode: prepaid, initial_usd: 1000 }
providers:
  one:
    base_url: ${one.base}
    api_key: k
    endpoints:
${endpoint('lab/small', 8192)}
${endpoint('lab/larger', 8193)}
${endpoint('lab/painter', 8192, ', output_modalities: [image]')}
${endpoint('lab/both', 12000)}
${endpoint('lab/narrow', 9000)}
${endpoint('lab/grows', 12000)}
  two:
    base_url: ${two.base}
    api_key: k
    endpoints:
${endpoint('lab/both', 20000)}
${endpoint('lab/narrow', 10000)}
${endpoint('lab/grows', 16000)}
${endpoint('lab/wide', 90000)}
  anthropic: { base_url: "${claude.base}", api_key: k }
${IMPATIENT}`;

beforeAll(async () => {
  gateway = await RunningGateway.start({ config: CONFIG });
}, 60_000);
afterAll(async () => {
  await gateway.stop();
  await Promise.all([one.stop(), two.stop(), claude.stop()]);
});
beforeEach(() => {
  for (const host of [one, two, claude]) {
    host.received.length = 0;
    host.reply = (received) =>
      received.body.stream ? streamed(received) : whole('Hello', { usage: usageOf(received) });
  }
});

interface Turn {
  readonly role: string;
  readonly content: string;
}

/** A conversation of so many turns of about `tokens` tokens each; every turn says which it is. */
const talk = (turns: number, tokens: number): readonly Turn[] =>
  Array.from({ length: turns }, (_, n) => ({
    role: n % 2 === 0 ? 'user' : 'assistant',
    content: `turn ${n} ${'word '.repeat(tokens)}`,
  }));
const SYSTEM = { role: 'system', content: 'Be kind.' };
const ON = { plugins: [{ id: 'context-compression' }] };
const OFF = { plugins: [{ id: 'context-compression', enabled: false }] };

/** What our estimate makes of one of these words; hosts count the same here, so that nothing is learned from them. */
const TOKENS_PER_WORD = 0.85;
const tokensOf = (body: Record<string, unknown>): number => {
  const texts = ((body.messages ?? [{ content: body.prompt }]) as Turn[]).map(({ content }) => content);
  return Math.round(TOKENS_PER_WORD * texts.map((text) => text.split(' ').length).reduce((a, b) => a + b, 0));
};
const tokensGiven = (host: ScriptedUpstream): number => tokensOf(host.last.body);
const usageOf = ({ body }: Received): object => ({ prompt_tokens: tokensOf(body), completion_tokens: 1 });

const streamed = (received: Received): Response =>
  stream(chunk({ content: 'Hello' }), chunk({}, 'stop'), usageChunk(usageOf(received)), DONE);

const METADATA = { 'x-openrouter-metadata': 'enabled' };
const asked = (body: object): Promise<Response> => gateway.post({ max_tokens: 100, ...body }, METADATA);

function given(host: ScriptedUpstream): readonly string[] {
  return (host.last.body.messages as Turn[]).map(({ role, content }) =>
    role === 'system' ? role : (/^turn \d+/.exec(content)?.[0] ?? content),
  );
}

async function fits(body: object, host: ScriptedUpstream, window: number): Promise<Record<string, any>> {
  const response = await asked(body);
  const answer = await response.json();
  expect(response.status, JSON.stringify(answer)).toBe(200);
  expect(response.headers.get('x-turnpike-dropped')).toBe('/messages;compressed');
  expect(tokensGiven(host)).toBeLessThan(window);
  return answer;
}

async function refused(body: object): Promise<void> {
  const response = await asked(body);
  const answer = await response.json();
  expect(response.status, JSON.stringify(answer)).toBe(400);
  expect(answer.error.metadata.error_type).toBe('context_length_exceeded');
  expect(answer.openrouter_metadata.pipeline).toBeUndefined();
}

const LONG = [SYSTEM, ...talk(41, 400)];

describe('whether a conversation that is too long is compressed', () => {
  test('INF-262 unasked where the window is 8192 or less, and only there', async () => {
    await fits({ model: 'lab/small', messages: LONG }, one, 8192);
    await refused({ model: 'lab/larger', messages: LONG });
    await refused({ model: 'lab/small', messages: LONG, ...OFF });
    expect(one.received).toHaveLength(1);
    await fits({ model: 'lab/larger', messages: LONG, ...ON }, one, 8193);
  });

  test('INF-076 the old transforms say it too', async () => {
    await refused({ model: 'lab/small', messages: LONG, transforms: [] });
    await refused({ model: 'lab/larger', messages: LONG });
    expect(one.received).toHaveLength(0);
    await fits({ model: 'lab/larger', messages: LONG, transforms: ['middle-out'] }, one, 8193);
    expect(one.last.body.transforms).toBeUndefined();
  });

  test('INF-265 never for models that only paint', async () => {
    await refused({ model: 'lab/painter', messages: LONG });
    await refused({ model: 'lab/painter', messages: LONG, ...ON });
    expect(one.received).toHaveLength(0);
  });

  test('a conversation that fits is sent as it came', async () => {
    const messages = [SYSTEM, ...talk(5, 100)];
    const response = await asked({ model: 'lab/small', messages, ...ON });
    expect(one.last.body.messages).toEqual(messages as never);
    expect(response.headers.get('x-turnpike-dropped')).toBeNull();
    expect((await response.json()).openrouter_metadata.pipeline).toBeUndefined();
  });
});

describe('what is left', () => {
  test('INF-263 a window of at least half of what is needed, and in it both ends of the conversation', async () => {
    await fits({ model: 'lab/both', messages: [SYSTEM, ...talk(81, 400)], ...ON }, two, 20_000);
    expect(one.received).toHaveLength(0);
    const turns = given(two);
    expect(turns.slice(0, 3)).toEqual(['system', 'turn 0', 'turn 1']);
    expect(turns.slice(-2)).toEqual(['turn 79', 'turn 80']);
    expect(turns).not.toContain('turn 40');
    // Nearly all of the window is used.
    expect(tokensGiven(two)).toBeGreaterThan(16_000);
  });

  test('INF-263 the largest window where none holds half of it, another model before that', async () => {
    const messages = [SYSTEM, ...talk(101, 400)];
    await fits({ model: 'lab/narrow', messages, ...ON }, two, 10_000);
    expect(one.received).toHaveLength(0);
    const other = await asked({ models: ['lab/small', 'lab/wide'], messages, ...ON });
    expect((await other.json()).model).toBe('lab/wide');
    expect(two.last.body.messages).toEqual(messages as never);
  });

  test('INF-263 a host that holds all of it before one that does not', async () => {
    const messages = [SYSTEM, ...talk(37, 400)];
    const response = await asked({ model: 'lab/both', messages, ...ON });
    expect(response.status).toBe(200);
    expect(two.last.body.messages).toEqual(messages as never);
    expect(one.received).toHaveLength(0);
  });

  test('each host is given what fits it, and none is told of the other', async () => {
    one.reply = () => new Response('{}', { status: 503 });
    two.reply = () => new Response('{}', { status: 503 });
    await asked({ model: 'lab/grows', messages: LONG.concat(talk(10, 400)), ...ON });
    expect(one.received).toHaveLength(1);
    expect(two.received).toHaveLength(1);
    expect(tokensGiven(one)).toBeLessThan(12_000);
    expect(tokensGiven(two)).toBeGreaterThan(13_000);
  });

  test('a body so large that it is passed on byte by byte is compressed all the same', async () => {
    await fits({ model: 'lab/small', messages: [SYSTEM, ...talk(3, 80_000)] }, one, 8192);
    expect(given(one)).toEqual(['system', 'turn 0', 'turn 1', 'turn 2'].filter((turn) => given(one).includes(turn)));
    expect(JSON.stringify(one.last.body).length).toBeLessThan(60_000);
  });

  test('what is left out is not paid for where the host counts nothing itself', async () => {
    one.reply = () => whole('Hello', { usage: null });
    const { usage } = await fits({ model: 'lab/small', messages: LONG }, one, 8192);
    expect(usage.prompt_tokens).toBeGreaterThan(5000);
    expect(usage.prompt_tokens).toBeLessThan(8192);
  });

  test('instructions that are too long by themselves are not cut', async () => {
    const messages = [{ role: 'system', content: 'word '.repeat(12_000) }, ...talk(3, 10)];
    const response = await asked({ model: 'lab/small', messages });
    const answer = await response.json();
    expect(response.status).toBe(400);
    expect(answer.error.metadata.error_type).toBe('context_length_exceeded');
    expect(answer.error.message).toMatch(/maximum context length is 8192/);
    expect(answer.error.metadata).toMatchObject({ rule: 'context_length', limit: 8192, current: expect.any(Number) });
    expect(one.received).toHaveLength(0);
  });

  test('a caller who wants nothing left out is refused', async () => {
    const response = await gateway.post(
      { model: 'lab/small', messages: LONG, provider: { require_exact: true } },
      METADATA,
    );
    expect(response.status).toBe(400);
    expect(JSON.stringify(await response.json())).toContain('compressed');
    expect(one.received).toHaveLength(0);
  });

  test('INF-264 a host that takes 1000 messages is given the first and the last 500', async () => {
    claude.reply = () =>
      Response.json({
        id: 'm',
        type: 'message',
        role: 'assistant',
        model: 'claude',
        content: [{ type: 'text', text: 'Hello' }],
        stop_reason: 'end_turn',
        usage: { input_tokens: 5, output_tokens: 1 },
      });
    const messages = talk(1301, 1);
    const model = 'anthropic/claude-haiku-4.5';
    const response = await asked({ model, messages, provider: { only: ['anthropic'] }, ...ON });
    expect(response.status, await response.clone().text()).toBe(200);
    const got = claude.last.body.messages as { content: string | { text: string }[] }[];
    const turns = [...JSON.stringify(got).matchAll(/turn (\d+)/g)].map(([, n]) => Number(n));
    expect(turns).toEqual([
      ...Array.from({ length: 500 }, (_, n) => n),
      ...Array.from({ length: 500 }, (_, n) => 801 + n),
    ]);
    await asked({ model, messages, provider: { only: ['anthropic'] } });
    expect(claude.last.body.messages).toHaveLength(1301);
  });
});

describe('what is told of it', () => {
  const stage = {
    type: 'context_compression',
    name: 'context-compression',
    summary: expect.any(String),
    data: {
      engine: 'middle-out',
      input_type: 'messages',
      original_count: 42,
      compressed_count: expect.any(Number),
      original_tokens: expect.any(Number),
      compressed_tokens: expect.any(Number),
    },
  };

  test('INF-274 a stage where something changed, streamed or not, and none where nothing did', async () => {
    const answer = await fits({ model: 'lab/small', messages: LONG }, one, 8192);
    expect(answer.openrouter_metadata.pipeline).toEqual([stage]);
    const { data } = answer.openrouter_metadata.pipeline[0];
    expect(data.compressed_count).toBe((one.last.body.messages as Turn[]).length);
    const streamed = await (await asked({ model: 'lab/small', messages: LONG, stream: true })).text();
    expect(streamed).toContain('"type":"context_compression"');
    const short = await (await asked({ model: 'lab/small', messages: talk(3, 10), stream: true })).text();
    expect(short).toContain('"openrouter_metadata"');
    expect(short).not.toContain('"pipeline"');
    one.reply = () => new Response('{}', { status: 400 });
    const failed = await (await asked({ model: 'lab/small', messages: LONG })).json();
    expect(failed.openrouter_metadata.pipeline).toEqual([stage]);
  });

  test('INF-274 the same on every wire', async () => {
    const post = async (path: string, body: object): Promise<any> => {
      const headers = { authorization: `Bearer ${gateway.key}`, 'content-type': 'application/json', ...METADATA };
      const response = await fetch(`${gateway.api}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
      const text = await response.text();
      expect(response.status, text).toBe(200);
      return JSON.parse(text).openrouter_metadata.pipeline;
    };
    const messages = talk(41, 400);
    const model = 'lab/small';
    const counted = (count: number): object => ({ ...stage, data: { ...stage.data, original_count: count } });
    expect(await post('/messages', { model, max_tokens: 100, messages, system: 'Be kind.' })).toEqual([stage]);
    expect(await post('/responses', { model, input: messages })).toEqual([counted(41)]);
    const [prompt] = await post('/completions', { model, prompt: 'word '.repeat(20_000) });
    expect(prompt.data.input_type).toBe('prompt');
    expect(prompt.data.original_count).toBeGreaterThan(15_000);
    expect(prompt.data.compressed_count).toBeLessThan(8192);
    expect(await post('/messages', { model, max_tokens: 100, messages: talk(3, 5) })).toBeUndefined();
    expect(await post('/responses', { model, input: talk(3, 5) })).toBeUndefined();
  });
});
