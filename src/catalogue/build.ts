import { CatalogueError } from './catalogue-error.ts';
import { type Compiled, compile } from './compile.ts';
import { present } from './present.ts';
import type { Row, Skipped } from './row.ts';
import { readAuthored } from './sources/authored.ts';
import { GENAI_PRICES, genaiPricesRows } from './sources/genai-prices.ts';

/** Reads all offline sources and compiles them: the authored folder, and the price data that comes with the installation. */
export function buildCatalogue(folder: string): Compiled {
  const authored = readAuthored(folder);
  const rows: Row[] = [];
  const skipped: Skipped[] = [];
  const source = authored.sources.find(({ id }) => id === GENAI_PRICES);
  if (!source) throw new CatalogueError('sources.toml', `has no source "${GENAI_PRICES}"`);
  for (const { id, file, form } of authored.providers) {
    if (!form.genai_prices) continue;
    try {
      const read = genaiPricesRows(
        { provider: id, ...present(form.genai_prices) },
        { source: source.id, checked: source.checked, asserted: source.asserted ?? source.checked },
      );
      rows.push(...read.rows);
      skipped.push(...read.skipped);
    } catch (cause) {
      throw new CatalogueError(file, cause instanceof Error ? cause.message : String(cause), { cause });
    }
  }
  const compiled = compile({ authored, rows });
  return { ...compiled, skipped: [...skipped, ...compiled.skipped] };
}
