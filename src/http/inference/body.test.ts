import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { ALL_PARAMETERS } from '../../canon/parameters.ts';
import type { Quirk, Target } from '../../canon/target.ts';
import { openaiChat } from '../../dialects/openai-chat/dialect.ts';
import { wholeBody } from '../../dialects/short-way.ts';
import { readJson } from './body.ts';

const MAX = 32 * 1024 * 1024;

/** What a host is sent for a body's text, with and without the short way. */
async function sent(text: string | Uint8Array<ArrayBuffer>, quirks: readonly Quirk[] = []) {
  const read = await readJson(new Request('http://localhost/', { method: 'POST', body: text }), MAX);
  if (!read.ok) throw new Error(read.error.message);
  const target: Target = {
    upstreamModel: 'm',
    quirks: new Set(quirks),
    parameters: ALL_PARAMETERS,
    extraFields: 'all',
  };
  const decoded = openaiChat.decodeRequest(read.value.value);
  if (!decoded.ok) throw new Error(decoded.error.message);
  const { original } = read.value;
  const request = { ...decoded.value, ...(original && { original: { ...original, dialect: openaiChat.id } }) };
  const short = openaiChat.encodeRequest(request, target);
  return {
    short,
    text: String(Buffer.from(wholeBody(short))),
    long: openaiChat.encodeRequest(decoded.value, target).body,
  };
}

const words = fc.string({ unit: 'grapheme', maxLength: 60 });
const content = fc.oneof(
  words,
  fc.array(fc.record({ type: fc.constant('text'), text: words }), { minLength: 1, maxLength: 3 }),
);
const message = fc.oneof(
  fc.record({ role: fc.constantFrom('system', 'user', 'developer'), content, name: fc.option(fc.constant('Ann')) }),
  fc.record({
    role: fc.constant('assistant'),
    content: fc.option(content),
    reasoning: fc.option(words),
    tool_calls: fc.array(
      fc.record({
        id: fc.string({ minLength: 1, maxLength: 12 }),
        type: fc.constant('function'),
        function: fc.record({ name: fc.constant('f'), arguments: fc.json({ maxDepth: 2 }) }),
      }),
      { maxLength: 2 },
    ),
  }),
  fc.record({ role: fc.constant('tool'), tool_call_id: fc.constant('call_1'), content: words }),
);
const HABITS: readonly (readonly Quirk[])[] = [
  [],
  ['router-answers', 'reasoning-object', 'message-names', 'developer-role'],
  ['closed-request', 'nine-character-ids', 'thinking-chunks', 'prefix-prefill', 'strict-turns'],
];

describe('the short way', () => {
  test('says what the long way says, for any messages and any host', async () => {
    const large = { role: 'user', content: 'The quick brown fox — naïve café 日本 “…”. '.repeat(300) };
    await fc.assert(
      fc.asyncProperty(
        fc.array(message, { maxLength: 6 }),
        fc.constantFrom(...HABITS),
        fc.constantFrom(undefined, 1, '\t'),
        async (messages, quirks, indent) => {
          const body = { messages: [...messages, large], temperature: 0.5, model: 'a/b', mystery: { a: [1, 'é'] } };
          const { text, long } = await sent(JSON.stringify(body, undefined, indent), quirks);
          expect(JSON.parse(text)).toEqual(JSON.parse(long));
        },
      ),
      { numRuns: 300 },
    );
  });

  test('takes large messages from the body as they stand, escapes and all', async () => {
    const inside = `[ {"role":"user",  "content":"caf\\u00e9 ${'— naïve '.repeat(2000)}"} ]`;
    const { text, short, long } = await sent(`{"model":"a/b","messages":${inside},"max_tokens":5}`);
    expect(short.verbatim).toHaveLength(1);
    expect(text).toContain(inside);
    expect(JSON.parse(text)).toEqual(JSON.parse(long));
  });

  test('hides no second reading: what is named twice is written anew', async () => {
    const filling = 'x'.repeat(20_000);
    const { short, text, long } = await sent(
      `{"model":"a/b","messages":[{"role":"system","role":"user","content":"${filling}"}]}`,
    );
    expect(short.verbatim).toBeUndefined();
    expect(text).toBe(long);
    expect(text.match(/"(role|messages)"/g)).toHaveLength(2);
    const doubled = `{"messages":[{"role":"user","content":"no"}],"messages":[{"role":"user","content":"${filling}"}]}`;
    await expect(sent(doubled)).rejects.toThrow('messages is named twice');
  });

  test('is not taken for small bodies, nor where the host is told something else', async () => {
    expect((await sent('{"model":"a/b","messages":[{"role":"user","content":"Hi"}]}')).short.verbatim).toBeUndefined();
    const named = { model: 'a/b', messages: [{ role: 'user', name: 'Ann', content: 'x'.repeat(20_000) }] };
    expect((await sent(JSON.stringify(named))).short.verbatim).toBeUndefined();
    expect((await sent(JSON.stringify(named), ['message-names'])).short.verbatim).toHaveLength(1);
  });
});

test('a mark at the start of a body is no part of it; bytes that are no UTF-8 are refused', async () => {
  const marked = new Uint8Array([0xef, 0xbb, 0xbf, ...Buffer.from('{"messages":[{"role":"user","content":"é"}]}')]);
  expect(JSON.parse((await sent(marked)).text).messages[0].content).toBe('é');
  const request = new Request('http://localhost/', { method: 'POST', body: new Uint8Array([34, 0xff, 34]) });
  expect(await readJson(request, MAX)).toMatchObject({ ok: false, error: { code: 'not_json' } });
});
