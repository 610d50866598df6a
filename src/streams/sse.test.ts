import { describe, expect, it } from 'bun:test';
import fc from 'fast-check';
import { runMachine } from '../canon/grammar.ts';
import { type Frame, formatComment, formatFrame, SseDecoder } from './sse.ts';

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const decode = (...pieces: (string | Uint8Array)[]): Frame[] =>
  runMachine(
    new SseDecoder(),
    pieces.map((piece) => (typeof piece === 'string' ? encode(piece) : piece)),
  );

/** Cuts bytes at the given places, wherever they fall: inside a line end, inside a character. */
function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const at = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...at].map((from, index) => bytes.slice(from, at[index] ?? bytes.length));
}

describe('SseDecoder', () => {
  it.each([
    ['LF', 'data: a\n\ndata: b\n\n', [{ data: 'a' }, { data: 'b' }]],
    ['CRLF', 'data: a\r\n\r\ndata: b\r\n\r\n', [{ data: 'a' }, { data: 'b' }]],
    ['a lone CR', 'data: a\r\rdata: b\r\r', [{ data: 'a' }, { data: 'b' }]],
    ['mixed line ends', 'data: a\r\n\ndata: b\r\r\n', [{ data: 'a' }, { data: 'b' }]],
    ['several data lines', 'data: a\ndata: b\n\n', [{ data: 'a\nb' }]],
    ['no space after the colon', 'data:a\n\n', [{ data: 'a' }]],
    ['only one space is taken away', 'data:  a\n\n', [{ data: ' a' }]],
    ['comments', ': OPENROUTER PROCESSING\n\ndata: a\n: x\n\n', [{ data: 'a' }]],
    ['a byte-order mark', '\uFEFFdata: a\n\n', [{ data: 'a' }]],
    ['event names', 'event: ping\ndata: {}\n\n', [{ event: 'ping', data: '{}' }]],
    ['a last frame without its blank line', 'data: a\n\ndata: [DONE]', [{ data: 'a' }, { data: '[DONE]' }]],
    ['other fields', 'id: 7\nretry: 10\nfoo\ndata: a\n\n', [{ data: 'a' }]],
    ['empty data', 'data\n\n', [{ data: '' }]],
    ['no data', 'event: x\n\n', []],
  ])('reads %s', (_name, wire, frames) => {
    expect(decode(wire)).toEqual(frames as Frame[]);
  });

  it('UP-079 gives the same frames wherever the bytes are cut', () => {
    const stream = ['data: {"é":"日本 👍"}\r\n\r\n', ': c\n\n', 'event: x\rdata: 1\rdata: 2\r\r', 'data: ü\n\n'].join(
      '',
    );
    const whole = decode(stream);
    const bytes = encode(stream);
    for (let at = 0; at <= bytes.length; at++) expect(decode(bytes.slice(0, at), bytes.slice(at))).toEqual(whole);
    fc.assert(
      fc.property(fc.array(fc.nat(), { maxLength: 12 }), (places) => {
        expect(decode(...cut(bytes, places))).toEqual(whole);
      }),
    );
  });

  it('UP-079 takes a 1 MB event in small pieces, and replaces invalid UTF-8', () => {
    const text = 'x'.repeat(1_000_000);
    const bytes = encode(`data: ${text}\n\n`);
    const pieces = Array.from({ length: Math.ceil(bytes.length / 100) }, (_, i) => bytes.slice(i * 100, i * 100 + 100));
    expect(decode(...pieces)).toEqual([{ data: text }]);
    expect(decode(encode('data: a'), new Uint8Array([0xff, 0xfe]), encode('b\n\n'))).toEqual([
      { data: 'a\uFFFD\uFFFDb' },
    ]);
  });

  it('says when an event is larger than allowed instead of growing', () => {
    const decoder = new SseDecoder(1000);
    decoder.step(encode(`data: ${'x'.repeat(500)}`));
    expect(decoder.overflow).toBe(false);
    decoder.step(encode('x'.repeat(600)));
    expect(decoder.overflow).toBe(true);
    expect(decoder.end()).toEqual([]);
  });

  it('reads back what formatFrame wrote', () => {
    fc.assert(
      fc.property(
        fc.record({
          event: fc.option(fc.stringMatching(/^[a-z.]+$/), { nil: undefined }),
          data: fc.string({ unit: 'binary' }),
        }),
        ({ event, data }) => {
          const frame: Frame = event === undefined ? { data } : { event, data };
          const expected = data.replace(/\r\n|\r/g, '\n');
          expect(decode(formatComment('x'), formatFrame(frame))).toEqual([{ ...frame, data: expected }]);
        },
      ),
    );
  });
});
