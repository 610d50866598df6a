import type { Dropped } from '../../canon/dropped.ts';
import { supports } from '../../canon/parameters.ts';
import {
  type AssistantMessage,
  type Effort,
  effortOf,
  type GenerationRequest,
  type Message,
  type Part,
  type ReasoningDetail,
  type ToolChoice,
  type ToolMessage,
} from '../../canon/request.ts';
import type { Target } from '../../canon/target.ts';
import { inCallOrder } from '../call-order.ts';
import { dataUrl } from '../data-url.ts';
import { type EncodedRequest, EXPECT_NOTHING } from '../dialect.ts';
import { extraFields } from '../extras.ts';
import { asObject, asText, parseJson } from '../read.ts';
import { argumentsObject, sampled, stops } from '../sampling.ts';
import { DIALECT_ID, FORMAT } from './id.ts';

type Wire = Record<string, unknown>;
interface Turn {
  readonly role: 'user' | 'model';
  readonly parts: Wire[];
}

const STOPS_MAX = 5;
/** Accepted in place of a signature that this maker never gave (spec/providers B.3.2). */
const NO_SIGNATURE = 'skip_thought_signature_validator';
const LEVELS = {
  none: 'MINIMAL',
  minimal: 'MINIMAL',
  low: 'LOW',
  medium: 'MEDIUM',
  high: 'HIGH',
  xhigh: 'HIGH',
  max: 'HIGH',
} as const;
const BUDGETS = { none: 0, minimal: 512, low: 2048, medium: 8192, high: 16_384, xhigh: 24_576, max: 24_576 } as const;

/** From the third generation on thinking has levels, and a call of the turn under way must be signed (spec/providers B.3.2). */
const hasLevels = (target: Target): boolean => Number(/gemini-(\d+)/.exec(target.upstreamModel)?.[1] ?? 0) >= 3;

function dataPart(url: string, fallbackType: string): Wire {
  const inline = dataUrl(url);
  if (!inline) return { fileData: { mimeType: fallbackType, fileUri: url } };
  return { inlineData: { mimeType: inline.mediaType || fallbackType, data: inline.data } };
}

function partWire(part: Part): Wire | undefined {
  switch (part.kind) {
    case 'text':
    case 'refusal':
      return part.text === '' ? undefined : { text: part.text };
    case 'image':
      return dataPart(part.url, 'image/jpeg');
    case 'video':
      return dataPart(part.url, 'video/mp4');
    case 'audio':
      return { inlineData: { mimeType: `audio/${part.format}`, data: part.data } };
    case 'file':
      return part.data === undefined ? undefined : dataPart(part.data, 'application/pdf');
  }
}

function partsWire(parts: readonly Part[], pointer: string, dropped: Dropped[]): Wire[] {
  return parts.flatMap((part, index) => {
    const wire = partWire(part);
    if (!wire && part.kind !== 'text' && part.kind !== 'refusal')
      dropped.push({ pointer: `${pointer}/content/${index}`, reason: 'unsupported' });
    if ('cache' in part && part.cache)
      dropped.push({ pointer: `${pointer}/content/${index}/cache_control`, reason: 'unsupported' });
    return wire ? [wire] : [];
  });
}

/** Signatures return to the call that they came with, or to the last text; thoughts themselves are not told again (UP-057). */
function modelParts(message: AssistantMessage, pointer: string, target: Target, dropped: Dropped[]): Wire[] {
  const details = message.reasoning?.details ?? [];
  const own = details.filter(({ format }) => format === FORMAT);
  if (own.length < details.length || (details.length === 0 && message.reasoning?.text))
    dropped.push({ pointer: `${pointer}/reasoning`, reason: 'unsupported' });
  const sealed = own.filter(({ kind }) => kind === 'reasoning.encrypted');
  const parts = partsWire(message.parts, pointer, dropped);
  const loose = sealed.find(({ raw }) => asText(raw.id) === undefined);
  const last = parts.at(-1);
  if (loose && last) last.thoughtSignature = loose.raw.data;
  return [...parts, ...callParts(message, sealed, pointer, target, dropped)];
}

