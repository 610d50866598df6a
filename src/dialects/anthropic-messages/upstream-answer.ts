import { type GatewayError, gatewayError } from '../../canon/errors.ts';
import type { Block, GenerationEvent } from '../../canon/event.ts';
import { type Machine, NOTHING } from '../../canon/machine.ts';
import type { Target } from '../../canon/target.ts';
import type { Frame } from '../../streams/sse.ts';
import { classify } from '../classify.ts';
import type { Expectation } from '../dialect.ts';
import { asArray, asObject, asString, asText, type JsonObject, parseJson } from '../read.ts';
import { finishReason } from './finish.ts';
import { FORMAT } from './id.ts';
import { decodeUsage, mergeUsage } from './usage.ts';

/** What a block of the wire is to us; undefined for what a server did for itself. */
function opened(wire: JsonObject): Block | undefined {
  switch (wire.type) {
    case 'text':
      return { kind: 'text' };
    case 'thinking':
      return { kind: 'reasoning', form: 'text', format: FORMAT };
    case 'redacted_thinking':
      return { kind: 'opaque', format: FORMAT, data: asString(wire.data) ?? '' };
    case 'tool_use': {
      const name = asText(wire.name);
      return name === undefined ? undefined : { kind: 'tool-call', callId: asText(wire.id) ?? '', name };
    }
    default:
      return undefined;
  }
}

const WHOLE: ReadonlySet<Block['kind']> = new Set(['opaque', 'tool-call', 'citation']);

/** Collects one answer's events, from a stream or from a whole body (spec/providers B.2.4, B.2.5). */
class AnswerReader {
  ended = false;
  #events: GenerationEvent[] = [];
  #started = false;
  #hasContent = false;
  #calledTools = false;
  #block: Block | undefined;
  /** Text is opened by its first character: hosts announce blocks that stay empty. */
  #open = false;
  #arguments = '';
  #citations: JsonObject[] = [];
  #usage: JsonObject | undefined;
  #stop: string | undefined;
  #tier: string | undefined;

  get hasContent(): boolean {
    return this.#hasContent;
  }

