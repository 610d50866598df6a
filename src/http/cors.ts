/** Browsers may call from anywhere; no cookies are involved (spec/platform 1.4). */

const EXPOSED = [
  'X-Generation-Id',
  'X-Provider-Name',
  'X-Turnpike-Dropped',
  'request-id',
  'Retry-After',
  'X-RateLimit-Limit',
  'X-RateLimit-Remaining',
  'X-RateLimit-Reset',
  'X-OpenRouter-Cache-Status',
  'X-OpenRouter-Cache-Age',
  'X-OpenRouter-Cache-TTL',
  'X-OpenRouter-Cache-Source-Id',
].join(', ');

const ALLOWED = [
  'Authorization',
  'User-Agent',
  'X-Api-Key',
  'X-Goog-Api-Key',
  'X-Goog-Api-Client',
  'Anthropic-Version',
  'Anthropic-Beta',
  'Anthropic-Dangerous-Direct-Browser-Access',
  'X-CSRF-Token',
  'X-Requested-With',
  'Accept',
  'Accept-Version',
  'Content-Length',
  'Content-MD5',
  'Content-Type',
  'Date',
  'X-Api-Version',
  'HTTP-Referer',
  'X-Windowai-Title',
  'X-OpenRouter-Title',
  'X-Title',
  'X-OpenRouter-Categories',
  'X-OpenRouter-App-Visibility',
  'X-Turnpike-Compat',
  'X-Turnpike-Strict',
  'X-OpenRouter-Metadata',
  'X-OpenRouter-Experimental-Metadata',
  'X-OpenRouter-Cache',
  'X-OpenRouter-Cache-TTL',
  'X-OpenRouter-Cache-Clear',
  'X-Session-Id',
  'X-Stainless-Lang',
  'X-Stainless-Package-Version',
  'X-Stainless-OS',
  'X-Stainless-Arch',
  'X-Stainless-Runtime',
  'X-Stainless-Runtime-Version',
  'X-Stainless-Async',
  'X-Stainless-Retry-Count',
  'X-Stainless-Timeout',
  'X-Stainless-Read-Timeout',
  'X-Stainless-Poll-Helper',
  'X-Stainless-Helper-Method',
  'Protection-Key',
  'Idempotency-Key',
  'traceparent',
  'tracestate',
  'b3',
].join(', ');

/** On every API answer, success or error. */
export const CORS_HEADERS: Readonly<Record<string, string>> = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers': EXPOSED,
};

export function preflight(): Response {
  return new Response(null, {
    status: 204,
    headers: {
      ...CORS_HEADERS,
      'access-control-allow-methods': 'GET,OPTIONS,PATCH,DELETE,POST,PUT',
      'access-control-allow-headers': ALLOWED,
      'access-control-max-age': '86400',
    },
  });
}
