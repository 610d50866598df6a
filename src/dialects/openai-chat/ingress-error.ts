import { errorRow, type GatewayError } from '../../canon/errors.ts';
import type { EncodedError, ErrorContext } from '../dialect.ts';
import { errorObject, statusOf } from '../envelope.ts';

/** What other servers of this dialect write for the same error; the sandbox plays them. */
function foreignBody(error: GatewayError, status: number, context: ErrorContext): unknown {
  const { type } = errorRow(error.code);
  const code = error.facts.providerCode;
  if (context.quirks.has('problem-errors')) return { type: 'about:blank', title: type, status, detail: error.message };
  if (context.quirks.has('flat-errors')) {
    const detail = error.facts.issues?.map(({ path, message }) => ({
      type: code ?? 'value_error',
      loc: path.split('.'),
      msg: message,
    }));
    const message = detail ? { detail } : error.message;
    return {
      object: 'error',
      message,
      type: error.facts.raw ?? 'invalid_request_error',
      param: null,
      code: code ?? null,
      raw_status_code: status,
    };
  }
  return { error: { message: error.message, type, param: null, code: code ?? null } };
}

export function encodeError(error: GatewayError, context: ErrorContext): EncodedError {
  const status = context.status ?? statusOf(error);
  if (!context.quirks.has('numeric-error-codes')) return { status, body: foreignBody(error, status, context) };
  return {
    status,
    body: {
      error: errorObject(error, context),
      ...(context.metadata !== undefined && error.code !== 'internal' && { openrouter_metadata: context.metadata }),
    },
  };
}
