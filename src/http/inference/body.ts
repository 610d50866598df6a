import { isUtf8 } from 'node:buffer';
import { type GatewayError, gatewayError } from '../../canon/errors.ts';
import type { Original, OriginalMember } from '../../canon/original.ts';
import { fail, ok, type Result } from '../../canon/result.ts';
import { reachesPrototype, type ScannedMember, scanJson } from './scan.ts';

const tooLarge = (bytesMax: number, declared: string | null): GatewayError =>
  gatewayError('body_too_large', `Request payload too large: at most ${bytesMax} bytes`, {
    rule: 'body_bytes_max',
    limit: bytesMax,
    // Of a body that does not say its size no more is known than that it is larger.
    ...(declared !== null && { current: Number(declared) }),
  });

/** From this size on a member is worth passing on as it came. */
const LARGE_BYTES = 8 * 1024;

/** A body as it came: what it says, and where its large members stand. */
export interface ReadBody {
  readonly value: unknown;
  readonly original?: Omit<Original, 'dialect'>;
}

/**
 * A request's body as parsed JSON: size first, then UTF-8, then what a parser would let pass, then the parser.
 * @returns the value, or `body_too_large`, `not_json`
 */
export async function readJson(request: Request, bytesMax: number): Promise<Result<ReadBody, GatewayError>> {
  const bytes = await readBytes(request, bytesMax);
  if (!bytes) return fail(tooLarge(bytesMax, request.headers.get('content-length')));
  if (!isUtf8(bytes)) return fail(gatewayError('not_json', 'The body is not valid UTF-8'));
  // A mark at the start is no part of the text.
  const marked = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8', marked ? 3 : 0);
  const members: ScannedMember[] | undefined = bytes.length >= LARGE_BYTES && !marked ? [] : undefined;
  const problem = scanJson(text, members);
  if (problem) return fail(gatewayError('not_json', `The body is refused: ${problem}`));
  try {
    const value: unknown = JSON.parse(text);
    if (reachesPrototype(text, value))
      return fail(gatewayError('not_json', 'The body is refused: __proto__ is no field'));
    return ok({
      value,
      ...(members && isRecord(value) && { original: { value, bytes, members: large(members, text, bytes) } }),
    });
  } catch {
    return fail(gatewayError('not_json', 'The body is not valid JSON'));
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Where the large members stand in the bytes. */
function large(members: readonly ScannedMember[], text: string, bytes: Uint8Array): Original['members'] {
  const ascii = text.length === bytes.length;
  const found = new Map<string, OriginalMember>();
  for (const { name, start, end, keys } of members) {
    if (end - start < LARGE_BYTES / 2) continue;
    const from = ascii ? start : Buffer.byteLength(text.slice(0, start));
    found.set(name, { start: from, end: ascii ? end : from + Buffer.byteLength(text.slice(start, end)), keys });
  }
  return found;
}

async function readBytes(request: Request, bytesMax: number): Promise<Uint8Array | undefined> {
  const declared = request.headers.get('content-length');
  if (declared !== null) return Number(declared) > bytesMax ? undefined : request.bytes();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body ?? []) {
    size += chunk.byteLength;
    if (size > bytesMax) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
