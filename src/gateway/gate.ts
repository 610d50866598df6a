import type { Clock } from '../canon/clock.ts';
import type { ErrorCode, GatewayError } from '../canon/errors.ts';
import type { Endpoint } from '../catalogue/types.ts';
import { type Breaker, CLOSED, trialsAtOnce } from '../router/breaker.ts';
import { type Cooldown, WARM } from '../router/cooldown.ts';
import { type Health, NO_HEALTH } from '../router/health.ts';
import type { Standing } from '../router/standing.ts';
import type { RateReading } from '../upstream/rate-headers.ts';
import type { Permit } from './ports.ts';
import { type SlotLimits, Slots } from './slots.ts';

/** How often a key that is to wait, or is not taken, is tried all the same because nobody else is left. */
const LAST_RESORT_EVERY_MS = 1000;

/** All that is known of one endpoint with one credential, and who is at it. */
export class Gate {
  readonly credential: string;
  readonly slots: Slots;
  health: Health = NO_HEALTH;
  breaker: Breaker = CLOSED;
  cooldown: Cooldown = WARM;
  /** Requests under way that find out whether it is well again. */
  trials = 0;
  #lastResortAt = Number.NEGATIVE_INFINITY;
  /** What the provider said that it will still take, and until when that holds. */
  #allowance: { left: number; readonly until: number } | undefined;

  constructor(credential: string, clock: Clock, limits: SlotLimits) {
    this.credential = credential;
    this.slots = new Slots(clock, limits);
  }

  /** Whether it may be asked while somebody else might be asked instead. */
  open({ resting, trial }: Standing, now: number): boolean {
    if (resting !== undefined || this.slots.full) return false;
    if (trial && this.trials >= trialsAtOnce(this.breaker)) return false;
    if (!this.#allowance) return true;
    if (now >= this.#allowance.until) this.#allowance = undefined;
    else if (this.#allowance.left <= 0) return false;
    else this.#allowance.left--;
    return true;
  }

  /** The same where nobody else is left. Who said "wait" is not asked with every request even then. */
  openAtLast({ resting }: Standing, now: number): boolean {
    if (this.slots.exhausted) return false;
    if (resting !== 'cooldown' && resting !== 'credential') return true;
    if (now - this.#lastResortAt < LAST_RESORT_EVERY_MS) return false;
    this.#lastResortAt = now;
    return true;
  }

  /** @param requestsLeft undefined where that is not told */
  allow(requestsLeft: number | undefined, until: number): void {
    if (requestsLeft !== undefined) this.#allowance = { left: requestsLeft, until };
  }
}

/** What happens at a gate is told to whoever keeps it. */
export interface Keeper {
  now(): number;
  /** A host on trial has passed. */
  passed(pass: Pass): void;
  ended(pass: Pass, error: GatewayError | undefined): void;
  told(pass: Pass, rate: RateReading): void;
}

/** Failures that mean that it was too much. */
const OVERLOADED: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'upstream_rate_limited',
  'upstream_overloaded',
  'upstream_timeout',
  'upstream_request_timeout',
  'upstream_stalled',
]);

/** One request at one gate, from the moment that it may pass. */
export class Pass implements Permit {
  readonly endpoint: Endpoint;
  readonly gate: Gate;
  readonly startedAt: number;
  /** Its trial was decided before its end. */
  judged = false;
  readonly #keeper: Keeper;
  #trying: boolean;
  #over = false;

  /** The slot has been taken. */
  constructor(endpoint: Endpoint, gate: Gate, trial: boolean, keeper: Keeper) {
    this.endpoint = endpoint;
    this.gate = gate;
    this.#keeper = keeper;
    this.#trying = trial;
    this.startedAt = keeper.now();
    if (trial) gate.trials++;
  }

  told(rate: RateReading): void {
    this.#keeper.told(this, rate);
  }

  began(): void {
    if (!this.#trying) return;
    this.#tried();
    this.judged = true;
    this.#keeper.passed(this);
  }

  cancel(): void {
    if (this.#over) return;
    this.#over = true;
    this.#tried();
    this.gate.slots.give(undefined, this.#keeper.now());
  }

  release(error: GatewayError | undefined): void {
    if (this.#over) return;
    this.#over = true;
    this.#tried();
    // The record first: who waits for the slot must find the host as it is now.
    this.#keeper.ended(this, error);
    const overloaded = error === undefined ? false : OVERLOADED.has(error.code) ? true : undefined;
    this.gate.slots.give(overloaded, this.#keeper.now());
  }

  #tried(): void {
    if (this.#trying) this.gate.trials--;
    this.#trying = false;
  }
}
