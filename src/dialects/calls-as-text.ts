import type { Dropped } from '../canon/dropped.ts';
import type { AssistantMessage, Message, ToolMessage } from '../canon/request.ts';

const called = ({ toolCalls }: AssistantMessage): string =>
  toolCalls.map(({ name, arguments: text }) => `[called ${name} with ${text.trim() || '{}'}]`).join('\n');

function spoken(message: AssistantMessage): AssistantMessage {
  return { ...message, toolCalls: [], parts: [...message.parts, { kind: 'text', text: called(message) }] };
}

const result = (message: ToolMessage, name: string | undefined): Message => ({
  role: 'user',
  parts: [
    { kind: 'text', text: `[${message.isError ? 'failure' : 'result'} of ${name ?? 'the call'}]` },
    ...message.parts,
  ],
});

/** Past calls and their results told in words, for hosts that take them only beside tools, where the caller offers none (UP-064). */
export function callsAsText(messages: readonly Message[], dropped: Dropped[]): readonly Message[] {
  const names = new Map<string, string>();
  return messages.map((message, index): Message => {
    if (message.role === 'tool') return result(message, names.get(message.callId));
    if (message.role !== 'assistant' || message.toolCalls.length === 0) return message;
    for (const { id, name } of message.toolCalls) names.set(id, name);
    dropped.push({ pointer: `/messages/${index}/tool_calls`, reason: 'adapted' });
    return spoken(message);
  });
}
