import type { Dropped } from '../../canon/dropped.ts';
import type { AssistantMessage, CacheMark, Message, Part, ReasoningDetail, ToolMessage } from '../../canon/request.ts';
import { hasTrait, type Target } from '../../canon/target.ts';
import { inCallOrder } from '../call-order.ts';
import { dataUrl } from '../data-url.ts';
import { asText } from '../read.ts';
import { argumentsObject } from '../sampling.ts';
import { FORMAT } from './id.ts';

export type Wire = Record<string, unknown>;

export interface Turn {
  readonly role: 'user' | 'assistant' | 'system';
  readonly content: Wire[];
}

/** A mark as it is written; which of them may stay is decided when all are known. */
export const cacheWire = (mark: CacheMark | undefined): Wire =>
  mark ? { cache_control: { type: 'ephemeral', ...(mark.ttl !== undefined && { ttl: mark.ttl }) } } : {};

function sourceOf(url: string): Wire {
  const inline = dataUrl(url);
  return inline ? { type: 'base64', media_type: inline.mediaType, data: inline.data } : { type: 'url', url };
}

function fileWire(part: Extract<Part, { kind: 'file' }>): Wire | undefined {
  const title = part.filename === undefined ? {} : { title: part.filename };
  const mark = cacheWire(part.cache);
  if (part.fileId !== undefined)
    return { type: 'document', source: { type: 'file', file_id: part.fileId }, ...title, ...mark };
  if (part.data === undefined) return undefined;
  const inline = dataUrl(part.data);
  if (!inline && !/^https?:/i.test(part.data)) return undefined;
  if (inline?.mediaType.startsWith('text/')) {
    const data = Buffer.from(inline.data, 'base64').toString('utf8');
    return { type: 'document', source: { type: 'text', media_type: 'text/plain', data }, ...title, ...mark };
  }
  // Of all that is no text, this wire reads one kind.
  if (inline && inline.mediaType !== 'application/pdf') return undefined;
  return { type: 'document', source: sourceOf(part.data), ...title, ...mark };
}

function partWire(part: Part): Wire | undefined {
  switch (part.kind) {
    case 'text':
      return part.text === '' ? undefined : { type: 'text', text: part.text, ...cacheWire(part.cache) };
    case 'refusal':
      return part.text === '' ? undefined : { type: 'text', text: part.text };
    case 'image':
      return { type: 'image', source: sourceOf(part.url), ...cacheWire(part.cache) };
    case 'file':
      return fileWire(part);
    case 'audio':
    case 'video':
      return undefined;
  }
}

/** Blocks of a message. What this wire has no block for is named; an empty text is nothing and is not. */
function blocks(parts: readonly Part[], pointer: string, dropped: Dropped[]): Wire[] {
  return parts.flatMap((part, index) => {
    const wire = partWire(part);
    if (!wire && part.kind !== 'text' && part.kind !== 'refusal')
      dropped.push({ pointer: `${pointer}/content/${index}`, reason: 'unsupported' });
    return wire ? [wire] : [];
  });
}

/** Only what this maker signed or sealed goes back, byte for byte (UP-056); other makers' thoughts mean nothing here. */
function thoughtWire({ kind, format, signature, text, raw }: ReasoningDetail): Wire | undefined {
  if (format !== FORMAT) return undefined;
  if (kind === 'reasoning.encrypted') return { type: 'redacted_thinking', data: asText(raw.data) ?? '' };
  return signature === undefined ? undefined : { type: 'thinking', thinking: text ?? '', signature };
}

function assistantBlocks(message: AssistantMessage, pointer: string, dropped: Dropped[]): Wire[] {
  const details = message.reasoning?.details ?? [];
  const thoughts = details.flatMap((detail): Wire[] => {
    const wire = thoughtWire(detail);
    return wire ? [wire] : [];
  });
  if (thoughts.length < details.length || (details.length === 0 && message.reasoning?.text))
    dropped.push({ pointer: `${pointer}/reasoning`, reason: 'unsupported' });
  const calls = message.toolCalls.map((call, index) => ({
    type: 'tool_use',
    id: call.id,
    name: call.name,
    input: argumentsObject(call, `${pointer}/tool_calls/${index}`, dropped),
    ...cacheWire(call.cache),
  }));
  return [...thoughts, ...blocks(message.parts, pointer, dropped), ...calls];
}

