import type { GatewayError } from '../../canon/errors.ts';
import { NO_PREFERENCES } from '../../canon/preferences.ts';
import {
  type CacheMark,
  EFFORTS,
  type Effort,
  type GenerationRequest,
  type Message,
  type OutputForm,
  type Part,
  type ReasoningDetail,
  type ReasoningWish,
  type Tool,
  type ToolCall,
  type ToolChoice,
} from '../../canon/request.ts';
import { fail, ok, type Result } from '../../canon/result.ts';
import { invalid, invalidIssues, present, unknownFields } from '../ingress.ts';
import { asNumber, asObject, asText, parseJson } from '../read.ts';
import { DIALECT_ID, FORMAT } from './id.ts';
import { type BlockWire, type ConverseRequestWire, converseRequest, KNOWN_FIELDS, type MessageWire } from './wire.ts';

const DOCUMENT_TYPES: Readonly<Record<string, string>> = {
  pdf: 'application/pdf',
  txt: 'text/plain',
  md: 'text/markdown',
};

function readPart({ text, image, video, audio, document }: BlockWire): Part | undefined {
  if (text != null) return { kind: 'text', text };
  if (image?.source.bytes) return { kind: 'image', url: `data:image/${image.format};base64,${image.source.bytes}` };
  if (video?.source.bytes) return { kind: 'video', url: `data:video/${video.format};base64,${video.source.bytes}` };
  if (audio?.source.bytes) return { kind: 'audio', data: audio.source.bytes, format: audio.format };
  if (!document) return undefined;
  const type = DOCUMENT_TYPES[document.format] ?? `application/${document.format}`;
  const { bytes, text: plain } = document.source;
  const data = bytes ?? (plain == null ? undefined : Buffer.from(plain, 'utf8').toString('base64'));
  if (data === undefined) return undefined;
  return { kind: 'file', data: `data:${type};base64,${data}`, ...present({ filename: document.name }) };
}

/** A point marks what stands before it. */
function marked<T extends object>(items: T[], point: BlockWire['cachePoint']): void {
  const last = items.at(-1);
  const cache: CacheMark = point?.ttl == null ? {} : { ttl: point.ttl };
  if (point && last) items[items.length - 1] = { ...last, cache };
}

function partsOf(blocks: readonly BlockWire[]): Part[] {
  const parts: Part[] = [];
  for (const block of blocks) {
    const part = readPart(block);
    if (part) parts.push(part);
    marked(parts, block.cachePoint);
  }
  return parts;
}

function userMessages(blocks: readonly BlockWire[]): readonly Message[] {
  const results = blocks.flatMap(({ toolResult }): Message[] => {
    if (!toolResult) return [];
    const parts = (toolResult.content ?? []).flatMap((one): Part[] => {
      if (one.json !== undefined) return [{ kind: 'text', text: JSON.stringify(one.json) }];
      const part = readPart(one as BlockWire);
      return part ? [part] : [];
    });
    return [
      { role: 'tool', callId: toolResult.toolUseId, parts, ...(toolResult.status === 'error' && { isError: true }) },
    ];
  });
  const parts = partsOf(blocks);
  return parts.length > 0 || results.length === 0 ? [...results, { role: 'user', parts }] : results;
}

function detailOf({ reasoningContent }: BlockWire, index: number): ReasoningDetail | undefined {
  if (!reasoningContent) return undefined;
  const { reasoningText, redactedContent } = reasoningContent;
  if (redactedContent != null) {
    const kind = 'reasoning.encrypted';
    return { kind, format: FORMAT, raw: { type: kind, data: redactedContent, format: FORMAT, index } };
  }
  if (!reasoningText) return undefined;
  const kind = 'reasoning.text';
  const own = { text: reasoningText.text, ...present({ signature: reasoningText.signature }) };
  return { kind, format: FORMAT, ...own, raw: { type: kind, ...own, format: FORMAT, index } };
}

function assistantMessage(blocks: readonly BlockWire[]): Message {
  const toolCalls: ToolCall[] = [];
  for (const { toolUse, cachePoint } of blocks) {
    if (toolUse)
      toolCalls.push({ id: toolUse.toolUseId, name: toolUse.name, arguments: JSON.stringify(toolUse.input ?? {}) });
    else if (toolCalls.length > 0) marked(toolCalls, cachePoint);
  }
  const details = blocks.flatMap((block, index) => detailOf(block, index) ?? []);
  const texts = details.flatMap(({ text }) => text ?? []);
  return {
    role: 'assistant',
    parts: partsOf(blocks.filter(({ toolUse }) => !toolUse)),
    toolCalls,
    ...(details.length > 0 && { reasoning: { ...(texts.length > 0 && { text: texts.join('') }), details } }),
  };
}

