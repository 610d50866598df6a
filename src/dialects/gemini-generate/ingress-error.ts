import { errorRow, type GatewayError } from '../../canon/errors.ts';
import type { EncodedError, ErrorContext } from '../dialect.ts';
import { ruleWire, statusOf } from '../envelope.ts';

/** Google's name of an HTTP status (spec/providers B.3.6). */
const STATUS_NAMES: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  402: 'FAILED_PRECONDITION',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  408: 'DEADLINE_EXCEEDED',
  409: 'ABORTED',
  413: 'INVALID_ARGUMENT',
  422: 'INVALID_ARGUMENT',
  429: 'RESOURCE_EXHAUSTED',
  499: 'CANCELLED',
  500: 'INTERNAL',
  501: 'UNIMPLEMENTED',
  502: 'UNAVAILABLE',
  503: 'UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
  529: 'UNAVAILABLE',
};

export function errorBody(error: GatewayError, context: Omit<ErrorContext, 'origin'>): Record<string, unknown> {
  const code = context.status ?? statusOf(error);
  const status = STATUS_NAMES[code] ?? (code < 500 ? 'INVALID_ARGUMENT' : 'INTERNAL');
  if (context.status !== undefined) return { error: { code, message: error.message, status } };
  const { facts } = error;
  const told = error.code !== 'internal';
  return {
    error: {
      code,
      message: told ? error.message : 'Internal Server Error',
      status,
      metadata: {
        error_type: errorRow(error.code).type,
        ...(told && facts.providerName !== undefined && { provider_name: facts.providerName }),
        ...(told && facts.issues && facts.issues.length > 0 && { issues: facts.issues }),
        ...(told && ruleWire(error)),
      },
    },
    ...(context.metadata !== undefined && told && { openrouter_metadata: context.metadata }),
  };
}

export const encodeError = (error: GatewayError, context: ErrorContext): EncodedError => ({
  status: context.status ?? statusOf(error),
  body: errorBody(error, context),
});
