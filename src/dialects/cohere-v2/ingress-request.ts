import type { GatewayError } from '../../canon/errors.ts';
import { NO_PREFERENCES } from '../../canon/preferences.ts';
import type { GenerationRequest, Message, OutputForm, Part, ToolChoice } from '../../canon/request.ts';
import { fail, ok, type Result } from '../../canon/result.ts';
import { invalidIssues, present, unknownFields } from '../ingress.ts';
import { DIALECT_ID } from './id.ts';
import { type CohereRequestWire, cohereRequest, KNOWN_FIELDS, type MessageWire, type PartWire } from './wire.ts';

function readPart({ type, text, image_url, document }: PartWire): Part | undefined {
  if (type === 'text') return { kind: 'text', text: text ?? '' };
  if (type === 'image_url' && image_url)
    return { kind: 'image', url: image_url.url, ...present({ detail: image_url.detail }) };
  if (type !== 'document' || !document) return undefined;
  return { kind: 'text', text: typeof document.data === 'string' ? document.data : JSON.stringify(document.data) };
}

function partsOf(content: MessageWire['content']): readonly Part[] {
  if (content == null) return [];
  return typeof content === 'string'
    ? [{ kind: 'text', text: content }]
    : content.flatMap((part) => readPart(part) ?? []);
}

/** What an assistant planned before it called its tools is what it thought. */
function readMessage(wire: MessageWire): Message {
  const parts = partsOf(wire.content);
  if (wire.role === 'system' || wire.role === 'user') return { role: wire.role, parts };
  if (wire.role === 'tool') return { role: 'tool', callId: wire.tool_call_id ?? '', parts };
  const thoughts = Array.isArray(wire.content) ? wire.content.map(({ thinking }) => thinking ?? '') : [];
  const text = [wire.tool_plan ?? '', ...thoughts].join('');
  const toolCalls = (wire.tool_calls ?? []).map(({ id, function: called }) => ({
    id,
    name: called.name,
    arguments: called.arguments ?? '{}',
  }));
  return { role: 'assistant', parts, toolCalls, ...(text !== '' && { reasoning: { text } }) };
}

function readOutput(wire: CohereRequestWire['response_format']): OutputForm | undefined {
  if (!wire || wire.type === 'text') return undefined;
  return wire.json_schema ? { kind: 'json-schema', name: 'output', schema: wire.json_schema } : { kind: 'json' };
}

function readChoice(word: CohereRequestWire['tool_choice']): ToolChoice | undefined {
  if (word == null) return undefined;
  return { kind: word === 'REQUIRED' ? 'required' : 'none' };
}

function readThinking(wire: CohereRequestWire['thinking']): GenerationRequest['reasoning'] {
  if (!wire) return undefined;
  if (wire.type === 'disabled') return { enabled: false, exclude: false };
  return wire.token_budget == null
    ? { enabled: true, exclude: false }
    : { budgetTokens: wire.token_budget, exclude: false };
}

/** @returns the request, or `invalid_request` with every issue's path */
export function decodeRequest(body: unknown): Result<GenerationRequest, GatewayError> {
  const parsed = cohereRequest.safeParse(body);
  if (!parsed.success) return fail(invalidIssues(parsed.error));
  const wire = parsed.data;
  return ok({
    model: wire.model ?? undefined,
    fallbacks: [],
    messages: wire.messages.map(readMessage),
    tools: (wire.tools ?? []).map(({ function: { name, description, parameters } }) => ({
      name,
      ...present({ description, parameters, strict: wire.strict_tools }),
    })),
    sampling: present({
      temperature: wire.temperature,
      topP: wire.p,
      topK: wire.k,
      seed: wire.seed,
      frequencyPenalty: wire.frequency_penalty,
      presencePenalty: wire.presence_penalty,
      stop: wire.stop_sequences?.length ? wire.stop_sequences : undefined,
      logprobs: wire.logprobs ? true : undefined,
    }),
    stream: wire.stream ?? false,
    preferences: NO_PREFERENCES,
    echoUpstreamBody: false,
    extras: unknownFields(wire, KNOWN_FIELDS, DIALECT_ID),
    ...present({
      toolChoice: readChoice(wire.tool_choice),
      output: readOutput(wire.response_format),
      reasoning: readThinking(wire.thinking),
      maxOutputTokens: wire.max_tokens,
    }),
  });
}
