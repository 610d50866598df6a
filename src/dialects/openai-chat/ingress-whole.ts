import type { CollectedBlock, Generation } from '../../canon/collect.ts';
import { toldTier } from '../../canon/tiers.ts';
import type { AnswerContext } from '../dialect.ts';
import { errorObject } from '../envelope.ts';
import { annotationWire, imageWire, reasoningDetailWire } from './chunk.ts';
import { FINISH_WORDS } from './finish.ts';
import { CLOSE, GAP, OPEN } from './think-tags.ts';
import { encodeUsage } from './usage.ts';

const joined = (blocks: readonly CollectedBlock[]): string => blocks.map((block) => block.text).join('');

/** The block kinds of an answer, apart: the whole form has one field for each. */
function sorted(blocks: readonly CollectedBlock[]): Record<CollectedBlock['block']['kind'], CollectedBlock[]> {
  const kinds: Record<CollectedBlock['block']['kind'], CollectedBlock[]> = {
    text: [],
    refusal: [],
    reasoning: [],
    'tool-call': [],
    image: [],
    audio: [],
    opaque: [],
    citation: [],
    vector: [],
    score: [],
  };
  for (const block of blocks) kinds[block.block.kind].push(block);
  return kinds;
}

function reasoningDetails(blocks: readonly CollectedBlock[]): readonly Record<string, unknown>[] {
  const details: Record<string, unknown>[] = [];
  for (const { block, text, signature } of blocks) {
    if (block.kind !== 'reasoning' && block.kind !== 'opaque') continue;
    details.push(reasoningDetailWire(block, details.length, text, signature));
  }
  return details;
}

/** A thought without its words: what its maker signed or sealed, where it did. */
function withoutThought(collected: CollectedBlock): readonly CollectedBlock[] {
  if (collected.block.kind === 'opaque') return [collected];
  return collected.signature === undefined ? [] : [{ ...collected, text: '' }];
}

/** How this wire shows reasoning beside the content (spec/inference 2.1; spec/providers C.3, B.11). */
function reasoningFields(
  blocks: readonly CollectedBlock[],
  text: string,
  context: AnswerContext,
): Record<string, unknown> {
  const { quirks } = context;
  if (quirks.has('thinking-chunks') || inTags(context)) return {};
  if (quirks.has('reasoning-content')) return text === '' || !context.showReasoning ? {} : { reasoning_content: text };
  if (!context.showReasoning) {
    const sealed = context.sealedReasoning ? reasoningDetails(blocks.flatMap(withoutThought)) : [];
    return { reasoning: null, ...(sealed.length > 0 && { reasoning_details: sealed }) };
  }
  const details = reasoningDetails(blocks);
  return { reasoning: text === '' ? null : text, ...(details.length > 0 && { reasoning_details: details }) };
}

const inTags = ({ quirks }: AnswerContext): boolean => quirks.has('think-tags') || quirks.has('think-prefilled');

function content(text: string, reasoning: string, hasCalls: boolean, context: AnswerContext): unknown {
  if (context.quirks.has('thinking-chunks') && context.showReasoning && reasoning !== '') {
    const thinking = { type: 'thinking', thinking: [{ type: 'text', text: reasoning }], closed: true };
    return text === '' ? [thinking] : [thinking, { type: 'text', text }];
  }
  if (inTags(context) && context.showReasoning && reasoning !== '')
    return `${context.quirks.has('think-prefilled') ? '' : OPEN}${reasoning}${CLOSE}${GAP}${text}`;
  return text === '' && hasCalls ? null : text;
}

function message(generation: Generation, context: AnswerContext): Record<string, unknown> {
  const kinds = sorted(generation.blocks);
  const reasoning = joined(kinds.reasoning);
  const calls = kinds['tool-call'].flatMap(({ block, text }, index) =>
    block.kind === 'tool-call'
      ? [
          {
            index,
            id: block.callId,
            type: 'function',
            function: { name: block.name, arguments: text === '' ? '{}' : text },
          },
        ]
      : [],
  );
  const images = kinds.image.flatMap(({ block }) => (block.kind === 'image' ? [imageWire(block.url)] : []));
  const annotations = kinds.citation.flatMap(({ block }) =>
    block.kind === 'citation' ? [annotationWire(block.annotation)] : [],
  );
  const audio = kinds.audio[0];
  return {
    role: 'assistant',
    content: content(joined(kinds.text), reasoning, calls.length > 0, context),
    refusal: kinds.refusal.length > 0 ? joined(kinds.refusal) : null,
    ...reasoningFields(generation.blocks, reasoning, context),
    ...(calls.length > 0 && { tool_calls: calls }),
    ...(annotations.length > 0 && { annotations }),
    ...(images.length > 0 && { images }),
    ...(audio?.audio && {
      audio: {
        ...(audio.block.kind === 'audio' && audio.block.id !== undefined && { id: audio.block.id }),
        data: audio.audio.data,
        ...(audio.audio.expiresAt !== undefined && { expires_at: audio.audio.expiresAt }),
        transcript: audio.audio.transcript,
      },
    }),
  };
}

/** A whole answer; one that broke half-way keeps its part and carries the error inside the choice (spec/inference 2.6). */
export function encodeWhole(generation: Generation, context: AnswerContext): unknown {
  const router = context.quirks.has('router-answers');
  const logprobs = generation.blocks.flatMap((block) => block.logprobs ?? []);
  const metadata = context.metadata?.();
  const usage = generation.usage ?? { counts: {}, estimated: true };
  return {
    id: context.id,
    ...(router && context.provider !== undefined && { provider: context.provider }),
    model: context.model,
    object: 'chat.completion',
    created: context.created,
    choices: [
      {
        index: 0,
        finish_reason: generation.error ? 'error' : FINISH_WORDS[generation.finish],
        ...(router && { native_finish_reason: generation.nativeFinish }),
        logprobs: logprobs.length > 0 ? { content: logprobs } : null,
        message: message(generation, context),
        ...(generation.error && {
          error: errorObject(generation.error, { origin: context.origin ?? '', quirks: context.quirks }),
        }),
      },
    ],
    system_fingerprint: null,
    ...(generation.serviceTier !== undefined && { service_tier: toldTier(generation.serviceTier) }),
    usage: encodeUsage(usage, context),
    ...(metadata !== undefined && { openrouter_metadata: metadata }),
  };
}
