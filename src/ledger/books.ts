import type { GatewayError } from '../canon/errors.ts';
import { fail, ok, type Result } from '../canon/result.ts';
import { add, larger, type Nanodollars, smaller, subtract, ZERO } from '../money/money.ts';
import {
  type Entry,
  type GenerationDocument,
  INITIAL_GRANT,
  type LedgerState,
  type LedgerStore,
  type OutcomeRow,
} from './ports.ts';
import {
  type Allowance,
  type Asked,
  balanceShort,
  budgetShort,
  creditsShort,
  keyLimitSpent,
  keyShort,
} from './refusals.ts';

export type CreditsMode = 'prepaid' | 'unlimited';

/** A reservation before the first attempt. It ends exactly once: by settle or by void. */
export interface Hold {
  readonly id: string;
  readonly keyHash: string;
  /** Taken from the balance; nothing where credit is unlimited. */
  readonly amount: Nanodollars;
  /** The most it can cost: what counts against the limit of a key and of all that is in flight. */
  readonly worst: Nanodollars;
  readonly createdAt: number;
}

/** The dearest candidate of a plan; output tokens are those asked for, or the endpoint's most where the caller set no limit. */
export interface HoldRequest extends Asked {
  readonly id: string;
  readonly keyHash: string;
  readonly createdAt: number;
  /** What the key may spend, where that is limited. */
  readonly allowance?: Allowance | undefined;
}

/**
 * The money of one process. Admission is decided here, in memory, in one synchronous step, so that no two requests can spend the same
 * credit; the store follows. One process owns the file, so memory and file cannot disagree for longer than a write takes.
 */
export class Books {
  readonly mode: CreditsMode;
  readonly #store: LedgerStore;
  readonly #open = new Map<string, Hold>();
  #balance: Nanodollars;
  #held: Nanodollars = ZERO;
  /** The most that everything in flight can cost, and of that what each key with anything in flight can. */
  #inFlight: Nanodollars = ZERO;
  readonly #inFlightOf = new Map<string, Nanodollars>();
  readonly #inFlightMax: Nanodollars | undefined;
  #purchased: Nanodollars;
  #revenue: Nanodollars;
  #writtenOff: Nanodollars;

  /** @param inFlightMax the most that everything in flight may cost together */
  constructor(store: LedgerStore, state: LedgerState, mode: CreditsMode, inFlightMax?: Nanodollars) {
    this.#inFlightMax = inFlightMax;
    this.#purchased = state.purchased;
    this.#store = store;
    this.mode = mode;
    this.#balance = state.balances.customer;
    this.#revenue = state.balances.revenue;
    this.#writtenOff = subtract(ZERO, state.balances.writeoff);
  }

  get balance(): Nanodollars {
    return this.#balance;
  }

  get held(): Nanodollars {
    return this.#held;
  }

  /** Everything that generations were ever charged. */
  get charged(): Nanodollars {
    return this.#revenue;
  }

  /** Of that, what no credit was left for. */
  get writtenOff(): Nanodollars {
    return this.#writtenOff;
  }

  /** What was ever paid in, without what an account begins with. */
  get purchased(): Nanodollars {
    return this.#purchased;
  }

  get openHolds(): number {
    return this.#open.size;
  }

  /** Why nothing is served at all, whatever it costs: checked before anything is planned. @returns `credits_short`, `key_limit_spent` */
  closed(allowance: Allowance | undefined, origin: string): GatewayError | undefined {
    if (allowance && allowance.spent >= allowance.limit) return keyLimitSpent(allowance, origin);
    return this.mode === 'prepaid' && this.#balance <= 0n ? creditsShort(origin, this.#balance) : undefined;
  }

  /**
   * Reserves the most this plan can cost, so that a caller cannot start what it cannot pay.
   * @returns the hold, or `credits_short`, `key_limit_spent`, `prompt_unaffordable`, `request_unaffordable`, `in_flight_budget`
   */
  hold(request: HoldRequest): Result<Hold, GatewayError> {
    const { id, keyHash, createdAt } = request;
    const worst = request.worst.total;
    const amount = this.mode === 'unlimited' ? ZERO : worst;
    const refused = this.#refused(request, amount);
    if (refused) return fail(refused);
    const hold: Hold = { id, keyHash, amount, worst, createdAt };
    this.#held = add(this.#held, amount);
    this.#fly(hold, worst);
    this.#open.set(id, hold);
    this.#store.journalHold({ id, keyHash, amount, createdAt });
    return ok(hold);
  }

