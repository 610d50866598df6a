import type { Database } from 'bun:sqlite';
import type { StoredGeneration } from './protocol.ts';

/** How generations and refusals are read, by the store's own thread and by commands that look at the file beside it. */

interface Row {
  readonly id: string;
  readonly key_hash: string;
  readonly created_at: bigint;
  readonly state: StoredGeneration['state'];
  readonly charge: bigint;
  readonly document: string | null;
}

const HOUR_MS = 3_600_000;

const TABLES = [
  'SELECT id, key_hash, created_at, state, charge, document FROM generations',
  "SELECT id, key_hash, created_at, 'refused' AS state, 0 AS charge, document FROM refusals",
] as const;

const generationOf = (row: Row): StoredGeneration => ({
  id: row.id,
  keyHash: row.key_hash,
  createdAt: Number(row.created_at),
  state: row.state,
  charge: BigInt(row.charge),
  document: row.document,
});

export function storedGeneration(db: Database, id: string): StoredGeneration | null {
  for (const table of TABLES) {
    const row = db.query(`${table} WHERE id = ?`).get(id) as Row | null;
    if (row) return generationOf(row);
  }
  return null;
}

/**
 * Everything that has ended since then, the latest first, one by one: of a busy day more than memory should hold. Rows are as good as
 * ordered by time, so reading ends an hour before: nothing is open for longer.
 */
export function* generationsSince(db: Database, since: number): Generator<StoredGeneration> {
  for (const table of TABLES) {
    for (const row of db.query(`${table} ORDER BY seq DESC`).iterate()) {
      const found = generationOf(row as Row);
      if (found.createdAt < since - HOUR_MS) break;
      if (found.createdAt >= since && found.state !== 'open') yield found;
    }
  }
}
