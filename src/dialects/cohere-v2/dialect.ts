import type { Dialect } from '../dialect.ts';
import { decodeError } from '../upstream-error.ts';
import { DIALECT_ID } from './id.ts';
import { encodeError, encodeStream, encodeWhole } from './ingress-answer.ts';
import { decodeRequest } from './ingress-request.ts';
import { decodeStream, decodeWhole } from './upstream-answer.ts';
import { encodeRequest } from './upstream-request.ts';

export const cohereV2: Dialect = {
  id: DIALECT_ID,
  route: '/chat',
  headers: {},
  decodeRequest,
  encodeStream,
  encodeWhole,
  encodeError,
  encodeRequest,
  decodeStream,
  decodeWhole,
  decodeError,
};
