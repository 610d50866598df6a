/** Where hosts without a field for thoughts put them: at the start of the text, between tags (spec/providers B.1.6). */
export const OPEN = '<think>';
export const CLOSE = '</think>';
/** What separates a thought from the answer. */
export const GAP = '\n\n';

type State = 'start' | 'thought' | 'after' | 'text';

interface Piece {
  readonly kind: 'text' | 'thought';
  readonly text: string;
}

/** How much of the end of `text` may be the beginning of `tag`. */
function beginning(text: string, tag: string): number {
  for (let length = Math.min(text.length, tag.length - 1); length > 0; length--)
    if (tag.startsWith(text.slice(text.length - length))) return length;
  return 0;
}

/**
 * Tells the thought from the text, wherever the tags are cut. Only a tag at the very start opens a thought, and only the first closing
 * one ends it: what a model says about tags later is text.
 */
export class ThinkSplitter {
  #state: State;
  #held = '';
  #inside: boolean;

  /** @param inside the host's template has opened the thought already, so that the answer begins inside it */
  constructor(inside: boolean) {
    this.#state = inside ? 'thought' : 'start';
    this.#inside = inside;
  }

  step(text: string): readonly Piece[] {
    if (this.#is('text')) return text === '' ? [] : [{ kind: 'text', text }];
    this.#held += text;
    const pieces: Piece[] = [];
    if (this.#is('start') || this.#inside) this.#start();
    if (this.#is('thought') && !this.#inside) this.#thought(pieces);
    if (this.#is('after')) this.#after();
    if (this.#is('text')) this.#give('text', this.#held.length, pieces);
    return pieces;
  }

  /** What was held back is what it looks like. */
  end(): readonly Piece[] {
    const pieces: Piece[] = [];
    if (this.#state !== 'after') this.#give(this.#state === 'thought' ? 'thought' : 'text', this.#held.length, pieces);
    return pieces;
  }

  #give(kind: Piece['kind'], length: number, pieces: Piece[]): void {
    if (length > 0) pieces.push({ kind, text: this.#held.slice(0, length) });
    this.#held = this.#held.slice(length);
  }

  #is(state: State): boolean {
    return this.#state === state;
  }

  /** Decides once enough has come to see whether it begins with the tag. */
  #start(): void {
    const said = this.#held.trimStart();
    if (said.startsWith(OPEN)) {
      this.#held = said.slice(OPEN.length);
      this.#state = 'thought';
    } else if (OPEN.startsWith(said)) return;
    else if (this.#state === 'start') this.#state = 'text';
    this.#inside = false;
  }

  #thought(pieces: Piece[]): void {
    const close = this.#held.indexOf(CLOSE);
    if (close < 0) {
      this.#give('thought', this.#held.length - beginning(this.#held, CLOSE), pieces);
      return;
    }
    this.#give('thought', close, pieces);
    this.#held = this.#held.slice(CLOSE.length);
    this.#state = 'after';
  }

  /** The gap is left out once. */
  #after(): void {
    if (GAP.startsWith(this.#held) && this.#held.length < GAP.length) return;
    this.#held = this.#held.replace(/^\n{1,2}/, '');
    this.#state = 'text';
  }
}
