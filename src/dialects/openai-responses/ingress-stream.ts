import type { ErrorCode } from '../../canon/errors.ts';
import type { Annotation, Block, Delta, GenerationEvent } from '../../canon/event.ts';
import { type Machine, NOTHING } from '../../canon/machine.ts';
import { toldTier } from '../../canon/tiers.ts';
import type { Usage } from '../../canon/units.ts';
import type { Frame } from '../../streams/sse.ts';
import type { AnswerContext } from '../dialect.ts';
import { errorObject } from '../envelope.ts';
import { INCOMPLETE, responseHead } from './response.ts';
import { encodeUsage } from './usage.ts';

type Wire = Record<string, unknown>;
const SEALED = 'reasoning.encrypted_content';

type End = Extract<GenerationEvent, { type: 'generation-end' }>;

const DONE: Frame = { data: '[DONE]' };

/** A prompt that is too long for its host is an answer without room (spec/inference 4.10). */
export const TOLD_AS_LENGTH: ReadonlySet<ErrorCode> = new Set(['upstream_context_too_long']);

/** One event for each provider tried, before everything else. */
export const encodeEchoes = ({ echoes = [] }: AnswerContext): readonly Frame[] =>
  echoes.map((body, sequence_number) => {
    const type = 'response.debug';
    return {
      event: type,
      data: JSON.stringify({ type, sequence_number, debug: { echo_upstream_body: JSON.parse(body) } }),
    };
  });

/** The item under way, with what was said in it so far. */
interface OpenItem {
  readonly item: Wire;
  readonly index: number;
  /** Of a message: its parts; the last one may still be open. */
  readonly parts: Wire[];
  /** Of a call, or of the open part of a thought: its text. */
  text: string;
  /** Of a thought: whether its open part tells it or sums it up. */
  form?: 'text' | 'summary' | undefined;
}

/**
 * Events → the event grammar of spec/inference 6.4. The terminal event leaves with `end()`, so that the caller can settle the bill in
 * between and the usage tells the settled cost.
 */
export class ResponseWriter implements Machine<GenerationEvent, Frame> {
  readonly #context: AnswerContext;
  readonly #output: Wire[] = [];
  #frames: Frame[] = [];
  #sequence = 0;
  #open: OpenItem | undefined;
  #partOpen = false;
  #block: Block | undefined;
  #usage: Usage | undefined;
  #end: End | undefined;
  #failed = false;
  #begun = false;

  constructor(context: AnswerContext) {
    this.#context = context;
    // What was sent to hosts has been told already.
    this.#sequence = context.echoes?.length ?? 0;
  }

  step(event: GenerationEvent): readonly Frame[] {
    switch (event.type) {
      case 'block-delta':
        this.#delta(event.delta);
        break;
      case 'block-start':
        this.#block = event.block;
        this.#start(event.block);
        break;
      case 'block-end':
        this.#blockEnd();
        break;
      case 'usage':
        this.#usage = event.usage;
        return NOTHING;
      case 'generation-start':
        this.#begin();
        break;
      case 'generation-end':
        this.#closeItem();
        this.#end = event;
        break;
      case 'generation-error': {
        if (TOLD_AS_LENGTH.has(event.error.code)) {
          this.#begin();
          this.#closeItem();
          this.#end = {
            type: 'generation-end',
            finish: 'length',
            nativeFinish: event.error.facts.providerCode ?? null,
          };
          break;
        }
        this.#failed = true;
        const { quirks, origin = '' } = this.#context;
        const { code, message, metadata, availability } = errorObject(event.error, { quirks, origin });
        const type = String((metadata as Wire | undefined)?.error_type ?? code);
        const error = { code: type, message, ...(availability !== undefined && { availability }) };
        const response = { ...this.#state('failed'), error, error_type: type };
        this.#emit('response.failed', { response });
      }
    }
    return this.#take();
  }

  end(): readonly Frame[] {
    if (this.#end && !this.#failed) {
      const response = this.response();
      this.#emit(`response.${String(response.status)}`, { response });
    }
    this.#frames.push(DONE);
    return this.#take();
  }

