import type { Clock } from '../canon/clock.ts';
import { leakedWord } from '../canon/control-words.ts';
import type { Delta, FinishReason, GenerationEvent } from '../canon/event.ts';
import { estimateTokens } from '../canon/tokens.ts';
import type { Usage } from '../canon/units.ts';

interface Call {
  readonly name: string;
  readonly start: number;
  end: number | undefined;
}

/** Folds an answer's events into what it used and how long it took. It never sees who is paid. */
export class Meter {
  firstContentMs: number | undefined;
  finish: FinishReason | undefined;
  nativeFinish: string | null = null;
  serviceTier: string | undefined;
  upstreamId: string | undefined;
  readonly #clock: Clock;
  readonly #startedAt: number;
  readonly #promptTokens: number;
  readonly #scale: number;
  #reported: Usage | undefined;
  #counted: readonly [number, number] | undefined;
  /** What was produced, kept as text pieces only until somebody asks: most answers come with their own count. */
  #produced: string[] = [];
  #thought: string[] = [];
  /** Where among the pieces the arguments of each call stand. */
  readonly #calls: Call[] = [];
  #open: Call | undefined;
  #inReasoning = false;

  /** @param scale how many tokens of the serving endpoint one of our own counting is likely to be */
  constructor(clock: Clock, startedAt: number, promptTokens: number, scale: number) {
    this.#clock = clock;
    this.#startedAt = startedAt;
    this.#promptTokens = promptTokens;
    this.#scale = scale;
  }

  see(event: GenerationEvent): void {
    switch (event.type) {
      case 'block-delta':
        this.firstContentMs ??= this.#clock.monotonic() - this.#startedAt;
        this.#delta(event.delta);
        return;
      case 'block-start':
        this.#inReasoning = event.block.kind === 'reasoning';
        if (event.block.kind === 'tool-call') this.#call(event.block.name);
        return;
      case 'block-end':
        if (this.#open) this.#open.end = this.#produced.length;
        this.#open = undefined;
        return;
      case 'usage':
        this.#reported = event.usage;
        return;
      case 'generation-start':
        this.upstreamId = event.upstreamId;
        return;
      case 'generation-end':
        this.finish = event.finish;
        this.nativeFinish = event.nativeFinish;
        this.serviceTier = event.serviceTier;
        return;
      case 'generation-error':
        this.finish = 'error';
        return;
      default:
    }
  }

  #call(name: string): void {
    this.#open = { name, start: this.#produced.push(name), end: undefined };
    this.#calls.push(this.#open);
  }

  /** The calls of tools, with their arguments as they came. */
  get calls(): readonly { readonly name: string; readonly arguments: string }[] {
    return this.#calls.map(({ name, start, end }) => ({ name, arguments: this.#produced.slice(start, end).join('') }));
  }

  #delta(delta: Delta): void {
    if (delta.kind === 'signature') return;
    const text = delta.kind === 'audio' ? (delta.transcript ?? '') : delta.text;
    (this.#inReasoning ? this.#thought : this.#produced).push(text);
  }

  /** A word that was meant for the server, at the beginning of what the caller reads as text. */
  get leaked(): string | undefined {
    return leakedWord(this.#produced);
  }

  get producedAnything(): boolean {
    return this.#produced.length > 0 || this.#thought.length > 0;
  }

  /** What the answer is made of, where nobody has counted it: what was said, what was thought. */
  get uncounted(): readonly [string, string] | undefined {
    return this.#reported || this.#counted ? undefined : [this.#produced.join(''), this.#thought.join('')];
  }

  /** The tokens of both, as counted elsewhere. */
  count(produced: number, thought: number): void {
    this.#counted = [produced, thought];
  }

  /** What the provider reported; where it did not, our own count, marked as such. */
  usage(): Usage {
    if (this.#reported) return this.#reported;
    const [produced, thought] =
      this.#counted ?? [this.#produced, this.#thought].map((all) => estimateTokens(all.join('')));
    const output = Math.round((produced ?? 0) * this.#scale);
    const reasoning = Math.round((thought ?? 0) * this.#scale);
    const counts = { input: this.#promptTokens, ...(output > 0 && { output }), ...(reasoning > 0 && { reasoning }) };
    return { counts, estimated: true };
  }
}
