import type { Block, Delta, GenerationEvent } from '../../canon/event.ts';
import { type Machine, NOTHING } from '../../canon/machine.ts';
import type { Usage } from '../../canon/units.ts';
import type { Frame } from '../../streams/sse.ts';
import type { AnswerContext } from '../dialect.ts';
import { asObject, parseJson } from '../read.ts';
import { FINISH_WORDS } from './finish.ts';
import { FORMAT } from './id.ts';
import { errorBody } from './ingress-error.ts';
import { encodeUsage } from './usage.ts';

type Wire = Record<string, unknown>;
type End = Extract<GenerationEvent, { type: 'generation-end' }>;

/**
 * Events → parts. A signature travels on the part that it belongs to, so it waits for the call or the text that follows; a call is told
 * whole, when its arguments are complete (spec/providers B.3.3).
 */
export class PartWriter {
  readonly #context: AnswerContext;
  #block: Block | undefined;
  #arguments = '';
  #signature: string | undefined;

  constructor(context: AnswerContext) {
    this.#context = context;
  }

  parts(event: GenerationEvent): readonly Wire[] {
    if (event.type === 'block-start') return this.#start(event.block);
    if (event.type === 'block-delta') return this.#delta(event.delta);
    return event.type === 'block-end' ? this.#end() : NOTHING;
  }

  /** A signature that nothing followed. */
  rest(): readonly Wire[] {
    return this.#signature === undefined ? NOTHING : [this.#signed({ text: '' })];
  }

  #signed(part: Wire): Wire {
    const thoughtSignature = this.#signature;
    this.#signature = undefined;
    return thoughtSignature === undefined ? part : { ...part, thoughtSignature };
  }

  #start(block: Block): readonly Wire[] {
    this.#block = block;
    this.#arguments = '';
    if (block.kind === 'opaque' && block.format === FORMAT) this.#signature = block.data;
    if (block.kind !== 'image' || !block.url.startsWith('data:')) return NOTHING;
    const [mimeType = ''] = block.url.slice('data:'.length).split(';');
    return [this.#signed({ inlineData: { mimeType, data: block.url.slice(block.url.indexOf(',') + 1) } })];
  }

  #delta(delta: Delta): readonly Wire[] {
    if (delta.kind === 'arguments') this.#arguments += delta.text;
    if (delta.kind === 'arguments' || delta.kind === 'signature') return NOTHING;
    const text = delta.kind === 'audio' ? (delta.transcript ?? '') : delta.text;
    if (text === '') return NOTHING;
    if (this.#block?.kind !== 'reasoning') return [this.#signed({ text })];
    return this.#context.showReasoning ? [{ text, thought: true }] : NOTHING;
  }

  #end(): readonly Wire[] {
    const block = this.#block;
    this.#block = undefined;
    if (block?.kind !== 'tool-call') return NOTHING;
    const args = asObject(parseJson(this.#arguments)) ?? {};
    return [this.#signed({ functionCall: { id: block.callId, name: block.name, args } })];
  }
}

/** One response, or one chunk of its stream: they look the same. */
export function responseWire(
  context: AnswerContext,
  parts: readonly Wire[],
  end?: { readonly finish: End['finish']; readonly usage: Usage | undefined },
): Wire {
  const metadata = end && context.metadata?.();
  return {
    candidates: [
      {
        content: { role: 'model', parts },
        ...(end && { finishReason: FINISH_WORDS[end.finish] }),
        index: 0,
      },
    ],
    ...(end && { usageMetadata: encodeUsage(end.usage, context) }),
    modelVersion: context.model,
    responseId: context.id,
    ...(context.quirks.has('router-answers') && context.provider !== undefined && { provider: context.provider }),
    ...(metadata !== undefined && { openrouter_metadata: metadata }),
  };
}

/** Events → chunks. The finish reason and the usage leave with `end()`, after the bill is settled. */
class StreamEncoder implements Machine<GenerationEvent, Frame> {
  readonly #context: AnswerContext;
  readonly #writer: PartWriter;
  #usage: Usage | undefined;
  #end: End | undefined;

  constructor(context: AnswerContext) {
    this.#context = context;
    this.#writer = new PartWriter(context);
  }

  step(event: GenerationEvent): readonly Frame[] {
    if (event.type === 'usage') this.#usage = event.usage;
    if (event.type === 'generation-end') this.#end = event;
    if (event.type === 'generation-error')
      return [{ data: JSON.stringify(errorBody(event.error, { quirks: this.#context.quirks })) }];
    return this.#writer.parts(event).map((part) => this.#chunk(responseWire(this.#context, [part])));
  }

  end(): readonly Frame[] {
    if (!this.#end) return NOTHING;
    const rest = this.#writer.rest();
    const parts = rest.length > 0 ? rest : [{ text: '' }];
    return [this.#chunk(responseWire(this.#context, parts, { finish: this.#end.finish, usage: this.#usage }))];
  }

  #chunk(body: Wire): Frame {
    return { data: JSON.stringify(body) };
  }
}

export const encodeStream = (context: AnswerContext): Machine<GenerationEvent, Frame> => new StreamEncoder(context);
