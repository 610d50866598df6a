import type { Generation } from '../../canon/collect.ts';
import { gatewayError } from '../../canon/errors.ts';
import type { GenerationEvent } from '../../canon/event.ts';
import type { GenerationRequest, Operation } from '../../canon/request.ts';
import type { Usage } from '../../canon/units.ts';
import { asArray, asNumber, asObject } from '../read.ts';

/** What the wires of reranking share. */

export type Rerank = Extract<Operation, { kind: 'rerank' }>;

export function rerankOf({ operation }: GenerationRequest): Rerank {
  if (operation?.kind !== 'rerank') throw new TypeError('no ranking is asked for');
  return operation;
}

export interface Score {
  readonly index: number;
  readonly score: number;
}

/** Best first; equal ones in the order in which they came. */
export const scoresOf = ({ blocks }: Generation): readonly Score[] =>
  blocks
    .flatMap(({ block }) => (block.kind === 'score' ? [{ index: block.index, score: block.score }] : []))
    .toSorted((a, b) => b.score - a.score || a.index - b.index);

/** A list of places and scores, as hosts write it. */
export function scoreEvents(list: unknown, usage: Usage | undefined): readonly GenerationEvent[] {
  const scores = asArray(list)?.map((value) => {
    const wire = asObject(value);
    return { index: asNumber(wire?.index), score: asNumber(wire?.relevance_score) ?? asNumber(wire?.score) };
  });
  if (!scores || scores.length === 0 || scores.some(({ index, score }) => index === undefined || score === undefined))
    return [
      {
        type: 'generation-error',
        error: gatewayError('upstream_malformed', 'Provider sent an answer that could not be read'),
      },
    ];
  return [
    { type: 'generation-start' },
    ...(scores as readonly Score[]).flatMap(({ index, score }): GenerationEvent[] => [
      { type: 'block-start', block: { kind: 'score', index, score } },
      { type: 'block-end' },
    ]),
    ...(usage ? [{ type: 'usage', usage } as const] : []),
    { type: 'generation-end', finish: 'stop', nativeFinish: null },
  ];
}
