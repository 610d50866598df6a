import { EVENT_STREAM } from '../../streams/event-stream.ts';
import type { Dialect } from '../dialect.ts';
import { withFunctionNames } from '../function-names.ts';
import { LETTERS_64 } from '../rewritten-names.ts';
import { decodeError } from '../upstream-error.ts';
import { words } from '../words.ts';
import { MEANINGS } from './finish.ts';
import { DIALECT_ID, FORMAT } from './id.ts';
import { encodeError, encodeStream, encodeWhole } from './ingress-answer.ts';
import { decodeRequest } from './ingress-request.ts';
import { fromPath } from './path.ts';
import { decodeStream, decodeWhole } from './upstream-answer.ts';
import { encodeRequest } from './upstream-request.ts';

export const bedrockConverse: Dialect = {
  id: DIALECT_ID,
  route: '/model/{model}/converse',
  fromPath,
  framing: EVENT_STREAM,
  headers: {},
  errorEvent: 'internalServerException',
  signs: FORMAT,
  finishWords: words(MEANINGS),
  decodeRequest,
  encodeStream,
  encodeWhole,
  encodeError,
  ...withFunctionNames({ encodeRequest, decodeStream, decodeWhole }, LETTERS_64),
  decodeError,
};
