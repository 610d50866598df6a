import { isDeepStrictEqual } from 'node:util';
import type { GatewayError } from '../canon/errors.ts';
import type { EncodedRequest } from '../dialects/dialect.ts';
import { wholeBody } from '../dialects/short-way.ts';

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Fields of a body that a refusal names: by its own member, in quotes, or by a name that is no word of any language. */
function namedFields({ facts, message }: GatewayError, body: Fields): readonly string[] {
  if (facts.field !== undefined) {
    const [top = ''] = facts.field.split(/[.[]/);
    return top in body ? [top] : [];
  }
  const said = facts.raw ?? message;
  return Object.keys(body).filter(
    (name) =>
      ['"', "'", '`'].some((quote) => said.includes(`${quote}${name}${quote}`)) ||
      (name.includes('_') && new RegExp(`\\b${name}\\b`).test(said)),
  );
}

/**
 * Whether a host refused something that the caller never said so: a field that we named, added or rewrote for its wire. Then the request
 * may be right and our words for it wrong, which another host need not mind (UP-133).
 * @param encoded what the host was sent
 * @param wire what the caller sent
 * @returns the field's name
 */
export function refusedOurs(error: GatewayError, encoded: EncodedRequest, wire: unknown): string | undefined {
  if (error.code !== 'upstream_invalid_request' && error.code !== 'upstream_unprocessable') return undefined;
  const sent: unknown = JSON.parse(String(Buffer.from(wholeBody(encoded))));
  if (!isFields(sent)) return undefined;
  const said = isFields(wire) ? wire : {};
  return namedFields(error, sent).find((name) => !isDeepStrictEqual(sent[name], said[name]));
}