  take(): readonly GenerationEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  start(message: JsonObject | undefined): void {
    if (this.#started) return;
    this.#started = true;
    const upstreamId = asText(message?.id);
    const model = asText(message?.model);
    this.#events.push({
      type: 'generation-start',
      ...(upstreamId !== undefined && { upstreamId }),
      ...(model !== undefined && { model }),
    });
    this.usage(message?.usage);
  }

  usage(wire: unknown): void {
    const usage = asObject(wire);
    if (!usage) return;
    this.#usage = mergeUsage(this.#usage, usage);
    this.#tier = asText(usage.service_tier) ?? this.#tier;
  }

  stop(reason: unknown): void {
    this.#stop = asText(reason) ?? this.#stop;
  }

  blockStart(wire: JsonObject): void {
    this.blockEnd();
    this.#block = opened(wire);
    if (this.#block && WHOLE.has(this.#block.kind)) this.#begin();
    this.#text(asText(wire.text) ?? asText(wire.thinking));
  }

  delta(wire: JsonObject): void {
    switch (wire.type) {
      case 'text_delta':
        this.#implied({ kind: 'text' });
        this.#text(asText(wire.text));
        break;
      case 'thinking_delta':
        this.#implied({ kind: 'reasoning', form: 'text', format: FORMAT });
        this.#text(asText(wire.thinking));
        break;
      case 'input_json_delta':
        this.input(asString(wire.partial_json) ?? '');
        break;
      case 'signature_delta':
        this.signature(asText(wire.signature));
        break;
      case 'citations_delta':
        this.citation(wire.citation);
        break;
      default:
    }
  }

  input(text: string): void {
    if (this.#block?.kind !== 'tool-call' || text === '') return;
    this.#arguments += text;
    this.#events.push({ type: 'block-delta', delta: { kind: 'arguments', text } });
  }

  signature(signature: string | undefined): void {
    if (this.#block?.kind !== 'reasoning' || signature === undefined) return;
    this.#begin();
    this.#events.push({ type: 'block-delta', delta: { kind: 'signature', signature } });
  }

  citation(wire: unknown): void {
    const citation = asObject(wire);
    if (citation && asText(citation.url) !== undefined) this.#citations.push(citation);
  }

  blockEnd(): void {
    if (this.#open) {
      // A call whose arguments never came was made without any.
      if (this.#block?.kind === 'tool-call' && this.#arguments === '') this.input('{}');
      this.#events.push({ type: 'block-end' });
    }
    this.#open = false;
    this.#block = undefined;
    this.#arguments = '';
    const citations = this.#citations;
    this.#citations = [];
    for (const { url, title, cited_text } of citations) {
      const content = asText(cited_text);
      const annotation = { url: String(url), title: asString(title) ?? '', start: 0, end: 0 };
      this.#block = {
        kind: 'citation',
        annotation: { kind: 'url', ...annotation, ...(content !== undefined && { content }) },
      };
      this.#begin();
      this.#events.push({ type: 'block-end' });
      this.#open = false;
      this.#block = undefined;
    }
  }

  /** The answer is complete by its own word. */
  end(): void {
    if (this.ended) return;
    this.blockEnd();
    if (!this.#hasContent && this.#stop === undefined) {
      this.fail(gatewayError('upstream_empty', 'Provider returned an empty answer'));
      return;
    }
    this.ended = true;
    this.start(undefined);
    if (this.#usage) this.#events.push({ type: 'usage', usage: decodeUsage(this.#usage) });
    this.#events.push({
      type: 'generation-end',
      finish: finishReason(this.#stop, this.#calledTools),
      nativeFinish: this.#stop ?? null,
      ...(this.#tier !== undefined && { serviceTier: this.#tier }),
    });
  }

  /** The answer broke, or the host said so. What was produced stays; usage that was already reported is told. */
  fail(error: GatewayError): void {
    if (this.ended) return;
    this.ended = true;
    if (this.#usage && this.#started) this.#events.push({ type: 'usage', usage: decodeUsage(this.#usage) });
    this.#events.push({ type: 'generation-error', error });
  }

  /** Some hosts send deltas of a block that they never announced. */
  #implied(block: Block): void {
    if (this.#block?.kind === block.kind) return;
    this.blockEnd();
    this.#block = block;
  }

  #begin(): void {
    if (this.#open || !this.#block) return;
    this.start(undefined);
    this.#open = true;
    this.#hasContent = true;
    this.#calledTools ||= this.#block.kind === 'tool-call';
    this.#events.push({ type: 'block-start', block: this.#block });
  }

  #text(text: string | undefined): void {
    const kind = this.#block?.kind;
    if (text === undefined || (kind !== 'text' && kind !== 'reasoning')) return;
    this.#begin();
    this.#events.push({ type: 'block-delta', delta: { kind: 'text', text } });
  }
}

/** Frames → events. Complete only by `message_stop`; unknown events and deltas are none of our business. */
class StreamDecoder implements Machine<Frame, GenerationEvent> {
  readonly #reader = new AnswerReader();

  step(frame: Frame): readonly GenerationEvent[] {
    const reader = this.#reader;
    if (reader.ended || frame.data.trim() === '' || frame.data === '[DONE]') return NOTHING;
    const wire = asObject(parseJson(frame.data));
    if (!wire) reader.fail(gatewayError('upstream_malformed', 'Provider sent an event that could not be read'));
    else this.#event(wire);
    return reader.take();
  }

  end(): readonly GenerationEvent[] {
    const reader = this.#reader;
    if (reader.ended) return NOTHING;
    const [code, message] = reader.hasContent
      ? (['upstream_interrupted', 'Provider ended the stream before its answer was complete'] as const)
      : (['upstream_empty', 'Provider ended the stream without an answer'] as const);
    reader.fail(gatewayError(code, message));
    return reader.take();
  }

  #event(wire: JsonObject): void {
    const reader = this.#reader;
    switch (wire.type) {
      case 'message_start':
        reader.start(asObject(wire.message));
        break;
      case 'content_block_start':
        reader.blockStart(asObject(wire.content_block) ?? {});
        break;
      case 'content_block_delta':
        reader.delta(asObject(wire.delta) ?? {});
        break;
      case 'content_block_stop':
        reader.blockEnd();
        break;
      case 'message_delta':
        reader.usage(wire.usage);
        reader.stop(asObject(wire.delta)?.stop_reason);
        break;
      case 'message_stop':
        reader.end();
        break;
      default:
        if (wire.type === 'error' || wire.error != null) reader.fail(classify(200, wire));
    }
  }
}

export const decodeStream = (_target: Target, _expectation: Expectation): Machine<Frame, GenerationEvent> =>
  new StreamDecoder();

/** A whole answer → the same events its stream would have given. */
export function decodeWhole(body: unknown, _target: Target, _expectation: Expectation): readonly GenerationEvent[] {
  const reader = new AnswerReader();
  const wire = asObject(body);
  const content = asArray(wire?.content);
  if (!wire || !content) {
    const malformed = gatewayError('upstream_malformed', 'Provider sent an answer that could not be read');
    reader.fail(wire && (wire.type === 'error' || wire.error != null) ? classify(200, wire) : malformed);
    return reader.take();
  }
  reader.start(wire);
  for (const item of content) wholeBlock(reader, asObject(item) ?? {});
  reader.stop(wire.stop_reason);
  reader.end();
  return reader.take();
}

function wholeBlock(reader: AnswerReader, block: JsonObject): void {
  reader.blockStart(block);
  if (block.type === 'tool_use') reader.input(JSON.stringify(asObject(block.input) ?? {}));
  if (block.type === 'thinking') reader.signature(asText(block.signature));
  if (block.type === 'text') for (const citation of asArray(block.citations) ?? []) reader.citation(citation);
  reader.blockEnd();
}
