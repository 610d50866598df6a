import type { GatewayError } from '../../canon/errors.ts';
import { NO_PREFERENCES } from '../../canon/preferences.ts';
import {
  type GenerationRequest,
  isEffort,
  type Message,
  type OutputForm,
  type Part,
  type ReasoningDetail,
  type ReasoningWish,
  type Sampling,
  type Tool,
  type ToolCall,
  type ToolChoice,
} from '../../canon/request.ts';
import { fail, ok, type Result } from '../../canon/result.ts';
import type { Target } from '../../canon/target.ts';
import { CallNames } from '../call-names.ts';
import { invalid, invalidIssues, present, unknownFields } from '../ingress.ts';
import { CONFIG_EXTRAS, DIALECT_ID, FORMAT } from './id.ts';
import { jsonSchema } from './schema.ts';
import {
  type ContentWire,
  type GenerateRequestWire,
  type GenerationConfigWire,
  generateRequest,
  KNOWN_CONFIG,
  KNOWN_FIELDS,
  type PartWire,
  type ThinkingWire,
  type ToolWire,
} from './wire.ts';

/** Media by its type; what is neither is a file. */
function media(mimeType: string, address: string, data: string | undefined): Part {
  if (mimeType.startsWith('image/')) return { kind: 'image', url: address };
  if (mimeType.startsWith('audio/') && data !== undefined)
    return { kind: 'audio', data, format: mimeType.slice('audio/'.length).replace('mpeg', 'mp3') };
  if (mimeType.startsWith('video/')) return { kind: 'video', url: address };
  return { kind: 'file', data: address };
}

function readPart({ text, inlineData, fileData }: PartWire): Part | undefined {
  if (text != null) return { kind: 'text', text };
  if (inlineData)
    return media(inlineData.mimeType, `data:${inlineData.mimeType};base64,${inlineData.data}`, inlineData.data);
  return fileData ? media(fileData.mimeType ?? '', fileData.fileUri, undefined) : undefined;
}

const partsOf = (wires: readonly PartWire[]): readonly Part[] => wires.flatMap((wire) => readPart(wire) ?? []);

/** A result says what it is in `output` or `result`, what went wrong in `error`, or is an object of the caller's own. */
function resultOf(response: Readonly<Record<string, unknown>>): { text: string; isError: boolean } {
  const keys = Object.keys(response);
  const [key = ''] = keys;
  const value = response[key];
  if (keys.length === 1 && typeof value === 'string' && (key === 'output' || key === 'result' || key === 'error'))
    return { text: value, isError: key === 'error' };
  return { text: JSON.stringify(response), isError: 'error' in response };
}

function userMessages(wires: readonly PartWire[], calls: CallNames): readonly Message[] {
  const messages: Message[] = [];
  for (const { functionResponse } of wires) {
    if (!functionResponse) continue;
    const { text, isError } = resultOf(functionResponse.response ?? {});
    messages.push({
      role: 'tool',
      callId: calls.answered(functionResponse.id, functionResponse.name),
      parts: [{ kind: 'text', text }],
      ...(isError && { isError }),
    });
  }
  const parts = partsOf(wires);
  return parts.length > 0 || messages.length === 0 ? [...messages, { role: 'user', parts }] : messages;
}

function modelMessage(wires: readonly PartWire[], calls: CallNames): Message {
  const parts: Part[] = [];
  const toolCalls: ToolCall[] = [];
  const details: ReasoningDetail[] = [];
  const detail = (kind: string, own: Record<string, unknown>, text?: string): void => {
    const raw = { type: kind, ...own, format: FORMAT, index: details.length };
    details.push({ kind, format: FORMAT, ...(text !== undefined && { text }), raw });
  };
  for (const wire of wires) {
    const { functionCall, thoughtSignature } = wire;
    const id = functionCall ? calls.called(functionCall.id, functionCall.name) : undefined;
    if (functionCall && id !== undefined)
      toolCalls.push({ id, name: functionCall.name, arguments: JSON.stringify(functionCall.args ?? {}) });
    else if (wire.thought) detail('reasoning.text', { text: wire.text ?? '' }, wire.text ?? '');
    else parts.push(...partsOf([wire]).filter((part) => part.kind !== 'text' || part.text !== ''));
    if (thoughtSignature != null)
      detail('reasoning.encrypted', { data: thoughtSignature, ...(id !== undefined && { id }) });
  }
  const texts = details.flatMap(({ text }) => text ?? []);
  return {
    role: 'assistant',
    parts,
    toolCalls,
    ...(details.length > 0 && { reasoning: { ...(texts.length > 0 && { text: texts.join('') }), details } }),
  };
}

