import type { CollectedBlock, Generation } from '../canon/collect.ts';
import type { GenerationRequest, OutputForm } from '../canon/request.ts';
import type { Stage } from './stage.ts';

/**
 * JSON that a model wrote badly is mended (spec/inference 10.2): what stands around it, a fence of Markdown, trailing commas, keys
 * without quotes, and brackets that were not closed. Nothing else: a text with any other defect is given as it came.
 */

type Form = Extract<OutputForm, { kind: 'json' | 'json-schema' }>;

/** The form that an answer to this request is mended to; undefined where it is not. Of a stream the beginning is gone already. */
export function formToHeal({ plugins, output, stream }: GenerationRequest): Form | undefined {
  if (stream || !plugins?.['response-healing']) return undefined;
  return output?.kind === 'json' || output?.kind === 'json-schema' ? output : undefined;
}

/** @returns the answer with its text mended, and what is told of that; undefined where nothing was mended */
export function heal(
  answer: Generation,
  form: Form,
): { readonly blocks: readonly CollectedBlock[]; readonly stage: Stage } | undefined {
  // What was cut off, or is a call or a refusal, does not claim to be the value.
  if (answer.finish !== 'stop' || answer.error) return undefined;
  if (answer.blocks.some(({ block }) => block.kind === 'tool-call' || block.kind === 'refusal')) return undefined;
  const texts = answer.blocks.filter(({ block }) => block.kind === 'text');
  const [first] = texts;
  const text = texts.map((one) => one.text).join('');
  const mended = mend(text, form);
  if (!first || mended === undefined) return undefined;
  const others = texts.slice(1);
  const blocks = answer.blocks
    .filter((one) => !others.includes(one))
    .map((one) => (one === first ? { ...first, text: mended } : one));
  const data = {
    mode: form.kind === 'json' ? 'json_object' : 'json_schema',
    improved: true,
    original_length: text.length,
    healed_length: mended.length,
  };
  return {
    blocks,
    stage: { type: 'response_healing', name: 'response-healing', summary: 'The JSON was mended', data },
  };
}

/** @returns the JSON text that was meant; undefined where the text is JSON already, or is none that can be mended */
export function mend(text: string, form: Form): string | undefined {
  if (isJson(text)) return undefined;
  const fenced = /^[^`]*```[a-z0-9]*[ \t]*\n([\s\S]*?)\n?[ \t]*```[^`]*$/i.exec(text)?.[1];
  if (fenced !== undefined && isJson(fenced)) return fenced.trim();
  const bracket = bracketOf(form);
  return bracket === undefined ? undefined : within(fenced ?? text, bracket);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** What the value that was asked for begins with. */
function bracketOf(form: Form): '{' | '[' | undefined {
  const type = form.kind === 'json' ? 'object' : form.schema.type;
  if (type === 'array') return '[';
  return type === undefined || type === 'object' ? '{' : undefined;
}

/** Prose has brackets too; the value is looked for at the first few. */
const STARTS_MAX = 16;

/** The one value that stands in a text. Of two it is not known which is meant. */
function within(text: string, bracket: '{' | '['): string | undefined {
  const value = firstValue(text, bracket);
  return value && !firstValue(text.slice(value.end), bracket) ? value.text : undefined;
}

function firstValue(text: string, bracket: '{' | '['): ReturnType<Value['read']> {
  let at = -1;
  for (let tries = 0; tries < STARTS_MAX; tries += 1) {
    at = text.indexOf(bracket, at + 1);
    if (at < 0) return undefined;
    const value = new Value(text, at).read();
    if (value && isJson(value.text)) return value;
  }
  return undefined;
}

/** A string, or a number or name up to what separates it. */
const STRING = /"(?:[^"\\]|\\[\s\S])*"/y;
const WORD = /[^\s"'{}[\],:]+/y;
const NAME = /^[A-Za-z_$][\w$-]*$/;
const CLOSERS: Readonly<Record<string, string>> = { '{': '}', '[': ']' };

/** One object or array, written anew piece by piece with what is missing; strings and numbers are copied as they stand. */
class Value {
  readonly #text: string;
  readonly #open: string[] = [];
  #at: number;
  #out = '';
  /** A comma is written only when something follows it. */
  #comma = false;

  constructor(text: string, at: number) {
    this.#text = text;
    this.#at = at;
  }

  /** @returns what was read and where it ended; undefined where something stands in it that no value has */
  read(): { readonly text: string; readonly end: number } | undefined {
    do {
      const before = this.#at;
      if (this.#at < this.#text.length && !this.#piece()) return undefined;
      if (this.#at === before) while (this.#open.length > 0) this.#out += this.#open.pop() ?? '';
    } while (this.#open.length > 0);
    return { text: this.#out, end: this.#at };
  }

  #piece(): boolean {
    const character = this.#text[this.#at] ?? '';
    if (/\s/.test(character)) this.#at += 1;
    else if (character === ',') {
      if (this.#comma) return false;
      this.#comma = true;
      this.#at += 1;
    } else if (character === ':') this.#write(':', 1);
    else if (CLOSERS[character] !== undefined) {
      this.#write(character, 1);
      this.#open.push(CLOSERS[character] ?? '');
    } else if (character === '}' || character === ']') return this.#close(character);
    else return this.#leaf();
    return true;
  }

  /** Whatever was opened inside and not closed ends here too. */
  #close(closer: string): boolean {
    if (!this.#open.includes(closer)) return false;
    this.#comma = false;
    this.#at += 1;
    for (;;) {
      const next = this.#open.pop() ?? '';
      this.#out += next;
      if (next === closer) return true;
    }
  }

  #leaf(): boolean {
    const string = this.#match(STRING);
    const word = string ?? this.#match(WORD);
    if (word === undefined) return false;
    const key =
      string === undefined &&
      NAME.test(word) &&
      /^\s*:/.test(this.#text.slice(this.#at + word.length, this.#at + word.length + 64));
    this.#write(key ? `"${word}"` : word, word.length);
    return true;
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    return pattern.exec(this.#text)?.[0];
  }

  #write(text: string, length: number): void {
    this.#out += this.#comma ? `,${text}` : text;
    this.#comma = false;
    this.#at += length;
  }
}
