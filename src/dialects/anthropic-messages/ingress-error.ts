import { errorRow, type GatewayError } from '../../canon/errors.ts';
import type { EncodedError, ErrorContext } from '../dialect.ts';
import { availabilityWire, ruleWire } from '../envelope.ts';

/** Our error types in this dialect's words (spec/inference 4.10); other refusals of a request are `invalid_request_error`. */
const TYPES: Readonly<Record<string, string>> = {
  rate_limit_exceeded: 'rate_limit_error',
  authentication: 'authentication_error',
  permission_denied: 'permission_error',
  payment_required: 'billing_error',
  not_found: 'not_found_error',
  image_not_found: 'not_found_error',
  provider_overloaded: 'overloaded_error',
  timeout: 'timeout_error',
  provider_unavailable: 'api_error',
  server: 'api_error',
  unmapped: 'api_error',
};

/** What a server of this dialect writes with a status (spec/providers B.2.7); the sandbox plays one. */
const BY_STATUS: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  402: 'billing_error',
  403: 'permission_error',
  404: 'not_found_error',
  408: 'timeout_error',
  409: 'conflict_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  504: 'timeout_error',
  529: 'overloaded_error',
};

const typeOf = (status: number, errorType: string): string =>
  TYPES[errorType] ?? (status < 500 ? 'invalid_request_error' : 'api_error');

/** The body of a refusal, and of an `error` event in the middle of a stream. On a 500 of our own everything but the type is hidden. */
export function errorBody(error: GatewayError, context: ErrorContext): Record<string, unknown> {
  if (context.status !== undefined) {
    const type = BY_STATUS[context.status] ?? (context.status < 500 ? 'invalid_request_error' : 'api_error');
    return { type: 'error', error: { type, message: error.message }, request_id: 'req_sandbox' };
  }
  const row = errorRow(error.code);
  const message = error.code === 'internal' ? 'Internal Server Error' : error.message;
  const { facts } = error;
  return {
    type: 'error',
    error: {
      type: typeOf(row.status, row.type),
      message,
      error_type: row.type,
      ...(error.code !== 'internal' && facts.providerName !== undefined && { provider_name: facts.providerName }),
      ...(facts.issues && facts.issues.length > 0 && { issues: facts.issues }),
      ...(error.code !== 'internal' && ruleWire(error)),
      ...(facts.availability && { availability: availabilityWire(error, facts.availability, context.origin) }),
    },
    request_id: context.id ?? null,
    ...(context.metadata !== undefined && error.code !== 'internal' && { openrouter_metadata: context.metadata }),
  };
}

export function encodeError(error: GatewayError, context: ErrorContext): EncodedError {
  const { status } = errorRow(error.code);
  const overloaded = error.code === 'upstream_overloaded' && error.facts.providerStatus === 529;
  return { status: context.status ?? (overloaded ? 529 : status), body: errorBody(error, context) };
}
