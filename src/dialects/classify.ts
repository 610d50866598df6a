import type { ErrorFacts } from '../canon/error-facts.ts';
import { type ErrorCode, errorRow, type GatewayError, gatewayError } from '../canon/errors.ts';
import type { ErrorRule } from '../canon/target.ts';
import { asArray, asNumber, asObject, asString, type JsonObject } from './read.ts';

/**
 * What a provider's failure means, as data: by status, error code and text (spec/providers B.0, B.14.5, B.14.6). What follows from it
 * is the error table's business.
 */
interface Rule extends ErrorRule {
  /** Matches a member of the body. */
  readonly member?: string;
  /** Matches the body's JSON text. */
  readonly anywhere?: RegExp;
}

const CONTEXT_OVERFLOW =
  /context_length_exceeded|maximum context length|prompt is too long|exceed context limit|exceeds the maximum number of tokens|input token count.*exceeds|input is too long|too many tokens|range of input length should be|exceeded model token limit|input token length too long|exceed_context_size_error|longer than the model's context length|reduce the length of the messages|inputs tokens \+ max_new_tokens|model_context_window_exceeded|tokens_limit_reached|too large for model with \d+ maximum context length/i;

/** Rules on more than the status; the first that fits decides. */
const SIGNALS: readonly Rule[] = [
  { status: [400], text: /DEGRADED function/i, means: 'upstream_overloaded' },
  // Inside an answer it has no status of its own, and counts as 502.
  { status: [400, 413, 422, 500, 502], code: CONTEXT_OVERFLOW, means: 'upstream_context_too_long' },
  { status: [400, 403, 413, 422], text: CONTEXT_OVERFLOW, means: 'upstream_context_too_long' },
  {
    code: /^(insufficient_quota|exceeded_current_quota_error|billing_hard_limit_reached|billing_error|arrearage|payment_required)$/i,
    means: 'upstream_quota',
  },
  {
    code: /^(content_filter|content_policy_violation|moderation_blocked|data_inspection_failed|3201)$/i,
    means: 'upstream_content_policy',
  },
  // Amazon's exceptions (spec/providers B.4.5)
  {
    code: /^(AccessDenied|UnrecognizedClient|InvalidClientTokenId|ExpiredToken|IncompleteSignature|RequestExpired)(Exception)?$/,
    means: 'upstream_auth',
  },
  {
    code: /^ValidationException$/,
    text: /on-demand throughput|model identifier is invalid/i,
    means: 'upstream_not_found',
  },
  {
    code: /^ValidationException$/,
    text: /exceeds the maximum|too many total text bytes/i,
    means: 'upstream_context_too_long',
  },
  { code: /^ValidationException$/, means: 'upstream_invalid_request' },
  { code: /^ResourceNotFoundException$/, means: 'upstream_not_found' },
  { code: /^ThrottlingException$/, text: /per day/i, means: 'upstream_quota' },
  { code: /^ThrottlingException$/, means: 'upstream_rate_limited' },
  { code: /^ServiceQuotaExceededException$/, means: 'upstream_quota' },
  { code: /^(ModelNotReady|ServiceUnavailable)Exception$/, means: 'upstream_overloaded' },
  { code: /^ModelTimeoutException$/, means: 'upstream_request_timeout' },
  { code: /^(Conflict|ModelError|ModelStreamError|InternalServer)Exception$/, means: 'upstream_server' },
  // Google's (spec/providers B.3.6)
  { status: [400], text: /API[_ ]key (not valid|expired|invalid)|API_KEY_INVALID/i, means: 'upstream_auth' },
  { status: [400], text: /location is not supported/i, means: 'upstream_forbidden' },
  // A short delay beside it says nothing: a day's quota is gone for the day.
  { status: [429], anywhere: /"quotaId":"[^"]*PerDay/, means: 'upstream_quota' },
  { code: /^DeploymentNotFound$/, means: 'upstream_not_found' },
  { code: /^ResponsibleAIPolicyViolation$/, means: 'upstream_content_policy' },
  { text: /service is currently unavailable/i, means: 'upstream_overloaded' },
  { status: [403], member: 'guardrails', means: 'upstream_content_policy' },
  { status: [403], member: 'error.metadata.reasons', means: 'upstream_content_policy' },
  { status: [403], text: /content polic|moderation|guardrail/i, means: 'upstream_content_policy' },
  { status: [429], code: /capacity_exceeded|3505/i, means: 'upstream_overloaded' },
  { status: [429], text: /capacity exceeded/i, means: 'upstream_overloaded' },
  { code: /^(invalid_api_key|authentication_error)$/i, means: 'upstream_auth' },
  { code: /^(model_not_found|invalid_model|1500)$/i, means: 'upstream_not_found' },
  { code: /^(rate_limit_exceeded|rate_limit_error|rate_limited|1300)$/i, means: 'upstream_rate_limited' },
  { code: /^(overloaded_error|engine_overloaded_error|service_unavailable)$/i, means: 'upstream_overloaded' },
];

const BY_STATUS: Readonly<Record<number, ErrorCode>> = {
  400: 'upstream_invalid_request',
  401: 'upstream_auth',
  402: 'upstream_quota',
  403: 'upstream_forbidden',
  404: 'upstream_not_found',
  405: 'upstream_not_found',
  408: 'upstream_request_timeout',
  410: 'upstream_not_found',
  413: 'upstream_payload_too_large',
  415: 'upstream_invalid_request',
  422: 'upstream_unprocessable',
  429: 'upstream_rate_limited',
  498: 'upstream_overloaded',
  503: 'upstream_overloaded',
  504: 'upstream_timeout',
  524: 'upstream_timeout',
  529: 'upstream_overloaded',
};

