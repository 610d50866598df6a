import type { Authored, AuthoredSubject } from './authored.ts';
import type { EndpointFile, ProviderFile } from './authored-schema.ts';
import type { EndpointDraft } from './build-endpoints.ts';
import { guessModalities } from './guess-modalities.ts';
import { mergeRows } from './merge-rows.ts';
import type { Placed } from './place.ts';
import type { Observed } from './row.ts';
import { withZerosNamed } from './zero-price.ts';

interface DraftedEndpoint {
  readonly draft: EndpointDraft;
  readonly observed: readonly Observed[];
}

/** One endpoint for each provider and model, from its file, its rows, or both; in the order of their ids. */
export function draftEndpoints(
  { endpoints, providers, models }: Authored,
  placed: readonly Placed[],
): readonly DraftedEndpoint[] {
  const files = new Map(endpoints.map((endpoint) => [endpoint.id, endpoint]));
  const rows = Map.groupBy(placed, ({ row, found }) => `${row.provider}/${found.model}`);
  const forms = new Map(providers.map((provider) => [provider.id, provider.form]));
  const outputs = new Map(models.map(({ id, form }) => [id, form.output]));
  const ids = [...new Set([...files.keys(), ...rows.keys()])].toSorted();
  return ids.flatMap((id) => {
    const [provider = '', ...model] = id.split('/');
    const drafted = draft({ provider, model: model.join('/') }, rows.get(id) ?? [], files.get(id), forms.get(provider));
    const written = outputs.get(model.join('/')) ?? guessModalities(model.at(-1) ?? '').output;
    return drafted
      ? [{ ...drafted, observed: drafted.observed.map((o) => (writesTokens(written) ? o : outputless(o))) }]
      : [];
  });
}

const writesTokens = (outputs: readonly string[]): boolean =>
  outputs.some((output) => output !== 'embeddings' && output !== 'rerank');

/** Vectors and scores are no tokens: whatever a list prints as their output price is never billed. */
function outputless(o: Observed): Observed {
  if (o.field !== 'price.output') return o;
  return { ...o, value: null, state: 'not_applicable', note: `${o.value ?? 'no figure'} in the list` };
}

function draft(
  pair: Pick<EndpointDraft, 'provider' | 'model'>,
  rows: readonly Placed[],
  file: AuthoredSubject<EndpointFile> | undefined,
  form: ProviderFile | undefined,
): DraftedEndpoint | undefined {
  // The half-price queue alone is no price to route by.
  if (!file && rows.every(({ found }) => found.batch)) return undefined;
  const { observed, ...merged } = mergeRows(withZeros(rows, pair.model, form), file?.form.upstream);
  const rolling = file?.form.rolling ?? merged.rolling;
  return {
    draft: { ...pair, ...merged, ...(rolling ? { rolling } : {}) },
    observed: [...(file?.observed ?? []), ...observed],
  };
}

function withZeros(rows: readonly Placed[], model: string, form: ProviderFile | undefined): readonly Placed[] {
  if (!form) return rows;
  const { kind, zero_price: stated, source, checked } = form;
  const meaning = { kind, model, origin: { source, checked }, ...(stated === undefined ? {} : { stated }) };
  return rows.map(({ row, found }) => ({ found, row: { ...row, observed: withZerosNamed(row.observed, meaning) } }));
}
