import type { GenerationRequest } from '../canon/request.ts';
import type { EncodedRequest, Verbatim } from './dialect.ts';

const DIFFERENT = Number.NaN;

/** How many keys two JSON values have, where they are the same value; not a number where they differ. Absent and undefined are one. */
function keysOfSame(written: unknown, came: unknown): number {
  if (written === came) return typeof written === 'object' && written !== null ? keysIn(written) : 0;
  if (typeof written !== 'object' || typeof came !== 'object' || written === null || came === null) return DIFFERENT;
  if (Array.isArray(written) !== Array.isArray(came)) return DIFFERENT;
  if (Array.isArray(written) && Array.isArray(came)) {
    if (written.length !== came.length) return DIFFERENT;
    let keys = 0;
    for (let index = 0; index < written.length; index += 1) keys += keysOfSame(written[index], came[index]);
    return keys;
  }
  let keys = 0;
  let present = 0;
  for (const name in written) {
    const value = (written as Record<string, unknown>)[name];
    if (value === undefined) continue;
    present += 1;
    keys += 1 + keysOfSame(value, (came as Record<string, unknown>)[name]);
    if (Number.isNaN(keys)) return DIFFERENT;
  }
  return present === Object.keys(came).length ? keys : DIFFERENT;
}

function keysIn(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  const inner = Object.values(value).reduce((sum: number, one) => sum + keysIn(one), 0);
  return Array.isArray(value) ? inner : inner + Object.keys(value).length;
}

/**
 * A request's body as text. Members that would be written as they came, in a body of the same wire, are taken from it byte for byte:
 * a megabyte of messages is neither written again nor encoded again.
 * @param body what the long way would stringify
 */
export function writeBody(
  body: Readonly<Record<string, unknown>>,
  { original }: Pick<GenerationRequest, 'original'>,
  dialect: string,
): Pick<EncodedRequest, 'body' | 'verbatim'> {
  if (original?.dialect !== dialect) return { body: JSON.stringify(body) };
  const rest: Record<string, unknown> = {};
  const kept: { name: string; bytes: Uint8Array }[] = [];
  for (const [name, value] of Object.entries(body)) {
    const member = original.members.get(name);
    if (member && keysOfSame(value, original.value[name]) === member.keys)
      kept.push({ name, bytes: original.bytes.subarray(member.start, member.end) });
    else rest[name] = value;
  }
  let text = JSON.stringify(rest).slice(0, -1);
  const verbatim = kept.map(({ name, bytes }): Verbatim => {
    text += `${text === '{' ? '' : ','}${JSON.stringify(name)}:`;
    return { at: text.length, bytes };
  });
  return { body: `${text}}`, ...(verbatim.length > 0 && { verbatim }) };
}

/** The whole body as it is sent. */
export function wholeBody({
  body,
  verbatim,
}: Pick<EncodedRequest, 'body' | 'verbatim'>): string | Uint8Array<ArrayBuffer> {
  if (!verbatim) return body;
  const pieces: Uint8Array[] = [];
  let done = 0;
  for (const { at, bytes } of verbatim) {
    pieces.push(Buffer.from(body.slice(done, at)), bytes);
    done = at;
  }
  pieces.push(Buffer.from(body.slice(done)));
  return Buffer.concat(pieces);
}
