import type { Database } from 'bun:sqlite';
import { lockFolder, openFile, StoreRefused } from './file.ts';
import { type FromStore, type Query, type ToStore, unpackWrites } from './protocol.ts';
import { Statements } from './statements.ts';

/** The store's own thread: it alone touches the file, so that no request ever waits for a disk on the thread that serves. */
declare const self: Worker;

let open: { db: Database; lock: Database; statements: Statements } | undefined;

const reply = (message: FromStore): void => self.postMessage(message);

function start(path: string): void {
  try {
    const lock = lockFolder(path);
    const db = openFile(path);
    const statements = new Statements(db);
    open = { db, lock, statements };
    reply({ kind: 'opened', state: statements.begin() });
  } catch (error) {
    if (error instanceof StoreRefused) reply({ kind: 'refused', message: error.message });
    else reply({ kind: 'failed', message: String(error) });
  }
}

function write(packed: string): void {
  try {
    if (!open) throw new Error('the store is not open');
    const results = open.statements.write(unpackWrites(packed));
    reply(results.every((result) => result === 'written') ? { kind: 'written' } : { kind: 'written', results });
  } catch (error) {
    reply({ kind: 'failed', message: String(error) });
  }
}

function answer(query: Query): unknown {
  if (!open) return null;
  const { statements } = open;
  if (query.query === 'generation') return statements.generation(query.id);
  if (query.query === 'audit') return statements.audit();
  return statements.presets.versions(query.presetId, query.offset, query.limit);
}

function close(): void {
  open?.db.close();
  open?.lock.close();
  open = undefined;
  reply({ kind: 'closed' });
}

self.onmessage = ({ data }: MessageEvent<ToStore>): void => {
  if (data.kind === 'write') write(data.writes);
  else if (data.kind === 'query') reply({ kind: 'answer', id: data.id, value: answer(data.query) });
  else if (data.kind === 'open') start(data.path);
  else close();
};
