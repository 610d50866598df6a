import { NDJSON } from '../../streams/framing.ts';
import type { Dialect } from '../dialect.ts';
import { decodeError } from '../upstream-error.ts';
import { words } from '../words.ts';
import { MEANINGS } from './finish.ts';
import { DIALECT_ID } from './id.ts';
import { encodeError, encodeStream, encodeWhole } from './ingress-answer.ts';
import { decodeChat, decodeGenerate } from './ingress-request.ts';
import { decodeStream, decodeWhole } from './upstream-answer.ts';
import { encodeRequest } from './upstream-request.ts';

export const ollamaChat: Dialect = {
  id: DIALECT_ID,
  bases: [''],
  route: '/api/chat',
  framing: NDJSON,
  headers: {},
  finishWords: words(MEANINGS),
  decodeRequest: decodeChat,
  encodeStream: (context) => encodeStream(context, 'chat'),
  encodeWhole: (generation, context) => encodeWhole(generation, context, 'chat'),
  encodeError,
  encodeRequest,
  decodeStream,
  decodeWhole,
  decodeError,
};

/** The same wire for clients that complete a text instead of a conversation. */
export const ollamaGenerate: Dialect = {
  ...ollamaChat,
  route: '/api/generate',
  decodeRequest: decodeGenerate,
  encodeStream: (context) => encodeStream(context, 'generate'),
  encodeWhole: (generation, context) => encodeWhole(generation, context, 'generate'),
};
