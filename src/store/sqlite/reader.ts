import { Database } from 'bun:sqlite';
import { existsSync } from 'node:fs';
import { generationsSince, storedGeneration } from './generations.ts';
import type { StoredGeneration } from './protocol.ts';
import { StoreUnusable } from './store.ts';

/** The store as a command beside the running server sees it: nothing is written, and nobody waits for anybody. */
export class StoreReader {
  readonly #db: Database;

  private constructor(db: Database) {
    this.#db = db;
  }

  /** @throws StoreUnusable where there is no store, or one of another version */
  static open(path: string): StoreReader {
    if (!existsSync(path)) throw new StoreUnusable(`there is no ${path}: no request has been recorded yet`);
    const db = new Database(path, { readonly: true, safeIntegers: true, strict: true });
    try {
      db.exec('PRAGMA busy_timeout = 2000');
      db.query('SELECT seq FROM refusals LIMIT 1').get();
      return new StoreReader(db);
    } catch (error) {
      db.close();
      const why = error instanceof Error ? error.message : String(error);
      throw new StoreUnusable(`${path} cannot be read (${why}); the gateway brings it up to date when it starts`);
    }
  }

  generation(id: string): StoredGeneration | null {
    return storedGeneration(this.#db, id);
  }

  /** @param since milliseconds since 1970; the latest come first */
  since(since: number): Generator<StoredGeneration> {
    return generationsSince(this.#db, since);
  }

  close(): void {
    this.#db.close();
  }
}