function readMessages({ contents, systemInstruction }: GenerateRequestWire): readonly Message[] {
  const calls = new CallNames();
  const messages = contents.flatMap(({ role, parts }: ContentWire): readonly Message[] =>
    role === 'model' ? [modelMessage(parts, calls)] : userMessages(parts, calls),
  );
  return systemInstruction ? [{ role: 'system', parts: partsOf(systemInstruction.parts) }, ...messages] : messages;
}

function readTools(wires: readonly ToolWire[]): Result<readonly Tool[], GatewayError> {
  const tools: Tool[] = [];
  for (const [index, { functionDeclarations, ...others }] of wires.entries()) {
    const [other] = Object.keys(others);
    if (other !== undefined) return fail(invalid(`tools.${index}.${other}`, 'is not available on this gateway'));
    for (const { name, description, parameters, parametersJsonSchema } of functionDeclarations ?? []) {
      const schema = parametersJsonSchema ?? (parameters ? jsonSchema(parameters) : undefined);
      tools.push({ name, ...present({ description, parameters: schema }) } as Tool);
    }
  }
  return ok(tools);
}

function readToolChoice(wire: GenerateRequestWire['toolConfig']): ToolChoice | undefined {
  const config = wire?.functionCallingConfig;
  const [only, ...others] = config?.allowedFunctionNames ?? [];
  if (config?.mode === 'ANY')
    return only !== undefined && others.length === 0 ? { kind: 'named', name: only } : { kind: 'required' };
  if (config?.mode === 'NONE') return { kind: 'none' };
  return config?.mode === 'AUTO' || config?.mode === 'VALIDATED' ? { kind: 'auto' } : undefined;
}

function readOutput({
  responseMimeType,
  responseSchema,
  responseJsonSchema,
}: GenerationConfigWire): OutputForm | undefined {
  const schema = responseJsonSchema ?? (responseSchema ? jsonSchema(responseSchema) : undefined);
  if (schema) return { kind: 'json-schema', name: 'output', schema };
  return responseMimeType === 'application/json' ? { kind: 'json' } : undefined;
}

/** Thoughts are only shown to those who ask for them (spec/providers B.3.2). */
function readThinking({ includeThoughts, thinkingBudget, thinkingLevel }: ThinkingWire): ReasoningWish {
  const exclude = includeThoughts !== true;
  if (thinkingBudget === 0) return { enabled: false, exclude };
  if (thinkingBudget != null && thinkingBudget > 0) return { budgetTokens: thinkingBudget, exclude };
  const level = thinkingLevel?.toLowerCase() ?? '';
  return isEffort(level) ? { effort: level, exclude } : { enabled: true, exclude };
}

const readSampling = (wire: GenerationConfigWire): Sampling =>
  present({
    temperature: wire.temperature,
    topP: wire.topP,
    topK: wire.topK,
    frequencyPenalty: wire.frequencyPenalty,
    presencePenalty: wire.presencePenalty,
    seed: wire.seed,
    stop: wire.stopSequences?.length ? wire.stopSequences : undefined,
    logprobs: wire.responseLogprobs ? true : undefined,
    topLogprobs: wire.responseLogprobs ? wire.logprobs : undefined,
  });

/** `countTokens` may wrap the request it asks about. */
function unwrapped(body: unknown): unknown {
  const inner = (body as { generateContentRequest?: object } | null | undefined)?.generateContentRequest;
  return inner ? { ...(body as object), ...inner, generateContentRequest: undefined } : body;
}

/** @returns the request, or `invalid_request` with every issue's path */
export function decodeRequest(body: unknown, _target?: Target): Result<GenerationRequest, GatewayError> {
  const parsed = generateRequest.safeParse(unwrapped(body));
  if (!parsed.success) return fail(invalidIssues(parsed.error));
  const wire = parsed.data;
  const tools = readTools(wire.tools ?? []);
  if (!tools.ok) return tools;
  const config = wire.generationConfig ?? {};
  return ok({
    model: wire.model?.replace(/^models\//, ''),
    fallbacks: wire.models ?? [],
    messages: readMessages(wire),
    tools: tools.value,
    sampling: readSampling(config),
    stream: wire.stream ?? false,
    preferences: wire.provider ?? NO_PREFERENCES,
    echoUpstreamBody: false,
    extras: {
      ...unknownFields(wire, KNOWN_FIELDS, DIALECT_ID),
      ...unknownFields(config, KNOWN_CONFIG, CONFIG_EXTRAS),
    },
    ...present({
      toolChoice: readToolChoice(wire.toolConfig),
      output: readOutput(config),
      reasoning: config.thinkingConfig ? readThinking(config.thinkingConfig) : undefined,
      maxOutputTokens: config.maxOutputTokens,
      plugins: wire.plugins,
      sessionId: wire.session_id,
      modalities: config.responseModalities?.map((one) => one.toLowerCase()),
    }),
  });
}
