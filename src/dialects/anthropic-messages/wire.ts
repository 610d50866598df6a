import { z } from 'zod';
import { pluginsSchema } from '../../canon/plugins.ts';
import { preferencesSchema } from '../../canon/preferences.ts';
import { cacheControl, modelSlug, modelSlugs, sessionId } from '../ingress.ts';

/**
 * The request body of `POST /messages` (spec/inference 7.1): strict about the fields we read, tolerant of all others. `null` means
 * absent.
 */

const textBlock = z.object({ type: z.literal('text'), text: z.string(), cache_control: cacheControl });
const imageBlock = z.object({
  type: z.literal('image'),
  source: z.discriminatedUnion('type', [
    z.object({
      type: z.literal('base64'),
      media_type: z.enum(['image/jpeg', 'image/png', 'image/gif', 'image/webp']),
      data: z.string().min(1),
    }),
    z.object({ type: z.literal('url'), url: z.string().min(1) }),
  ]),
  cache_control: cacheControl,
});
const documentBlock = z.object({
  type: z.literal('document'),
  source: z.discriminatedUnion('type', [
    z.object({ type: z.literal('base64'), media_type: z.literal('application/pdf'), data: z.string().min(1) }),
    z.object({ type: z.literal('text'), media_type: z.literal('text/plain'), data: z.string() }),
    z.object({ type: z.literal('url'), url: z.string().min(1) }),
    z.object({ type: z.literal('file'), file_id: z.string().min(1) }),
  ]),
  title: z.string().nullish(),
  context: z.string().nullish(),
  cache_control: cacheControl,
});
const toolResultBlock = z.object({
  type: z.literal('tool_result'),
  tool_use_id: z.string().min(1),
  content: z
    .union([z.string(), z.array(z.discriminatedUnion('type', [textBlock, imageBlock, documentBlock]))])
    .nullish(),
  is_error: z.boolean().nullish(),
  cache_control: cacheControl,
});
const toolUseBlock = z.object({
  type: z.literal('tool_use'),
  id: z.string().min(1),
  name: z.string().min(1),
  input: z.record(z.string(), z.unknown()).nullish(),
  cache_control: cacheControl,
});
const thinkingBlock = z.object({
  type: z.literal('thinking'),
  thinking: z.string(),
  signature: z.string().nullish(),
});
const redactedBlock = z.object({ type: z.literal('redacted_thinking'), data: z.string() });

/** What ran at a gateway or at the maker: read, and told to no host. */
const foreignBlock = z.looseObject({
  type: z.literal([
    'openrouter_shell_tool_result',
    'openrouter_bash_tool_result',
    'server_tool_use',
    'web_search_tool_result',
    'web_fetch_tool_result',
    'code_execution_tool_result',
    'bash_code_execution_tool_result',
    'text_editor_code_execution_tool_result',
    'advisor_tool_result',
    'mcp_tool_use',
    'mcp_tool_result',
    'container_upload',
    'search_result',
    'compaction',
  ]),
});
type ForeignBlock = z.infer<typeof foreignBlock>;

const userBlock = z.discriminatedUnion('type', [textBlock, imageBlock, documentBlock, toolResultBlock, foreignBlock]);
export type UserBlock = Exclude<z.infer<typeof userBlock>, ForeignBlock>;
const assistantBlock = z.discriminatedUnion('type', [
  textBlock,
  toolUseBlock,
  thinkingBlock,
  redactedBlock,
  foreignBlock,
]);
const FOREIGN: ReadonlySet<string> = new Set(foreignBlock.shape.type.values);
export type AssistantBlock = Exclude<z.infer<typeof assistantBlock>, ForeignBlock>;

const blocks = <T extends z.ZodType>(block: T): z.ZodUnion<[z.ZodString, z.ZodArray<T>]> =>
  z.union([z.string(), z.array(block)], { error: 'must be a string or an array of content blocks' });

const message = z.discriminatedUnion('role', [
  z.object({ role: z.literal('user'), content: blocks(userBlock) }),
  z.object({ role: z.literal('assistant'), content: blocks(assistantBlock) }),
  z.object({ role: z.literal('system'), content: blocks(textBlock) }),
]);
type AnyMessage = z.infer<typeof message>;
export type MessageWire =
  | { readonly role: 'user'; readonly content: string | readonly UserBlock[] }
  | { readonly role: 'assistant'; readonly content: string | readonly AssistantBlock[] }
  | Extract<AnyMessage, { role: 'system' }>;

