import type { GatewayError } from '../../canon/errors.ts';
import type { Block, Delta, GenerationEvent } from '../../canon/event.ts';
import type { Machine } from '../../canon/machine.ts';
import { toldTier } from '../../canon/tiers.ts';
import type { Usage } from '../../canon/units.ts';
import type { Frame } from '../../streams/sse.ts';
import type { AnswerContext } from '../dialect.ts';
import { errorObject } from '../envelope.ts';
import { annotationWire, imageWire, reasoningDetailWire } from './chunk.ts';
import { FINISH_WORDS } from './finish.ts';
import { CLOSE, GAP, OPEN } from './think-tags.ts';
import { encodeUsage } from './usage.ts';

/** The end marker of every stream of this dialect. */
const DONE: Frame = { data: '[DONE]' };

type End = Extract<GenerationEvent, { type: 'generation-end' }>;

/** A choice that says nothing. */
const PLACEHOLDER = { index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null };

/**
 * Events → chunks (spec/inference 3). The finish chunk leaves with `generation-end`; the usage chunk and `[DONE]` leave with `end()`,
 * so that the caller can settle the bill in between and the usage tells the settled cost.
 */
class StreamEncoder implements Machine<GenerationEvent, Frame> {
  readonly #context: AnswerContext;
  /** Everything of a chunk before and after `delta`, written once per stream: what varies is a few bytes of text. */
  readonly #head: string;
  readonly #tail: string;
  /** OpenRouter repeats the role in every delta; others send it once, in a chunk of its own. */
  readonly #router: boolean;
  readonly #thinking: boolean;
  readonly #wholeCalls: boolean;
  readonly #tags: boolean;
  #tagOpen = false;
  #block: Block | undefined;
  #reasoningIndex = -1;
  #callIndex = -1;
  #calls: { id: string; name: string; args: string }[] = [];
  #thoughtEnded = false;
  #usage: Usage | undefined;
  #ended = false;
  #failed = false;

  constructor(context: AnswerContext) {
    this.#context = context;
    this.#router = context.quirks.has('router-answers');
    this.#thinking = context.quirks.has('thinking-chunks');
    this.#wholeCalls = context.quirks.has('whole-tool-calls');
    this.#tags = context.quirks.has('think-tags') || context.quirks.has('think-prefilled');
    this.#head = `${JSON.stringify(this.#identity()).slice(0, -1)},"choices":[{"index":0,"delta":`;
    this.#tail = this.#router
      ? ',"finish_reason":null,"native_finish_reason":null,"logprobs":null}]}'
      : ',"finish_reason":null,"logprobs":null}]}';
  }

