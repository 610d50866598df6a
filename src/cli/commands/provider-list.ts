import type { Snapshot } from '../../catalogue/snapshot.ts';
import { fetchModels, Silent } from '../../catalogue/sources/fetch-models.ts';
import type { ListedModel } from '../../catalogue/sources/model-lists.ts';
import type { Config } from '../../config/load.ts';
import { DIALECTS } from '../../dialects/registry.ts';
import { plainHeaders } from '../../upstream/route.ts';
import { show, table, UsageError } from '../command.ts';
import type { Effects } from '../effects.ts';
import type { Configured } from '../roads.ts';

const LIST_MS_MAX = 30_000;

/** A provider's own list of models beside what the catalogue knows of it: what is new there, what is gone, what will be. */
export async function providerList(
  { snapshot, routes }: Configured,
  config: Config,
  id: string,
  effects: Effects,
  json: boolean,
): Promise<number> {
  const provider = snapshot.provider(id);
  if (!provider) throw new UsageError(`${id} is no provider of the catalogue`);
  if (provider.listModels === undefined) throw new UsageError(`${provider.name} has no list of its models`);
  const route = routes.get(id);
  const base = route?.base ?? config.providers[id]?.base_url ?? provider.base;
  if (base === undefined || base.includes('{')) throw new UsageError(`${provider.name} is not configured`);
  const headers = route ? plainHeaders(route, DIALECTS[provider.dialect]?.headers ?? {}, false) : {};
  const limits = { signal: new AbortController().signal, msMax: LIST_MS_MAX };
  const listed = await fetchModels({ base, headers }, provider.listModels, limits).catch((error: Error) => error);
  if (!Array.isArray(listed)) {
    const why =
      listed instanceof Silent ? 'did not answer in time' : listed ? 'cannot be reached' : 'gave no list of models';
    effects.err(`${provider.name} ${why}${route ? '' : '; no key for it is configured'}\n`);
    return 1;
  }
  const { rows, gone } = compared(listed as readonly ListedModel[], snapshot, id);
  const text = table([
    ['ID THERE', 'MODEL', 'CONTEXT', 'ABILITIES', 'ALSO', 'RETIRES', 'REPLACED BY'],
    ...rows.map((row) => [
      row.id,
      row.known ?? 'new',
      row.contextLength?.toLocaleString('en-US') ?? '',
      (row.abilities ?? []).join(' '),
      row.aliases.join(' '),
      row.retires ?? '',
      row.replacement ?? '',
    ]),
  ]);
  const missing = gone.length > 0 ? `\nIn the catalogue, but not in its list: ${gone.join(', ')}\n` : '';
  show(effects, json, { provider: id, models: rows, gone }, `${text}${missing}`);
  return 0;
}

interface Compared {
  /** `known`: the model of the catalogue that it is. */
  readonly rows: readonly (ListedModel & { readonly known: string | null })[];
  /** Ids of the catalogue that the list does not have. */
  readonly gone: readonly string[];
}

function compared(listed: readonly ListedModel[], snapshot: Snapshot, provider: string): Compared {
  const here = new Map(snapshot.endpointsAt(provider).map(({ upstreamModel, model }) => [upstreamModel, model]));
  const rows = listed.map((row) => {
    const name = [row.id, ...row.aliases].find((one) => here.has(one));
    return { ...row, known: name === undefined ? null : (here.get(name) ?? null) };
  });
  const there = new Set(listed.flatMap(({ id, aliases }) => [id, ...aliases]));
  return { rows, gone: [...here.keys()].filter((id) => !there.has(id)) };
}
