import { type GatewayError, gatewayError } from '../canon/errors.ts';
import { DIALECTS } from '../dialects/registry.ts';
import { type Answer, refuse } from '../gateway/handle.ts';
import { CORS_HEADERS } from './cors.ts';

/** The dialect whose envelope platform routes speak. */
const ENVELOPE = Object.values(DIALECTS)[0];

/** A generator becomes the body as it is: in Bun that is the cheapest way to pass a stream through JavaScript. */
export function toResponse(answer: Answer): Response {
  return new Response(answer.body as string, {
    status: answer.status,
    headers: { ...CORS_HEADERS, ...answer.headers },
  });
}

export function errorResponse(error: GatewayError, baseUrl: string): Response {
  if (!ENVELOPE) throw new Error('no dialect is registered');
  return toResponse(refuse(undefined, ENVELOPE, error, { baseUrl }));
}

export function json(body: unknown, headers: Readonly<Record<string, string>> = {}, status = 200): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { ...CORS_HEADERS, 'content-type': 'application/json', ...headers },
  });
}

export const unknownResource = (what: string): GatewayError => gatewayError('resource_unknown', `${what} not found`);
