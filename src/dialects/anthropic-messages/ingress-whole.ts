import type { CollectedBlock, Generation } from '../../canon/collect.ts';
import type { Annotation } from '../../canon/event.ts';
import type { AnswerContext } from '../dialect.ts';
import { asObject, parseJson } from '../read.ts';
import { STOP_REASONS } from './finish.ts';
import { FORMAT } from './id.ts';
import { errorBody } from './ingress-error.ts';
import { sealed } from './sealed.ts';
import { encodeUsage } from './usage.ts';

export function citationWire(annotation: Annotation): Record<string, unknown> | undefined {
  if (annotation.kind !== 'url') return undefined;
  const { url, title, content } = annotation;
  return { type: 'web_search_result_location', url, title, cited_text: content ?? '', encrypted_index: '' };
}

/** A signature is only worth something to the maker that signed. */
export const signatureOf = (format: string, signature: string | undefined): string =>
  format === FORMAT ? (signature ?? '') : '';

/** Everything a message says of itself before its content is there. */
export function messageHead(context: AnswerContext): Record<string, unknown> {
  return {
    id: context.id,
    type: 'message',
    role: 'assistant',
    model: context.model,
    ...(context.quirks.has('router-answers') && context.provider !== undefined && { provider: context.provider }),
  };
}

function blockWire({ block, text, signature, audio }: CollectedBlock, context: AnswerContext): readonly unknown[] {
  switch (block.kind) {
    case 'text':
    case 'refusal':
      return [{ type: 'text', text }];
    case 'audio':
      return [{ type: 'text', text: audio?.transcript ?? '' }];
    case 'reasoning': {
      const own = signatureOf(block.format, signature);
      if (!context.showReasoning && own === '') return [];
      return [{ type: 'thinking', thinking: context.showReasoning ? text : '', signature: own }];
    }
    case 'opaque':
      return [{ type: 'redacted_thinking', data: sealed(block) }];
    case 'tool-call':
      return [{ type: 'tool_use', id: block.callId, name: block.name, input: asObject(parseJson(text)) ?? {} }];
    case 'citation': {
      const citation = citationWire(block.annotation);
      return citation ? [{ type: 'text', text: '', citations: [citation] }] : [];
    }
    // These have no place in an answer of this wire (docs/dialects/anthropic-messages.md).
    case 'image':
    case 'vector':
    case 'score':
      return [];
  }
}

/** A whole answer. One that broke half-way is an error: this wire has no place for both (spec/inference 7.2). */
export function encodeWhole(generation: Generation, context: AnswerContext): unknown {
  const { quirks } = context;
  if (generation.error) return errorBody(generation.error, { quirks, id: context.id, origin: context.origin ?? '' });
  const metadata = context.metadata?.();
  return {
    ...messageHead(context),
    content: generation.blocks.flatMap((block) => blockWire(block, context)),
    stop_reason: STOP_REASONS[generation.finish],
    stop_sequence: null,
    stop_details: stopDetails(generation.finish),
    container: null,
    usage: encodeUsage(generation.usage, context, generation.serviceTier),
    ...(metadata !== undefined && { openrouter_metadata: metadata }),
  };
}

export const stopDetails = (finish: Generation['finish']): unknown =>
  finish === 'content-filter' ? { type: 'refusal', category: null, explanation: null } : null;
