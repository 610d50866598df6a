import type { FreeModels } from '../accounts/free-models.ts';
import type { Presets } from '../accounts/presets.ts';
import type { Clock } from '../canon/clock.ts';
import type { GatewayError } from '../canon/errors.ts';
import type { RoutingPolicy } from '../canon/policy.ts';
import type { Snapshot } from '../catalogue/snapshot.ts';
import type { Endpoint, Provider } from '../catalogue/types.ts';
import type { Books } from '../ledger/books.ts';
import type { RefusalRow } from '../ledger/ports.ts';
import type { Allowance } from '../ledger/refusals.ts';
import type { Nanodollars } from '../money/money.ts';
import type { BreakerLimits } from '../router/breaker.ts';
import type { Pace } from '../router/health.ts';
import type { Standing } from '../router/standing.ts';
import type { Deadlines } from '../upstream/deadlines.ts';
import type { Downloader } from '../upstream/download.ts';
import type { RateReading } from '../upstream/rate-headers.ts';
import type { ProviderRoute } from '../upstream/route.ts';
import type { AttemptLimits, AttemptRequest, Try } from '../upstream/try.ts';
import type { Brakes } from './brakes.ts';
import type { Calibration } from './calibration.ts';
import type { Conversations } from './conversations.ts';
import type { Hedges } from './hedge.ts';
import type { ResponseCache } from './response-cache.ts';
import type { Retries } from './retries.ts';
import type { SlotLimits } from './slots.ts';

export interface GatewayLimits extends AttemptLimits {
  readonly requestTotalMsMax: number;
  /** How long a stream may stay uncommitted, so that a failure can still have its HTTP status. */
  readonly streamCommitMs: number;
  readonly attemptsMax: number;
  /** Requests in hand at once. */
  readonly requestsMax: number;
  /** How long an answer nobody reads any more is read on, where leaving would not stop the bill. */
  readonly detachedDrainMsMax: number;
  /** Bytes of all that is fetched for one request, together. */
  readonly mediaTotalBytesMax: number;
}

/** What can be called now: one immutable state, kept by a request from its plan to its bill. */
export interface Roads {
  readonly snapshot: Snapshot;
  readonly routes: ReadonlyMap<string, ProviderRoute>;
  readonly defaultModel: string | undefined;
  /** What the operator asks of every request's routing. */
  readonly policy: RoutingPolicy;
  /** Why an endpoint cannot be called here, or undefined where it can. */
  unroutable(provider: Provider, endpoint: Endpoint): string | undefined;
}

/** When a host is left alone, and for how long (config/limits.ts). */
export interface HealthLimits {
  readonly breaker: BreakerLimits;
  /** The first wait after a 429 that names none, and the longest that is believed. */
  readonly cooldownMs: number;
  readonly cooldownMsMax: number;
  readonly slots: SlotLimits;
}

/** The right to ask a host once; it has to be given back, whatever became of it. */
export interface Permit {
  /** What the provider said of how much more it will take. */
  told(rate: RateReading): void;
  /** There is content: a host on trial has passed. */
  began(): void;
  /** The attempt is over. Only the first call counts. @param error undefined where it was served */
  release(error: GatewayError | undefined): void;
  /** It was not used, or says nothing about the host. */
  cancel(): void;
}

