import { type Generation, tell } from '../../canon/collect.ts';
import { errorRow, type GatewayError } from '../../canon/errors.ts';
import type { Block, FinishReason, GenerationEvent } from '../../canon/event.ts';
import { type Machine, NOTHING } from '../../canon/machine.ts';
import { tokens, type Usage } from '../../canon/units.ts';
import type { Frame } from '../../streams/sse.ts';
import type { AnswerContext, EncodedError, ErrorContext } from '../dialect.ts';
import { ruleMetadata, statusOf } from '../envelope.ts';
import { asObject, parseJson } from '../read.ts';

type Wire = Record<string, unknown>;

/** Which of the two routes is answered: a turn of a conversation, or plain text. */
export type Form = 'chat' | 'generate';

const DONE_REASONS: { readonly [F in FinishReason]: string } = {
  stop: 'stop',
  length: 'length',
  'tool-calls': 'stop',
  'content-filter': 'stop',
  error: 'stop',
};

function errorBody(error: GatewayError, { quirks, status }: Omit<ErrorContext, 'origin'>): Wire {
  const message = error.code === 'internal' ? 'Internal Server Error' : error.message;
  if (status !== undefined || !quirks.has('router-answers')) return { error: message };
  return {
    error: message,
    error_type: errorRow(error.code).type,
    code: statusOf(error),
    ...ruleMetadata(error, status),
  };
}

export const encodeError = (error: GatewayError, context: ErrorContext): EncodedError => ({
  status: context.status ?? statusOf(error),
  body: errorBody(error, context),
});

/** Events → what the line says beside its envelope. A call is told whole, when its arguments are complete. */
class LineWriter {
  readonly #context: AnswerContext;
  readonly #form: Form;
  #block: Block | undefined;
  #arguments = '';

  constructor(context: AnswerContext, form: Form) {
    this.#context = context;
    this.#form = form;
  }

  said(event: GenerationEvent): Wire | undefined {
    if (event.type === 'block-start') {
      this.#block = event.block;
      this.#arguments = '';
      return undefined;
    }
    if (event.type === 'block-end') return this.#end();
    if (event.type !== 'block-delta') return undefined;
    const { delta } = event;
    if (delta.kind === 'arguments') this.#arguments += delta.text;
    const text = delta.kind === 'text' ? delta.text : delta.kind === 'audio' ? (delta.transcript ?? '') : '';
    if (text === '') return undefined;
    if (this.#block?.kind !== 'reasoning') return this.#message(text, {});
    return this.#context.showReasoning ? this.#message('', { thinking: text }) : undefined;
  }

  /** The line that says so much. */
  line(message: Wire, rest: Wire): Wire {
    const created = new Date(this.#context.created * 1000).toISOString();
    return { model: this.#context.model, created_at: created, ...message, ...rest };
  }

  last(finish: FinishReason, usage: Usage | undefined): Wire {
    const context = this.#context;
    const counts = usage?.counts ?? {};
    const router = context.quirks.has('router-answers');
    const bill = router ? context.bill?.() : undefined;
    const metadata = context.metadata?.();
    return {
      done: true,
      done_reason: DONE_REASONS[finish],
      prompt_eval_count: tokens(counts, 'input'),
      eval_count: tokens(counts, 'output'),
      ...(router && { id: context.id, ...(context.provider !== undefined && { provider: context.provider }) }),
      ...(bill && { cost: bill.costUsd }),
      ...(metadata !== undefined && { openrouter_metadata: metadata }),
    };
  }

  #end(): Wire | undefined {
    const block = this.#block;
    this.#block = undefined;
    if (block?.kind !== 'tool-call' || this.#form === 'generate') return undefined;
    const called = { name: block.name, arguments: asObject(parseJson(this.#arguments)) ?? {} };
    return this.#message('', { tool_calls: [{ id: block.callId, function: called }] });
  }

  #message(text: string, more: Wire): Wire {
    return this.#form === 'generate'
      ? { response: text, ...more }
      : { message: { role: 'assistant', content: text, ...more } };
  }
}

const EMPTY: { readonly [F in Form]: Wire } = {
  chat: { message: { role: 'assistant', content: '' } },
  generate: { response: '' },
};

/** Events → lines. The last one leaves with `end()`, after the bill is settled. */
export function encodeStream(context: AnswerContext, form: Form): Machine<GenerationEvent, Frame> {
  const writer = new LineWriter(context, form);
  let usage: Usage | undefined;
  let finish: FinishReason | undefined;
  const frame = (wire: Wire): Frame => ({ data: JSON.stringify(wire) });
  return {
    step(event) {
      if (event.type === 'usage') usage = event.usage;
      if (event.type === 'generation-end') finish = event.finish;
      if (event.type === 'generation-error') return [frame(errorBody(event.error, context))];
      const said = writer.said(event);
      return said ? [frame(writer.line(said, { done: false }))] : NOTHING;
    },
    end: () => (finish ? [frame(writer.line(EMPTY[form], writer.last(finish, usage)))] : NOTHING),
  };
}

const joined = (values: readonly unknown[]): string => values.filter((value) => typeof value === 'string').join('');

/** A whole answer. One that broke half-way is an error: this wire has no place for both. */
export function encodeWhole(generation: Generation, context: AnswerContext, form: Form): unknown {
  if (generation.error) return errorBody(generation.error, context);
  const writer = new LineWriter(context, form);
  const lines: Wire[] = [];
  for (const event of tell(generation)) {
    const said = writer.said(event);
    if (said) lines.push({ ...said, ...asObject(said.message) });
  }
  const thinking = joined(lines.map((line) => line.thinking));
  const calls = lines.flatMap((line) => (line.tool_calls as readonly unknown[] | undefined) ?? []);
  const text = joined(lines.map((line) => (form === 'chat' ? line.content : line.response)));
  const more = { ...(thinking !== '' && { thinking }), ...(calls.length > 0 && { tool_calls: calls }) };
  return writer.line(
    form === 'chat' ? { message: { role: 'assistant', content: text, ...more } } : { response: text, ...more },
    writer.last(generation.finish, generation.usage),
  );
}
