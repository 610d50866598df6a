import { z } from 'zod';
import type { Signer } from './route.ts';

/** A token for a while. */
export interface Token {
  readonly value: string;
  readonly seconds: number;
}

/** One that is this close to its end is replaced (spec/providers B.7). */
const RENEW_BEFORE_MS = 5 * 60_000;
const TOKEN_MS_MAX = 10_000;

const tokenAnswer = z.looseObject({
  access_token: z.string().min(1),
  expires_in: z.union([z.number(), z.string().regex(/^\d+$/).transform(Number)]),
});

/** Asks an OAuth 2 token endpoint. @throws where it gives none; what it said is not repeated, because it may hold what it was asked with */
export async function tokenFrom(url: string, form: Readonly<Record<string, string>>): Promise<Token> {
  const response = await fetch(url, {
    method: 'POST',
    body: new URLSearchParams(form),
    redirect: 'manual',
    signal: AbortSignal.timeout(TOKEN_MS_MAX),
  });
  if (!response.ok) throw new Error(`the token endpoint answered ${response.status}`);
  const answer = tokenAnswer.safeParse(await response.json());
  if (!answer.success) throw new Error('the token endpoint gave no token');
  return { value: answer.data.access_token, seconds: answer.data.expires_in };
}

/** Bearer tokens, renewed in time and after a refusal. One exchange serves all calls that wait for it. */
export function tokenSigner(exchange: () => Promise<Token>, now: () => number): Signer {
  let token: { readonly header: string; readonly until: number } | undefined;
  let pending: Promise<string> | undefined;

  const fresh = async (): Promise<string> => {
    const { value, seconds } = await exchange();
    const header = `Bearer ${value}`;
    token = { header, until: now() + seconds * 1000 - RENEW_BEFORE_MS };
    return header;
  };

  const current = (): Promise<string> => {
    if (token && now() < token.until) return Promise.resolve(token.header);
    pending ??= fresh().finally(() => {
      pending = undefined;
    });
    return pending;
  };

  return {
    sign: async (_url, headers) => ({ ...headers, authorization: await current() }),
    refused: ({ authorization }) => {
      // Another call may have renewed it meanwhile.
      if (token?.header === authorization) token = undefined;
      return true;
    },
  };
}

export interface ClientCredentials {
  readonly tokenUrl: string;
  readonly clientId: string;
  readonly clientSecret: () => string;
  readonly scope: string;
}

/** Tokens for a program that has a name and a secret of its own (OAuth 2, client credentials). */
export const clientSigner = (client: ClientCredentials, now: () => number): Signer =>
  tokenSigner(
    () =>
      tokenFrom(client.tokenUrl, {
        grant_type: 'client_credentials',
        client_id: client.clientId,
        client_secret: client.clientSecret(),
        scope: client.scope,
      }),
    now,
  );
