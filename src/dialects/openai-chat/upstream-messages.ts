import type { AssistantMessage, Message, Part, ReasoningHistory } from '../../canon/request.ts';
import type { Target } from '../../canon/target.ts';
import { markWire } from '../cache-marks.ts';
import { replayField } from './upstream-reasoning.ts';

type Wire = Record<string, unknown>;

const PARTS: { readonly [K in Part['kind']]: (part: Extract<Part, { kind: K }>, target: Target) => Wire } = {
  text: (part, target) => ({ type: 'text', text: part.text, ...markWire(part.cache, target) }),
  refusal: (part) => ({ type: 'text', text: part.text }),
  image: (part, target) => ({
    type: 'image_url',
    image_url: { url: part.url, ...imageDetail(part.detail, target) },
    ...markWire(part.cache, target),
  }),
  audio: (part, target) =>
    target.quirks.has('closed-request')
      ? { type: 'input_audio', input_audio: part.data }
      : { type: 'input_audio', input_audio: { data: part.data, format: part.format } },
  video: (part) => ({ type: 'video_url', video_url: { url: part.url } }),
  file: (part, target) => ({ ...fileWire(part, target), ...markWire(part.cache, target) }),
};

/** `original` is OpenRouter's word; a host that does not know it gets the best it does know (INF-037). */
function imageDetail(detail: string | undefined, target: Target): Wire {
  if (detail === undefined) return {};
  return { detail: detail === 'original' && !target.quirks.has('router-answers') ? 'high' : detail };
}

function fileWire(part: Extract<Part, { kind: 'file' }>, target: Target): Wire {
  if (target.quirks.has('closed-request') && part.data !== undefined) {
    return {
      type: 'document_url',
      document_url: part.data,
      ...(part.filename !== undefined && { document_name: part.filename }),
    };
  }
  return {
    type: 'file',
    file: {
      ...(part.filename !== undefined && { filename: part.filename }),
      ...(part.data !== undefined && { file_data: part.data }),
      ...(part.fileId !== undefined && { file_id: part.fileId }),
    },
  };
}

const partWire = (part: Part, target: Target): Wire =>
  (PARTS[part.kind] as (part: Part, target: Target) => Wire)(part, target);

/** A single text travels as a plain string: every host takes that, and provider caches are keyed by it. */
function content(parts: readonly Part[], target: Target): unknown {
  const [only] = parts;
  if (parts.length === 1 && only?.kind === 'text' && !only.cache) return only.text;
  return parts.map((part) => partWire(part, target));
}

/** Formats a host without signatures may be given back: its own chunks and plain text of unknown making. */
const PLAIN_FORMATS: ReadonlySet<string> = new Set(['unknown', 'mistral-v1']);

/** Whether the thinking of an earlier turn reaches this host. */
export function keptThoughts(history: ReasoningHistory, target: Target, thinks: boolean): boolean {
  if (target.quirks.has('reasoning-object')) return true;
  const field = replayField(target) !== undefined || target.quirks.has('thinking-chunks');
  return field && thinks && plainReasoning(history, replayField(target) !== undefined) !== undefined;
}

/** The thinking of an earlier turn as this host wants it back; what another maker signed or encrypted is left out (INF-090). */
function historyWire({ reasoning: history, toolCalls }: AssistantMessage, target: Target, thinks: boolean): Wire {
  if (target.quirks.has('reasoning-object')) {
    return {
      ...(history?.text !== undefined && { reasoning: history.text }),
      ...(history?.details && { reasoning_details: history.details.map((detail) => detail.raw) }),
    };
  }
  const field = replayField(target);
  if (!field || !thinks) return {};
  const missing = toolCalls.length > 0 && target.quirks.has('reasoning-replay-required') ? '' : undefined;
  const plain = (history && plainReasoning(history, true)) ?? missing;
  return plain === undefined ? {} : { [field]: plain };
}

/** Plain text of thoughts; empty where the turn says that there were none, undefined where it says nothing (INF-093). */
function plainReasoning(history: ReasoningHistory, foreign: boolean): string | undefined {
  const details =
    history.details?.filter((detail) => detail.text !== undefined && PLAIN_FORMATS.has(detail.format)) ?? [];
  if (details.length > 0) return details.map((detail) => detail.text).join('');
  if (!history.details?.length) return history.text ?? (history.details && '');
  // What others thought is text all the same; what they signed or sealed is not for this host (UP-058).
  const texts = history.details.flatMap(({ text }) => text ?? []);
  const text = history.text ?? texts.join('');
  return foreign && text !== '' ? text : undefined;
}

function assistantContent(message: AssistantMessage, parts: readonly Part[], target: Target, thinks: boolean): unknown {
  const chunked = thinks && target.quirks.has('thinking-chunks');
  const thoughts = chunked && message.reasoning ? plainReasoning(message.reasoning, false) : undefined;
  if (thoughts !== undefined && thoughts !== '') {
    const thinking = { type: 'thinking', thinking: [{ type: 'text', text: thoughts }], closed: true };
    return [thinking, ...parts.map((part) => partWire(part, target))];
  }
  return content(parts, target);
}

/** What an assistant that called says beside it: where that is nothing, hosts want it in one of three ways (UP-022). */
function contentWire(message: AssistantMessage, target: Target, thinks: boolean): Wire {
  const { parts } = message;
  const silent = parts.every((part) => part.kind === 'text' && part.text === '');
  const said = silent && message.toolCalls.length > 0 ? [] : parts;
  const whole = assistantContent(message, said, target, thinks);
  if (Array.isArray(whole) && whole.length === 0) {
    if (target.quirks.has('no-empty-content')) return {};
    return { content: target.quirks.has('empty-content') ? '' : null };
  }
  return { content: whole };
}

function assistantWire(message: AssistantMessage, target: Target, id: (id: string) => string, thinks: boolean): Wire {
  const calls = message.toolCalls.map((call) => ({
    id: id(call.id),
    type: 'function',
    function: { name: call.name, arguments: call.arguments === '' ? '{}' : call.arguments },
  }));
  return {
    role: 'assistant',
    ...contentWire(message, target, thinks),
    ...(calls.length > 0 && { tool_calls: calls }),
    ...historyWire(message, target, thinks),
  };
}

/**
 * One message as this host takes it.
 * @param thinks whether thoughts of earlier turns are of use
 */
export function messageWire(message: Message, target: Target, id: (id: string) => string, thinks: boolean): Wire {
  const named = message.name !== undefined && target.quirks.has('message-names') ? { name: message.name } : {};
  if (message.role === 'assistant') return { ...assistantWire(message, target, id, thinks), ...named };
  if (message.role === 'tool') {
    return {
      role: 'tool',
      tool_call_id: id(message.callId),
      ...(message.name !== undefined && { name: message.name }),
      content: content(message.parts, target),
    };
  }
  const role = message.role === 'developer' && !target.quirks.has('developer-role') ? 'system' : message.role;
  return { role, content: content(message.parts, target), ...named };
}
