import type { GenerationEvent } from '../canon/event.ts';
import type { Machine } from '../canon/machine.ts';
import type { Usage } from '../canon/units.ts';
import { summed } from './sums.ts';

/** What was sent last is where a host that goes on may begin again. */
const WINDOW_CHARS = 8192;
/** A repetition of less is taken for the text itself, unless a word that was cut begins anew in it. */
const REPEATED_CHARS_MIN = 16;
const WORD_CHARS_MIN = 4;

/**
 * Joins the text of a host that goes on to what was sent before it: white space at the seam is there once, and what the host repeats of
 * the end is left out. Text is held back only as long as it may be such a repetition.
 */
export class SeamText {
  /** Empty once the seam is closed. */
  #held = '';
  #closed = false;
  readonly #sent: string;
  /** White space at the end of what was sent, which the host was not shown. */
  #space: string;

  /** @param sent what the caller has, to its last character */
  constructor(sent: string) {
    this.#sent = sent.slice(-WINDOW_CHARS);
    this.#space = this.#sent.slice(this.#sent.trimEnd().length);
  }

  get closed(): boolean {
    return this.#closed;
  }

  step(text: string): string {
    if (this.#closed) return text;
    this.#held += text;
    if (!this.#joinSpace()) return '';
    return this.#sent.includes(this.#held) ? '' : this.end();
  }

  /** What is left when no more comes. */
  end(): string {
    this.#closed = true;
    this.#joinSpace();
    const text = this.#held;
    this.#held = '';
    return text.slice(repeated(this.#sent, text));
  }

  /** @returns whether enough came to tell */
  #joinSpace(): boolean {
    if (this.#space === '') return true;
    const own = this.#held.length - this.#held.trimStart().length;
    if (own === this.#held.length && own < this.#space.length && !this.#closed) return false;
    const same = this.#held.startsWith(this.#space);
    this.#held = this.#held.slice(same ? this.#space.length : own);
    this.#space = '';
    return true;
  }
}

const WORDS = /[\p{L}\p{N}]{2}.*[^\p{L}\p{N}].*[\p{L}\p{N}]{2}/su;
const WORD_CHARACTER = /[\p{L}\p{N}]/u;

/** How much of the beginning of `text` repeats the end of `sent`: several words, or those around a word that was cut. */
function repeated(sent: string, text: string): number {
  for (let length = Math.min(sent.length, text.length); length >= WORD_CHARS_MIN; length--) {
    const piece = text.slice(0, length);
    if (!sent.endsWith(piece)) continue;
    if (length >= REPEATED_CHARS_MIN && WORDS.test(piece)) return length;
    // A word that begins where another has not ended is no next word.
    const [first = '', last = '', before = ''] = [piece[0], piece.at(-1), sent.at(-length - 1)];
    if (WORD_CHARACTER.test(first) && WORD_CHARACTER.test(last) && !WORD_CHARACTER.test(before)) return length;
  }
  return 0;
}

/**
 * The events of an answer that goes on where another broke off, as the rest of that answer: no second beginning, the text in the block that
 * is still open, usage for both. Thoughts before the text belong to nothing that was sent, so they are left out.
 */
export class Seam implements Machine<GenerationEvent, GenerationEvent> {
  readonly #text: SeamText;
  readonly #before: readonly Usage[];
  #open: boolean;
  #at: 'before' | 'thought' | 'text' | 'after' = 'before';
  #logprobs: unknown[] | undefined;

  /**
   * @param open whether the block in which it broke off is
   * @param before what the parts so far used
   */
  constructor(sent: string, open: boolean, before: readonly Usage[]) {
    this.#text = new SeamText(sent);
    this.#open = open;
    this.#before = before;
  }

  step(event: GenerationEvent): readonly GenerationEvent[] {
    if (event.type === 'generation-start') return [];
    if (event.type === 'usage') return [{ ...event, usage: summed([...this.#before, event.usage]) }];
    if (this.#at === 'after' || event.type === 'generation-error') return [event];
    if (event.type === 'generation-end') return [...this.#closed(), event];
    if (this.#at === 'thought') {
      if (event.type === 'block-end') this.#at = 'before';
      return [];
    }
    if (this.#at === 'text') return this.#inText(event);
    return event.type === 'block-start' ? this.#begun(event) : [];
  }

  end(): readonly GenerationEvent[] {
    return [];
  }

  #begun(event: Extract<GenerationEvent, { type: 'block-start' }>): readonly GenerationEvent[] {
    const { kind } = event.block;
    if (kind === 'text' || kind === 'reasoning') {
      this.#at = kind === 'text' ? 'text' : 'thought';
      return [];
    }
    return [...this.#closed(), event];
  }

  #inText(event: GenerationEvent): readonly GenerationEvent[] {
    if (event.type !== 'block-delta' || event.delta.kind !== 'text') return this.#closed();
    const { text, logprobs } = event.delta;
    if (this.#text.closed) return [event];
    if (logprobs) this.#logprobs = [...(this.#logprobs ?? []), ...logprobs];
    return this.#told(this.#text.step(text));
  }

  /** The block that was open before the seam ends. */
  #closed(): readonly GenerationEvent[] {
    this.#at = 'after';
    const rest = this.#text.closed ? [] : this.#told(this.#text.end());
    return this.#open ? [...rest, { type: 'block-end' }] : rest;
  }

  #told(text: string): readonly GenerationEvent[] {
    if (text === '') return [];
    const logprobs = this.#logprobs;
    this.#logprobs = undefined;
    const delta: GenerationEvent = {
      type: 'block-delta',
      delta: { kind: 'text', text, ...(logprobs && { logprobs }) },
    };
    if (this.#open) return [delta];
    this.#open = true;
    return [{ type: 'block-start', block: { kind: 'text' } }, delta];
  }
}