function callParts(
  message: AssistantMessage,
  sealed: readonly ReasoningDetail[],
  pointer: string,
  target: Target,
  dropped: Dropped[],
): Wire[] {
  return message.toolCalls.map((call, index) => {
    const { id, name } = call;
    const signature = asText(sealed.find(({ raw }) => raw.id === id)?.raw.data);
    const missing = index === 0 && hasLevels(target) ? NO_SIGNATURE : undefined;
    const thoughtSignature = signature ?? missing;
    return {
      functionCall: { id, name, args: argumentsObject(call, `${pointer}/tool_calls/${index}`, dropped) },
      ...(thoughtSignature !== undefined && { thoughtSignature }),
    };
  });
}

function resultPart(message: ToolMessage, names: ReadonlyMap<string, string>): Wire {
  const text = message.parts.map((part) => (part.kind === 'text' ? part.text : '')).join('');
  const response = message.isError ? { error: text } : (asObject(parseJson(text)) ?? { result: text });
  return { functionResponse: { id: message.callId, name: names.get(message.callId) ?? message.callId, response } };
}

function conversation(
  messages: readonly Message[],
  target: Target,
  dropped: Dropped[],
): { system: Wire[]; turns: Turn[] } {
  const system: Wire[] = [];
  const turns: Turn[] = [];
  const names = new Map<string, string>();
  const add = (role: Turn['role'], parts: readonly Wire[]): void => {
    if (parts.length === 0) return;
    const last = turns.at(-1);
    if (last?.role === role) last.parts.push(...parts);
    else turns.push({ role, parts: [...parts] });
  };
  for (const [index, message] of messages.entries()) {
    const pointer = `/messages/${index}`;
    if (message.role === 'assistant') {
      for (const { id, name } of message.toolCalls) names.set(id, name);
      add('model', modelParts(message, pointer, target, dropped));
    } else if (message.role === 'tool') {
      add('user', [resultPart(message, names)]);
      const others = message.parts.filter(({ kind }) => kind !== 'text');
      add('user', partsWire(others, pointer, dropped));
    } else if (message.role === 'user') add('user', partsWire(message.parts, pointer, dropped));
    else system.push(...partsWire(message.parts, pointer, dropped));
  }
  if (turns.length === 0 && system.length > 0) return { system: [], turns: [{ role: 'user', parts: system }] };
  resultsFirst(turns);
  // A conversation begins with the user (UP-031).
  if (turns[0]?.role === 'model') turns.unshift({ role: 'user', parts: [{ text: ' ' }] });
  return { system, turns };
}

/** Results first, in the order of the calls before them (UP-020). */
function resultsFirst(turns: readonly Turn[]): void {
  let calls: unknown[] = [];
  for (const { role, parts } of turns) {
    if (role === 'model') {
      calls = parts.flatMap(({ functionCall }) => (functionCall ? [(functionCall as Wire).id] : []));
      continue;
    }
    const results = parts.filter(({ functionResponse }) => functionResponse);
    if (results.length === 0) continue;
    const ordered = inCallOrder(results, ({ functionResponse }) => (functionResponse as Wire).id, calls);
    parts.splice(0, parts.length, ...ordered, ...parts.filter(({ functionResponse }) => !functionResponse));
  }
}

/** Wishes that have a place in `generationConfig`. */
const WRITTEN: ReadonlySet<string> = new Set(['modalities']);

const NAMES = {
  temperature: 'temperature',
  top_p: 'topP',
  top_k: 'topK',
  seed: 'seed',
  frequency_penalty: 'frequencyPenalty',
  presence_penalty: 'presencePenalty',
  max_tokens: 'maxOutputTokens',
  logprobs: 'responseLogprobs',
  top_logprobs: 'logprobs',
} as const;

/** The larger models always think, the smaller ones may not; each has its most (spec/providers B.3.2). */
const isPro = (target: Target): boolean => /-pro\b/.test(target.upstreamModel);

function budgetOf(wanted: number, target: Target): number {
  if (wanted < 0) return wanted;
  return isPro(target) ? Math.min(Math.max(wanted, 128), 32_768) : Math.min(wanted, 24_576);
}

