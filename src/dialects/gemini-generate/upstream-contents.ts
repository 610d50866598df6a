import type { Dropped } from '../../canon/dropped.ts';
import type { AssistantMessage, Message, Part, ReasoningDetail, ToolMessage } from '../../canon/request.ts';
import type { Target } from '../../canon/target.ts';
import { inCallOrder } from '../call-order.ts';
import { dataUrl } from '../data-url.ts';
import { asObject, asText, parseJson } from '../read.ts';
import { argumentsObject } from '../sampling.ts';
import { FORMAT } from './id.ts';

export type Wire = Record<string, unknown>;

interface Turn {
  readonly role: 'user' | 'model';
  readonly parts: Wire[];
}

/** Accepted in place of a signature that this maker never gave (spec/providers B.3.2). */
const NO_SIGNATURE = 'skip_thought_signature_validator';

/** Which generation a model is of; 0 where its name does not say. */
export const generation = ({ upstreamModel }: Target): number =>
  Number(/gemini-(\d+(?:\.\d+)?)/.exec(upstreamModel)?.[1] ?? 0);

/** From the third generation on thinking has levels, and a call of the turn under way must be signed (spec/providers B.3.2). */
export const hasLevels = (target: Target): boolean => generation(target) >= 3;

/** The open-weight family knows no instructions: they stand before what the user says first. */
const isGemma = ({ upstreamModel }: Target): boolean => upstreamModel.includes('gemma');

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

/** The conversation as this wire has it: instructions apart, one turn a side, the user first, nothing empty (UP-031). */
export function conversation(
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
  resultsFirst(turns);
  if (turns[0]?.role === 'model') turns.unshift({ role: 'user', parts: [{ text: ' ' }] });
  const [first] = turns;
  if (!first) return { system: [], turns: [{ role: 'user', parts: system.length > 0 ? system : [{ text: ' ' }] }] };
  if (!isGemma(target)) return { system, turns };
  first.parts.unshift(...system);
  return { system: [], turns };
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
