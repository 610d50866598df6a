import type { AccountsStore, Key, Preset, PresetStore, PresetVersion } from '../../accounts/ports.ts';
import type { Entry, HoldRow, LedgerStore, OutcomeRow, RefusalRow } from '../../ledger/ports.ts';
import {
  type Breach,
  type FromStore,
  packWrites,
  type Query,
  type StoredGeneration,
  type StoredState,
  type ToStore,
  type Write,
} from './protocol.ts';

/** The data folder or its database needs the operator's hand; the message is one sentence. */
export class StoreUnusable extends Error {}

/** How long a reservation may wait for company before it is journalled; nobody waits for it. */
const HOLD_DELAY_MS = 25;

/** Refusals are kept for their callers' sake: they must not stand in the way of what is owed. */
const REFUSALS_WAITING_MAX = 500;

const NOTHING_NEW: readonly ('written' | 'existed')[] = [];

/** Where the last batch had company the next waits this long for more: one fsync for many, and a lone write waits for nobody. */
const COMPANY_MS = 2;
const COMPANY_MIN = 4;

interface Waiting {
  readonly resolve: (result: 'written' | 'existed') => void;
  readonly reject: (error: Error) => void;
}

/**
 * The embedded store: a thread with a file. While one batch is being written the next one gathers, so that under load many outcomes
 * share one fsync and a lone one does not wait for anybody.
 */
export class SqliteStore implements LedgerStore, AccountsStore, PresetStore {
  readonly #worker: Worker;
  #queue: Write[] = [];
  #waiting: (Waiting | undefined)[] = [];
  #inFlight: (Waiting | undefined)[] | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #urgent = false;
  #crowded = false;
  #scheduled = false;
  #queries = new Map<number, (value: unknown) => void>();
  #nextQuery = 0;
  #onDrained: (() => void) | undefined;
  #onClosed: (() => void) | undefined;
  /** Set once a write has failed: what is on disk is no longer known, so nothing may be promised any more. */
  #failure: Error | undefined;

  private constructor(worker: Worker) {
    this.#worker = worker;
    worker.onmessage = ({ data }: MessageEvent<FromStore>) => this.#receive(data);
  }

  /** @throws StoreUnusable for a folder in use, a foreign, newer or damaged file */
  static async open(path: string): Promise<{ store: SqliteStore; state: StoredState }> {
    const worker = new Worker(new URL('./worker.ts', import.meta.url).href);
    const opened = await new Promise<FromStore>((resolve, reject) => {
      worker.onmessage = ({ data }: MessageEvent<FromStore>) => resolve(data);
      worker.onerror = (event) => reject(new Error(event.message));
      worker.postMessage({ kind: 'open', path } satisfies ToStore);
    });
    if (opened.kind === 'opened') return { store: new SqliteStore(worker), state: opened.state };
    worker.terminate();
    const message = 'message' in opened ? opened.message : 'the store did not open';
    throw opened.kind === 'refused' ? new StoreUnusable(message) : new Error(message);
  }

  get failure(): Error | undefined {
    return this.#failure;
  }

