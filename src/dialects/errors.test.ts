import { describe, expect, test } from 'bun:test';
import type { ErrorCode } from '../canon/errors.ts';
import { errorRow } from '../canon/errors.ts';
import { ALL_PARAMETERS } from '../canon/parameters.ts';
import type { Target } from '../canon/target.ts';
import { loadSnapshot } from '../catalogue/load.ts';
import { retryAfterMs } from '../upstream/retry-after.ts';
import { EXPECT_NOTHING } from './dialect.ts';
import { DIALECTS } from './registry.ts';

/** What hosts say when they fail, and what is made of it; bodies after spec/providers A.2 and B. */

const snapshot = loadSnapshot();

function read(provider: string, status: number, body: unknown): { code: ErrorCode; message: string; raw?: string } {
  const row = snapshot.provider(provider);
  const dialect = row && DIALECTS[row.dialect];
  if (!row || !dialect) throw new Error(provider);
  const target: Target = {
    upstreamModel: 'm',
    quirks: new Set(),
    parameters: ALL_PARAMETERS,
    extraFields: new Set(),
    errors: (row.errors ?? []).map(({ code, text, ...rest }) => ({
      ...rest,
      ...(code !== undefined && { code: new RegExp(code, 'i') }),
      ...(text !== undefined && { text: new RegExp(text, 'i') }),
    })),
  };
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  if (status === 200) {
    const last = dialect.decodeWhole(JSON.parse(text), target, EXPECT_NOTHING).at(-1);
    if (last?.type !== 'generation-error') throw new Error('no error was found');
    return {
      code: last.error.code,
      message: last.error.message,
      ...(last.error.facts.raw && { raw: last.error.facts.raw }),
    };
  }
  const error = dialect.decodeError(status, text, target);
  return { code: error.code, message: error.message, ...(error.facts.raw && { raw: error.facts.raw }) };
}

type Row = readonly [provider: string, status: number, body: unknown, means: ErrorCode];

const check = (rows: readonly Row[]): void => {
  for (const [provider, status, body, means] of rows)
    expect([provider, body, read(provider, status, body).code]).toEqual([provider, body, means]);
};

