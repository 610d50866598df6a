import type { GenerationRequest } from '../canon/request.ts';

/** Why a host is left out whose models cannot be made to call (spec/providers B.14.1). */
export const NO_FORCE = 'cannot be made to call a tool';

/** Whether the caller insists on a call: an answer without one would be no answer. */
export const forcesCall = ({ tools, toolChoice }: GenerationRequest): boolean =>
  tools.length > 0 && (toolChoice?.kind === 'required' || toolChoice?.kind === 'named');
