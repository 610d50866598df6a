import type { Dropped } from '../../canon/dropped.ts';
import { type Parameter, supports } from '../../canon/parameters.ts';
import {
  type AssistantMessage,
  effortOf,
  type GenerationRequest,
  type Message,
  nearestEffort,
  type Part,
  type ReasoningDetail,
} from '../../canon/request.ts';
import type { Target } from '../../canon/target.ts';
import { fitMarks, markWire } from '../cache-marks.ts';
import { type EncodedRequest, EXPECT_NOTHING } from '../dialect.ts';
import { extraFields } from '../extras.ts';
import { asText } from '../read.ts';
import { unsaid } from '../unsaid.ts';
import { DIALECT_ID, FORMAT } from './id.ts';
import { formatWire, toolChoiceWire, toolWire } from './response.ts';

type Wire = Record<string, unknown>;

function partWire(part: Part, target: Target): Wire | undefined {
  switch (part.kind) {
    case 'text':
      return { type: 'input_text', text: part.text, ...markWire(part.cache, target) };
    case 'refusal':
      return { type: 'input_text', text: part.text };
    case 'image':
      return { type: 'input_image', image_url: part.url, detail: part.detail ?? 'auto' };
    case 'audio':
      return { type: 'input_audio', input_audio: { data: part.data, format: part.format } };
    case 'file': {
      if (part.fileId !== undefined) return { type: 'input_file', file_id: part.fileId };
      if (part.data === undefined) return undefined;
      const content = /^https?:/i.test(part.data) ? { file_url: part.data } : { file_data: part.data };
      return { type: 'input_file', ...content, ...(part.filename !== undefined && { filename: part.filename }) };
    }
    case 'video':
      return undefined;
  }
}

function partsWire(parts: readonly Part[], pointer: string, target: Target, dropped: Dropped[]): Wire[] {
  return parts.flatMap((part, index) => {
    const wire = partWire(part, target);
    if (!wire) dropped.push({ pointer: `${pointer}/content/${index}`, reason: 'unsupported' });
    return wire ? [wire] : [];
  });
}

/** Details of one id were one item, and become it again: the maker finds its thought as it gave it (INF-283). */
function thoughts(details: readonly ReasoningDetail[]): readonly Wire[] {
  const items = new Map<string, Wire & { summary: Wire[] }>();
  for (const [index, { kind, format, text, raw }] of details.entries()) {
    if (format !== FORMAT) continue;
    const id = asText(raw.id) ?? `rs_${index}`;
    const item = items.get(id) ?? { type: 'reasoning', id, summary: [] };
    items.set(id, item);
    if (kind === 'reasoning.summary') item.summary.push({ type: 'summary_text', text: text ?? '' });
    else if (kind === 'reasoning.text') item.content = [{ type: 'reasoning_text', text: text ?? '' }];
    else item.encrypted_content = raw.data;
  }
  return [...items.values()];
}

function assistantItems(message: AssistantMessage, pointer: string, dropped: Dropped[]): Wire[] {
  const details = message.reasoning?.details ?? [];
  if (details.some(({ format }) => format !== FORMAT) || (details.length === 0 && message.reasoning?.text))
    dropped.push({ pointer: `${pointer}/reasoning`, reason: 'unsupported' });
  const content = message.parts.flatMap((part): Wire[] => {
    if (part.kind === 'text') return [{ type: 'output_text', text: part.text, annotations: [] }];
    return part.kind === 'refusal' ? [{ type: 'refusal', refusal: part.text }] : [];
  });
  return [
    ...thoughts(details),
    ...(content.length > 0 ? [{ type: 'message', role: 'assistant', content }] : []),
    ...message.toolCalls.map(({ id, name, arguments: text }) => ({
      type: 'function_call',
      call_id: id,
      name,
      arguments: text === '' ? '{}' : text,
    })),
  ];
}

function items(message: Message, pointer: string, target: Target, dropped: Dropped[]): Wire[] {
  if (message.role === 'assistant') return assistantItems(message, pointer, dropped);
  const content = partsWire(message.parts, pointer, target, dropped);
  if (message.role !== 'tool') return [{ type: 'message', role: message.role, content }];
  if (message.isError) dropped.push({ pointer: `${pointer}/is_error`, reason: 'unsupported' });
  const plain = message.parts.every(({ kind }) => kind === 'text');
  const output = plain ? message.parts.map((part) => (part.kind === 'text' ? part.text : '')).join('') : content;
  return [{ type: 'function_call_output', call_id: message.callId, output }];
}

