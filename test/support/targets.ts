import type { Target } from '../../src/canon/target.ts';
import { loadSnapshot } from '../../src/catalogue/load.ts';
import type { Endpoint, Model } from '../../src/catalogue/types.ts';
import type { GatewayPorts } from '../../src/gateway/ports.ts';
import { targetOf as gatewayTarget } from '../../src/gateway/target.ts';
import { model as anyModel } from './world.ts';

/** What the gateway knows of a model at a provider of the catalogue, as it knows it when it calls there. */

const snapshot = loadSnapshot();

export const catalogue = snapshot;

/** The catalogue's own endpoint, or one as an operator would add it; `model` may be one that nobody has heard of. */
export function targetOf(provider: string, modelId: string, own: Partial<Endpoint> = {}): Target {
  const row = snapshot.provider(provider);
  if (!row) throw new Error(`no provider ${provider}`);
  const model: Model = snapshot.model(modelId) ?? anyModel(modelId);
  const added: Endpoint = {
    id: `${provider}/${modelId}`,
    provider,
    model: modelId,
    upstreamModel: modelId.split('/')[1] ?? modelId,
    rates: {},
    priceState: 'free',
    parameters: 'all',
    delivery: 'serverless',
    ...own,
  };
  const endpoint = Object.keys(own).length === 0 ? (snapshot.endpoint(added.id) ?? added) : added;
  const ports = { roads: { snapshot } } as unknown as GatewayPorts;
  return gatewayTarget({ endpoint, provider: row, model } as Parameters<typeof gatewayTarget>[0], ports);
}
