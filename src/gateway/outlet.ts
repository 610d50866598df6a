import type { Clock } from '../canon/clock.ts';
import type { Deadlines, Waiting } from '../upstream/deadlines.ts';
import type { Client } from './call.ts';

const FIRST_SILENCE_MS = 500;
const SILENCE_MS = 10_000;
/** What may wait for a slow reader before its source has to wait too. */
const QUEUE_BYTES_MAX = 64 * 1024;
const CLIENT_STALL_MS_MAX = 60_000;

/**
 * Between the one who produces a stream and the connection that carries it: whoever writes does not know whether somebody still reads,
 * and whoever reads does not decide when the bill is settled. It keeps a silent line alive with comments, holds the source back
 * while the reader is slow, and takes a reader who has stopped for one who has left.
 */
export class Outlet implements Waiting {
  deadline = Number.POSITIVE_INFINITY;
  readonly #clock: Clock;
  readonly #deadlines: Deadlines;
  readonly #client: Client;
  readonly #keepAlive: string;
  #queue = '';
  #closed = false;
  #broken = false;
  #started = false;
  #silences = 0;
  #wakeReader: (() => void) | undefined;
  #wakeWriter: (() => void) | undefined;

  /** @param keepAlive written into a silent stream */
  constructor(clock: Clock, deadlines: Deadlines, client: Client, keepAlive: string) {
    this.#clock = clock;
    this.#deadlines = deadlines;
    this.#client = client;
    this.#keepAlive = keepAlive;
  }

  /** Adds text to the stream; lost without harm when nobody reads any more. */
  write(text: string): void {
    if (text === '' || this.#closed) return;
    this.#queue += text;
    this.#silences = 0;
    this.#wake();
  }

  /** Undefined while there is room, else resolves when there is again (or when the reader has left). */
  room(): Promise<void> | undefined {
    if (this.#queue.length <= QUEUE_BYTES_MAX || this.#client.gone || this.#closed) return undefined;
    return new Promise((resolve) => {
      this.#wakeWriter = resolve;
    });
  }

  /** The stream is complete: its end marker has been written. */
  close(): void {
    this.#closed = true;
    this.#wake();
  }

  /** The stream cannot be completed: the connection is reset, so that nothing looks like a clean end. */
  break(): void {
    this.#broken = true;
    this.close();
  }

  /** Called once by the connection. */
  async *body(): AsyncGenerator<string> {
    this.#started = true;
    this.#deadlines.watch(this);
    try {
      for (;;) {
        if (this.#queue !== '') {
          const text = this.#queue;
          this.#queue = '';
          this.#release();
          this.deadline = this.#clock.monotonic() + CLIENT_STALL_MS_MAX;
          yield text;
          continue;
        }
        if (this.#broken) throw new Error('the stream was cut');
        if (this.#closed) return;
        this.deadline = this.#clock.monotonic() + (this.#silences === 0 ? FIRST_SILENCE_MS : SILENCE_MS);
        await new Promise<void>((resolve) => {
          this.#wakeReader = resolve;
        });
      }
    } finally {
      this.#closed = true;
      this.deadline = Number.POSITIVE_INFINITY;
      this.#deadlines.release(this);
      this.#release();
    }
  }

  /** Whether a connection has begun to read. */
  get started(): boolean {
    return this.#started;
  }

  onDeadline(): void {
    if (this.#wakeReader) {
      this.#silences += 1;
      this.#queue += this.#keepAlive;
      this.#wake();
    } else this.#client.hangUp();
  }

  #wake(): void {
    const wake = this.#wakeReader;
    this.#wakeReader = undefined;
    wake?.();
  }

  #release(): void {
    const wake = this.#wakeWriter;
    this.#wakeWriter = undefined;
    wake?.();
  }
}