/** Wishes with one field each: the parameter, its name here, and its value. */
const SIMPLE: readonly (readonly [Parameter, string, (request: GenerationRequest) => unknown])[] = [
  ['temperature', 'temperature', (r) => r.sampling.temperature],
  ['top_p', 'top_p', (r) => r.sampling.topP],
  ['top_k', 'top_k', (r) => r.sampling.topK],
  ['frequency_penalty', 'frequency_penalty', (r) => r.sampling.frequencyPenalty],
  ['presence_penalty', 'presence_penalty', (r) => r.sampling.presencePenalty],
  ['top_logprobs', 'top_logprobs', (r) => r.sampling.topLogprobs],
  ['max_tokens', 'max_output_tokens', (r) => r.maxOutputTokens],
];

const ABSENT: readonly (readonly [string, (request: GenerationRequest) => unknown])[] = [
  ['/seed', (r) => r.sampling.seed],
  ['/stop', (r) => r.sampling.stop],
  ['/min_p', (r) => r.sampling.minP],
  ['/top_a', (r) => r.sampling.topA],
  ['/repetition_penalty', (r) => r.sampling.repetitionPenalty],
  ['/logit_bias', (r) => r.sampling.logitBias],
  ['/prediction', (r) => r.prediction],
];

function reasoningWire(request: GenerationRequest, target: Target, dropped: Dropped[]): Wire {
  const wish = request.reasoning;
  if (!wish) return {};
  if (!supports(target.parameters, 'reasoning')) {
    dropped.push({ pointer: '/reasoning', reason: 'unsupported' });
    return {};
  }
  const wanted = effortOf(wish);
  const effort = wanted === undefined ? undefined : target.efforts ? nearestEffort(wanted, target.efforts) : wanted;
  return {
    reasoning: { ...(effort !== undefined && { effort }), ...(!wish.exclude && { summary: wish.summary ?? 'auto' }) },
    include: ['reasoning.encrypted_content'],
  };
}

function outputWire(request: GenerationRequest, target: Target, dropped: Dropped[]): Wire {
  const { output, verbosity } = request;
  const text: Wire = {};
  if (output?.kind === 'json' || output?.kind === 'json-schema') {
    const parameter = output.kind === 'json' ? 'response_format' : 'structured_outputs';
    if (supports(target.parameters, parameter)) text.format = formatWire(output);
    else dropped.push({ pointer: '/response_format', reason: 'unsupported' });
  } else if (output && output.kind !== 'text') dropped.push({ pointer: '/response_format', reason: 'unsupported' });
  if (verbosity !== undefined) {
    if (supports(target.parameters, 'verbosity')) text.verbosity = verbosity;
    else dropped.push({ pointer: '/verbosity', reason: 'unsupported' });
  }
  return Object.keys(text).length > 0 ? { text } : {};
}

function toolsWire(request: GenerationRequest, target: Target, dropped: Dropped[]): Wire {
  if (request.tools.length === 0) return {};
  if (!supports(target.parameters, 'tools')) {
    dropped.push({ pointer: '/tools', reason: 'unsupported' });
    return {};
  }
  return {
    tools: request.tools.map(toolWire),
    ...(request.toolChoice && { tool_choice: toolChoiceWire(request.toolChoice) }),
    ...(request.parallelToolCalls !== undefined && { parallel_tool_calls: request.parallelToolCalls }),
  };
}

/** The request as a host of this dialect takes it: everything is said anew each time, and nothing is stored there. */
export function encodeRequest(asked: GenerationRequest, target: Target): EncodedRequest {
  const dropped: Dropped[] = [];
  unsaid(asked, { detail: true, strict: true, thoughts: true }, dropped);
  const request = fitMarks(asked, target, dropped);
  const body: Wire = {
    model: target.upstreamModel,
    input: request.messages.flatMap((message, index) => items(message, `/messages/${index}`, target, dropped)),
    store: false,
  };
  for (const [parameter, name, wish] of SIMPLE) {
    const value = wish(request);
    if (value === undefined) continue;
    if (supports(target.parameters, parameter)) body[name] = value;
    else dropped.push({ pointer: `/${parameter}`, reason: 'unsupported' });
  }
  for (const [pointer, wish] of ABSENT)
    if (wish(request) !== undefined) dropped.push({ pointer, reason: 'unsupported' });
  Object.assign(
    body,
    reasoningWire(request, target, dropped),
    outputWire(request, target, dropped),
    toolsWire(request, target, dropped),
  );
  Object.assign(body, extraFields(request, DIALECT_ID, target, dropped));
  if (request.stream) body.stream = true;
  return { path: '/responses', body: JSON.stringify(body), dropped, expectation: EXPECT_NOTHING };
}
