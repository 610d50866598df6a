import { join } from 'node:path';
import { Keyring } from '../accounts/keyring.ts';
import { type Config, loadConfig } from '../config/load.ts';
import { why } from '../gateway/why.ts';
import { Books } from '../ledger/books.ts';
import { StoreReader } from '../store/sqlite/reader.ts';
import { SqliteStore } from '../store/sqlite/store.ts';
import { DATABASE, prepareHome } from './compose.ts';
import { type Administration, localAdministration, remoteAdministration } from './control.ts';
import type { Effects } from './effects.ts';
import { installation, pastOf } from './installation.ts';
import { catalogueSnapshot } from './snapshot.ts';

/** Runs a piece of administration through the running server, or over the file itself where none runs. */
export async function administer<T>(
  effects: Effects,
  work: (administration: Administration, config: Config) => Promise<T>,
): Promise<T> {
  const config = loadConfig(effects.environment, effects.cwd);
  const remote = await remoteAdministration(config.home);
  if (remote) return work(remote, config);
  prepareHome(config.home);
  const { store, state } = await SqliteStore.open(join(config.home, DATABASE));
  try {
    const keyring = new Keyring(store, state.keys, state.keyDays);
    const books = new Books(store, state.ledger, 'prepaid');
    return await work(
      localAdministration({
        keyring,
        books,
        clock: effects.clock,
        audit: () => store.audit(),
        why: (id) => whyOffline(id, config, effects),
      }),
      config,
    );
  } finally {
    await store.close();
  }
}

/** From the file alone, by the configuration and the catalogue as they are now. */
export async function whyOffline(id: string, config: Config, effects: Effects): Promise<object | null> {
  const reader = StoreReader.open(join(config.home, DATABASE));
  try {
    const found = reader.generation(id);
    const past = found && pastOf(found);
    return past ? why(past, [await installation(config, catalogueSnapshot(), effects)]) : null;
  } finally {
    reader.close();
  }
}
