import type { GenerationRequest, Message, Part } from '../canon/request.ts';

/** How much of the first messages is looked at: two prompts that are the same so far share a cache anyway. */
const CHARACTERS_MAX = 65_536;

/**
 * What conversation a request belongs to (spec/inference 5.7): the session it names, else the key of its prompt's cache, else a hash of
 * how it begins. The first two are distinct from each other and from every hash.
 */
export function conversationName(request: GenerationRequest): string {
  if (request.sessionId !== undefined) return `session ${request.sessionId}`;
  if (request.promptCacheKey !== undefined) return `cache ${request.promptCacheKey}`;
  return `hash ${beginning(request.messages)}`;
}

const isSystem = ({ role }: Message): boolean => role === 'system' || role === 'developer';

/** The first system or developer message and the first of any other role. */
function beginning(messages: readonly Message[]): string {
  const system = messages.find(isSystem);
  const said = messages.find((message) => !isSystem(message));
  let text = '';
  let left = CHARACTERS_MAX;
  for (const message of [system, said]) {
    text += `\n${message?.role ?? ''}`;
    for (const part of message?.parts ?? []) {
      const words = wordsOf(part);
      text += `\n${part.kind} ${words.length} ${words.slice(0, left)}`;
      left = Math.max(0, left - words.length);
    }
  }
  return Bun.hash(text).toString(36);
}

function wordsOf(part: Part): string {
  switch (part.kind) {
    case 'text':
    case 'refusal':
      return part.text;
    case 'audio':
      return part.data;
    case 'file':
      return part.data ?? part.fileId ?? '';
    default:
      return part.url;
  }
}
