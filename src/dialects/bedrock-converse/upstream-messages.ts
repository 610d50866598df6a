import type { Dropped } from '../../canon/dropped.ts';
import type { AssistantMessage, CacheMark, Message, Part, ReasoningDetail, ToolMessage } from '../../canon/request.ts';
import type { Target } from '../../canon/target.ts';
import { inCallOrder } from '../call-order.ts';
import { dataUrl } from '../data-url.ts';
import { asText } from '../read.ts';
import { callIds, LETTERS_64, NINE_CHARACTERS } from '../rewritten-names.ts';
import { argumentsObject } from '../sampling.ts';
import { FORMAT } from './id.ts';

export type Wire = Record<string, unknown>;

export interface Turn {
  readonly role: 'user' | 'assistant';
  readonly content: Wire[];
}

export const isClaude = ({ upstreamModel }: Target): boolean => upstreamModel.includes('claude');
export const isMistral = ({ upstreamModel }: Target): boolean => /mistral/.test(upstreamModel);
export const isNova = ({ upstreamModel }: Target): boolean => upstreamModel.includes('nova');

const DOCUMENTS: Readonly<Record<string, string>> = {
  'application/pdf': 'pdf',
  'text/plain': 'txt',
  'text/markdown': 'md',
  'text/csv': 'csv',
  'text/html': 'html',
  'application/msword': 'doc',
  'application/vnd.openxmlformats-officedocument.wordprocessingml.document': 'docx',
  'application/vnd.ms-excel': 'xls',
  'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet': 'xlsx',
};

/** A mark is a point after what it marks; only two families know it (spec/providers B.4.2). */
export function point(mark: CacheMark | undefined, target: Target, pointer: string, dropped: Dropped[]): Wire[] {
  if (!mark) return [];
  if (isClaude(target) || isNova(target))
    return [{ cachePoint: { type: 'default', ...(mark.ttl !== undefined && { ttl: mark.ttl }) } }];
  dropped.push({ pointer: `${pointer}/cache_control`, reason: 'unsupported' });
  return [];
}

const EXTENSION = /\.[^.]*$/;

/** Names of documents hold letters, digits, single spaces and a few signs. */
const documentName = (filename: string | undefined): string =>
  (filename ?? 'document')
    .replace(EXTENSION, '')
    .replace(/[^A-Za-z0-9 \-()[\]]+/g, ' ')
    .replace(/\s+/g, ' ')
    .trim() || 'document';

/** Claude sees the pages of a document only where citations are on, and reads its bare text where they are not (UP-026). */
function documentWire(part: Extract<Part, { kind: 'file' }>, target: Target): Wire | undefined {
  const inline = part.data === undefined ? undefined : dataUrl(part.data);
  const format = inline && DOCUMENTS[inline.mediaType];
  if (!inline || format === undefined) return undefined;
  return {
    document: {
      format,
      name: documentName(part.filename),
      source: { bytes: inline.data },
      ...(isClaude(target) && format === 'pdf' && { citations: { enabled: true } }),
    },
  };
}

function partWire(part: Part, target: Target): Wire | undefined {
  if (part.kind === 'text' || part.kind === 'refusal') return /\S/.test(part.text) ? { text: part.text } : undefined;
  if (part.kind === 'file') return documentWire(part, target);
  if (part.kind === 'audio') return { audio: { format: part.format, source: { bytes: part.data } } };
  const inline = dataUrl(part.url);
  const format = inline?.mediaType.split('/')[1];
  return inline && format !== undefined ? { [part.kind]: { format, source: { bytes: inline.data } } } : undefined;
}

/** Blocks of a message: blank text is nothing, and what has no block is named. */
function blocks(parts: readonly Part[], pointer: string, target: Target, dropped: Dropped[]): Wire[] {
  const wires: Wire[] = [];
  for (const [index, part] of parts.entries()) {
    const at = `${pointer}/content/${index}`;
    const wire = partWire(part, target);
    if (wire) wires.push(wire, ...point('cache' in part ? part.cache : undefined, target, at, dropped));
    else if (part.kind !== 'text' && part.kind !== 'refusal') dropped.push({ pointer: at, reason: 'unsupported' });
  }
  // A document alone is refused: something must be said about it.
  const lonely = wires.some(({ document }) => document) && !wires.some(({ text }) => text !== undefined);
  return lonely ? [...wires, { text: ' .' }] : wires;
}

/** Only what this family signed or sealed goes back, byte for byte. */
function thoughtWire({ kind, format, signature, text, raw }: ReasoningDetail): Wire | undefined {
  if (format !== FORMAT) return undefined;
  if (kind === 'reasoning.encrypted') return { reasoningContent: { redactedContent: asText(raw.data) ?? '' } };
  return signature === undefined ? undefined : { reasoningContent: { reasoningText: { text: text ?? '', signature } } };
}

