import type { Dialect } from '../dialect.ts';
import { MEANINGS } from '../openai-chat/finish.ts';
import { encodeError } from '../openai-chat/ingress-error.ts';
import { decodeError } from '../upstream-error.ts';
import { words } from '../words.ts';
import { DIALECT_ID } from './id.ts';
import { decodeRequest, encodeStream, encodeWhole } from './ingress.ts';
import { decodeStream, decodeWhole, encodeRequest } from './upstream.ts';

export const openaiCompletions: Dialect = {
  id: DIALECT_ID,
  route: '/completions',
  headers: {},
  endMarker: { data: '[DONE]' },
  finishWords: words(MEANINGS),
  decodeRequest,
  encodeStream,
  encodeWhole,
  encodeError,
  encodeRequest,
  decodeStream,
  decodeWhole,
  decodeError,
};
