import type { GatewayError } from '../../canon/errors.ts';
import { NO_PREFERENCES, withRoute } from '../../canon/preferences.ts';
import type {
  GenerationRequest,
  Message,
  OutputForm,
  Part,
  ReasoningDetail,
  ReasoningWish,
  Tool,
  ToolCall,
  ToolChoice,
} from '../../canon/request.ts';
import { fail, ok, type Result } from '../../canon/result.ts';
import type { Target } from '../../canon/target.ts';
import { documentUrl } from '../data-url.ts';
import { allowedTools, cacheMark, invalid, invalidIssues, present, unknownFields } from '../ingress.ts';
import { isSearch, serverTools } from '../server-tools.ts';
import { DIALECT_ID, FORMAT } from './id.ts';
import {
  type FormatWire,
  type ItemWire,
  KNOWN_FIELDS,
  type MessageItem,
  type PartWire,
  type ReasoningItem,
  type ResponsesRequestWire,
  responsesRequest,
  type ToolChoiceWire,
  type ToolWire,
} from './wire.ts';

function readPart(wire: PartWire): Part {
  switch (wire.type) {
    case 'input_text':
    case 'text':
      return { kind: 'text', text: wire.text, ...cacheMark(wire) };
    case 'output_text':
      return { kind: 'text', text: wire.text };
    case 'refusal':
      return { kind: 'refusal', text: wire.refusal };
    case 'input_image':
      return { kind: 'image', url: wire.image_url, ...present({ detail: wire.detail }) };
    case 'input_audio':
      return { kind: 'audio', data: wire.input_audio.data, format: wire.input_audio.format };
    case 'input_video':
      return { kind: 'video', url: wire.video_url };
    case 'input_file':
      return {
        kind: 'file',
        ...present({
          filename: wire.filename,
          data: wire.file_data == null ? wire.file_url : documentUrl(wire.file_data),
          fileId: wire.file_id,
        }),
      };
  }
}

const partsOf = (content: string | readonly PartWire[]): readonly Part[] =>
  typeof content === 'string' ? [{ kind: 'text', text: content }] : content.map(readPart);

/** One item may hold a summary, the thought itself and its sealed form: three details of one id, which stay together. */
function detailsOf(wire: ReasoningItem, first: number): readonly ReasoningDetail[] {
  const format = wire.format ?? FORMAT;
  const details: ReasoningDetail[] = [];
  const add = (kind: string, own: Record<string, unknown>, text?: string, signature?: string): void => {
    const identity = { ...(wire.id != null && { id: wire.id }), format, index: first + details.length };
    details.push({
      kind,
      format,
      ...(text !== undefined && { text }),
      ...(signature !== undefined && { signature }),
      raw: { type: kind, ...own, ...identity },
    });
  };
  const signature = wire.signature ?? undefined;
  const { summary, content } = wire;
  // Nobody signs a summary: alone beside a signature it is a thought that was shown in the place of one.
  const inItsPlace = signature !== undefined && !content?.length;
  if (!inItsPlace) for (const { text } of summary ?? []) add('reasoning.summary', { summary: text }, text);
  for (const { text } of (inItsPlace ? summary : content) ?? [])
    add('reasoning.text', { text, ...(signature !== undefined && { signature }) }, text, signature);
  if (wire.encrypted_content != null) add('reasoning.encrypted', { data: wire.encrypted_content });
  return details;
}

interface Turn {
  readonly parts: Part[];
  readonly toolCalls: ToolCall[];
  readonly details: ReasoningDetail[];
}

/** Items → turns: what the assistant thought, said and called in a row is one turn of its. */
class Turns {
  readonly messages: Message[] = [];
  /** Pointers to items that are no part of any turn. */
  readonly unread: string[] = [];
  #turn: Turn | undefined;

  add(item: ItemWire, index: number): void {
    if (item.type === 'function_call') {
      const { call_id: id, name, arguments: text } = item as { call_id: string; name: string; arguments: string };
      this.#own().toolCalls.push({ id, name, arguments: text });
    } else if (item.type === 'custom_tool_call') {
      const { call_id: id, name, input } = item as { call_id: string; name: string; input: string };
      this.#own().toolCalls.push({ id, name, arguments: JSON.stringify({ input }) });
    } else if (item.type === 'reasoning') {
      const { details } = this.#own();
      details.push(...detailsOf(item as ReasoningItem, details.length));
    } else if (item.type === 'function_call_output' || item.type === 'custom_tool_call_output') {
      const { call_id, output } = item as { call_id: string; output: string | readonly PartWire[] };
      this.#other({ role: 'tool', callId: call_id, parts: partsOf(output) });
    } else if (item.type === 'message' || item.type == null) this.#message(item as MessageItem);
    else this.unread.push(`/input/${index}`);
  }

  end(): readonly Message[] {
    const turn = this.#turn;
    this.#turn = undefined;
    if (!turn) return this.messages;
    const { parts, toolCalls, details } = turn;
    const texts = details.flatMap(({ text }) => text ?? []);
    this.messages.push({
      role: 'assistant',
      parts,
      toolCalls,
      ...(details.length > 0 && { reasoning: { ...(texts.length > 0 && { text: texts.join('') }), details } }),
    });
    return this.messages;
  }

  #message({ role, content }: MessageItem): void {
    if (role === 'assistant') this.#own().parts.push(...partsOf(content));
    else this.#other({ role, parts: partsOf(content) });
  }

  #own(): Turn {
    this.#turn ??= { parts: [], toolCalls: [], details: [] };
    return this.#turn;
  }

  #other(message: Message): void {
    this.end();
    this.messages.push(message);
  }
}

