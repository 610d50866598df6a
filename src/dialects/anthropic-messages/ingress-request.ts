import type { GatewayError } from '../../canon/errors.ts';
import { NO_PREFERENCES, withRoute } from '../../canon/preferences.ts';
import type {
  AssistantMessage,
  CacheMark,
  GenerationRequest,
  Message,
  Part,
  ReasoningDetail,
  ReasoningWish,
  Tool,
  ToolCall,
  ToolChoice,
} from '../../canon/request.ts';
import { fail, ok, type Result } from '../../canon/result.ts';
import type { Target } from '../../canon/target.ts';
import { invalid, invalidIssues, present, unknownFields } from '../ingress.ts';
import { DIALECT_ID, FORMAT } from './id.ts';
import { nativeTool } from './native-tools.ts';
import { unsealed } from './sealed.ts';
import {
  type AssistantBlock,
  KNOWN_FIELDS,
  type MessagesRequestWire,
  type MessageWire,
  messagesRequest,
  ownMessages,
  type ThinkingWire,
  type ToolWire,
  type UserBlock,
} from './wire.ts';

const cacheMark = (wire: { ttl?: '5m' | '1h' | null | undefined } | null | undefined): { cache?: CacheMark } =>
  wire ? { cache: present({ ttl: wire.ttl }) } : {};

type PartBlock = Exclude<UserBlock, { type: 'tool_result' }>;

/** A document of plain text is text; its title and context stand before it. */
function documentParts(wire: Extract<PartBlock, { type: 'document' }>): readonly Part[] {
  const { source, title, context } = wire;
  const before: Part[] = context ? [{ kind: 'text', text: context }] : [];
  const mark = cacheMark(wire.cache_control);
  if (source.type === 'text')
    return [...before, { kind: 'text', text: title ? `${title}\n\n${source.data}` : source.data, ...mark }];
  const content =
    source.type === 'file'
      ? { fileId: source.file_id }
      : { data: source.type === 'url' ? source.url : `data:${source.media_type};base64,${source.data}` };
  return [...before, { kind: 'file', ...present({ filename: title }), ...content, ...mark }];
}

function readPart(wire: PartBlock): readonly Part[] {
  if (wire.type === 'text') return [{ kind: 'text', text: wire.text, ...cacheMark(wire.cache_control) }];
  if (wire.type === 'document') return documentParts(wire);
  const { source } = wire;
  const url = source.type === 'url' ? source.url : `data:${source.media_type};base64,${source.data}`;
  return [{ kind: 'image', url, ...cacheMark(wire.cache_control) }];
}

const partsOf = (content: string | readonly PartBlock[] | null | undefined): readonly Part[] =>
  typeof content === 'string' ? [{ kind: 'text', text: content }] : (content ?? []).flatMap(readPart);

/** A mark on the result itself holds for all of it, so it stands on its last part. */
function marked(parts: readonly Part[], mark: { cache?: CacheMark }): readonly Part[] {
  const last = parts.at(-1);
  if (!mark.cache || !last || last.kind === 'refusal' || last.kind === 'audio' || last.kind === 'video') return parts;
  return [...parts.slice(0, -1), { ...last, ...mark }];
}

/** Results of tools are turns of their own, before anything else of the user's turn. */
function userMessages(content: string | readonly UserBlock[]): readonly Message[] {
  if (typeof content === 'string') return [{ role: 'user', parts: partsOf(content) }];
  const messages: Message[] = [];
  const parts: Part[] = [];
  for (const block of content) {
    if (block.type !== 'tool_result') parts.push(...readPart(block));
    else
      messages.push({
        role: 'tool',
        callId: block.tool_use_id,
        parts: marked(partsOf(block.content), cacheMark(block.cache_control)),
        ...(block.is_error && { isError: true }),
      });
  }
  if (parts.length > 0 || messages.length === 0) messages.push({ role: 'user', parts });
  return messages;
}

/** An empty signature is what we give thoughts of makers that do not sign: plain text, to be shown to nobody (spec/inference 7.2). */
function thought(block: Extract<AssistantBlock, { type: 'thinking' }>, index: number): ReasoningDetail {
  const signature = block.signature ? block.signature : undefined;
  const format = signature === undefined ? 'unknown' : FORMAT;
  const own = { type: 'reasoning.text', text: block.thinking, ...(signature !== undefined && { signature }) };
  return {
    kind: 'reasoning.text',
    format,
    text: block.thinking,
    ...(signature !== undefined && { signature }),
    raw: { ...own, format, index },
  };
}

function assistantMessage(content: string | readonly AssistantBlock[]): AssistantMessage {
  if (typeof content === 'string') return { role: 'assistant', parts: partsOf(content), toolCalls: [] };
  const parts: Part[] = [];
  const toolCalls: ToolCall[] = [];
  const details: ReasoningDetail[] = [];
  const texts: string[] = [];
  for (const block of content) {
    if (block.type === 'text') parts.push(...readPart(block));
    else if (block.type === 'tool_use')
      toolCalls.push({
        id: block.id,
        name: block.name,
        arguments: JSON.stringify(block.input ?? {}),
        ...cacheMark(block.cache_control),
      });
    else if (block.type === 'redacted_thinking') details.push(unsealed(block.data, details.length));
    else {
      details.push(thought(block, details.length));
      texts.push(block.thinking);
    }
  }
  return {
    role: 'assistant',
    parts,
    toolCalls,
    ...(details.length > 0 && { reasoning: { ...(texts.length > 0 && { text: texts.join('') }), details } }),
  };
}

function readMessage(wire: MessageWire): readonly Message[] {
  if (wire.role === 'user') return userMessages(wire.content);
  return wire.role === 'assistant'
    ? [assistantMessage(wire.content)]
    : [{ role: 'system', parts: partsOf(wire.content) }];
}

