import { isEffort } from '../canon/request.ts';
import { type ErrorRule, isQuirk, type Target } from '../canon/target.ts';
import type { Candidate } from '../router/candidate.ts';
import type { GatewayPorts } from './ports.ts';

const errorRule = ({ status, code, text, means }: NonNullable<Candidate['provider']['errors']>[number]): ErrorRule => ({
  means,
  ...(status && { status }),
  ...(code !== undefined && { code: new RegExp(code, 'i') }),
  ...(text !== undefined && { text: new RegExp(text, 'i') }),
});

const targets = new WeakMap<Candidate['endpoint'], Target>();

/** What the codec may know of the endpoint; the same for every request, so it is made once. */
export function targetOf({ endpoint, provider, model }: Candidate, ports: GatewayPorts): Target {
  const known = targets.get(endpoint);
  if (known) return known;
  const abilities = ports.roads.snapshot.abilitiesOf(endpoint);
  const levels = endpoint.efforts ?? abilities.efforts ?? model.reasoning?.efforts;
  const efforts = endpoint.efforts ? levels : levels?.filter((level) => provider.effortsKnown?.includes(level) ?? true);
  const maxOutputTokens = endpoint.maxOutputTokens ?? model.maxOutputTokens;
  const contextLength = endpoint.contextLength ?? model.contextLength;
  const target: Target = {
    upstreamModel: endpoint.upstreamModel,
    quirks: new Set([...abilities.quirks].filter(isQuirk)),
    traits: abilities.traits,
    parameters: abilities.parameters,
    outputModalities: model.outputModalities,
    ...(abilities.unthinkingParameters.size > 0 && { unthinkingParameters: abilities.unthinkingParameters }),
    ...(abilities.effortWords && { effortWords: abilities.effortWords }),
    ...(abilities.serviceTiers && { serviceTiers: abilities.serviceTiers }),
    ...(provider.userField !== undefined && { userField: provider.userField }),
    ...(provider.topLogprobsMax !== undefined && { topLogprobsMax: provider.topLogprobsMax }),
    extraFields: provider.extraFields === 'all' ? 'all' : new Set(provider.extraFields),
    ...(efforts && { efforts: efforts.filter(isEffort) }),
    ...(provider.temperatureMax !== undefined && { temperatureMax: provider.temperatureMax }),
    ...(maxOutputTokens !== undefined && { maxOutputTokens }),
    ...(contextLength !== undefined && { contextLength }),
    ...(provider.stopsMax !== undefined && { stopsMax: provider.stopsMax }),
    ...(provider.errors && { errors: provider.errors.map(errorRule) }),
  };
  targets.set(endpoint, target);
  return target;
}
