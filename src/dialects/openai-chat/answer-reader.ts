import { type GatewayError, gatewayError } from '../../canon/errors.ts';
import type { Block, GenerationEvent } from '../../canon/event.ts';
import type { Target } from '../../canon/target.ts';
import { servedTier } from '../../canon/tiers.ts';
import type { Usage } from '../../canon/units.ts';
import type { Expectation } from '../dialect.ts';
import { asArray, asNumber, asObject, asString, asText, type JsonObject } from '../read.ts';
import { nineCharacters } from '../rewritten-names.ts';
import { readAnnotation } from './annotations.ts';
import { finishReason } from './finish.ts';
import { ThinkSplitter } from './think-tags.ts';

/**
 * Message pieces → a well-formed event sequence. Both a chunk's delta and a whole answer's message go through here, so that a whole
 * answer is by construction the same as its stream (law L5). It keeps the one-block-at-a-time rule, whatever order a host has.
 */
export class AnswerReader {
  ended = false;
  #events: GenerationEvent[] = [];
  #started = false;
  #open: Block | undefined;
  #calls: OpenCall[] = [];
  #current: OpenCall | undefined;
  #calledTools = false;
  #hasContent = false;
  #finishWord: string | undefined;
  #nativeFinish: string | null = null;
  #usage: Usage | undefined;
  #serviceTier: string | undefined;
  /** Of text that may still turn out to be a thought. */
  #likely: readonly unknown[] | undefined;
  #echo: string;
  #upstreamId = '';
  #splitter: ThinkSplitter | undefined;
  readonly #noCalls: boolean;
  readonly #tiers: Target['serviceTiers'];

  constructor(expectation: Expectation, { quirks, serviceTiers }: Target) {
    this.#echo = expectation.prefillEcho ?? '';
    this.#noCalls = expectation.noCalls === true;
    this.#tiers = serviceTiers;
    if (quirks.has('think-tags') || quirks.has('think-prefilled'))
      this.#splitter = new ThinkSplitter(quirks.has('think-prefilled'));
  }

  /** What has become of the input since the last call. */
  take(): readonly GenerationEvent[] {
    const events = this.#events;
    if (events.length > 0) this.#events = [];
    return events;
  }

  get hasContent(): boolean {
    return this.#hasContent;
  }

  get finished(): boolean {
    return this.#finishWord !== undefined;
  }

