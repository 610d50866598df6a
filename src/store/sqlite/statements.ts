import type { Database } from 'bun:sqlite';
import type { Key, KeyDay, KeyReset } from '../../accounts/ports.ts';
import {
  ACCOUNTS,
  type AccountId,
  type Entry,
  type HoldRow,
  INITIAL_GRANT,
  REFUSALS_KEPT,
} from '../../ledger/ports.ts';
import { nanodollars } from '../../money/money.ts';
import { storedGeneration } from './generations.ts';
import { PresetStatements } from './preset-statements.ts';
import type { Breach, StoredGeneration, StoredState, Write } from './protocol.ts';

const DAY_MS = 86_400_000;

const ACCOUNT_IDS = Object.keys(ACCOUNTS) as readonly AccountId[];

/** Every statement of the books, parameterised, in one place. */
export class Statements {
  readonly presets: PresetStatements;
  readonly #db: Database;
  readonly #insertGeneration;
  readonly #endGeneration;
  readonly #insertEntry;
  readonly #post;
  readonly #addKeyDay;

  constructor(db: Database) {
    this.#db = db;
    this.presets = new PresetStatements(db);
    this.#insertGeneration = db.query(
      'INSERT OR IGNORE INTO generations (id, key_hash, created_at, state, held, charge, document) VALUES (?, ?, ?, ?, ?, ?, ?)',
    );
    this.#endGeneration = db.query(
      "UPDATE generations SET state = ?, charge = ?, document = ? WHERE id = ? AND state = 'open' RETURNING held",
    );
    this.#insertEntry = db.query(
      'INSERT OR IGNORE INTO entries (kind, ref, from_account, to_account, amount, at) VALUES (?, ?, ?, ?, ?, ?)',
    );
    this.#post = db.query('UPDATE accounts SET posted = posted + ?, held = held + ? WHERE id = ?');
    this.#addKeyDay = db.query(
      'INSERT INTO key_days (key_hash, day, charge) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET charge = charge + excluded.charge',
    );
  }

  /** Resolves what a crash left open, then reads what the process keeps in memory. */
  begin(): StoredState {
    const db = this.#db;
    db.exec('BEGIN IMMEDIATE');
    for (const id of ACCOUNT_IDS) db.query('INSERT OR IGNORE INTO accounts (id) VALUES (?)').run(id);
    // No usage was ever reported for these: void, in the customer's favour.
    const crash = JSON.stringify({ finish: null, error: 'crash' });
    const recovered = db
      .query("UPDATE generations SET state = 'voided', document = ? WHERE state = 'open'")
      .run(crash).changes;
    db.exec("UPDATE accounts SET held = 0 WHERE id = 'customer'");
    db.exec('COMMIT');
    const posted = new Map(
      (db.query('SELECT id, posted FROM accounts').values() as [string, bigint][]).map(([id, amount]) => [id, amount]),
    );
    return {
      ledger: {
        balances: Object.fromEntries(
          ACCOUNT_IDS.map((id) => [id, nanodollars(posted.get(id) ?? 0n)]),
        ) as StoredState['ledger']['balances'],
        purchased: nanodollars(
          (
            db
              .query("SELECT coalesce(sum(amount), 0) AS sum FROM entries WHERE kind = 'grant' AND ref <> ?")
              .get(INITIAL_GRANT) as { sum: bigint }
          ).sum,
        ),
      },
      keys: this.#keys(),
      keyDays: (db.query('SELECT key_hash, day, charge FROM key_days').values() as [string, bigint, bigint][]).map(
        ([keyHash, day, charge]): KeyDay => ({ keyHash, day: Number(day), charge }),
      ),
      presets: this.presets.all(),
      recovered,
    };
  }

  #keys(): readonly Key[] {
    const rows = this.#db
      .query('SELECT hash, label, name, kind, origin, disabled, created_at, limit_nano, limit_reset FROM keys')
      .all() as {
      hash: string;
      label: string;
      name: string;
      kind: Key['kind'];
      origin: Key['origin'];
      disabled: bigint;
      created_at: bigint;
      limit_nano: bigint | null;
      limit_reset: KeyReset | null;
    }[];
    return rows.map(({ hash, label, name, kind, origin, disabled, created_at, limit_nano, limit_reset }) => ({
      hash,
      label,
      name,
      kind,
      origin,
      disabled: disabled === 1n,
      createdAt: Number(created_at),
      limit: limit_nano === null ? null : { nano: limit_nano.toString(), reset: limit_reset },
    }));
  }

  /** One batch, one transaction, one fsync. */
  write(writes: readonly Write[]): readonly ('written' | 'existed')[] {
    this.#db.exec('BEGIN IMMEDIATE');
    try {
      const results = new Batch(this).run(writes);
      this.#db.exec('COMMIT');
      return results;
    } catch (error) {
      // On a full disk the engine has already rolled back: a failing ROLLBACK must not hide why.
      try {
        this.#db.exec('ROLLBACK');
      } catch {}
      throw error;
    }
  }

  insertOpen(hold: HoldRow): boolean {
    return this.#insertGeneration.run(hold.id, hold.keyHash, hold.createdAt, 'open', hold.amount, 0n, null).changes > 0;
  }

  insertEnded(write: Extract<Write, { op: 'outcome' }>, held: bigint): boolean {
    const { id, keyHash, createdAt, state, charge } = write.outcome;
    return this.#insertGeneration.run(id, keyHash, createdAt, state, held, charge, write.document).changes > 0;
  }

  /** @returns what was held, or undefined when the generation is not open (any more) */
  endOpen(write: Extract<Write, { op: 'outcome' }>): bigint | undefined {
    const { id, state, charge } = write.outcome;
    const row = this.#endGeneration.get(state, charge, write.document, id) as { held: bigint } | null;
    return row?.held;
  }

  /** The oldest go where there are too many; looked at now and then, because a few more do no harm. */
  insertRefusal({ refusal, document }: Extract<Write, { op: 'refusal' }>): boolean {
    const { id, keyHash, createdAt } = refusal;
    const { changes, lastInsertRowid } = this.#db
      .query('INSERT OR IGNORE INTO refusals (id, key_hash, created_at, document) VALUES (?, ?, ?, ?)')
      .run(id, keyHash, createdAt, document);
    const last = BigInt(lastInsertRowid);
    if (changes > 0 && last % 100n === 0n)
      this.#db.query('DELETE FROM refusals WHERE seq <= ?').run(last - BigInt(REFUSALS_KEPT));
    return changes > 0;
  }

  insertEntry(entry: Entry, at: number): boolean {
    return this.#insertEntry.run(entry.kind, entry.ref, entry.from, entry.to, entry.amount, at).changes > 0;
  }

  post(account: AccountId, posted: bigint, held: bigint): void {
    this.#post.run(posted, held, account);
  }

  addKeyDay(keyHash: string, day: number, charge: bigint): void {
    this.#addKeyDay.run(keyHash, day, charge);
  }

  putKey(key: Key): void {
    this.#db
      .query(
        'INSERT OR REPLACE INTO keys (hash, label, name, kind, origin, disabled, created_at, limit_nano, limit_reset) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
      )
      .run(
        key.hash,
        key.label,
        key.name,
        key.kind,
        key.origin,
        key.disabled ? 1 : 0,
        key.createdAt,
        key.limit ? BigInt(key.limit.nano) : null,
        key.limit?.reset ?? null,
      );
  }

  deleteKey(hash: string): void {
    this.#db.query('DELETE FROM keys WHERE hash = ?').run(hash);
  }

  generation(id: string): StoredGeneration | null {
    return storedGeneration(this.#db, id);
  }

  /** Recomputes every balance from its entries and compares (spec/reliability 3.6). */
  audit(): readonly Breach[] {
    const breaches: Breach[] = [];
    for (const [what, sql] of AUDITS) {
      for (const row of this.#db.query(sql).values()) breaches.push(`${what}: ${row.map(String).join(', ')}`);
    }
    return breaches;
  }
}

/** Each gives one row per breach. */
const AUDITS: readonly (readonly [string, string])[] = [
  [
    'I2 a balance differs from its entries',
    `SELECT id, posted FROM accounts a WHERE posted <>
      coalesce((SELECT sum(amount) FROM entries WHERE to_account = a.id), 0) - coalesce((SELECT sum(amount) FROM entries WHERE from_account = a.id), 0)`,
  ],
  [
    'I3 held differs from the open holds',
    "SELECT held FROM accounts WHERE id = 'customer' AND held <> (SELECT coalesce(sum(held), 0) FROM generations WHERE state = 'open')",
  ],
  [
    'I4 more is held than there is',
    "SELECT posted, held FROM accounts WHERE id = 'customer' AND (posted < 0 OR (held > 0 AND posted < held))",
  ],
  [
    'I6 a charge and its entries differ',
    `SELECT id, charge FROM generations g WHERE charge <>
      coalesce((SELECT sum(amount) FROM entries WHERE ref = g.id AND kind IN ('settle', 'overdraft')), 0)`,
  ],
  [
    'I7 a charge without a settled generation',
    "SELECT seq, ref FROM entries e WHERE kind IN ('settle', 'overdraft') AND NOT EXISTS (SELECT 1 FROM generations WHERE id = e.ref AND state = 'settled')",
  ],
  ['I9 the trial balance is not zero', 'SELECT sum(posted) FROM accounts HAVING sum(posted) <> 0'],
];

/** The writes of one transaction, with the sums that are posted once at its end. */
class Batch {
  readonly #statements: Statements;
  /** Holds that have no row yet: one that ends in the same batch is written once, as ended. */
  readonly #pending = new Map<string, HoldRow>();
  readonly #posted = new Map<AccountId, bigint>();
  readonly #days = new Map<string, { keyHash: string; day: number; charge: bigint }>();
  #held = 0n;

  constructor(statements: Statements) {
    this.#statements = statements;
  }

  run(writes: readonly Write[]): ('written' | 'existed')[] {
    const results = writes.map((write) => this.#one(write));
    for (const hold of this.#pending.values()) if (this.#statements.insertOpen(hold)) this.#held += hold.amount;
    for (const [account, sum] of this.#posted) this.#statements.post(account, sum, 0n);
    if (this.#held !== 0n) this.#statements.post('customer', 0n, this.#held);
    for (const { keyHash, day, charge } of this.#days.values()) this.#statements.addKeyDay(keyHash, day, charge);
    return results;
  }

  #one(write: Write): 'written' | 'existed' {
    switch (write.op) {
      case 'hold':
        this.#pending.set(write.hold.id, write.hold);
        return 'written';
      case 'outcome':
        return this.#outcome(write) ? 'written' : 'existed';
      case 'refusal':
        return this.#statements.insertRefusal(write) ? 'written' : 'existed';
      case 'entry':
        return this.#entry(write.entry, write.at) ? 'written' : 'existed';
      case 'put-key':
        this.#statements.putKey(write.key);
        return 'written';
      case 'delete-key':
        this.#statements.deleteKey(write.hash);
        return 'written';
      case 'put-preset':
        return this.#statements.presets.put(write.preset) ? 'written' : 'existed';
    }
  }

  #outcome(write: Extract<Write, { op: 'outcome' }>): boolean {
    const { outcome } = write;
    const pending = this.#pending.get(outcome.id);
    if (pending) {
      this.#pending.delete(outcome.id);
      if (!this.#statements.insertEnded(write, pending.amount)) return false;
    } else {
      const held = this.#statements.endOpen(write);
      if (held === undefined) return false;
      this.#held -= held;
    }
    for (const entry of outcome.entries) this.#entry(entry, outcome.createdAt);
    if (outcome.charge > 0n) {
      const day = Math.floor(outcome.createdAt / DAY_MS);
      const key = `${outcome.keyHash}/${day}`;
      const known = this.#days.get(key);
      if (known) known.charge += outcome.charge;
      else this.#days.set(key, { keyHash: outcome.keyHash, day, charge: outcome.charge });
    }
    return true;
  }

  #entry(entry: Entry, at: number): boolean {
    if (!this.#statements.insertEntry(entry, at)) return false;
    this.#posted.set(entry.from, (this.#posted.get(entry.from) ?? 0n) - entry.amount);
    this.#posted.set(entry.to, (this.#posted.get(entry.to) ?? 0n) + entry.amount);
    return true;
  }
}
