import type { Annotation, Block } from '../../canon/event.ts';

/** The pieces of a message that look the same in a chunk and in a whole answer. */

export function annotationWire(annotation: Annotation): Record<string, unknown> {
  if (annotation.kind === 'file') {
    return { type: 'file', file: { hash: annotation.hash, name: annotation.name, content: annotation.content } };
  }
  const { url, title, content, start, end } = annotation;
  return {
    type: 'url_citation',
    url_citation: { url, title, ...(content !== undefined && { content }), start_index: start, end_index: end },
  };
}

export const imageWire = (url: string): Record<string, unknown> => ({ type: 'image_url', image_url: { url } });

type ReasoningBlock = Extract<Block, { kind: 'reasoning' }>;
type OpaqueBlock = Extract<Block, { kind: 'opaque' }>;

/** One entry of `reasoning_details`; `index` counts the reasoning blocks of the answer. */
export function reasoningDetailWire(
  block: ReasoningBlock | OpaqueBlock,
  index: number,
  text: string | undefined,
  signature: string | undefined,
): Record<string, unknown> {
  const identity = { ...(block.id !== undefined && { id: block.id }), format: block.format, index };
  if (block.kind === 'opaque') return { type: 'reasoning.encrypted', data: block.data, ...identity };
  if (block.form === 'summary') return { type: 'reasoning.summary', summary: text ?? '', ...identity };
  return { type: 'reasoning.text', text: text ?? null, ...(signature !== undefined && { signature }), ...identity };
}
