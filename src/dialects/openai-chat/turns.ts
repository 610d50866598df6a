import type { AssistantMessage, Message, Part, ToolMessage } from '../../canon/request.ts';

/** What an assistant says between a tool's result and the next user turn, where a host insists on one: no model can take offence at it. */
const BRIDGE: AssistantMessage = { role: 'assistant', parts: [{ kind: 'text', text: 'OK.' }], toolCalls: [] };

const BLANK_LINE: Part = { kind: 'text', text: '\n\n' };

/** Two messages of one role as one, a blank line between them; no part is lost. */
function merged(a: Message, b: Message): Message | undefined {
  if (a.role !== b.role || a.role === 'tool' || b.role === 'tool') return undefined;
  if (a.role === 'assistant' || b.role === 'assistant') return undefined;
  const onlyText = [...a.parts, ...b.parts].every((part) => part.kind === 'text');
  if (!onlyText) return { ...a, parts: [...a.parts, ...b.parts] };
  const text = [...a.parts, BLANK_LINE, ...b.parts].map((part) => (part.kind === 'text' ? part.text : '')).join('');
  return { ...a, parts: [{ kind: 'text', text }] };
}

const saysNothing = ({ parts, toolCalls, reasoning }: AssistantMessage): boolean =>
  toolCalls.length === 0 && !reasoning && parts.every((part) => part.kind === 'text' && part.text === '');

/** The results of an assistant's calls, in call order and one each: a missing one says so, a surplus one is left out. */
function answered(assistant: AssistantMessage, results: readonly ToolMessage[]): Message[] {
  const byId = new Map(results.map((result) => [result.callId, result]));
  return assistant.toolCalls.map(
    (call) =>
      byId.get(call.id) ?? {
        role: 'tool',
        callId: call.id,
        name: call.name,
        parts: [{ kind: 'text', text: 'Error: no result was returned.' }],
      },
  );
}

/** Calls of one message that share an id could not be told apart; the later ones get ids of their own, their results likewise. */
function distinctIds(messages: readonly Message[]): Message[] {
  const seen = new Set<string>();
  const renamed = new Map<string, string[]>();
  return messages.map((message): Message => {
    if (message.role === 'assistant') {
      renamed.clear();
      const toolCalls = message.toolCalls.map((call) => {
        let id = call.id;
        for (let again = 2; seen.has(id); again++) id = `${call.id}:${again}`;
        seen.add(id);
        renamed.set(call.id, [...(renamed.get(call.id) ?? []), id]);
        return id === call.id ? call : { ...call, id };
      });
      return { ...message, toolCalls };
    }
    if (message.role !== 'tool') return message;
    const id = renamed.get(message.callId)?.shift();
    return id === undefined || id === message.callId ? message : { ...message, callId: id };
  });
}

/**
 * A conversation in the order that strict hosts demand (spec/providers C.2): same-role turns joined, every call answered exactly
 * once right after it, no empty assistant message, no user directly after a tool.
 */
export function strictTurns(messages: readonly Message[]): readonly Message[] {
  const source = distinctIds(messages);
  const turns: Message[] = [];
  for (let i = 0; i < source.length; i++) {
    const message = source[i];
    if (!message || message.role === 'tool') continue;
    if (message.role === 'assistant') {
      if (saysNothing(message)) continue;
      turns.push(message);
      const results: ToolMessage[] = [];
      for (let next = source[i + 1]; next?.role === 'tool'; next = source[i + 1]) {
        results.push(next);
        i += 1;
      }
      turns.push(...answered(message, results));
      continue;
    }
    const last = turns.at(-1);
    const joined = last && merged(last, message);
    if (joined) turns[turns.length - 1] = joined;
    else if (last?.role === 'tool' && message.role === 'user') turns.push(BRIDGE, message);
    else turns.push(message);
  }
  return turns;
}

const instructs = ({ role }: Message): boolean => role === 'system' || role === 'developer';

/** One system message at the start; what the system says later is said by the user in its place (UP-018). */
export function systemFirst(messages: readonly Message[]): readonly Message[] {
  const turns: Message[] = [];
  let begun = false;
  for (const message of messages) {
    begun ||= !instructs(message);
    const { parts } = message;
    const said: Message = instructs(message) ? { role: begun ? 'user' : 'system', parts } : message;
    const last = turns.at(-1);
    const joined = last && merged(last, said);
    if (joined) turns[turns.length - 1] = joined;
    else turns.push(said);
  }
  return turns;
}
