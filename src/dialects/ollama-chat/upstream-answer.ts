import { gatewayError } from '../../canon/errors.ts';
import type { GenerationEvent } from '../../canon/event.ts';
import type { Machine } from '../../canon/machine.ts';
import type { Target } from '../../canon/target.ts';
import type { Usage } from '../../canon/units.ts';
import type { Frame } from '../../streams/sse.ts';
import { AnswerEvents, frameDecoder } from '../answer-events.ts';
import type { Expectation } from '../dialect.ts';
import { asArray, asCount, asObject, asText, type JsonObject, parseJson } from '../read.ts';
import { nineCharacters } from '../rewritten-names.ts';
import { finishReason } from './finish.ts';

/** Counts as told; a prompt that was not counted is left to the estimate. */
function decodeUsage(wire: JsonObject): Usage | undefined {
  const input = asCount(wire.prompt_eval_count);
  const output = asCount(wire.eval_count);
  if (input === undefined || output === undefined) return undefined;
  const raw = { prompt_eval_count: wire.prompt_eval_count, eval_count: wire.eval_count };
  return { counts: { ...(input > 0 && { input }), ...(output > 0 && { output }) }, estimated: false, raw };
}

/** Collects one answer's events: lines add to each other, and a whole answer is one line. */
class AnswerReader extends AnswerEvents {
  #calls = 0;
  /** When the answer began: no other answer has the same. */
  #seed = '';

  line(wire: JsonObject): void {
    if (wire.error != null) {
      this.refuse(200, wire);
      return;
    }
    this.#seed ||= asText(wire.created_at) ?? '';
    this.start(asText(wire.id), asText(wire.model));
    const message = asObject(wire.message) ?? wire;
    this.#text('reasoning', asText(message.thinking));
    this.#text('text', asText(message.content) ?? asText(message.response));
    for (const call of asArray(message.tool_calls) ?? []) this.#call(asObject(call) ?? {});
    if (wire.done === true) this.#done(wire);
  }

  #done(wire: JsonObject): void {
    const reason = asText(wire.done_reason) ?? null;
    const finish = finishReason(reason, this.calledTools);
    if (finish === 'error') this.fail(gatewayError('upstream_empty', 'Provider loaded the model and said nothing'));
    else this.finish(finish, reason, decodeUsage(wire), undefined);
  }

  #text(kind: 'text' | 'reasoning', text: string | undefined): void {
    if (text === undefined) return;
    if (this.block?.kind !== kind)
      this.announce(kind === 'text' ? { kind } : { kind, form: 'text', format: 'unknown' });
    this.text(text);
  }

  #call(wire: JsonObject): void {
    const called = asObject(wire.function);
    const name = asText(called?.name);
    if (!called || name === undefined) return;
    // Older servers name no calls; each gets a name of its own (UP-067).
    const callId = asText(wire.id) ?? `call_${nineCharacters(`${this.#seed}/${this.#calls}/${name}`)}`;
    this.#calls += 1;
    this.announce({ kind: 'tool-call', callId, name });
    const args = called.arguments;
    const object = asObject(args) ?? (typeof args === 'string' ? asObject(parseJson(args)) : undefined);
    this.input(JSON.stringify(object ?? {}));
    this.blockEnd();
  }
}

/** Complete by the line that says `done`. */
export function decodeStream(target: Target, _expectation: Expectation): Machine<Frame, GenerationEvent> {
  const reader = new AnswerReader(target.errors);
  return frameDecoder(
    reader,
    (wire) => reader.line(wire),
    () => reader.cut(),
  );
}

/** A whole answer → the same events its stream would have given. */
export function decodeWhole(body: unknown, target: Target, _expectation: Expectation): readonly GenerationEvent[] {
  const reader = new AnswerReader(target.errors);
  const wire = asObject(body);
  if (!wire) reader.fail(gatewayError('upstream_malformed', 'Provider sent an answer that could not be read'));
  else reader.line(wire);
  if (!reader.ended) reader.cut();
  return reader.take();
}
