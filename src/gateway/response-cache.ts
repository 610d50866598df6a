import { createHash } from 'node:crypto';
import type { Clock } from '../canon/clock.ts';
import type { Dropped } from '../canon/dropped.ts';
import type { FinishReason } from '../canon/event.ts';
import type { AnswerContext } from '../dialects/dialect.ts';

/** Answers that are given again to who asks the very same again, where that is wanted (spec/inference 5.13, decision 0029). */

const TTL_SECONDS = 300;
const TTL_SECONDS_MAX = 86_400;

/** What headers say of the cache. */
export interface CacheHeaders {
  readonly enabled?: boolean;
  readonly ttlSeconds?: number;
  readonly clear?: boolean;
}

/** What a preset says of it. */
export interface CacheSettings {
  readonly enabled?: boolean;
  readonly ttlSeconds?: number;
}

/** A request that may be answered from the cache, and whose answer may go into it. */
export interface CacheWish {
  readonly ttlSeconds: number;
  /** What is there is forgotten first. */
  readonly clear: boolean;
}

const flag = (text: string | null): boolean | undefined => {
  const word = text?.trim().toLowerCase();
  return word === 'true' || word === 'false' ? word === 'true' : undefined;
};

/** The number that a text begins with, within a second and a day; undefined where it begins with none. */
function ttlOf(text: string | null): number | undefined {
  const digits = /^\s*(\d+)/.exec(text ?? '')?.[1];
  return digits === undefined ? undefined : Math.min(Math.max(Number(digits), 1), TTL_SECONDS_MAX);
}

/** @returns undefined where the headers say nothing of the cache; words that mean nothing are not said */
export function cacheHeaders(headers: Headers): CacheHeaders | undefined {
  const on = headers.get('x-openrouter-cache');
  const time = headers.get('x-openrouter-cache-ttl');
  const forget = headers.get('x-openrouter-cache-clear');
  if (on === null && time === null && forget === null) return undefined;
  const [enabled, ttlSeconds, clear] = [flag(on), ttlOf(time), flag(forget)];
  return {
    ...(enabled !== undefined && { enabled }),
    ...(ttlSeconds !== undefined && { ttlSeconds }),
    ...(clear !== undefined && { clear }),
  };
}

/**
 * Whether the cache is used: never where the operator wants nothing kept or the preset forbids it; else as the header says, as the preset
 * says, and not at all where nobody says anything.
 */
export function cacheWish(
  headers: CacheHeaders | undefined,
  preset: CacheSettings | undefined,
  policy: { readonly zdr?: boolean | undefined },
): CacheWish | undefined {
  const enabled = preset?.enabled === false ? false : (headers?.enabled ?? preset?.enabled);
  if (!enabled || policy.zdr) return undefined;
  return {
    ttlSeconds: headers?.ttlSeconds ?? preset?.ttlSeconds ?? TTL_SECONDS,
    clear: headers?.clear === true,
  };
}

export interface CacheKeyParts {
  readonly keyHash: string;
  /** The wire that is spoken; a text completion is another one than a chat. */
  readonly dialect: string;
  readonly stream: boolean;
  /** Nothing may have been left out. */
  readonly strict: boolean;
  readonly model: string;
  /** The body with its preset's settings: how it was spaced does not matter, the order of its members does. */
  readonly wire: unknown;
}

export const cacheKey = ({ keyHash, dialect, stream, strict, model, wire }: CacheKeyParts): string =>
  createHash('sha256')
    .update(JSON.stringify([keyHash, dialect, stream, strict, model]))
    .update(JSON.stringify(wire))
    .digest('base64');

/** An answer as it was given, but for what belongs to one request alone. */
export interface CachedAnswer {
  /** The generation that brought it. */
  readonly sourceId: string;
  /** Its events as one JSON text. */
  readonly events: string;
  readonly context: Pick<AnswerContext, 'model' | 'provider' | 'cacheWrites'>;
  readonly finish: FinishReason;
  readonly nativeFinish: string | null;
  readonly serviceTier: string | null;
  readonly dropped: readonly Dropped[];
}

interface Entry {
  readonly answer: CachedAnswer;
  readonly bytes: number;
  readonly storedAt: number;
  readonly expiresAt: number;
}

/** An answer found, with whole seconds since it was stored and until it is forgotten. */
export interface Hit {
  readonly answer: CachedAnswer;
  readonly ageSeconds: number;
  readonly ttlSeconds: number;
}

export interface CacheLimits {
  readonly bytesMax: number;
  readonly entriesMax: number;
}

/** What an entry takes beside its text. */
const ENTRY_BYTES = 1024;

/** The answers of one process, in memory, least recently used first; gone with the process. */
export class ResponseCache {
  readonly #clock: Clock;
  readonly #limits: CacheLimits;
  readonly #entries = new Map<string, Entry>();
  #bytes = 0;

  constructor(clock: Clock, limits: CacheLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** The largest answer that is worth collecting. */
  get answerBytesMax(): number {
    return this.#limits.bytesMax - ENTRY_BYTES;
  }

  find(key: string): Hit | undefined {
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    const now = this.#clock.monotonic();
    this.delete(key);
    if (now >= entry.expiresAt) return undefined;
    this.#put(key, entry);
    return {
      answer: entry.answer,
      ageSeconds: Math.floor((now - entry.storedAt) / 1000),
      ttlSeconds: Math.ceil((entry.expiresAt - now) / 1000),
    };
  }

  store(key: string, answer: CachedAnswer, ttlSeconds: number): void {
    this.delete(key);
    const bytes = ENTRY_BYTES + Buffer.byteLength(answer.events);
    if (bytes > this.#limits.bytesMax) return;
    const storedAt = this.#clock.monotonic();
    this.#put(key, { answer, bytes, storedAt, expiresAt: storedAt + ttlSeconds * 1000 });
    for (const oldest of this.#entries.keys()) {
      if (this.#bytes <= this.#limits.bytesMax && this.#entries.size <= this.#limits.entriesMax) return;
      this.delete(oldest);
    }
  }

  delete(key: string): void {
    const entry = this.#entries.get(key);
    if (!entry) return;
    this.#entries.delete(key);
    this.#bytes -= entry.bytes;
  }

  clear(): void {
    this.#entries.clear();
    this.#bytes = 0;
  }

  #put(key: string, entry: Entry): void {
    this.#entries.set(key, entry);
    this.#bytes += entry.bytes;
  }
}
