import { gatewayError } from '../../canon/errors.ts';
import type { Annotation, GenerationEvent } from '../../canon/event.ts';
import type { Machine } from '../../canon/machine.ts';
import type { Target } from '../../canon/target.ts';
import type { Frame } from '../../streams/sse.ts';
import { AnswerEvents, frameDecoder } from '../answer-events.ts';
import type { Expectation } from '../dialect.ts';
import { asArray, asNumber, asObject, asText, type JsonObject } from '../read.ts';
import { finishReason } from './finish.ts';
import { decodeUsage } from './usage.ts';

function annotationOf(wire: JsonObject | undefined): Annotation | undefined {
  if (!wire) return undefined;
  const source = asObject(asArray(wire.sources)?.[0]);
  const document = asObject(source?.document);
  const url = asText(document?.url) ?? asText(source?.id);
  if (url === undefined) return undefined;
  const content = asText(wire.text);
  return {
    kind: 'url',
    url,
    title: asText(document?.title) ?? '',
    ...(content !== undefined && { content }),
    start: asNumber(wire.start) ?? 0,
    end: asNumber(wire.end) ?? 0,
  };
}

/** Collects one answer's events from the contents, citations and calls between their starts and ends. */
class AnswerReader extends AnswerEvents {
  event(wire: JsonObject): void {
    const message = asObject(asObject(wire.delta)?.message);
    switch (wire.type) {
      case 'message-start':
        this.start(asText(wire.id), undefined);
        return;
      case 'tool-plan-delta':
        this.#said('reasoning', asText(message?.tool_plan));
        return;
      case 'content-start':
      case 'content-delta':
        this.#content(asObject(message?.content) ?? {}, wire.type === 'content-start');
        return;
      case 'content-end':
      case 'tool-call-end':
        this.blockEnd();
        return;
      case 'citation-start':
        this.#cited(annotationOf(asObject(message?.citations)));
        return;
      case 'tool-call-start':
        this.#call(asObject(message?.tool_calls) ?? {});
        return;
      case 'tool-call-delta':
        this.#arguments(asText(asObject(asObject(message?.tool_calls)?.function)?.arguments));
        return;
      case 'message-end':
        this.#ended(asObject(wire.delta) ?? {});
        return;
      default:
        // Events nobody told us of, and errors without a type.
        if (wire.type === undefined && asText(wire.message) !== undefined) this.refuse(200, wire);
    }
  }

  whole(wire: JsonObject): void {
    const message = asObject(wire.message) ?? {};
    this.start(asText(wire.id), undefined);
    this.#said('reasoning', asText(message.tool_plan));
    for (const content of asArray(message.content) ?? []) {
      this.#content(asObject(content) ?? {}, true);
      this.blockEnd();
    }
    for (const citation of asArray(message.citations) ?? []) this.#cited(annotationOf(asObject(citation)));
    for (const call of asArray(message.tool_calls) ?? []) {
      this.#call(asObject(call) ?? {});
      this.blockEnd();
    }
    this.#ended(wire);
  }

  #content(content: JsonObject, opens: boolean): void {
    const kind = content.type === 'thinking' || asText(content.thinking) !== undefined ? 'reasoning' : 'text';
    if (opens) this.#open(kind);
    this.#said(kind, asText(content.thinking) ?? asText(content.text));
  }

  #open(kind: 'text' | 'reasoning'): void {
    this.announce(kind === 'text' ? { kind } : { kind, form: 'text', format: 'unknown' });
  }

  #said(kind: 'text' | 'reasoning', text: string | undefined): void {
    if (text === undefined) return;
    if (this.block?.kind !== kind) this.#open(kind);
    this.text(text);
  }

  #cited(annotation: Annotation | undefined): void {
    this.citation(annotation);
    this.blockEnd();
  }

  #call(call: JsonObject): void {
    const called = asObject(call.function);
    const callId = asText(call.id);
    const name = asText(called?.name);
    if (callId === undefined || name === undefined) return;
    this.announce({ kind: 'tool-call', callId, name });
    this.#arguments(asText(called?.arguments));
  }

  /** A call without arguments has the text `null` here. */
  #arguments(text: string | undefined): void {
    if (text !== undefined && text.trim() !== 'null') this.input(text);
  }

  #ended({ finish_reason, usage, error }: JsonObject): void {
    const word = asText(finish_reason);
    const counted = decodeUsage(usage);
    if (word === undefined) this.cut(counted);
    else if (error != null) this.refuse(500, { message: asText(error) ?? 'Provider returned error' }, counted);
    else this.finish(finishReason(word, this.calledTools), word, counted, undefined);
  }
}

/** Complete by `message-end`. */
export function decodeStream(target: Target, _expectation: Expectation): Machine<Frame, GenerationEvent> {
  const reader = new AnswerReader(target.errors);
  return frameDecoder(
    reader,
    (wire) => reader.event(wire),
    () => reader.cut(),
  );
}

/** A whole answer → the same events its stream would have given. */
export function decodeWhole(body: unknown, target: Target, _expectation: Expectation): readonly GenerationEvent[] {
  const reader = new AnswerReader(target.errors);
  const wire = asObject(body);
  if (wire && asObject(wire.message)) reader.whole(wire);
  else if (wire && asText(wire.message) !== undefined) reader.refuse(200, wire);
  else reader.fail(gatewayError('upstream_malformed', 'Provider sent an answer that could not be read'));
  return reader.take();
}
