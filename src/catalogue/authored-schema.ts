import { z } from 'zod';
import { ERRORS, type ErrorCode } from '../canon/errors.ts';
import { PARAMETERS } from '../canon/parameters.ts';
import { QUANTIZATIONS } from '../canon/preferences.ts';
import { EFFORTS } from '../canon/request.ts';
import { QUIRK_IDS, TRAIT_IDS } from '../canon/target.ts';
import { UNIT_IDS } from '../canon/units.ts';
import { policyForm } from './data-policy.ts';
import { normalAmount } from './decimal-text.ts';
import { parseCondition } from './price-conditions.ts';
import { day, dayOrMonth, link, slug, text } from './schema-parts.ts';
import { type ConflictClass, type Endpoint, RATE_HEADERS, STATES, type State } from './types.ts';

/** The forms of the authored files. An unknown key is an error: a figure under a mistyped name would be lost without a sound. */

const count = z.int().positive();
const amount = z
  .string('must be a decimal string, so that no float ever holds a price')
  .refine((value) => normalAmount(value) !== undefined, 'is no amount in USD per million units')
  .transform((value) => normalAmount(value) ?? value);
const prices = z.partialRecord(z.enum(UNIT_IDS), amount);
const state = z.enum(Object.keys(STATES) as [State, ...State[]]);
const words = z.record(text, text);
const efforts = z.array(z.enum(EFFORTS));
const parameters = z.array(z.enum(PARAMETERS));

const CONFLICTS = [
  'alias_moved',
  'snapshot_lost',
  'region_or_tier',
  'time_window',
  'currency',
  'unit',
  'route_price_moved',
  'stale',
  'wrong_identity',
  'decimal_vs_binary',
  'scope_model_vs_host',
  'typo',
  'unknown',
] as const satisfies readonly ConflictClass[];

const DELIVERIES = [
  'serverless',
  'dedicated',
  'gpu_hour',
  'plan',
  'local',
] as const satisfies readonly Endpoint['delivery'][];

const INPUTS = ['text', 'image', 'file', 'audio', 'video'] as const;
const OUTPUTS = ['text', 'image', 'embeddings', 'audio', 'video', 'rerank', 'speech', 'transcription'] as const;

export const FEATURES = ['tools', 'structured_outputs', 'reasoning', 'temperature'] as const;
export type Feature = (typeof FEATURES)[number];

/** Whose word the file is, and of which day. */
const origin = { source: slug, checked: day };

/** One further word on one field, of another source or another day than the file. */
const observe = z.array(
  z.strictObject({
    field: text,
    value: z.union([text, z.number(), z.boolean(), z.array(text)]).optional(),
    state: state.optional(),
    source: slug.optional(),
    checked: day.optional(),
    note: text.optional(),
    conflict: z.enum(CONFLICTS).optional(),
  }),
);

/** One day for all sources, and a table for each. */
export const sourcesFile = z.looseObject({ checked: day });

export const sourceTable = z.strictObject({
  name: text,
  url: text,
  licence: text,
  kind: z.enum([
    'provider_api',
    'provider_docs',
    'price_page',
    'model_card',
    'open_dataset',
    'gateway_measured',
    'manual',
  ]),
  rank: z.literal([1, 2, 3, 4, 5]),
  lineage: z.array(slug).default([]),
  checked: day.optional(),
  undated: day.optional(),
  asserted: day.optional(),
  repeated: z.boolean().default(false),
});

export const labFile = z.strictObject({
  ...origin,
  name: text,
  url: link.optional(),
  country: z
    .string()
    .regex(/^[A-Z]{2}$/)
    .optional(),
  synonyms: z.array(slug).default([]),
  stems: z.record(slug, text).default({}),
  observe: observe.default([]),
});

/** An address in which `{NAME}` stands for what each installation fills in. */
const baseAddress = text.refine(
  (value) => URL.canParse(value.replaceAll(/\{[A-Z0-9_]+\}/g, 'x')) && /^https?:/.test(value),
  'is no address',
);

const UPSTREAM_ERRORS = (Object.keys(ERRORS) as ErrorCode[]).filter((code) => code.startsWith('upstream_'));

const pattern = text.refine((value) => {
  try {
    return Boolean(new RegExp(value, 'i'));
  } catch {
    return false;
  }
}, 'is no pattern');

