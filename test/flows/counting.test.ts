import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import { RunningGateway } from '../support/gateway.ts';
import { chunk, DONE, readFrames, ScriptedUpstream, stream, whole } from '../support/upstream.ts';

/** Prompts and answers that we have to count ourselves: by an estimate, or by a tokenizer in a thread of its own. */

type Json = Record<string, any>;

const upstream = new ScriptedUpstream();
let exact: RunningGateway;
let estimating: RunningGateway;

const config = (tokens: string): string => `
${tokens}
providers:
  mine:
    base_url: ${upstream.base}
    endpoints:
      - { model: openai/gpt-own, upstream_model: gpt-own, pricing: { prompt: "0.000001", completion: "0.000001" } }
      - { model: lab/mistral-own, upstream_model: mistral-own, pricing: { prompt: "0.000001", completion: "0.000001" } }
      - { model: lab/window, upstream_model: window, context_length: 2000, pricing: { prompt: "0.000001", completion: "0.000001" } }
      - { model: lab/learner, upstream_model: learner, pricing: { prompt: "0.000001", completion: "0.000001" } }
`;

beforeAll(async () => {
  exact = await RunningGateway.start({ config: config('tokens: { counter: exact }') });
  estimating = await RunningGateway.start({ config: config('') });
});
afterAll(async () => {
  await exact.stop();
  await estimating.stop();
  await upstream.stop();
});

const ROOT = join(import.meta.dir, '..', '..');
const CODE = readFileSync(join(ROOT, 'src/router/order.ts'), 'utf8').slice(0, 6000);
const PROSE = readFileSync(join(ROOT, 'ARCHITECTURE.md'), 'utf8').slice(0, 4000);
const DATA = readFileSync(join(ROOT, 'docs/turnpike.schema.json'), 'utf8').slice(0, 4000);
const SCRIPTS = 'Der Rhein fließt durch Köln. Река течёт через город. 川は町を流れる。 النهر يمر بالمدينة. '.repeat(10);

const counted = async (gateway: RunningGateway, text: string): Promise<number> => {
  const response = await fetch(`${gateway.api}/messages/count_tokens`, {
    method: 'POST',
    headers: { authorization: `Bearer ${gateway.key}`, 'anthropic-version': '2023-06-01' },
    body: JSON.stringify({ model: 'openai/gpt-own', messages: [{ role: 'user', content: text }] }),
  });
  return ((await response.json()) as Json).input_tokens;
};

/** An answer that breaks off without a count: what its record says of it. */
async function broken(gateway: RunningGateway, pieces: readonly string[], model = 'openai/gpt-own'): Promise<Json> {
  upstream.reply = () => stream(...pieces.map((piece) => chunk({ content: piece })), 'hang');
  const leaving = new AbortController();
  const messages = [{ role: 'user', content: PROSE }];
  const response = await gateway.post({ model, messages, stream: true }, {}, leaving.signal);
  const reader = response.body?.getReader();
  const decoder = new TextDecoder();
  let seen = '';
  while (!seen.includes(JSON.stringify(pieces.at(-1)).slice(1, -1))) {
    const read = await reader?.read();
    if (!read || read.done) break;
    seen += decoder.decode(read.value, { stream: true });
  }
  leaving.abort();
  for (let tries = 0; tries < 200; tries += 1) {
    const id = response.headers.get('x-generation-id');
    const { data } = (await (await gateway.get(`/generation?id=${id}`)).json()) as Json;
    if (data) return data;
    await Bun.sleep(20);
  }
  throw new Error('no record');
}

/** Until the tables are there, counts are estimates. */
async function warm(): Promise<void> {
  for (let tries = 0; tries < 100; tries += 1)
    if ((await counted(exact, DATA)) - countTokens(DATA) === (await counted(exact, 'hello')) - 1) return;
    else await Bun.sleep(50);
  throw new Error('the tables did not come');
}

describe('a tokenizer in a thread of its own', () => {
  test('UP-157 prompts are counted as o200k counts them, with a few tokens for the message around them', async () => {
    await warm();
    for (const text of [PROSE, CODE, DATA, SCRIPTS]) expect(await counted(exact, text)).toBe(countTokens(text) + 4);
  });

  test('UP-157 a prompt of megabytes neither waits for its count nor holds up others', async () => {
    await warm();
    upstream.reply = () => whole('Hi', { usage: null });
    const ask = async (text: string): Promise<number> => {
      const began = performance.now();
      const response = await exact.post({ model: 'openai/gpt-own', messages: [{ role: 'user', content: text }] });
      expect(response.status).toBe(200);
      await response.text();
      return performance.now() - began;
    };
    // At the pace of unbroken runs this would take a minute.
    const large = `${PROSE}${'a'.repeat(20_000)} `.repeat(40);
    expect(large.length).toBeGreaterThan(900_000);
    const [slow, ...quick] = await Promise.all([
      ask(large),
      ...Array.from({ length: 10 }, async (_, index) => {
        await Bun.sleep(30 * index);
        return ask('Hello');
      }),
    ]);
    expect(slow).toBeLessThan(5000);
    for (const one of quick) expect(one).toBeLessThan(5000);
  });

  test('an answer that breaks off is counted to the token', async () => {
    await warm();
    for (const text of [PROSE, CODE, DATA, SCRIPTS]) {
      const pieces = text.match(/.{1,200}/gsu) ?? [];
      const { tokens_completion, tokens_prompt, turnpike } = await broken(exact, pieces);
      expect([tokens_completion, tokens_prompt, turnpike.estimated]).toEqual([
        countTokens(text),
        countTokens(PROSE) + 4,
        true,
      ]);
    }
  });
});

