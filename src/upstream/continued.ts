import { type GatewayError, gatewayError } from '../canon/errors.ts';
import type { Block, GenerationEvent } from '../canon/event.ts';
import { type Counts, UNIT_IDS, type Usage } from '../canon/units.ts';
import type { AttemptRequest, Try } from './try.ts';

/** A provider that never comes to an end is stopped here; what came is then an answer that became too long. */
const CONTINUATIONS_MAX = 16;

/**
 * One call to an endpoint that may stop in the middle and say how to go on (UP-089): the calls that follow are part of it, so that
 * nobody further up sees more than one answer with one count.
 */
export class Continued implements Try {
  readonly #request: AttemptRequest;
  readonly #begin: (request: AttemptRequest) => Try;
  readonly #first: Try;
  #current: Try;
  /** Set between two calls: what the provider wants to hear. */
  #next: string | undefined;
  #seen = false;
  #aborted = false;
  #continuations = 0;
  /** Kinds of blocks as they come: a text that goes on is one text. */
  #block: Block['kind'] | undefined;
  #joins = false;
  /** What the calls before the present one used. */
  #before: Usage | undefined;
  #usage: Usage | undefined;

  constructor(request: AttemptRequest, begin: (request: AttemptRequest) => Try) {
    this.#request = request;
    this.#begin = begin;
    this.#first = begin(request);
    this.#current = this.#first;
  }

  get startedAt(): number {
    return this.#first.startedAt;
  }

  get status(): number {
    return this.#current.status;
  }

  get ended(): boolean {
    return this.#current.ended && this.#next === undefined;
  }

  open(): Promise<GatewayError | undefined> {
    return this.#first.open();
  }

  contentSeen(): void {
    this.#seen = true;
    this.#current.contentSeen();
  }

  abort(): void {
    this.#aborted = true;
    this.#current.abort();
  }

  async read(): Promise<readonly GenerationEvent[]> {
    for (;;) {
      if (this.#next !== undefined) {
        const failed = await this.#goOn(this.#next);
        if (failed) return [{ type: 'generation-error', error: failed }];
      }
      const events = await this.#current.read();
      const kept = this.#joined(events);
      if (kept.length > 0 || events.length === 0) return kept;
    }
  }

  async #goOn(continuation: string): Promise<GatewayError | undefined> {
    const { dialect, encoded } = this.#request;
    this.#next = undefined;
    if (this.#aborted) return gatewayError('client_gone', 'aborted');
    this.#before = this.#usage;
    this.#continuations += 1;
    const next = dialect.continued?.(encoded, continuation) ?? encoded;
    this.#current = this.#begin({ ...this.#request, encoded: next });
    const error = await this.#current.open();
    if (error) return error;
    if (this.#seen) this.#current.contentSeen();
    return undefined;
  }

  /** The events of one answer, although several calls gave them. */
  #joined(events: readonly GenerationEvent[]): readonly GenerationEvent[] {
    const last = events.at(-1);
    const goesOn =
      last?.type === 'generation-end' &&
      last.continuation !== undefined &&
      this.#continuations < CONTINUATIONS_MAX &&
      this.#request.dialect.continued !== undefined;
    if (!goesOn && this.#continuations === 0) {
      for (const event of events) this.#note(event);
      return events;
    }
    const kept: GenerationEvent[] = [];
    for (const event of events) this.#keep(event, kept);
    if (!goesOn) return kept;
    this.#next = last.continuation;
    kept.pop();
    // The text at hand may go on in the next call's first block.
    const end = kept.findLastIndex(({ type }) => type === 'block-end');
    this.#joins = this.#block === 'text' && end >= 0 && kept.slice(end + 1).every(({ type }) => type === 'usage');
    if (this.#joins) kept.splice(end, 1);
    return kept;
  }

  #note(event: GenerationEvent): void {
    if (event.type === 'block-start') this.#block = event.block.kind;
    else if (event.type === 'usage') this.#usage = summed(this.#before, event.usage);
  }

  #keep(event: GenerationEvent, kept: GenerationEvent[]): void {
    const first = this.#continuations === 0;
    if (event.type === 'generation-start' && !first) return;
    if (this.#joins && (event.type === 'block-start' || isTerminal(event))) {
      this.#joins = false;
      if (event.type === 'block-start' && event.block.kind === 'text') return;
      kept.push({ type: 'block-end' });
    }
    this.#note(event);
    kept.push(event.type === 'usage' && this.#usage ? { type: 'usage', usage: this.#usage } : event);
  }
}

const isTerminal = ({ type }: GenerationEvent): boolean => type === 'generation-end' || type === 'generation-error';

/** Every call is billed by itself. */
function summed(before: Usage | undefined, usage: Usage): Usage {
  if (!before) return usage;
  const counts: { -readonly [U in keyof Counts]: Counts[U] } = {};
  for (const unit of UNIT_IDS) {
    const sum = (before.counts[unit] ?? 0) + (usage.counts[unit] ?? 0);
    if (sum > 0) counts[unit] = sum;
  }
  return { ...usage, counts, estimated: before.estimated || usage.estimated };
}