  step(event: GenerationEvent): readonly Frame[] {
    switch (event.type) {
      case 'block-delta':
        return this.#delta(event.delta);
      case 'block-start':
        return [...this.#closeTag(event.block.kind), ...this.#blockStart(event.block)];
      case 'block-end':
        return this.#blockEnd();
      case 'usage':
        this.#usage = event.usage;
        return [];
      case 'generation-start':
        return this.#router ? [] : [this.#chunk('{"role":"assistant","content":""}')];
      case 'generation-end':
        this.#ended = true;
        return [...this.#closeTag(undefined), this.#finish(event)];
      case 'generation-error':
        this.#failed = true;
        return [this.#error(event.error)];
    }
  }

  end(): readonly Frame[] {
    if (this.#failed || !this.#ended) return [DONE];
    const metadata = this.#context.metadata?.();
    if (!this.#context.streamUsage || this.#context.quirks.has('usage-in-finish')) return [DONE];
    const usage = this.#usage ?? { counts: {}, estimated: true };
    const chunk = {
      ...this.#identity(),
      choices: this.#context.usagePlaceholder ? [PLACEHOLDER] : [],
      usage: encodeUsage(usage, this.#context),
      ...(metadata !== undefined && { openrouter_metadata: metadata }),
    };
    return [{ data: JSON.stringify(chunk) }, DONE];
  }

  #identity(): Record<string, unknown> {
    const { id, provider, model, created } = this.#context;
    return {
      id,
      ...(this.#router && provider !== undefined && { provider }),
      model,
      object: 'chat.completion.chunk',
      created,
    };
  }

  #chunk(delta: string): Frame {
    return { data: this.#head + delta + this.#tail };
  }

  /** A delta's JSON with the role and content that clients of a router expect beside everything else. */
  #beside(members: string, content = '""'): Frame {
    return this.#chunk(this.#router ? `{"role":"assistant","content":${content},${members}}` : `{${members}}`);
  }

  #text(text: string, logprobs: readonly unknown[] | undefined): Frame {
    let content = JSON.stringify(text);
    if (this.#thoughtEnded) {
      this.#thoughtEnded = false;
      content = `[{"type":"thinking","thinking":[],"closed":true},{"type":"text","text":${content}}]`;
    }
    const delta = this.#router ? `{"role":"assistant","content":${content}}` : `{"content":${content}}`;
    if (!logprobs) return this.#chunk(delta);
    const tail = this.#tail.replace('"logprobs":null', () => `"logprobs":${JSON.stringify({ content: logprobs })}`);
    return { data: this.#head + delta + tail };
  }

  #blockStart(block: Block): readonly Frame[] {
    this.#block = block;
    if (block.kind === 'reasoning' || block.kind === 'opaque') this.#reasoningIndex += 1;
    if (block.kind === 'tool-call') return this.#callStart(block);
    if (block.kind === 'image') return [this.#beside(`"images":${JSON.stringify([imageWire(block.url)])}`)];
    if (block.kind === 'citation')
      return [this.#beside(`"annotations":${JSON.stringify([annotationWire(block.annotation)])}`)];
    const told = this.#context.showReasoning || this.#context.sealedReasoning;
    if (block.kind === 'opaque' && this.#router && told) {
      const details = [reasoningDetailWire(block, this.#reasoningIndex, undefined, undefined)];
      return [this.#beside(`"reasoning_details":${JSON.stringify(details)}`)];
    }
    return [];
  }

  /** Thoughts between tags end where something else begins. */
  #closeTag(next: Block['kind'] | undefined): readonly Frame[] {
    if (!this.#tagOpen || next === 'reasoning' || next === 'opaque') return [];
    this.#tagOpen = false;
    return [this.#text(CLOSE + GAP, undefined)];
  }

  #callStart(block: Extract<Block, { kind: 'tool-call' }>): readonly Frame[] {
    this.#callIndex += 1;
    if (this.#wholeCalls) {
      this.#calls.push({ id: block.callId, name: block.name, args: '' });
      return [];
    }
    const call = {
      index: this.#callIndex,
      id: block.callId,
      type: 'function',
      function: { name: block.name, arguments: '' },
    };
    return [this.#beside(`"tool_calls":[${JSON.stringify(call)}]`, 'null')];
  }

  #delta(delta: Delta): readonly Frame[] {
    const kind = this.#block?.kind;
    if (delta.kind === 'text') {
      if (kind === 'reasoning') return this.#reasoning(delta.text, undefined);
      if (kind === 'refusal') return [this.#beside(`"refusal":${JSON.stringify(delta.text)}`)];
      return [this.#text(delta.text, delta.logprobs)];
    }
    if (delta.kind === 'arguments') return this.#arguments(delta.text);
    if (delta.kind === 'signature') return this.#reasoning(undefined, delta.signature);
    return [this.#beside(`"audio":${JSON.stringify(this.#audio(delta))}`)];
  }

  #audio(delta: Extract<Delta, { kind: 'audio' }>): Record<string, unknown> {
    const id = this.#block?.kind === 'audio' ? this.#block.id : undefined;
    const { data, transcript, expiresAt } = delta;
    return {
      ...(id !== undefined && { id }),
      ...(data !== undefined && { data }),
      ...(transcript !== undefined && { transcript }),
      ...(expiresAt !== undefined && { expires_at: expiresAt }),
    };
  }

  #arguments(text: string): readonly Frame[] {
    const call = this.#calls.at(-1);
    if (this.#wholeCalls && call) {
      call.args += text;
      return [];
    }
    const args = JSON.stringify(text);
    return [this.#beside(`"tool_calls":[{"index":${this.#callIndex},"function":{"arguments":${args}}}]`, 'null')];
  }

  #reasoning(text: string | undefined, signature: string | undefined): readonly Frame[] {
    const block = this.#block;
    const sealed = this.#context.sealedReasoning && signature !== undefined;
    if (block?.kind !== 'reasoning' || !(this.#context.showReasoning || sealed)) return [];
    if (this.#tags) {
      if (text === undefined) return [];
      const prefilled = this.#context.quirks.has('think-prefilled');
      const opening = this.#tagOpen || prefilled ? '' : OPEN;
      this.#tagOpen = true;
      return [this.#text(opening + text, undefined)];
    }
    if (this.#thinking) {
      return text === undefined
        ? []
        : [
            this.#chunk(
              `{"content":[{"type":"thinking","thinking":[{"type":"text","text":${JSON.stringify(text)}}]}]}`,
            ),
          ];
    }
    if (this.#context.quirks.has('reasoning-content')) {
      return text === undefined ? [] : [this.#chunk(`{"reasoning_content":${JSON.stringify(text)}}`)];
    }
    const details = JSON.stringify([reasoningDetailWire(block, this.#reasoningIndex, text, signature)]);
    const plain = text === undefined ? '' : `"reasoning":${JSON.stringify(text)},`;
    return [this.#beside(`${plain}"reasoning_details":${details}`)];
  }

  #blockEnd(): readonly Frame[] {
    if (this.#block?.kind === 'reasoning' && this.#thinking) this.#thoughtEnded = true;
    this.#block = undefined;
    return [];
  }

  #finish(event: End): Frame {
    const calls = this.#calls.map(({ id, name, args }, index) => ({
      id,
      type: 'function',
      function: { name, arguments: args },
      index,
    }));
    const content = this.#thoughtEnded ? [{ type: 'thinking', thinking: [], closed: true }] : '';
    const word = FINISH_WORDS[event.finish];
    return {
      data: JSON.stringify({
        ...this.#identity(),
        choices: [
          {
            index: 0,
            delta: {
              ...(this.#router && { role: 'assistant' }),
              content,
              ...(calls.length > 0 && { tool_calls: calls }),
            },
            finish_reason: word,
            ...(this.#router && { native_finish_reason: event.nativeFinish }),
            logprobs: null,
          },
        ],
        ...(this.#usage &&
          this.#context.quirks.has('usage-in-finish') && { usage: encodeUsage(this.#usage, this.#context) }),
        ...(event.serviceTier !== undefined && { service_tier: toldTier(event.serviceTier) }),
      }),
    };
  }

  #error(error: GatewayError): Frame {
    return {
      data: JSON.stringify({
        ...this.#identity(),
        error: errorObject(error, { origin: this.#context.origin ?? '', quirks: this.#context.quirks }),
        choices: [
          {
            index: 0,
            delta: { content: '' },
            finish_reason: 'error',
            ...(this.#router && { native_finish_reason: error.facts.providerCode ?? null }),
          },
        ],
      }),
    };
  }
}

export const encodeStream = (context: AnswerContext): Machine<GenerationEvent, Frame> => new StreamEncoder(context);

/** One debug chunk for each provider tried (spec/inference 3.5). */
export const encodeEchoes = ({ id, created, model, echoes = [] }: AnswerContext): readonly Frame[] =>
  echoes.map((body) => ({
    data: JSON.stringify({
      id,
      object: 'chat.completion.chunk',
      created,
      model,
      choices: [],
      debug: { echo_upstream_body: JSON.parse(body) },
    }),
  }));
