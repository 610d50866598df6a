import type { ErrorFacts } from './error-facts.ts';
import { UPSTREAM_ERRORS } from './upstream-errors.ts';

/**
 * One table of errors. `code` is stable: it is the metric label, the key of docs/errors.md and what tests ask for.
 *
 * - `status`: the HTTP status while nothing has been sent, and `error.code` on the wire
 * - `type`: OpenRouter's `error_type` (spec/inference 4.3)
 * - `next`: what may be tried instead, before any content has reached the client (spec/inference 5.6)
 *     endpoint = another endpoint of the model, then the next model; larger-window = only endpoints with more context, then
 *     the next model; once = another endpoint, or the same again where there is no other, but only one time, then the next
 *     model; model = the next model the caller named; none = the answer stands
 * - `health`: counts against the endpoint's uptime
 * - `disclose`: whether the provider's own words may reach the client
 */
interface ErrorRow {
  readonly status: number;
  readonly type: string;
  readonly next: 'endpoint' | 'larger-window' | 'once' | 'model' | 'none';
  readonly health: boolean;
  readonly disclose: boolean;
  readonly meaning: string;
}

const request = { next: 'none', health: false, disclose: true } as const;

export const ERRORS = {
  // the request itself
  not_json: {
    status: 400,
    type: 'invalid_request',
    ...request,
    meaning: 'The body is not JSON, not UTF-8, nested too deep, or names a field twice.',
  },
  invalid_request: {
    status: 400,
    type: 'invalid_request',
    ...request,
    meaning: 'A field has a wrong type or value, or fields contradict each other.',
  },
  body_too_large: {
    status: 413,
    type: 'payload_too_large',
    ...request,
    meaning: 'The body exceeds `server.body_bytes_max`.',
  },
  bad_host: {
    status: 400,
    type: 'invalid_request',
    ...request,
    meaning: 'The request carries two Host headers or an absolute target.',
  },
  route_unknown: { status: 404, type: 'not_found', ...request, meaning: 'No such route.' },
  resource_unknown: {
    status: 404,
    type: 'not_found',
    ...request,
    meaning: 'The generation, model or key does not exist, or belongs to somebody else.',
  },
  preset_unknown: {
    status: 404,
    type: 'not_found',
    ...request,
    meaning: 'The request names a preset that does not exist here, is disabled or archived.',
  },
  preset_conflict: {
    status: 409,
    type: 'precondition_failed',
    ...request,
    meaning: 'Two writes of one preset at once: the other one was first.',
  },
  // who asks
  key_missing: { status: 401, type: 'authentication', ...request, meaning: 'No `Authorization: Bearer` header.' },
  key_invalid: { status: 401, type: 'authentication', ...request, meaning: 'The key is unknown or was deleted.' },
  key_disabled: { status: 401, type: 'authentication', ...request, meaning: 'The key is disabled or has expired.' },
  management_key_required: {
    status: 403,
    type: 'permission_denied',
    ...request,
    meaning: 'An inference key on a management route.',
  },
  inference_key_required: {
    status: 403,
    type: 'permission_denied',
    ...request,
    meaning: 'A management key on an inference route.',
  },
  host_unable: {
    status: 400,
    type: 'invalid_request',
    ...request,
    next: 'endpoint',
    meaning: 'What was asked cannot be said in the wire of this host.',
  },
  media_refused: {
    status: 400,
    type: 'invalid_request',
    ...request,
    next: 'endpoint',
    meaning:
      'A picture or document stands at an address that is not fetched (not https, not public), or is not what it is said to be.',
  },
  media_unavailable: {
    status: 400,
    type: 'invalid_request',
    ...request,
    next: 'endpoint',
    meaning: 'A picture or document could not be fetched: no answer in time, a failure, or more bytes than allowed.',
  },
  // what can be routed
  model_unknown: {
    status: 400,
    type: 'invalid_request',
    ...request,
    next: 'model',
    meaning: 'The slug names no model of the catalogue.',
  },
  wrong_endpoint: {
    status: 400,
    type: 'invalid_request',
    ...request,
    next: 'model',
    meaning: 'The model does something else than what was asked; the message names the route that it has.',
  },
  no_endpoints: {
    status: 404,
    type: 'not_found',
    ...request,
    next: 'model',
    meaning: 'The model exists, but nothing can serve it now.',
  },
  providers_excluded: {
    status: 404,
    type: 'not_found',
    ...request,
    next: 'model',
    meaning: 'The provider preferences exclude every host of the model.',
  },
  constraint_filtered: {
    status: 404,
    type: 'not_found',
    ...request,
    next: 'model',
    meaning: 'A price ceiling, a required parameter or another hard constraint excludes every host.',
  },
  privacy_restricted: {
    status: 404,
    type: 'not_found',
    ...request,
    next: 'model',
    meaning:
      'A wish that nothing be kept, or trained on, excludes every host. What is not known of a host counts as yes.',
  },
  model_deprecated: {
    status: 404,
    type: 'not_found',
    ...request,
    next: 'model',
    meaning: 'The model has ended, or every host has retired it; `fallback_models` names who takes its place.',
  },
  free_variant_ended: {
    status: 404,
    type: 'not_found',
    ...request,
    next: 'model',
    meaning: 'Nobody serves the model for free any more; `fallback_models` names the paid one.',
  },
  context_too_long: {
    status: 400,
    type: 'context_length_exceeded',
    ...request,
    next: 'larger-window',
    meaning: 'Prompt and requested output exceed the context of every host.',
  },
  not_exact: {
    status: 400,
    type: 'invalid_request',
    ...request,
    meaning: 'The caller wants nothing left out, and every host would have to leave something out.',
  },
  // money
  credits_short: { status: 402, type: 'payment_required', ...request, meaning: 'The balance is used up.' },
  request_unaffordable: {
    status: 402,
    type: 'payment_required',
    ...request,
    meaning: 'The balance does not cover the most this request can cost.',
  },
  prompt_unaffordable: {
    status: 402,
    type: 'payment_required',
    ...request,
    meaning: 'The balance does not even cover the prompt.',
  },
  session_spend: {
    status: 403,
    type: 'permission_denied',
    ...request,
    meaning: 'The session has spent what it may (`brakes.usd`, or the header `X-Turnpike-Session-Limit`).',
  },
  session_time: {
    status: 403,
    type: 'permission_denied',
    ...request,
    meaning: 'The session has gone on for as long as it may (`brakes.seconds`, or the header).',
  },
  session_repeats: {
    status: 403,
    type: 'permission_denied',
    ...request,
    meaning:
      'The session has called the same tool with the same arguments too often (`brakes.repeats`, or the header).',
  },
  key_limit_spent: {
    status: 403,
    type: 'permission_denied',
    ...request,
    meaning: 'The key has spent what it may spend until its limit begins anew.',
  },
  free_model_limit: {
    status: 429,
    type: 'rate_limit_exceeded',
    ...request,
    meaning: 'Free models were asked as often as is allowed in a minute or a day.',
  },
  in_flight_budget: {
    status: 402,
    type: 'payment_required',
    ...request,
    meaning:
      'The balance would suffice, but requests in flight hold it or all that may be in flight; try again shortly.',
  },
  ...UPSTREAM_ERRORS,
  // all of them
  capacity_exhausted: {
    status: 429,
    type: 'rate_limit_exceeded',
    ...request,
    next: 'model',
    meaning: 'Every host answered 429.',
  },
  temporarily_unavailable: {
    status: 503,
    type: 'provider_overloaded',
    ...request,
    next: 'model',
    meaning: 'Every host failed or timed out.',
  },
  model_unavailable_upstream: {
    status: 404,
    type: 'not_found',
    ...request,
    next: 'model',
    meaning: 'Every host answered that it does not know the model.',
  },
  request_timeout: {
    status: 408,
    type: 'timeout',
    ...request,
    meaning: 'The whole request exceeded `request_total_ms_max`.',
  },
  // us
  client_gone: { status: 499, type: 'unmapped', ...request, meaning: 'The client left; nobody reads this.' },
  overloaded: {
    status: 503,
    type: 'provider_overloaded',
    ...request,
    meaning: 'This gateway has as many requests in hand as it may (`requests_max`); come back shortly.',
  },
  draining: { status: 503, type: 'provider_overloaded', ...request, meaning: 'This gateway is shutting down.' },
  internal: {
    status: 500,
    type: 'server',
    ...request,
    disclose: false,
    meaning: 'A bug or a broken store; details are in the log only.',
  },
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof ERRORS;

export const errorRow = (code: ErrorCode): ErrorRow => ERRORS[code];

export interface GatewayError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly facts: ErrorFacts;
}

export const gatewayError = (code: ErrorCode, message: string, facts: ErrorFacts = {}): GatewayError => ({
  code,
  message,
  facts,
});
