import type { Key, KeyDay } from '../../accounts/ports.ts';
import type { Entry, HoldRow, LedgerState, OutcomeRow } from '../../ledger/ports.ts';

/** What the store's thread is asked to do. Writes travel in batches; a batch is one transaction. */
export type Write =
  | { readonly op: 'hold'; readonly hold: HoldRow }
  /** The document travels as JSON text: it is written as such, and text is the cheapest thing to hand to another thread. */
  | { readonly op: 'outcome'; readonly outcome: Omit<OutcomeRow, 'document'>; readonly document: string }
  | { readonly op: 'entry'; readonly entry: Entry; readonly at: number }
  | { readonly op: 'put-key'; readonly key: Key }
  | { readonly op: 'delete-key'; readonly hash: string };

export type Query = { readonly query: 'generation'; readonly id: string } | { readonly query: 'audit' };

export type ToStore =
  | { readonly kind: 'open'; readonly path: string }
  | { readonly kind: 'write'; readonly writes: readonly Write[] }
  | { readonly kind: 'query'; readonly id: number; readonly query: Query }
  | { readonly kind: 'close' };

export type FromStore =
  | { readonly kind: 'opened'; readonly state: StoredState }
  /** `usage`: something the operator must mend (foreign file, newer schema, in use); otherwise it failed. */
  | { readonly kind: 'refused'; readonly message: string }
  | { readonly kind: 'written'; readonly results: readonly ('written' | 'existed')[] }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'answer'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'closed' };

/** Everything the process keeps in memory, read once at the start, after open holds have been resolved. */
export interface StoredState {
  readonly ledger: LedgerState;
  readonly keys: readonly Key[];
  readonly keyDays: readonly KeyDay[];
  /** How many generations a crash had left open; their holds are void now. */
  readonly recovered: number;
}

export interface StoredGeneration {
  readonly id: string;
  readonly keyHash: string;
  readonly createdAt: number;
  readonly state: 'open' | 'settled' | 'voided';
  readonly charge: bigint;
  readonly document: string | null;
}

/** A breach of an invariant of the books, in words. */
export type Breach = string;
