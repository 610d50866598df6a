import type { Secret } from '../canon/secret.ts';
import type { Signer } from './route.ts';

/** Where a base carries its region, for a host that is asked in one. */
export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: Secret;
  readonly sessionToken?: Secret;
  readonly region: string;
  readonly service: string;
}

type Sign = Signer['sign'];

/**
 * Signs calls after AWS Signature Version 4. The library is loaded by the first call, because an installation without this provider does
 * not need it.
 */
export function awsSigner(credentials: AwsCredentials): Signer {
  let signing: Promise<Sign> | undefined;
  const load = async (): Promise<Sign> => {
    const [{ SignatureV4 }, { Sha256 }] = await Promise.all([
      import('@smithy/signature-v4'),
      import('@aws-crypto/sha256-js'),
    ]);
    const { accessKeyId, secretAccessKey, sessionToken, region, service } = credentials;
    const v4 = new SignatureV4({
      service,
      region,
      sha256: Sha256,
      credentials: {
        accessKeyId,
        secretAccessKey: secretAccessKey.reveal(),
        ...(sessionToken && { sessionToken: sessionToken.reveal() }),
      },
    });
    return async (url, headers, body) => {
      const { hostname, host, port, protocol, pathname, searchParams } = new URL(url);
      const signed = await v4.sign({
        method: 'POST',
        protocol,
        hostname,
        ...(port !== '' && { port: Number(port) }),
        path: pathname,
        query: Object.fromEntries(searchParams),
        headers: { ...headers, host },
        body,
      });
      return signed.headers;
    };
  };
  return {
    sign: async (url, headers, body) => {
      signing ??= load();
      return (await signing)(url, headers, body);
    },
    // The same credentials would be refused again.
    refused: () => false,
  };
}