type CallIds = (id: string) => string;

function assistantBlocks(
  message: AssistantMessage,
  pointer: string,
  ids: CallIds,
  target: Target,
  dropped: Dropped[],
): Wire[] {
  const details = message.reasoning?.details ?? [];
  const own = isClaude(target) ? details : [];
  const thoughts = own.flatMap((detail): Wire[] => {
    const wire = thoughtWire(detail);
    return wire ? [wire] : [];
  });
  if (thoughts.length < details.length || (details.length === 0 && message.reasoning?.text))
    dropped.push({ pointer: `${pointer}/reasoning`, reason: 'unsupported' });
  const calls = message.toolCalls.flatMap((call, index): Wire[] => [
    {
      toolUse: {
        toolUseId: ids(call.id),
        name: call.name,
        input: argumentsObject(call, `${pointer}/tool_calls/${index}`, dropped),
      },
    },
    ...point(call.cache, target, `${pointer}/tool_calls/${index}`, dropped),
  ]);
  return [...thoughts, ...blocks(message.parts, pointer, target, dropped), ...calls];
}

function resultWires(message: ToolMessage, pointer: string, ids: CallIds, target: Target, dropped: Dropped[]): Wire[] {
  const all = blocks(message.parts, pointer, target, dropped);
  const content = all.filter(({ cachePoint }) => !cachePoint);
  const told = isClaude(target) || isNova(target);
  if (message.isError && !told) dropped.push({ pointer: `${pointer}/is_error`, reason: 'unsupported' });
  return [
    {
      toolResult: {
        toolUseId: ids(message.callId),
        content: content.length > 0 ? content : [{ text: ' .' }],
        ...(message.isError && told && { status: 'error' }),
      },
    },
    ...all.filter(({ cachePoint }) => cachePoint),
  ];
}

interface Conversation {
  readonly system: readonly Wire[];
  readonly turns: readonly Turn[];
}

/**
 * The conversation as this wire has it: leading system messages apart, later ones as text of the user's turn, one turn a side, results of
 * tools at the front of theirs, the user first, nothing blank (spec/providers B.4.2).
 */
export function conversation(messages: readonly Message[], target: Target, dropped: Dropped[]): Conversation {
  const system: Wire[] = [];
  const turns: Turn[] = [];
  // 64 characters of a few kinds, or nine for one family (UP-066).
  const ids = callIds(messages, isMistral(target) ? NINE_CHARACTERS : LETTERS_64);
  const add = (role: Turn['role'], content: readonly Wire[]): void => {
    if (content.length === 0) return;
    const last = turns.at(-1);
    if (last?.role === role) last.content.push(...content);
    else turns.push({ role, content: [...content] });
  };
  for (const [index, message] of messages.entries()) {
    const pointer = `/messages/${index}`;
    if (message.role === 'assistant') add('assistant', assistantBlocks(message, pointer, ids, target, dropped));
    else if (message.role === 'tool') add('user', resultWires(message, pointer, ids, target, dropped));
    else if (message.role === 'user' || turns.length > 0) add('user', blocks(message.parts, pointer, target, dropped));
    else system.push(...blocks(message.parts, pointer, target, dropped));
  }
  if (turns.length === 0 && system.length > 0) return { system: [], turns: [{ role: 'user', content: system }] };
  if (turns[0]?.role === 'assistant') turns.unshift({ role: 'user', content: [{ text: ' .' }] });
  resultsFirst(turns);
  return { system, turns };
}

/** Results first, in the order of the calls before them, each with the point that marks it (UP-020). */
function resultsFirst(turns: readonly Turn[]): void {
  let calls: unknown[] = [];
  for (const { role, content } of turns) {
    if (role === 'assistant') {
      calls = content.flatMap(({ toolUse }) => (toolUse ? [(toolUse as Wire).toolUseId] : []));
      continue;
    }
    const results: Wire[][] = [];
    const others: Wire[] = [];
    let ofResult = false;
    for (const wire of content) {
      if (wire.cachePoint && ofResult) results.at(-1)?.push(wire);
      else if (wire.toolResult) results.push([wire]);
      else others.push(wire);
      ofResult = wire.toolResult !== undefined;
    }
    const idOf = ([first]: readonly Wire[]): unknown => (first?.toolResult as Wire | undefined)?.toolUseId;
    if (results.length > 0) content.splice(0, content.length, ...inCallOrder(results, idOf, calls).flat(), ...others);
  }
}
