import type { Dialect } from '../dialect.ts';
import { withFunctionNames } from '../function-names.ts';
import { LETTERS_64 } from '../rewritten-names.ts';
import { decodeError } from '../upstream-error.ts';
import { words } from '../words.ts';
import { MEANINGS } from './finish.ts';
import { DIALECT_ID } from './id.ts';
import { encodeError, encodeStream, encodeWhole } from './ingress-answer.ts';
import { decodeRequest } from './ingress-request.ts';
import { decodeStream, decodeWhole } from './upstream-answer.ts';
import { encodeRequest } from './upstream-request.ts';

export const cohereV2: Dialect = {
  id: DIALECT_ID,
  route: '/chat',
  headers: {},
  finishWords: words(MEANINGS),
  formOrTools: () => true,
  decodeRequest,
  encodeStream,
  encodeWhole,
  encodeError,
  ...withFunctionNames({ encodeRequest, decodeStream, decodeWhole }, LETTERS_64),
  decodeError,
};
