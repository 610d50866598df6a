import type { GenerationRequest, Message, Part } from '../canon/request.ts';
import { bareTokens, estimateTokens, messageTokens } from '../canon/tokens.ts';

/**
 * Middle-out: a conversation that is too long loses its middle (spec/inference 5.15). Instructions, the latest word of the user and the
 * latest turn stay; calls of tools stay with their results; what is next to the ends stays longest.
 */

export interface Room {
  /** For the whole prompt, tools included, by our own estimate. */
  readonly tokensMax: number;
  readonly messagesMax?: number;
}

export interface Compressed {
  readonly messages: readonly Message[];
  /** Where each message stood before. */
  readonly places: readonly number[];
  /** By our own estimate. */
  readonly tokens: number;
}

/** Stands where a piece of a text is missing. */
const GAP = '\n[...]\n';
/** Less than this of a text says nothing. */
const PIECE_TOKENS_MIN = 16;
/** A turn beside the gap is kept in part where at least this much of it fits. */
const REST_TOKENS_MIN = 64;

/** Messages that stay or go together: one turn, or a call of tools with everything up to its last result. */
interface Unit {
  readonly from: number;
  readonly to: number;
  readonly tokens: number;
  readonly kept: boolean;
}

/**
 * @returns undefined where nothing has to go; `none` where it cannot be made to fit
 */
export function compress(request: GenerationRequest, room: Room): Compressed | 'none' | undefined {
  const { messages } = request;
  const sizes = messages.map(messageTokens);
  const bare = bareTokens(request);
  const total = sizes.reduce((sum, size) => sum + size, bare);
  const { tokensMax, messagesMax = Number.POSITIVE_INFINITY } = room;
  if (total <= tokensMax && messages.length <= messagesMax) return undefined;
  const units = unitsOf(messages, sizes);
  const byCount = ends(units, ({ from, to }) => to - from, messagesMax);
  const left = ends(byCount.kept, ({ tokens }) => tokens, tokensMax - bare);
  const chosen: Chosen[] = left.kept.map((unit) => ({ unit, messages: messages.slice(unit.from, unit.to) }));
  // What the kept ones leave of the room is for a part of the turn behind the gap.
  if (left.over >= REST_TOKENS_MIN && left.next) {
    const rest = cut(messages.slice(left.next.from, left.next.to), left.over);
    if (rest)
      chosen.splice(chosen.findLastIndex(({ unit }) => unit.to <= (left.next?.from ?? 0)) + 1, 0, {
        unit: left.next,
        messages: rest,
      });
  }
  const short = left.over < 0 ? shortened(chosen, -left.over) : chosen;
  const kept = short?.flatMap((one) => one.messages) ?? [];
  if (!short || kept.length > messagesMax) return 'none';
  return {
    messages: kept,
    places: short.flatMap(({ unit }) => Array.from({ length: unit.to - unit.from }, (_, at) => unit.from + at)),
    tokens: kept.reduce((sum, message) => sum + messageTokens(message), bare),
  };
}

function unitsOf(messages: readonly Message[], sizes: readonly number[]): readonly Unit[] {
  const ends = lastsOfCalls(messages);
  const lastUser = messages.findLastIndex(({ role }) => role === 'user');
  const units: Unit[] = [];
  for (let from = 0; from < messages.length; ) {
    let to = from + 1;
    for (let at = from; at < to; at += 1) to = Math.max(to, (ends.get(at) ?? at) + 1);
    let tokens = 0;
    let kept = to === messages.length || (lastUser >= from && lastUser < to);
    for (let at = from; at < to; at += 1) {
      tokens += sizes[at] ?? 0;
      const role = messages[at]?.role;
      kept ||= role === 'system' || role === 'developer';
    }
    units.push({ from, to, tokens, kept });
    from = to;
  }
  return units;
}

/** For each turn that calls tools, the place of its last result. */
function lastsOfCalls(messages: readonly Message[]): ReadonlyMap<number, number> {
  const callers = new Map<string, number>();
  const lasts = new Map<number, number>();
  for (const [at, message] of messages.entries()) {
    if (message.role === 'assistant') for (const { id } of message.toolCalls) callers.set(id, at);
    if (message.role !== 'tool') continue;
    // A result whose call is not there belongs to whatever stands before it.
    lasts.set(callers.get(message.callId) ?? Math.max(0, at - 1), at);
  }
  return lasts;
}

interface Ends {
  readonly kept: readonly Unit[];
  /** What is left of the room; negative where what must stay is too much already. */
  readonly over: number;
  /** The first one behind the gap, where there is a gap. */
  readonly next: Unit | undefined;
}