/** The messages without what ran elsewhere, and where that stood; a message that held nothing else is none. */
export function ownMessages(wires: readonly AnyMessage[]): {
  readonly messages: readonly MessageWire[];
  readonly unread: readonly string[];
} {
  const unread: string[] = [];
  const messages = wires.flatMap((wire, index): MessageWire[] => {
    if (typeof wire.content === 'string') return [wire as MessageWire];
    const content = wire.content.filter(({ type }, at) => {
      if (FOREIGN.has(type)) unread.push(`/messages/${index}/content/${at}`);
      return !FOREIGN.has(type);
    });
    if (content.length === wire.content.length) return [wire as MessageWire];
    return content.length === 0 ? [] : [{ ...wire, content } as MessageWire];
  });
  return { messages, unread };
}

const customTool = z.object({
  type: z.literal('custom').nullish(),
  name: z.string().regex(/^[a-zA-Z0-9_-]{1,128}$/, 'must be 1 to 128 of a-z, A-Z, 0-9, _ and -'),
  description: z.string().nullish(),
  input_schema: z.record(z.string(), z.unknown()),
  strict: z.boolean().nullish(),
  cache_control: cacheControl,
});
const serverTool = z.looseObject({
  type: z.string().refine((type) => type !== 'custom', 'a custom tool needs a name and an `input_schema`'),
  name: z.string().nullish(),
});
export type ToolWire = z.infer<typeof customTool> | z.infer<typeof serverTool>;

const display = z.enum(['summarized', 'omitted']).nullish();
const thinking = z.discriminatedUnion('type', [
  z.object({ type: z.literal('enabled'), budget_tokens: z.int().min(1024), display }),
  z.object({ type: z.literal('adaptive'), display }),
  z.object({ type: z.literal('disabled') }),
]);
export type ThinkingWire = z.infer<typeof thinking>;

const parallel = z.boolean().nullish();
const toolChoice = z.discriminatedUnion('type', [
  z.object({ type: z.literal('auto'), disable_parallel_tool_use: parallel }),
  z.object({ type: z.literal('any'), disable_parallel_tool_use: parallel }),
  z.object({ type: z.literal('none') }),
  z.object({ type: z.literal('tool'), name: z.string().min(1), disable_parallel_tool_use: parallel }),
]);

export const messagesRequest = z.looseObject({
  model: modelSlug.nullish(),
  models: modelSlugs.nullish(),
  fallbacks: z
    .array(z.strictObject({ model: modelSlug }))
    .max(3, 'may name 3 models')
    .nullish(),
  messages: z.array(message).min(1, 'must hold at least one message').max(5000),
  system: z.union([z.string(), z.array(textBlock)]).nullish(),
  max_tokens: z.int().min(1).nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().gt(0).max(1).nullish(),
  top_k: z.int().min(0).nullish(),
  stop_sequences: z.array(z.string()).nullish(),
  stream: z.boolean().nullish(),
  metadata: z.looseObject({ user_id: z.string().max(256).nullish() }).nullish(),
  thinking: thinking.nullish(),
  tools: z
    .array(z.union([customTool, serverTool]))
    .max(512)
    .nullish(),
  tool_choice: toolChoice.nullish(),
  output_config: z
    .looseObject({
      effort: z.enum(['low', 'medium', 'high', 'xhigh', 'max']).nullish(),
      format: z.object({ type: z.literal('json_schema'), schema: z.record(z.string(), z.unknown()) }).nullish(),
    })
    .nullish(),
  cache_control: cacheControl,
  service_tier: z.string().max(64).nullish(),
  provider: preferencesSchema.nullish(),
  plugins: pluginsSchema.nullish(),
  route: z.enum(['fallback', 'sort']).nullish(),
  session_id: sessionId.nullish(),
  user: z.string().max(256).nullish(),
});
export type MessagesRequestWire = z.infer<typeof messagesRequest>;

/** The fields above: whatever else stands at the top level is an extra. */
export const KNOWN_FIELDS: ReadonlySet<string> = new Set(Object.keys(messagesRequest.shape));
