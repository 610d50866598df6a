import { compare } from './compare.ts';
import type { Identified } from './identify.ts';
import type { Placed } from './place.ts';
import type { Observed, Row } from './row.ts';

/** What the rows of one endpoint come to. */
interface EndpointRows {
  /** What a request must send. */
  readonly upstream: string;
  /** Set where the only id is a rolling alias. */
  readonly rolling?: { readonly target: string; readonly since: string };
  readonly quantization?: string;
  readonly observed: readonly (Observed & { readonly source: string; readonly checked: string })[];
}

/**
 * Merges the rows that one provider has for one model. One id is the endpoint's; figures of the others stand aside with the reason
 * why they are not about it, because a price is only comparable under one id (spec/reference-site A4, rule 1).
 */
export function mergeRows(rows: readonly Placed[], authored?: string): EndpointRows {
  const lead = rows.filter(({ found }) => !found.batch).toSorted(byCertainty)[0];
  const upstream = authored ?? (lead ? sent(lead.row) : (rows[0]?.found.model ?? ''));
  const alias = authored === undefined ? lead?.found.alias : undefined;
  return {
    upstream,
    ...(alias ? { rolling: { target: alias.model, since: alias.from } } : {}),
    ...(lead?.found.quantization && sent(lead.row) === upstream ? { quantization: lead.found.quantization } : {}),
    observed: rows.flatMap((placed) => (placed.found.batch ? batchOnly(placed) : figures(placed, upstream))),
  };
}

const sent = (row: Row): string => row.upstream ?? row.id;

const CERTAINTY: { readonly [R in Identified['rung']]: number } = {
  exact: 0,
  link: 0,
  decision: 0,
  new: 0,
  'normal-form': 1,
  alias: 2,
};

function byCertainty(a: Placed, b: Placed): number {
  return (
    CERTAINTY[a.found.rung] - CERTAINTY[b.found.rung] ||
    compare(a.found.region ?? '', b.found.region ?? '') ||
    compare(sent(a.row), sent(b.row))
  );
}

function figures({ row, found }: Placed, upstream: string): EndpointRows['observed'] {
  const origin = { source: row.source, checked: row.checked };
  if (sent(row) === upstream) return row.observed.map((o) => ({ ...origin, ...o }));
  const conflict = found.alias ? 'alias_moved' : 'region_or_tier';
  const note = found.alias
    ? `of the alias ${row.id}, which means this model since ${found.alias.from}`
    : `of the id ${row.id}`;
  return row.observed
    .filter((o) => o.field !== 'retired')
    .map((o) => ({ ...origin, ...o, conflict: o.conflict ?? conflict, note: o.note ?? note }));
}

/** The half-price queue is listed as a row of its own; its prices belong to the model's endpoint. */
function batchOnly({ row }: Placed): EndpointRows['observed'] {
  return row.observed
    .filter((o) => o.field.startsWith('price.') && o.field !== 'price.conditions')
    .map((o) => ({ source: row.source, checked: row.checked, ...o, field: o.field.replace('price.', 'price.batch.') }));
}
