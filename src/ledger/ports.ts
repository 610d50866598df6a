import type { Nanodollars } from '../money/money.ts';

/** The accounts of the books. Customer credit is a liability: a positive balance is service we owe. */
export const ACCOUNTS = {
  customer: 'Prepaid credit that has not been used.',
  revenue: 'What generations were charged.',
  granted: 'Where credit comes from when an operator grants it.',
  operator: 'The operator’s own line of credit, drawn on where credits are unlimited.',
  writeoff: 'What a generation cost beyond the credit that was left.',
} as const satisfies Record<string, string>;

/** The name of the grant that an account begins with: a gift, not a purchase. */
export const INITIAL_GRANT = 'initial';

export type AccountId = keyof typeof ACCOUNTS;

/**
 * One immutable movement between two accounts; its two sides are equal by construction. Corrections are new entries.
 * - `grant`: an operator gives credit; `line`: unlimited credit is drawn; `settle`: a generation is charged;
 * - `overdraft`: the part of a charge that no credit was left for, so that a balance never goes below zero.
 */
export interface Entry {
  readonly kind: 'grant' | 'line' | 'settle' | 'overdraft';
  /** Generation id, or the grant's own name; unique together with `kind`, so that a repeated movement is refused. */
  readonly ref: string;
  readonly from: AccountId;
  readonly to: AccountId;
  /** Always positive. */
  readonly amount: Nanodollars;
}

/** The start of a generation: money is reserved, the row is open. Journalled without anybody waiting for it. */
export interface HoldRow {
  readonly id: string;
  readonly keyHash: string;
  readonly amount: Nanodollars;
  readonly createdAt: number;
}

/** The end of a generation, settled or void, with everything a receipt needs. `document` is stored as JSON. */
export interface OutcomeRow {
  readonly id: string;
  readonly keyHash: string;
  readonly createdAt: number;
  readonly state: 'settled' | 'voided';
  readonly charge: Nanodollars;
  readonly entries: readonly Entry[];
  readonly document: GenerationDocument;
}

/** What a generation record tells beside its money: kept as one JSON document, because only its owner ever reads it. */
export type GenerationDocument = Readonly<Record<string, unknown>>;

/** A request that was refused before anything was reserved for it: kept for a while, so that its caller can ask why. */
export interface RefusalRow {
  readonly id: string;
  readonly keyHash: string;
  readonly createdAt: number;
  readonly document: GenerationDocument;
}

/** How many of the latest refusals are kept. */
export const REFUSALS_KEPT = 10_000;

export interface LedgerStore {
  /** Writes in the background; a crash before it is on disk loses a reservation and nothing else. */
  journalHold(hold: HoldRow): void;
  /** Resolves when the outcome is on disk. Keyed by generation id: the same outcome twice is written once. */
  writeOutcome(outcome: OutcomeRow): Promise<void>;
  writeEntry(entry: Entry, at: number): Promise<'written' | 'existed'>;
}

/** Totals to begin with, after everything open has been resolved. */
export interface LedgerState {
  readonly balances: Readonly<Record<AccountId, Nanodollars>>;
  /** All grants but the one an account begins with. */
  readonly purchased: Nanodollars;
}
