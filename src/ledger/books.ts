import { type GatewayError, gatewayError } from '../canon/errors.ts';
import { fail, ok, type Result } from '../canon/result.ts';
import { add, larger, type Nanodollars, smaller, subtract, usdNumber, ZERO } from '../money/money.ts';
import type { Entry, GenerationDocument, LedgerState, LedgerStore, OutcomeRow } from './ports.ts';
import type { WorstPrice } from './price.ts';

export type CreditsMode = 'prepaid' | 'unlimited';

/** A reservation before the first attempt. It ends exactly once: by settle or by void. */
export interface Hold {
  readonly id: string;
  readonly keyHash: string;
  readonly amount: Nanodollars;
  readonly createdAt: number;
}

export interface HoldRequest {
  readonly id: string;
  readonly keyHash: string;
  readonly createdAt: number;
  /** The dearest candidate of the plan. */
  readonly worst: WorstPrice;
  /** Output tokens asked for, or the endpoint's most where the caller set no limit. */
  readonly outputTokens: number;
  /** Where to buy credit, for the error's text. */
  readonly origin: string;
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
  #revenue: Nanodollars;
  #writtenOff: Nanodollars;

  constructor(store: LedgerStore, state: LedgerState, mode: CreditsMode) {
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

  get openHolds(): number {
    return this.#open.size;
  }

  /**
   * Reserves the most this plan can cost, so that a caller cannot start what it cannot pay.
   * @returns the hold, or `credits_short`, `prompt_unaffordable`, `request_unaffordable`, `in_flight_budget`
   */
  hold(request: HoldRequest): Result<Hold, GatewayError> {
    const amount = this.mode === 'unlimited' ? ZERO : request.worst.total;
    if (amount > 0n && subtract(this.#balance, this.#held) < amount)
      return fail(refusal(request, this.#balance, this.#held));
    const hold: Hold = { id: request.id, keyHash: request.keyHash, amount, createdAt: request.createdAt };
    this.#held = add(this.#held, amount);
    this.#open.set(hold.id, hold);
    this.#store.journalHold(hold);
    return ok(hold);
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
    if (outcome === 'written') this.#balance = add(this.#balance, amount);
    return outcome;
  }

  #release(hold: Hold): boolean {
    if (!this.#open.delete(hold.id)) return false;
    this.#held = subtract(this.#held, hold.amount);
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

/** Which 402 it is, with the figures a client needs to help itself (spec/inference 4.4). */
function refusal({ worst, outputTokens, origin }: HoldRequest, balance: Nanodollars, held: Nanodollars): GatewayError {
  const addCredit = 'Add credit with `turnpike credits grant`';
  const remedyHint = `${addCredit}, or lower max_tokens.`;
  const remaining = balance - held > 0n ? subtract(balance, held) : ZERO;
  const inUsd = { rule: 'credits', limit: usdNumber(remaining), current: usdNumber(worst.total) };
  if (balance <= 0n) {
    return gatewayError('credits_short', `Insufficient credits. Add more using ${origin}/credits`, {
      limitSource: 'openrouter_credits',
      remedyHint: `${addCredit}.`,
      ...inUsd,
    });
  }
  if (worst.total <= balance) {
    const facts = {
      limitSource: 'openrouter_in_flight_budget',
      remedyHint: 'Requests in flight hold the rest of the balance; retry shortly.',
      retryAfterMs: 1000,
      ...inUsd,
    };
    return gatewayError(
      'in_flight_budget',
      'Insufficient credits for this request while others are in flight. Retry shortly.',
      facts,
    );
  }
  if (worst.prompt > remaining || worst.perOutputToken === 0n) {
    const most = worst.perPromptToken === 0n ? 0n : (remaining * 1000n) / worst.perPromptToken;
    return gatewayError(
      'prompt_unaffordable',
      `Prompt tokens limit exceeded: ${worst.promptTokens} > ${most}. ${addCredit} at ${origin}/credits`,
      {
        limitSource: 'openrouter_credits',
        remedyHint,
        rule: 'credits_prompt_tokens',
        limit: Number(most),
        current: worst.promptTokens,
      },
    );
  }
  const affordable = ((remaining - worst.prompt) * 1000n) / worst.perOutputToken;
  return gatewayError(
    'request_unaffordable',
    `This request requires more credits, or fewer max_tokens. You requested up to ${outputTokens} tokens, but can only afford ${affordable}. ${addCredit} at ${origin}/credits`,
    {
      limitSource: 'openrouter_credits',
      remedyHint,
      rule: 'credits_max_tokens',
      limit: Number(affordable),
      current: outputTokens,
    },
  );
}
