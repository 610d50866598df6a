import { type GatewayError, gatewayError } from '../../canon/errors.ts';
import { fail, ok, type Result } from '../../canon/result.ts';
import { scanJson } from './scan.ts';

const decoder = new TextDecoder('utf-8', { fatal: true });

const tooLarge = (bytesMax: number): GatewayError =>
  gatewayError('body_too_large', `Request payload too large: at most ${bytesMax} bytes`);

/**
 * A request's body as parsed JSON: size first, then UTF-8, then what a parser would let pass, then the parser.
 * @returns the value, or `body_too_large`, `not_json`
 */
export async function readJson(request: Request, bytesMax: number): Promise<Result<unknown, GatewayError>> {
  const bytes = await readBytes(request, bytesMax);
  if (!bytes) return fail(tooLarge(bytesMax));
  let text: string;
  try {
    text = decoder.decode(bytes);
  } catch {
    return fail(gatewayError('not_json', 'The body is not valid UTF-8'));
  }
  const problem = scanJson(text);
  if (problem) return fail(gatewayError('not_json', `The body is refused: ${problem}`));
  try {
    return ok(JSON.parse(text));
  } catch {
    return fail(gatewayError('not_json', 'The body is not valid JSON'));
  }
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
