import { z } from 'zod';
import { pluginsSchema, transformsSchema } from '../../canon/plugins.ts';
import { preferencesSchema } from '../../canon/preferences.ts';
import { EFFORTS } from '../../canon/request.ts';
import { cacheBreakpoint, cacheControl, modelSlug, modelSlugs, sessionId } from '../ingress.ts';

/**
 * The request body of `POST /chat/completions` (spec/inference 1): strict about the fields we read, tolerant of all others.
 * `null` means absent, because every SDK writes it for options that were not set.
 */

const marks = { cache_control: cacheControl, prompt_cache_breakpoint: cacheBreakpoint };
const textPart = z.object({ type: z.literal('text'), text: z.string(), ...marks });
const imagePart = z.object({
  type: z.literal('image_url'),
  image_url: z.union([
    z.string().min(1),
    z.object({ url: z.string().min(1), detail: z.enum(['auto', 'low', 'high', 'original']).nullish() }),
  ]),
  ...marks,
});
const audioPart = z.object({
  type: z.literal('input_audio'),
  input_audio: z.object({
    data: z.string().refine((data) => !/^(https?:|data:)/i.test(data), 'must be base64, not a URL'),
    format: z.string().min(1).max(16),
  }),
});
const videoUrl = z.object({ url: z.string().min(1) });
const videoPart = z.object({ type: z.literal('video_url'), video_url: videoUrl });
const legacyVideoPart = z.object({ type: z.literal('input_video'), video_url: videoUrl });
const filePart = z.object({
  type: z.literal('file'),
  file: z.object({ filename: z.string().nullish(), file_data: z.string().nullish(), file_id: z.string().nullish() }),
  ...marks,
});
const refusalPart = z.object({ type: z.literal('refusal'), refusal: z.string() });

const part = z.discriminatedUnion('type', [
  textPart,
  imagePart,
  audioPart,
  videoPart,
  legacyVideoPart,
  filePart,
  refusalPart,
]);
export type PartWire = z.infer<typeof part>;

const content = z.union([z.string(), z.array(part)], { error: 'must be a string or an array of content parts' });

const toolCall = z.object({
  id: z.string(),
  type: z.literal('function').nullish(),
  function: z.object({ name: z.string(), arguments: z.string() }),
});

/** Entries are kept as they came: they must return to their maker unmodified. */
const reasoningDetail = z.looseObject({ type: z.string() });

const systemMessage = z.object({
  role: z.enum(['system', 'developer']),
  content,
  name: z.string().nullish(),
  cache_control: cacheControl,
});
const userMessage = z.object({
  role: z.literal('user'),
  content,
  name: z.string().nullish(),
  cache_control: cacheControl,
});
const assistantMessage = z.object({
  role: z.literal('assistant'),
  content: content.nullish(),
  tool_calls: z.array(toolCall).nullish(),
  refusal: z.string().nullish(),
  reasoning: z.string().nullish(),
  reasoning_content: z.string().nullish(),
  reasoning_details: z.array(reasoningDetail).nullish(),
  /** Which model said it, for routers that are to stay with it. */
  model: z.string().max(512).nullish(),
  name: z.string().nullish(),
  cache_control: cacheControl,
});
const toolMessage = z.object({
  role: z.literal('tool'),
  content,
  tool_call_id: z.string().min(1),
  name: z.string().nullish(),
  cache_control: cacheControl,
});

const message = z.discriminatedUnion('role', [systemMessage, userMessage, assistantMessage, toolMessage]);
export type MessageWire = z.infer<typeof message>;

const functionName = z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/, 'must be 1 to 64 of a-z, A-Z, 0-9, _ and -');
const jsonObject = z.record(z.string(), z.unknown());

const functionTool = z.object({
  type: z.literal('function'),
  function: z.object({
    name: functionName,
    description: z.string().nullish(),
    parameters: jsonObject.nullish(),
    strict: z.boolean().nullish(),
  }),
  cache_control: cacheControl,
});
const serverTool = z.looseObject({
  type: z.string().refine((type) => type !== 'function', 'a function tool needs a `function` object'),
});
const tool = z.union([functionTool, serverTool]);
export type ToolWire = z.infer<typeof tool>;

const toolChoice = z.union([
  z.enum(['none', 'auto', 'required']),
  z.object({ type: z.literal('function'), function: z.object({ name: z.string().min(1) }) }),
  z.object({
    type: z.literal('allowed_tools'),
    allowed_tools: z.object({
      mode: z.enum(['auto', 'required']),
      tools: z.array(z.looseObject({ function: z.looseObject({ name: z.string() }).nullish() })).min(1),
    }),
  }),
]);

