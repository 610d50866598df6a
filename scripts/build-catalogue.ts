import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { buildCatalogue } from '../src/catalogue/build.ts';
import { CatalogueError } from '../src/catalogue/catalogue-error.ts';
import { FACTS_FILE, SNAPSHOT_FILE } from '../src/catalogue/load.ts';
import { SKIP_REASONS, type Skipped, type SkipReason } from '../src/catalogue/row.ts';

/**
 * Compiles `catalogue/` and the bundled price data into `build/catalogue.json` and `build/facts.json`.
 * `--skipped` lists what was in the sources and is not in the catalogue.
 */
const root = join(import.meta.dir, '..');

function main(): number {
  const started = performance.now();
  try {
    const { data, facts, skipped } = buildCatalogue(join(root, 'catalogue'));
    const sizes = [write(SNAPSHOT_FILE, data), write(FACTS_FILE, facts)].map(
      (bytes) => `${(bytes / 1e6).toFixed(2)} MB`,
    );
    const counts = `${data.models.length} models, ${data.endpoints.length} endpoints, ${data.providers.length} providers, ${data.labs.length} labs`;
    const time = Math.round(performance.now() - started);
    console.error(
      `catalogue ${data.id} as of ${data.asOf}: ${counts}; skipped ${tally(skipped)}; ${sizes.join(' + ')} in ${time} ms`,
    );
    if (process.argv.includes('--skipped')) list(skipped);
    return 0;
  } catch (error) {
    if (!(error instanceof CatalogueError)) throw error;
    console.error(`catalogue/${error.message}`);
    return 1;
  }
}

/** Written beside and moved into place, so that a reader never sees half a file. */
function write(file: string, content: object): number {
  const path = join(root, file);
  mkdirSync(dirname(path), { recursive: true });
  const text = JSON.stringify(content);
  writeFileSync(`${path}.new`, text);
  renameSync(`${path}.new`, path);
  return Buffer.byteLength(text);
}

function tally(skipped: readonly Skipped[]): string {
  const reasons = Object.keys(SKIP_REASONS) as SkipReason[];
  const counts = reasons.map((reason) => ({ reason, count: skipped.filter((row) => row.reason === reason).length }));
  const named = counts.filter(({ count }) => count > 0).map(({ reason, count }) => `${count} ${reason}`);
  return `${skipped.length} rows (${named.join(', ')})`;
}

function list(skipped: readonly Skipped[]): void {
  for (const { reason, provider, id, source, detail } of skipped) {
    console.error(`  ${reason}  ${provider}  ${id}  (${source})${detail ? `  ${detail}` : ''}`);
  }
}

process.exitCode = main();