/** A mark on the last part of a result is a mark on the result. */
function resultWire(message: ToolMessage, pointer: string, dropped: Dropped[]): Wire {
  const content = blocks(message.parts, pointer, dropped);
  const mark = content.at(-1)?.cache_control;
  for (const block of content) delete block.cache_control;
  return {
    type: 'tool_result',
    tool_use_id: message.callId,
    ...(content.length > 0 && { content }),
    ...(message.isError && { is_error: true }),
    ...(mark !== undefined && { cache_control: mark }),
  };
}

interface Conversation {
  readonly system: readonly Wire[];
  readonly turns: readonly Turn[];
}

/** Instructions in the middle keep their place where the model knows that: right after the user's turn, before the assistant's (spec/providers B.2.2). */
function keepsPlace(index: number, messages: readonly Message[], turns: readonly Turn[], target: Target): boolean {
  if (!hasTrait(target, 'system-turns') || turns.at(-1)?.role === 'assistant') return false;
  const next = messages.slice(index + 1).find(({ role }) => role !== 'system' && role !== 'developer');
  return next === undefined || next.role === 'assistant';
}

/** What is asked of a model that does not go on from what it has begun to say. */
const GO_ON = 'Go on from exactly where your last message ends, without repeating any of it.';

/** A begun answer ends without white space; a model that refuses to go on from one is asked to. */
function prefilled(turns: Turn[], pointer: string, refuses: boolean, dropped: Dropped[]): void {
  const last = turns.at(-1);
  const end = last?.role === 'assistant' ? last.content.at(-1) : undefined;
  if (end?.type !== 'text') return;
  end.text = String(end.text).trimEnd();
  if (!refuses) return;
  turns.push({ role: 'user', content: [{ type: 'text', text: GO_ON }] });
  dropped.push({ pointer, reason: 'adapted' });
}

/** Results first, in the order of the calls before them (UP-020). */
function resultsFirst(turns: readonly Turn[]): void {
  let calls: unknown[] = [];
  for (const { role, content } of turns) {
    if (role === 'assistant') calls = content.flatMap(({ type, id }) => (type === 'tool_use' ? [id] : []));
    if (role !== 'user') continue;
    const results = content.filter(({ type }) => type === 'tool_result');
    if (results.length === 0) continue;
    const others = content.filter(({ type }) => type !== 'tool_result');
    content.splice(0, content.length, ...inCallOrder(results, ({ tool_use_id: id }) => id, calls), ...others);
  }
}

/**
 * The conversation as this wire has it: leading system messages apart, later ones as text of the user's turn or in their place, one turn a
 * side, results of tools at the front of theirs, nothing empty (spec/providers B.2.2).
 * @param thinks a thinking model goes on from nothing that it did not think about
 */
export function conversation(
  messages: readonly Message[],
  target: Target,
  thinks: boolean,
  dropped: Dropped[],
): Conversation {
  const system: Wire[] = [];
  const turns: Turn[] = [];
  const add = (role: Turn['role'], content: readonly Wire[]): void => {
    if (content.length === 0) return;
    const last = turns.at(-1);
    if (last?.role === role) last.content.push(...content);
    else turns.push({ role, content: [...content] });
  };
  for (const [index, message] of messages.entries()) {
    const pointer = `/messages/${index}`;
    if (message.role === 'assistant') add('assistant', assistantBlocks(message, pointer, dropped));
    else if (message.role === 'tool') add('user', [resultWire(message, pointer, dropped)]);
    else {
      const content = blocks(message.parts, pointer, dropped);
      if (message.role === 'user') add('user', content);
      else if (turns.length === 0) system.push(...content);
      else add(keepsPlace(index, messages, turns, target) ? 'system' : 'user', content);
    }
  }
  // Nobody has said anything but the instructions: they are what is asked.
  if (turns.length === 0 && system.length > 0) return { system: [], turns: [{ role: 'user', content: system }] };
  resultsFirst(turns);
  prefilled(turns, `/messages/${messages.length - 1}`, thinks || hasTrait(target, 'no-prefill'), dropped);
  return { system, turns };
}
