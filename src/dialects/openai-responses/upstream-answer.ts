import { gatewayError } from '../../canon/errors.ts';
import type { Block, GenerationEvent } from '../../canon/event.ts';
import type { Machine } from '../../canon/machine.ts';
import type { Target } from '../../canon/target.ts';
import type { Frame } from '../../streams/sse.ts';
import { AnswerEvents, frameDecoder } from '../answer-events.ts';
import type { Expectation } from '../dialect.ts';
import { asArray, asNumber, asObject, asString, asText, type JsonObject } from '../read.ts';
import { finishReason } from './finish.ts';
import { FORMAT } from './id.ts';
import { decodeUsage } from './usage.ts';

const identity = (item: JsonObject): { format: string; id?: string } => {
  const id = asText(item.id);
  return { format: asText(item.format) ?? FORMAT, ...(id !== undefined && { id }) };
};

/** Collects one answer's events, from a stream or from a whole response (spec/inference 6.3, 6.4). */
class AnswerReader extends AnswerEvents {
  /** The thought under way, as it was announced: its text has not said yet which form it has. */
  #thought: JsonObject = {};

  open(item: JsonObject): void {
    const name = asText(item.name);
    if (item.type === 'reasoning') {
      this.blockEnd();
      this.#thought = item;
    } else if (item.type === 'function_call' && name !== undefined)
      this.announce({ kind: 'tool-call', callId: asText(item.call_id) ?? asText(item.id) ?? '', name });
    else this.blockEnd();
  }

  /** Text of one kind, in the block that it goes on or in a new one. */
  piece(kind: 'text' | 'refusal' | 'thought' | 'summary', text: string | undefined): void {
    if (!text) return;
    const block: Block =
      kind === 'text' || kind === 'refusal'
        ? { kind }
        : { kind: 'reasoning', form: kind === 'summary' ? 'summary' : 'text', ...identity(this.#thought) };
    if (JSON.stringify(this.block) !== JSON.stringify(block)) this.announce(block);
    this.text(text);
  }

  cite(wire: unknown): void {
    const annotation = asObject(wire);
    const url = asText(annotation?.url);
    if (!annotation || url === undefined) return;
    const content = asString(annotation.content);
    this.citation({
      kind: 'url',
      url,
      title: asString(annotation.title) ?? '',
      start: asNumber(annotation.start_index) ?? 0,
      end: asNumber(annotation.end_index) ?? 0,
      ...(content !== undefined && { content }),
    });
  }

  /** What an item holds beyond its pieces. */
  close(item: JsonObject): void {
    const arguments_ = asText(item.arguments);
    if (item.type === 'function_call' && arguments_ !== undefined) this.inputWhole(arguments_);
    if (item.type === 'reasoning') this.signature(asText(item.signature));
    this.blockEnd();
    const data = asText(item.encrypted_content);
    if (item.type === 'reasoning' && data !== undefined) this.announce({ kind: 'opaque', ...identity(item), data });
    const result = asText(item.result);
    if (item.type === 'image_generation_call' && result !== undefined)
      this.announce({ kind: 'image', url: `data:image/png;base64,${result}` });
    this.blockEnd();
    this.#thought = {};
  }

  complete(response: JsonObject): void {
    const usage = decodeUsage(response.usage);
    if (response.status === 'failed' || response.error != null) {
      this.refuse(200, response.error == null ? { error: { message: 'failed' } } : response, usage);
      return;
    }
    const reason = asText(asObject(response.incomplete_details)?.reason);
    const native = reason ?? (response.status === 'completed' ? 'completed' : null);
    const finish = finishReason(reason, this.calledTools);
    this.finish(finish, native, usage, asText(response.service_tier));
  }

  /** A whole item at once. */
  whole(item: JsonObject): void {
    this.open(item);
    for (const one of asArray(item.summary) ?? []) {
      this.piece('summary', asText(asObject(one)?.text));
      this.blockEnd();
    }
    for (const one of asArray(item.content) ?? []) this.#part(item, asObject(one) ?? {});
    this.close(item);
  }

  #part(item: JsonObject, part: JsonObject): void {
    if (item.type === 'reasoning') {
      this.piece('thought', asText(part.text));
      return;
    }
    if (part.type === 'refusal') this.piece('refusal', asText(part.refusal));
    else this.piece('text', asText(part.text));
    for (const annotation of asArray(part.annotations) ?? []) this.cite(annotation);
    this.blockEnd();
  }
}

function readEvent(reader: AnswerReader, wire: JsonObject): void {
  const delta = asText(wire.delta);
  switch (wire.type) {
    case 'response.output_text.delta':
      reader.piece('text', delta);
      break;
    case 'response.refusal.delta':
      reader.piece('refusal', delta);
      break;
    case 'response.reasoning_text.delta':
      reader.piece('thought', delta);
      break;
    case 'response.reasoning_summary_text.delta':
      reader.piece('summary', delta);
      break;
    case 'response.function_call_arguments.delta':
      reader.input(delta ?? '');
      break;
    case 'response.output_text.annotation.added':
      reader.cite(wire.annotation);
      break;
    case 'response.reasoning_summary_part.done':
      reader.blockEnd();
      break;
    case 'response.content_part.done':
      // A thought is closed with its item, which may bring its signature.
      if (asObject(wire.part)?.type !== 'reasoning_text') reader.blockEnd();
      break;
    default:
      readItemEvent(reader, wire);
  }
}

function readItemEvent(reader: AnswerReader, wire: JsonObject): void {
  const item = asObject(wire.item) ?? {};
  const response = asObject(wire.response) ?? {};
  switch (wire.type) {
    case 'response.created':
      reader.start(asText(response.id), asText(response.model));
      break;
    case 'response.output_item.added':
      reader.open(item);
      break;
    case 'response.output_item.done':
      reader.close(item);
      break;
    case 'response.completed':
    case 'response.incomplete':
      reader.complete(response);
      break;
    case 'response.failed':
      reader.complete({ ...response, status: 'failed' });
      break;
    default:
      if (wire.type === 'error' || wire.error != null)
        reader.refuse(200, wire.error == null ? { error: { code: wire.code, message: wire.message } } : wire);
  }
}

/** Complete only by a terminal event; `[DONE]` alone is a stream that was cut. */
export function decodeStream(target: Target, _expectation: Expectation): Machine<Frame, GenerationEvent> {
  const reader = new AnswerReader(target.errors);
  return frameDecoder(
    reader,
    (wire) => readEvent(reader, wire),
    () => reader.cut(),
  );
}

/** A whole answer → the same events its stream would have given. */
export function decodeWhole(body: unknown, target: Target, _expectation: Expectation): readonly GenerationEvent[] {
  const reader = new AnswerReader(target.errors);
  const wire = asObject(body);
  const output = asArray(wire?.output);
  if (!wire || !output) {
    const malformed = gatewayError('upstream_malformed', 'Provider sent an answer that could not be read');
    if (wire?.error == null) reader.fail(malformed);
    else reader.refuse(200, wire);
    return reader.take();
  }
  reader.start(asText(wire.id), asText(wire.model));
  for (const item of output) reader.whole(asObject(item) ?? {});
  reader.complete(wire);
  return reader.take();
}
