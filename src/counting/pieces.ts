/** An unbroken run longer than this is cut: merging is slow on long runs, and a cut costs less than one token in a thousand. */
const RUN_CHARS_MAX = 2000;

/** What is counted in one go, so that a deadline can be looked at between two of them. */
const PIECE_CHARS = 16_384;

const isSpace = (unit: number): boolean => unit === 32 || unit === 10 || unit === 9 || unit === 13;

/** A text in pieces that a tokenizer takes in reasonable time: cut before white space, and inside runs that have none for long. */
export function* pieces(text: string): Generator<string> {
  let start = 0;
  let space = 0;
  let run = 0;
  for (let i = 0; i < text.length; i++) {
    if (isSpace(text.charCodeAt(i))) {
      run = 0;
      space = i;
    } else run += 1;
    const overlong = run >= RUN_CHARS_MAX;
    if (!overlong && i - start < PIECE_CHARS) continue;
    // A surrogate pair is one character.
    const high = (text.charCodeAt(i) & 0xfc00) === 0xd800;
    const end = overlong || space <= start ? i + (high ? 2 : 1) : space;
    yield text.slice(start, end);
    start = end;
    i = Math.max(i, end - 1);
    if (overlong) run = 0;
  }
  if (start < text.length) yield text.slice(start);
}
