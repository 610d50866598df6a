import type { Dialect } from '../dialect.ts';
import { decodeError } from '../upstream-error.ts';
import { DIALECT_ID } from './id.ts';
import { encodeError } from './ingress-error.ts';
import { decodeRequest } from './ingress-request.ts';
import { encodeStream } from './ingress-stream.ts';
import { encodeWhole } from './ingress-whole.ts';
import { fromPath } from './path.ts';
import { decodeStream, decodeWhole } from './upstream-answer.ts';
import { encodeRequest } from './upstream-request.ts';

export const geminiGenerate: Dialect = {
  id: DIALECT_ID,
  bases: ['/v1beta', '/api/v1beta'],
  route: '/models/{model}:generateContent',
  fromPath,
  countTokens: (totalTokens) => ({ totalTokens }),
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
