import type { Generation } from '../../canon/collect.ts';
import type { GatewayError } from '../../canon/errors.ts';
import type { Block, Delta, GenerationEvent } from '../../canon/event.ts';
import { type Machine, NOTHING } from '../../canon/machine.ts';
import type { Usage } from '../../canon/units.ts';
import type { Frame } from '../../streams/sse.ts';
import type { AnswerContext, EncodedError, ErrorContext } from '../dialect.ts';
import { ruleMetadata, statusOf } from '../envelope.ts';
import { FINISH_WORDS } from './finish.ts';
import { encodeUsage } from './usage.ts';

type Wire = Record<string, unknown>;
type End = Extract<GenerationEvent, { type: 'generation-end' }>;

export const encodeError = (error: GatewayError, context: ErrorContext): EncodedError => ({
  status: context.status ?? statusOf(error),
  body: {
    ...(context.id !== undefined && { id: context.id }),
    message: error.message,
    ...ruleMetadata(error, context.status),
  },
});

const citationWire = (block: Extract<Block, { kind: 'citation' }>): Wire => {
  const { annotation } = block;
  return annotation.kind === 'url'
    ? {
        start: annotation.start,
        end: annotation.end,
        text: annotation.content ?? '',
        sources: [{ type: 'document', id: annotation.url, document: { url: annotation.url, title: annotation.title } }],
      }
    : { start: 0, end: 0, text: '', sources: [{ type: 'document', id: annotation.hash, document: {} }] };
};

const textOf = (delta: Delta): string =>
  delta.kind === 'text' ? delta.text : delta.kind === 'audio' ? (delta.transcript ?? '') : '';

/** Events → events of this wire: contents, citations and calls, each between its start and its end. */
class StreamEncoder implements Machine<GenerationEvent, Frame> {
  readonly #context: AnswerContext;
  #block: Block | undefined;
  #contents = 0;
  #calls = 0;
  #citations = 0;
  #usage: Usage | undefined;
  #end: End | undefined;

  constructor(context: AnswerContext) {
    this.#context = context;
  }

  step(event: GenerationEvent): readonly Frame[] {
    switch (event.type) {
      case 'generation-start':
        return [frame('message-start', { id: this.#context.id, delta: { message: START } })];
      case 'block-start':
        this.#block = event.block;
        return this.#blockStart(event.block);
      case 'block-delta':
        return this.#delta(event.delta);
      case 'block-end':
        return this.#blockEnd();
      case 'usage':
        this.#usage = event.usage;
        return NOTHING;
      case 'generation-end':
        this.#end = event;
        return NOTHING;
      case 'generation-error': {
        const delta = { finish_reason: 'ERROR', error: event.error.message };
        return [frame('message-end', { id: this.#context.id, delta })];
      }
    }
  }

  end(): readonly Frame[] {
    if (!this.#end) return NOTHING;
    const delta = { finish_reason: FINISH_WORDS[this.#end.finish], usage: encodeUsage(this.#usage) };
    return [frame('message-end', { id: this.#context.id, delta })];
  }

  /** Whether a block is one of the contents: text, or thoughts that may be shown. */
  #isContent(block: Block | undefined): boolean {
    if (block?.kind === 'reasoning') return this.#context.showReasoning;
    return block?.kind === 'text' || block?.kind === 'refusal' || block?.kind === 'audio';
  }

  #blockStart(block: Block): readonly Frame[] {
    if (block.kind === 'tool-call') {
      const call = { id: block.callId, type: 'function', function: { name: block.name, arguments: '' } };
      return [frame('tool-call-start', { index: this.#calls, delta: { message: { tool_calls: call } } })];
    }
    if (block.kind === 'citation') {
      const index = this.#citations++;
      return [
        frame('citation-start', { index, delta: { message: { citations: citationWire(block) } } }),
        frame('citation-end', { index }),
      ];
    }
    if (!this.#isContent(block)) return NOTHING;
    const content = block.kind === 'reasoning' ? { type: 'thinking', thinking: '' } : { type: 'text', text: '' };
    return [frame('content-start', { index: this.#contents, delta: { message: { content } } })];
  }

  #delta(delta: Delta): readonly Frame[] {
    if (delta.kind === 'arguments') {
      const message = { tool_calls: { function: { arguments: delta.text } } };
      return [frame('tool-call-delta', { index: this.#calls, delta: { message } })];
    }
    const text = textOf(delta);
    if (text === '' || !this.#isContent(this.#block)) return NOTHING;
    const content = this.#block?.kind === 'reasoning' ? { thinking: text } : { text };
    return [frame('content-delta', { index: this.#contents, delta: { message: { content } } })];
  }

  #blockEnd(): readonly Frame[] {
    const block = this.#block;
    this.#block = undefined;
    if (block?.kind === 'tool-call') return [frame('tool-call-end', { index: this.#calls++ })];
    return this.#isContent(block) ? [frame('content-end', { index: this.#contents++ })] : NOTHING;
  }
}

const START = { role: 'assistant', content: [], tool_plan: '', tool_calls: [], citations: [] };

const frame = (type: string, rest: Wire): Frame => ({ event: type, data: JSON.stringify({ type, ...rest }) });

export const encodeStream = (context: AnswerContext): Machine<GenerationEvent, Frame> => new StreamEncoder(context);

/** A whole answer. One that broke half-way is an error: this wire has no place for both. */
export function encodeWhole(generation: Generation, context: AnswerContext): unknown {
  if (generation.error) return { id: context.id, message: generation.error.message };
  const content: Wire[] = [];
  const calls: Wire[] = [];
  const citations: Wire[] = [];
  for (const { block, text, audio } of generation.blocks) {
    if (block.kind === 'tool-call')
      calls.push({ id: block.callId, type: 'function', function: { name: block.name, arguments: text } });
    else if (block.kind === 'citation') citations.push(citationWire(block));
    else if (block.kind === 'reasoning') context.showReasoning && content.push({ type: 'thinking', thinking: text });
    else if (block.kind === 'audio') content.push({ type: 'text', text: audio?.transcript ?? '' });
    else if (block.kind === 'text' || block.kind === 'refusal') content.push({ type: 'text', text });
  }
  return {
    id: context.id,
    message: {
      role: 'assistant',
      ...(content.length > 0 && { content }),
      ...(calls.length > 0 && { tool_calls: calls }),
      ...(citations.length > 0 && { citations }),
    },
    finish_reason: FINISH_WORDS[generation.finish],
    usage: encodeUsage(generation.usage),
  };
}
