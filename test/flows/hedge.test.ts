import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { readBooks } from '../support/books.ts';
import { RunningGateway } from '../support/gateway.ts';
import { chunk, DONE, readFrames, ScriptedUpstream, stream, usageChunk, whole } from '../support/upstream.ts';

/** A host that takes its time, and another that is asked as well. */

type Json = Record<string, any>;

const slow = new ScriptedUpstream();
const quick = new ScriptedUpstream();
let gateway: RunningGateway;

/** Who fails for one test is unwell for the next, so each has models of its own. */
const MODELS = ['lab/one', 'lab/one-fails', 'lab/both-fail'];
const row = (model: string, prompt: string): Json => ({
  model,
  upstream_model: 'one',
  context_length: 100_000,
  max_completion_tokens: 1000,
  pricing: { prompt, completion: '0.000002' },
});

beforeAll(async () => {
  gateway = await RunningGateway.start({
    config: JSON.stringify({
      providers: {
        slow: {
          name: 'Slow',
          base_url: slow.base,
          cancellation: true,
          endpoints: MODELS.map((model) => row(model, '0.000001')),
        },
        quick: {
          name: 'Quick',
          base_url: quick.base,
          cancellation: true,
          endpoints: MODELS.map((model) => row(model, '0.000003')),
        },
      },
      hedging: { after_ms: 150, percent_max: 100 },
      limits: { breaker_failures: 100_000, breaker_attempts: 100_000, retries_percent: 100 },
      credits: { mode: 'prepaid', initial_usd: 100 },
    }),
  });
});
afterAll(async () => {
  await gateway.terminate();
  const books = readBooks(gateway.home);
  expect(books.breaches).toEqual([]);
  expect([books.open, books.held]).toEqual([0, 0n]);
  gateway.clean();
  await slow.stop();
  await quick.stop();
});

const says =
  (word: string, waitMs = 0) =>
  (): Response =>
    stream(
      chunk({ role: 'assistant', content: '' }),
      waitMs,
      chunk({ content: word }),
      chunk({}, 'stop'),
      usageChunk(),
      DONE,
    );
const hangs = (): Response => stream(chunk({ role: 'assistant', content: '' }), 'hang');

beforeEach(() => {
  slow.reply = hangs;
  quick.reply = says('quick');
});

const HEDGE = { 'x-turnpike-hedge': '1' };
const ask = async (body: Json = {}, headers: Record<string, string> = HEDGE) => {
  const before = [slow.received.length, quick.received.length] as const;
  const response = await gateway.post(
    {
      model: 'lab/one',
      messages: [{ role: 'user', content: 'Hi' }],
      stream: true,
      provider: { order: ['slow'] },
      ...body,
    },
    headers,
  );
  const { data, done } = readFrames(await response.text());
  const text = data.map(({ choices }) => choices?.[0]?.delta?.content ?? '').join('');
  const id = response.headers.get('x-generation-id') ?? '';
  const record = (await gateway.json(`/generation?id=${id}`)).data as Json;
  const asked = [slow.received.length - before[0], quick.received.length - before[1]];
  return { status: response.status, data, text, done, record, asked };
};
const attempts = ({ provider_responses }: Json): readonly unknown[] =>
  provider_responses.map(({ provider_name, hedge }: Json) => [provider_name, hedge]);

