import type { GatewayError } from '../../canon/errors.ts';
import { NO_PREFERENCES, withRoute } from '../../canon/preferences.ts';
import type {
  AssistantMessage,
  GenerationRequest,
  Message,
  OutputForm,
  Part,
  ReasoningDetail,
  ReasoningHistory,
  ReasoningWish,
  Sampling,
  Tool,
  ToolChoice,
} from '../../canon/request.ts';
import { fail, ok, type Result } from '../../canon/result.ts';
import type { Target } from '../../canon/target.ts';
import { markLastPart } from '../cache-marks.ts';
import { documentUrl } from '../data-url.ts';
import { allowedTools, cacheMark, invalid, invalidIssues, present, unknownFields } from '../ingress.ts';
import { asText } from '../read.ts';
import { isSearch, serverTools } from '../server-tools.ts';
import { DIALECT_ID } from './id.ts';
import { fromProviderWire } from './ingress-provider.ts';
import { mergedDetails } from './reasoning-details.ts';
import {
  type ChatRequestWire,
  KNOWN_FIELDS,
  type MessageWire,
  type PartWire,
  type ReasoningWire,
  type ResponseFormatWire,
  requestSchema,
  type ToolWire,
} from './wire.ts';

const PARTS: { readonly [T in PartWire['type']]: (wire: Extract<PartWire, { type: T }>) => Part } = {
  text: (wire) => ({ kind: 'text', text: wire.text, ...cacheMark(wire) }),
  image_url: (wire) =>
    typeof wire.image_url === 'string'
      ? { kind: 'image', url: wire.image_url, ...cacheMark(wire) }
      : {
          kind: 'image',
          url: wire.image_url.url,
          ...present({ detail: wire.image_url.detail }),
          ...cacheMark(wire),
        },
  input_audio: (wire) => ({ kind: 'audio', data: wire.input_audio.data, format: wire.input_audio.format }),
  video_url: (wire) => ({ kind: 'video', url: wire.video_url.url }),
  input_video: (wire) => ({ kind: 'video', url: wire.video_url.url }),
  file: (wire) => ({
    kind: 'file',
    ...present({
      filename: wire.file.filename,
      data: wire.file.file_data == null ? undefined : documentUrl(wire.file.file_data),
      fileId: wire.file.file_id,
    }),
    ...cacheMark(wire),
  }),
  refusal: (wire) => ({ kind: 'refusal', text: wire.refusal }),
};

const readPart = (wire: PartWire): Part => (PARTS[wire.type] as (wire: PartWire) => Part)(wire);

function parts(content: string | readonly PartWire[] | null | undefined): readonly Part[] {
  if (content === null || content === undefined) return [];
  return typeof content === 'string' ? [{ kind: 'text', text: content }] : content.map(readPart);
}

function detail(raw: Readonly<Record<string, unknown>>): ReasoningDetail {
  const text = raw.text ?? raw.summary;
  return {
    kind: String(raw.type),
    format: typeof raw.format === 'string' ? raw.format : 'unknown',
    ...(typeof text === 'string' && { text }),
    ...(asText(raw.signature) !== undefined && { signature: String(raw.signature) }),
    raw,
  };
}

function history(wire: Extract<MessageWire, { role: 'assistant' }>): { reasoning?: ReasoningHistory } {
  const text = wire.reasoning ?? wire.reasoning_content;
  if (text == null && wire.reasoning_details == null) return {};
  return {
    reasoning: present({ text, details: wire.reasoning_details && mergedDetails(wire.reasoning_details).map(detail) }),
  };
}

function assistant(wire: Extract<MessageWire, { role: 'assistant' }>): AssistantMessage {
  const refusal: Part[] = wire.refusal ? [{ kind: 'refusal', text: wire.refusal }] : [];
  return {
    role: 'assistant',
    parts: [...parts(wire.content), ...refusal],
    toolCalls: (wire.tool_calls ?? []).map((call) => ({
      id: call.id,
      name: call.function.name,
      arguments: call.function.arguments,
    })),
    ...history(wire),
    ...present({ name: wire.name, model: wire.model }),
  };
}

