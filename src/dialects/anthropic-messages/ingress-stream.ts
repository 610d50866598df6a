import type { Block, Delta, GenerationEvent } from '../../canon/event.ts';
import { type Machine, NOTHING } from '../../canon/machine.ts';
import type { Usage } from '../../canon/units.ts';
import type { Frame } from '../../streams/sse.ts';
import type { AnswerContext } from '../dialect.ts';
import { STOP_REASONS } from './finish.ts';
import { errorBody } from './ingress-error.ts';
import { citationWire, messageHead, signatureOf, stopDetails } from './ingress-whole.ts';
import { sealed } from './sealed.ts';
import { encodeUsage } from './usage.ts';

const frame = (event: string, members: string): Frame => ({ event, data: `{"type":"${event}"${members}}` });

type End = Extract<GenerationEvent, { type: 'generation-end' }>;

/**
 * Events → the event grammar of spec/inference 7.3. `message_delta` and `message_stop` leave with `end()`, so that the caller can settle
 * the bill in between and the usage tells the settled cost.
 */
class StreamEncoder implements Machine<GenerationEvent, Frame> {
  readonly #context: AnswerContext;
  #block: Block | undefined;
  #index = -1;
  #open = false;
  #usage: Usage | undefined;
  #finish: End | undefined;

  constructor(context: AnswerContext) {
    this.#context = context;
  }

  step(event: GenerationEvent): readonly Frame[] {
    switch (event.type) {
      case 'block-delta':
        return this.#delta(event.delta);
      case 'block-start':
        this.#block = event.block;
        return this.#start(event.block);
      case 'block-end':
        return this.#stop();
      case 'usage':
        this.#usage = event.usage;
        return NOTHING;
      case 'generation-start':
        return [frame('message_start', `,"message":${JSON.stringify(this.#message())}`)];
      case 'generation-end':
        this.#finish = event;
        return NOTHING;
      case 'generation-error': {
        const { quirks, id, origin = '' } = this.#context;
        return [{ event: 'error', data: JSON.stringify(errorBody(event.error, { quirks, id, origin })) }];
      }
    }
  }

  end(): readonly Frame[] {
    const end = this.#finish;
    if (!end) return NOTHING;
    const delta = {
      stop_reason: STOP_REASONS[end.finish],
      stop_sequence: null,
      stop_details: stopDetails(end.finish),
      container: null,
    };
    const usage = encodeUsage(this.#usage, this.#context, end.serviceTier);
    const metadata = this.#context.metadata?.();
    return [
      frame('message_delta', `,"delta":${JSON.stringify(delta)},"usage":${JSON.stringify(usage)}`),
      frame('message_stop', metadata === undefined ? '' : `,"openrouter_metadata":${JSON.stringify(metadata)}`),
    ];
  }

  #message(): Record<string, unknown> {
    return {
      ...messageHead(this.#context),
      content: [],
      stop_reason: null,
      stop_sequence: null,
      stop_details: null,
      container: null,
      usage: encodeUsage(this.#usage, { ...this.#context, bill: () => undefined }, undefined),
    };
  }

  #opened(content: unknown): Frame {
    this.#index += 1;
    this.#open = true;
    return frame('content_block_start', `,"index":${this.#index},"content_block":${JSON.stringify(content)}`);
  }

  #piece(delta: string): Frame {
    return frame('content_block_delta', `,"index":${this.#index},"delta":${delta}`);
  }

  #stop(): readonly Frame[] {
    this.#block = undefined;
    if (!this.#open) return NOTHING;
    this.#open = false;
    return [frame('content_block_stop', `,"index":${this.#index}`)];
  }

  #start(block: Block): readonly Frame[] {
    switch (block.kind) {
      case 'text':
      case 'refusal':
      case 'audio':
        return [this.#opened({ type: 'text', text: '' })];
      case 'tool-call':
        return [this.#opened({ type: 'tool_use', id: block.callId, name: block.name, input: {} })];
      case 'reasoning':
        return this.#context.showReasoning ? [this.#thinking()] : NOTHING;
      case 'opaque':
        return [this.#opened({ type: 'redacted_thinking', data: sealed(block) })];
      case 'citation': {
        const citation = citationWire(block.annotation);
        if (!citation) return NOTHING;
        const pieces = `{"type":"citations_delta","citation":${JSON.stringify(citation)}}`;
        return [this.#opened({ type: 'text', text: '' }), this.#piece(pieces)];
      }
      case 'image':
      case 'vector':
      case 'score':
        return NOTHING;
    }
  }

  #thinking(): Frame {
    return this.#opened({ type: 'thinking', thinking: '', signature: '' });
  }

  #delta(delta: Delta): readonly Frame[] {
    const block = this.#block;
    if (delta.kind === 'arguments')
      return [this.#piece(`{"type":"input_json_delta","partial_json":${JSON.stringify(delta.text)}}`)];
    if (delta.kind === 'signature')
      return block?.kind === 'reasoning' ? this.#signature(block.format, delta.signature) : NOTHING;
    const text = delta.kind === 'audio' ? (delta.transcript ?? '') : delta.text;
    if (text === '') return NOTHING;
    if (block?.kind !== 'reasoning') return [this.#piece(`{"type":"text_delta","text":${JSON.stringify(text)}}`)];
    return this.#open ? [this.#piece(`{"type":"thinking_delta","thinking":${JSON.stringify(text)}}`)] : NOTHING;
  }

  /** Thoughts that are not shown still return signed, so that the maker can go on from them. */
  #signature(format: string, signature: string): readonly Frame[] {
    const own = signatureOf(format, signature);
    if (own === '') return NOTHING;
    const start = this.#open ? [] : [this.#thinking()];
    return [...start, this.#piece(`{"type":"signature_delta","signature":${JSON.stringify(own)}}`)];
  }
}

export const encodeStream = (context: AnswerContext): Machine<GenerationEvent, Frame> => new StreamEncoder(context);
