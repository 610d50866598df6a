import type { Provider } from '../types.ts';
import { type AskLimits, fetchModels, type ListedServer, Silent, withDetails } from './fetch-models.ts';
import type { ListedModel } from './model-lists.ts';

/** An address at which a server may run, and which servers are known to run there. */
export interface Place extends ListedServer {
  readonly candidates: readonly Provider[];
  /** Where an operator says what runs there, it need not be told from others. */
  readonly named: boolean;
}

export interface FoundServer {
  readonly provider: Provider;
  readonly base: string;
  readonly models: readonly ListedModel[];
}

/** What is at a place: a server; nothing that we know; or something that does not answer in time. */
export type Look = FoundServer | 'nothing' | 'silent';

/** Asks a place what runs there. Never throws. */
export async function lookAt(place: Place, limits: AskLimits): Promise<Look> {
  try {
    for (const path of new Set(place.candidates.flatMap(({ listModels }) => listModels ?? []))) {
      const models = await fetchModels(place, path, limits);
      const provider = models && place.candidates.find((one) => one.listModels === path && isIts(models, one, place));
      if (provider) return { provider, base: place.base, models: await withDetails(models, provider, place, limits) };
    }
    return 'nothing';
  } catch (error) {
    return error instanceof Silent ? 'silent' : 'nothing';
  }
}

const plain = (text: string): string => text.replaceAll('-', '_').toLowerCase();

/** Programs share ports, so each is known by the owner it gives its models; a list without models is nobody's. */
function isIts(models: readonly ListedModel[], { discovery }: Provider, { named }: Place): boolean {
  if (named || discovery?.owner === undefined) return true;
  const { owner: wanted } = discovery;
  return models.some(({ id, owner }) => owner !== undefined && plain(owner) === plain(wanted.replace('{id}', id)));
}
