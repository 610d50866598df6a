import type { Asked, Told } from './protocol.ts';

/** How long a thread that nobody needs is kept: its tables take as much memory as the rest of the server. */
const IDLE_MS = 5 * 60_000;
/** A thread that says nothing for so long beyond a deadline is stuck. */
const STUCK_MS = 10_000;

/** No machine counts faster: what would need more than its deadline even so is not tried. */
const CHARS_PER_MS = 4000;

interface Waiting {
  readonly settle: (counts: readonly number[] | undefined) => void;
}

/**
 * Counts tokens as o200k does, in a thread that is started when it is first needed and ended when nobody needed it for a while. An answer
 * that does not come in time is none: whoever asks has an estimate to go on with.
 */
export class Counter {
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | undefined;
  #idle: ReturnType<typeof setTimeout> | undefined;
  #stuck: ReturnType<typeof setTimeout> | undefined;
  #next = 0;
  #started = 0;

  /** How often a thread was started. */
  get started(): number {
    return this.#started;
  }

  /** @returns the tokens of each text, or undefined where they could not be told within the deadline */
  count(texts: readonly string[], deadlineMs: number): Promise<readonly number[] | undefined> {
    let characters = 0;
    for (const text of texts) characters += text.length;
    if (characters === 0) return Promise.resolve(texts.map(() => 0));
    if (characters > deadlineMs * CHARS_PER_MS) return Promise.resolve(undefined);
    const id = this.#next++;
    const worker = this.#running();
    return new Promise((resolve) => {
      const giveUp = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
      const timer = setTimeout(() => {
        Atomics.store(new Int32Array(giveUp), 0, 1);
        resolve(undefined);
      }, deadlineMs);
      this.#waiting.set(id, {
        settle: (counts) => {
          clearTimeout(timer);
          resolve(counts);
        },
      });
      this.#stuck ??= setTimeout(() => this.stop(), deadlineMs + STUCK_MS);
      worker.postMessage({ id, texts, giveUp } satisfies Asked);
    });
  }

  /** Ends the thread; the next count starts another. */
  stop(): void {
    clearTimeout(this.#idle);
    clearTimeout(this.#stuck);
    this.#stuck = undefined;
    this.#worker?.terminate();
    this.#worker = undefined;
    for (const { settle } of this.#waiting.values()) settle(undefined);
    this.#waiting.clear();
  }

  #running(): Worker {
    clearTimeout(this.#idle);
    if (this.#worker) return this.#worker;
    const worker = new Worker(new URL('./worker.ts', import.meta.url).href);
    worker.onmessage = ({ data }: MessageEvent<Told>) => this.#told(data);
    worker.onerror = () => this.stop();
    this.#worker = worker;
    this.#started += 1;
    return worker;
  }

  #told({ id, counts }: Told): void {
    this.#waiting.get(id)?.settle(counts);
    this.#waiting.delete(id);
    if (this.#waiting.size > 0) return;
    clearTimeout(this.#stuck);
    this.#stuck = undefined;
    this.#idle = setTimeout(() => this.stop(), IDLE_MS);
    this.#idle.unref();
  }
}
