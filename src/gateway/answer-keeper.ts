import type { Dropped } from '../canon/dropped.ts';
import type { GenerationEvent } from '../canon/event.ts';
import type { AnswerContext } from '../dialects/dialect.ts';
import { waiver } from '../ledger/price.ts';
import type { Meter } from './meter.ts';
import type { CacheWish, ResponseCache } from './response-cache.ts';

/** Nobody used anything to give an answer again. */
const NOTHING_USED: GenerationEvent = { type: 'usage', usage: { counts: {}, estimated: false } };

/** Collects an answer while it is given to the caller, and keeps it where it has come to a good end. */
export class AnswerKeeper {
  readonly #id: string;
  readonly #key: string;
  readonly #wish: CacheWish;
  readonly #cache: ResponseCache;
  #events: string[] = [];
  #bytes = 0;
  #tooLarge = false;

  constructor(id: string, key: string, wish: CacheWish, cache: ResponseCache) {
    this.#id = id;
    this.#key = key;
    this.#wish = wish;
    this.#cache = cache;
  }

  /** What the answer says of the cache. */
  get headers(): Readonly<Record<string, string>> {
    return { 'x-openrouter-cache-status': 'MISS', 'x-openrouter-cache-ttl': String(this.#wish.ttlSeconds) };
  }

  see(event: GenerationEvent): void {
    if (this.#tooLarge) return;
    const text = JSON.stringify(event.type === 'usage' ? NOTHING_USED : event);
    this.#bytes += text.length;
    this.#events.push(text);
    if (this.#bytes <= this.#cache.answerBytesMax) return;
    this.#tooLarge = true;
    this.#events = [];
  }

  /** The answer is over. One that did not come to its end, or to none that is worth its price, is not given to anybody a second time. */
  keep(meter: Meter, { model, provider, cacheWrites }: AnswerContext, dropped: readonly Dropped[]): void {
    const { finish, nativeFinish, serviceTier } = meter;
    if (this.#tooLarge || finish === undefined || waiver(meter.usage(), finish)) return;
    this.#cache.store(
      this.#key,
      {
        sourceId: this.#id,
        events: `[${this.#events.join(',')}]`,
        context: {
          model,
          ...(provider !== undefined && { provider }),
          ...(cacheWrites !== undefined && { cacheWrites }),
        },
        finish,
        nativeFinish,
        serviceTier: serviceTier ?? null,
        dropped,
      },
      this.#wish.ttlSeconds,
    );
  }
}
