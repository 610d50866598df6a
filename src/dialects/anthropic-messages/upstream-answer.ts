import { gatewayError } from '../../canon/errors.ts';
import type { Block, GenerationEvent } from '../../canon/event.ts';
import type { Machine } from '../../canon/machine.ts';
import type { Target } from '../../canon/target.ts';
import { servedTier } from '../../canon/tiers.ts';
import type { Usage } from '../../canon/units.ts';
import type { Frame } from '../../streams/sse.ts';
import { AnswerEvents, frameDecoder } from '../answer-events.ts';
import type { Expectation } from '../dialect.ts';
import { asArray, asObject, asString, asText, type JsonObject } from '../read.ts';
import { finishReason } from './finish.ts';
import { FORMAT } from './id.ts';
import { decodeUsage, mergeUsage } from './usage.ts';

const TEXT: Block = { kind: 'text' };
const THOUGHT: Block = { kind: 'reasoning', form: 'text', format: FORMAT };

/** What a block of the wire is to us; undefined for what a server did for itself. */
function blockOf(wire: JsonObject): Block | undefined {
  switch (wire.type) {
    case 'text':
      return TEXT;
    case 'thinking':
      return THOUGHT;
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

/** Collects one answer's events, from a stream or from a whole body (spec/providers B.2.4, B.2.5). */
class AnswerReader extends AnswerEvents {
  #usage: JsonObject | undefined;
  #stop: string | undefined;
  #tier: string | undefined;

  get usage(): Usage | undefined {
    return this.#usage && decodeUsage(this.#usage);
  }

  message(wire: JsonObject | undefined): void {
    this.start(asText(wire?.id), asText(wire?.model));
    this.count(wire?.usage);
  }

  count(wire: unknown): void {
    const usage = asObject(wire);
    if (!usage) return;
    this.#usage = mergeUsage(this.#usage, usage);
    this.#tier = servedTier(asText(usage.service_tier)) ?? this.#tier;
  }

  stop(reason: unknown): void {
    this.#stop = asText(reason) ?? this.#stop;
  }

  open(wire: JsonObject): void {
    this.announce(blockOf(wire));
    this.text(asText(wire.text) ?? asText(wire.thinking));
  }

  delta(wire: JsonObject): void {
    if (wire.type === 'text_delta') {
      this.#implied(TEXT);
      this.text(asText(wire.text));
    } else if (wire.type === 'thinking_delta') {
      this.#implied(THOUGHT);
      this.text(asText(wire.thinking));
    } else if (wire.type === 'input_json_delta') this.input(asString(wire.partial_json) ?? '');
    else if (wire.type === 'signature_delta') this.signature(asText(wire.signature));
    else if (wire.type === 'citations_delta') this.cite(wire.citation);
  }

  cite(wire: unknown): void {
    const citation = asObject(wire);
    const url = asText(citation?.url);
    if (!citation || url === undefined) return;
    const content = asText(citation.cited_text);
    const title = asString(citation.title) ?? '';
    this.citation({ kind: 'url', url, title, start: 0, end: 0, ...(content !== undefined && { content }) });
  }

  complete(): void {
    this.finish(finishReason(this.#stop, this.calledTools), this.#stop ?? null, this.usage, this.#tier);
  }

  /** Some hosts send deltas of a block that they never announced. */
  #implied(block: Block): void {
    if (this.block?.kind !== block.kind) this.announce(block);
  }
}

function readEvent(reader: AnswerReader, wire: JsonObject): void {
  if (wire.type === 'content_block_delta') reader.delta(asObject(wire.delta) ?? {});
  else if (wire.type === 'content_block_start') reader.open(asObject(wire.content_block) ?? {});
  else if (wire.type === 'content_block_stop') reader.blockEnd();
  else if (wire.type === 'message_start') reader.message(asObject(wire.message));
  else if (wire.type === 'message_stop') reader.complete();
  else if (wire.type === 'message_delta') {
    reader.count(wire.usage);
    reader.stop(asObject(wire.delta)?.stop_reason);
  } else if (wire.type === 'error' || wire.error != null) reader.refuse(200, wire, reader.usage);
}

/** Complete only by `message_stop`; unknown events and deltas are none of our business. */
export function decodeStream(target: Target, _expectation: Expectation): Machine<Frame, GenerationEvent> {
  const reader = new AnswerReader(target.errors);
  return frameDecoder(
    reader,
    (wire) => readEvent(reader, wire),
    () => reader.cut(reader.usage),
  );
}

/** A whole answer → the same events its stream would have given. */
export function decodeWhole(body: unknown, target: Target, _expectation: Expectation): readonly GenerationEvent[] {
  const reader = new AnswerReader(target.errors);
  const wire = asObject(body);
  const content = asArray(wire?.content);
  if (!wire || !content) {
    const malformed = gatewayError('upstream_malformed', 'Provider sent an answer that could not be read');
    if (wire && (wire.type === 'error' || wire.error != null)) reader.refuse(200, wire);
    else reader.fail(malformed);
    return reader.take();
  }
  reader.message(wire);
  for (const item of content) wholeBlock(reader, asObject(item) ?? {});
  reader.stop(wire.stop_reason);
  reader.complete();
  return reader.take();
}

function wholeBlock(reader: AnswerReader, block: JsonObject): void {
  reader.open(block);
  if (block.type === 'tool_use') reader.input(JSON.stringify(asObject(block.input) ?? {}));
  if (block.type === 'thinking') reader.signature(asText(block.signature));
  if (block.type === 'text') for (const citation of asArray(block.citations) ?? []) reader.cite(citation);
  reader.blockEnd();
}