const readMessage = ({ role, content }: MessageWire): readonly Message[] =>
  role === 'assistant' ? [assistantMessage(content)] : userMessages(content);

function readTools(wire: ConverseRequestWire['toolConfig']): readonly Tool[] {
  const tools: Tool[] = [];
  for (const { toolSpec, cachePoint } of wire?.tools ?? []) {
    if (toolSpec) {
      const { name, description, inputSchema, strict } = toolSpec;
      tools.push({ name, parameters: inputSchema.json, ...present({ description, strict }) });
    }
    marked(tools, cachePoint);
  }
  return tools;
}

function readChoice(wire: ConverseRequestWire['toolConfig']): ToolChoice | undefined {
  const choice = wire?.toolChoice;
  if (choice?.tool) return { kind: 'named', name: choice.tool.name };
  if (choice?.any) return { kind: 'required' };
  return choice?.auto ? { kind: 'auto' } : undefined;
}

function readOutput(wire: ConverseRequestWire['outputConfig']): Result<OutputForm | undefined, GatewayError> {
  const form = wire?.textFormat?.structure.jsonSchema;
  if (!form) return ok(undefined);
  const schema = asObject(parseJson(form.schema));
  if (!schema)
    return fail(invalid('outputConfig.textFormat.structure.jsonSchema.schema', 'is not the text of a JSON Schema'));
  return ok({
    kind: 'json-schema',
    name: form.name ?? 'output',
    schema,
    ...present({ description: form.description }),
  });
}

const isEffort = (word: string | undefined): word is Effort =>
  (EFFORTS as readonly (string | undefined)[]).includes(word);

/** Each family of models says its thinking in fields of its own (spec/providers B.4.2). */
function readThinking(wire: ConverseRequestWire): ReasoningWish | undefined {
  const fields = wire.additionalModelRequestFields ?? {};
  const thinking = asObject(fields.thinking);
  const exclude = thinking?.display === 'omitted';
  const effort =
    wire.outputConfig?.effort ??
    asText(fields.reasoning_effort) ??
    asText(asObject(fields.reasoningConfig)?.maxReasoningEffort);
  if (thinking?.type === 'disabled') return { enabled: false, exclude };
  const budgetTokens = asNumber(thinking?.budget_tokens);
  if (budgetTokens !== undefined) return { budgetTokens, exclude };
  if (isEffort(effort)) return { effort, exclude };
  return thinking ? { enabled: true, exclude } : undefined;
}

/** @returns the request, or `invalid_request` with every issue's path */
export function decodeRequest(body: unknown): Result<GenerationRequest, GatewayError> {
  const parsed = converseRequest.safeParse(body);
  if (!parsed.success) return fail(invalidIssues(parsed.error));
  const wire = parsed.data;
  const called = wire.messages.some(({ content }) => content.some(({ toolUse, toolResult }) => toolUse || toolResult));
  if (called && !wire.toolConfig)
    return fail(invalid('toolConfig', 'must be defined when using toolUse and toolResult content blocks'));
  const output = readOutput(wire.outputConfig);
  if (!output.ok) return output;
  const config = wire.inferenceConfig ?? {};
  const system = partsOf((wire.system ?? []) as readonly BlockWire[]);
  return ok({
    model: wire.model ?? undefined,
    fallbacks: [],
    messages: [
      ...(system.length > 0 ? [{ role: 'system', parts: system } as const] : []),
      ...wire.messages.flatMap(readMessage),
    ],
    tools: readTools(wire.toolConfig),
    sampling: present({
      temperature: config.temperature,
      topP: config.topP,
      topK: asNumber(wire.additionalModelRequestFields?.top_k),
      stop: config.stopSequences?.length ? config.stopSequences : undefined,
    }),
    stream: wire.stream ?? false,
    preferences: NO_PREFERENCES,
    echoUpstreamBody: false,
    extras: unknownFields(wire, KNOWN_FIELDS, DIALECT_ID),
    ...present({
      toolChoice: readChoice(wire.toolConfig),
      output: output.value,
      reasoning: readThinking(wire),
      maxOutputTokens: config.maxTokens,
      metadata: wire.requestMetadata,
      serviceTier: wire.serviceTier?.type,
    }),
  });
}