const responseFormat = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text') }),
  z.object({ type: z.literal('json_object') }),
  z.object({
    type: z.literal('json_schema'),
    json_schema: z.object({
      name: functionName,
      description: z.string().nullish(),
      schema: jsonObject.nullish(),
      strict: z.boolean().nullish(),
    }),
  }),
  z.object({ type: z.literal('grammar'), grammar: z.string() }),
  z.object({ type: z.literal('python') }),
]);
export type ResponseFormatWire = z.infer<typeof responseFormat>;

const effort = z.enum(EFFORTS);
const penalty = z.number().min(-2).max(2).nullish();
const share = z.number().min(0).max(1).nullish();
const positive = z.int().min(1).nullish();

const reasoning = z.object({
  effort: effort.nullish(),
  max_tokens: z.int().min(0).nullish(),
  exclude: z.boolean().nullish(),
  enabled: z.boolean().nullish(),
  summary: z.enum(['auto', 'concise', 'detailed']).nullish(),
  mode: z.enum(['standard', 'pro']).nullish(),
});
export type ReasoningWire = z.infer<typeof reasoning>;

const metadata = z
  .record(
    z
      .string()
      .max(64, 'keys may have 64 characters')
      .regex(/^[^[\]]*$/, 'keys may not contain brackets'),
    z.string().max(512, 'values may have 512 characters'),
  )
  .refine((pairs) => Object.keys(pairs).length <= 16, 'at most 16 pairs');

export const chatRequest = z.looseObject({
  model: modelSlug.nullish(),
  models: modelSlugs.nullish(),
  route: z.enum(['fallback', 'sort']).nullish(),
  provider: preferencesSchema.nullish(),
  messages: z.array(message).min(1, 'must hold at least one message').max(5000),
  plugins: pluginsSchema.nullish(),
  transforms: transformsSchema.nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
  usage: z.looseObject({}).nullish(),
  max_completion_tokens: positive,
  max_tokens: positive,
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().gt(0).max(1).nullish(),
  top_k: z.int().min(0).nullish(),
  min_p: share,
  top_a: share,
  frequency_penalty: penalty,
  presence_penalty: penalty,
  repetition_penalty: z.number().gt(0).max(2).nullish(),
  seed: z.int().nullish(),
  logit_bias: z.record(z.string(), z.number().min(-100).max(100)).nullish(),
  logprobs: z.boolean().nullish(),
  top_logprobs: z.int().min(0).max(20).nullish(),
  stop: z.union([z.string(), z.array(z.string()).max(4, 'at most 4 sequences')]).nullish(),
  prediction: z
    .object({
      type: z.literal('content'),
      content: z.union([z.string(), z.array(z.object({ type: z.literal('text'), text: z.string() }))]),
    })
    .nullish(),
  response_format: responseFormat.nullish(),
  structured_outputs: z.boolean().nullish(),
  verbosity: z.enum(['low', 'medium', 'high', 'xhigh', 'max']).nullish(),
  tools: z.array(tool).max(512).nullish(),
  tool_choice: toolChoice.nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  n: z.int().min(1).max(1, 'one choice per request').nullish(),
  reasoning: reasoning.nullish(),
  reasoning_effort: effort.nullish(),
  include_reasoning: z.boolean().nullish(),
  include: z.array(z.string()).nullish(),
  modalities: z.array(z.enum(['text', 'image', 'audio'])).nullish(),
  cache_control: cacheControl,
  prompt_cache_key: z.string().max(512).nullish(),
  service_tier: z.string().max(64).nullish(),
  session_id: sessionId.nullish(),
  user: z.string().max(1024).nullish(),
  safety_identifier: z.string().max(256, 'may have 256 characters').nullish(),
  image_config: jsonObject.nullish(),
  metadata: metadata.nullish(),
  debug: z.looseObject({ echo_upstream_body: z.boolean().nullish() }).nullish(),
});
export type ChatRequestWire = z.infer<typeof chatRequest>;

const byFields = new Map<string, typeof chatRequest>();
const BY_FIELDS_MAX = 256;

/**
 * The same schema without the optional fields this body does not have: a client sends five of forty, and looking at each absent one costs
 * more than everything else. Clients have few habits, so the schemas are kept; whoever exceeds that gets the whole one.
 */
export function requestSchema(body: unknown): typeof chatRequest {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return chatRequest;
  let fields = '';
  for (const key in body) if (KNOWN_FIELDS.has(key)) fields += `${key},`;
  let schema = byFields.get(fields);
  if (schema || byFields.size >= BY_FIELDS_MAX) return schema ?? chatRequest;
  const mask = Object.fromEntries(['messages', ...fields.split(',').slice(0, -1)].map((key) => [key, true]));
  schema = chatRequest.pick(mask as { messages: true }) as unknown as typeof chatRequest;
  byFields.set(fields, schema);
  return schema;
}

/** The fields above: whatever else stands at the top level is an extra. */
export const KNOWN_FIELDS: ReadonlySet<string> = new Set(Object.keys(chatRequest.shape));