describe('failures of hosts', () => {
  test('UP-115 every shape of a body gives its message, and none is no error', () => {
    const shapes: readonly (readonly [unknown, string])[] = [
      [{ error: { message: 'Bad thing', type: 'invalid_request_error' } }, 'Bad thing'],
      [{ error: 'Bad thing' }, 'Bad thing'],
      [{ message: 'Bad thing', code: 7 }, 'Bad thing'],
      [{ detail: 'Bad thing' }, 'Bad thing'],
      [{ detail: [{ loc: ['body', 'n'], msg: 'too many', type: 'value_error' }] }, 'body.n: too many'],
      [{ detail: { error: 'Bad thing' } }, 'Bad thing'],
      [{ errors: [{ code: 5004, message: 'Bad thing' }] }, 'Bad thing'],
      [{ fault: { faultstring: 'Bad thing', detail: { errorcode: 'x' } } }, 'Bad thing'],
      [{ title: 'Bad', detail: 'thing', status: 400 }, 'Bad: thing'],
      [{ base_resp: { status_code: 2013, status_msg: 'Bad thing' } }, 'Bad thing'],
      [{ error_msg: 'Bad thing' }, 'Bad thing'],
      [{ Message: 'Bad thing' }, 'Bad thing'],
      [[{ error: { code: 400, message: 'Bad thing', status: 'INVALID_ARGUMENT' } }], 'Bad thing'],
      ['<html><body><h1>Bad</h1> thing</body></html>', 'Bad thing'],
    ];
    for (const [body, message] of shapes) expect([body, read('openai', 400, body).raw]).toEqual([body, message]);
    expect(read('openai', 502, '').code).toBe('upstream_server');
    expect(read('openai', 502, `<p>${'x'.repeat(5000)}</p>`).raw?.length).toBe(300);
  });

  test('UP-118 Google’s key, place and daily quota', () => {
    const google = (code: number, message: string, status: string, details: unknown[] = []): unknown => ({
      error: { code, message, status, details },
    });
    const daily = [
      {
        '@type': 'type.googleapis.com/google.rpc.QuotaFailure',
        violations: [{ quotaId: 'GenerateRequestsPerDayPerProject' }],
      },
      { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '36s' },
    ];
    check([
      [
        'google-ai-studio',
        400,
        google(400, 'API key not valid. Please pass a valid API key.', 'INVALID_ARGUMENT'),
        'upstream_auth',
      ],
      [
        'google-ai-studio',
        400,
        google(400, 'User location is not supported for the API use.', 'FAILED_PRECONDITION'),
        'upstream_forbidden',
      ],
      [
        'google-ai-studio',
        429,
        google(429, 'Resource has been exhausted', 'RESOURCE_EXHAUSTED', daily),
        'upstream_quota',
      ],
      [
        'google-ai-studio',
        429,
        google(429, 'Resource has been exhausted', 'RESOURCE_EXHAUSTED'),
        'upstream_rate_limited',
      ],
      ['google-ai-studio', 503, google(503, 'The model is overloaded.', 'UNAVAILABLE'), 'upstream_overloaded'],
    ]);
  });

  test('UP-119 Z.ai’s numbers', () => {
    const zai = (code: string, message = 'no'): unknown => ({ error: { code, message } });
    check([
      ['z-ai', 429, zai('1113'), 'upstream_quota'],
      ['z-ai', 429, zai('1302'), 'upstream_rate_limited'],
      ['z-ai', 429, zai('1305'), 'upstream_rate_limited'],
      ['z-ai', 400, zai('1301'), 'upstream_content_policy'],
      ['z-ai', 429, zai('1308'), 'upstream_quota'],
      ['z-ai', 400, zai('1211'), 'upstream_not_found'],
      ['z-ai', 500, zai('1234'), 'upstream_server'],
      ['z-ai', 434, zai('1220'), 'upstream_forbidden'],
    ]);
    expect(errorRow('upstream_content_policy').next).not.toBe('endpoint');
    // The same number means something else elsewhere.
    check([['mistral', 429, { code: '1300', message: 'Rate limit exceeded' }, 'upstream_rate_limited']]);
  });

  test('UP-120 Kimi’s types', () => {
    const kimi = (type: string, message = 'no'): unknown => ({ error: { type, message } });
    check([
      ['moonshotai', 429, kimi('engine_overloaded_error'), 'upstream_overloaded'],
      ['moonshotai', 429, kimi('exceeded_current_quota_error'), 'upstream_quota'],
      ['moonshotai', 429, kimi('rate_limit_reached_error'), 'upstream_rate_limited'],
      ['moonshotai', 403, kimi('permission_denied_error', 'insufficient balance'), 'upstream_quota'],
      ['moonshotai', 400, kimi('content_filter'), 'upstream_content_policy'],
      [
        'moonshotai',
        400,
        kimi('invalid_request_error', 'exceeded model token limit: 131072'),
        'upstream_context_too_long',
      ],
      ['moonshotai', 401, kimi('incorrect_api_key_error'), 'upstream_auth'],
    ]);
    expect(errorRow('upstream_overloaded').next).toBe('endpoint');
  });

  test('UP-121 Alibaba’s codes', () => {
    const ali = (code: string, message = 'no'): unknown => ({ error: { code, message, type: code } });
    check([
      ['alibaba', 403, ali('Arrearage'), 'upstream_quota'],
      ['alibaba', 400, ali('Arrearage'), 'upstream_quota'],
      ['alibaba', 400, ali('data_inspection_failed'), 'upstream_content_policy'],
      ['alibaba', 400, ali('DataInspectionFailed'), 'upstream_content_policy'],
      ['alibaba', 429, ali('Throttling.RateQuota'), 'upstream_rate_limited'],
      ['alibaba', 429, ali('Throttling.BurstRate', 'Request rate increased too quickly'), 'upstream_rate_limited'],
      ['alibaba', 429, ali('limit_requests'), 'upstream_rate_limited'],
      [
        'alibaba',
        400,
        ali('InvalidParameter', 'Range of input length should be [1, 30720]'),
        'upstream_context_too_long',
      ],
    ]);
  });

  test('UP-122 MiniMax’s numbers, also with 200', () => {
    const openai = { ...snapshot.provider('minimax'), dialect: 'openai-chat' };
    expect(openai.errors?.length).toBeGreaterThan(5);
    const wrapped = (number: number): unknown => ({
      type: 'error',
      error: { type: 'api_error', message: `no (${number})` },
    });
    check([
      ['minimax', 429, wrapped(1002), 'upstream_rate_limited'],
      ['minimax', 401, wrapped(1004), 'upstream_auth'],
      ['minimax', 429, wrapped(2056), 'upstream_quota'],
      ['minimax', 500, wrapped(1008), 'upstream_quota'],
      ['minimax', 400, wrapped(1026), 'upstream_content_policy'],
    ]);
    const chat = DIALECTS['openai-chat'];
    const target: Target = {
      upstreamModel: 'm',
      quirks: new Set(),
      parameters: ALL_PARAMETERS,
      extraFields: new Set(),
      errors: (openai.errors ?? []).map(({ code, text, means }) => ({
        means,
        ...(code !== undefined && { code: new RegExp(code, 'i') }),
        ...(text !== undefined && { text: new RegExp(text, 'i') }),
      })),
    };
    const inside = (status_code: number): ErrorCode | undefined => {
      const body = { id: 'x', base_resp: { status_code, status_msg: 'no' } };
      const last = chat?.decodeWhole(body, target, EXPECT_NOTHING).at(-1);
      return last?.type === 'generation-error' ? last.error.code : undefined;
    };
    expect([1002, 1004, 1008, 1026, 1039, 2013, 1000].map(inside)).toEqual([
      'upstream_rate_limited',
      'upstream_auth',
      'upstream_quota',
      'upstream_content_policy',
      'upstream_context_too_long',
      'upstream_invalid_request',
      'upstream_server',
    ]);
  });

  test('UP-123 Workers AI’s numbers', () => {
    const workers = (code: number): unknown => ({ success: false, errors: [{ code, message: 'no' }] });
    check([
      ['cloudflare', 429, workers(3036), 'upstream_quota'],
      ['cloudflare', 429, workers(3040), 'upstream_overloaded'],
      ['cloudflare', 400, workers(5007), 'upstream_not_found'],
      ['cloudflare', 403, workers(3041), 'upstream_forbidden'],
      ['cloudflare', 408, workers(3007), 'upstream_request_timeout'],
    ]);
  });

  test('UP-124 Together’s capacity, limits and lengths', () => {
    check([
      ['together', 503, { error: { message: 'The engine is overloaded' } }, 'upstream_overloaded'],
      [
        'together',
        429,
        { error: { message: 'slow down' }, error_type: 'dynamic_request_limited' },
        'upstream_rate_limited',
      ],
      [
        'together',
        403,
        { error: { message: 'Input is longer than the context of the model' } },
        'upstream_context_too_long',
      ],
      ['together', 402, { error: { message: 'pay' } }, 'upstream_quota'],
    ]);
  });

  test('UP-126 Groq’s full tier, bad calls and sizes', () => {
    check([
      [
        'groq',
        498,
        { error: { message: 'Flex tier capacity exceeded', code: 'capacity_exceeded' } },
        'upstream_overloaded',
      ],
      ['groq', 400, { error: { message: 'Failed to call a function', code: 'tool_use_failed' } }, 'upstream_malformed'],
      [
        'groq',
        400,
        { error: { message: 'Failed to generate JSON', code: 'json_validate_failed' } },
        'upstream_malformed',
      ],
      [
        'groq',
        413,
        { error: { message: 'Request too large for model `x` on tokens per minute (TPM)' } },
        'upstream_rate_limited',
      ],
    ]);
    expect(errorRow('upstream_malformed').next).toBe('endpoint');
  });

  test('UP-127 Amazon’s exceptions, whatever stands around their names', () => {
    const aws = (type: string, message = 'no'): unknown => ({ __type: type, message });
    check([
      ['amazon-bedrock', 403, aws('AccessDeniedException'), 'upstream_auth'],
      ['amazon-bedrock', 403, aws('com.amazon.coral.service#ExpiredTokenException:http://internal'), 'upstream_auth'],
      [
        'amazon-bedrock',
        400,
        aws('ValidationException', 'Input is too long for requested model.'),
        'upstream_context_too_long',
      ],
      [
        'amazon-bedrock',
        400,
        aws('ValidationException', "Invocation with on-demand throughput isn't supported"),
        'upstream_not_found',
      ],
      ['amazon-bedrock', 400, aws('ValidationException', 'bad'), 'upstream_invalid_request'],
      ['amazon-bedrock', 404, aws('ResourceNotFoundException'), 'upstream_not_found'],
      ['amazon-bedrock', 408, aws('ModelTimeoutException'), 'upstream_request_timeout'],
      ['amazon-bedrock', 424, aws('ModelErrorException'), 'upstream_server'],
      ['amazon-bedrock', 429, aws('ThrottlingException', 'Too many requests'), 'upstream_rate_limited'],
      ['amazon-bedrock', 429, aws('ThrottlingException', 'Too many tokens per day'), 'upstream_quota'],
      ['amazon-bedrock', 429, aws('ModelNotReadyException'), 'upstream_overloaded'],
      ['amazon-bedrock', 400, aws('ServiceQuotaExceededException'), 'upstream_quota'],
      ['amazon-bedrock', 503, aws('ServiceUnavailableException'), 'upstream_overloaded'],
    ]);
  });

  test('UP-129 Azure’s filter, with what it found, and a deployment that is not there', () => {
    const filtered = {
      error: {
        code: 'content_filter',
        message: 'The response was filtered',
        innererror: { code: 'ResponsibleAIPolicyViolation', content_filter_result: { hate: { filtered: true } } },
      },
    };
    check([
      ['azure', 400, filtered, 'upstream_content_policy'],
      ['azure', 404, { error: { code: 'DeploymentNotFound', message: 'no' } }, 'upstream_not_found'],
      ['azure', 429, { error: { code: '429', message: 'Please retry after 7 seconds' } }, 'upstream_rate_limited'],
      ['azure', 401, { statusCode: 401, message: 'Unauthorized' }, 'upstream_auth'],
      ['azure', 503, { error: { code: 'ServerBusy', message: 'busy' } }, 'upstream_overloaded'],
    ]);
    expect(errorRow('upstream_content_policy').disclose).toBe(true);
  });

  test('UP-130 every way to say that it is too long is understood, and only larger windows are tried', () => {
    const ways = [
      'context_length_exceeded',
      "This model's maximum context length is 8192 tokens",
      'prompt is too long: 210000 tokens > 200000 maximum',
      'input length and `max_tokens` exceed context limit',
      'Input exceeds the maximum number of tokens',
      'The input token count (1200000) exceeds the maximum',
      'Input is too long for requested model',
      'too many tokens: size limit exceeded',
      'Range of input length should be [1, 30720]',
      'exceeded model token limit: 131072',
      'input token length too long',
      'exceed_context_size_error',
      "The input is longer than the model's context length",
      'Please reduce the length of the messages',
      'inputs tokens + max_new_tokens must be <= 4096',
      'model_context_window_exceeded',
      'tokens_limit_reached',
      'Prompt contains 300000 tokens, too large for model with 262144 maximum context length',
    ];
    for (const message of ways)
      expect([message, read('openai', 400, { error: { message } }).code]).toEqual([
        message,
        'upstream_context_too_long',
      ]);
    expect(errorRow('upstream_context_too_long')).toMatchObject({ status: 400, next: 'larger-window' });
    expect(errorRow('upstream_context_too_long').type).toBe('context_length_exceeded');
  });

  test('UP-131 every way to say when is understood; nonsense is not, and an hour is the most', () => {
    const now = Date.UTC(2026, 9, 1, 12);
    const wait = (headers: Record<string, string>, body = ''): number | undefined =>
      retryAfterMs(new Headers(headers), body, now);
    expect(wait({ 'retry-after-ms': '1500', 'retry-after': '9' })).toBe(1500);
    expect(wait({ 'retry-after': '2' })).toBe(2000);
    expect(wait({ 'retry-after': '0.25' })).toBe(250);
    expect(wait({ 'retry-after': 'Thu, 01 Oct 2026 12:00:30 GMT' })).toBe(30_000);
    expect(wait({}, '{"error":{"details":[{"retryDelay":"36s"}]}}')).toBe(36_000);
    expect(wait({}, 'Please try again in 5.289s.')).toBe(5289);
    expect(wait({}, 'Please retry after 37 seconds')).toBe(37_000);
    expect(wait({ 'x-ratelimit-reset-requests': '6m0s' })).toBe(360_000);
    expect(wait({ 'x-ratelimit-reset-requests': '20ms' })).toBe(20);
    expect(wait({ 'x-ratelimit-reset': String(now / 1000 + 5) })).toBe(5000);
    expect(wait({ 'x-ratelimit-reset': String(now + 7000) })).toBe(7000);
    expect(wait({ 'retry-after': '-5' })).toBeUndefined();
    expect(wait({ 'retry-after': 'soon' })).toBeUndefined();
    expect(wait({ 'retry-after': '999999' })).toBe(3_600_000);
  });

  test('UP-132 our own credentials are never the caller’s fault', () => {
    for (const [status, body] of [
      [401, { error: { message: 'Incorrect API key provided: sk-123' } }],
      [403, { error: { message: 'You have no access' } }],
      [402, { error: { message: 'Insufficient balance' } }],
    ] as const) {
      const { code, message } = read('openai', status, body);
      const row = errorRow(code);
      expect(row.status).toBe(502);
      expect(row.disclose).toBe(false);
      expect(message).not.toContain('sk-123');
    }
  });
});
