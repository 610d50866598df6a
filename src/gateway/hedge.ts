import type { Clock } from '../canon/clock.ts';
import type { GenerationRequest } from '../canon/request.ts';
import { upperPrompt } from '../canon/tokens.ts';
import type { Snapshot } from '../catalogue/snapshot.ts';
import type { Endpoint } from '../catalogue/types.ts';
import { worstPrice } from '../ledger/price.ts';
import type { Nanodollars } from '../money/money.ts';
import type { Candidate } from '../router/candidate.ts';
import type { Size } from '../router/limits.ts';

/** When a second host may be asked although the first may still answer (docs/extras.md). */
export interface HedgeLimits {
  /** For every stream that does not say otherwise. */
  readonly on: boolean;
  /** Milliseconds after which it is asked where the first has not been measured; undefined where then it is not. */
  readonly afterMs: number | undefined;
  /** The share of requests for which it may be, of 1. */
  readonly share: number;
  /** The most that the attempt which is given up can cost us. */
  readonly addedMax: Nanodollars;
}

/** Whether a request may be hedged: a stream of text without media that somebody would have to fetch, and that need not be checked as a whole. */
export function hedges(
  { stream, operation, output }: GenerationRequest,
  media: readonly unknown[],
  wanted: boolean,
): boolean {
  const free = output === undefined || output.kind === 'text';
  return wanted && stream && operation === undefined && free && media.length === 0;
}

/** Answers a host must have given within five minutes before its own speed is what it is measured by. */
const SAMPLES_MIN = 20;
/** A host's slow answers are told from its usual ones by this at the latest: where one in twenty is slow, the 95th percentile may be one. */
const MEDIANS_MAX = 4;
/** How many may come one after the other, where there were enough requests before. */
const BURST = 20;

/** How many requests are hedged: one budget for the whole gateway. */
export class Hedges {
  readonly limits: HedgeLimits;
  #budget = 0;

  constructor(limits: HedgeLimits) {
    this.limits = limits;
  }

  /** Counts a request that may be hedged. */
  asked(): void {
    this.#budget = Math.min(BURST, this.#budget + this.limits.share);
  }

  /** @returns whether one more may be, which it then is */
  take(): boolean {
    // A share is a fraction that adds up to a whole but for its last digits.
    if (this.#budget < 1 - 1e-9) return false;
    this.#budget -= 1;
    return true;
  }
}

/** Whom to ask as well, and when. */
export interface Hedge {
  readonly second: Candidate;
  readonly afterMs: number;
}

export interface HedgeInput {
  readonly first: Candidate;
  readonly others: readonly Candidate[];
  readonly request: GenerationRequest;
  /** How large the prompt is, as each endpoint would count it. */
  readonly size: { at(endpoint: Endpoint): Size };
  readonly snapshot: Snapshot;
}

/** The first other provider of the model that is well, stops its bill when it is left, and costs little enough. */
export function hedge({ first, others, request, size, snapshot }: HedgeInput, limits: HedgeLimits): Hedge | undefined {
  const afterMs = patience(first, limits);
  if (afterMs === undefined) return undefined;
  const most = (candidate: Candidate, whole: boolean): bigint => {
    const { endpoint, model } = candidate;
    const { likely, most: mostPrompt } = size.at(endpoint);
    const promptTokens = Math.max(upperPrompt(likely, request), mostPrompt);
    const longest = request.maxOutputTokens ?? endpoint.maxOutputTokens ?? model.maxOutputTokens ?? 0;
    return worstPrice(
      { promptTokens, outputTokens: whole ? longest : 0, images: 0 },
      snapshot.worstRates(endpoint, { promptTokens, tier: request.serviceTier }),
    ).total;
  };
  // Whichever is given up: the first is paid for all it would have said, where leaving does not stop its bill.
  if (most(first, !first.provider.cancellation) > limits.addedMax) return undefined;
  const second = others.find(
    (other) =>
      other.model === first.model &&
      other.provider.id !== first.provider.id &&
      other.provider.cancellation &&
      other.standing.resting === undefined &&
      !other.standing.outage &&
      most(other, false) <= limits.addedMax,
  );
  return second && { second, afterMs };
}

/** How long a host may take before it is slower than it usually is. */
function patience({ standing }: Candidate, { afterMs }: HedgeLimits): number | undefined {
  const { latency, samples = 0 } = standing;
  if (!latency || samples < SAMPLES_MIN) return afterMs;
  return Math.min(latency.p95, MEDIANS_MAX * latency.p50);
}

/** How two attempts ended of which the second began later. */
export interface Raced<O> {
  /** The one that succeeded first; where none did, the one that ended last. */
  readonly outcome: O;
  readonly by: 'first' | 'second';
  /** What the other came to before, where it ended. */
  readonly before?: O;
  /** What the other will come to, where it is still under way. */
  readonly pending?: Promise<O>;
}

/**
 * Lets a second attempt begin where the first takes too long.
 * @param begin asked once, when the time has come; undefined where there may be no second after all
 */
export function race<O>(
  first: Promise<O>,
  begin: () => Promise<O> | undefined,
  succeeded: (outcome: O) => boolean,
  afterMs: number,
  clock: Clock,
): Promise<Raced<O>> {
  return new Promise((resolve, reject) => {
    let second: Promise<O> | undefined;
    let failed: { readonly outcome: O } | undefined;
    const ended = (outcome: O, by: Raced<O>['by']): void => {
      callOff();
      const other = by === 'first' ? second : first;
      if (failed) resolve({ outcome, by, before: failed.outcome });
      else if (!second) resolve({ outcome, by });
      else if (succeeded(outcome)) resolve({ outcome, by, ...(other && { pending: other }) });
      else failed = { outcome };
    };
    const callOff = clock.after(afterMs, () => {
      try {
        second = begin();
      } catch (error) {
        reject(error);
      }
      second?.then((outcome) => ended(outcome, 'second'), reject);
    });
    first.then((outcome) => ended(outcome, 'first'), reject);
  });
}
