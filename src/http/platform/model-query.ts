import { z } from 'zod';
import { type GatewayError, gatewayError } from '../../canon/errors.ts';
import { fail, ok, type Result } from '../../canon/result.ts';
import { unitPrice } from '../../catalogue/rates.ts';
import type { Snapshot } from '../../catalogue/snapshot.ts';
import type { ModelList } from './models.ts';

type Row = ModelList['rows'][number];

const OUTPUT_MODALITIES = ['text', 'image', 'embeddings', 'audio', 'video', 'rerank', 'speech', 'transcription', 'all'];
const SORTS = ['newest', 'pricing-low-to-high', 'pricing-high-to-low', 'context-high-to-low'] as const;

const list = z.string().transform((text) =>
  text
    .split(',')
    .map((item) => item.trim().toLowerCase())
    .filter((item) => item !== ''),
);
const whole = (max: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/, 'must be a whole number')
    .transform(Number)
    .refine((value) => value <= max, `must be at most ${max}`);
const dollars = z
  .string()
  .regex(/^\d+(\.\d+)?$/, 'must be a number')
  .transform(Number);

/** Query parameters of `GET /models` that our data can answer (spec/platform 4.4); others are ignored (PLT-023). */
const query = z.object({
  offset: whole(1_000_000).optional(),
  limit: whole(1000)
    .refine((value) => value >= 1, 'must be at least 1')
    .optional(),
  q: z.string().max(256).optional(),
  supported_parameters: list.optional(),
  input_modalities: list.optional(),
  output_modalities: list
    .refine((items) => items.every((item) => OUTPUT_MODALITIES.includes(item)), 'unknown modality')
    .optional(),
  context: whole(1_000_000_000).optional(),
  min_price: dollars.optional(),
  max_price: dollars.optional(),
  min_output_price: dollars.optional(),
  max_output_price: dollars.optional(),
  arch: z.string().optional(),
  model_authors: list.optional(),
  providers: list.optional(),
  sort: z.enum(SORTS).optional(),
});

export type ModelQuery = z.infer<typeof query>;

export function parseModelQuery(parameters: URLSearchParams): Result<ModelQuery, GatewayError> {
  const parsed = query.safeParse(Object.fromEntries([...parameters].filter(([, value]) => value !== '')));
  if (parsed.success) return ok(parsed.data);
  const issues = parsed.error.issues.map((issue) => ({ path: issue.path.join('.'), message: issue.message }));
  return fail(gatewayError('invalid_request', `${issues[0]?.path}: ${issues[0]?.message}`, { issues }));
}

/** USD per million tokens of the row's own price: a number for comparing, never for billing. */
function perMillion(row: Row, snapshot: Snapshot, unit: 'input' | 'output'): number {
  const prices = row.hosts.map(({ endpoint }) => Number(unitPrice(snapshot.rates(endpoint), unit)) / 1e6);
  return Math.min(...prices);
}

function inRange(value: number, min: number | undefined, max: number | undefined): boolean {
  return (min === undefined || value >= min) && (max === undefined || value <= max);
}

function every(wanted: readonly string[] | undefined, has: readonly string[]): boolean {
  return wanted === undefined || wanted.every((item) => has.includes(item));
}

function matches(row: Row, wish: ModelQuery, snapshot: Snapshot): boolean {
  const { model, hosts, json } = row;
  const outputs = wish.output_modalities ?? ['text'];
  if (!outputs.includes('all') && !outputs.some((modality) => model.outputModalities.includes(modality))) return false;
  const needle = wish.q?.toLowerCase();
  if (needle !== undefined && !model.id.toLowerCase().includes(needle) && !model.name.toLowerCase().includes(needle))
    return false;
  if (!every(wish.input_modalities, model.inputModalities)) return false;
  if (!every(wish.supported_parameters, json.supported_parameters as string[])) return false;
  if (wish.context !== undefined && (Number(json.context_length) || 0) < wish.context) return false;
  if (!inRange(perMillion(row, snapshot, 'input'), wish.min_price, wish.max_price)) return false;
  if (!inRange(perMillion(row, snapshot, 'output'), wish.min_output_price, wish.max_output_price)) return false;
  if (wish.arch !== undefined && model.tokenizer.toLowerCase() !== wish.arch.toLowerCase()) return false;
  if (wish.model_authors && !wish.model_authors.includes(model.lab)) return false;
  return (
    wish.providers === undefined ||
    hosts.some(
      ({ provider }) =>
        wish.providers?.includes(provider.id.toLowerCase()) || wish.providers?.includes(provider.name.toLowerCase()),
    )
  );
}

type Comparison = (a: Row, b: Row, snapshot: Snapshot) => number;
const blended = (row: Row, snapshot: Snapshot): number =>
  0.75 * perMillion(row, snapshot, 'input') + 0.25 * perMillion(row, snapshot, 'output');
const COMPARISONS: { readonly [S in (typeof SORTS)[number]]: Comparison } = {
  newest: (a, b) => b.model.created - a.model.created,
  'pricing-low-to-high': (a, b, snapshot) => blended(a, snapshot) - blended(b, snapshot),
  'pricing-high-to-low': (a, b, snapshot) => blended(b, snapshot) - blended(a, snapshot),
  'context-high-to-low': (a, b) => (Number(b.json.context_length) || 0) - (Number(a.json.context_length) || 0),
};

/** The rows a query asks for, before paging. */
export function selectModels(models: ModelList, wish: ModelQuery, snapshot: Snapshot): readonly Row[] {
  const rows = models.rows.filter((row) => matches(row, wish, snapshot));
  if (!wish.sort) return rows;
  const compare = COMPARISONS[wish.sort];
  return [...rows].sort((a, b) => compare(a, b, snapshot) || (a.model.id < b.model.id ? -1 : 1));
}

/** The address of the next page, with every other parameter kept; null on the last one and when paging was not asked for. */
export function nextLink(parameters: URLSearchParams, wish: ModelQuery, total: number): string | null {
  if (wish.offset === undefined && wish.limit === undefined) return null;
  const limit = wish.limit ?? 500;
  const offset = (wish.offset ?? 0) + limit;
  if (offset >= total) return null;
  const next = new URLSearchParams(parameters);
  next.set('offset', String(offset));
  next.set('limit', String(limit));
  return `/api/v1/models?${next}`;
}
