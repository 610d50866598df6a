import { PARAMETERS, type Parameter } from '../canon/parameters.ts';
import { customModel, type Overlay } from './overlay.ts';
import type { Snapshot } from './snapshot.ts';
import type { FoundServer } from './sources/local-servers.ts';
import type { ListedModel } from './sources/model-lists.ts';
import type { Endpoint, Model } from './types.ts';

/** Parameters that come with an ability; a list that tells abilities tells that the others are missing. */
const NEEDS: Readonly<Record<string, readonly Parameter[]>> = {
  tools: ['tools', 'tool_choice', 'parallel_tool_calls'],
  reasoning: ['reasoning', 'reasoning_effort', 'include_reasoning'],
};

function parametersOf({ abilities }: ListedModel): Endpoint['parameters'] {
  if (!abilities) return 'all';
  const missing = Object.entries(NEEDS).flatMap(([ability, names]) =>
    (abilities as readonly string[]).includes(ability) ? [] : names,
  );
  return PARAMETERS.filter((name) => !missing.includes(name));
}

/** Under the server's name, so that it is only called by who asks for it: never in place of a model of the catalogue. */
const modelId = (provider: string, listed: string): string =>
  `${provider}/${listed.replace(/:latest$/, '').replaceAll('/', '-')}`.toLowerCase();

/**
 * What running servers tell of themselves, as rows of the catalogue. Each model is also known by its bare name there, where no other
 * model has it: clients of local servers ask for it so.
 */
export function localRows(found: readonly FoundServer[], catalogue: Snapshot): Overlay {
  const taken = new Set<string>();
  const models: Model[] = [];
  const endpoints: Endpoint[] = [];
  for (const { provider, models: listed } of found) {
    for (const one of listed) {
      const id = modelId(provider.id, one.id);
      const output = one.outputModalities ?? ['text'];
      if (output.length === 0 || taken.has(id)) continue;
      const names = [one.id, one.id.replace(/:latest$/, ''), `${provider.id}/${one.id}`, ...one.aliases].filter(
        (name) => name !== id && !taken.has(name) && catalogue.model(name) === undefined,
      );
      for (const name of [id, ...names]) taken.add(name);
      const contextMax = provider.discovery?.contextMax ?? Number.POSITIVE_INFINITY;
      models.push({
        ...customModel(id, one.name ?? one.id, one.contextLength, output),
        aliases: [...new Set(names)],
        about: `A model that ${provider.name} runs for this installation.`,
        ...(one.created !== undefined && { created: one.created }),
        ...(one.inputModalities && { inputModalities: one.inputModalities }),
      });
      endpoints.push({
        id: `${provider.id}/${id}`,
        provider: provider.id,
        model: id,
        upstreamModel: one.id,
        rates: {},
        priceState: 'local',
        parameters: parametersOf(one),
        delivery: 'local',
        ...(one.contextLength !== undefined && { contextLength: Math.min(one.contextLength, contextMax) }),
        ...(one.maxOutputTokens !== undefined && { maxOutputTokens: one.maxOutputTokens }),
      });
    }
  }
  return { providers: [], models, endpoints };
}
