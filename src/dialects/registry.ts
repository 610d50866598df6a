import { anthropicMessages } from './anthropic-messages/dialect.ts';
import type { Dialect } from './dialect.ts';
import { geminiGenerate } from './gemini-generate/dialect.ts';
import { openaiChat } from './openai-chat/dialect.ts';
import { openaiResponses } from './openai-responses/dialect.ts';

/** Every wire format we speak, by its name in provider rows. A dialect is added here and nowhere else. */
export const DIALECTS = {
  [openaiChat.id]: openaiChat,
  [openaiResponses.id]: openaiResponses,
  [anthropicMessages.id]: anthropicMessages,
  [geminiGenerate.id]: geminiGenerate,
} as Readonly<Record<string, Dialect>>;
