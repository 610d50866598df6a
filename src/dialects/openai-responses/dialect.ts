import type { Dialect } from '../dialect.ts';
import { withFunctionNames } from '../function-names.ts';
import { LETTERS_64 } from '../rewritten-names.ts';
import { decodeError } from '../upstream-error.ts';
import { words } from '../words.ts';
import { MEANINGS } from './finish.ts';
import { DIALECT_ID } from './id.ts';
import { encodeError } from './ingress-error.ts';
import { decodeRequest } from './ingress-request.ts';
import { encodeEchoes, encodeStream, TOLD_AS_LENGTH } from './ingress-stream.ts';
import { encodeWhole } from './ingress-whole.ts';
import { decodeStream, decodeWhole } from './upstream-answer.ts';
import { encodeRequest } from './upstream-request.ts';

export const openaiResponses: Dialect = {
  id: DIALECT_ID,
  route: '/responses',
  headers: {},
  endMarker: { data: '[DONE]' },
  finishWords: words(MEANINGS),
  decodeRequest,
  encodeStream,
  encodeEchoes,
  toldAsLength: TOLD_AS_LENGTH,
  encodeWhole,
  encodeError,
  ...withFunctionNames({ encodeRequest, decodeStream, decodeWhole }, LETTERS_64),
  decodeError,
};
