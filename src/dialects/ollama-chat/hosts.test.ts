import { describe, expect, test } from 'bun:test';
import { collect } from '../../canon/collect.ts';
import { runMachine } from '../../canon/grammar.ts';
import { ALL_PARAMETERS } from '../../canon/parameters.ts';
import type { Target } from '../../canon/target.ts';
import { NDJSON } from '../../streams/framing.ts';
import { EXPECT_NOTHING } from '../dialect.ts';
import { DIALECTS } from '../registry.ts';
import { ollamaChat as dialect } from './dialect.ts';

/** What hosts of this dialect are sent, and how their lines are read. */

type Json = Record<string, any>;

const target: Target = {
  upstreamModel: 'qwen3:8b',
  quirks: new Set(),
  parameters: ALL_PARAMETERS,
  extraFields: 'all',
  contextLength: 40_960,
};

const chat = (wire: Json, own: Target = target): Json => {
  const decoded = DIALECTS['openai-chat']?.decodeRequest({
    model: 'm',
    messages: [{ role: 'user', content: 'Hi' }],
    ...wire,
  });
  if (!decoded?.ok) throw new Error('not decoded');
  return JSON.parse(dialect.encodeRequest(decoded.value, own).body) as Json;
};

test('UP-047 the context is what the endpoint holds, and whether to stream is always said', () => {
  expect(chat({})).toMatchObject({ stream: false, options: { num_ctx: 40_960 } });
  expect(chat({ stream: true, temperature: 0.5 })).toMatchObject({
    stream: true,
    options: { num_ctx: 40_960, temperature: 0.5 },
  });
  // What nobody knows is left to the server.
  const { contextLength: _, ...unknown } = target;
  expect(chat({}, unknown)).not.toHaveProperty('options');
  expect(chat({}, unknown).stream).toBe(false);
});

const line = (message: Json, more: Json = {}): Json => ({
  model: 'qwen3:8b',
  created_at: '2026-10-01T00:00:00.000000001Z',
  message: { role: 'assistant', content: '', ...message },
  done: false,
  ...more,
});
const stats = {
  done: true,
  done_reason: 'stop',
  total_duration: 5_000_000,
  load_duration: 1,
  prompt_eval_count: 26,
  prompt_eval_duration: 2,
  eval_count: 12,
  eval_duration: 3,
};
const called = (name: string, args: Json): Json => ({ tool_calls: [{ function: { name, arguments: args } }] });

const answer = [
  line({ thinking: 'I should ' }),
  line({ thinking: 'look – «hier».' }),
  line({ content: 'Let me ' }),
  line({ content: 'see.' }),
  line(called('look', { at: 'Zürich' })),
  line({ tool_calls: [{ id: 'own', function: { index: 1, name: 'look', arguments: { at: 'Basel' } } }] }),
  line({}, stats),
];

/** Lines as they come over a socket, cut every so many bytes. */
function read(lines: readonly Json[], bytes: number): ReturnType<typeof collect> {
  const all = new TextEncoder().encode(lines.map((one) => `${JSON.stringify(one)}\n`).join(''));
  const pieces = Array.from({ length: Math.ceil(all.length / bytes) }, (_, n) => all.slice(n * bytes, (n + 1) * bytes));
  return collect(runMachine(dialect.decodeStream(target, EXPECT_NOTHING), runMachine(NDJSON.decoder(), pieces)));
}

describe('lines', () => {
  test('UP-093 however they are cut: thoughts, text, calls before the last line, and counts on it', () => {
    const [first, ...others] = [100_000, 1, 2, 3, 7, 64, 151].map((bytes) => read(answer, bytes));
    for (const other of others) expect(other).toEqual(first as never);
    expect(first?.blocks.map(({ block, text }) => [block.kind, text])).toEqual([
      ['reasoning', 'I should look – «hier».'],
      ['text', 'Let me see.'],
      ['tool-call', '{"at":"Zürich"}'],
      ['tool-call', '{"at":"Basel"}'],
    ]);
    expect(first).toMatchObject({
      finish: 'tool-calls',
      nativeFinish: 'stop',
      usage: { counts: { input: 26, output: 12 } },
    });
    expect(first?.error).toBeUndefined();
  });

  test('UP-093 an error in the middle is one, and so is an end without a last line', () => {
    const failed = read([line({ content: 'Let' }), { error: 'an error was encountered while running the model' }], 5);
    expect(failed.blocks.map(({ text }) => text)).toEqual(['Let']);
    expect(failed.error?.facts.raw).toContain('an error was encountered');
    expect(read(answer.slice(0, 3), 9).error?.code).toBe('upstream_interrupted');
    expect(read([{ error: 'model is loading' }], 9).error).toBeDefined();
  });

  test('UP-067 calls without ids get some, each once, and no other answer has the same', () => {
    const ids = (created_at: string): readonly string[] =>
      read(
        [
          line(called('look', {}), { created_at }),
          line(called('look', {})),
          line(called('listen', {})),
          line({}, stats),
        ],
        50,
      ).blocks.map(({ block }) => (block.kind === 'tool-call' ? block.callId : ''));
    const first = ids('2026-10-01T00:00:00Z');
    expect(new Set([...first, ...ids('2026-10-01T00:00:01Z')]).size).toBe(6);
    expect(ids('2026-10-01T00:00:00Z')).toEqual(first);
    const kept = read(answer, 50).blocks.map(({ block }) => (block.kind === 'tool-call' ? block.callId : ''));
    expect(kept.at(-1)).toBe('own');
  });
});
