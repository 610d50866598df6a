import type { z } from 'zod';
import { anthropicMessages } from './anthropic-messages/dialect.ts';
import { messagesRequest } from './anthropic-messages/wire.ts';
import { ollamaEmbed, ollamaEmbedRequest } from './embeddings/ollama.ts';
import { embeddingsRequest, openaiEmbeddings } from './embeddings/openai.ts';
import { geminiGenerate } from './gemini-generate/dialect.ts';
import { generateRequest } from './gemini-generate/wire.ts';
import { ollamaChat, ollamaGenerate } from './ollama-chat/dialect.ts';
import { ollamaChatRequest, ollamaGenerateRequest } from './ollama-chat/wire.ts';
import { openaiChat } from './openai-chat/dialect.ts';
import { chatRequest } from './openai-chat/wire.ts';
import { openaiCompletions } from './openai-completions/dialect.ts';
import { completionsRequest } from './openai-completions/wire.ts';
import { openaiResponses } from './openai-responses/dialect.ts';
import { responsesRequest } from './openai-responses/wire.ts';
import { rerank, rerankRequest } from './rerank/rerank.ts';

/** The schemas that validate requests, by route, for documents made from them. */
export const REQUEST_SCHEMAS: Readonly<Record<string, z.ZodType>> = {
  [openaiChat.route]: chatRequest,
  [openaiResponses.route]: responsesRequest,
  [anthropicMessages.route]: messagesRequest,
  [geminiGenerate.route]: generateRequest,
  [openaiCompletions.route]: completionsRequest,
  [openaiEmbeddings.route]: embeddingsRequest,
  [rerank.route]: rerankRequest,
  [ollamaEmbed.route]: ollamaEmbedRequest,
  [ollamaChat.route]: ollamaChatRequest,
  [ollamaGenerate.route]: ollamaGenerateRequest,
};
