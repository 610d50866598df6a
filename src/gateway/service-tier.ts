import type { GenerationEvent } from '../canon/event.ts';
import type { GenerationRequest } from '../canon/request.ts';
import type { Candidate } from '../router/candidate.ts';
import { tierAsked } from '../router/tiers.ts';

/**
 * The request as this endpoint is to be told it: its own tier of service, and none where it is of the usual one, whatever the caller
 * asked for. A host that was told of a dearer tier would write another bill than ours.
 */
export function inTierOf({ endpoint, model }: Candidate, request: GenerationRequest): GenerationRequest {
  const { tier } = endpoint;
  const asked = tierAsked(request);
  if (tier === undefined && asked === undefined) return request;
  // The fast twin of a model is what was asked for, and needs no further word.
  const honoured = tier !== undefined ? tier === asked : model.fastOf !== undefined && asked === 'priority';
  const { serviceTier, ...rest } = request;
  return {
    ...rest,
    ...(tier !== undefined && { serviceTier: tier }),
    ...(honoured && { extras: withoutSpeed(request.extras) }),
    ...(!honoured &&
      serviceTier !== undefined &&
      asked !== undefined && { unread: [...(request.unread ?? []), '/service_tier'] }),
  };
}

const withoutSpeed = (extras: GenerationRequest['extras']): GenerationRequest['extras'] =>
  Object.fromEntries(Object.entries(extras).map(([dialect, { speed: _, ...others }]) => [dialect, others]));

/** An answer's end, with the tier that served where its host does not say: the one that it was told. */
export function withTier(event: GenerationEvent, { endpoint }: Candidate): GenerationEvent {
  return event.type === 'generation-end' && event.serviceTier === undefined && endpoint.tier !== undefined
    ? { ...event, serviceTier: endpoint.tier }
    : event;
}
