import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { FORGIVING, RunningGateway } from '../support/gateway.ts';
import { type Reply, readFrames, ScriptedUpstream, stream } from '../support/upstream.ts';

/** A host of Gemini's wire that stops in the middle and says how to go on. */

type Json = Record<string, any>;

const upstream = new ScriptedUpstream();
let gateway: RunningGateway;

beforeAll(async () => {
  gateway = await RunningGateway.start({
    config: `
limits: ${JSON.stringify(FORGIVING)}
providers:
  mine:
    name: Mine
    dialect: gemini-generate
    base_url: ${upstream.base}
    endpoints:
      - { model: lab/one, upstream_model: one, pricing: { prompt: "0.000001", completion: "0.000002" } }
`,
  });
});
afterAll(async () => {
  await gateway.stop();
  await upstream.stop();
});

const part = (text: string, more: Json = {}): Json => ({
  responseId: 'r',
  candidates: [{ index: 0, content: { role: 'model', parts: [{ text }] }, ...more }],
});
const usage = (prompt: number, answer: number): Json => ({
  usageMetadata: { promptTokenCount: prompt, candidatesTokenCount: answer, totalTokenCount: prompt + answer },
});
const event = (wire: Json): string => `data: ${JSON.stringify(wire)}\r\n\r\n`;
const STOPS = { finishReason: 'CONTINUATION', continuationToken: 'go-on-1' };

/** The first call stops in the middle, the second one ends. */
const inTwo =
  (second: () => Response): Reply =>
  ({ body, path }) => {
    const streams = path.includes('stream');
    if (body.continuationToken !== undefined) return second();
    if (!streams) return Response.json({ ...part('The Rhine rises ', STOPS), ...usage(10, 4) });
    return stream(event(part('The Rhine ')), event({ ...part('rises ', STOPS), ...usage(10, 4) }));
  };
const rest = (streams: boolean) => (): Response =>
  streams
    ? stream(event(part('in the ')), event({ ...part('Alps.', { finishReason: 'STOP' }), ...usage(14, 5) }))
    : Response.json({ ...part('in the Alps.', { finishReason: 'STOP' }), ...usage(14, 5) });

const ask = { model: 'lab/one', messages: [{ role: 'user', content: 'Tell me' }] };

describe('Gemini’s continuation', () => {
  test('UP-089 is one stream with one text, one end and the sum of both counts', async () => {
    upstream.reply = inTwo(rest(true));
    upstream.received.length = 0;
    const response = await gateway.post({ ...ask, stream: true });
    const { data, done } = readFrames(await response.text());
    expect(data.map((one) => one.choices[0]?.delta.content ?? '').join('')).toBe('The Rhine rises in the Alps.');
    expect(data.map((one) => one.choices[0]?.finish_reason).filter(Boolean)).toEqual(['stop']);
    expect(done).toBe(true);
    expect(data.at(-1)?.usage).toMatchObject({ prompt_tokens: 24, completion_tokens: 9, cost: 0.000042 });
    const [first, second] = upstream.received;
    expect(upstream.received).toHaveLength(2);
    expect(second?.body).toEqual({ ...first?.body, continuationToken: 'go-on-1' });
    expect(second?.path).toBe(first?.path ?? '');
  });

  test('UP-089 is one block on wires that have blocks', async () => {
    upstream.reply = inTwo(rest(true));
    const response = await fetch(`${gateway.api}/messages`, {
      method: 'POST',
      headers: { authorization: `Bearer ${gateway.key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ ...ask, max_tokens: 100, stream: true }),
    });
    const { data } = readFrames((await response.text()).replace(/^event: .*\n/gm, ''));
    expect(data.filter(({ type }) => type === 'content_block_start')).toHaveLength(1);
    expect(data.map((one) => one.delta?.text ?? '').join('')).toBe('The Rhine rises in the Alps.');
  });

  test('UP-089 is one whole answer', async () => {
    upstream.reply = inTwo(rest(false));
    const answer = (await (await gateway.post(ask)).json()) as Json;
    expect(answer.choices[0]).toMatchObject({
      message: { content: 'The Rhine rises in the Alps.' },
      finish_reason: 'stop',
    });
    expect(answer.usage).toMatchObject({ prompt_tokens: 24, completion_tokens: 9, cost: 0.000042 });
  });

  test('ends in an error where the rest is refused, and costs nothing', async () => {
    upstream.reply = inTwo(() =>
      Response.json({ error: { code: 500, message: 'gone', status: 'INTERNAL' } }, { status: 500 }),
    );
    const response = await gateway.post({ ...ask, stream: true });
    const { data } = readFrames(await response.text());
    expect(data.at(-1)).toMatchObject({ error: { code: 502, message: 'gone' } });
    const id = response.headers.get('x-generation-id');
    const record = (await (await gateway.get(`/generation?id=${id}`)).json()) as Json;
    expect(record.data.total_cost).toBe(0);
  });

  test('comes to an end with a host that never does', async () => {
    upstream.reply = () => stream(event({ ...part('on ', STOPS), ...usage(1, 1) }));
    upstream.received.length = 0;
    const response = await gateway.post({ ...ask, stream: true });
    const { data, done } = readFrames(await response.text());
    expect(done).toBe(true);
    expect(data.map((one) => one.choices[0]?.finish_reason).filter(Boolean)).toEqual(['length']);
    expect(upstream.received.length).toBeLessThan(20);
  });
});