  start(answer: JsonObject): void {
    if (this.#started) return;
    this.#started = true;
    const upstreamId = asText(answer.id);
    const model = asText(answer.model);
    this.#upstreamId = upstreamId ?? '';
    this.#events.push({
      type: 'generation-start',
      ...(upstreamId !== undefined && { upstreamId }),
      ...(model !== undefined && { model }),
    });
  }

  usage(usage: Usage | undefined): void {
    if (usage) this.#usage = usage;
  }

  serviceTier(tier: unknown): void {
    const text = asText(tier);
    if (text === undefined) return;
    const ours = Object.entries(this.#tiers ?? {}).find(([, theirs]) => theirs === text)?.[0];
    this.#serviceTier = servedTier(ours ?? text);
  }

  /** The host's reason to stop; the first one counts, content after it is ignored. */
  finish(word: string, native: string | undefined): void {
    if (this.#finishWord !== undefined) return;
    this.#finishWord = word;
    this.#nativeFinish = native ?? word;
  }

  /** One delta or one whole message. `logprobs` belongs to its text. */
  read(message: JsonObject, logprobs: readonly unknown[] | undefined): void {
    if (this.#finishWord !== undefined) return;
    this.#reasoning(message);
    const content = message.content;
    if (typeof content === 'string') this.#plain(content, logprobs);
    else if (content != null) for (const chunk of asArray(content) ?? []) this.#contentChunk(asObject(chunk), logprobs);
    this.#rarer(message);
    if (message.tool_calls != null && !this.#noCalls)
      for (const call of asArray(message.tool_calls) ?? []) this.#toolCall(asObject(call));
  }

  #rarer(message: JsonObject): void {
    if (message.refusal != null) this.#text('refusal', asString(message.refusal) ?? '', undefined);
    if (message.audio != null) this.#audio(asObject(message.audio));
    if (message.images != null) for (const image of asArray(message.images) ?? []) this.#image(asObject(image));
    if (message.annotations != null)
      for (const note of asArray(message.annotations) ?? []) this.#annotation(asObject(note));
  }

  #reasoning(message: JsonObject): void {
    const details = asArray(message.reasoning_details);
    if (details && details.length > 0) {
      for (const detail of details) this.#reasoningDetail(asObject(detail));
      return;
    }
    this.#thought(asString(message.reasoning) ?? asString(message.reasoning_content) ?? asString(message.thinking));
  }

  #thought(text: string | undefined): void {
    if (text === undefined || text === '') return;
    this.#openBlock({ kind: 'reasoning', form: 'text', format: 'unknown' });
    this.#push({ type: 'block-delta', delta: { kind: 'text', text } });
  }

  #reasoningDetail(detail: JsonObject | undefined): void {
    if (!detail) return;
    const format = asText(detail.format) ?? 'unknown';
    const id = asText(detail.id);
    const identity = { format, ...(id !== undefined && { id }) };
    const type = detail.type;
    if (type === 'reasoning.encrypted') {
      const data = asText(detail.data);
      if (data === undefined) return;
      this.#openBlock({ kind: 'opaque', data, ...identity });
      this.#closeBlock();
      return;
    }
    const summary = type === 'reasoning.summary';
    if (!summary && type !== 'reasoning.text') return;
    const text = asText(summary ? detail.summary : detail.text);
    const signature = asText(detail.signature);
    if (text === undefined && signature === undefined) return;
    this.#openBlock({ kind: 'reasoning', form: summary ? 'summary' : 'text', ...identity });
    if (text !== undefined) this.#push({ type: 'block-delta', delta: { kind: 'text', text } });
    if (signature !== undefined) {
      this.#push({ type: 'block-delta', delta: { kind: 'signature', signature } });
      this.#closeBlock();
    }
  }

  /** A piece of list-shaped content (spec/providers C.3). */
  #contentChunk(chunk: JsonObject | undefined, logprobs: readonly unknown[] | undefined): void {
    if (chunk?.type === 'thinking') {
      for (const piece of asArray(chunk.thinking) ?? []) this.#thought(asString(asObject(piece)?.text));
      return;
    }
    if (chunk?.type === 'text') this.#text('text', asString(chunk.text) ?? '', logprobs);
    else if (chunk?.type === 'image_url') this.#image(chunk);
  }

  /** Text as it came; where thoughts hide in it, apart from them. */
  #plain(text: string, logprobs: readonly unknown[] | undefined): void {
    if (!this.#splitter) {
      this.#text('text', text, logprobs);
      return;
    }
    if (logprobs) this.#likely = [...(this.#likely ?? []), ...logprobs];
    for (const piece of this.#splitter.step(text)) this.#piece(piece);
  }

  #piece({ kind, text }: { readonly kind: 'text' | 'thought'; readonly text: string }): void {
    if (kind === 'thought') {
      this.#thought(text);
      return;
    }
    const logprobs = this.#likely;
    this.#likely = undefined;
    this.#text('text', text, logprobs);
  }

  #text(kind: 'text' | 'refusal', text: string, logprobs: readonly unknown[] | undefined): void {
    const rest = kind === 'text' && this.#echo !== '' ? this.#withoutEcho(text) : text;
    if (rest === '' && !logprobs) return;
    this.#openBlock({ kind });
    this.#push({ type: 'block-delta', delta: { kind: 'text', text: rest, ...(logprobs && { logprobs }) } });
  }

  /** Takes an exact copy of the prefill off the answer's start, once; anything else that comes instead is the answer (UP-141). */
  #withoutEcho(text: string): string {
    if (text.startsWith(this.#echo)) {
      const rest = text.slice(this.#echo.length);
      this.#echo = '';
      return rest;
    }
    if (this.#echo.startsWith(text)) {
      this.#echo = this.#echo.slice(text.length);
      return '';
    }
    this.#echo = '';
    return text;
  }

  #image(image: JsonObject | undefined): void {
    const url = asText(asObject(image?.image_url)?.url) ?? asText(image?.image_url);
    if (url === undefined) return;
    this.#openBlock({ kind: 'image', url });
    this.#closeBlock();
  }

  #annotation(wire: JsonObject | undefined): void {
    const annotation = readAnnotation(wire);
    if (!annotation) return;
    this.#openBlock({ kind: 'citation', annotation });
    this.#closeBlock();
  }

  #audio(audio: JsonObject | undefined): void {
    if (!audio) return;
    const data = asString(audio.data);
    const transcript = asString(audio.transcript);
    const expiresAt = asNumber(audio.expires_at);
    const id = asText(audio.id);
    if (data === undefined && transcript === undefined && expiresAt === undefined) return;
    if (this.#open?.kind !== 'audio') this.#openBlock({ kind: 'audio', ...(id !== undefined && { id }) });
    this.#push({
      type: 'block-delta',
      delta: {
        kind: 'audio',
        ...(data !== undefined && { data }),
        ...(transcript !== undefined && { transcript }),
        ...(expiresAt !== undefined && { expiresAt }),
      },
    });
  }

  /**
   * A tool call or a fragment of one. Hosts leave out the index, the id or both, repeat the id on each fragment, send arguments as an
   * object, and may interleave calls: what belongs to a call that is not the open one waits until the open one is complete.
   */
  #toolCall(wire: JsonObject | undefined): void {
    if (!wire) return;
    const declared = asObject(wire.function) ?? {};
    const name = asText(declared.name);
    const rawId = asText(wire.id);
    const id = rawId === 'null' ? undefined : rawId;
    const args = declared.arguments;
    const text = typeof args === 'string' ? args : args == null ? '' : JSON.stringify(args);
    const call = this.#callFor(asNumber(wire.index), id, name);
    if (!call) return;
    call.text += text;
    if (this.#current && this.#current !== call && isJson(this.#current.text)) this.#endCall(this.#current);
    if (!this.#current) this.#startCall(call);
    if (this.#current === call) this.#flushCall(call);
  }

  #callFor(index: number | undefined, id: string | undefined, name: string | undefined): OpenCall | undefined {
    const known = this.#calls.find((call) =>
      index !== undefined && call.index !== undefined
        ? call.index === index && (id === undefined || id === call.wireId || call.wireId === undefined)
        : id !== undefined && call.wireId === id,
    );
    if (known) return known;
    if (name === undefined) return index === undefined ? this.#calls.at(-1) : undefined;
    this.#calledTools = true;
    const position = this.#calls.length;
    const call: OpenCall = {
      index,
      wireId: id,
      callId: id ?? nineCharacters(`${this.#upstreamId}/${position}/${name}`),
      name,
      text: '',
      sent: 0,
      done: false,
    };
    this.#calls.push(call);
    return call;
  }

  #startCall(call: OpenCall): void {
    if (call.done) return;
    this.#openBlock({ kind: 'tool-call', callId: call.callId, name: call.name });
    this.#current = call;
  }

  #flushCall(call: OpenCall): void {
    if (call.sent === call.text.length) return;
    this.#push({ type: 'block-delta', delta: { kind: 'arguments', text: call.text.slice(call.sent) } });
    call.sent = call.text.length;
  }

  /** A call whose arguments never came was made without any. */
  #endCall(call: OpenCall): void {
    if (call.text === '') call.text = '{}';
    this.#flushCall(call);
    call.done = true;
    this.#current = undefined;
    this.#push({ type: 'block-end' });
    this.#open = undefined;
  }

  #endCalls(): void {
    if (this.#current) this.#endCall(this.#current);
    for (const call of this.#calls) {
      if (call.done) continue;
      this.#startCall(call);
      this.#endCall(call);
    }
  }

  #openBlock(block: Block): void {
    if (this.#open && block.kind !== 'tool-call' && sameBlock(this.#open, block)) return;
    this.#closeBlock();
    this.#open = block;
    this.#hasContent = true;
    this.#push({ type: 'block-start', block });
  }

  #closeBlock(): void {
    if (this.#current) this.#endCall(this.#current);
    if (!this.#open) return;
    this.#open = undefined;
    this.#push({ type: 'block-end' });
  }

  #push(event: GenerationEvent): void {
    if (!this.#started) this.start({});
    this.#events.push(event);
  }

  /** The answer is complete by its own word. */
  end(): void {
    if (this.ended) return;
    for (const piece of this.#splitter?.end() ?? []) this.#piece(piece);
    if (!this.#hasContent && this.#finishWord === undefined) {
      this.fail(gatewayError('upstream_empty', 'Provider returned an empty answer'));
      return;
    }
    this.#endCalls();
    this.#closeBlock();
    this.ended = true;
    if (this.#usage) this.#push({ type: 'usage', usage: this.#usage });
    const finish = finishReason(this.#finishWord, this.#calledTools);
    this.#push({
      type: 'generation-end',
      finish,
      nativeFinish: this.#nativeFinish,
      ...(this.#serviceTier !== undefined && { serviceTier: this.#serviceTier }),
    });
  }

  /** The answer broke, or the host said so. What was produced stays; usage that was already reported is told. */
  fail(error: GatewayError): void {
    if (this.ended) return;
    this.ended = true;
    if (this.#usage && this.#started) this.#push({ type: 'usage', usage: this.#usage });
    this.#events.push({ type: 'generation-error', error });
  }
}

interface OpenCall {
  readonly index: number | undefined;
  readonly wireId: string | undefined;
  readonly callId: string;
  readonly name: string;
  /** Arguments received so far, and how much of them has been told. */
  text: string;
  sent: number;
  done: boolean;
}

/** Whether arguments are complete. Ends in a brace in practice, so the expensive test is rarely made in vain. */
function isJson(text: string): boolean {
  const last = text.trimEnd().at(-1);
  if (last !== '}' && last !== ']') return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function sameBlock(a: Block, b: Block): boolean {
  if (a.kind === 'reasoning' && b.kind === 'reasoning') {
    return a.form === b.form && a.format === b.format && (b.id === undefined || a.id === b.id);
  }
  return a.kind === b.kind && (a.kind === 'text' || a.kind === 'refusal' || a.kind === 'audio');
}
