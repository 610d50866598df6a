import { Database } from 'bun:sqlite';
import { join } from 'node:path';

/** The books of a data folder, read beside or after the server that keeps them. */
export interface Books {
  readonly open: number;
  readonly held: bigint;
  readonly charged: bigint;
  readonly posted: Readonly<Record<string, bigint>>;
  readonly generations: ReadonlyMap<
    string,
    { readonly state: string; readonly charge: bigint; readonly document: Record<string, any> | null }
  >;
  readonly breaches: readonly string[];
}

/** Pico-dollars of a receipt's lines, rounded half up to nano-dollars once: what docs/units.md says a charge is. */
export function recompute(document: Record<string, any> | null): bigint {
  if (!document || document.waived !== null) return 0n;
  const pico = (document.lines as [string, number, string][]).reduce(
    (sum, [, quantity, price]) => sum + BigInt(quantity) * BigInt(price),
    0n,
  );
  return (pico + 500n) / 1000n;
}

export function readBooks(home: string): Books {
  const db = new Database(join(home, 'turnpike.db'), { readonly: true, safeIntegers: true });
  try {
    const one = (sql: string): bigint => BigInt((db.query(sql).values()[0]?.[0] as bigint | null) ?? 0n);
    const rows = db.query('SELECT id, state, charge, document FROM generations').values() as [
      string,
      string,
      bigint,
      string | null,
    ][];
    const generations = new Map(
      rows.map(([id, state, charge, document]) => [
        id,
        { state, charge, document: document === null ? null : (JSON.parse(document) as Record<string, any>) },
      ]),
    );
    const accounts = db.query('SELECT id, posted FROM accounts').values() as [string, bigint][];
    const posted = Object.fromEntries(accounts);
    const breaches: string[] = [];
    for (const [id, balance] of accounts) {
      const entries = one(
        `SELECT coalesce((SELECT sum(amount) FROM entries WHERE to_account = '${id}'), 0) - coalesce((SELECT sum(amount) FROM entries WHERE from_account = '${id}'), 0)`,
      );
      if (entries !== balance) breaches.push(`I2 ${id}: ${balance} is not ${entries}`);
    }
    if (accounts.reduce((sum, [, balance]) => sum + balance, 0n) !== 0n)
      breaches.push('I1 the accounts do not sum to zero');
    for (const [id, { state, charge, document }] of generations) {
      const moved = one(
        `SELECT coalesce(sum(amount), 0) FROM entries WHERE ref = '${id}' AND kind IN ('settle', 'overdraft')`,
      );
      if (moved !== charge) breaches.push(`I6 ${id}: entries ${moved}, charge ${charge}`);
      if (state === 'settled' && recompute(document) !== charge)
        breaches.push(`I10 ${id}: lines ${recompute(document)}, charge ${charge}`);
    }
    return {
      open: Number(one("SELECT count(*) FROM generations WHERE state = 'open'")),
      held: one("SELECT held FROM accounts WHERE id = 'customer'"),
      charged: one("SELECT coalesce(sum(amount), 0) FROM entries WHERE kind IN ('settle', 'overdraft')"),
      posted,
      generations,
      breaches,
    };
  } finally {
    db.close();
  }
}
