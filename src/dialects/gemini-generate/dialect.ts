import type { Dialect } from '../dialect.ts';
import { withFunctionNames } from '../function-names.ts';
import { DOTTED_64 } from '../rewritten-names.ts';
import { wholeBody } from '../short-way.ts';
import { decodeError } from '../upstream-error.ts';
import { words } from '../words.ts';
import { BLOCK_REASONS, MEANINGS } from './finish.ts';
import { DIALECT_ID } from './id.ts';
import { encodeError } from './ingress-error.ts';
import { decodeRequest } from './ingress-request.ts';
import { encodeStream } from './ingress-stream.ts';
import { encodeWhole } from './ingress-whole.ts';
import { fromPath } from './path.ts';
import { decodeStream, decodeWhole } from './upstream-answer.ts';
import { hasLevels } from './upstream-contents.ts';
import { encodeRequest } from './upstream-request.ts';

export const geminiGenerate: Dialect = {
  id: DIALECT_ID,
  bases: ['/v1beta', '/api/v1beta'],
  route: '/models/{model}:generateContent',
  fromPath,
  countTokens: (totalTokens) => ({ totalTokens }),
  headers: {},
  finishWords: words(MEANINGS, Object.fromEntries(BLOCK_REASONS.map((reason) => [reason, reason]))),
  formOrTools: (target) => !hasLevels(target),
  decodeRequest,
  encodeStream,
  encodeWhole,
  encodeError,
  ...withFunctionNames({ encodeRequest, decodeStream, decodeWhole }, DOTTED_64),
  decodeError,
  // What goes on is asked for in the words of the request itself (spec/providers B.3.3).
  continued: (encoded, continuationToken) => ({
    ...encoded,
    body: JSON.stringify({ ...JSON.parse(String(Buffer.from(wholeBody(encoded)))), continuationToken }),
    verbatim: [],
  }),
};
