/**
 * How many retries there may be (P7): of the requests of any ten seconds only a share, so that an outage is not made worse by trying
 * harder. A few are always allowed, because of few requests a share is nothing; as they are counted and not timed, they too keep within
 * a fifth of any hundred requests.
 */
export interface RetryLimits {
  /** Percent of the requests. */
  readonly percent: number;
  /** Retries within ten seconds that are always allowed. */
  readonly least: number;
}

const BUCKET_MS = 100;
const BUCKETS = 100;

export class RetryBudget {
  readonly #limits: RetryLimits;
  readonly #requests = new Float64Array(BUCKETS);
  readonly #retries = new Float64Array(BUCKETS);
  #newest = 0;

  constructor(limits: RetryLimits) {
    this.#limits = limits;
  }

  /** @param now milliseconds; only differences matter */
  request(now: number): void {
    const index = this.#at(now);
    this.#requests[index] = (this.#requests[index] ?? 0) + 1;
  }

  /**
   * Counts one more retry, where there may be one. It must fit every stretch of time that ends now: so no ten seconds, wherever they
   * begin (to a tenth of a second), will have held too many.
   */
  retry(now: number): boolean {
    const newest = this.#at(now);
    const { percent, least } = this.#limits;
    let requests = 0;
    let retries = 1;
    for (let back = 0; back < BUCKETS; back++) {
      const index = (newest - back + BUCKETS) % BUCKETS;
      requests += this.#requests[index] ?? 0;
      retries += this.#retries[index] ?? 0;
      if (retries > least && 100 * retries > percent * requests) return false;
    }
    this.#retries[newest] = (this.#retries[newest] ?? 0) + 1;
    return true;
  }

  /** The bucket of this time; what fell out of the window is forgotten on the way there. */
  #at(now: number): number {
    const bucket = Math.floor(now / BUCKET_MS);
    for (let next = Math.max(this.#newest + 1, bucket - BUCKETS + 1); next <= bucket; next++) {
      this.#requests[next % BUCKETS] = 0;
      this.#retries[next % BUCKETS] = 0;
    }
    this.#newest = Math.max(this.#newest, bucket);
    return this.#newest % BUCKETS;
  }
}
