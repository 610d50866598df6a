import { z } from 'zod';
import type { Signer } from './route.ts';
import { tokenFrom, tokenSigner } from './tokens.ts';

/** What of a service account's key file is needed. */
export const serviceAccount = z.looseObject({
  client_email: z.string().min(1),
  private_key: z.string().min(1),
  token_uri: z.url({ protocol: /^https?$/ }).default('https://oauth2.googleapis.com/token'),
});
export type ServiceAccount = z.infer<typeof serviceAccount>;

const SCOPE = 'https://www.googleapis.com/auth/cloud-platform';
const ASSERTION_SECONDS = 3600;

/** Tokens for a service account, each for an assertion that its key has signed. The library is loaded by the first call. */
export const googleSigner = (account: ServiceAccount, now: () => number): Signer =>
  tokenSigner(async () => {
    const { SignJWT, importPKCS8 } = await import('jose');
    const issuedAt = Math.floor(now() / 1000);
    const assertion = await new SignJWT({ scope: SCOPE })
      .setProtectedHeader({ alg: 'RS256', typ: 'JWT' })
      .setIssuer(account.client_email)
      .setAudience(account.token_uri)
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + ASSERTION_SECONDS)
      .sign(await importPKCS8(account.private_key, 'RS256'));
    return tokenFrom(account.token_uri, { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion });
  }, now);
