import { type GenerationRequest, isEffort, nearestEffort } from '../canon/request.ts';
import type { Target } from '../canon/target.ts';
import type { Dialect, EncodedRequest } from '../dialects/dialect.ts';
import { wireOf } from '../dialects/operations.ts';
import { withSpokenNames } from '../dialects/speakers.ts';
import { formToHeal } from '../plugins/healing.ts';
import type { Candidate } from '../router/candidate.ts';
import { thinksAgainstWish } from '../router/reasoning.ts';
import { type Check, emulation } from './emulation.ts';
import type { GatewayPorts } from './ports.ts';
import { inTierOf } from './service-tier.ts';
import { targetOf } from './target.ts';

/** A request in the words of one host. */
export interface Asked {
  readonly dialect: Dialect;
  readonly target: Target;
  readonly encoded: EncodedRequest;
  /** What the whole answer has to pass before any of it may be given away, where that is ours to see to. */
  readonly check?: Check;
}

/** @returns undefined where this gateway does not speak the host's wire */
export function ask(candidate: Candidate, request: GenerationRequest, ports: GatewayPorts): Asked | undefined {
  const dialect = wireOf(candidate.provider.dialect, request.operation?.kind);
  if (!dialect) return undefined;
  const target = targetOf(candidate, ports);
  // A host that only streams is asked for a stream; its answer is put together for callers who wanted it whole (UP-062).
  const streams = !request.stream && target.quirks.has('stream-only');
  const tiered = inTierOf(candidate, request);
  const fitted = fittedTo(candidate, target.quirks.has('message-names') ? tiered : withSpokenNames(tiered));
  const wish = streams ? { ...fitted, stream: true } : fitted;
  const emulated = emulation(wish, target, dialect, formToHeal(request));
  if (!emulated) return { dialect, target, encoded: dialect.encodeRequest(wish, target) };
  const encoded = dialect.encodeRequest(emulated.request, target);
  return {
    dialect,
    target,
    encoded: { ...encoded, dropped: [...encoded.dropped, emulated.dropped] },
    ...(emulated.check && { check: emulated.check }),
  };
}

/** A model that always thinks and is asked not to, as the latest of its family, thinks as little as it can. */
function fittedTo({ endpoint, model }: Candidate, request: GenerationRequest): GenerationRequest {
  if (!request.reasoning || !thinksAgainstWish(request, model)) return request;
  const efforts = (endpoint.efforts ?? model.reasoning?.efforts ?? []).filter(isEffort);
  const effort = nearestEffort(
    'none',
    efforts.filter((one) => one !== 'none'),
  );
  return { ...request, reasoning: { exclude: request.reasoning.exclude, effort: effort ?? 'minimal' } };
}
