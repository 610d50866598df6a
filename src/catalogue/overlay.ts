import { QUIRK_IDS } from '../canon/target.ts';
import { type Router, withRouters } from './routers.ts';
import { Snapshot } from './snapshot.ts';
import type { Endpoint, Model, Provider } from './types.ts';

/** What an operator adds to the catalogue: providers, endpoints, and models nobody else serves. */
export interface Overlay {
  readonly providers: readonly Provider[];
  readonly models: readonly Model[];
  readonly endpoints: readonly Endpoint[];
  /** Tables of routers, in place of those of the same slug. */
  readonly routers?: readonly Router[];
}

/** Replaces rows of the same id, adds the others. An operator's word on their own installation beats every source. */
function merged<T extends { readonly id: string }>(base: readonly T[], added: readonly T[]): readonly T[] {
  const byId = new Map(added.map((row) => [row.id, row]));
  return [
    ...base.map((row) => byId.get(row.id) ?? row),
    ...added.filter((row) => !base.some((known) => known.id === row.id)),
  ];
}

/** The catalogue with an operator's own rows on top; the same catalogue when there are none. */
export function withOverlay(snapshot: Snapshot, overlay: Overlay): Snapshot {
  const { providers, models, endpoints, routers = [] } = overlay;
  if (providers.length + models.length + endpoints.length + routers.length === 0) return snapshot;
  return new Snapshot({
    id: `${snapshot.id}+`,
    asOf: snapshot.asOf,
    labs: snapshot.labs,
    sandbox: snapshot.sandbox,
    traits: snapshot.traits,
    routers: withRouters([...snapshot.routers.values()], routers),
    models: merged(snapshot.models, models),
    providers: merged(snapshot.providers, providers),
    endpoints: merged(snapshot.endpoints, endpoints),
  });
}

/** A provider that only this installation knows: the most forgiving row there is, because its operator runs it or vouches for it. */
export function customProvider(
  row: Pick<Provider, 'id' | 'name' | 'dialect' | 'base' | 'auth' | 'headers' | 'quirks' | 'cancellation' | 'media'> & {
    readonly listModels: string | undefined;
  },
): Provider {
  const unknown = row.quirks.filter((quirk) => !(QUIRK_IDS as readonly string[]).includes(quirk));
  if (unknown.length > 0) throw new Error(`unknown quirk ${unknown[0]}`);
  const { listModels, ...rest } = row;
  return {
    ...rest,
    ...(listModels !== undefined && { listModels }),
    kind: 'local',
    keyEnv: [],
    extraFields: 'all',
    about: 'A provider of this installation.',
  };
}

/** A model that only this installation knows. */
export function customModel(
  id: string,
  name: string | undefined,
  contextLength: number | undefined,
  outputModalities: readonly string[] = ['text'],
): Model {
  const [lab = '', slug = ''] = id.split('/');
  return {
    id,
    lab,
    name: name ?? slug,
    aliases: [],
    created: 0,
    inputModalities: ['text', 'image', 'file', 'audio', 'video'],
    outputModalities,
    tokenizer: 'Other',
    about: 'A model of this installation.',
    ...(contextLength !== undefined && { contextLength }),
  };
}
