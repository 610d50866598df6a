import { compare } from './compare.ts';
import type { Identified, Identifier, ProviderNaming } from './identify.ts';
import type { Row, Skipped } from './row.ts';

/** A row that knows its model. */
export interface Placed {
  readonly row: Row;
  readonly found: Identified;
}

/** A model that nobody has authored: a row named it first. */
export interface FoundModel {
  readonly id: string;
  /** The model it is a variant of. */
  readonly base?: string;
  readonly row: Row;
}

export interface Placement {
  readonly placed: readonly Placed[];
  readonly found: readonly FoundModel[];
  readonly skipped: readonly Skipped[];
}

interface PlaceInput {
  readonly rows: readonly Row[];
  readonly identifier: Identifier;
  readonly providers: ReadonlyMap<string, ProviderNaming>;
  /** Models that exist before any row is looked at. */
  readonly models: ReadonlySet<string>;
}

/** Providers whose lists coin names come before those that repeat them, so that a name is settled before others are held against it. */
const COINING: { readonly [K in ProviderNaming['kind']]: number } = {
  lab: 1,
  cloud: 2,
  inference: 3,
  aggregator: 4,
  plan: 5,
  local: 6,
};

/** Finds the model of every row. Rows that no model answers to become models where their id says enough; the rest is reported. */
export function place({ rows, identifier, providers, models }: PlaceInput): Placement {
  const known = new Set(models);
  const placed: Placed[] = [];
  const found: FoundModel[] = [];
  const skipped: Skipped[] = [];
  for (const { row, provider } of inOrder(rows, providers)) {
    const identified = identifier.identify(row, provider);
    const where = { source: row.source, provider: row.provider, id: row.id };
    if ('reason' in identified) {
      skipped.push({ ...where, ...identified });
      continue;
    }
    if (isRespelling(row, identified, provider) && known.has(identified.model)) {
      skipped.push({ ...where, reason: 'duplicate', detail: `listed as ${identified.model}` });
      continue;
    }
    const { model } = identified;
    if (!known.has(model)) {
      known.add(model);
      const base = model.replace(/:[a-z]+$/, '');
      found.push({ id: model, row, ...(base !== model && known.has(base) ? { base } : {}) });
      identifier.add({ id: model, aliases: [], repositories: [] });
    }
    placed.push({ row: provider.canonicalIds ? underFullId(row, model) : row, found: identified });
  }
  return { placed, found, skipped };
}

/** A list that coins our ids has each model under its own id; other spellings are leftovers in a data set. */
function isRespelling(row: Row, { model, batch }: Identified, { canonicalIds }: ProviderNaming): boolean {
  return canonicalIds && !batch && row.id.toLowerCase() !== model;
}

/** Where ids are model ids, a bare name in a data set is the model's id cut short. */
const underFullId = (row: Row, model: string): Row => (row.id.includes('/') ? row : { ...row, upstream: model });

function inOrder(
  rows: readonly Row[],
  providers: ReadonlyMap<string, ProviderNaming>,
): readonly { readonly row: Row; readonly provider: ProviderNaming }[] {
  return rows
    .flatMap((row) => {
      const provider = providers.get(row.provider);
      return provider ? [{ row, provider, order: provider.canonicalIds ? 0 : COINING[provider.kind] }] : [];
    })
    .toSorted(
      (a, b) =>
        a.order - b.order ||
        compare(a.row.provider, b.row.provider) ||
        plainness(a.row) - plainness(b.row) ||
        compare(a.row.id, b.row.id) ||
        compare(a.row.source, b.row.source),
    );
}

/** Full ids first, then bare names, then variants: each is held against those before it. */
const plainness = ({ id }: Row): number => (id.includes(':') ? 2 : id.includes('/') ? 0 : 1);
