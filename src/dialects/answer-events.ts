import { type GatewayError, gatewayError } from '../canon/errors.ts';
import type { Annotation, Block, FinishReason, GenerationEvent } from '../canon/event.ts';
import { type Machine, NOTHING } from '../canon/machine.ts';
import type { ErrorRule } from '../canon/target.ts';
import { servedTier } from '../canon/tiers.ts';
import type { Usage } from '../canon/units.ts';
import type { Frame } from '../streams/sse.ts';
import { classify } from './classify.ts';
import { asArray, asObject, type JsonObject, parseJson } from './read.ts';

/** Blocks that are something as soon as they are announced; text and thoughts are opened by their first character. */
const WHOLE: ReadonlySet<Block['kind']> = new Set(['opaque', 'tool-call', 'citation', 'image', 'vector', 'score']);

/**
 * One answer's events in proper order, whatever order a host says things in: one block at a time, citations after the text that they
 * stand in, one end (canon/grammar.ts).
 */
export class AnswerEvents {
  ended = false;
  hasContent = false;
  protected calledTools = false;
  #events: GenerationEvent[] = [];
  #started = false;
  #block: Block | undefined;
  #open = false;
  #arguments = '';
  #citations: Annotation[] = [];
  readonly #errors: readonly ErrorRule[] | undefined;

  /** @param errors what the host's own codes mean */
  constructor(errors?: readonly ErrorRule[]) {
    this.#errors = errors;
  }

  take(): readonly GenerationEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  start(upstreamId: string | undefined, model: string | undefined): void {
    if (this.#started) return;
    this.#started = true;
    this.#events.push({
      type: 'generation-start',
      ...(upstreamId !== undefined && { upstreamId }),
      ...(model !== undefined && { model }),
    });
  }

  /** The block at hand, announced or open. */
  protected get block(): Block | undefined {
    return this.#block;
  }

  announce(block: Block | undefined): void {
    this.blockEnd();
    this.#block = block;
    if (block && WHOLE.has(block.kind)) this.#begin();
  }

  text(text: string | undefined): void {
    const kind = this.#block?.kind;
    if (!text || (kind !== 'text' && kind !== 'reasoning' && kind !== 'refusal')) return;
    this.#begin();
    this.#events.push({ type: 'block-delta', delta: { kind: 'text', text } });
  }

  input(text: string): void {
    if (this.#block?.kind !== 'tool-call' || text === '') return;
    this.#arguments += text;
    this.#events.push({ type: 'block-delta', delta: { kind: 'arguments', text } });
  }

  /** The whole arguments, where no piece of them came. */
  inputWhole(text: string): void {
    if (this.#arguments === '') this.input(text);
  }

  signature(signature: string | undefined): void {
    if (this.#block?.kind !== 'reasoning' || signature === undefined) return;
    this.#begin();
    this.#events.push({ type: 'block-delta', delta: { kind: 'signature', signature } });
  }

  citation(annotation: Annotation | undefined): void {
    if (annotation) this.#citations.push(annotation);
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
    for (const annotation of citations) this.announce({ kind: 'citation', annotation });
    if (citations.length > 0) this.blockEnd();
  }

  /** The answer is complete by its own word. */
  finish(
    finish: FinishReason,
    nativeFinish: string | null,
    usage: Usage | undefined,
    tier: string | undefined,
    continuation?: string,
  ): void {
    if (this.ended) return;
    this.blockEnd();
    if (!this.hasContent && nativeFinish === null) {
      this.fail(gatewayError('upstream_empty', 'Provider returned an empty answer'), usage);
      return;
    }
    this.ended = true;
    this.start(undefined, undefined);
    if (usage) this.#events.push({ type: 'usage', usage });
    this.#events.push({
      type: 'generation-end',
      finish,
      nativeFinish,
      ...(tier !== undefined && { serviceTier: servedTier(tier) ?? tier }),
      ...(continuation !== undefined && { continuation }),
    });
  }

  /** The answer broke, or the host said so. What was produced stays; usage that was already reported is told. */
  fail(error: GatewayError, usage?: Usage): void {
    if (this.ended) return;
    this.ended = true;
    if (usage && this.#started) this.#events.push({ type: 'usage', usage });
    this.#events.push({ type: 'generation-error', error });
  }

  /** The host said that it failed. @param status the status that stands for it */
  refuse(status: number, body: unknown, usage?: Usage): void {
    this.fail(classify(status, body, this.#errors), usage);
  }

  /** The stream is over without its proper end. */
  cut(usage?: Usage): void {
    this.fail(
      this.hasContent
        ? gatewayError('upstream_interrupted', 'Provider ended the stream before its answer was complete')
        : gatewayError('upstream_empty', 'Provider ended the stream without an answer'),
      usage,
    );
  }

  #begin(): void {
    if (this.#open || !this.#block) return;
    this.start(undefined, undefined);
    this.#open = true;
    this.hasContent = true;
    this.calledTools ||= this.#block.kind === 'tool-call';
    this.#events.push({ type: 'block-start', block: this.#block });
  }
}

/**
 * Frames → events, for wires whose frames are JSON objects: what cannot be read is an error, and what follows the end is nothing.
 * @param read takes one frame's object; a list of one counts as its member
 * @param over the stream has ended, by `[DONE]` or without a word
 */
export function frameDecoder(
  reader: AnswerEvents,
  read: (wire: JsonObject, event: string | undefined) => void,
  over: () => void,
): Machine<Frame, GenerationEvent> {
  const end = (): readonly GenerationEvent[] => {
    if (reader.ended) return NOTHING;
    over();
    return reader.take();
  };
  return {
    end,
    step(frame) {
      const data = frame.data.trim();
      if (reader.ended || data === '') return NOTHING;
      if (data === '[DONE]') return end();
      const parsed = parseJson(data);
      const wire = asObject(asArray(parsed)?.[0] ?? parsed);
      if (wire) read(wire, frame.event);
      else reader.fail(gatewayError('upstream_malformed', 'Provider sent an event that could not be read'));
      return reader.take();
    },
  };
}
