import type { Endpoint } from '../../catalogue/types.ts';
import type { PlannedModel } from '../candidate.ts';
import { beyondLimits } from '../limits.ts';
import { compresses } from '../room.ts';
import { constraint, type Facts, type Rule, type RuleError, reasons } from '../rule.ts';

export const LIMITS: Rule = {
  id: 'limits',
  against:
    ({ request, media }) =>
    ({ provider }) =>
      beyondLimits(provider, request, media),
  error: (planned) => ({
    code: 'invalid_request',
    message: `No host of ${planned.requested} takes so much: ${reasons(planned, 'limits')}.`,
  }),
};

const largest = (planned: PlannedModel, key: 'contextLength' | 'maxOutputTokens'): number =>
  Math.max(0, ...planned.rejected.map((rejection) => rejection.endpoint[key] ?? 0));

export const MAX_TOKENS: Rule = {
  id: 'max_tokens',
  against: ({ request: { maxOutputTokens: wanted } }) =>
    wanted === undefined
      ? undefined
      : ({ endpoint: { maxOutputTokens: most } }) =>
          most !== undefined && wanted > most ? `produces at most ${most} tokens` : undefined,
  error: (planned, { request: { maxOutputTokens: wanted = 0 } }) => {
    const most = largest(planned, 'maxOutputTokens');
    const message = `max_tokens of ${wanted} is more than the ${most} tokens any host of ${planned.requested} can produce.`;
    return { code: 'context_too_long', message, limit: most, current: wanted };
  },
};

/**
 * Whether prompt and requested output are too much for a window. An estimate alone never blocks a request that is within a tenth of it
 * (spec/providers E.4): the endpoint knows best, and what it finds too long goes to a larger one.
 */
function tooLarge(endpoint: Endpoint, window: number, { request, sizeAt }: Facts): boolean {
  const { likely, most } = sizeAt(endpoint);
  const output = request.maxOutputTokens ?? 1;
  return most + output > window && Math.floor(likely * 0.9) + output > window;
}

/** Whether the prompt is made to fit beside the requested output. */
const shortens = (endpoint: Endpoint, window: number, { request, model }: Facts): boolean =>
  (request.maxOutputTokens ?? 0) < window && compresses(request, endpoint, model);

export const CONTEXT_LENGTH: Rule = {
  id: 'context_length',
  against:
    (facts) =>
    ({ endpoint }) =>
      endpoint.contextLength !== undefined &&
      tooLarge(endpoint, endpoint.contextLength, facts) &&
      !shortens(endpoint, endpoint.contextLength, facts)
        ? `its context holds ${endpoint.contextLength} tokens`
        : undefined,
  error: (planned, facts, alone) => {
    const error = tooLong(planned, facts);
    return alone ? error : { ...error, ...constraint('context_length', 'max_tokens', error.message) };
  },
};

function tooLong(planned: PlannedModel, facts: Facts): RuleError {
  const output = facts.request.maxOutputTokens ?? 0;
  const toolText = facts.request.tools.length > 0 ? `, tools included` : '';
  const limit = largest(planned, 'contextLength');
  return {
    code: 'context_too_long',
    limit,
    current: facts.promptTokens + output,
    message: `This endpoint's maximum context length is ${limit} tokens. However, you requested about ${facts.promptTokens + output} tokens (${facts.promptTokens} of text input${toolText}, ${output} in the output). Please reduce the length of either one.`,
  };
}
