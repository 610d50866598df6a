import type { Dropped } from '../../canon/dropped.ts';
import type { AssistantMessage, CacheMark, Message, Part, ReasoningDetail, ToolMessage } from '../../canon/request.ts';
import { dataUrl } from '../data-url.ts';
import { asText } from '../read.ts';
import { argumentsObject } from '../sampling.ts';
import { FORMAT } from './id.ts';

export type Wire = Record<string, unknown>;

export interface Turn {
  readonly role: 'user' | 'assistant';
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
  const calls = message.toolCalls.map((call) => ({
    type: 'tool_use',
    id: call.id,
    name: call.name,
    input: argumentsObject(call),
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

/**
 * The conversation as this wire has it: leading system messages apart, later ones as text of the user's turn, one turn a side, results of
 * tools at the front of theirs, nothing empty (spec/providers B.2.2).
 */
export function conversation(messages: readonly Message[], dropped: Dropped[]): Conversation {
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
    else if (message.role === 'user' || turns.length > 0) add('user', blocks(message.parts, pointer, dropped));
    else system.push(...blocks(message.parts, pointer, dropped));
  }
  // Nobody has said anything but the instructions: they are what is asked.
  if (turns.length === 0 && system.length > 0) return { system: [], turns: [{ role: 'user', content: system }] };
  for (const turn of turns) {
    const results = turn.content.filter(({ type }) => type === 'tool_result');
    if (results.length > 0)
      turn.content.splice(
        0,
        turn.content.length,
        ...results,
        ...turn.content.filter(({ type }) => type !== 'tool_result'),
      );
  }
  const last = turns.at(-1);
  const end = last?.role === 'assistant' ? last.content.at(-1) : undefined;
  if (end?.type === 'text') end.text = String(end.text).trimEnd();
  return { system, turns };
}
