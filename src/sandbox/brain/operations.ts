import type { GenerationEvent } from '../../canon/event.ts';
import type { Operation, Part } from '../../canon/request.ts';

/** Embeddings and rankings that mean something: texts with the same words are near each other. */

const DIMENSIONS = 64;
const DIMENSIONS_MAX = 4096;

/** FNV-1a: the same word always leads to the same place. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193) >>> 0;
  return value;
}

const words = (text: string): readonly string[] => text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];

const partText = (part: Part): string => {
  if (part.kind === 'text' || part.kind === 'refusal') return part.text;
  if (part.kind === 'audio') return part.data.slice(0, 64);
  return (part.kind === 'file' ? (part.data ?? '') : part.url).slice(0, 64);
};

/** A vector of length one: each word adds to a few places of its own. */
function vectorOf(text: string, dimensions: number): readonly number[] {
  const vector = new Float64Array(dimensions);
  for (const word of [...words(text), '']) {
    const seed = hash(word);
    for (let turn = 0; turn < 4; turn++) {
      const place = hash(`${seed}/${turn}`);
      vector[place % dimensions] = (vector[place % dimensions] ?? 0) + (place & 0x10000 ? 1 : -1);
    }
  }
  const length = Math.hypot(...vector) || 1;
  return Array.from(vector, (value) => Math.fround(value / length));
}

/** The share of the question's words that a document has. */
function scoreOf(query: ReadonlySet<string>, document: string): number {
  const found = new Set(words(document).filter((word) => query.has(word)));
  return query.size === 0 ? 0 : Math.round((0.02 + 0.96 * (found.size / query.size)) * 1e6) / 1e6;
}

/** @param tokens the size of what was asked */
export function operate(operation: Operation, tokens: number): readonly GenerationEvent[] {
  const blocks =
    operation.kind === 'embeddings'
      ? operation.inputs.map((input) => {
          const text = 'tokenIds' in input ? input.tokenIds.join(' ') : input.map(partText).join(' ');
          const dimensions = Math.min(operation.dimensions ?? DIMENSIONS, DIMENSIONS_MAX);
          return { kind: 'vector', data: vectorOf(text, dimensions) } as const;
        })
      : operation.documents.map(({ text, image }, index) => {
          const query = new Set(words(operation.query));
          return { kind: 'score', index, score: scoreOf(query, text ?? image ?? '') } as const;
        });
  return [
    { type: 'generation-start' },
    ...blocks.flatMap((block): GenerationEvent[] => [{ type: 'block-start', block }, { type: 'block-end' }]),
    { type: 'usage', usage: { counts: { input: tokens }, estimated: false } },
    { type: 'generation-end', finish: 'stop', nativeFinish: null },
  ];
}
