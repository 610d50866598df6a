import { z } from 'zod';

/**
 * A caller's wishes on routing: OpenRouter's `provider` object (spec/inference 5.3), one row a member. The schema parses the wire,
 * the sentence is for the reference; the rule that carries a wish out stands in router/rules.ts.
 */

const slugs = z.array(z.string().min(1).max(256)).max(100);
/** A ceiling in USD: per million for prompt and completion, per unit for the others. */
const ceiling = z.union([z.number().nonnegative(), z.string().regex(/^\d+(\.\d+)?([eE][+-]?\d+)?$/)]);

export const QUANTIZATIONS = [
  'int4',
  'int8',
  'fp4',
  'mxfp4',
  'nvfp4',
  'fp6',
  'fp8',
  'mxfp8',
  'fp16',
  'bf16',
  'fp32',
  'unknown',
] as const;

/** A number means the median; of an object all members must hold (spec/inference 5.3). */
const cutoff = z.number().nonnegative();
const threshold = z.union([
  cutoff,
  z.object({ p50: cutoff.nullish(), p75: cutoff.nullish(), p90: cutoff.nullish(), p99: cutoff.nullish() }),
]);

export const PREFERENCES = {
  order: {
    schema: slugs,
    says: 'Try these hosts first, in this order; then the others, unless `allow_fallbacks` is false.',
  },
  only: { schema: slugs, says: 'Use none but these hosts.' },
  ignore: { schema: slugs, says: 'Never use these hosts.' },
  allow_fallbacks: {
    schema: z.boolean(),
    says: 'False: with `order` only the listed hosts, otherwise only the first choice.',
  },
  require_parameters: {
    schema: z.boolean(),
    says: 'Leave out hosts that do not support every parameter of the request.',
  },
  require_exact: {
    schema: z.boolean(),
    says: 'Leave out hosts that cannot be told every part of the request; refuse it where none is left.',
  },
  sort: {
    schema: z.union([
      z.enum(['price', 'throughput', 'latency', 'exacto']),
      z.object({
        by: z.enum(['price', 'throughput', 'latency', 'exacto']).nullish(),
        partition: z.enum(['model', 'none']).nullish(),
      }),
    ]),
    says: 'Take hosts strictly by this figure instead of by the price-weighted draw.',
  },
  data_collection: {
    schema: z.enum(['allow', 'deny']),
    says: '`deny`: leave out hosts that train on what they are sent, or of which that is not known.',
  },
  zdr: {
    schema: z.boolean(),
    says: 'True: leave out hosts that keep what they are sent, or of which that is not known.',
  },
  enforce_distillable_text: {
    schema: z.boolean(),
    says: 'True: only models of which a source says that other models may be trained on their text.',
  },
  quantizations: {
    schema: z.array(z.enum(QUANTIZATIONS)).max(100),
    says: 'Leave out hosts that run the model at another precision; `fp4` and `fp8` mean their relatives too.',
  },
  preferred_min_throughput: {
    schema: threshold,
    says: 'Hosts that write more slowly go behind the others: output tokens a second, as the median or by percentile.',
  },
  preferred_max_latency: {
    schema: threshold,
    says: 'Hosts that take longer to begin go behind the others: seconds, as the median or by percentile.',
  },
  max_price: {
    schema: z.object({
      prompt: ceiling.nullish(),
      completion: ceiling.nullish(),
      request: ceiling.nullish(),
      image: ceiling.nullish(),
      audio: ceiling.nullish(),
    }),
    says: 'Leave out hosts above these prices: USD per million tokens for prompt and completion, USD per unit otherwise.',
  },
} as const;

export type PreferenceId = keyof typeof PREFERENCES;

type Wish<Id extends PreferenceId> = z.infer<(typeof PREFERENCES)[Id]['schema']>;

/** Every member may be absent; on the wire `null` means absent too. */
export type Preferences = { readonly [Id in PreferenceId]?: Readonly<Wish<Id>> };

export const NO_PREFERENCES: Preferences = {};

/**
 * What the old `route` field said of several models: `sort` mixes their hosts, `fallback` keeps them apart. What `provider.sort` says
 * itself goes before it.
 */
export function withRoute(preferences: Preferences, route: 'fallback' | 'sort' | null | undefined): Preferences {
  if (route === null || route === undefined) return preferences;
  const { sort } = preferences;
  const own = typeof sort === 'object' ? sort : { by: sort };
  if (own.partition !== null && own.partition !== undefined) return preferences;
  return { ...preferences, sort: { ...own, partition: route === 'sort' ? 'none' : 'model' } };
}

const shape = Object.fromEntries(
  Object.entries(PREFERENCES).map(([id, row]) => [id, row.schema.nullish()]),
) as unknown as { [Id in PreferenceId]: z.ZodOptional<z.ZodNullable<(typeof PREFERENCES)[Id]['schema']>> };

/** The wire form of `provider`. Members we do not know yet are let through: within v1 additions are always allowed. */
export const preferencesSchema = z.looseObject(shape).transform((wire): Preferences => {
  const known: Record<string, unknown> = {};
  for (const id of Object.keys(PREFERENCES)) {
    const value = wire[id];
    if (value !== null && value !== undefined) known[id] = value;
  }
  return known as Preferences;
});