const auth = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('bearer') }),
  z.strictObject({ kind: z.literal('header'), name: text, prefix: text.optional() }),
  z.strictObject({ kind: z.literal('aws'), service: slug }),
  z.strictObject({ kind: z.literal('google'), name: text }),
  z
    .strictObject({
      kind: z.literal('client'),
      name: text,
      token_url: baseAddress,
      client_id: text,
      client_secret: text,
      scope: text,
    })
    .transform(({ token_url: tokenUrl, client_id: clientId, client_secret: clientSecret, ...own }) => ({
      ...own,
      tokenUrl,
      clientId,
      clientSecret,
    })),
  z.strictObject({ kind: z.literal('none') }),
]);

/** `none`, `data`, `address`, or a pattern of the addresses it fetches itself. */
const taken = z.union([z.enum(['none', 'data', 'address']), pattern.startsWith('^')]).optional();
const mediaSchema = z.strictObject({ image: taken, file: taken, audio: taken, video: taken });

const providerRow = z.strictObject({
  ...origin,
  name: text,
  kind: z.enum(['lab', 'cloud', 'inference', 'aggregator', 'plan', 'local']),
  operated_by: slug.optional(),
  about: text,
  dialect: slug,
  base: baseAddress.optional(),
  auth,
  key_env: z.array(z.string().regex(/^[A-Z0-9_]+$/)).default([]),
  quirks: z.array(z.enum(QUIRK_IDS)).default([]),
  extra_fields: z.union([z.literal('all'), z.array(text)]).default([]),
  headers: z.record(text, text).default({}),
  temperature_max: z.number().positive().optional(),
  list_models: z.string().startsWith('/').optional(),
  discovery: z
    .strictObject({
      owner: text.optional(),
      details: z
        .strictObject({ path: z.string().startsWith('/'), per: z.enum(['model', 'server', 'list']) })
        .optional(),
      context_max: count.optional(),
    })
    .optional(),
  rate_headers: z.enum(RATE_HEADERS).optional(),
  images_max: count.optional(),
  image_bytes_max: count.optional(),
  body_bytes_max: count.optional(),
  tools_max: count.optional(),
  messages_max: count.optional(),
  efforts: efforts.optional(),
  efforts_known: efforts.optional(),
  stops_max: z.int().nonnegative().optional(),
  top_logprobs_max: count.optional(),
  service_tiers: words.optional(),
  user_field: text.optional(),
  errors: z
    .array(
      z.strictObject({
        status: z.array(z.int()).optional(),
        code: pattern.optional(),
        text: pattern.optional(),
        means: z.enum(UPSTREAM_ERRORS as [ErrorCode, ...ErrorCode[]]),
      }),
    )
    .optional(),
  media: mediaSchema.optional(),
  image_types: z.array(z.string().startsWith('image/')).optional(),
  cancellation: z.boolean().optional(),
  parameters: z.strictObject({ add: parameters.default([]), remove: parameters.default([]) }).optional(),
  policy: policyForm.optional(),
  zero_price: state.optional(),
  /** Price conditions that hold for all its models, or for those that are named, after those of the models themselves. */
  price_conditions: z
    .array(
      z.strictObject({
        models: z.array(text).optional(),
        line: text.refine((line) => parseCondition(line) !== undefined, 'is no price condition'),
      }),
    )
    .default([]),
  /** Days on which windows of the day hold, for lists that print hours and no days. */
  price_days: z
    .strictObject({
      models: z.array(text),
      days: z.array(z.int().min(1).max(7)),
      except: z.array(day).default([]),
    })
    .optional(),
  canonical_ids: z.boolean().default(false),
  site: link.optional(),
  docs: link.optional(),
  price_page: link.optional(),
  status_page: link.optional(),
  privacy_policy: link.optional(),
  terms_of_service: link.optional(),
  headquarters: z
    .string()
    .regex(/^[A-Z]{2}$/)
    .optional(),
  genai_prices: z
    .strictObject({
      id: text,
      only: z.array(text).optional(),
      not: z.array(text).optional(),
      strip: text.optional(),
      append: text.optional(),
    })
    .optional(),
  observe: observe.default([]),
});

export const providerFile = providerRow
  .refine(({ kind, policy }) => policy?.source !== 'own-machine' || kind === 'local', {
    path: ['policy', 'source'],
    message: 'is no own machine: the pages that say so are missing',
  })
  .refine(({ kind, policy }) => policy === undefined || kind !== 'aggregator' || policy.passes_on, {
    path: ['policy', 'passes_on'],
    message: 'must be true of a router: its hosts have policies of their own',
  });

