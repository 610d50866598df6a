import { gatewayError } from '../../canon/errors.ts';
import type { GenerationEvent } from '../../canon/event.ts';
import type { Machine } from '../../canon/machine.ts';
import type { Target } from '../../canon/target.ts';
import type { Frame } from '../../streams/sse.ts';
import { AnswerEvents, frameDecoder } from '../answer-events.ts';
import type { Expectation } from '../dialect.ts';
import { asArray, asObject, asText, type JsonObject } from '../read.ts';
import { finishReason } from './finish.ts';
import { FORMAT } from './id.ts';
import { decodeUsage } from './usage.ts';

const THOUGHT = { kind: 'reasoning', form: 'text', format: FORMAT } as const;

/** Collects one answer's events. Blocks have a start only where they are calls; an index tells where others begin. */
class AnswerReader extends AnswerEvents {
  #usage: unknown;
  #stop: string | undefined;
  #index: unknown;

  event(wire: JsonObject, event: string | undefined): void {
    if (event === 'messageStart') this.start(undefined, undefined);
    else if (event === 'contentBlockStart') this.#blockStart(wire);
    else if (event === 'contentBlockDelta') this.#delta(wire);
    else if (event === 'contentBlockStop') this.blockEnd();
    else if (event === 'messageStop') this.#stop = asText(wire.stopReason) ?? 'end_turn';
    else if (event === 'metadata') {
      this.#usage = wire.usage;
      if (this.#stop !== undefined) this.complete();
    } else if (event?.endsWith('Exception')) this.refuse(200, { ...wire, __type: event });
  }

  whole(wire: JsonObject): void {
    this.start(undefined, undefined);
    this.#usage = wire.usage;
    for (const block of asArray(asObject(asObject(wire.output)?.message)?.content) ?? []) {
      this.#block(asObject(block) ?? {});
      this.blockEnd();
    }
    this.#stop = asText(wire.stopReason);
    this.complete();
  }

  /** The counts follow the reason to stop, so it is complete when both are there, or when nothing more comes. */
  complete(): void {
    const usage = decodeUsage(this.#usage);
    const stop = this.#stop;
    if (stop === undefined) this.cut(usage);
    else this.finish(finishReason(stop, this.calledTools), stop, usage, undefined);
  }

  #blockStart(wire: JsonObject): void {
    this.#index = wire.contentBlockIndex;
    const toolUse = asObject(asObject(wire.start)?.toolUse);
    if (toolUse) this.#call(toolUse);
  }

  #delta(wire: JsonObject): void {
    if (wire.contentBlockIndex !== this.#index) this.blockEnd();
    this.#index = wire.contentBlockIndex;
    const delta = asObject(wire.delta) ?? {};
    const input = asText(asObject(delta.toolUse)?.input);
    if (input !== undefined) this.input(input);
    const reasoning = asObject(delta.reasoningContent);
    if (reasoning) this.#thought(reasoning);
    else this.#text(asText(delta.text));
  }

  #block(block: JsonObject): void {
    const toolUse = asObject(block.toolUse);
    const reasoning = asObject(block.reasoningContent);
    if (toolUse) {
      this.#call(toolUse);
      this.input(JSON.stringify(asObject(toolUse.input) ?? {}));
    } else if (reasoning) this.#thought(asObject(reasoning.reasoningText) ?? reasoning);
    else this.#text(asText(block.text));
  }

  #text(text: string | undefined): void {
    if (text === undefined) return;
    if (this.block?.kind !== 'text') this.announce({ kind: 'text' });
    this.text(text);
  }

  #thought(said: JsonObject): void {
    const sealed = asText(said.redactedContent);
    if (sealed !== undefined) {
      this.announce({ kind: 'opaque', format: FORMAT, data: sealed });
      this.blockEnd();
      return;
    }
    if (this.block?.kind !== 'reasoning') this.announce(THOUGHT);
    this.text(asText(said.text));
    this.signature(asText(said.signature));
  }

  #call(toolUse: JsonObject): void {
    const callId = asText(toolUse.toolUseId);
    const name = asText(toolUse.name);
    if (callId !== undefined && name !== undefined) this.announce({ kind: 'tool-call', callId, name });
  }
}

/** Complete by the counts after the reason to stop. */
export function decodeStream(target: Target, _expectation: Expectation): Machine<Frame, GenerationEvent> {
  const reader = new AnswerReader(target.errors);
  return frameDecoder(
    reader,
    (wire, event) => reader.event(wire, event),
    () => reader.complete(),
  );
}

/** A whole answer → the same events its stream would have given. */
export function decodeWhole(body: unknown, target: Target, _expectation: Expectation): readonly GenerationEvent[] {
  const reader = new AnswerReader(target.errors);
  const wire = asObject(body);
  if (wire && asObject(wire.output)) reader.whole(wire);
  else if (wire && (wire.__type !== undefined || wire.message !== undefined)) reader.refuse(200, wire);
  else reader.fail(gatewayError('upstream_malformed', 'Provider sent an answer that could not be read'));
  return reader.take();
}
