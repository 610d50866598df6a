import type { PreviousError } from '../canon/error-facts.ts';
import { type ErrorCode, errorRow, type GatewayError, gatewayError } from '../canon/errors.ts';
import type { Candidate, Plan } from '../router/candidate.ts';

/** An attempt that came to nothing. */
export interface Failure {
  readonly error: GatewayError;
  readonly candidate: Candidate;
}

/**
 * How much a failure tells the caller: what is wrong with the request itself comes first, because no other host would have taken it;
 * then what waiting would help (docs/decisions/0012).
 */
const TELLS: { readonly [C in ErrorCode]?: number } = {
  upstream_invalid_request: 6,
  upstream_unprocessable: 6,
  upstream_payload_too_large: 6,
  media_refused: 6,
  upstream_context_too_long: 5,
  context_too_long: 5,
  upstream_content_policy: 4,
  media_unavailable: 4,
  upstream_rate_limited: 3,
  upstream_overloaded: 2,
  host_unable: 0,
  upstream_refused_ours: 0,
};
const TELLS_LITTLE = 1;

const tells = ({ error }: Failure): number => TELLS[error.code] ?? TELLS_LITTLE;

/** Of the failures of the model that was tried last, the most telling; of equally telling ones the latest. */
function mostTelling(failures: readonly Failure[], last: Failure): Failure {
  const sameModel = failures.filter(({ candidate }) => candidate.model.id === last.candidate.model.id);
  return sameModel.reduce((best, one) => (tells(one) >= tells(best) ? one : best), last);
}

/** The error the caller gets where nobody answered: what all attempts agree on, otherwise the most telling one. */
export function verdict(failures: readonly Failure[], plan: Plan): GatewayError {
  const last = failures.at(-1);
  if (!last) return gatewayError('internal', 'the plan was empty');
  const told = last.error.code === 'request_timeout' ? last : mostTelling(failures, last);
  const { error, candidate } = told;
  const previous = failures.filter((failure) => failure !== told).map(previousError);
  const waits = failures.flatMap((failure) => failure.error.facts.retryAfterMs ?? []);
  const { retryAfterMs: _ownWait, ...own } = error.facts;
  const facts = {
    ...own,
    providerName: candidate.provider.name,
    ...(previous.length > 0 && { previous }),
    ...(waits.length > 0 && { retryAfterMs: Math.min(...waits) }),
  };
  if (error.code === 'request_timeout') return gatewayError(error.code, error.message, facts);
  const agreed = agreement(failures.map((failure) => failure.error));
  if (!agreed) return gatewayError(error.code, error.message, facts);
  const { code, retryable } = agreed;
  const requestedModels = plan.models.map((model) => model.requested);
  const affectedProviders = [...new Set(failures.map((failure) => failure.candidate.provider.name))];
  return gatewayError(code, error.message, {
    ...facts,
    availability: { code, retryable, requestedModels, affectedProviders },
  });
}

/** A host that was not asked, and why. */
export interface Resting {
  readonly candidate: Candidate;
  readonly limited: boolean;
  /** Until it may be asked again, where that is known. */
  readonly waitMs: number | undefined;
}

/** The error the caller gets where nobody could be asked: whoever waits so long finds the first of them ready. */
export function unasked(resting: readonly Resting[], plan: Plan): GatewayError {
  const code = resting.every(({ limited }) => limited) ? 'capacity_exhausted' : 'temporarily_unavailable';
  const waits = resting.flatMap(({ waitMs }) => waitMs ?? []);
  const message =
    code === 'capacity_exhausted'
      ? 'Every provider of this model has said that it has no capacity now. Please try again later.'
      : 'Every provider of this model is failing now. Please try again later.';
  return gatewayError(code, message, {
    retryAfterMs: waits.length > 0 ? Math.min(...waits) : UNKNOWN_WAIT_MS,
    availability: {
      code,
      retryable: true,
      requestedModels: plan.models.map((model) => model.requested),
      affectedProviders: [...new Set(resting.map(({ candidate }) => candidate.provider.name))],
    },
  });
}

const UNKNOWN_WAIT_MS = 1000;

const previousError = ({ error, candidate }: Failure): PreviousError => ({
  provider: candidate.provider.name,
  code: error.facts.providerCode ?? error.code,
  status: error.facts.providerStatus ?? errorRow(error.code).status,
});

function agreement(
  errors: readonly GatewayError[],
):
  | { code: 'capacity_exhausted' | 'temporarily_unavailable' | 'model_unavailable_upstream'; retryable: boolean }
  | undefined {
  const all = (test: (error: GatewayError) => boolean): boolean => errors.every(test);
  if (all((error) => error.code === 'upstream_rate_limited')) return { code: 'capacity_exhausted', retryable: true };
  if (all((error) => error.code === 'upstream_not_found'))
    return { code: 'model_unavailable_upstream', retryable: false };
  const unavailable = (error: GatewayError): boolean => {
    const { status, next } = errorRow(error.code);
    return (
      next === 'endpoint' &&
      (status >= 500 || status === 408) &&
      error.code !== 'upstream_auth' &&
      error.code !== 'upstream_quota'
    );
  };
  return errors.length > 1 && all(unavailable) ? { code: 'temporarily_unavailable', retryable: true } : undefined;
}
