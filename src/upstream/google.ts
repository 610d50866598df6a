import { z } from 'zod';
import type { Signer } from './route.ts';

/** What of a service account's key file is needed. */
export const serviceAccount = z.looseObject({
  client_email: z.string().min(1),
  private_key: z.string().min(1),
  token_uri: z.url({ protocol: /^https?$/ }).default('https://oauth2.googleapis.com/token'),
});
export type ServiceAccount = z.infer<typeof serviceAccount>;

const SCOPE = 'https://www.googleapis.com/auth/cloud-platform';
/** A token lives an hour; one that is this close to its end is replaced (spec/providers B.7). */
const RENEW_BEFORE_MS = 5 * 60_000;
const TOKEN_MS_MAX = 10_000;

const tokenAnswer = z.looseObject({ access_token: z.string().min(1), expires_in: z.number().positive() });

/** Bearer tokens for a service account, renewed in time and after a refusal. One exchange serves all calls that wait for it. */
export function googleSigner(account: ServiceAccount, now: () => number): Signer {
  let token: { readonly value: string; readonly until: number } | undefined;
  let pending: Promise<string> | undefined;

  const exchange = async (): Promise<string> => {
    const { SignJWT, importPKCS8 } = await import('jose');
    const issuedAt = Math.floor(now() / 1000);
    const assertion = await new SignJWT({ scope: SCOPE })
      .setProtectedHeader({ alg: 'RS256', typ: 'JWT' })
      .setIssuer(account.client_email)
      .setAudience(account.token_uri)
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + 3600)
      .sign(await importPKCS8(account.private_key, 'RS256'));
    const response = await fetch(account.token_uri, {
      method: 'POST',
      body: new URLSearchParams({ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion }),
      redirect: 'manual',
      signal: AbortSignal.timeout(TOKEN_MS_MAX),
    });
    if (!response.ok) throw new Error(`the token endpoint answered ${response.status}`);
    const { access_token: value, expires_in: seconds } = tokenAnswer.parse(await response.json());
    token = { value, until: now() + seconds * 1000 - RENEW_BEFORE_MS };
    return value;
  };

  const current = (): Promise<string> => {
    if (token && now() < token.until) return Promise.resolve(token.value);
    pending ??= exchange().finally(() => {
      pending = undefined;
    });
    return pending;
  };

  return {
    sign: async (_url, headers) => ({ ...headers, authorization: `Bearer ${await current()}` }),
    refused: () => {
      token = undefined;
    },
  };
}