  /** The whole answer, once it has ended. */
  response(): Wire {
    const reason = this.#end && INCOMPLETE[this.#end.finish];
    const metadata = this.#context.metadata?.();
    return {
      ...this.#state(reason === undefined ? 'completed' : 'incomplete'),
      completed_at: reason === undefined ? this.#context.created : null,
      incomplete_details: reason === undefined ? null : { reason },
      ...(this.#end?.serviceTier !== undefined && { service_tier: toldTier(this.#end.serviceTier) }),
      usage: encodeUsage(this.#usage, this.#context),
      ...(metadata !== undefined && { openrouter_metadata: metadata }),
    };
  }

  #begin(): void {
    if (this.#begun) return;
    this.#begun = true;
    this.#emit('response.created', { response: this.#state('in_progress') });
    this.#emit('response.in_progress', { response: this.#state('in_progress') });
  }

  #state(status: string): Wire {
    return {
      ...responseHead(this.#context),
      status,
      completed_at: null,
      error: null,
      incomplete_details: null,
      output: [...this.#output],
    };
  }

  #take(): readonly Frame[] {
    const frames = this.#frames;
    this.#frames = [];
    return frames;
  }

  #emit(type: string, members: Wire): void {
    const data = JSON.stringify({ type, sequence_number: this.#sequence, ...members });
    this.#sequence += 1;
    this.#frames.push({ event: type, data });
  }

  /** An event within the open item. */
  #inner(type: string, members: Wire): void {
    const open = this.#open;
    if (open) this.#emit(type, { item_id: open.item.id, output_index: open.index, ...members });
  }

  #openItem(prefix: string, item: Wire): OpenItem {
    this.#closeItem();
    const index = this.#output.length;
    const id = item.id ?? `${prefix}_${this.#context.id}_${index}`;
    const open: OpenItem = { item: { ...item, id }, index, parts: [], text: '' };
    this.#open = open;
    this.#emit('response.output_item.added', { output_index: index, item: open.item });
    return open;
  }

  #done(item: Wire): void {
    const open = this.#open;
    if (!open) return;
    this.#open = undefined;
    this.#output.push(item);
    this.#emit('response.output_item.done', { output_index: open.index, item });
  }