function readTools(wires: readonly ToolWire[]): Result<readonly Tool[], GatewayError> {
  const tools: Tool[] = [];
  for (const [index, wire] of wires.entries()) {
    const native = wire.type == null ? undefined : nativeTool({ ...wire, type: wire.type }, DIALECT_ID);
    if (native) {
      tools.push({ ...native, ...cacheMark(wire.cache_control as { ttl?: '5m' } | undefined) });
      continue;
    }
    if (!('input_schema' in wire) || (wire.type != null && wire.type !== 'custom'))
      return fail(invalid(`tools.${index}.type`, `server tool ${String(wire.type)} is not available on this gateway`));
    const { name, description, input_schema, strict, cache_control } = wire as Extract<ToolWire, { name: string }> & {
      input_schema: Record<string, unknown>;
    };
    tools.push({
      name,
      parameters: input_schema,
      ...present({ description, strict: strict as boolean | null | undefined }),
      ...cacheMark(cache_control as { ttl?: '5m' } | undefined),
    } as Tool);
  }
  return ok(tools);
}

function readToolChoice(wire: NonNullable<MessagesRequestWire['tool_choice']>): ToolChoice {
  if (wire.type === 'tool') return { kind: 'named', name: wire.name };
  return { kind: wire.type === 'any' ? 'required' : wire.type };
}

type Effort = NonNullable<NonNullable<MessagesRequestWire['output_config']>['effort']>;

/** `thinking` says whether and how much, `output_config.effort` how hard where that is left open (spec/inference 7.1). */
function readThinking(wire: ThinkingWire, effort: Effort | undefined): ReasoningWish {
  if (wire.type === 'disabled') return { enabled: false, exclude: false };
  const exclude = wire.display === 'omitted';
  if (wire.type === 'enabled') return { budgetTokens: wire.budget_tokens, exclude };
  return { enabled: true, exclude, ...(effort !== undefined && { effort }) };
}

const OUTPUT_FIELDS: ReadonlySet<string> = new Set(['effort', 'format']);

/** Members of an object that nothing here reads. */
const unknownIn = (
  object: Readonly<Record<string, unknown>> | null | undefined,
  known: ReadonlySet<string>,
  pointer: string,
): readonly string[] => Object.keys(object ?? {}).flatMap((name) => (known.has(name) ? [] : [`${pointer}/${name}`]));

function fallbacksOf(wire: MessagesRequestWire): Result<readonly string[], GatewayError> {
  if (wire.fallbacks == null) return ok(wire.models ?? []);
  if (wire.models != null) return fail(invalid('fallbacks', 'give fallbacks or models, not both'));
  return ok(wire.fallbacks.map(({ model }) => model));
}

const speedOf = (speed: unknown): GenerationRequest['speed'] =>
  speed === 'fast' || speed === 'standard' ? speed : undefined;

/**
 * @param target given where the sandbox plays a provider, which is stricter than we are
 * @returns the request, or `invalid_request` with every issue's path
 */
export function decodeRequest(body: unknown, target?: Target): Result<GenerationRequest, GatewayError> {
  const parsed = messagesRequest.safeParse(body);
  if (!parsed.success) return fail(invalidIssues(parsed.error));
  const wire = parsed.data;
  if (target && wire.max_tokens == null) return fail(invalid('max_tokens', 'Field required'));
  const tools = readTools(wire.tools ?? []);
  if (!tools.ok) return tools;
  const own = ownMessages(wire.messages);
  if (own.messages.length === 0) return fail(invalid('messages', 'must hold at least one message'));
  const unread = [...own.unread, ...unknownIn(wire.output_config, OUTPUT_FIELDS, '/output_config')];
  const fallbacks = fallbacksOf(wire);
  if (!fallbacks.ok) return fallbacks;
  const system: Message[] =
    wire.system == null || wire.system === '' ? [] : [{ role: 'system', parts: partsOf(wire.system) }];
  const effort = wire.output_config?.effort ?? undefined;
  const adaptive = wire.thinking?.type === 'adaptive';
  const format = wire.output_config?.format;
  const choice = wire.tool_choice ?? undefined;
  const serial = choice && 'disable_parallel_tool_use' in choice && choice.disable_parallel_tool_use === true;
  return ok({
    model: wire.model ?? undefined,
    fallbacks: fallbacks.value,
    messages: [...system, ...own.messages.flatMap(readMessage)],
    tools: tools.value,
    sampling: present({
      temperature: wire.temperature,
      topP: wire.top_p,
      topK: wire.top_k,
      stop: wire.stop_sequences?.length ? wire.stop_sequences : undefined,
    }),
    stream: wire.stream ?? false,
    preferences: withRoute(wire.provider ?? NO_PREFERENCES, wire.route),
    echoUpstreamBody: false,
    extras: unknownFields(wire, KNOWN_FIELDS, DIALECT_ID),
    ...(unread.length > 0 && { unread }),
    ...present({
      toolChoice: choice && readToolChoice(choice),
      parallelToolCalls: serial ? false : undefined,
      output: format == null ? undefined : ({ kind: 'json-schema', name: 'output', schema: format.schema } as const),
      reasoning: wire.thinking == null ? undefined : readThinking(wire.thinking, effort),
      verbosity: adaptive ? undefined : effort,
      maxOutputTokens: wire.max_tokens,
      ...cacheMark(wire.cache_control),
      serviceTier: wire.service_tier,
      plugins: wire.plugins,
      speed: speedOf(wire.speed),
      sessionId: wire.session_id,
      user: wire.user ?? wire.metadata?.user_id,
    }),
  });
}
