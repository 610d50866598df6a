import { z } from 'zod';
import { PREFERENCES, QUANTIZATIONS } from '../canon/preferences.ts';
import { QUIRK_IDS, type Quirk } from '../canon/target.ts';
import { TIERS } from '../canon/tiers.ts';
import { parseUnitPrice, parseUsd } from '../money/money.ts';
import { LIMITS, type LimitId } from './limits.ts';

/** turnpike.yaml (docs/turnpike.schema.json is made from this). Unknown keys are errors; numbers may come from interpolated strings. */

const numeric = (
  check: z.ZodNumber,
): z.ZodUnion<[z.ZodNumber, z.ZodPipe<z.ZodString, z.ZodTransform<number, string>>]> =>
  z.union([check, z.string().regex(/^\d+$/, 'must be a whole number').transform(Number)]);

const port = numeric(z.int().min(0).max(65_535));
const milliseconds = numeric(z.int().min(1).max(86_400_000));
const text = z.string().min(1);

const httpUrl = z.string().refine((value) => {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  return (
    url !== undefined &&
    (url.protocol === 'http:' || url.protocol === 'https:') &&
    url.username === '' &&
    [...url.searchParams.keys()].every((name) => /(^|-)version$/.test(name))
  );
}, 'must be an http(s) URL without credentials; its query may name a version and nothing else');

const headerName = z.string().regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/, 'must be a header name');
const headerValue = z.string().regex(/^[\t\x20-\x7e\x80-\xff]*$/, 'must be a header value on one line');

const price = z.string().refine((value) => {
  const pico = parseUnitPrice(value);
  return value === '-1' || (pico !== undefined && pico >= 0n);
}, 'must be USD per unit as a decimal string, e.g. "0.00000015", or "-1" where it is not known');

const PRICES = {
  prompt: price.optional(),
  completion: price.optional(),
  request: price.optional(),
  image: price.optional(),
  image_token: price.optional(),
  image_output: price.optional(),
  audio: price.optional(),
  audio_output: price.optional(),
  audio_second: price.optional(),
  page: price.optional(),
  input_audio_cache: price.optional(),
  input_cache_read: price.optional(),
  input_cache_write: price.optional(),
  input_cache_write_1h: price.optional(),
  internal_reasoning: price.optional(),
  web_search: price.optional(),
};

const clock = z
  .union([
    z.int(),
    z
      .string()
      .regex(/^\d{1,4}$/)
      .transform(Number),
  ])
  .pipe(z.int().min(0).max(2400));

/** OpenRouter's pricing object, as it stands in its list of models. */
const pricing = z.strictObject({
  ...PRICES,
  discount: z.number().max(1).optional(),
  overrides: z
    .array(
      z.strictObject({
        ...PRICES,
        min_prompt_tokens: numeric(z.int().min(0)).optional(),
        utc_start: clock.optional(),
        utc_end: clock.optional(),
        utc_days: z.array(z.int().min(1).max(7)).optional(),
        utc_except: z.array(z.iso.date()).optional(),
        service_tier: text.optional(),
      }),
    )
    .optional(),
});

const endpoint = z.strictObject({
  model: z.string().regex(/^[^/\s]+\/[^/\s]+$/, 'must be author/slug'),
  name: text.optional(),
  upstream_model: text,
  /** Region or kind, where the provider has the model several times; its tag is then `provider/flavour`. */
  flavour: z
    .string()
    .regex(/^[a-z0-9][a-z0-9._-]*$/, 'must be lower case letters, digits and hyphens')
    .refine((flavour) => !(TIERS as readonly string[]).includes(flavour), 'is the name of a tier of service')
    .optional(),
  context_length: numeric(z.int().min(1)).optional(),
  max_completion_tokens: numeric(z.int().min(1)).optional(),
  quantization: z.enum(QUANTIZATIONS).optional(),
  pricing: pricing.optional(),
  supported_parameters: z.array(text).optional(),
  /** What a model that the catalogue does not know gives; text where nothing is said. */
  output_modalities: z
    .array(z.enum(['text', 'image', 'audio', 'embeddings', 'rerank']))
    .min(1)
    .optional(),
});

const taken = z
  .string()
  .regex(/^(none|data|address|\^.+)$/, 'must be none, data, address or a pattern that begins with ^');

const provider = z.strictObject({
  name: text.optional(),
  dialect: text.optional(),
  base_url: httpUrl.optional(),
  api_key: text.optional(),
  auth: z.union([z.literal('bearer'), z.strictObject({ header: headerName })]).optional(),
  headers: z.record(headerName, headerValue).optional(),
  quirks: z.array(z.enum(QUIRK_IDS as unknown as [Quirk, ...Quirk[]])).optional(),
  cancellation: z.boolean().optional(),
  /** How each kind of media reaches it; what it does not fetch itself is fetched for it. */
  media: z
    .strictObject({
      image: taken.optional(),
      file: taken.optional(),
      audio: taken.optional(),
      video: taken.optional(),
    })
    .optional(),
  /** What you have agreed with it, or know of it, beyond what its pages say. */
  data_policy: z
    .strictObject({
      trains_on_prompts: z.boolean().optional(),
      /** True: keeps nothing of what your account sends. */
      zero_retention: z.boolean().optional(),
      regions: z.array(z.string().regex(/^[a-z0-9][a-z0-9._-]*$/, 'must be a slug of a-z, 0-9, ., _ and -')).optional(),
      /** It runs on a machine of yours: nothing leaves it. */
      own_machine: z.boolean().optional(),
    })
    .optional(),
  endpoints: z.array(endpoint).optional(),
});