  #closeItem(): void {
    const open = this.#open;
    if (!open) return;
    this.#closePart();
    if (open.item.type === 'message') this.#done({ ...open.item, status: 'completed', content: open.parts });
    else if (open.item.type === 'function_call') {
      this.#inner('response.function_call_arguments.done', { arguments: open.text, name: open.item.name });
      this.#done({ ...open.item, status: 'completed', arguments: open.text });
    } else this.#closeThought(open);
  }

  #closeThought(open: OpenItem): void {
    this.#closeThoughtPart(open);
    this.#done({ ...open.item, status: 'completed' });
  }

  /** A thought has parts of two kinds, each numbered by itself: what was thought, and what that comes to. */
  #closeThoughtPart(open: OpenItem): void {
    const { text, form, item } = open;
    if (form === undefined || !this.#context.showReasoning) return;
    const summary = form === 'summary';
    const part = { type: summary ? 'summary_text' : 'reasoning_text', text };
    const list = (summary ? item.summary : item.content) as Wire[];
    const at = summary ? { summary_index: list.length } : { content_index: list.length };
    list.push(part);
    this.#inner(summary ? 'response.reasoning_summary_text.done' : 'response.reasoning_text.done', { ...at, text });
    this.#inner(summary ? 'response.reasoning_summary_part.done' : 'response.content_part.done', { ...at, part });
    open.text = '';
    open.form = undefined;
  }

  #message(): OpenItem {
    if (this.#open?.item.type === 'message') return this.#open;
    return this.#openItem('msg', { type: 'message', role: 'assistant', status: 'in_progress', content: [] });
  }

  #openPart(part: Wire): void {
    const { parts } = this.#message();
    this.#closePart();
    parts.push(part);
    this.#partOpen = true;
    this.#inner('response.content_part.added', { content_index: parts.length - 1, part });
  }

  /** A part stays open until the next begins, because citations follow the text that they stand in. */
  #closePart(): void {
    const part = this.#open?.parts.at(-1);
    if (!this.#partOpen || !part) return;
    this.#partOpen = false;
    const at = { content_index: (this.#open?.parts.length ?? 1) - 1 };
    if (part.type === 'refusal') this.#inner('response.refusal.done', { ...at, refusal: part.refusal });
    else this.#inner('response.output_text.done', { ...at, text: part.text, logprobs: [] });
    this.#inner('response.content_part.done', { ...at, part });
  }

  #start(block: Block): void {
    switch (block.kind) {
      case 'text':
      case 'audio':
        this.#openPart({ type: 'output_text', text: '', annotations: [], logprobs: [] });
        break;
      case 'refusal':
        this.#openPart({ type: 'refusal', refusal: '' });
        break;
      case 'citation':
        this.#annotate(block.annotation);
        break;
      case 'tool-call': {
        const { callId, name } = block;
        this.#openItem('fc', { type: 'function_call', status: 'in_progress', call_id: callId, name, arguments: '' });
        break;
      }
      case 'reasoning':
        this.#startThought(block);
        break;
      case 'opaque':
        this.#seal(block);
        break;
      case 'image': {
        const result = block.url.slice(block.url.indexOf(',') + 1);
        const open = this.#openItem('ig', { type: 'image_generation_call', status: 'completed', result });
        this.#done(open.item);
      }
    }
  }

  /** A sealed thought of the same id is the same item as the one just told: ids are unique within a response. */
  #seal({ format, id, data }: Extract<Block, { kind: 'opaque' }>): void {
    const open = this.#sameThought(id) ?? this.#openItem('rs', this.#thought(format, id));
    // A client that does not ask for it does not get it (INF-283).
    const { request } = this.#context;
    if (!request || request.include?.includes(SEALED)) open.item.encrypted_content = data;
    this.#closeItem();
  }

  #sameThought(id: string | undefined): OpenItem | undefined {
    const open = this.#open;
    return id !== undefined && open?.item.type === 'reasoning' && open.item.id === id ? open : undefined;
  }

  /** Who asks for a summary looks for thoughts there: what a host tells in full is shown in that place. */
  #startThought({ format, id, form: own }: Extract<Block, { kind: 'reasoning' }>): void {
    const form = this.#context.request?.reasoning?.summary === undefined ? own : 'summary';
    const again = this.#sameThought(id);
    if (again) this.#closeThoughtPart(again);
    const open = again ?? this.#openItem('rs', { ...this.#thought(format, id), status: 'in_progress' });
    open.form = form;
    if (!this.#context.showReasoning) return;
    if (form === 'text') open.item.content ??= [];
    const list = (form === 'summary' ? open.item.summary : open.item.content) as Wire[];
    const part = { type: form === 'summary' ? 'summary_text' : 'reasoning_text', text: '' };
    if (form === 'summary') this.#inner('response.reasoning_summary_part.added', { summary_index: list.length, part });
    else this.#inner('response.content_part.added', { content_index: list.length, part });
  }

  #thought(format: string, id: string | undefined): Wire {
    return { ...(id !== undefined && { id }), type: 'reasoning', summary: [], format };
  }

  #annotate(annotation: Annotation): void {
    if (annotation.kind !== 'url') return;
    if (this.#open?.parts.at(-1)?.type !== 'output_text' || !this.#partOpen)
      this.#openPart({ type: 'output_text', text: '', annotations: [], logprobs: [] });
    const parts = this.#message().parts;
    const annotations = parts.at(-1)?.annotations as Wire[];
    const { url, title, start, end, content } = annotation;
    const wire = {
      type: 'url_citation',
      url,
      title,
      start_index: start,
      end_index: end,
      ...(content !== undefined && { content }),
    };
    annotations.push(wire);
    this.#inner('response.output_text.annotation.added', {
      content_index: parts.length - 1,
      annotation_index: annotations.length - 1,
      annotation: wire,
    });
  }

  #delta(delta: Delta): void {
    const open = this.#open;
    if (!open) return;
    if (delta.kind === 'signature') open.item.signature = delta.signature;
    else if (delta.kind === 'arguments') {
      open.text += delta.text;
      this.#inner('response.function_call_arguments.delta', { delta: delta.text });
    } else this.#text(open, delta);
  }

  #text(open: OpenItem, delta: Exclude<Delta, { kind: 'signature' | 'arguments' }>): void {
    const text = delta.kind === 'audio' ? (delta.transcript ?? '') : delta.text;
    const block = this.#block;
    if (block?.kind === 'reasoning') {
      if (!this.#context.showReasoning) return;
      open.text += text;
      const { content = [], summary = [] } = open.item as { content?: Wire[]; summary?: Wire[] };
      if (open.form === 'text')
        this.#inner('response.reasoning_text.delta', { content_index: content.length, delta: text });
      else this.#inner('response.reasoning_summary_text.delta', { summary_index: summary.length, delta: text });
      return;
    }
    const part = open.parts.at(-1);
    if (!part) return;
    const at = { content_index: open.parts.length - 1, delta: text };
    if (part.type === 'refusal') {
      part.refusal = String(part.refusal) + text;
      this.#inner('response.refusal.delta', at);
    } else {
      part.text = String(part.text) + text;
      const logprobs = delta.kind === 'text' ? (delta.logprobs ?? []) : [];
      this.#inner('response.output_text.delta', { ...at, logprobs });
    }
  }

  #blockEnd(): void {
    if (this.#block?.kind === 'tool-call') this.#closeItem();
    this.#block = undefined;
  }
}

export const encodeStream = (context: AnswerContext): Machine<GenerationEvent, Frame> => new ResponseWriter(context);
