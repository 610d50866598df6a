import { z } from 'zod';
import { pluginsSchema } from '../../canon/plugins.ts';
import { preferencesSchema } from '../../canon/preferences.ts';
import { modelSlug, modelSlugs, sessionId } from '../ingress.ts';

/**
 * The request bodies of `/api/chat` and `/api/generate` (spec/providers B.8): strict about the fields we read, tolerant of all others.
 * `null` means absent.
 */

const jsonObject = z.record(z.string(), z.unknown());

const toolCall = z.looseObject({
  id: z.string().nullish(),
  function: z.looseObject({ name: z.string().min(1), arguments: jsonObject.nullish() }),
});

const message = z.looseObject({
  role: z.enum(['system', 'user', 'assistant', 'tool']),
  content: z.string().nullish(),
  thinking: z.string().nullish(),
  images: z.array(z.string().min(1)).nullish(),
  tool_calls: z.array(toolCall).nullish(),
  tool_name: z.string().nullish(),
  tool_call_id: z.string().nullish(),
});
export type MessageWire = z.infer<typeof message>;

const tool = z.looseObject({
  type: z.literal('function').nullish(),
  function: z.looseObject({
    name: z.string().min(1).max(64),
    description: z.string().nullish(),
    parameters: jsonObject.nullish(),
  }),
});

const options = z.looseObject({
  num_predict: z.int().nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_k: z.number().min(0).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  min_p: z.number().min(0).max(1).nullish(),
  repeat_penalty: z.number().min(0).max(2).nullish(),
  presence_penalty: z.number().min(-2).max(2).nullish(),
  frequency_penalty: z.number().min(-2).max(2).nullish(),
  seed: z.int().nullish(),
  stop: z.array(z.string()).max(4, 'at most 4 sequences').nullish(),
});
export type OptionsWire = z.infer<typeof options>;

const shared = z.object({
  model: modelSlug.nullish(),
  models: modelSlugs.nullish(),
  /** Unlike every other wire, this one streams unless told not to. */
  stream: z.boolean().nullish(),
  format: z.union([z.literal('json'), z.literal(''), jsonObject]).nullish(),
  options: options.nullish(),
  think: z.union([z.boolean(), z.enum(['low', 'medium', 'high', 'max'])]).nullish(),
  logprobs: z.boolean().nullish(),
  top_logprobs: z.int().min(0).max(20).nullish(),
  provider: preferencesSchema.nullish(),
  plugins: pluginsSchema.nullish(),
  session_id: sessionId.nullish(),
});
/** What both routes take. */
export type CommonWire = z.infer<typeof shared>;

export const ollamaChatRequest = z.looseObject({
  ...shared.shape,
  messages: z.array(message).min(1, 'must hold at least one message').max(5000),
  tools: z.array(tool).max(512).nullish(),
});
export type OllamaChatWire = z.infer<typeof ollamaChatRequest>;

export const ollamaGenerateRequest = z.looseObject({
  ...shared.shape,
  prompt: z.string(),
  suffix: z.string().nullish(),
  system: z.string().nullish(),
  images: z.array(z.string().min(1)).nullish(),
});

/** The fields above: whatever else stands at the top level is an extra. */
export const KNOWN_FIELDS: ReadonlySet<string> = new Set([
  ...Object.keys(ollamaChatRequest.shape),
  ...Object.keys(ollamaGenerateRequest.shape),
]);

/** The fields of `options` that are read. */
export const KNOWN_OPTIONS: ReadonlySet<string> = new Set(Object.keys(options.shape));
