import { gatewayError } from '../../canon/errors.ts';
import type { GenerationEvent } from '../../canon/event.ts';
import { type Machine, NOTHING } from '../../canon/machine.ts';
import type { ErrorRule, Target } from '../../canon/target.ts';
import type { Frame } from '../../streams/sse.ts';
import { classify } from '../classify.ts';
import type { Expectation } from '../dialect.ts';
import { asArray, asNumber, asObject, asText, type JsonObject, parseJson } from '../read.ts';
import { AnswerReader } from './answer-reader.ts';
import { decodeUsage } from './usage.ts';

const logprobsOf = (choice: JsonObject): readonly unknown[] | undefined => {
  const list = asArray(asObject(choice.logprobs)?.content);
  return list && list.length > 0 ? list : undefined;
};

/** An error that came as data: in OpenRouter's, OpenAI's or a flat shape. */
function errorIn(wire: JsonObject): boolean {
  if (wire.error != null && wire.error !== '') return true;
  if (wire.object === 'error') return true;
  const outcome = asNumber(asObject(wire.base_resp)?.status_code);
  if (outcome !== undefined && outcome !== 0) return true;
  return (
    wire.choices === undefined &&
    typeof wire.message === 'string' &&
    (wire.type !== undefined || wire.code !== undefined)
  );
}

/** Usage may stand at the top, in a vendor's corner or in the choice (spec/providers B.1.3). */
function usageIn(wire: JsonObject, choice: JsonObject | undefined, apart: boolean): ReturnType<typeof decodeUsage> {
  return (
    decodeUsage(wire.usage, apart) ??
    decodeUsage(asObject(wire.x_groq)?.usage, apart) ??
    decodeUsage(choice?.usage, apart)
  );
}

const countsApart = ({ quirks }: Target): boolean => quirks.has('reasoning-apart');

/** The first choice: we ask for one, and a further one would be another answer. */
function firstChoice(wire: JsonObject): JsonObject | undefined {
  return asArray(wire.choices)
    ?.map(asObject)
    .find((choice) => choice !== undefined && (asNumber(choice.index) ?? 0) === 0);
}

/** Frames → events (spec/providers B.1.3). Complete only by `[DONE]` or, where a host forgets it, by a finish reason. */
class StreamDecoder implements Machine<Frame, GenerationEvent> {
  readonly #reader: AnswerReader;
  readonly #errors: readonly ErrorRule[] | undefined;
  readonly #apart: boolean;

  constructor(target: Target, expectation: Expectation) {
    this.#errors = target.errors;
    this.#apart = countsApart(target);
    this.#reader = new AnswerReader(expectation, target);
  }

  step(frame: Frame): readonly GenerationEvent[] {
    const reader = this.#reader;
    if (reader.ended) return NOTHING;
    const data = frame.data.trim();
    if (data === '') return NOTHING;
    if (data === '[DONE]') {
      reader.end();
      return reader.take();
    }
    const wire = asObject(parseJson(data));
    if (!wire) reader.fail(gatewayError('upstream_malformed', 'Provider sent a chunk that could not be read'));
    else if (frame.event === 'error' || errorIn(wire)) reader.fail(classify(200, wire, this.#errors));
    else this.#chunk(wire);
    return reader.take();
  }

  end(): readonly GenerationEvent[] {
    const reader = this.#reader;
    if (reader.ended) return NOTHING;
    if (reader.finished) reader.end();
    else if (reader.hasContent)
      reader.fail(gatewayError('upstream_interrupted', 'Provider ended the stream before its answer was complete'));
    else reader.fail(gatewayError('upstream_empty', 'Provider ended the stream without an answer'));
    return reader.take();
  }

  #chunk(wire: JsonObject): void {
    const reader = this.#reader;
    // What some hosts say of the prompt comes first, in a chunk that has neither an id nor a choice.
    if (wire.id !== '') reader.start(wire);
    const choice = firstChoice(wire);
    if (wire.usage != null || choice?.usage != null || wire.x_groq != null)
      reader.usage(usageIn(wire, choice, this.#apart));
    if (wire.service_tier != null) reader.serviceTier(wire.service_tier);
    if (!choice) return;
    const delta = asObject(choice.delta) ?? asObject(choice.message);
    if (delta) reader.read(delta, choice.logprobs == null ? undefined : logprobsOf(choice));
    const word = asText(choice.finish_reason);
    if (word === undefined) return;
    // A choice that fails carries its error beside the finish reason.
    if (word === 'error' && choice.error != null) reader.fail(classify(200, choice, this.#errors));
    else reader.finish(word, asText(choice.native_finish_reason));
  }
}

export const decodeStream = (target: Target, expectation: Expectation): Machine<Frame, GenerationEvent> =>
  new StreamDecoder(target, expectation);

/** A whole answer → the same events its stream would have given. */
export function decodeWhole(body: unknown, target: Target, expectation: Expectation): readonly GenerationEvent[] {
  const reader = new AnswerReader(expectation, target);
  const wire = asObject(body);
  if (!wire) {
    reader.fail(gatewayError('upstream_malformed', 'Provider sent an answer that could not be read'));
    return reader.take();
  }
  const choice = firstChoice(wire);
  if (!choice && errorIn(wire)) {
    reader.fail(classify(200, wire, target.errors));
    return reader.take();
  }
  reader.start(wire);
  reader.usage(usageIn(wire, choice, countsApart(target)));
  reader.serviceTier(wire.service_tier);
  const message = asObject(choice?.message);
  if (choice && message) reader.read(message, logprobsOf(choice));
  const word = asText(choice?.finish_reason);
  if (choice?.error != null) {
    reader.fail(classify(200, choice, target.errors));
    return reader.take();
  }
  // A whole answer is complete by being there; a host that names no reason has simply stopped.
  if (word !== undefined) reader.finish(word, asText(choice?.native_finish_reason));
  reader.end();
  return reader.take();
}
