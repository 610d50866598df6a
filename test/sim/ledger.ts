import { Books } from '../../src/ledger/books.ts';
import type { AccountId, Entry, HoldRow, LedgerStore, OutcomeRow } from '../../src/ledger/ports.ts';
import { nanodollars } from '../../src/money/money.ts';
import { recompute } from '../support/books.ts';

const ACCOUNTS: readonly AccountId[] = ['customer', 'revenue', 'granted', 'operator', 'writeoff'];

/** A store in memory that watches what is written into it: breaches of the invariants of spec/reliability 3.6 are told at once. */
export class WatchedLedger implements LedgerStore {
  readonly outcomes = new Map<string, OutcomeRow>();
  readonly #open = new Map<string, HoldRow>();
  readonly #posted = new Map<AccountId, bigint>(ACCOUNTS.map((id) => [id, 0n]));
  readonly #refs = new Set<string>();
  readonly #breach: (what: string) => void;

  /** @param breach told of every invariant that does not hold, by number */
  constructor(breach: (what: string) => void) {
    this.#breach = breach;
  }

  isOpen(id: string): boolean {
    return this.#open.has(id);
  }

  journalHold(hold: HoldRow): void {
    if (this.#open.has(hold.id) || this.outcomes.has(hold.id)) this.#breach(`I3 ${hold.id} is held twice`);
    this.#open.set(hold.id, hold);
  }

  async writeOutcome(outcome: OutcomeRow): Promise<void> {
    const { id, state, charge, entries, document } = outcome;
    if (!this.#open.delete(id)) this.#breach(`I7 ${id} ends without a hold`);
    if (this.outcomes.has(id)) this.#breach(`I6 ${id} ends twice`);
    this.outcomes.set(id, outcome);
    for (const entry of entries) this.#post(entry);
    const moved = entries.reduce((sum, { kind, amount }) => (kind === 'line' ? sum : sum + amount), 0n);
    if (moved !== charge) this.#breach(`I6 ${id}: entries ${moved}, charge ${charge}`);
    if (state === 'voided' && charge !== 0n) this.#breach(`I6 ${id} is void and charged`);
    if (state === 'settled' && recompute(document) !== charge)
      this.#breach(`I10 ${id}: lines ${recompute(document)}, charge ${charge}`);
  }

  async writeEntry(entry: Entry): Promise<'written' | 'existed'> {
    if (this.#refs.has(`${entry.kind} ${entry.ref}`)) return 'existed';
    this.#post(entry);
    return 'written';
  }

  /** To be asked when nothing is under way. */
  audit(books: Books): void {
    for (const id of this.#open.keys()) this.#breach(`I12 the hold of ${id} was left open`);
    if (books.openHolds !== 0 || books.held !== 0n) this.#breach(`I3 ${books.openHolds} holds, ${books.held} held`);
    const sum = [...this.#posted.values()].reduce((total, one) => total + one, 0n);
    if (sum !== 0n) this.#breach(`I1 the accounts sum to ${sum}`);
    if (this.#posted.get('customer') !== books.balance) this.#breach('I2 the balance is not what was posted');
    if (this.#posted.get('revenue') !== books.charged) this.#breach('I2 the charges are not what was posted');
  }

  #post({ kind, ref, from, to, amount }: Entry): void {
    if (amount <= 0n) this.#breach(`I1 ${ref} moves ${amount}`);
    if (this.#refs.has(`${kind} ${ref}`)) this.#breach(`I6 ${kind} ${ref} is posted twice`);
    this.#refs.add(`${kind} ${ref}`);
    this.#posted.set(from, (this.#posted.get(from) ?? 0n) - amount);
    this.#posted.set(to, (this.#posted.get(to) ?? 0n) + amount);
    if ((this.#posted.get('customer') ?? 0n) < 0n) this.#breach(`I4 ${ref} leaves a balance below zero`);
  }
}

/** Books with credit for all there is to do. */
export function books(ledger: WatchedLedger, usd: bigint): Books {
  const zero = nanodollars(0n);
  const balances = { customer: zero, revenue: zero, granted: zero, operator: zero, writeoff: zero };
  const made = new Books(ledger, { balances, purchased: zero }, 'prepaid');
  void made.grant(nanodollars(usd * 1_000_000_000n), 'initial', 0);
  return made;
}