/** Texts of several kinds and languages, with the counts of both families' own tokenizers. */
const CORPUS = join(ROOT, 'test/corpus');
const counts = JSON.parse(readFileSync(join(CORPUS, 'counts.json'), 'utf8')) as Json;
const corpus = Object.keys(counts.o200k).map(
  (name) => [name, readFileSync(join(CORPUS, `${name}.txt`), 'utf8')] as const,
);

describe('an aborted stream', () => {
  test('is compared with counts that are true', () => {
    expect(Object.keys(counts.tekken)).toEqual(Object.keys(counts.o200k));
    for (const [name, text] of corpus) expect([name, countTokens(text)]).toEqual([name, counts.o200k[name]]);
  });

  /** How far the record's count is from the tokenizer's, by text and over all of them. */
  async function apart(gateway: RunningGateway, model: string, truth: Json): Promise<{ all: number; worst: number }> {
    let sum = 0;
    let whole = 0;
    let worst = 0;
    for (const [name, text] of corpus) {
      const { tokens_completion } = await broken(gateway, text.match(/.{1,200}/gsu) ?? [], model);
      sum += tokens_completion;
      whole += truth[name];
      worst = Math.max(worst, Math.abs(tokens_completion / truth[name] - 1));
    }
    return { all: Math.abs(sum / whole - 1), worst };
  }

  test('UP-159 is counted within 8 % for both families, without any tables', async () => {
    for (const [model, truth] of [
      ['openai/gpt-own', counts.o200k],
      ['lab/mistral-own', counts.tekken],
    ]) {
      const { all, worst } = await apart(estimating, model, truth);
      expect(all).toBeLessThan(0.08);
      expect(worst).toBeLessThan(0.12);
    }
  });

  test('UP-159 is counted within 8 % for both families, with a tokenizer', async () => {
    await warm();
    const openai = await apart(exact, 'openai/gpt-own', counts.o200k);
    expect(openai).toEqual({ all: 0, worst: 0 });
    const mistral = await apart(exact, 'lab/mistral-own', counts.tekken);
    expect(mistral.all).toBeLessThan(0.08);
    expect(mistral.worst).toBeLessThan(0.12);
  });
});

describe('what hosts report', () => {
  test('UP-158 is learned: an answer without a count is counted as this host counts', async () => {
    const messages = [{ role: 'user', content: PROSE }];
    const ask = async (usage: Json | null): Promise<Json> => {
      upstream.reply = () => whole(CODE, { usage });
      return (await estimating.post({ model: 'lab/learner', messages })).json() as Promise<Json>;
    };
    const { usage: before } = await ask(null);
    const truth = Math.round(before.prompt_tokens * 1.4);
    for (let i = 0; i < 40; i += 1)
      await ask({ prompt_tokens: truth, completion_tokens: 10, total_tokens: truth + 10 });
    const { usage: after } = await ask(null);
    expect(after.prompt_tokens / truth).toBeCloseTo(1, 1);
    expect(after.completion_tokens / before.completion_tokens).toBeCloseTo(1.4, 1);
  });

  test('UP-158 never keeps a prompt within a tenth of the window from its host', async () => {
    const word = 'river ';
    const ask = async (words: number, usage: Json): Promise<number> => {
      upstream.reply = () => whole('Hi', { usage });
      const messages = [{ role: 'user', content: word.repeat(words) }];
      return (await estimating.post({ model: 'lab/window', messages, max_tokens: 1, transforms: [] })).status;
    };
    const size = async (words: number): Promise<number> => {
      upstream.reply = () => whole('Hi', { usage: null });
      const messages = [{ role: 'user', content: word.repeat(words) }];
      return ((await (await estimating.post({ model: 'lab/learner', messages })).json()) as Json).usage.prompt_tokens;
    };
    // The host counts a tenth more than we do, sometimes half as much again.
    const unit = (await size(1000)) / 1000;
    for (let i = 0; i < 30; i += 1) {
      const tokens = Math.round(500 * unit * (i % 10 === 0 ? 1.5 : 1.1));
      expect(await ask(500, { prompt_tokens: tokens, completion_tokens: 1, total_tokens: tokens + 1 })).toBe(200);
    }
    const usage = { prompt_tokens: 1900, completion_tokens: 1, total_tokens: 1901 };
    const before = upstream.received.length;
    // What fits by our count, and what is a tenth beyond by the host's.
    for (const words of [0.95, 1.08].map((share) => Math.floor((share * 2000) / (unit * 1.14))))
      expect(await ask(words, usage)).toBe(200);
    expect(upstream.received.length).toBe(before + 2);
    expect(await ask(4000, usage)).toBe(400);
    expect(upstream.received.length).toBe(before + 2);
  });
});

test('a stream that says nothing of its use is told what was counted', async () => {
  upstream.reply = () => stream(chunk({ content: 'Hello there' }), chunk({}, 'stop'), DONE);
  const messages = [{ role: 'user', content: 'Hi' }];
  const response = await estimating.post({ model: 'openai/gpt-own', messages, stream: true });
  const { data } = readFrames(await response.text());
  const usage = data.find((one) => one.usage)?.usage;
  expect([usage?.prompt_tokens > 0, usage?.completion_tokens]).toEqual([true, 2]);
});
