import type { Clock } from '../../src/canon/clock.ts';
import { type ErrorCode, type GatewayError, gatewayError } from '../../src/canon/errors.ts';
import type { GenerationEvent } from '../../src/canon/event.ts';
import type { Deadlines, Waiting } from '../../src/upstream/deadlines.ts';
import type { AttemptRequest, Try } from '../../src/upstream/try.ts';
import type { SimulatedHost, Step } from './host.ts';

const NOTHING: readonly GenerationEvent[] = [];

/** A call to a simulated host. It waits as long as the real one would, and gives up with the same errors. */
export class SimulatedTry implements Try, Waiting {
  deadline = Number.POSITIVE_INFINITY;
  status = 0;
  ended = false;
  readonly startedAt: number;
  readonly #request: AttemptRequest;
  readonly #clock: Clock;
  readonly #deadlines: Deadlines;
  readonly #host: SimulatedHost;
  readonly #over: (code: ErrorCode | undefined) => void;
  readonly #steps: readonly Step[];
  #place = 0;
  #stage: 'headers' | 'first-content' | 'stream' = 'headers';
  #cancel: (() => void) | undefined;
  #pending: GenerationEvent[] = [];
  #lastCame = false;
  #opened: ((error: GatewayError | undefined) => void) | undefined;
  #read: ((events: readonly GenerationEvent[]) => void) | undefined;
  #gaveUp: GatewayError | undefined;

  /** @param over told once, with how the call ended */
  constructor(
    request: AttemptRequest,
    ports: { readonly clock: Clock; readonly deadlines: Deadlines },
    host: SimulatedHost,
    steps: readonly Step[],
    over: (code: ErrorCode | undefined) => void,
  ) {
    this.#request = request;
    this.#clock = ports.clock;
    this.#deadlines = ports.deadlines;
    this.#host = host;
    this.#steps = steps;
    this.#over = over;
    this.startedAt = ports.clock.monotonic();
    ports.deadlines.watch(this);
  }

  contentSeen(): void {
    this.#stage = 'stream';
  }

  open(): Promise<GatewayError | undefined> {
    const { stream, limits } = this.#request;
    this.#wait(stream ? Math.min(limits.headersMsMax, limits.firstContentMsMax) : limits.wholeMsMax);
    if (this.#gaveUp) return Promise.resolve(this.#end(this.#gaveUp));
    const opened = new Promise<GatewayError | undefined>((resolve) => {
      this.#opened = resolve;
    });
    this.#schedule();
    return opened;
  }

  read(): Promise<readonly GenerationEvent[]> {
    if (this.#pending.length > 0) return Promise.resolve(this.#taken());
    if (this.ended) return Promise.resolve(NOTHING);
    if (this.#gaveUp) return Promise.resolve(this.#broken(this.#gaveUp));
    const { limits } = this.#request;
    this.#wait(this.#stage === 'stream' ? limits.streamIdleMsMax : limits.firstContentMsMax);
    return new Promise((resolve) => {
      this.#read = resolve;
    });
  }

  abort(): void {
    this.#giveUp('client_gone', 'aborted');
  }

  onDeadline(): void {
    if (this.#clock.monotonic() >= this.#request.requestDeadline)
      this.#giveUp('request_timeout', 'Operation timed out. Please try again later.');
    else if (this.#stage === 'stream')
      this.#giveUp('upstream_stalled', 'Provider fell silent in the middle of its answer');
    else this.#giveUp('upstream_timeout', 'Provider did not answer in time');
  }

  #giveUp(code: ErrorCode, message: string): void {
    if (this.ended || this.#gaveUp) return;
    this.#gaveUp = gatewayError(code, message);
    this.#cancel?.();
    const opened = this.#opened;
    const read = this.#read;
    this.#opened = undefined;
    this.#read = undefined;
    if (opened) opened(this.#end(this.#gaveUp));
    else if (read) read(this.#broken(this.#gaveUp));
  }

  #wait(ms: number): void {
    this.deadline = Math.min(this.#clock.monotonic() + ms, this.#request.requestDeadline);
  }

  #schedule(): void {
    const step = this.#steps[this.#place++];
    this.#cancel = step && this.#clock.after(step.afterMs, () => this.#step(step));
  }

  #step(step: Step): void {
    if (step.refusal) {
      this.status = step.refusal.facts.providerStatus ?? 0;
      const refused = this.#opened;
      this.#opened = undefined;
      refused?.(this.#end(step.refusal));
      return;
    }
    if (step.events) this.#pending.push(...step.events);
    if (step.last) this.#lastCame = true;
    else this.#schedule();
    if (step.headers) {
      this.status = 200;
      this.deadline = Number.POSITIVE_INFINITY;
      this.#stage = 'first-content';
      const opened = this.#opened;
      this.#opened = undefined;
      opened?.(undefined);
    }
    const read = this.#read;
    if (!read || this.#pending.length === 0) return;
    this.#read = undefined;
    this.deadline = Number.POSITIVE_INFINITY;
    read(this.#taken());
  }

  #taken(): readonly GenerationEvent[] {
    const events = this.#pending;
    this.#pending = [];
    if (this.#lastCame) {
      const last = events.at(-1);
      this.#end(undefined, last?.type === 'generation-error' ? last.error.code : undefined);
    }
    return events;
  }

  #broken(error: GatewayError): readonly GenerationEvent[] {
    return [{ type: 'generation-error', error: this.#end(error) }];
  }

  #end<E extends GatewayError | undefined>(error: E, code = error?.code): E {
    this.ended = true;
    this.deadline = Number.POSITIVE_INFINITY;
    this.#deadlines.release(this);
    this.#host.left();
    this.#over(code);
    return error;
  }
}