describe('a stream whose first host takes long', () => {
  test('comes from the second, the first is left, and only the second is paid', async () => {
    const { text, done, record, asked } = await ask();
    expect([text, done, asked]).toEqual(['quick', true, [1, 1]]);
    await slow.last.aborted;
    expect(attempts(record)).toEqual([
      ['Slow', 'lost'],
      ['Quick', 'won'],
    ]);
    expect(record.provider_name).toBe('Quick');
    expect(record.total_cost).toBeCloseTo(10 * 3e-6 + 5 * 2e-6, 12);
    expect(record.turnpike.receipt.map(({ unit }: Json) => unit)).toEqual(['input', 'output']);
  });

  test('comes from the first where that is the first to say something', async () => {
    slow.reply = says('slow', 400);
    quick.reply = hangs;
    const { text, record, asked } = await ask();
    expect([text, asked]).toEqual(['slow', [1, 1]]);
    await quick.last.aborted;
    expect(attempts(record)).toEqual([
      ['Quick', 'lost'],
      ['Slow', 'won'],
    ]);
    expect(record.total_cost).toBeCloseTo(10 * 1e-6 + 5 * 2e-6, 12);
  });

  test('comes from whoever is left where one of them fails', async () => {
    slow.reply = says('slow', 400);
    quick.reply = () => Response.json({ error: { message: 'no' } }, { status: 500 });
    const first = await ask({ model: 'lab/one-fails' });
    expect(first.text).toBe('slow');
    expect(attempts(first.record)).toEqual([
      ['Quick', undefined],
      ['Slow', undefined],
    ]);
    slow.reply = async () => {
      await Bun.sleep(300);
      return Response.json({ error: { message: 'no' } }, { status: 500 });
    };
    quick.reply = says('quick', 400);
    const second = await ask({ model: 'lab/one-fails' });
    expect([second.text, second.asked]).toEqual(['quick', [1, 1]]);
    expect(second.record.turnpike.state).toBe('settled');
  });

  test('is an error where both fail, each asked once', async () => {
    const fails = async (): Promise<Response> => {
      await Bun.sleep(250);
      return Response.json({ error: { message: 'no' } }, { status: 500 });
    };
    slow.reply = fails;
    quick.reply = fails;
    const { status, asked, record } = await ask({ model: 'lab/both-fail' });
    expect([status, asked]).toEqual([503, [1, 1]]);
    expect(record.total_cost).toBe(0);
  });

  test('says in its metadata who was asked', async () => {
    const { data } = await ask({}, { ...HEDGE, 'x-openrouter-metadata': 'enabled' });
    const { openrouter_metadata: metadata } = data.findLast((one) => one.openrouter_metadata) as Json;
    expect(metadata.attempts.map(({ provider, hedge }: Json) => [provider, hedge])).toEqual([
      ['Slow', 'lost'],
      ['Quick', 'won'],
    ]);
  });

  test('is left by both hosts where the caller leaves', async () => {
    quick.reply = hangs;
    const before = quick.received.length;
    const leave = new AbortController();
    const gone = gateway
      .post(
        {
          model: 'lab/one',
          messages: [{ role: 'user', content: 'Hi' }],
          stream: true,
          provider: { order: ['slow'] },
        },
        HEDGE,
        leave.signal,
      )
      .catch(() => undefined);
    while (quick.received.length === before) await Bun.sleep(5);
    leave.abort();
    await gone;
    await slow.last.aborted;
    await quick.last.aborted;
  });
});

describe('one host alone is asked', () => {
  test('where it is quick enough', async () => {
    slow.reply = says('slow', 20);
    const { text, asked, record } = await ask();
    expect([text, asked]).toEqual(['slow', [1, 0]]);
    expect(attempts(record)).toEqual([['Slow', undefined]]);
  });

  test('where the caller did not ask for two, or wants the answer whole', async () => {
    slow.reply = says('slow', 300);
    expect((await ask({}, {})).asked).toEqual([1, 0]);
    expect((await ask({}, { 'x-turnpike-hedge': '0' })).asked).toEqual([1, 0]);
    slow.reply = async () => {
      await Bun.sleep(300);
      return whole('slow');
    };
    expect((await ask({ stream: false })).asked).toEqual([1, 0]);
  });

  test('where the caller allows no other', async () => {
    slow.reply = says('slow', 300);
    const { asked } = await ask({ provider: { order: ['slow'], allow_fallbacks: false } });
    expect(asked).toEqual([1, 0]);
  });
});
