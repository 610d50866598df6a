import type { Availability } from '../canon/error-facts.ts';
import { errorRow, type GatewayError } from '../canon/errors.ts';
import type { ErrorContext } from './dialect.ts';

/** Whole seconds, at least one: header and body say the same. */
export const waitSeconds = (ms: number): number => Math.max(1, Math.ceil(ms / 1000));

/** Why a model could not be served (spec/inference 4.6): what does not apply is left out, the address of its page never is. */
export function availabilityWire(error: GatewayError, availability: Availability, origin: string): object {
  const { affectedProviders, excludedBy, fallbackModels, constraint } = availability;
  const retryAfter = error.facts.retryAfterMs;
  return {
    code: availability.code,
    retryable: availability.retryable,
    requested_models: availability.requestedModels,
    docs_url: `${origin}/docs/errors#${availability.code}`,
    ...(retryAfter !== undefined && { retry_after: waitSeconds(retryAfter) }),
    ...(affectedProviders && affectedProviders.length > 0 && { affected_providers: affectedProviders }),
    ...(excludedBy && excludedBy.length > 0 && { excluded_by: excludedBy }),
    ...(fallbackModels && fallbackModels.length > 0 && { fallback_models: fallbackModels }),
    ...(constraint && { constraint }),
  };
}

function metadata(error: GatewayError, type: string, disclose: boolean): Record<string, unknown> {
  const { facts } = error;
  return {
    error_type: type,
    ...(facts.providerName !== undefined && { provider_name: facts.providerName, is_byok: false }),
    ...(disclose && facts.raw !== undefined && facts.providerName !== undefined && { raw: facts.raw }),
    ...(disclose && facts.providerCode !== undefined && { provider_code: facts.providerCode }),
    ...(facts.previous && facts.previous.length > 0 && { previous_errors: facts.previous }),
    ...(facts.limitSource !== undefined && { limit_source: facts.limitSource }),
    ...(facts.remedyHint !== undefined && { remedy_hint: facts.remedyHint }),
    ...(facts.retryAfterMs !== undefined && { retry_after_seconds: waitSeconds(facts.retryAfterMs) }),
    ...(facts.issues && facts.issues.length > 0 && { issues: facts.issues }),
    ...(facts.budget && {
      scope: facts.budget.scope,
      limit_usd: facts.budget.limitUsd,
      spend_usd: facts.budget.spendUsd,
    }),
    ...(facts.rateHeaders && { headers: facts.rateHeaders }),
    ...ruleWire(error),
  };
}

/** The rule behind an error of ours that the caller can mend: where no finer one is named, the error itself is the rule. */
function ruleOf({ code, facts }: GatewayError): string | undefined {
  if (facts.rule !== undefined) return facts.rule;
  const ours = errorRow(code).status < 500 && !code.includes('upstream') && code !== 'capacity_exhausted';
  return ours ? code : undefined;
}

/** Which rule refused, what it allows, what there was, and when it is over: the same four members in every wire, where they apply. */
export function ruleWire(error: GatewayError): Record<string, unknown> {
  const rule = ruleOf(error);
  const { limit, current, resetsAt } = error.facts;
  return {
    ...(rule !== undefined && { rule }),
    ...(limit !== undefined && { limit }),
    ...(current !== undefined && { current }),
    ...(resetsAt !== undefined && { resets_at: resetsAt === null ? null : new Date(resetsAt).toISOString() }),
  };
}

/** The same as an object of its own, for wires whose errors have no other members. */
export function ruleMetadata(error: GatewayError, status: number | undefined): Record<string, unknown> {
  return status === undefined && ruleOf(error) !== undefined ? { metadata: ruleWire(error) } : {};
}

/** The status an error travels under: its row's, except that a provider's 529 is passed on where it stands alone (spec/inference 12.21). */
export function statusOf(error: GatewayError): number {
  const { status } = errorRow(error.code);
  return error.code === 'upstream_overloaded' && error.facts.providerStatus === 529 && !error.facts.previous?.length
    ? 529
    : status;
}

/**
 * The `error` object of OpenRouter's envelope. On a 500 everything but the type is hidden (INF-154): what broke is for the log.
 */
export function errorObject(error: GatewayError, context: ErrorContext): Record<string, unknown> {
  const row = errorRow(error.code);
  if (context.status !== undefined) return { code: context.status, message: error.message };
  const status = statusOf(error);
  if (error.code === 'internal') {
    return { code: status, message: 'Internal Server Error', metadata: { error_type: row.type } };
  }
  const { facts } = error;
  return {
    code: status,
    message: error.message,
    metadata: metadata(error, row.type, row.disclose),
    ...(facts.availability && {
      error_type: row.type,
      http_status: status,
      availability: availabilityWire(error, facts.availability, context.origin),
    }),
  };
}