  journalHold(hold: HoldRow): void {
    if (this.#failure) return;
    this.#queue.push({ op: 'hold', hold });
    this.#waiting.push(undefined);
    this.#timer ??= setTimeout(() => this.#flush(), HOLD_DELAY_MS);
  }

  /** Nobody waits for it; where more come than can be written, some are not kept. */
  journalRefusal({ document, ...refusal }: RefusalRow): void {
    if (this.#failure || this.#queue.length >= REFUSALS_WAITING_MAX) return;
    this.#queue.push({ op: 'refusal', refusal, document: JSON.stringify(document) });
    this.#waiting.push(undefined);
    this.#timer ??= setTimeout(() => this.#flush(), HOLD_DELAY_MS);
  }

  async writeOutcome(row: OutcomeRow): Promise<void> {
    const { document, ...outcome } = row;
    await this.#write({ op: 'outcome', outcome, document: JSON.stringify(document) });
  }

  writeEntry(entry: Entry, at: number): Promise<'written' | 'existed'> {
    return this.#write({ op: 'entry', entry, at });
  }

  async putKey(key: Key): Promise<void> {
    await this.#write({ op: 'put-key', key });
  }

  async deleteKey(hash: string): Promise<void> {
    await this.#write({ op: 'delete-key', hash });
  }

  putPreset(preset: Preset): Promise<'written' | 'existed'> {
    return this.#write({ op: 'put-preset', preset });
  }

  presetVersions(presetId: string, offset: number, limit: number): Promise<readonly PresetVersion[]> {
    return this.#ask({ query: 'preset-versions', presetId, offset, limit }) as Promise<readonly PresetVersion[]>;
  }

  /** Versions have no gaps, so the number is the place. */
  async presetVersion(presetId: string, version: number): Promise<PresetVersion | null> {
    return (await this.presetVersions(presetId, version - 1, 1))[0] ?? null;
  }

  /** A generation's record. What was written before is seen: both take the same road. */
  generation(id: string): Promise<StoredGeneration | null> {
    return this.#ask({ query: 'generation', id }) as Promise<StoredGeneration | null>;
  }

  audit(): Promise<readonly Breach[]> {
    return this.#ask({ query: 'audit' }) as Promise<readonly Breach[]>;
  }

  /** Writes what is left and releases the file. */
  async close(): Promise<void> {
    await this.#drained();
    await new Promise<void>((resolve) => {
      this.#onClosed = resolve;
      this.#worker.postMessage({ kind: 'close' } satisfies ToStore);
    });
    this.#worker.terminate();
  }

  #drained(): Promise<void> {
    if (this.#failure || (this.#queue.length === 0 && !this.#inFlight)) return Promise.resolve();
    this.#urgent = true;
    this.#schedule();
    return new Promise((resolve) => {
      this.#onDrained = resolve;
    });
  }

  #write(write: Write): Promise<'written' | 'existed'> {
    if (this.#failure) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#queue.push(write);
      this.#waiting.push({ resolve, reject });
      this.#urgent = true;
      this.#schedule();
    });
  }

  /** At the end of this turn of the loop, so that everything it settles travels in one message. */
  #schedule(): void {
    if (this.#scheduled || this.#inFlight) return;
    this.#scheduled = true;
    const flush = (): void => {
      this.#scheduled = false;
      this.#flush();
    };
    if (this.#crowded) setTimeout(flush, COMPANY_MS);
    else setImmediate(flush);
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#inFlight || this.#queue.length === 0) return;
    this.#worker.postMessage({ kind: 'write', writes: packWrites(this.#queue) } satisfies ToStore);
    this.#crowded = this.#queue.length >= COMPANY_MIN;
    this.#inFlight = this.#waiting;
    this.#queue = [];
    this.#waiting = [];
    this.#urgent = false;
  }

  #receive(message: FromStore): void {
    if (message.kind === 'written') this.#written(message.results ?? NOTHING_NEW);
    else if (message.kind === 'failed') this.#failed(new Error(message.message));
    else if (message.kind === 'answer') this.#answered(message.id, message.value);
    else if (message.kind === 'closed') this.#onClosed?.();
  }

  #written(results: readonly ('written' | 'existed')[]): void {
    const waiting = this.#inFlight ?? [];
    this.#inFlight = undefined;
    for (let i = 0; i < waiting.length; i++) waiting[i]?.resolve(results[i] ?? 'written');
    if (this.#queue.length === 0) this.#onDrained?.();
    else if (this.#urgent) this.#schedule();
    else this.#timer ??= setTimeout(() => this.#flush(), HOLD_DELAY_MS);
  }

  #failed(error: Error): void {
    this.#failure = error;
    const waiting = [...(this.#inFlight ?? []), ...this.#waiting];
    this.#inFlight = undefined;
    this.#queue = [];
    this.#waiting = [];
    for (const one of waiting) one?.reject(error);
    this.#onDrained?.();
  }

  #ask(query: Query): Promise<unknown> {
    return new Promise((resolve) => {
      const id = this.#nextQuery++;
      this.#queries.set(id, resolve);
      this.#flush();
      this.#worker.postMessage({ kind: 'query', id, query } satisfies ToStore);
    });
  }

  #answered(id: number, value: unknown): void {
    this.#queries.get(id)?.(value);
    this.#queries.delete(id);
  }
}