function levelOf(effort: Effort, target: Target): string {
  const level = LEVELS[effort];
  return isPro(target) && level === 'MINIMAL' ? 'LOW' : level;
}

/** A budget for the second generation, a level for the third and later, never both (UP-051). */
function thinkingConfig(request: GenerationRequest, target: Target, dropped: Dropped[]): Wire {
  const wish = request.reasoning;
  const effort = effortOf(wish);
  if (!wish) return {};
  if (!supports(target.parameters, 'reasoning')) {
    dropped.push({ pointer: '/reasoning', reason: 'unsupported' });
    return {};
  }
  const shown = { includeThoughts: !wish.exclude };
  if (effort === undefined) return { thinkingConfig: shown };
  if (hasLevels(target)) return { thinkingConfig: { ...shown, thinkingLevel: levelOf(effort, target) } };
  const budget = wish.budgetTokens ?? (wish.enabled && wish.effort === undefined ? -1 : BUDGETS[effort]);
  return { thinkingConfig: { ...shown, thinkingBudget: budgetOf(budget, target) } };
}

function outputConfig(request: GenerationRequest, target: Target, dropped: Dropped[]): Wire {
  const { output } = request;
  if (!output || output.kind === 'text') return {};
  const parameter = output.kind === 'json-schema' ? 'structured_outputs' : 'response_format';
  const known = output.kind === 'json' || output.kind === 'json-schema';
  if (!known || !supports(target.parameters, parameter)) {
    dropped.push({ pointer: '/response_format', reason: 'unsupported' });
    return {};
  }
  return {
    responseMimeType: 'application/json',
    ...(output.kind === 'json-schema' && { responseJsonSchema: output.schema }),
  };
}

const MODES = { none: 'NONE', auto: 'AUTO', required: 'ANY', named: 'ANY' } as const;

const choiceWire = (choice: ToolChoice): Wire => ({
  functionCallingConfig: {
    mode: MODES[choice.kind],
    ...(choice.kind === 'named' && { allowedFunctionNames: [choice.name] }),
  },
});

function toolsWire(request: GenerationRequest, target: Target, dropped: Dropped[]): Wire {
  if (request.tools.length === 0) return {};
  if (!supports(target.parameters, 'tools')) {
    dropped.push({ pointer: '/tools', reason: 'unsupported' });
    return {};
  }
  const functionDeclarations = request.tools.map(({ name, description, parameters }) => ({
    name,
    ...(description !== undefined && { description }),
    ...(parameters && { parametersJsonSchema: parameters }),
  }));
  return {
    tools: [{ functionDeclarations }],
    ...(request.toolChoice && { toolConfig: choiceWire(request.toolChoice) }),
  };
}

/** The request as a host of this dialect takes it (spec/providers B.3.2); the path says the model and whether to stream. */
export function encodeRequest(request: GenerationRequest, target: Target): EncodedRequest {
  const dropped: Dropped[] = [];
  const { system, turns } = conversation(request.messages, target, dropped);
  const config: Wire = sampled(request, target, NAMES, dropped);
  if (request.cache) dropped.push({ pointer: '/cache_control', reason: 'unsupported' });
  const stopSequences = stops(request, STOPS_MAX, dropped);
  if (stopSequences) config.stopSequences = stopSequences;
  if (request.parallelToolCalls === false) dropped.push({ pointer: '/parallel_tool_calls', reason: 'unsupported' });
  if (request.modalities) config.responseModalities = request.modalities.map((one) => one.toUpperCase());
  Object.assign(config, thinkingConfig(request, target, dropped), outputConfig(request, target, dropped));
  const body: Wire = {
    contents: turns,
    ...(system.length > 0 && { systemInstruction: { parts: system } }),
    ...toolsWire(request, target, dropped),
    ...(Object.keys(config).length > 0 && { generationConfig: config }),
  };
  Object.assign(body, extraFields(request, DIALECT_ID, target, dropped, WRITTEN));
  const method = request.stream ? 'streamGenerateContent?alt=sse' : 'generateContent';
  return {
    path: `/models/${target.upstreamModel}:${method}`,
    body: JSON.stringify(body),
    dropped,
    expectation: EXPECT_NOTHING,
  };
}
