import { join } from 'node:path';
import { FACTS_FILE, loadFacts, loadSnapshot, SNAPSHOT_FILE } from '../catalogue/load.ts';
import type { Snapshot } from '../catalogue/snapshot.ts';
import type { CatalogueFacts } from '../catalogue/types.ts';

const ROOT = join(import.meta.dir, '..', '..');

export const catalogueSnapshot = (): Snapshot => loadSnapshot(join(ROOT, SNAPSHOT_FILE));
export const catalogueFacts = (): CatalogueFacts => loadFacts(join(ROOT, FACTS_FILE));
