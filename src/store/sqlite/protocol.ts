import type { Key, KeyDay, Preset } from '../../accounts/ports.ts';
import type { Entry, HoldRow, LedgerState, OutcomeRow, RefusalRow } from '../../ledger/ports.ts';
import { type Nanodollars, nanodollars } from '../../money/money.ts';

/** What the store's thread is asked to do. Writes travel in batches; a batch is one transaction. */
export type Write =
  | { readonly op: 'hold'; readonly hold: HoldRow }
  /** The document travels as JSON text: it is written as such, and text is the cheapest thing to hand to another thread. */
  | { readonly op: 'outcome'; readonly outcome: Omit<OutcomeRow, 'document'>; readonly document: string }
  | { readonly op: 'refusal'; readonly refusal: Omit<RefusalRow, 'document'>; readonly document: string }
  | { readonly op: 'entry'; readonly entry: Entry; readonly at: number }
  | { readonly op: 'put-key'; readonly key: Key }
  | { readonly op: 'delete-key'; readonly hash: string }
  | { readonly op: 'put-preset'; readonly preset: Preset };

export type Query =
  | { readonly query: 'generation'; readonly id: string }
  | { readonly query: 'audit' }
  | { readonly query: 'preset-versions'; readonly presetId: string; readonly offset: number; readonly limit: number };

export type ToStore =
  | { readonly kind: 'open'; readonly path: string }
  /** Writes as text (see {@link packWrites}). */
  | { readonly kind: 'write'; readonly writes: string }
  | { readonly kind: 'query'; readonly id: number; readonly query: Query }
  | { readonly kind: 'close' };

export type FromStore =
  | { readonly kind: 'opened'; readonly state: StoredState }
  /** `usage`: something the operator must mend (foreign file, newer schema, in use); otherwise it failed. */
  | { readonly kind: 'refused'; readonly message: string }
  /** `results` in the order of the batch; absent where every write was new. */
  | { readonly kind: 'written'; readonly results?: readonly ('written' | 'existed')[] }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'answer'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'closed' };

/** Everything the process keeps in memory, read once at the start, after open holds have been resolved. */
export interface StoredState {
  readonly ledger: LedgerState;
  readonly keys: readonly Key[];
  readonly keyDays: readonly KeyDay[];
  readonly presets: readonly Preset[];
  /** How many generations a crash had left open; their holds are void now. */
  readonly recovered: number;
}

export interface StoredGeneration {
  readonly id: string;
  readonly keyHash: string;
  readonly createdAt: number;
  /** `refused`: nothing was ever reserved for it. */
  readonly state: 'open' | 'settled' | 'voided' | 'refused';
  readonly charge: bigint;
  readonly document: string | null;
}

/** A breach of an invariant of the books, in words. */
export type Breach = string;

/**
 * A batch as one text: handing objects to another thread costs several times what text costs. Amounts travel as decimal text. The first
 * line holds the writes, each further one the document of an outcome, in their order: JSON has no line breaks of its own, and text within
 * JSON would have every quotation mark escaped and read back.
 */
export function packWrites(writes: readonly Write[]): string {
  const heads: unknown[] = [];
  let documents = '';
  for (const write of writes) {
    heads.push(packed(write));
    if (write.op === 'outcome' || write.op === 'refusal') documents += `\n${write.document}`;
  }
  return JSON.stringify(heads) + documents;
}

function packed(write: Write): unknown {
  if (write.op === 'hold') return { op: write.op, hold: { ...write.hold, amount: write.hold.amount.toString() } };
  if (write.op === 'entry') return { ...write, entry: packedEntry(write.entry) };
  if (write.op === 'refusal') return { op: write.op, refusal: write.refusal };
  if (write.op !== 'outcome') return write;
  const { op, outcome } = write;
  return {
    op,
    outcome: { ...outcome, charge: outcome.charge.toString(), entries: outcome.entries.map(packedEntry) },
  };
}

const packedEntry = (one: Entry): unknown => ({ ...one, amount: one.amount.toString() });

/** The inverse of {@link packWrites}: amounts are whole numbers again. */
export function unpackWrites(text: string): readonly Write[] {
  const [heads = '[]', ...documents] = text.split('\n');
  const writes = JSON.parse(heads) as Write[];
  let next = 0;
  return writes.map((write): Write => {
    if (write.op === 'hold') return { ...write, hold: { ...write.hold, amount: amount(write.hold.amount) } };
    if (write.op === 'entry') return { ...write, entry: entry(write.entry) };
    if (write.op === 'refusal') return { ...write, document: documents[next++] ?? 'null' };
    if (write.op !== 'outcome') return write;
    const { outcome } = write;
    const document = documents[next++] ?? 'null';
    const { charge, entries } = outcome;
    return { op: write.op, outcome: { ...outcome, charge: amount(charge), entries: entries.map(entry) }, document };
  });
}

const amount = (text: unknown): Nanodollars => nanodollars(BigInt(text as string));
const entry = (one: Entry): Entry => ({ ...one, amount: amount(one.amount) });
