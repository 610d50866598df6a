import { createHash, createHmac } from 'node:crypto';

/** AWS Signature Version 4 once more, after its description alone and with nothing but Node's own hashes, to check ours against. */

export interface SignedRequest {
  readonly method: string;
  /** As it stands on the wire. */
  readonly path: string;
  readonly query?: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const sha256 = (text: string): string => createHash('sha256').update(text, 'utf8').digest('hex');
const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text, 'utf8').digest();

const encoded = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);

/** The `Authorization` header that these credentials make of a request and the headers it names. */
export function authorization(
  request: SignedRequest,
  signedHeaders: readonly string[],
  credentials: {
    readonly id: string;
    readonly secret: string;
    readonly region: string;
    readonly service: string;
    readonly date: string;
  },
): string {
  const { id, secret, region, service, date } = credentials;
  const canonical = [
    request.method,
    // Every service but one has each segment of the path encoded once more.
    request.path.split('/').map(encoded).join('/'),
    (request.query ?? '').split('&').sort().join('&'),
    ...signedHeaders.map((name) => `${name}:${(request.headers[name] ?? '').trim().replace(/ +/g, ' ')}`),
    '',
    signedHeaders.join(';'),
    sha256(request.body),
  ].join('\n');
  const scope = `${date.slice(0, 8)}/${region}/${service}/aws4_request`;
  const toSign = ['AWS4-HMAC-SHA256', date, scope, sha256(canonical)].join('\n');
  const key = [region, service, 'aws4_request'].reduce<Buffer>(hmac, hmac(`AWS4${secret}`, date.slice(0, 8)));
  const signature = hmac(key, toSign).toString('hex');
  return `AWS4-HMAC-SHA256 Credential=${id}/${scope}, SignedHeaders=${signedHeaders.join(';')}, Signature=${signature}`;
}
