import { readFileSync } from 'node:fs';
import { Snapshot } from './snapshot.ts';
import type { CatalogueData, CatalogueFacts } from './types.ts';

/** Where `scripts/build-catalogue.ts` writes, seen from the root of the installation. */
export const SNAPSHOT_FILE = 'build/catalogue.json';
export const FACTS_FILE = 'build/facts.json';

/** What routing and the API read. Throws, saying what to run, when the file is missing or no catalogue. */
export function loadSnapshot(path: string = SNAPSHOT_FILE): Snapshot {
  return new Snapshot(read<CatalogueData>(path, ['id', 'asOf', 'labs', 'models', 'providers', 'endpoints', 'sandbox']));
}

/** Every figure with its sources; larger than the snapshot, and needed by pages only. */
export function loadFacts(path: string = FACTS_FILE): CatalogueFacts {
  return read<CatalogueFacts>(path, ['id', 'sources', 'facts', 'aliases']);
}

/** Our own build wrote the file and checked each row, so only its outline is checked here. */
function read<T extends object>(path: string, members: readonly (keyof T & string)[]): T {
  const wire = parse(path, textOf(path));
  const missing = members.filter((member) => !Object.hasOwn(wire, member));
  if (missing.length > 0) throw new Error(`${path} is no catalogue, it lacks ${missing.join(', ')}. ${REMEDY}`);
  return wire as T;
}

const REMEDY = 'Run `bun scripts/build-catalogue.ts` to build it.';

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new Error(`The catalogue ${path} cannot be read. ${REMEDY}`, { cause });
  }
}

function parse(path: string, text: string): object {
  try {
    const wire: unknown = JSON.parse(text);
    return typeof wire === 'object' && wire !== null ? wire : {};
  } catch (cause) {
    throw new Error(`The catalogue ${path} is not whole. ${REMEDY}`, { cause });
  }
}
