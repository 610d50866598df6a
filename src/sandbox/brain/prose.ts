import type { Part } from '../../canon/request.ts';
import { pictureSize } from './pixels.ts';
import { excerpt, type Prompt } from './prompt.ts';

const WORDS_MAX = 20_000;

/** What is said about a prompt: its own words, what came with it, and who speaks. */
export function prose(prompt: Prompt, modelName: string): string {
  const literal = exactly(prompt.text);
  if (literal !== undefined) return literal;
  const { words, sentences } = wantedLength(prompt.text);
  const said = sentencesOf(prompt, modelName);
  if (sentences !== undefined) return [...take(endless(said), sentences)].join(' ');
  if (words === undefined) return said.join(' ');
  const all: string[] = [];
  for (const sentence of endless(said)) {
    all.push(...sentence.split(' '));
    if (all.length >= words) break;
  }
  return `${all
    .slice(0, words)
    .join(' ')
    .replace(/[,.:;]?$/, '')}.`;
}

/** A caller that tests its own parsing wants a word back and nothing else. */
function exactly(text: string): string | undefined {
  const match =
    /\b(?:reply|answer|respond|say)(?:\s+with)?\s+exactly:?\s+(.+)$/is.exec(text) ??
    /\b(?:reply|answer|respond|say)\s+(?:with\s+)?(?:only\s+|just\s+)?the\s+(?:single\s+)?word:?\s+["'“]?([\p{L}\p{N}_-]+)/iu.exec(
      text,
    );
  return match?.[1]?.trim().replace(/^(["'`])(.*)\1\.?$/s, '$2');
}

const NUMBER_WORDS: Readonly<Record<string, number>> = {
  one: 1,
  a: 1,
  two: 2,
  three: 3,
  four: 4,
  five: 5,
  six: 6,
  seven: 7,
  eight: 8,
  nine: 9,
  ten: 10,
};

function wantedLength(text: string): { readonly words?: number; readonly sentences?: number } {
  const match =
    /\b(\d[\d,]*|one|a|two|three|four|five|six|seven|eight|nine|ten)[ -](?:short |single )?(word|sentence)s?\b/i.exec(
      text,
    );
  if (!match?.[1]) return {};
  const count = Math.min(WORDS_MAX, NUMBER_WORDS[match[1].toLowerCase()] ?? Number(match[1].replaceAll(',', '')));
  if (!(count > 0)) return {};
  return match[2]?.toLowerCase() === 'word' ? { words: count } : { sentences: count };
}

function* endless(said: readonly string[]): Generator<string> {
  yield* said;
  for (;;) yield* FILLERS;
}

function* take(sentences: Iterable<string>, count: number): Generator<string> {
  let taken = 0;
  for (const sentence of sentences) {
    if (taken >= count) return;
    taken += 1;
    yield sentence;
  }
}

const FILLERS = [
  'Every word of this answer was counted, and the same prompt will get the same words again.',
  'Length, stop sequences and limits are honoured as a hosted model would honour them.',
  'Another prompt brings another answer, and another host of the same model brings the same one.',
  'What changes between hosts is the wire: names of fields, shapes of errors, and where usage stands.',
  'Faults can be switched on for each host, and the gateway has to find its way around them.',
] as const;

function sentencesOf(prompt: Prompt, modelName: string): string[] {
  const { text, keywords, toolResults, system, turns, parts } = prompt;
  const said: string[] = [];
  if (toolResults.length > 0) {
    said.push(
      ...toolResults.map((result) => `The tool answered: ${excerpt(result, 240)}`.replace(/([^.!?…])$/, '$1.')),
    );
  } else if (text.trim() !== '') said.push(`You wrote: “${excerpt(text, 160)}”.`);
  said.push(...parts.flatMap(describe));
  if (keywords.length > 0) said.push(`What stands out is ${list(keywords.slice(0, 4))}.`);
  if (system?.trim()) said.push(`I keep to my instructions, which begin “${excerpt(system, 60)}”.`);
  if (turns > 1) said.push(`This is turn ${turns} of our conversation.`);
  said.push(
    `I am ${modelName} as the sandbox plays it, so this text comes from no model and costs nobody anything real.`,
  );
  said.push('It streams, counts and ends the way the real host does, which is what you can build and test against.');
  if (said.length < 6) said.push(FILLERS[0]);
  return said;
}

const list = (words: readonly string[]): string =>
  words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;

function describe(part: Part): readonly string[] {
  if (part.kind === 'image') {
    const size = pictureSize(part.url);
    if (size) return [`The picture is a ${size.format} of ${size.width} × ${size.height} pixels.`];
    return [
      part.url.startsWith('data:')
        ? 'The picture could not be read.'
        : `The picture at ${excerpt(part.url, 80)} was not fetched.`,
    ];
  }
  if (part.kind === 'audio')
    return [`The recording is ${part.format} of ${Buffer.byteLength(part.data, 'base64')} bytes.`];
  if (part.kind === 'file') return [`The file ${part.filename ?? 'without a name'} came along.`];
  if (part.kind === 'video') return ['A video came along.'];
  return [];
}