/** What must stay, and as much as there is room for from both ends inward, the side that has less going first. */
function ends(units: readonly Unit[], sizeOf: (unit: Unit) => number, most: number): Ends {
  let over = most;
  for (const unit of units) if (unit.kept) over -= sizeOf(unit);
  let head = 0;
  let tail = 0;
  let low = 0;
  let high = units.length - 1;
  let lowOpen = true;
  let highOpen = true;
  while (low <= high && (lowOpen || highOpen)) {
    const fromHead = lowOpen && (head < tail || !highOpen);
    const unit = units[fromHead ? low : high] as Unit;
    const size = sizeOf(unit);
    if (!unit.kept && size > over) {
      if (fromHead) lowOpen = false;
      else highOpen = false;
      continue;
    }
    if (!unit.kept) over -= size;
    if (fromHead) {
      low += 1;
      head += size;
    } else {
      high -= 1;
      tail += size;
    }
  }
  const gone = (unit: Unit, at: number): boolean => at >= low && at <= high && !unit.kept;
  return { kept: units.filter((unit, at) => !gone(unit, at)), over, next: units.findLast(gone) };
}

interface Chosen {
  readonly unit: Unit;
  readonly messages: readonly Message[];
}

/** Texts of what must stay are cut, the longest first; instructions never are. */
function shortened(chosen: readonly Chosen[], tooMany: number): readonly Chosen[] | undefined {
  const all = chosen.flatMap(({ messages }) => messages);
  const open = all.filter(({ role }) => role !== 'system' && role !== 'developer');
  const now = open.reduce((sum, message) => sum + messageTokens(message), 0);
  const less = cut(open, now - tooMany, PIECE_TOKENS_MIN);
  if (!less) return undefined;
  const cutOf = new Map(open.map((message, at) => [message, less[at] ?? message]));
  return chosen.map(({ unit, messages }) => ({
    unit,
    messages: messages.map((message) => cutOf.get(message) ?? message),
  }));
}

/**
 * The same messages with their longest texts cut in the middle, all to one length.
 * @returns undefined where that would leave less than `least` tokens of a text, or is not enough
 */
function cut(messages: readonly Message[], tokensMax: number, least = REST_TOKENS_MIN): readonly Message[] | undefined {
  const texts = messages.flatMap(({ parts }) =>
    parts.flatMap((part) => (isText(part) ? [estimateTokens(part.text)] : [])),
  );
  const all = messages.reduce((sum, message) => sum + messageTokens(message), 0);
  if (all <= tokensMax) return messages;
  const level = levelOf(texts, tokensMax - (all - texts.reduce((sum, size) => sum + size, 0)));
  if (level < least) return undefined;
  return messages.map((message) => {
    if (!message.parts.some((part) => isText(part) && estimateTokens(part.text) > level)) return message;
    return {
      ...message,
      parts: message.parts.map((part) => (isText(part) ? { ...part, text: cutText(part.text, level) } : part)),
    };
  });
}

const isText = (part: Part): part is Extract<Part, { kind: 'text' }> => part.kind === 'text';

/** The greatest length that all texts together may be cut to. */
function levelOf(sizes: readonly number[], budget: number): number {
  const sorted = [...sizes].sort((a, b) => a - b);
  let left = budget;
  for (const [at, size] of sorted.entries()) {
    const share = Math.floor(left / (sorted.length - at));
    if (size > share) return share;
    left -= size;
  }
  return sorted.at(-1) ?? 0;
}

/** A text without its middle, of at most so many tokens. */
function cutText(text: string, tokensMax: number): string {
  if (estimateTokens(text) <= tokensMax) return text;
  let low = 0;
  let high = Math.min(text.length, 8 * tokensMax);
  while (high < text.length && estimateTokens(without(text, high)) <= tokensMax) high = Math.min(text.length, 2 * high);
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (estimateTokens(without(text, middle)) <= tokensMax) low = middle;
    else high = middle - 1;
  }
  return without(text, low);
}

/** The first and last characters of a text, so many together, never half of one. */
function without(text: string, characters: number): string {
  const head = wholeTo(text, Math.ceil(characters / 2));
  const tail = wholeTo(text, text.length - Math.floor(characters / 2));
  return `${text.slice(0, head)}${GAP}${text.slice(tail)}`;
}

/** The same place, or the one behind it where a pair of surrogates would be torn. */
const wholeTo = (text: string, at: number): number => (isLowSurrogate(text.charCodeAt(at)) ? at + 1 : at);
const isLowSurrogate = (unit: number): boolean => unit >= 0xdc00 && unit <= 0xdfff;
