import type { GenerationRequest } from '../../src/canon/request.ts';
import type { Tier } from '../../src/canon/tiers.ts';
import { loadSnapshot } from '../../src/catalogue/load.ts';
import type { Endpoint, Model } from '../../src/catalogue/types.ts';
import type { EncodedRequest } from '../../src/dialects/dialect.ts';
import { ask } from '../../src/gateway/encode.ts';
import type { GatewayPorts } from '../../src/gateway/ports.ts';
import { targetOf } from '../../src/gateway/target.ts';
import type { Candidate } from '../../src/router/candidate.ts';
import { model as anyModel } from './world.ts';

/** What the gateway knows of a model at a provider of the catalogue, and what it would say there. */

export const catalogue = loadSnapshot();

const ports = { roads: { snapshot: catalogue } } as unknown as GatewayPorts;

/** The catalogue's own endpoint, or one as an operator would add it; `model` may be one that nobody has heard of. */
function candidateOf(provider: string, modelId: string, tier?: Tier): Candidate {
  const row = catalogue.provider(provider);
  if (!row) throw new Error(`no provider ${provider}`);
  const model: Model = catalogue.model(modelId) ?? anyModel(modelId);
  const added: Endpoint = {
    id: `${provider}/${modelId}`,
    provider,
    model: modelId,
    upstreamModel: modelId.split('/')[1] ?? modelId,
    rates: {},
    priceState: 'free',
    parameters: 'all',
    delivery: 'serverless',
  };
  const endpoint = catalogue.endpoint(added.id) ?? added;
  return { endpoint: tier ? { ...endpoint, tier } : endpoint, provider: row, model } as Candidate;
}

export const targetFor = (provider: string, model: string) => targetOf(candidateOf(provider, model), ports);

/** @param tier of the endpoint, whether or not the catalogue knows a price for it */
export function encodedFor(provider: string, model: string, request: GenerationRequest, tier?: Tier): EncodedRequest {
  const asked = ask(candidateOf(provider, model, tier), request, ports);
  if (!asked) throw new Error(`${provider} is not called`);
  return asked.encoded;
}
