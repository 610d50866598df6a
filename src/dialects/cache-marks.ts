import type { Dropped } from '../canon/dropped.ts';
import type { CacheMark, GenerationRequest, Message, Part } from '../canon/request.ts';
import { hasTrait, type Target } from '../canon/target.ts';

/** How a host is told what to cache (spec/inference 10.4, spec/providers B.14.4). */
interface MarkForm {
  readonly parts: ReadonlySet<Part['kind']>;
  readonly tools: boolean;
  /** Whether it may last an hour. */
  readonly hour: boolean;
  /** Whether the whole prompt is marked by a field of its own. */
  readonly field: boolean;
}

/** The host counts them itself; more of them are refused, so the latest win. */
const MARKS_MAX = 4;
const MARKABLE: ReadonlySet<Part['kind']> = new Set(['text', 'image', 'file']);

const BREAKPOINTS: MarkForm = { parts: new Set(['text']), tools: false, hour: false, field: false };
const SHORT: MarkForm = { parts: MARKABLE, tools: true, hour: false, field: false };
const LONG: MarkForm = { parts: MARKABLE, tools: true, hour: true, field: true };

function formOf(target: Target): MarkForm | undefined {
  if (target.quirks.has('router-answers')) return LONG;
  if (target.quirks.has('cache-marks')) return SHORT;
  return hasTrait(target, 'cache-breakpoints') ? BREAKPOINTS : undefined;
}

/** A mark in the words of this host. */
export function markWire(mark: CacheMark | undefined, target: Target): Record<string, unknown> {
  const form = mark && formOf(target);
  if (!mark || !form) return {};
  if (form === BREAKPOINTS) return { prompt_cache_breakpoint: { mode: 'explicit' } };
  return { cache_control: { type: 'ephemeral', ...(mark.ttl !== undefined && { ttl: mark.ttl }) } };
}

const isMarked = (request: GenerationRequest): boolean =>
  request.cache !== undefined ||
  request.tools.some(({ cache }) => cache) ||
  request.messages.some(
    (message) =>
      message.parts.some((part) => 'cache' in part && part.cache) ||
      (message.role === 'assistant' && message.toolCalls.some(({ cache }) => cache)),
  );

/** A mark on the last part of the prompt that can bear one. */
function markLast(messages: readonly Message[], cache: CacheMark, kinds: MarkForm['parts'] = MARKABLE): Message[] {
  const at = messages.findLastIndex(({ parts }) => parts.some(({ kind }) => kinds.has(kind)));
  const message = messages[at];
  if (!message) return [...messages];
  return messages.with(at, { ...message, parts: markLastPart(message.parts, cache, kinds) });
}

/** The parts with a mark on the last one that can bear it and has none. */
export function markLastPart(
  parts: readonly Part[],
  cache: CacheMark,
  kinds: MarkForm['parts'] = MARKABLE,
): readonly Part[] {
  const at = parts.findLastIndex(({ kind }) => kinds.has(kind));
  const part = parts[at];
  return !part || ('cache' in part && part.cache) ? parts : parts.with(at, { ...part, cache } as Part);
}

/**
 * The request with the marks that the host takes: the latest four, or the last alone, in the form it knows; the others are named. The very same request where
 * nothing is marked, which is nearly always.
 */
export function fitMarks(request: GenerationRequest, target: Target, dropped: Dropped[]): GenerationRequest {
  if (!isMarked(request)) return request;
  const form = formOf(target);
  const { cache, ...rest } = request;
  const whole = cache !== undefined && form !== undefined && !form.field;
  const messages = whole ? markLast(request.messages, cache, form.parts) : request.messages;
  if (cache && !form) dropped.push({ pointer: '/cache_control', reason: 'unsupported' });
  let left = hasTrait(target, 'last-cache-mark') ? 1 : MARKS_MAX;
  const fit = (mark: CacheMark | undefined, pointer: string, fits: boolean): { cache?: CacheMark } => {
    if (!mark) return {};
    const at = `${pointer}/cache_control`;
    if (!fits || left === 0) {
      dropped.push({ pointer: at, reason: fits ? 'adapted' : 'unsupported' });
      return {};
    }
    left -= 1;
    if (mark.ttl !== '1h' || form?.hour) return { cache: mark };
    dropped.push({ pointer: `${at}/ttl`, reason: 'adapted' });
    return { cache: {} };
  };
  // From the end, because the latest win.
  const fitted = messages.map((message, index) => [message, `/messages/${index}`] as const).toReversed();
  const turns = fitted.map(([message, pointer]): Message => {
    const calls =
      message.role === 'assistant'
        ? {
            toolCalls: message.toolCalls.map((call, n) =>
              unmarked(call, fit(call.cache, `${pointer}/tool_calls/${n}`, false)),
            ),
          }
        : {};
    const parts = message.parts
      .map((part, n) => [part, `${pointer}/content/${n}`] as const)
      .toReversed()
      .map(([part, at]) =>
        'cache' in part ? unmarked(part, fit(part.cache, at, form?.parts.has(part.kind) ?? false)) : part,
      )
      .toReversed();
    return { ...message, ...calls, parts } as Message;
  });
  const tools = request.tools
    .map((tool, index) => [tool, `/tools/${index}`] as const)
    .toReversed()
    .map(([tool, pointer]) => unmarked(tool, fit(tool.cache, pointer, form?.tools ?? false)))
    .toReversed();
  return { ...rest, ...(cache && form?.field && { cache }), messages: turns.toReversed(), tools };
}

/** The same with another mark, or none. */
function unmarked<T extends { readonly cache?: CacheMark }>(thing: T, mark: { cache?: CacheMark }): T {
  const { cache: _, ...rest } = thing;
  return { ...rest, ...mark } as T;
}
