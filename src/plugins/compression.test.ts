import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { request } from '../../test/support/world.ts';
import type { GenerationRequest, Message } from '../canon/request.ts';
import { estimatePrompt } from '../canon/tokens.ts';
import { type Compressed, compress, type Room } from './compression.ts';

const text = (words: number, word = 'word'): string => `${word} `.repeat(words);
const said = (role: 'user' | 'system', words: number, word?: string): Message => ({
  role,
  parts: [{ kind: 'text', text: text(words, word) }],
});
const answered = (words: number, word?: string): Message => ({
  role: 'assistant',
  parts: [{ kind: 'text', text: text(words, word) }],
  toolCalls: [],
});
const called = (...ids: string[]): Message => ({
  role: 'assistant',
  parts: [],
  toolCalls: ids.map((id) => ({ id, name: 'find', arguments: `{"q":"${id}"}` })),
});
const result = (callId: string, words: number): Message => ({
  role: 'tool',
  callId,
  parts: [{ kind: 'text', text: text(words) }],
});

function compressed(messages: readonly Message[], room: Room): Compressed {
  const short = compress(request({ messages }), room);
  if (!short || short === 'none') throw new Error(`is ${short}`);
  return short;
}

const first = (message: Message | undefined): string => {
  const [part] = message?.parts ?? [];
  return part?.kind === 'text' ? part.text : '';
};

describe('compression', () => {
  test('leaves alone what fits', () => {
    expect(compress(request({ messages: [said('user', 10)] }), { tokensMax: 100 })).toBeUndefined();
  });

  test('takes turns from the middle, and keeps as much at either end', () => {
    const messages = Array.from({ length: 41 }, (_, n) => (n % 2 === 0 ? said('user', 100) : answered(100)));
    const { places, tokens } = compressed(messages, { tokensMax: 1000 });
    expect(tokens).toBeLessThanOrEqual(1000);
    expect(tokens).toBeGreaterThan(850);
    expect(places[0]).toBe(0);
    expect(places.at(-1)).toBe(40);
    const gap = places.findIndex((place, at) => at > 0 && place !== (places[at - 1] as number) + 1);
    expect(Math.abs(gap - (places.length - gap))).toBeLessThanOrEqual(2);
  });

  test('keeps instructions wherever they stand, and the latest word of the user', () => {
    const messages = [
      said('system', 20, 'first'),
      ...Array.from({ length: 20 }, () => answered(50)),
      said('system', 20, 'second'),
      ...Array.from({ length: 20 }, () => answered(50)),
      said('user', 20, 'ask'),
      ...Array.from({ length: 20 }, () => answered(50)),
    ];
    const { places } = compressed(messages, { tokensMax: 400 });
    for (const place of [0, 21, 42, 62]) expect(places).toContain(place);
  });

  test('keeps a part of the turn next to the gap', () => {
    const messages = [said('user', 10, 'a'), answered(2000, 'b'), said('user', 10, 'c')];
    const short = compressed(messages, { tokensMax: 500 });
    expect(short.places).toEqual([0, 1, 2]);
    expect(first(short.messages[1])).toMatch(/^(b )+b?\n\[\.\.\.\]\n ?(b )+$/);
    expect(short.tokens).toBeGreaterThan(450);
  });

  test('cuts the one word of the user where that is all there is', () => {
    const short = compressed([said('system', 20), said('user', 5000)], { tokensMax: 300 });
    expect(first(short.messages[0])).toBe(text(20));
    expect(first(short.messages[1])).toContain('\n[...]\n');
    expect(short.tokens).toBeGreaterThan(280);
  });

  test('says where nothing helps: instructions and tools are not cut', () => {
    expect(compress(request({ messages: [said('system', 5000), said('user', 5)] }), { tokensMax: 300 })).toBe('none');
    const tools = [{ name: 'find', description: text(5000) }];
    expect(compress(request({ messages: [said('user', 5)], tools }), { tokensMax: 300 })).toBe('none');
  });

  test('keeps calls of tools with all their results, or lets them go together', () => {
    const messages = [
      said('user', 10),
      called('a', 'b'),
      result('a', 100),
      result('b', 100),
      called('c'),
      result('c', 100),
      called('d'),
      result('d', 30),
    ];
    expect(compressed(messages, { tokensMax: 120 }).places).toEqual([0, 6, 7]);
    expect(compressed(messages, { tokensMax: 200 }).places).toEqual([0, 4, 5, 6, 7]);
  });

  test('INF-264 more turns than a host takes: half of the quota from either end', () => {
    const messages = Array.from({ length: 1301 }, (_, n) => (n % 2 === 0 ? said('user', 1) : answered(1)));
    const { places } = compressed(messages, { tokensMax: 1e6, messagesMax: 1000 });
    expect(places).toEqual([
      ...Array.from({ length: 500 }, (_, n) => n),
      ...Array.from({ length: 500 }, (_, n) => 801 + n),
    ]);
  });

  test('never tears a pair of surrogates', () => {
    const messages: Message[] = [{ role: 'user', parts: [{ kind: 'text', text: '😀'.repeat(3000) }] }];
    for (const tokensMax of [100, 101, 102, 103])
      expect(first(compressed(messages, { tokensMax }).messages[0]).isWellFormed()).toBe(true);
  });
});