const ownModel = z.strictObject({
  /** Neither listed nor routed. */
  hidden: z.boolean().optional(),
  /** Neither listed nor routed from 13:00 UTC of this day on. */
  expiration_date: z.iso.date().optional(),
  /** The slug that callers are told to use instead. */
  successor: text.optional(),
  /** Whether other models may be trained on its text. */
  distillable: z.boolean().optional(),
});

const slug = z.string().regex(/^[a-z0-9][a-z0-9._-]*$/, 'must be a slug of a-z, 0-9, ., _ and -');

const dollars = z.union([z.number().nonnegative(), z.string()]).transform((value, context) => {
  const amount = parseUsd(String(value));
  if (amount === undefined || amount < 0n) {
    context.addIssue('must be an amount in USD');
    return z.NEVER;
  }
  return amount;
});

const limits = z.strictObject(
  Object.fromEntries(
    Object.keys(LIMITS).map((id) => [
      id,
      id === 'attempts_max'
        ? numeric(z.int().min(1).max(20)).optional()
        : id.endsWith('_bytes_max')
          ? numeric(z.int().min(1024)).optional()
          : /_ms(_max)?$/.test(id)
            ? milliseconds.optional()
            : numeric(z.int().min(1).max(1_000_000)).optional(),
    ]),
  ) as Record<LimitId, z.ZodOptional<typeof milliseconds>>,
);

export const configFile = z.strictObject({
  server: z
    .strictObject({
      host: text.optional(),
      port: port.optional(),
      body_bytes_max: numeric(
        z
          .int()
          .min(1024)
          .max(1 << 30),
      ).optional(),
    })
    .optional(),
  default_model: text.optional(),
  credits: z
    .strictObject({
      mode: z.enum(['prepaid', 'unlimited']).optional(),
      initial_usd: dollars.optional(),
      /** The most that all requests in flight may cost together. */
      in_flight_usd: dollars.optional(),
    })
    .optional(),
  /** How often `:free` models may be asked by all keys together; as often as anybody likes where this is absent. */
  free_models: z
    .strictObject({
      per_minute: numeric(z.int().min(1)).optional(),
      per_day: numeric(z.int().min(1)).optional(),
      /** A day's limit once ten dollars were ever paid in. */
      per_day_paid: numeric(z.int().min(1)).optional(),
    })
    .optional(),
  providers: z.record(slug, provider).optional(),
  limits: limits.optional(),
  /** Origins of your own whose pictures and documents may be fetched although they are inside, e.g. `http://files:9000`. */
  media: z.strictObject({ origins: z.array(httpUrl).optional() }).optional(),
  /** How prompts are measured before a host has counted them: at once by an estimate, or by a tokenizer in a thread of its own. */
  tokens: z.strictObject({ counter: z.enum(['heuristic', 'exact']).optional() }).optional(),
  /** What every request's routing must keep to; a request may narrow it and never loosens it. */
  routing: z
    .strictObject({
      seed: numeric(z.int().min(0)).optional(),
      /** The only hosts there are. */
      only: PREFERENCES.only.schema.optional(),
      /** Hosts that are never used. */
      ignore: PREFERENCES.ignore.schema.optional(),
      /** Only hosts that keep nothing. */
      zdr: z.boolean().optional(),
      /** `deny`: only hosts that do not train on what they are sent. */
      data_collection: PREFERENCES.data_collection.schema.optional(),
      /** Only hosts that promise to stay within these regions, e.g. eu. */
      data_regions: z.array(slug).min(1).optional(),
      /** How hosts are sorted where a request does not say; without it they are drawn by price. */
      sort: z.enum(['price', 'throughput', 'latency', 'exacto']).optional(),
    })
    .optional(),
  /** What you say of models, over every source: by slug. */
  models: z.record(z.string().regex(/^[^/\s]+\/[^/\s]+$/, 'must be author/slug'), ownModel).optional(),
  /** What one session of a caller's may do at most (docs/extras.md). */
  brakes: z
    .strictObject({
      usd: dollars.optional(),
      seconds: numeric(z.int().min(1)).optional(),
      /** How often the same tool may be called with the same arguments. */
      repeats: numeric(z.int().min(1)).optional(),
    })
    .optional(),
  /** A second host is asked where the first takes longer than it usually does to begin (docs/extras.md). */
  hedging: z
    .strictObject({
      /** For every stream that does not say otherwise. */
      enabled: z.boolean().optional(),
      /** After how long, where the first host has not been measured; without it such a host is waited for. */
      after_ms: milliseconds.optional(),
      /** Of a hundred requests for how many at most; 5 where nothing is said. */
      percent_max: z.number().min(0).max(100).optional(),
      /** The most that the attempt which is given up can cost; one cent where nothing is said. */
      added_usd_max: dollars.optional(),
    })
    .optional(),
  /** Another host goes on where a stream breaks off, for every request that does not say otherwise (docs/extras.md). */
  resume: z.boolean().optional(),
  local: z
    .strictObject({
      discover: z.union([z.boolean(), z.array(slug)]).optional(),
      servers: z.record(slug, httpUrl).optional(),
      every_ms: numeric(z.int().min(100).max(86_400_000)).optional(),
    })
    .optional(),
  sandbox: z
    .strictObject({ ports: z.record(slug, port).optional(), faults: z.array(z.unknown()).optional() })
    .optional(),
});

export type ConfigFile = z.infer<typeof configFile>;
export type ProviderConfig = z.infer<typeof provider>;
export type PricingConfig = z.infer<typeof pricing>;
export type ModelConfig = z.infer<typeof ownModel>;
export type EndpointConfig = z.infer<typeof endpoint>;
