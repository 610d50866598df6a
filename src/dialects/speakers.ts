import type { GenerationRequest, Message } from '../canon/request.ts';

/** A speaker's name as part of what was said, for hosts that know no names (INF-031); a tool's name is no speaker's. */
function spoken(message: Message): Message {
  if (message.name === undefined || message.role === 'tool') return message;
  const { name: _name, ...rest } = message;
  const prefix = `${message.name}: `;
  const [first, ...others] = message.parts;
  const parts =
    first?.kind === 'text'
      ? [{ ...first, text: prefix + first.text }, ...others]
      : [{ kind: 'text' as const, text: prefix }, ...message.parts];
  return { ...rest, parts } as Message;
}

const named = ({ name, role }: Message): boolean => name !== undefined && role !== 'tool';

/** The request with every name in the text. */
export const withSpokenNames = (request: GenerationRequest): GenerationRequest =>
  request.messages.some(named) ? { ...request, messages: request.messages.map(spoken) } : request;
