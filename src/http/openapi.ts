import { z } from 'zod';
import { ERRORS, type ErrorCode, errorRow } from '../canon/errors.ts';
import { type Dialect, framingOf } from '../dialects/dialect.ts';
import { REQUEST_SCHEMAS } from '../dialects/documents.ts';
import { SERVED_OPERATIONS } from '../dialects/operations.ts';
import { SERVED } from '../dialects/registry.ts';
import { WRITABLE } from './platform/presets.ts';

type Json = Record<string, unknown>;

const ok = (description: string, content: Json = { 'application/json': {} }): Json => ({
  '200': { description, content },
});

const failures: Json = Object.fromEntries(
  [...new Set((Object.keys(ERRORS) as ErrorCode[]).map((code) => errorRow(code).status))]
    .filter((status) => status >= 400 && status !== 499)
    .sort((a, b) => a - b)
    .map((status) => [String(status), { $ref: '#/components/responses/Error' }]),
);

const parameter = (name: string, place: 'path' | 'query', required: boolean): Json => ({
  name,
  in: place,
  required,
  schema: { type: 'string' },
});
const slug = [parameter('author', 'path', true), parameter('slug', 'path', true)];
const open = { security: [] };
const presetSlug = parameter('slug', 'path', true);
const page = [parameter('offset', 'query', false), parameter('limit', 'query', false)];

const body = (dialect: Dialect): Json => ({
  required: true,
  content: {
    'application/json': {
      schema: z.toJSONSchema(REQUEST_SCHEMAS[dialect.route] ?? z.unknown(), { io: 'input', unrepresentable: 'any' }),
    },
  },
});

/** Where it is not under the usual bases. */
const at = ({ bases, fromPath }: Dialect): Json => ({
  ...(bases && { servers: bases.map((url) => ({ url: url === '' ? '/' : url })) }),
  ...(fromPath && { parameters: [parameter('model', 'path', true)] }),
});

const countRoute = ({ route, fromPath }: Dialect): string =>
  fromPath ? route.replace(/:\w+$/, ':countTokens') : `${route}/count_tokens`;

/** The routes of one wire format. */
const inference = (dialect: Dialect): Json => ({
  [dialect.route]: {
    ...at(dialect),
    post: {
      summary: `Generate an answer (${dialect.id})`,
      requestBody: body(dialect),
      responses: {
        ...ok('The answer, whole or as a stream', { 'application/json': {}, [framingOf(dialect).contentType]: {} }),
        ...failures,
      },
    },
  },
  ...(dialect.countTokens && {
    [countRoute(dialect)]: {
      ...at(dialect),
      post: {
        summary: 'Estimate the size of a prompt',
        requestBody: body(dialect),
        responses: { ...ok('A count'), ...failures },
      },
    },
  }),
});

const keyHash = [parameter('hash', 'path', true)];
const keyPaths: Json = {
  '/keys': {
    get: {
      summary: 'All inference keys; management keys only, as below',
      parameters: [parameter('include_disabled', 'query', false), parameter('offset', 'query', false)],
      responses: { ...ok('A list of keys'), ...failures },
    },
    post: {
      summary: 'A new key, with a limit where one is given',
      responses: { '201': { description: 'The key and, this once, its text' }, ...failures },
    },
  },
  '/keys/{hash}': {
    get: { summary: 'One key', parameters: keyHash, responses: { ...ok('A key'), ...failures } },
    patch: {
      summary: 'Its name, its limit, or whether it may be used',
      parameters: keyHash,
      responses: { ...ok('The key as it is now'), ...failures },
    },
    delete: { summary: 'Revoke a key', parameters: keyHash, responses: { ...ok('Done'), ...failures } },
  },
};

const presetPaths: Json = {
  '/presets': {
    get: { summary: 'All presets', parameters: page, responses: { ...ok('A list of presets'), ...failures } },
  },
  '/presets/{slug}': {
    get: {
      summary: 'A preset with the version that serves',
      parameters: [presetSlug],
      responses: { ...ok('A preset'), ...failures },
    },
  },
  '/presets/{slug}/versions': {
    get: {
      summary: 'The versions of a preset, oldest first',
      parameters: [presetSlug, ...page],
      responses: { ...ok('A list of versions'), ...failures },
    },
  },
  '/presets/{slug}/versions/{version}': {
    get: {
      summary: 'One version of a preset',
      parameters: [presetSlug, parameter('version', 'path', true)],
      responses: { ...ok('A version'), ...failures },
    },
  },
  ...Object.fromEntries(
    WRITABLE.map((dialect) => [
      `/presets/{slug}${dialect.route}`,
      {
        post: {
          summary: `Keep a request's settings as a preset (${dialect.id})`,
          parameters: [presetSlug],
          requestBody: body(dialect),
          responses: { ...ok('The preset with its new version'), ...failures },
        },
      },
    ]),
  ),
};

