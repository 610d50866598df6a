import { type Generation, tell } from '../../canon/collect.ts';
import type { GatewayError } from '../../canon/errors.ts';
import type { Block, Delta, GenerationEvent } from '../../canon/event.ts';
import { type Machine, NOTHING } from '../../canon/machine.ts';
import type { Usage } from '../../canon/units.ts';
import type { Frame } from '../../streams/sse.ts';
import type { AnswerContext, EncodedError, ErrorContext } from '../dialect.ts';
import { ruleMetadata, statusOf } from '../envelope.ts';
import { asObject, parseJson } from '../read.ts';
import { FINISH_WORDS } from './finish.ts';
import { FORMAT } from './id.ts';
import { encodeUsage } from './usage.ts';

type Wire = Record<string, unknown>;
type End = Extract<GenerationEvent, { type: 'generation-end' }>;

/** Amazon's name of an HTTP status (spec/providers B.4.5). */
const EXCEPTIONS: Readonly<Record<number, string>> = {
  400: 'ValidationException',
  401: 'UnrecognizedClientException',
  402: 'ServiceQuotaExceededException',
  403: 'AccessDeniedException',
  404: 'ResourceNotFoundException',
  408: 'ModelTimeoutException',
  424: 'ModelErrorException',
  429: 'ThrottlingException',
  500: 'InternalServerException',
  503: 'ServiceUnavailableException',
};
const exceptionOf = (status: number): string =>
  EXCEPTIONS[status] ?? (status < 500 ? 'ValidationException' : 'InternalServerException');

export function encodeError(error: GatewayError, context: ErrorContext): EncodedError {
  const status = context.status ?? statusOf(error);
  return {
    status,
    body: { __type: exceptionOf(status), message: error.message, ...ruleMetadata(error, context.status) },
  };
}

/** Events → what this wire says of a block: its start where it has one, its deltas, its end. */
class BlockWriter {
  readonly #context: AnswerContext;
  #block: Block | undefined;
  #index = -1;

  constructor(context: AnswerContext) {
    this.#context = context;
  }

  step(event: GenerationEvent): readonly Frame[] {
    if (event.type === 'block-start') return this.#start(event.block);
    if (event.type === 'block-delta') return this.#delta(event.delta);
    if (event.type !== 'block-end' || !this.#told) return NOTHING;
    this.#block = undefined;
    return [frame('contentBlockStop', { contentBlockIndex: this.#index })];
  }

  get #told(): boolean {
    const block = this.#block;
    if (block?.kind === 'reasoning') return this.#context.showReasoning;
    if (block?.kind === 'opaque') return block.format === FORMAT;
    return block !== undefined && block.kind !== 'citation' && block.kind !== 'image';
  }

  #start(block: Block): readonly Frame[] {
    this.#block = block;
    if (!this.#told) return NOTHING;
    this.#index += 1;
    if (block.kind === 'tool-call')
      return [
        frame('contentBlockStart', {
          contentBlockIndex: this.#index,
          start: { toolUse: { toolUseId: block.callId, name: block.name } },
        }),
      ];
    return block.kind === 'opaque' ? [this.#said({ reasoningContent: { redactedContent: block.data } })] : NOTHING;
  }

  #delta(delta: Delta): readonly Frame[] {
    if (!this.#told) return NOTHING;
    if (delta.kind === 'arguments') return [this.#said({ toolUse: { input: delta.text } })];
    if (delta.kind === 'signature') {
      const own = this.#block?.kind === 'reasoning' && this.#block.format === FORMAT;
      return own ? [this.#said({ reasoningContent: { signature: delta.signature } })] : NOTHING;
    }
    const text = delta.kind === 'audio' ? (delta.transcript ?? '') : delta.text;
    if (text === '') return NOTHING;
    return [this.#said(this.#block?.kind === 'reasoning' ? { reasoningContent: { text } } : { text })];
  }

  #said(delta: Wire): Frame {
    return frame('contentBlockDelta', { contentBlockIndex: this.#index, delta });
  }
}

const frame = (event: string, payload: Wire): Frame => ({ event, data: JSON.stringify(payload) });

/** Events → frames. The reason to stop and the counts leave with `end()`, after the bill is settled. */
export function encodeStream(context: AnswerContext): Machine<GenerationEvent, Frame> {
  const writer = new BlockWriter(context);
  let usage: Usage | undefined;
  let end: End | undefined;
  return {
    step(event) {
      if (event.type === 'generation-start') return [frame('messageStart', { role: 'assistant' })];
      if (event.type === 'usage') usage = event.usage;
      if (event.type === 'generation-end') end = event;
      if (event.type === 'generation-error') {
        const name = exceptionOf(statusOf(event.error));
        return [frame(`${name[0]?.toLowerCase() ?? ''}${name.slice(1)}`, { message: event.error.message })];
      }
      return writer.step(event);
    },
    end: () =>
      end
        ? [
            frame('messageStop', { stopReason: FINISH_WORDS[end.finish] }),
            frame('metadata', { usage: encodeUsage(usage), metrics: { latencyMs: 1 } }),
          ]
        : NOTHING,
  };
}

/** Pieces of one block together. */
function contentOf(generation: Generation, context: AnswerContext): readonly Wire[] {
  const writer = new BlockWriter(context);
  const blocks: { start?: Wire; texts: string[]; kind: string; signature?: string; redacted?: string }[] = [];
  for (const { event, data } of [...tell(generation)].flatMap((one) => writer.step(one))) {
    const wire = asObject(parseJson(data)) ?? {};
    const index = Number(wire.contentBlockIndex);
    blocks[index] ??= { texts: [], kind: 'text' };
    const block = blocks[index];
    const toolUse = asObject(asObject(wire.start)?.toolUse);
    if (event === 'contentBlockStart' && toolUse) Object.assign(block, { start: toolUse, kind: 'toolUse' });
    const delta = asObject(wire.delta);
    const reasoning = asObject(delta?.reasoningContent);
    if (reasoning) block.kind = 'reasoning';
    if (typeof reasoning?.signature === 'string') block.signature = reasoning.signature;
    if (typeof reasoning?.redactedContent === 'string') block.redacted = reasoning.redactedContent;
    const text = delta?.text ?? reasoning?.text ?? asObject(delta?.toolUse)?.input;
    if (typeof text === 'string') block.texts.push(text);
  }
  return blocks.map(({ kind, start, texts, signature, redacted }): Wire => {
    const text = texts.join('');
    if (kind === 'toolUse') return { toolUse: { ...start, input: asObject(parseJson(text)) ?? {} } };
    if (redacted !== undefined) return { reasoningContent: { redactedContent: redacted } };
    if (kind !== 'reasoning') return { text };
    return { reasoningContent: { reasoningText: { text, ...(signature !== undefined && { signature }) } } };
  });
}

/** A whole answer. One that broke half-way is an error: this wire has no place for both. */
export function encodeWhole(generation: Generation, context: AnswerContext): unknown {
  if (generation.error) return encodeError(generation.error, { quirks: context.quirks, origin: '' }).body;
  return {
    output: { message: { role: 'assistant', content: contentOf(generation, context) } },
    stopReason: FINISH_WORDS[generation.finish],
    usage: encodeUsage(generation.usage),
    metrics: { latencyMs: 1 },
  };
}