/** A mark on the whole message stands on its last part; an assistant that only called is marked at its last call. */
function readMessage(wire: MessageWire): Message {
  const message = readTurn(wire);
  const { cache } = cacheMark(wire);
  if (!cache) return message;
  const parts = markLastPart(message.parts, cache);
  if (parts !== message.parts || message.role !== 'assistant') return { ...message, parts };
  return {
    ...message,
    toolCalls: message.toolCalls.map((call, n, all) => (n === all.length - 1 ? { ...call, cache } : call)),
  };
}

function readTurn(wire: MessageWire): Message {
  if (wire.role === 'assistant') return assistant(wire);
  const common = { parts: parts(wire.content), ...present({ name: wire.name }) };
  if (wire.role === 'tool') return { role: 'tool', callId: wire.tool_call_id, ...common };
  return wire.role === 'user' ? { role: 'user', ...common } : { role: wire.role, ...common };
}

function readTools(wires: readonly ToolWire[]): Result<readonly Tool[], GatewayError> {
  const tools: Tool[] = [];
  for (const [index, wire] of wires.entries()) {
    if (isSearch(wire)) continue;
    if (wire.type !== 'function') {
      return fail(invalid(`tools.${index}.type`, `server tool ${String(wire.type)} is not available on this gateway`));
    }
    const { function: declared, cache_control } = wire as Extract<ToolWire, { type: 'function' }>;
    tools.push({
      name: declared.name,
      ...present({ description: declared.description, parameters: declared.parameters, strict: declared.strict }),
      ...cacheMark({ cache_control }),
    });
  }
  return ok(tools);
}

function readToolChoice(wire: NonNullable<ChatRequestWire['tool_choice']>): ToolChoice {
  if (typeof wire === 'string') return { kind: wire };
  return wire.type === 'function' ? { kind: 'named', name: wire.function.name } : { kind: wire.allowed_tools.mode };
}

/** The names a choice is limited to, where it is. */
function allowedNames(choice: ChatRequestWire['tool_choice']): readonly string[] | undefined {
  if (choice == null || typeof choice === 'string' || choice.type === 'function') return undefined;
  return choice.allowed_tools.tools.flatMap((tool) => tool.function?.name ?? []);
}

function readOutput(wire: ResponseFormatWire): OutputForm {
  if (wire.type === 'json_schema') {
    const { name, schema, description, strict } = wire.json_schema;
    return { kind: 'json-schema', name, schema: schema ?? {}, ...present({ description, strict }) };
  }
  if (wire.type === 'grammar') return { kind: 'grammar', grammar: wire.grammar };
  return { kind: wire.type === 'json_object' ? 'json' : wire.type };
}

/** What asks for signatures and sealed thoughts of reasoning that is not shown, as on the newer wire. */
const SEALED = 'reasoning.encrypted_content';

/** One wish, three spellings: `reasoning`, `reasoning_effort`, and the older `include_reasoning` (spec/inference 1.1, 1.7). */
function readReasoning(wire: ChatRequestWire): Result<ReasoningWish | undefined, GatewayError> {
  const object: ReasoningWire | undefined = wire.reasoning ?? undefined;
  const short = wire.reasoning_effort ?? undefined;
  const include = wire.include_reasoning ?? undefined;
  if (!object && short === undefined && include === undefined) return ok(undefined);
  const effort = object?.effort ?? short;
  if (short !== undefined && effort !== short) {
    return fail(invalid('reasoning_effort', 'differs from reasoning.effort'));
  }
  if (effort !== undefined && object?.max_tokens != null) {
    return fail(invalid('reasoning', 'give effort or max_tokens, not both'));
  }
  const hidden = object?.exclude ?? include === false;
  return ok({
    exclude: hidden,
    ...(hidden && wire.include?.includes(SEALED) && { sealed: true }),
    ...present({ effort, budgetTokens: object?.max_tokens, enabled: object?.enabled, summary: object?.summary }),
    ...(object?.mode === 'pro' && { pro: true as const }),
  });
}

