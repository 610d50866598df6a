import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import type { GenerationEvent } from '../canon/event.ts';
import { grammarBreach, runMachine } from '../canon/grammar.ts';
import { Seam, SeamText } from './seam.ts';

/** Runs pieces of a continuation through a seam. @returns the whole text as the caller has it */
function joined(sent: string, ...pieces: readonly string[]): string {
  const seam = new SeamText(sent);
  let text = sent;
  for (const piece of pieces) text += seam.step(piece);
  return seam.closed ? text : text + seam.end();
}

describe('where two texts meet', () => {
  test.each([
    ['a word that goes on', 'The conver', ['sation was long.'], 'The conversation was long.'],
    ['a new word', 'The cat', [' sat', ' down.'], 'The cat sat down.'],
    ['a word that begins anew', 'The conver', ['conver', 'sation.'], 'The conversation.'],
    [
      'a sentence that begins anew',
      'One. The cat sat on',
      ['The cat ', 'sat on', ' the mat.'],
      'One. The cat sat on the mat.',
    ],
    ['an answer that begins anew', 'The cat sat on the', ['The cat sat on the mat.'], 'The cat sat on the mat.'],
    ['white space that was held back from the host', 'One.\n\n', ['\n\nTwo.'], 'One.\n\nTwo.'],
    ['white space in pieces', 'One.\n\n', ['\n', '\n', '- Two.'], 'One.\n\n- Two.'],
    ['more white space than before', 'One.\n', ['\n\nTwo.'], 'One.\n\nTwo.'],
    ['less white space than before', 'One.\n\n', ['\nTwo.'], 'One.\n\nTwo.'],
    ['other white space', 'One, ', ['two.'], 'One, two.'],
    ['letters that are the same by chance', 'It was ba', ['a', 'nana'], 'It was baanana'],
    ['a short word twice', 'It is', [' is it?'], 'It is is it?'],
    [
      'a line that is drawn on',
      '--------------------',
      ['--------------------\n'],
      '----------------------------------------\n',
    ],
    ['nothing more', 'The end', [], 'The end'],
    ['only white space', 'The end. ', [' '], 'The end. '],
    ['nothing before', '', ['All of it.'], 'All of it.'],
  ])('%s', (_name, sent, pieces, whole) => {
    expect(joined(sent, ...pieces)).toBe(whole);
  });

  test('wherever an answer is cut and however its rest comes, it is whole', () => {
    const words = fc.array(fc.string({ unit: fc.constantFrom(...'abcdefgh'), minLength: 5, maxLength: 9 }), {
      minLength: 4,
      maxLength: 40,
    });
    fc.assert(
      fc.property(words, fc.nat(), fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1 }), (all, place, sizes) => {
        // Each word once, so that nothing that repeats was meant to.
        const text = [...new Set(all)].join(' ');
        const at = place % (text.length + 1);
        const rest = text.slice(text.slice(0, at).trimEnd().length);
        const pieces: string[] = [];
        for (let from = 0, i = 0; from < rest.length; i++) {
          const size = sizes[i % sizes.length] ?? 1;
          pieces.push(rest.slice(from, from + size));
          from += size;
        }
        expect(joined(text.slice(0, at), ...pieces)).toBe(text);
      }),
      { numRuns: 2000 },
    );
  });
});

const start: GenerationEvent = { type: 'generation-start', upstreamId: 'second' };
const text = (words: string, logprobs?: readonly unknown[]): GenerationEvent => ({
  type: 'block-delta',
  delta: { kind: 'text', text: words, ...(logprobs && { logprobs }) },
});
const open = (kind: 'text' | 'reasoning'): GenerationEvent => ({
  type: 'block-start',
  block: kind === 'text' ? { kind } : { kind, form: 'text', format: 'unknown' },
});
const close: GenerationEvent = { type: 'block-end' };
const usage = (input: number, output: number): GenerationEvent => ({
  type: 'usage',
  usage: { counts: { input, output }, estimated: false },
});
const end: GenerationEvent = { type: 'generation-end', finish: 'stop', nativeFinish: 'stop' };

describe('the rest of an answer', () => {
  const before = [{ counts: { input: 10, output: 3 }, estimated: true }] as const;
  const rest = (...events: readonly GenerationEvent[]): readonly GenerationEvent[] => {
    const told = runMachine(new Seam('Hello wor', true, before), events);
    const whole = [start, open('text'), text('Hello wor'), ...told];
    expect(grammarBreach(whole)).toBeUndefined();
    return told;
  };

  test('has no beginning, goes on in the open block, and its usage is for both', () => {
    expect(rest(start, open('text'), text('ld'), text('!'), close, usage(13, 2), end)).toEqual([
      text('ld'),
      text('!'),
      close,
      { type: 'usage', usage: { counts: { input: 23, output: 5 }, estimated: true } },
      end,
    ]);
  });

  test('shows no thoughts, may call tools, and may be nothing', () => {
    expect(rest(start, open('reasoning'), text('Hm.'), close, open('text'), text('ld'), close, end)).toEqual([
      text('ld'),
      close,
      end,
    ]);
    const call: GenerationEvent = { type: 'block-start', block: { kind: 'tool-call', callId: 'c', name: 'f' } };
    expect(rest(start, call, close, end)).toEqual([close, call, close, end]);
    expect(rest(start, end)).toEqual([close, end]);
  });

  test('has a block of its own where the one before it was closed, and none where nothing comes', () => {
    const told = (...events: readonly GenerationEvent[]): readonly GenerationEvent[] =>
      runMachine(new Seam('Hello world', false, before), events);
    expect(told(start, open('text'), text('!'), close, end)).toEqual([open('text'), text('!'), close, end]);
    expect(told(start, open('text'), close, end)).toEqual([end]);
    expect(told(start, end)).toEqual([end]);
  });

  test('keeps the probabilities of what was held back for a moment', () => {
    expect(rest(start, open('text'), text('l', [1]), text('d', [2]), close, end)).toEqual([
      text('ld', [1, 2]),
      close,
      end,
    ]);
  });
});
