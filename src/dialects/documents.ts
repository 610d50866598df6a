import { chatRequest } from './openai-chat/wire.ts';

/** The schemas that validate requests, for documents made from them. */
export const chatRequestSchema = chatRequest;
