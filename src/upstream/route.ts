import { createHash } from 'node:crypto';
import type { Secret } from '../canon/secret.ts';
import type { ProviderAuth } from '../catalogue/types.ts';

/** How a provider is reached in this installation: its row in the catalogue, with what the operator's configuration says. */
export interface ProviderRoute {
  readonly providerId: string;
  readonly base: string;
  readonly auth: ProviderAuth;
  readonly credential?: Secret;
  /** Where a credential is no fixed text. */
  readonly signer?: Signer;
  readonly headers: Readonly<Record<string, string>>;
  readonly sandbox: boolean;
}

/** Credentials that depend on the call or on the time. */
export interface Signer {
  /** @returns all headers of the call. @throws where no credential can be had */
  sign(
    url: string,
    headers: Readonly<Record<string, string>>,
    body: string | Uint8Array,
  ): Promise<Readonly<Record<string, string>>>;
  /** The provider did not take the credential of these headers. @returns whether the next one is another */
  refused(headers: Readonly<Record<string, string>>): boolean;
}

const credentialIds = new WeakMap<ProviderRoute, string>();

/** Tells one credential of a provider from the next without giving it away: what a key was told does not bind its successor. */
export function credentialId(route: ProviderRoute): string {
  let id = credentialIds.get(route);
  if (id === undefined) {
    const secret = route.credential?.reveal();
    id = secret === undefined ? '' : createHash('sha256').update(secret).digest('hex').slice(0, 12);
    credentialIds.set(route, id);
  }
  return id;
}

/**
 * Bases come with and without a trailing slash, with and without a path; a few hosts are known by one whole address (UP-001), some name
 * the model before the path, and some a version behind it (UP-004).
 */
export function joinUrl(base: string, path: string, model = ''): string {
  const mark = base.indexOf('?');
  if (mark >= 0) {
    const url = joinUrl(base.slice(0, mark), path, model);
    return `${url}${url.includes('?') ? '&' : '?'}${base.slice(mark + 1)}`;
  }
  const place = base.includes('{model}') ? base.replaceAll('{model}', encodeURIComponent(model)) : base;
  if (place.endsWith(path)) return place;
  return `${place.endsWith('/') ? place.slice(0, -1) : place}${path}`;
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
    headers = new Headers(plainHeaders(route, dialect, stream));
    known.set(route, headers);
  }
  return headers;
}

/** The same with what one request needs beside them: a header that both have is a list, and says each thing once. */
export function withHeaders(
  headers: Readonly<Record<string, string>>,
  more: Readonly<Record<string, string>> | undefined,
): Readonly<Record<string, string>> {
  if (!more) return headers;
  const all = { ...headers };
  for (const [name, value] of Object.entries(more)) {
    const said = [all[name] ?? '', value].join(',').split(',');
    all[name] = [...new Set(said.map((one) => one.trim()).filter((one) => one !== ''))].join(',');
  }
  return all;
}

/** The headers of a call, with its credential where that is a fixed text. */
export function plainHeaders(
  route: ProviderRoute,
  dialect: Readonly<Record<string, string>>,
  stream: boolean,
): Record<string, string> {
  const headers: Record<string, string> = {
    ...dialect,
    'content-type': 'application/json',
    accept: stream ? 'text/event-stream' : 'application/json',
    'accept-encoding': 'identity',
    'user-agent': 'turnpike',
    ...Object.fromEntries(Object.entries(route.headers).map(([name, value]) => [name.toLowerCase(), value])),
  };
  if (!route.credential || route.signer) return headers;
  const { auth } = route;
  const secret = route.credential.reveal();
  if (auth.kind === 'header') headers[auth.name.toLowerCase()] = `${auth.prefix ?? ''}${secret}`;
  else if (auth.kind === 'google' || auth.kind === 'client') headers[auth.name.toLowerCase()] = secret;
  else if (auth.kind !== 'none') headers.authorization = `Bearer ${secret}`;
  return headers;
}
