import type { Clock } from '../canon/clock.ts';
import { type EndpointHealth, foldAttempt, inOutage, UNKNOWN_HEALTH } from '../router/health.ts';
import { type Standing, UNTRIED } from '../router/standing.ts';
import type { HealthPort } from './ports.ts';

/** What this gateway saw of an endpoint itself, in the words of the endpoint listing (spec/platform 4.6). */
interface Percentiles {
  readonly p50: number;
  readonly p75: number;
  readonly p90: number;
  readonly p99: number;
}

export interface Measured {
  /** Answers within the last 30 minutes. */
  readonly samples: number;
  /** Milliseconds to the first content; higher percentiles are slower. */
  readonly latency: Percentiles | null;
  /** Output tokens per second; higher percentiles are slower too: the share of answers at least this fast. */
  readonly throughput: Percentiles | null;
  /** Percent of countable attempts that were served; null without any. */
  readonly uptime5m: number | null;
  readonly uptime30m: number | null;
  readonly uptime1d: number | null;
  /** Control words of its model came as text within the last hour. */
  readonly misconfigured: boolean;
}

interface Sample {
  readonly at: number;
  readonly firstContentMs: number;
  readonly tokensPerSecond: number | undefined;
}

interface Minute {
  readonly minute: number;
  served: number;
  failed: number;
}

interface Observed {
  /** When it was last said that control words came as text. */
  misconfiguredAt?: number;
  health: EndpointHealth;
  readonly samples: Sample[];
  readonly minutes: Minute[];
  /** How often it ended an answer with a word that nobody knows. */
  readonly unknownFinishes: Map<string, number>;
}

const MINUTE_MS = 60_000;
/** How long one warning stands for those that would follow. */
const FLAG_MS = 60 * MINUTE_MS;
const WINDOW_MS = 30 * MINUTE_MS;
const SAMPLES_MAX = 1000;
const MINUTES_MAX = 1440;
const UNKNOWN_WORDS_MAX = 20;

/** Attempts and answers by endpoint: the router asks it for outages, pages and listings for figures. Bounded, and gone with the process. */
export class Measurements implements HealthPort {
  readonly #clock: Clock;
  readonly #endpoints = new Map<string, Observed>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  standing(endpointId: string): Standing {
    const observed = this.#endpoints.get(endpointId);
    return observed !== undefined && inOutage(observed.health, this.#clock.now())
      ? { ...UNTRIED, outage: true }
      : UNTRIED;
  }

  record(endpointId: string, outcome: 'served' | 'failed'): void {
    const observed = this.#observed(endpointId);
    const now = this.#clock.now();
    observed.health = foldAttempt(observed.health, outcome, now);
    const minute = Math.floor(now / MINUTE_MS);
    let bucket = observed.minutes.at(-1);
    if (bucket?.minute !== minute) {
      bucket = { minute, served: 0, failed: 0 };
      observed.minutes.push(bucket);
      if (observed.minutes.length > MINUTES_MAX) observed.minutes.shift();
    }
    bucket[outcome] += 1;
  }

  misconfigured(endpointId: string): boolean {
    const observed = this.#observed(endpointId);
    const now = this.#clock.now();
    const news = observed.misconfiguredAt === undefined || now - observed.misconfiguredAt >= FLAG_MS;
    if (news) observed.misconfiguredAt = now;
    return news;
  }

  unknownFinish(endpointId: string, word: string): number {
    const { unknownFinishes } = this.#observed(endpointId);
    const times = (unknownFinishes.get(word) ?? 0) + 1;
    if (times > 1 || unknownFinishes.size < UNKNOWN_WORDS_MAX) unknownFinishes.set(word, times);
    return times;
  }

  /** @param tokensPerSecond undefined where an answer was too short or too sudden to have a speed */
  answered(endpointId: string, firstContentMs: number, tokensPerSecond: number | undefined): void {
    const { samples } = this.#observed(endpointId);
    samples.push({ at: this.#clock.now(), firstContentMs, tokensPerSecond });
    if (samples.length > SAMPLES_MAX) samples.shift();
  }

  measured(endpointId: string): Measured {
    const now = this.#clock.now();
    const observed = this.#endpoints.get(endpointId);
    const recent = observed?.samples.filter((sample) => sample.at > now - WINDOW_MS) ?? [];
    const uptime = (minutes: number): number | null =>
      uptimeOf(observed?.minutes ?? [], Math.floor(now / MINUTE_MS) - minutes);
    return {
      samples: recent.length,
      latency: percentiles(
        recent.map((sample) => sample.firstContentMs),
        'ascending',
      ),
      throughput: percentiles(
        recent.flatMap((sample) => sample.tokensPerSecond ?? []),
        'descending',
      ),
      uptime5m: uptime(5),
      uptime30m: uptime(30),
      uptime1d: uptime(MINUTES_MAX),
      misconfigured: observed?.misconfiguredAt !== undefined && now - observed.misconfiguredAt < FLAG_MS,
    };
  }

  #observed(endpointId: string): Observed {
    let observed = this.#endpoints.get(endpointId);
    if (!observed) {
      observed = { health: UNKNOWN_HEALTH, samples: [], minutes: [], unknownFinishes: new Map() };
      this.#endpoints.set(endpointId, observed);
    }
    return observed;
  }
}

function uptimeOf(minutes: readonly Minute[], since: number): number | null {
  let served = 0;
  let failed = 0;
  for (const bucket of minutes) {
    if (bucket.minute <= since) continue;
    served += bucket.served;
    failed += bucket.failed;
  }
  return served + failed === 0 ? null : Math.round((10_000 * served) / (served + failed)) / 100;
}

/** The better end first: each percentile is the value that this share of answers reached or beat. */
function percentiles(values: readonly number[], order: 'ascending' | 'descending'): Percentiles | null {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => (order === 'ascending' ? a - b : b - a));
  const at = (share: number): number =>
    Math.round(10 * (sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? 0)) / 10;
  return { p50: at(0.5), p75: at(0.75), p90: at(0.9), p99: at(0.99) };
}
