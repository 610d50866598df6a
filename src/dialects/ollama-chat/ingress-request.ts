import type { GatewayError } from '../../canon/errors.ts';
import { NO_PREFERENCES } from '../../canon/preferences.ts';
import type {
  GenerationRequest,
  Message,
  OutputForm,
  Part,
  ReasoningWish,
  Sampling,
  Tool,
} from '../../canon/request.ts';
import { fail, ok, type Result } from '../../canon/result.ts';
import { CallNames } from '../call-names.ts';
import { pictureUrl } from '../data-url.ts';
import { invalidIssues, present, unknownFields } from '../ingress.ts';
import { DIALECT_ID, OPTION_EXTRAS } from './id.ts';
import {
  type CommonWire,
  KNOWN_FIELDS,
  KNOWN_OPTIONS,
  type MessageWire,
  type OllamaChatWire,
  type OptionsWire,
  ollamaChatRequest,
  ollamaGenerateRequest,
} from './wire.ts';

const pictures = (images: readonly string[] | null | undefined): readonly Part[] =>
  (images ?? []).map((data) => ({ kind: 'image', url: data.startsWith('data:') ? data : pictureUrl(data) }));

function readMessage(wire: MessageWire, calls: CallNames): Message {
  const parts: Part[] = wire.content ? [{ kind: 'text', text: wire.content }] : [];
  if (wire.role === 'system') return { role: 'system', parts };
  if (wire.role === 'tool')
    return { role: 'tool', callId: calls.answered(wire.tool_call_id, wire.tool_name ?? undefined), parts };
  if (wire.role === 'user') {
    const all = [...parts, ...pictures(wire.images)];
    return { role: 'user', parts: all.length > 0 ? all : [{ kind: 'text', text: '' }] };
  }
  const toolCalls = (wire.tool_calls ?? []).map(({ id, function: called }) => ({
    id: calls.called(id, called.name),
    name: called.name,
    arguments: JSON.stringify(called.arguments ?? {}),
  }));
  return { role: 'assistant', parts, toolCalls, ...(wire.thinking && { reasoning: { text: wire.thinking } }) };
}

const readTools = (wires: OllamaChatWire['tools']): readonly Tool[] =>
  (wires ?? []).map(({ function: { name, description, parameters } }) => ({
    name,
    ...present({ description, parameters }),
  }));

function readOutput(format: CommonWire['format']): OutputForm | undefined {
  if (format == null || format === '') return undefined;
  return format === 'json' ? { kind: 'json' } : { kind: 'json-schema', name: 'output', schema: format };
}

function readThinking(think: CommonWire['think']): ReasoningWish | undefined {
  if (think == null) return undefined;
  return typeof think === 'boolean' ? { enabled: think, exclude: !think } : { effort: think, exclude: false };
}

const readSampling = (wire: OptionsWire, logprobs: Pick<CommonWire, 'logprobs' | 'top_logprobs'>): Sampling =>
  present({
    temperature: wire.temperature,
    topP: wire.top_p,
    topK: wire.top_k,
    minP: wire.min_p,
    repetitionPenalty: wire.repeat_penalty,
    presencePenalty: wire.presence_penalty,
    frequencyPenalty: wire.frequency_penalty,
    seed: wire.seed,
    stop: wire.stop?.length ? wire.stop : undefined,
    logprobs: logprobs.logprobs ? true : undefined,
    topLogprobs: logprobs.top_logprobs,
  });

function requestOf(
  wire: CommonWire,
  messages: readonly Message[],
  tools: readonly Tool[],
): Result<GenerationRequest, GatewayError> {
  const limit = wire.options?.num_predict ?? 0;
  return ok({
    // A tag that says nothing: its clients add it to every name.
    model: wire.model?.replace(/:latest$/, ''),
    fallbacks: wire.models ?? [],
    messages,
    tools,
    sampling: readSampling(wire.options ?? {}, wire),
    stream: wire.stream ?? true,
    preferences: wire.provider ?? NO_PREFERENCES,
    echoUpstreamBody: false,
    extras: {
      ...unknownFields(wire, KNOWN_FIELDS, DIALECT_ID),
      ...unknownFields(wire.options ?? {}, KNOWN_OPTIONS, OPTION_EXTRAS),
    },
    ...present({
      output: readOutput(wire.format),
      reasoning: readThinking(wire.think),
      // Negative numbers mean no limit.
      maxOutputTokens: limit > 0 ? limit : undefined,
      plugins: wire.plugins,
      sessionId: wire.session_id,
    }),
  });
}

/** @returns the request, or `invalid_request` with every issue's path */
export function decodeChat(body: unknown): Result<GenerationRequest, GatewayError> {
  const parsed = ollamaChatRequest.safeParse(body);
  if (!parsed.success) return fail(invalidIssues(parsed.error));
  const calls = new CallNames();
  return requestOf(
    parsed.data,
    parsed.data.messages.map((message) => readMessage(message, calls)),
    readTools(parsed.data.tools),
  );
}

/** A prompt is a conversation of one turn. */
export function decodeGenerate(body: unknown): Result<GenerationRequest, GatewayError> {
  const parsed = ollamaGenerateRequest.safeParse(body);
  if (!parsed.success) return fail(invalidIssues(parsed.error));
  const { system, prompt, suffix, images } = parsed.data;
  const messages: Message[] = [
    ...(system ? [{ role: 'system', parts: [{ kind: 'text', text: system }] } as const] : []),
    { role: 'user', parts: [{ kind: 'text', text: prompt }, ...pictures(images)] },
  ];
  const request = requestOf(parsed.data, messages, []);
  return request.ok && suffix ? ok({ ...request.value, suffix }) : request;
}
