import type { GenerationRequest, Message, Part } from '../../canon/request.ts';

/** What the sandbox's model understands of a prompt: its last turn, taken to words. */
export interface Prompt {
  /** The text of the last user turn. */
  readonly text: string;
  /** Capitalised names inside it, in order. */
  readonly names: readonly string[];
  readonly numbers: readonly number[];
  /** Words that carry meaning, in order, each once, in lower case. */
  readonly keywords: readonly string[];
  readonly parts: readonly Part[];
  readonly system: string | undefined;
  readonly turns: number;
  /** Results that came back since the model last spoke. */
  readonly toolResults: readonly string[];
  /** A trailing assistant message: the answer goes on from here. */
  readonly prefill: string | undefined;
}

const textOf = (message: Message): string =>
  message.parts.map((part) => (part.kind === 'text' || part.kind === 'refusal' ? part.text : '')).join('');

const SMALL_WORDS = new Set(
  'a about all also an and any are as at be been but by can could did do does for from had has have how i if in into is it its just like me more my no not of on one or our out please say she so some tell than that the their them then there these they this to up us use was we what when where which who why will with would you your'.split(
    ' ',
  ),
);

export function readPrompt(request: GenerationRequest): Prompt {
  const { messages } = request;
  const last = messages.at(-1);
  const prefill = last?.role === 'assistant' && last.toolCalls.length === 0 ? textOf(last) : undefined;
  const user =
    messages.findLast((message) => message.role === 'user') ??
    messages.findLast((message) => message.role === 'system');
  const text = user ? textOf(user) : '';
  const system = messages.find((message) => message.role === 'system' || message.role === 'developer');
  const spoken = messages.findLastIndex((message) => message.role !== 'tool');
  return {
    text,
    names: namesIn(text),
    numbers: [...text.matchAll(/(?<![\p{L}\d])-?\d+(?:\.\d+)?/gu)].map(([digits]) => Number(digits)),
    keywords: keywordsIn(text),
    parts: user?.parts ?? [],
    system: system && textOf(system),
    turns: messages.filter((message) => message.role === 'user').length,
    toolResults: messages.slice(spoken + 1).map(textOf),
    prefill,
  };
}

/** Runs of capitalised words that do not open a sentence, or stand in quotes. */
function namesIn(text: string): string[] {
  const names = new Set<string>();
  for (const match of text.matchAll(/\p{Lu}[\p{L}\d'’-]+(?:[ ]\p{Lu}[\p{L}\d'’-]+)*/gu)) {
    const before = text.slice(0, match.index).trimEnd();
    const opens = before === '' || /[.!?:\n]$/.test(before);
    if (!opens || keywordsIn(match[0]).length > 1) names.add(match[0].replace(/['’]s$/, ''));
  }
  return [...names];
}

export function keywordsIn(text: string): string[] {
  const words = text.toLowerCase().match(/[\p{L}\p{N}]{2,}/gu) ?? [];
  return [...new Set(words.filter((word) => !SMALL_WORDS.has(word)))];
}

/** The start of a text, cut at a word. */
export function excerpt(text: string, lengthMax: number): string {
  const line = text.replace(/\s+/g, ' ').trim();
  if (line.length <= lengthMax) return line;
  const cut = line.slice(0, lengthMax);
  return `${cut.slice(0, Math.max(cut.lastIndexOf(' '), lengthMax / 2))}…`;
}
