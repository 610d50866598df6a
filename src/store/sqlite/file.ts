import { Database, SQLiteError } from 'bun:sqlite';
import { createHash } from 'node:crypto';
import { SQLITE_MIGRATIONS } from '../migrations.ts';

/** "TPK1" as an integer: tells our files from other programs' databases. */
const APPLICATION_ID = 0x54504b31;

/** Something about the file that the operator must mend; the message is one sentence for them. */
export class StoreRefused extends Error {}

const checksum = (sql: string): string => createHash('sha256').update(sql).digest('hex');

/** A small file whose exclusive lock says that a process owns the folder; the kernel releases it, even after kill -9. */
export function lockFolder(path: string): Database {
  const lock = new Database(`${path}.lock`, { create: true });
  try {
    lock.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (error) {
    lock.close();
    if (error instanceof SQLiteError && error.code === 'SQLITE_BUSY')
      throw new StoreRefused('the data folder is in use by another turnpike process');
    throw error;
  }
  return lock;
}

/**
 * Opens the database, brings its schema up to date and checks that it is ours and whole.
 * @throws StoreRefused for a foreign, newer or corrupt file
 */
export function openFile(path: string): Database {
  let db: Database | undefined;
  try {
    db = new Database(path, { create: true, safeIntegers: true, strict: true });
    db.exec('PRAGMA busy_timeout = 2000');
    checkOwner(db, path);
    db.exec(
      'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA wal_autocheckpoint = 4000; PRAGMA cache_size = -8000',
    );
    migrate(db, path);
    return db;
  } catch (error) {
    db?.close();
    if (error instanceof SQLiteError && (error.code === 'SQLITE_NOTADB' || error.code === 'SQLITE_CORRUPT')) {
      throw new StoreRefused(
        `${path} is not a readable turnpike database (${error.message}); move it away or restore a backup`,
      );
    }
    if (error instanceof SQLiteError && error.code === 'SQLITE_CANTOPEN')
      throw new StoreRefused(`${path} cannot be opened: ${error.message}`);
    throw error;
  }
}

function pragma(db: Database, name: string): number {
  const row = db.query(`PRAGMA ${name}`).get() as Record<string, bigint> | null;
  return Number(row?.[name] ?? 0);
}

function checkOwner(db: Database, path: string): void {
  const owner = pragma(db, 'application_id');
  const tables = db.query("SELECT count(*) AS n FROM sqlite_schema WHERE type = 'table'").get() as { n: bigint };
  if (owner === APPLICATION_ID) {
    // A damaged page is better found now than in the middle of a settlement; a check of a usual file takes milliseconds.
    const [first] = db.query('PRAGMA quick_check(1)').values() as [string][];
    if (first && first[0] !== 'ok') throw new StoreRefused(`${path} is damaged (${first[0]}); restore a backup`);
    return;
  }
  if (owner !== 0 || tables.n > 0n) throw new StoreRefused(`${path} is a database of another program`);
  db.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
}

function migrate(db: Database, path: string): void {
  db.exec('BEGIN IMMEDIATE');
  try {
    db.exec('CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY, checksum TEXT NOT NULL) STRICT');
    const applied = new Map(
      (db.query('SELECT name, checksum FROM migrations').values() as [string, string][]).map(([name, sum]) => [
        name,
        sum,
      ]),
    );
    for (const { name, sql } of SQLITE_MIGRATIONS) {
      const sum = applied.get(name);
      applied.delete(name);
      if (sum === checksum(sql)) continue;
      if (sum !== undefined)
        throw new StoreRefused(`${path} was written by a different build of turnpike (step ${name} differs)`);
      db.exec(sql);
      db.query('INSERT INTO migrations (name, checksum) VALUES (?, ?)').run(name, checksum(sql));
    }
    const [unknown] = applied.keys();
    if (unknown !== undefined)
      throw new StoreRefused(`${path} was written by a newer turnpike (step ${unknown}); upgrade this one`);
    db.exec('COMMIT');
  } catch (error) {
    db.exec('ROLLBACK');
    throw error;
  }
}
