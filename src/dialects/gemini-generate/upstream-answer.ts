import { gatewayError } from '../../canon/errors.ts';
import type { GenerationEvent } from '../../canon/event.ts';
import type { Machine } from '../../canon/machine.ts';
import type { Target } from '../../canon/target.ts';
import type { Frame } from '../../streams/sse.ts';
import { AnswerEvents, frameDecoder } from '../answer-events.ts';
import type { Expectation } from '../dialect.ts';
import { asArray, asObject, asString, asText, type JsonObject } from '../read.ts';
import { nineCharacters } from '../rewritten-names.ts';
import { finishReason } from './finish.ts';
import { FORMAT } from './id.ts';
import { PartialArguments } from './partial-args.ts';
import { decodeUsage } from './usage.ts';

/** Collects one answer's events: chunks of a stream add to each other, and a whole answer is one chunk (spec/providers B.3.3, B.3.4). */
class AnswerReader extends AnswerEvents {
  #usage: unknown;
  #stop: string | undefined;
  #blocked: string | undefined;
  #continuation: string | undefined;
  #calls = 0;
  #partial: PartialArguments | undefined;
  #id = '';

  chunk(wire: JsonObject): void {
    const id = asText(wire.responseId);
    this.#id = id ?? this.#id;
    this.start(id, asText(wire.modelVersion));
    if (wire.usageMetadata != null) this.#usage = wire.usageMetadata;
    this.#blocked = asText(asObject(wire.promptFeedback)?.blockReason) ?? this.#blocked;
    const candidate = asObject(asArray(wire.candidates)?.[0]);
    for (const part of asArray(asObject(candidate?.content)?.parts) ?? []) this.#part(asObject(part) ?? {});
    this.#stop = asText(candidate?.finishReason) ?? this.#stop;
    this.#continuation = asText(candidate?.continuationToken) ?? asText(wire.continuationToken) ?? this.#continuation;
  }

  /** Complete by its finish reason: this wire has no other end. */
  complete(): void {
    this.#endPartial();
    const usage = decodeUsage(this.#usage);
    if (this.#blocked !== undefined && this.#stop === undefined)
      this.finish('content-filter', this.#blocked, usage, undefined);
    else if (this.#stop === undefined) this.cut(usage);
    else {
      const continuation = this.#stop === 'CONTINUATION' ? this.#continuation : undefined;
      this.finish(finishReason(this.#stop, this.calledTools), this.#stop, usage, undefined, continuation);
    }
  }

  #part(part: JsonObject): void {
    const call = asObject(part.functionCall);
    if (call) this.#call(call, asText(call.name), asText(part.thoughtSignature));
    else {
      this.#endPartial();
      const inline = asObject(part.inlineData);
      const data = asText(inline?.data);
      if (data !== undefined) {
        this.announce({ kind: 'image', url: `data:${asString(inline?.mimeType) ?? 'image/png'};base64,${data}` });
        this.blockEnd();
      } else this.#text(part);
      this.#sealed(asText(part.thoughtSignature), undefined);
    }
  }

  #text(part: JsonObject): void {
    const text = asText(part.text);
    if (text === undefined) return;
    const kind = part.thought === true ? 'reasoning' : 'text';
    if (this.block?.kind !== kind) this.announce(kind === 'text' ? { kind } : { kind, form: 'text', format: FORMAT });
    this.text(text);
  }

  /**
   * Hosts that name no calls get names made for them, each once (UP-067). A call comes whole, or goes on in parts without a name until
   * one of them does not say that more follows (UP-088).
   */
  #call(call: JsonObject, name: string | undefined, signature: string | undefined): void {
    if (name !== undefined) {
      this.#endPartial();
      const callId = asText(call.id) ?? `call_${nineCharacters(`${this.#id}/${this.#calls}/${name}`)}`;
      this.#calls += 1;
      this.#sealed(signature, callId);
      this.announce({ kind: 'tool-call', callId, name });
      if (call.willContinue === true || call.partialArgs !== undefined) this.#partial = new PartialArguments();
      else this.input(JSON.stringify(asObject(call.args) ?? {}));
    }
    this.#partial?.add(call.partialArgs);
    if (call.willContinue !== true) this.#endPartial();
    if (!this.#partial) this.blockEnd();
  }

  #endPartial(): void {
    if (!this.#partial) return;
    this.input(this.#partial.text());
    this.#partial = undefined;
    this.blockEnd();
  }

  #sealed(data: string | undefined, id: string | undefined): void {
    if (data === undefined) return;
    this.announce({ kind: 'opaque', format: FORMAT, ...(id !== undefined && { id }), data });
    this.blockEnd();
  }
}

/** An error is an object, or a list of one (spec/providers B.3.4). */
const errorIn = (wire: unknown): JsonObject | undefined => {
  const object = asObject(asArray(wire)?.[0] ?? wire);
  return object?.error == null ? undefined : object;
};

/** Complete by its finish reason, once the stream has ended. */
export function decodeStream(target: Target, _expectation: Expectation): Machine<Frame, GenerationEvent> {
  const reader = new AnswerReader(target.errors);
  return frameDecoder(
    reader,
    (wire) => (wire.error == null ? reader.chunk(wire) : reader.refuse(200, wire)),
    () => reader.complete(),
  );
}

/** A whole answer → the same events its stream would have given. */
export function decodeWhole(body: unknown, target: Target, _expectation: Expectation): readonly GenerationEvent[] {
  const reader = new AnswerReader(target.errors);
  const error = errorIn(body);
  const wire = asObject(body);
  if (error) reader.refuse(200, error);
  else if (!wire || (wire.candidates === undefined && wire.promptFeedback === undefined))
    reader.fail(gatewayError('upstream_malformed', 'Provider sent an answer that could not be read'));
  else {
    reader.chunk(wire);
    reader.complete();
  }
  return reader.take();
}
