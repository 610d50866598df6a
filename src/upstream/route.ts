import type { Secret } from '../canon/secret.ts';
import type { ProviderAuth } from '../catalogue/types.ts';

/** How a provider is reached in this installation: its row in the catalogue, with what the operator's configuration says. */
export interface ProviderRoute {
  readonly providerId: string;
  readonly base: string;
  readonly auth: ProviderAuth;
  readonly credential?: Secret;
  readonly headers: Readonly<Record<string, string>>;
  readonly sandbox: boolean;
}

/** Bases come with and without a trailing slash, with and without a path (UP-001). */
export function joinUrl(base: string, path: string): string {
  return `${base.endsWith('/') ? base.slice(0, -1) : base}${path}`;
}

const prepared = { whole: new WeakMap<ProviderRoute, Headers>(), stream: new WeakMap<ProviderRoute, Headers>() };

/**
 * Exactly the headers of this provider: nothing of the client is copied (UP-002). They are the same for every request.
 * @param dialect the headers of the wire format
 */
export function requestHeaders(
  route: ProviderRoute,
  dialect: Readonly<Record<string, string>>,
  stream: boolean,
): Headers {
  const known = prepared[stream ? 'stream' : 'whole'];
  let headers = known.get(route);
  if (!headers) {
    headers = new Headers({ ...dialect, ...headersOf(route, stream) });
    known.set(route, headers);
  }
  return headers;
}

function headersOf(route: ProviderRoute, stream: boolean): Record<string, string> {
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    accept: stream ? 'text/event-stream' : 'application/json',
    'accept-encoding': 'identity',
    'user-agent': 'turnpike',
    ...route.headers,
  };
  if (!route.credential) return headers;
  if (route.auth.kind === 'bearer') headers.authorization = `Bearer ${route.credential.reveal()}`;
  else if (route.auth.kind === 'header') headers[route.auth.name.toLowerCase()] = route.credential.reveal();
  return headers;
}
