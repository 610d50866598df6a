import { z } from 'zod';
import { pluginsSchema } from '../../canon/plugins.ts';
import { preferencesSchema } from '../../canon/preferences.ts';
import { EFFORTS } from '../../canon/request.ts';
import { cacheBreakpoint, cacheControl, modelSlug, modelSlugs, sessionId } from '../ingress.ts';

/**
 * The request body of `POST /responses` (spec/inference 6.1): strict about the fields we read, tolerant of all others. `null` means
 * absent.
 */

const inputText = z.object({
  type: z.enum(['input_text', 'text']),
  text: z.string(),
  prompt_cache_breakpoint: cacheBreakpoint,
});
const inputImage = z.object({
  type: z.literal('input_image'),
  image_url: z.string().min(1),
  detail: z.enum(['auto', 'low', 'high', 'original']).nullish(),
});
const inputFile = z.object({
  type: z.literal('input_file'),
  filename: z.string().nullish(),
  file_data: z.string().nullish(),
  file_url: z.string().nullish(),
  file_id: z.string().nullish(),
});
const inputAudio = z.object({
  type: z.literal('input_audio'),
  input_audio: z.object({ data: z.string().min(1), format: z.string().min(1).max(16) }),
});
const inputVideo = z.object({ type: z.literal('input_video'), video_url: z.string().min(1) });
const outputText = z.looseObject({ type: z.literal('output_text'), text: z.string() });
const refusal = z.object({ type: z.literal('refusal'), refusal: z.string() });
const part = z.discriminatedUnion('type', [
  inputText,
  inputImage,
  inputFile,
  inputAudio,
  inputVideo,
  outputText,
  refusal,
]);
export type PartWire = z.infer<typeof part>;

const content = z.union([z.string(), z.array(part)], { error: 'must be a string or an array of content parts' });
const messageItem = z.object({
  type: z.literal('message').nullish(),
  role: z.enum(['user', 'system', 'developer', 'assistant']),
  content,
});
const callItem = z.object({
  type: z.literal('function_call'),
  call_id: z.string().min(1),
  name: z.string().min(1),
  arguments: z.string(),
});
const outputItem = z.object({
  type: z.literal('function_call_output'),
  call_id: z.string().min(1),
  output: z.union([z.string(), z.array(part)]),
});
const customCallItem = z.object({
  type: z.literal('custom_tool_call'),
  call_id: z.string().min(1),
  name: z.string().min(1),
  input: z.string(),
});
const customOutputItem = z.object({
  type: z.literal('custom_tool_call_output'),
  call_id: z.string().min(1),
  output: z.union([z.string(), z.array(part)]),
});
const reasoningItem = z.looseObject({
  type: z.literal('reasoning'),
  id: z.string().nullish(),
  summary: z.array(z.looseObject({ text: z.string() })).nullish(),
  content: z.array(z.looseObject({ text: z.string() })).nullish(),
  encrypted_content: z.string().nullish(),
  signature: z.string().nullish(),
  format: z.string().nullish(),
});
/** Items of tools that run at the provider, and kinds still to be invented: they are left out, not refused (spec/inference 6.1). */
const otherItem = z.looseObject({
  type: z
    .string()
    .refine((type) => !KNOWN_ITEMS.has(type), 'is not complete')
    .refine((type) => type !== 'item_reference', 'cannot be resolved: nothing is stored here'),
});
const KNOWN_ITEMS: ReadonlySet<string> = new Set([
  'message',
  'function_call',
  'function_call_output',
  'custom_tool_call',
  'custom_tool_call_output',
  'reasoning',
]);
const item = z.union([messageItem, callItem, outputItem, customCallItem, customOutputItem, reasoningItem, otherItem]);
export type ItemWire = z.infer<typeof item>;
export type MessageItem = z.infer<typeof messageItem>;
export type ReasoningItem = z.infer<typeof reasoningItem>;

const functionTool = z.object({
  type: z.literal('function'),
  name: z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/, 'must be 1 to 64 of a-z, A-Z, 0-9, _ and -'),
  description: z.string().nullish(),
  parameters: z.record(z.string(), z.unknown()).nullish(),
  strict: z.boolean().nullish(),
});
const otherTool = z.looseObject({
  type: z.string().refine((type) => type !== 'function', 'a function tool needs a name'),
});
export type ToolWire = z.infer<typeof functionTool> | z.infer<typeof otherTool>;

