import { type GatewayError, gatewayError } from '../canon/errors.ts';
import type { Nanodollars } from '../money/money.ts';

export interface FreeModelLimits {
  readonly perMinute: number;
  readonly perDay: number;
  /** A day's limit for accounts that ever paid. */
  readonly perDayPaid: number;
}

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** What has to be paid in before the higher limit holds: ten dollars. */
const PAID = 10_000_000_000n;

const isFree = (slug: string): boolean => /:free(:|@|$)/.test(slug) || slug === 'openrouter/free';

/**
 * How often free models may be asked, by all keys together (spec/inference 4.7). What was let in counts, whatever became of it; what was
 * refused does not. Counted in this process, and anew when it starts.
 */
export class FreeModels {
  readonly #limits: FreeModelLimits;
  readonly #purchased: () => Nanodollars;
  /** Times of the latest requests, oldest first. */
  #minute: number[] = [];
  #day = 0;
  #today = 0;

  /** @param purchased what was ever paid in */
  constructor(limits: FreeModelLimits, purchased: () => Nanodollars) {
    this.#limits = limits;
    this.#purchased = purchased;
  }

  /** Counts a request that names a free model. @returns `free_model_limit` where there were too many already */
  admit(slugs: readonly string[], now: number): GatewayError | undefined {
    if (!slugs.some(isFree)) return undefined;
    const { perMinute } = this.#limits;
    this.#minute = this.#minute.filter((at) => at > now - MINUTE_MS);
    const [oldest] = this.#minute;
    if (oldest !== undefined && this.#minute.length >= perMinute)
      return refusal('free-models-per-min', 'free_models.per_minute', perMinute, oldest + MINUTE_MS, now);
    const { limit, used, paid, resetsAt } = this.today(now);
    if (used >= limit) {
      const name = paid
        ? 'free-models-per-day-high-balance'
        : `free-models-per-day. Add 10 credits to unlock ${this.#limits.perDayPaid} free model requests per day`;
      const rule = paid ? 'free_models.per_day_paid' : 'free_models.per_day';
      return refusal(name, rule, limit, resetsAt, now, 'openrouter_free_tier_daily');
    }
    this.#minute.push(now);
    this.#today = used + 1;
    return undefined;
  }

  /** The day's limit and what is used of it. Days are UTC. */
  today(now: number): {
    readonly limit: number;
    readonly used: number;
    readonly paid: boolean;
    readonly resetsAt: number;
  } {
    const day = Math.floor(now / DAY_MS);
    if (day !== this.#day) {
      this.#day = day;
      this.#today = 0;
    }
    const { perDay, perDayPaid } = this.#limits;
    const paid = this.#purchased() >= PAID;
    return { limit: paid ? perDayPaid : perDay, used: this.#today, paid, resetsAt: (day + 1) * DAY_MS };
  }
}

function refusal(
  name: string,
  rule: string,
  limit: number,
  resetsAt: number,
  now: number,
  limitSource?: string,
): GatewayError {
  return gatewayError('free_model_limit', `Rate limit exceeded: ${name}`, {
    rule,
    limit,
    current: limit,
    resetsAt,
    retryAfterMs: Math.max(1, resetsAt - now),
    ...(limitSource !== undefined && { limitSource }),
    rateHeaders: {
      'X-RateLimit-Limit': String(limit),
      'X-RateLimit-Remaining': '0',
      'X-RateLimit-Reset': String(resetsAt),
    },
  });
}
