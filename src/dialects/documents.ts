import type { z } from 'zod';
import { DIALECT_ID as ANTHROPIC_MESSAGES } from './anthropic-messages/id.ts';
import { messagesRequest } from './anthropic-messages/wire.ts';
import { DIALECT_ID as GEMINI_GENERATE } from './gemini-generate/id.ts';
import { generateRequest } from './gemini-generate/wire.ts';
import { DIALECT_ID as OPENAI_CHAT } from './openai-chat/id.ts';
import { chatRequest } from './openai-chat/wire.ts';
import { DIALECT_ID as OPENAI_RESPONSES } from './openai-responses/id.ts';
import { responsesRequest } from './openai-responses/wire.ts';

/** The schemas that validate requests, by dialect, for documents made from them. */
export const REQUEST_SCHEMAS: Readonly<Record<string, z.ZodType>> = {
  [OPENAI_CHAT]: chatRequest,
  [OPENAI_RESPONSES]: responsesRequest,
  [ANTHROPIC_MESSAGES]: messagesRequest,
  [GEMINI_GENERATE]: generateRequest,
};
