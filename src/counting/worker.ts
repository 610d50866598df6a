import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import { pieces } from './pieces.ts';
import type { Asked, Told } from './protocol.ts';

/** A thread of its own for a tokenizer: its tables are loaded once, when it is first needed, and no request waits for its work. */
declare const self: Worker;

/** Words like `<|endoftext|>` in a prompt are text, not commands. */
const AS_TEXT = { disallowedSpecial: new Set<string>() };

function count({ texts, giveUp }: Asked): readonly number[] | undefined {
  const givenUp = new Int32Array(giveUp);
  const counts: number[] = [];
  for (const text of texts) {
    let tokens = 0;
    for (const piece of pieces(text)) {
      if (Atomics.load(givenUp, 0) !== 0) return undefined;
      tokens += countTokens(piece, AS_TEXT);
    }
    counts.push(tokens);
  }
  return counts;
}

self.onmessage = ({ data }: MessageEvent<Asked>): void => {
  self.postMessage({ id: data.id, counts: count(data) } satisfies Told);
};
