import { type GatewayError, gatewayError } from '../canon/errors.ts';
import type { PlacedMedia } from '../canon/media.ts';
import type { GenerationRequest } from '../canon/request.ts';
import { fail, ok, type Result } from '../canon/result.ts';
import type { Candidate, Plan } from '../router/candidate.ts';
import { ask } from './encode.ts';
import { fitted } from './fit.ts';
import { asIfFilled } from './media.ts';
import type { GatewayPorts } from './ports.ts';
import type { PromptSize } from './prompt-size.ts';

/**
 * The plan without the hosts that could not be told everything, for callers who rather have no answer than another one.
 * @returns `not_exact` with what each host would leave out, where none is left
 */
export function exactly(
  plan: Plan,
  request: GenerationRequest,
  media: readonly PlacedMedia[],
  size: PromptSize,
  ports: GatewayPorts,
): Result<Plan, GatewayError> {
  const issues: { path: string; message: string }[] = [];
  const tellsAll = (candidate: Candidate): boolean => {
    if (fitted(candidate, request, size, '')) {
      issues.push({ path: '/messages', message: `${candidate.provider.name}: compressed` });
      return false;
    }
    const dropped = ask(candidate, asIfFilled(request, media, candidate.provider), ports)?.encoded.dropped ?? [];
    for (const { pointer, reason } of dropped)
      issues.push({ path: pointer, message: `${candidate.provider.name}: ${reason}` });
    return dropped.length === 0;
  };
  const candidates = plan.candidates.filter(tellsAll);
  if (candidates.length > 0) return ok({ ...plan, candidates });
  const paths = [...new Set(issues.map(({ path }) => path))].join(', ');
  return fail(gatewayError('not_exact', `No host can be told everything; left out would be ${paths}`, { issues }));
}