const text = { type: 'string' };
const whole = { type: 'integer' };
const optional = (type: Json): Json => ({ oneOf: [type, { type: 'null' }] });
const object = (properties: Json, required: readonly string[] = Object.keys(properties)): Json => ({
  type: 'object',
  required,
  properties,
});
const list = (properties: Json, required?: readonly string[]): Json => ({
  type: 'array',
  items: object(properties, required),
});

/** Which rule refused, what it allows and what there was: also in `metadata` of every refusal of ours. */
const RULE = { rule: text, limit: { type: 'number' }, current: { type: 'number' }, resets_at: optional(text) };

/** docs/explain.md says what each member means. */
const WHY = object({
  data: object(
    {
      id: text,
      created_at: text,
      state: { enum: ['settled', 'voided', 'refused'] },
      seed: whole,
      snapshot: text,
      inputs: object({ prompt_tokens: { type: 'number' }, request: { type: 'object' } }),
      replay: object({ exact: { type: 'boolean' }, note: text }, ['exact']),
      models: list({ requested: text, model: text, error: { type: 'object' } }, ['requested', 'model']),
      candidates: list(
        {
          position: whole,
          endpoint: text,
          provider: text,
          model: text,
          reason: text,
          usd_per_million: { type: 'number' },
          chance: { type: 'number' },
          standing: { type: 'object' },
          left_out: text,
          attempted: { type: 'boolean' },
          won: { type: 'boolean' },
        },
        ['position', 'endpoint', 'provider', 'model', 'reason', 'usd_per_million', 'standing', 'attempted', 'won'],
      ),
      rejected: list({ endpoint: text, provider: text, model: text, rule: text, reason: text }),
      attempts: list({ endpoint: text, provider: text, model: text, status: whole, code: text, latency_ms: whole }, [
        'endpoint',
        'provider',
        'model',
        'status',
        'latency_ms',
      ]),
      winner: optional(object({ endpoint: text, provider: text, model: text })),
      error: optional(object({ code: text, status: whole, message: text, ...RULE }, ['code', 'status'])),
      summary: text,
    },
    ['id', 'created_at', 'state', 'replay', 'attempts', 'winner', 'error', 'summary'],
  ),
});

/** The API as an OpenAPI 3.1 document; the schemas of requests are those that validate them. */
export function openapi(): Json {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Turnpike',
      version: '1',
      description: 'One API in front of every provider, wire-compatible with OpenRouter.',
    },
    servers: [{ url: '/api/v1' }, { url: '/v1' }],
    security: [{ key: [] }],
    paths: {
      ...Object.assign({}, ...[...SERVED, ...SERVED_OPERATIONS].map(inference)),
      '/models': {
        get: {
          summary: 'Models that can be routed now',
          ...open,
          responses: { ...ok('A list of models'), ...failures },
        },
      },
      '/embeddings/models': {
        get: {
          summary: 'Embedding models that can be routed now',
          ...open,
          responses: { ...ok('A list of models'), ...failures },
        },
      },
      '/models/count': {
        get: { summary: 'How many models can be routed now', ...open, responses: { ...ok('A count'), ...failures } },
      },
      '/model/{author}/{slug}': {
        get: { summary: 'One model', ...open, parameters: slug, responses: { ...ok('A model'), ...failures } },
      },
      '/models/{author}/{slug}/endpoints': {
        get: {
          summary: 'The hosts of a model',
          ...open,
          parameters: slug,
          responses: { ...ok('A model with its endpoints'), ...failures },
        },
      },
      '/providers': {
        get: {
          summary: 'All providers of the catalogue',
          ...open,
          responses: { ...ok('A list of providers'), ...failures },
        },
      },
      '/key': { get: { summary: 'The key in use', responses: { ...ok('The key with its usage'), ...failures } } },
      ...keyPaths,
      ...presetPaths,
      '/credits': { get: { summary: 'Credit granted and used', responses: { ...ok('Totals in USD'), ...failures } } },
      '/requests/{id}/why': {
        get: {
          summary: 'Why a request went where it went: candidates with reasons, rejections with rules, attempts',
          parameters: [parameter('id', 'path', true)],
          responses: { ...ok('The explanation', { 'application/json': { schema: WHY } }), ...failures },
        },
      },
      '/generation': {
        get: {
          summary: 'The record of one generation',
          parameters: [parameter('id', 'query', true)],
          responses: { ...ok('The record with its receipt'), ...failures },
        },
      },
    },
    components: {
      securitySchemes: { key: { type: 'http', scheme: 'bearer' } },
      responses: {
        Error: {
          description: 'An error',
          content: {
            'application/json': {
              schema: {
                type: 'object',
                required: ['error'],
                properties: {
                  error: {
                    type: 'object',
                    required: ['code', 'message'],
                    properties: {
                      code: { type: 'integer' },
                      message: { type: 'string' },
                      metadata: object({ error_type: text, ...RULE }, []),
                      availability: { type: 'object' },
                    },
                  },
                },
              },
            },
          },
        },
      },
    },
  };
}
