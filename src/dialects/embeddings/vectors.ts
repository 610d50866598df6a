import type { CollectedBlock, Generation } from '../../canon/collect.ts';
import { gatewayError } from '../../canon/errors.ts';
import type { GenerationEvent } from '../../canon/event.ts';
import type { GenerationRequest, Operation, Part, TokenIds } from '../../canon/request.ts';
import type { Usage } from '../../canon/units.ts';
import { asArray, asNumber } from '../read.ts';

/** What the wires of embeddings share. */

export type Embeddings = Extract<Operation, { kind: 'embeddings' }>;
type Vector = readonly number[] | string;

export function embeddingsOf({ operation }: GenerationRequest): Embeddings {
  if (operation?.kind !== 'embeddings') throw new TypeError('no embeddings are asked for');
  return operation;
}

/** Base64 of 32-bit floats, least byte first. */
export const packed = (vector: Vector): string =>
  typeof vector === 'string' ? vector : Buffer.from(new Float32Array(vector).buffer).toString('base64');

export function unpacked(vector: Vector): readonly number[] {
  if (typeof vector !== 'string') return vector;
  const bytes = Buffer.from(vector, 'base64');
  return Array.from({ length: Math.floor(bytes.length / 4) }, (_, i) => bytes.readFloatLE(i * 4));
}

export const vectorsOf = ({ blocks }: Generation): readonly Vector[] =>
  blocks.flatMap(({ block }: CollectedBlock) => (block.kind === 'vector' ? [block.data] : []));

/** A list of numbers, or Base64. */
export function asVector(value: unknown): Vector | undefined {
  if (typeof value === 'string') return value === '' ? undefined : value;
  const numbers = asArray(value)?.map(asNumber);
  return numbers && numbers.length > 0 && numbers.every((number) => number !== undefined)
    ? (numbers as readonly number[])
    : undefined;
}

/** Vectors as an answer's events: as many as were read, in the order of the inputs, or an error where one is missing. */
export function vectorEvents(
  vectors: readonly (Vector | undefined)[],
  usage: Usage | undefined,
  about: { readonly id?: string; readonly model?: string } = {},
): readonly GenerationEvent[] {
  if (vectors.length === 0 || vectors.some((vector) => vector === undefined))
    return [
      {
        type: 'generation-error',
        error: gatewayError('upstream_malformed', 'Provider sent an answer that could not be read'),
      },
    ];
  return [
    {
      type: 'generation-start',
      ...(about.id !== undefined && { upstreamId: about.id }),
      ...(about.model !== undefined && { model: about.model }),
    },
    ...(vectors as readonly Vector[]).flatMap((data): GenerationEvent[] => [
      { type: 'block-start', block: { kind: 'vector', data } },
      { type: 'block-end' },
    ]),
    ...(usage ? [{ type: 'usage', usage } as const] : []),
    { type: 'generation-end', finish: 'stop', nativeFinish: null },
  ];
}

export const inputUsage = (tokens: number | undefined, raw: unknown): Usage | undefined =>
  tokens === undefined ? undefined : { counts: tokens > 0 ? { input: tokens } : {}, estimated: false, raw };

/** The words of an input, where it is nothing but words. */
export function wordsOf(input: readonly Part[] | TokenIds): string | undefined {
  if ('tokenIds' in input || !input.every(({ kind }) => kind === 'text')) return undefined;
  return input.map((part) => (part.kind === 'text' ? part.text : '')).join('');
}

export const TEXT_ONLY = 'takes text only';
