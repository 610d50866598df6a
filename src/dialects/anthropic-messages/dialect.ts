import type { Dialect } from '../dialect.ts';
import { withFunctionNames } from '../function-names.ts';
import { LETTERS_128 } from '../rewritten-names.ts';
import { decodeError } from '../upstream-error.ts';
import { words } from '../words.ts';
import { MEANINGS } from './finish.ts';
import { DIALECT_ID, FORMAT } from './id.ts';
import { encodeError } from './ingress-error.ts';
import { decodeRequest } from './ingress-request.ts';
import { encodeStream } from './ingress-stream.ts';
import { encodeWhole } from './ingress-whole.ts';
import { hostPath } from './path.ts';
import { decodeStream, decodeWhole } from './upstream-answer.ts';
import { encodeRequest } from './upstream-request.ts';

export const anthropicMessages: Dialect = {
  id: DIALECT_ID,
  route: '/messages',
  hostPath,
  countTokens: (input_tokens) => ({ input_tokens }),
  headers: { 'anthropic-version': '2023-06-01' },
  endMarker: { event: 'message_stop', data: '{"type":"message_stop"}' },
  errorEvent: 'error',
  signs: FORMAT,
  limitsOutput: true,
  finishWords: words(MEANINGS),
  decodeRequest,
  encodeStream,
  encodeWhole,
  encodeError,
  ...withFunctionNames({ encodeRequest, decodeStream, decodeWhole }, LETTERS_128),
  decodeError,
};