export const modelFile = z.strictObject({
  ...origin,
  name: text,
  family: text.optional(),
  released: dayOrMonth.optional(),
  listed: day.optional(),
  cutoff: text.optional(),
  context: count.optional(),
  max_output: count.optional(),
  input: z.array(z.enum(INPUTS)).optional(),
  output: z.array(z.enum(OUTPUTS)).optional(),
  features: z.array(z.enum(FEATURES)).optional(),
  efforts: efforts.optional(),
  default_effort: z.enum(EFFORTS).optional(),
  reasoning_mandatory: z.boolean().optional(),
  open_weights: z.boolean().optional(),
  /** Whether its maker lets other models be trained on its text. */
  distillable: z.boolean().optional(),
  /** The day on which its maker ends it, and the model that takes its place. */
  ends: day.optional(),
  successor: text.optional(),
  licence: text.optional(),
  weights: z.array(link).optional(),
  parameters: text.optional(),
  active_parameters: text.optional(),
  architecture: text.optional(),
  aliases: z.array(text).default([]),
  /** The model that this one is a faster twin of: who asks that one for the priority tier gets this one. */
  fast_of: text.optional(),
  about: text.refine((value) => value.split(/\s+/).length <= 60, 'has more than 60 words').optional(),
  observe: observe.default([]),
});

const tiers = z.array(z.strictObject({ above: count, price: prices })).default([]);

export const endpointFile = z.strictObject({
  ...origin,
  upstream: text,
  other_ids: z.array(text).optional(),
  rolling: z.strictObject({ target: text, since: day }).optional(),
  delivery: z.enum(DELIVERIES).optional(),
  context: count.optional(),
  max_output: count.optional(),
  price: prices.optional(),
  batch: prices.optional(),
  tiers,
  price_state: state.optional(),
  parameters: parameters.optional(),
  efforts: efforts.optional(),
  quantization: z.enum(QUANTIZATIONS).optional(),
  retired: z.boolean().optional(),
  observe: observe.default([]),
});

export const listingFile = z.strictObject({
  ...origin,
  rows: z.array(
    z.strictObject({
      id: text,
      model: text.optional(),
      name: text.optional(),
      price: prices.optional(),
      tiers,
      context: count.optional(),
      max_output: count.optional(),
      retired: z.boolean().optional(),
    }),
  ),
});

export const aliasFile = z.strictObject({
  ...origin,
  period: z.array(
    z.strictObject({ provider: slug, alias: text, model: text, from: day, to: day.optional(), evidence: text }),
  ),
});

export const decisionFile = z.strictObject({
  ...origin,
  decision: z.array(
    z
      .strictObject({ provider: slug, id: text, model: text.optional(), reject: text.optional() })
      .refine(
        ({ model, reject }) => (model === undefined) !== (reject === undefined),
        'names either a model or a reason to reject',
      ),
  ),
});

export const sandboxFile = z.strictObject({
  ...origin,
  id_prefix: text,
  comment: text.optional(),
  latency_ms: z.int().nonnegative(),
  pieces_per_second: count,
});

export const traitFile = z.strictObject({
  ...origin,
  rule: z.array(
    z.strictObject({
      models: pattern,
      providers: z.array(slug).min(1).optional(),
      traits: z.array(z.enum(TRAIT_IDS)).default([]),
      adds: parameters.default([]),
      refuses: parameters.default([]),
      unthinking: parameters.optional(),
      quirks: z
        .strictObject({ add: z.array(z.enum(QUIRK_IDS)).default([]), remove: z.array(z.enum(QUIRK_IDS)).default([]) })
        .optional(),
      efforts: efforts.optional(),
      effort_words: words.optional(),
      service_tiers: words.optional(),
      token_factor: z.number().min(0.5).max(3).optional(),
    }),
  ),
});

export type LabFile = z.infer<typeof labFile>;
export type ProviderFile = z.infer<typeof providerFile>;
export type ModelFile = z.infer<typeof modelFile>;
export type EndpointFile = z.infer<typeof endpointFile>;
export type ListingFile = z.infer<typeof listingFile>;
export type ObserveEntry = z.infer<typeof observe>[number];