function byStatus(status: number): ErrorCode {
  const known = BY_STATUS[status];
  if (known) return known;
  return status < 400 ? 'upstream_malformed' : 'upstream_server';
}

function member(body: unknown, path: string): unknown {
  let value: unknown = body;
  for (const key of path.split('.')) value = asObject(value)?.[key];
  return value;
}

function fits(rule: Rule, status: number, said: Said, body: unknown): boolean {
  if (rule.status && !rule.status.includes(status)) return false;
  if (rule.code && !said.codes.some((code) => rule.code?.test(code))) return false;
  if (rule.text && !rule.text.test(said.message)) return false;
  if (rule.anywhere && !rule.anywhere.test(JSON.stringify(body) ?? '')) return false;
  return rule.member === undefined || member(body, rule.member) !== undefined;
}

interface Said {
  readonly message: string;
  /** Every code and type the body names, most specific first. */
  readonly codes: readonly string[];
  /** The field that is to blame, where the body has a member for that. */
  readonly field?: string;
}

const stripMarkup = (text: string): string =>
  text
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();
const shorten = (text: string): string => (text.length > 300 ? `${text.slice(0, 297)}...` : text);

/** FastAPI's list of validation issues, as one sentence. */
function issueList(value: unknown): string | undefined {
  const first = asObject(asArray(value)?.[0]);
  const message = asString(first?.msg);
  if (message === undefined) return undefined;
  const place = asArray(first?.loc)?.join('.');
  return place ? `${place}: ${message}` : message;
}

function messageIn(body: JsonObject): string | undefined {
  const error = asObject(body.error);
  const message = body.message;
  const detail = body.detail ?? asObject(message)?.detail;
  const title = asString(body.title);
  return (
    asString(error?.message) ??
    asString(body.error) ??
    asString(message) ??
    asString(body.Message) ??
    (title !== undefined && asString(detail) !== undefined ? `${title}: ${asString(detail)}` : undefined) ??
    asString(detail) ??
    issueList(detail) ??
    asString(asObject(detail)?.error) ??
    asString(asObject(asArray(body.errors)?.[0])?.message) ??
    asString(asObject(body.fault)?.faultstring) ??
    title ??
    asString(asObject(body.base_resp)?.status_msg) ??
    asString(body.error_msg)
  );
}

function codesIn(body: JsonObject): string[] {
  const error = asObject(body.error);
  const metadata = asObject(error?.metadata);
  const found = [
    metadata?.provider_code,
    metadata?.error_type,
    asObject(error?.innererror)?.code,
    error?.code,
    error?.type,
    body.code,
    awsType(body.__type),
    body.type,
    body.error_type,
    asObject(asArray(body.errors)?.[0])?.code,
    asObject(asObject(body.fault)?.detail)?.errorcode,
    asObject(body.base_resp)?.status_code,
  ];
  return found.filter((code) => typeof code === 'string' || typeof code === 'number').map(String);
}

/** `com.amazon…#ThrottlingException:http://…` without what stands around the name; events begin it with a small letter. */
function awsType(value: unknown): string | undefined {
  const name = asString(value)?.split('#').at(-1)?.split(':')[0];
  return name === undefined ? undefined : name.charAt(0).toUpperCase() + name.slice(1);
}

/** OpenAI's `param`, or where a validation issue lies, without the word for the body itself. */
function fieldIn(body: JsonObject): string | undefined {
  const param = asString(asObject(body.error)?.param) ?? asString(body.param);
  if (param !== undefined) return param;
  const issues = body.detail ?? asObject(body.message)?.detail;
  const place = asArray(asObject(asArray(issues)?.[0])?.loc)?.filter((step) => step !== 'body');
  return place && place.length > 0 ? place.join('.') : undefined;
}

/** What an error body says, whatever its shape (spec/providers B.1.7, UP-115). */
function extractError(body: unknown): Said {
  const object = asObject(asArray(body)?.[0] ?? body);
  if (!object) return { message: shorten(stripMarkup(typeof body === 'string' ? body : '')), codes: [] };
  const field = fieldIn(object);
  return {
    message: shorten(messageIn(object) ?? ''),
    codes: codesIn(object),
    ...(field !== undefined && { field }),
  };
}

/** A status hidden in a body that came with 200: OpenRouter's numeric code, a problem document's status. */
function statusIn(body: unknown): number | undefined {
  const object = asObject(body);
  const inner =
    asNumber(asObject(object?.error)?.code) ?? asNumber(object?.status) ?? asNumber(object?.raw_status_code);
  return inner !== undefined && inner >= 400 && inner < 600 ? inner : undefined;
}

/**
 * Classifies a provider's failure.
 * @param status the HTTP status; for an error inside a 200, the status the body names counts instead
 * @param body the parsed JSON, or the text where it is none
 * @param own what this host's codes mean; they come before the general table
 */
export function classify(status: number, body: unknown, own: readonly ErrorRule[] = []): GatewayError {
  const effective = status < 400 ? (statusIn(body) ?? (status < 300 ? 502 : status)) : status;
  const said = extractError(body);
  const signal = [...own, ...SIGNALS].find((rule) => fits(rule, effective, said, body));
  const code = signal?.means ?? byStatus(effective);
  const providerCode = said.codes[0];
  const facts: ErrorFacts = {
    providerStatus: effective,
    ...(providerCode !== undefined && { providerCode }),
    ...(said.message !== '' && { raw: said.message }),
    ...(said.field !== undefined && { field: said.field }),
  };
  return gatewayError(
    code,
    errorRow(code).disclose && said.message !== '' ? said.message : 'Provider returned error',
    facts,
  );
}
