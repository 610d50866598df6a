import type { Dialect } from '../dialect.ts';
import { withFunctionNames } from '../function-names.ts';
import { openaiCompletions } from '../openai-completions/dialect.ts';
import { asObject } from '../read.ts';
import { LETTERS_64 } from '../rewritten-names.ts';
import { decodeError } from '../upstream-error.ts';
import { words } from '../words.ts';
import { MEANINGS } from './finish.ts';
import { hostPath } from './host-path.ts';
import { DIALECT_ID } from './id.ts';
import { encodeError } from './ingress-error.ts';
import { decodeRequest } from './ingress-request.ts';
import { encodeEchoes, encodeStream } from './ingress-stream.ts';
import { encodeWhole } from './ingress-whole.ts';
import { decodeStream, decodeWhole } from './upstream-answer.ts';
import { encodeRequest } from './upstream-request.ts';

export const openaiChat: Dialect = {
  id: DIALECT_ID,
  route: '/chat/completions',
  headers: {},
  hostPath,
  instead: (wire) => {
    const body = asObject(wire);
    return body?.prompt != null && body.messages == null ? openaiCompletions : undefined;
  },
  endMarker: { data: '[DONE]' },
  finishWords: words(MEANINGS),
  formOrTools: ({ quirks }) => quirks.has('form-or-tools'),
  decodeRequest,
  encodeStream,
  encodeEchoes,
  encodeWhole,
  encodeError,
  ...withFunctionNames({ encodeRequest, decodeStream, decodeWhole }, LETTERS_64),
  decodeError,
};
