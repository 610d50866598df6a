import { errorRow, type GatewayError } from '../../canon/errors.ts';
import type { EncodedError, ErrorContext } from '../dialect.ts';
import { errorObject, statusOf } from '../envelope.ts';

/** OpenRouter's envelope, with the type beside it (spec/inference 6.5). */
export function errorEnvelope(error: GatewayError, context: ErrorContext): Record<string, unknown> {
  return {
    error: errorObject(error, context),
    error_type: errorRow(error.code).type,
    metadata: null,
    ...(context.metadata !== undefined && error.code !== 'internal' && { openrouter_metadata: context.metadata }),
  };
}

export const encodeError = (error: GatewayError, context: ErrorContext): EncodedError => ({
  status: context.status ?? statusOf(error),
  body: errorEnvelope(error, context),
});
