import { z } from 'zod';

/**
 * What a caller may switch on beside the model: OpenRouter's `plugins` (spec/inference 1.6), one row a plugin. The schema parses the
 * options, the sentence is for the reference; the work is done in plugins/ and, for routers, in router/.
 */

const globs = z.array(z.string().min(1).max(1024)).max(1024);
/** Of both lists together. */
const GLOB_CHARACTERS_MAX = 65_536;

const autoRouter = z
  .object({
    allowed_models: globs.nullish(),
    excluded_models: globs.nullish(),
    cost_tier: z.enum(['low', 'medium', 'high', 'xhigh', 'max']).nullish(),
    /** Older; loses to `cost_tier`. */
    cost_quality_tradeoff: z.int().min(0).max(10).nullish(),
    pin_model: z.boolean().nullish(),
  })
  .refine(
    ({ allowed_models, excluded_models }) =>
      [...(allowed_models ?? []), ...(excluded_models ?? [])].reduce((sum, glob) => sum + glob.length, 0) <=
      GLOB_CHARACTERS_MAX,
    `patterns may have ${GLOB_CHARACTERS_MAX} characters together`,
  );

export const PLUGINS = {
  'response-healing': {
    schema: z.object({}),
    says: 'Mend JSON that a model wrote badly, where the answer was asked for as JSON and does not stream.',
  },
  'context-compression': {
    schema: z.object({ engine: z.enum(['middle-out']).nullish() }),
    says: 'Shorten a conversation in its middle until it fits the model.',
  },
  'auto-router': { schema: autoRouter, says: 'How `openrouter/auto` chooses a model.' },
  'auto-beta-router': { schema: autoRouter, says: 'How `openrouter/auto-beta` chooses a model.' },
  'pareto-router': {
    schema: z.object({
      min_coding_score: z.number().min(0).max(1).nullish(),
      /** USD per million tokens of input. */
      max_price: z.number().nonnegative().nullish(),
      price_source: z.enum(['prompt', 'weighted_avg']).nullish(),
    }),
    says: 'How `openrouter/pareto-code` chooses a model.',
  },
} as const;

type PluginId = keyof typeof PLUGINS;

type Options<Id extends PluginId> = {
  readonly [K in keyof z.infer<(typeof PLUGINS)[Id]['schema']>]?: NonNullable<
    Readonly<z.infer<(typeof PLUGINS)[Id]['schema']>>[K]
  >;
};

/** By plugin: its options where it is on, false where the caller switched it off, absent where nothing was said. */
export type Plugins = { readonly [Id in PluginId]?: Options<Id> | false };

/** Plugins of the protocol that this gateway does not run. Leaving one out silently would change the answer. */
const ABSENT: ReadonlySet<string> = new Set(['web', 'web-fetch', 'file-parser', 'fusion', 'moderation']);

const isPlugin = (id: string): id is PluginId => Object.hasOwn(PLUGINS, id);

/** Members that are null say nothing. */
const said = (options: object): object =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value != null));

/**
 * The wire form of `plugins`. Members of an entry that we do not know are let through, ids are not: what is asked for and not done would
 * be missed. Of two entries of one plugin the last one counts, because a plugin runs once.
 */
export const pluginsSchema = z
  .array(z.looseObject({ id: z.string(), enabled: z.boolean().nullish() }))
  .transform((entries, context): Plugins => {
    const plugins: Record<string, object | false> = {};
    for (const [index, entry] of entries.entries()) {
      const refuse = (path: readonly PropertyKey[], message: string): void =>
        void context.addIssue({ code: 'custom', path: [index, ...path], message });
      const { id, enabled } = entry;
      if (!isPlugin(id)) {
        if (!ABSENT.has(id)) refuse(['id'], `${id} is not a plugin`);
        else if (enabled !== false) refuse(['id'], `${id} is not available on this gateway`);
      } else if (enabled === false) plugins[id] = false;
      else {
        const options = PLUGINS[id].schema.safeParse(entry);
        if (options.success) plugins[id] = said(options.data);
        else for (const issue of options.error.issues) refuse(issue.path, issue.message);
      }
    }
    return plugins;
  });

/** The older word for one plugin: `["middle-out"]` switches compression on, an empty list switches it off. */
export const transformsSchema = z
  .array(z.enum(['middle-out']))
  .transform((names): Plugins => ({ 'context-compression': names.length > 0 ? {} : false }));