export interface HealthPort {
  standing(endpointId: string): Standing;
  /** The same for many endpoints at one moment. */
  look(): (endpointId: string) => Standing;
  /**
   * Asks whether an endpoint may be asked now, with the credential of this name (upstream/route.ts).
   * @param lastResort nobody else is left
   * @returns undefined where it rests, is on trial already, or has enough to do
   */
  enter(endpoint: Endpoint, credential: string, lastResort: boolean): Permit | undefined;
  /** Waits a moment for an endpoint that has enough to do. @returns undefined where that is not what keeps it */
  queue(endpoint: Endpoint, credential: string): Promise<Permit | undefined> | undefined;
  /** Milliseconds until an endpoint that rests may be asked again. */
  waitMs(endpoint: Endpoint, credential: string): number | undefined;
  /** Flags an endpoint whose server is set up wrongly. @returns whether that is news */
  misconfigured(endpointId: string): boolean;
  /** An answer ended with a word that its dialect does not have. @returns how often it did, this time included */
  unknownFinish(endpointId: string, word: string): number;
  /** An answer called tools. @param good every call was as it was declared */
  calledTools(endpointId: string, good: boolean): void;
  /** How fast an answer was. */
  answered(endpoint: Endpoint, credential: string, pace: Pace): void;
}

/** What nobody gets who has not asked for it: the caller by header, or the operator for everybody (docs/extras.md). */
interface Extras {
  /** Another host goes on where a stream breaks off. */
  readonly resume: boolean;
}

/** Counts tokens of texts as o200k does; undefined where that takes longer than the deadline. */
interface TokenCounter {
  count(texts: readonly string[], deadlineMs: number): Promise<readonly number[] | undefined>;
}

export interface Log {
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
}

export interface GatewayPorts {
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  /** Begins one call to one endpoint. */
  begin(request: AttemptRequest): Try;
  /** Fetches media for hosts that do not. */
  readonly downloader: Downloader;
  readonly limits: GatewayLimits;
  readonly roads: Roads;
  readonly books: Books;
  readonly health: HealthPort;
  readonly presets: Pick<Presets, 'serving'>;
  readonly retries: Retries;
  readonly responseCache: ResponseCache;
  /** What was learned about the counts of each endpoint. */
  readonly calibration: Calibration;
  /** Which host has which conversation in its cache. */
  readonly conversations: Conversations;
  readonly extras: Extras;
  readonly hedges: Hedges;
  readonly brakes: Brakes;
  /** Absent where estimates have to do. */
  readonly counter?: TokenCounter;
  readonly log: Log;
  /** What a key may spend and has spent, where it is limited. */
  allowance(keyHash: string, now: number): Allowance | undefined;
  /** How often free models may be asked; absent where as often as anybody likes. */
  readonly freeModels?: FreeModels;
  /** Keeps why a request was refused that got no further than its plan; nobody waits for it. Absent where nobody will ask. */
  readonly refused?: (refusal: RefusalRow) => void;
  /** Counts a settled charge towards the usage of its key. */
  charged(keyHash: string, charge: Nanodollars, at: number): void;
  /** A fresh generation id: `gen-<unix seconds>-<20 alphanumerics>`. */
  newGenerationId(): string;
  /** The seed of the next plan's draw. */
  nextSeed(): number;
  /** Work that outlives its request; a shutdown waits for it. */
  readonly running: Running;
}

/** Something in flight that a shutdown can end in-band. */
export interface Cuttable {
  cut(): void;
}

/** The answers in flight. */
export class Running {
  readonly #active = new Set<Cuttable>();
  #idle: (() => void)[] = [];

  /** Requests that are still being read or measured. */
  arriving = 0;

  get size(): number {
    return this.#active.size;
  }

  /** Requests in hand, from the first byte that is read of them to the last that is known of their bill. */
  get inHand(): number {
    return this.#active.size + this.arriving;
  }

  /** Owns a promise until it settles; what it rejects with is its own to log. */
  track(work: Cuttable, promise: Promise<unknown>): void {
    this.#active.add(work);
    const done = (): void => {
      this.#active.delete(work);
      if (this.#active.size > 0) return;
      for (const resolve of this.#idle) resolve();
      this.#idle = [];
    };
    promise.then(done, done);
  }

  idle(): Promise<void> {
    return this.#active.size === 0 ? Promise.resolve() : new Promise((resolve) => this.#idle.push(resolve));
  }

  cutAll(): void {
    for (const work of this.#active) work.cut();
  }
}