/** Conversations with tools called and answered, sometimes several at once, in any mix. */
const turn = fc.oneof(
  fc.nat(200).map((words) => [said('user', words)]),
  fc.nat(200).map((words) => [answered(words)]),
  fc.nat(40).map((words) => [said('system', words)]),
  fc
    .tuple(fc.array(fc.nat(300), { minLength: 1, maxLength: 3 }), fc.uuid(), fc.boolean())
    .map(([sizes, id, between]) => {
      const ids = sizes.map((_, n) => `${id}${n}`);
      const results = sizes.map((words, n) => result(ids[n] as string, words));
      return [called(...ids), ...(between ? [results[0] as Message, answered(3), ...results.slice(1)] : results)];
    }),
);
const conversation: fc.Arbitrary<GenerationRequest> = fc
  .array(turn, { minLength: 1, maxLength: 30 })
  .map((turns) => request({ messages: turns.flat() }));

test('a compressed conversation fits, keeps its ends and its pairs, and only when it had to', () => {
  let cases = 0;
  fc.assert(
    fc.property(
      conversation,
      fc.integer({ min: 50, max: 4000 }),
      fc.integer({ min: 1, max: 80 }),
      (one, tokensMax, messagesMax) => {
        const short = compress(one, { tokensMax, messagesMax });
        const { messages } = one;
        const fits = estimatePrompt(one) <= tokensMax && messages.length <= messagesMax;
        if (!short) return expect(fits).toBe(true);
        if (short === 'none') return;
        cases += 1;
        // The estimate of the whole rounds once, that of the pieces each time.
        expect(estimatePrompt({ ...one, messages: short.messages })).toBeLessThanOrEqual(tokensMax);
        expect(short.tokens).toBeLessThanOrEqual(tokensMax);
        expect(short.messages.length).toBe(short.places.length);
        expect(short.messages.length).toBeLessThanOrEqual(messagesMax);
        expect(short.places).toEqual([...new Set(short.places)].sort((a, b) => a - b));
        const kept = new Set(short.places);
        messages.forEach((message, at) => {
          if (message.role === 'system') expect(short.messages[short.places.indexOf(at)]).toBe(message);
        });
        expect(kept.has(messages.length - 1)).toBe(true);
        const asked = messages.findLastIndex(({ role }) => role === 'user');
        if (asked >= 0) expect(kept.has(asked)).toBe(true);
        const ids = (role: 'assistant' | 'tool'): readonly string[] =>
          short.messages.flatMap((message) =>
            message.role !== role
              ? []
              : message.role === 'tool'
                ? [message.callId]
                : message.role === 'assistant'
                  ? message.toolCalls.map(({ id }) => id)
                  : [],
          );
        expect([...ids('tool')].sort()).toEqual([...ids('assistant')].sort());
        short.messages.forEach((message, at) => {
          const before = messages[short.places[at] as number];
          expect(message.role).toBe(before?.role as never);
          if (message.role === 'assistant' && before?.role === 'assistant')
            expect(message.toolCalls).toBe(before.toolCalls);
        });
      },
    ),
    { numRuns: 2000 },
  );
  expect(cases).toBeGreaterThan(300);
});