function readSampling(wire: ChatRequestWire): Sampling {
  return present({
    temperature: wire.temperature,
    topP: wire.top_p,
    topK: wire.top_k,
    minP: wire.min_p,
    topA: wire.top_a,
    frequencyPenalty: wire.frequency_penalty,
    presencePenalty: wire.presence_penalty,
    repetitionPenalty: wire.repetition_penalty,
    seed: wire.seed,
    stop: typeof wire.stop === 'string' ? [wire.stop] : wire.stop,
    logitBias: wire.logit_bias,
    logprobs: wire.logprobs,
    topLogprobs: wire.top_logprobs,
  });
}

function readPrediction(wire: NonNullable<ChatRequestWire['prediction']>): string {
  return typeof wire.content === 'string' ? wire.content : wire.content.map((part) => part.text).join('');
}

/**
 * @param target given where the sandbox plays a provider: its spelling is read, and its refusals are made
 * @returns the request, or `invalid_request` with every issue's path
 */
export function decodeRequest(body: unknown, target?: Target): Result<GenerationRequest, GatewayError> {
  if (!target) return decodePlain(body);
  const plain = fromProviderWire(body, target);
  return plain.ok ? decodePlain(plain.value) : plain;
}

function decodePlain(body: unknown): Result<GenerationRequest, GatewayError> {
  const parsed = requestSchema(body).safeParse(body);
  if (!parsed.success) return fail(invalidIssues(parsed.error));
  const wire = parsed.data;
  const tools = readTools(wire.tools ?? []);
  if (!tools.ok) return tools;
  const allowed = allowedTools(tools.value, allowedNames(wire.tool_choice));
  if (!allowed.ok) return allowed;
  const reasoning = readReasoning(wire);
  if (!reasoning.ok) return reasoning;
  if (wire.top_logprobs != null && wire.top_logprobs > 0 && wire.logprobs !== true) {
    return fail(invalid('top_logprobs', 'needs logprobs: true'));
  }
  const stream = wire.stream ?? false;
  if (wire.modalities?.includes('audio') && !stream)
    return fail(invalid('stream', 'must be true where modalities has audio: sound is only streamed'));
  return ok({
    model: wire.model ?? undefined,
    fallbacks: wire.models ?? [],
    messages: wire.messages.map(readMessage),
    tools: allowed.value,
    sampling: readSampling(wire),
    stream,
    preferences: withRoute(wire.provider ?? NO_PREFERENCES, wire.route),
    echoUpstreamBody: stream && wire.debug?.echo_upstream_body === true,
    extras: unknownFields(wire, KNOWN_FIELDS, DIALECT_ID),
    ...present({
      serverTools: serverTools(wire.tools),
      toolChoice: wire.tool_choice == null ? undefined : readToolChoice(wire.tool_choice),
      parallelToolCalls: wire.parallel_tool_calls,
      output: wire.response_format == null ? undefined : readOutput(wire.response_format),
      reasoning: reasoning.value,
      maxOutputTokens: wire.max_completion_tokens ?? wire.max_tokens,
      prediction: wire.prediction == null ? undefined : readPrediction(wire.prediction),
      verbosity: wire.verbosity,
      serviceTier: wire.service_tier,
      ...cacheMark({ cache_control: wire.cache_control }),
      promptCacheKey: wire.prompt_cache_key,
      plugins: wire.transforms ? { ...wire.transforms, ...wire.plugins } : wire.plugins,
      sessionId: wire.session_id,
      user: wire.user,
      safetyIdentifier: wire.safety_identifier,
      imageConfig: wire.image_config,
      metadata: wire.metadata,
      modalities: wire.modalities,
    }),
  });
}