function readMessages({ input, instructions }: ResponsesRequestWire): {
  readonly messages: readonly Message[];
  readonly unread: readonly string[];
} {
  const turns = new Turns();
  if (instructions) turns.messages.push({ role: 'system', parts: partsOf(instructions) });
  if (typeof input === 'string') turns.messages.push({ role: 'user', parts: partsOf(input) });
  else for (const [index, item] of input.entries()) turns.add(item, index);
  return { messages: turns.end(), unread: turns.unread };
}

function readTools(wires: readonly ToolWire[]): Result<readonly Tool[], GatewayError> {
  const tools: Tool[] = [];
  for (const [index, wire] of wires.entries()) {
    if (isSearch(wire)) continue;
    if (wire.type !== 'function')
      return fail(invalid(`tools.${index}.type`, `server tool ${wire.type} is not available on this gateway`));
    const { name, description, parameters, strict } = wire as Extract<ToolWire, { type: 'function' }>;
    tools.push({ name: name as string, ...present({ description, parameters, strict }) } as Tool);
  }
  return ok(tools);
}

function readToolChoice(wire: ToolChoiceWire): Result<ToolChoice, GatewayError> {
  if (typeof wire === 'string') return ok({ kind: wire });
  if (wire.type === 'function') return ok({ kind: 'named', name: wire.name as string });
  if (wire.type === 'allowed_tools') return ok({ kind: (wire as AllowedWire).mode });
  return fail(invalid('tool_choice', `names ${wire.type}, a tool that is not available on this gateway`));
}

type AllowedWire = Extract<ToolChoiceWire, { type: 'allowed_tools' }>;

/** The names a choice is limited to, where it is. */
const allowedNames = (choice: ToolChoiceWire | null | undefined): readonly string[] | undefined =>
  choice != null && typeof choice !== 'string' && choice.type === 'allowed_tools'
    ? (choice as AllowedWire).tools.flatMap(({ name }) => name ?? [])
    : undefined;

function readFormat(wire: FormatWire): OutputForm {
  if (wire.type === 'text') return { kind: 'text' };
  if (wire.type === 'json_object') return { kind: 'json' };
  const { name, schema, description, strict } = wire;
  return { kind: 'json-schema', name, schema, ...present({ description, strict }) };
}

function readReasoning(wire: NonNullable<ResponsesRequestWire['reasoning']>): Result<ReasoningWish, GatewayError> {
  if (wire.effort != null && wire.max_tokens != null)
    return fail(invalid('reasoning', 'give effort or max_tokens, not both'));
  return ok({
    exclude: false,
    ...present({
      effort: wire.effort,
      budgetTokens: wire.max_tokens,
      enabled: wire.enabled,
      summary: wire.summary,
    }),
    ...(wire.mode === 'pro' && { pro: true as const }),
  });
}

/** @returns the request, or `invalid_request` with every issue's path */
export function decodeRequest(body: unknown, _target?: Target): Result<GenerationRequest, GatewayError> {
  const parsed = responsesRequest.safeParse(body);
  if (!parsed.success) return fail(invalidIssues(parsed.error));
  const wire = parsed.data;
  const tools = readTools(wire.tools ?? []);
  if (!tools.ok) return tools;
  const allowed = allowedTools(tools.value, allowedNames(wire.tool_choice));
  if (!allowed.ok) return allowed;
  const choice = wire.tool_choice == null ? ok(undefined) : readToolChoice(wire.tool_choice);
  if (!choice.ok) return choice;
  const reasoning = wire.reasoning == null ? ok(undefined) : readReasoning(wire.reasoning);
  if (!reasoning.ok) return reasoning;
  const { messages, unread } = readMessages(wire);
  if (messages.length === 0) return fail(invalid('input', 'must hold at least one message'));
  return ok({
    model: wire.model ?? undefined,
    fallbacks: wire.models ?? [],
    messages,
    tools: allowed.value,
    sampling: present({
      temperature: wire.temperature,
      topP: wire.top_p,
      topK: wire.top_k,
      frequencyPenalty: wire.frequency_penalty,
      presencePenalty: wire.presence_penalty,
      logprobs: wire.top_logprobs ? true : undefined,
      topLogprobs: wire.top_logprobs ? wire.top_logprobs : undefined,
    }),
    stream: wire.stream ?? false,
    preferences: withRoute(wire.provider ?? NO_PREFERENCES, wire.route),
    echoUpstreamBody: wire.stream === true && wire.debug?.echo_upstream_body === true,
    extras: unknownFields(wire, KNOWN_FIELDS, DIALECT_ID),
    ...present({
      serverTools: serverTools(wire.tools),
      toolChoice: choice.value,
      parallelToolCalls: wire.parallel_tool_calls,
      output: wire.text?.format == null ? undefined : readFormat(wire.text.format),
      verbosity: wire.text?.verbosity,
      reasoning: reasoning.value,
      maxOutputTokens: wire.max_output_tokens,
      serviceTier: wire.service_tier,
      ...cacheMark({ cache_control: wire.cache_control }),
      promptCacheKey: wire.prompt_cache_key,
      plugins: wire.truncation === 'auto' ? { 'context-compression': {}, ...wire.plugins } : wire.plugins,
      sessionId: wire.session_id,
      user: wire.user,
      safetyIdentifier: wire.safety_identifier,
      imageConfig: wire.image_config,
      include: wire.include,
      unread: unread.length > 0 ? unread : undefined,
      metadata: wire.metadata,
      modalities: wire.modalities,
    }),
  });
}