  #refused(request: HoldRequest, amount: Nanodollars): GatewayError | undefined {
    const { allowance, keyHash } = request;
    const worst = request.worst.total;
    const max = this.#inFlightMax;
    if (allowance) {
      const inFlight = this.#inFlightOf.get(keyHash) ?? ZERO;
      if (allowance.spent + inFlight + worst > allowance.limit) return keyShort(request, allowance, inFlight);
    }
    if (amount > 0n && subtract(this.#balance, this.#held) < amount)
      return balanceShort(request, this.#balance, this.#held);
    return max !== undefined && worst > 0n && this.#inFlight + worst > max
      ? budgetShort(request, max, this.#inFlight)
      : undefined;
  }

  #fly({ keyHash }: Hold, worst: Nanodollars): void {
    if (worst === 0n) return;
    this.#inFlight = add(this.#inFlight, worst);
    const own = add(this.#inFlightOf.get(keyHash) ?? ZERO, worst);
    if (own === 0n) this.#inFlightOf.delete(keyHash);
    else this.#inFlightOf.set(keyHash, own);
  }

  /**
   * Charges what a generation cost and ends its hold. More than was held is taken from what is left; beyond that it is written off, so
   * that the balance never goes below zero and nothing is lost from the books.
   * @returns resolves when the charge is on disk; a hold that is no longer open is left alone
   */
  async settle(hold: Hold, charge: Nanodollars, document: GenerationDocument): Promise<void> {
    if (!this.#release(hold)) return;
    const entries = this.#charge(hold.id, charge);
    await this.#store.writeOutcome({ ...row(hold), state: 'settled', charge, entries, document });
  }

  /** Ends a hold without a charge. */
  async void(hold: Hold, document: GenerationDocument): Promise<void> {
    if (!this.#release(hold)) return;
    await this.#store.writeOutcome({ ...row(hold), state: 'voided', charge: ZERO, entries: [], document });
  }

  /** Gives credit. `ref` names the grant: the same one twice counts once. */
  async grant(amount: Nanodollars, ref: string, at: number): Promise<'written' | 'existed'> {
    const outcome = await this.#store.writeEntry({ kind: 'grant', ref, from: 'granted', to: 'customer', amount }, at);
    if (outcome !== 'written') return outcome;
    this.#balance = add(this.#balance, amount);
    if (ref !== INITIAL_GRANT) this.#purchased = add(this.#purchased, amount);
    return outcome;
  }

  #release(hold: Hold): boolean {
    if (!this.#open.delete(hold.id)) return false;
    this.#held = subtract(this.#held, hold.amount);
    this.#fly(hold, subtract(ZERO, hold.worst));
    return true;
  }

  #charge(ref: string, charge: Nanodollars): readonly Entry[] {
    if (charge <= 0n) return [];
    const entries: Entry[] = [];
    if (this.mode === 'unlimited' && charge > this.#balance) {
      const missing = subtract(charge, this.#balance);
      entries.push({ kind: 'line', ref, from: 'operator', to: 'customer', amount: missing });
      this.#balance = charge;
    }
    // Other holds' money is not this generation's to take.
    const available = larger(subtract(this.#balance, this.#held), ZERO);
    const paid = smaller(charge, available);
    if (paid > 0n) entries.push({ kind: 'settle', ref, from: 'customer', to: 'revenue', amount: paid });
    const beyond = subtract(charge, paid);
    if (beyond > 0n) entries.push({ kind: 'overdraft', ref, from: 'writeoff', to: 'revenue', amount: beyond });
    this.#balance = subtract(this.#balance, paid);
    this.#revenue = add(this.#revenue, charge);
    this.#writtenOff = add(this.#writtenOff, beyond);
    return entries;
  }
}

const row = (hold: Hold): Pick<OutcomeRow, 'id' | 'keyHash' | 'createdAt'> => ({
  id: hold.id,
  keyHash: hold.keyHash,
  createdAt: hold.createdAt,
});
