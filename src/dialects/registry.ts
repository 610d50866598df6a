import { anthropicMessages } from './anthropic-messages/dialect.ts';
import { bedrockConverse } from './bedrock-converse/dialect.ts';
import { cohereV2 } from './cohere-v2/dialect.ts';
import type { Dialect } from './dialect.ts';
import { geminiGenerate } from './gemini-generate/dialect.ts';
import { ollamaChat, ollamaGenerate } from './ollama-chat/dialect.ts';
import { openaiChat } from './openai-chat/dialect.ts';
import { openaiCompletions } from './openai-completions/dialect.ts';
import { openaiResponses } from './openai-responses/dialect.ts';

/** Every wire format we speak, by its name in provider rows. A dialect is added here and nowhere else. */
export const DIALECTS = {
  [openaiChat.id]: openaiChat,
  [openaiResponses.id]: openaiResponses,
  [anthropicMessages.id]: anthropicMessages,
  [geminiGenerate.id]: geminiGenerate,
  [openaiCompletions.id]: openaiCompletions,
  [ollamaChat.id]: ollamaChat,
  [cohereV2.id]: cohereV2,
  [bedrockConverse.id]: bedrockConverse,
} as Readonly<Record<string, Dialect>>;

/** The wires that clients speak to us, in the order in which they are documented. */
export const SERVED: readonly Dialect[] = [
  openaiChat,
  openaiResponses,
  anthropicMessages,
  geminiGenerate,
  openaiCompletions,
  ollamaChat,
  ollamaGenerate,
];