const format = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text') }),
  z.object({ type: z.literal('json_object') }),
  z.object({
    type: z.literal('json_schema'),
    name: z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/, 'must be 1 to 64 of a-z, A-Z, 0-9, _ and -'),
    schema: z.record(z.string(), z.unknown()),
    description: z.string().nullish(),
    strict: z.boolean().nullish(),
  }),
]);
export type FormatWire = z.infer<typeof format>;

const toolChoice = z.union([
  z.enum(['none', 'auto', 'required']),
  z.object({ type: z.literal('function'), name: z.string().min(1) }),
  z.object({
    type: z.literal('allowed_tools'),
    mode: z.enum(['auto', 'required']),
    tools: z.array(z.looseObject({ type: z.string(), name: z.string().nullish() })).min(1),
  }),
  z.looseObject({ type: z.enum(['web_search_preview', 'web_search_preview_2025_03_11', 'apply_patch', 'shell']) }),
]);
export type ToolChoiceWire = z.infer<typeof toolChoice>;

const penalty = z.number().min(-2).max(2).nullish();
const absent = (what: string): z.ZodType<null | undefined> =>
  z.null(`${what} is not available: nothing is stored here`).optional();

export const responsesRequest = z.looseObject({
  model: modelSlug.nullish(),
  models: modelSlugs.nullish(),
  input: z.union([z.string().min(1), z.array(item).min(1, 'must hold at least one item').max(5000)]),
  instructions: z.string().nullish(),
  stream: z.boolean().nullish(),
  max_output_tokens: z.int().min(1).nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().gt(0).max(1).nullish(),
  top_k: z.int().min(0).nullish(),
  top_logprobs: z.int().min(0).max(20).nullish(),
  frequency_penalty: penalty,
  presence_penalty: penalty,
  text: z
    .looseObject({ format: format.nullish(), verbosity: z.enum(['low', 'medium', 'high', 'xhigh', 'max']).nullish() })
    .nullish(),
  reasoning: z
    .looseObject({
      effort: z.enum(EFFORTS).nullish(),
      summary: z.enum(['auto', 'concise', 'detailed']).nullish(),
      max_tokens: z.int().min(0).nullish(),
      enabled: z.boolean().nullish(),
      mode: z.enum(['standard', 'pro']).nullish(),
    })
    .nullish(),
  tools: z
    .array(z.union([functionTool, otherTool]))
    .max(512)
    .nullish(),
  tool_choice: toolChoice.nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  include: z.array(z.string()).nullish(),
  store: z.literal(false, 'must be false: nothing is stored here').nullish(),
  previous_response_id: absent('previous_response_id'),
  prompt: absent('prompt'),
  background: z.literal(false, 'must be false').nullish(),
  truncation: z.enum(['auto', 'disabled']).nullish(),
  modalities: z.array(z.enum(['text', 'image'])).nullish(),
  metadata: z.record(z.string().max(64), z.string().max(512)).nullish(),
  cache_control: cacheControl,
  prompt_cache_key: z.string().max(512).nullish(),
  service_tier: z.string().max(64).nullish(),
  session_id: sessionId.nullish(),
  user: z.string().max(256, 'may have 256 characters').nullish(),
  image_config: z.record(z.string(), z.unknown()).nullish(),
  debug: z.looseObject({ echo_upstream_body: z.boolean().nullish() }).nullish(),
  safety_identifier: z.string().max(256, 'may have 256 characters').nullish(),
  provider: preferencesSchema.nullish(),
  plugins: pluginsSchema.nullish(),
  route: z.enum(['fallback', 'sort']).nullish(),
  stream_options: z.looseObject({}).nullish(),
});
export type ResponsesRequestWire = z.infer<typeof responsesRequest>;

/** The fields above: whatever else stands at the top level is an extra. */
export const KNOWN_FIELDS: ReadonlySet<string> = new Set(Object.keys(responsesRequest.shape));
