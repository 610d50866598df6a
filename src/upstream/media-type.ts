import { fail, ok, type Result } from '../canon/result.ts';

/** What content is, by its own bytes; what its server says of it counts only for text, which has no marks. */

export interface Claim {
  readonly kind: 'image' | 'file';
  /** Where it came from, and what the caller called it: an ending is a claim. */
  readonly address: string;
  readonly filename?: string | undefined;
  /** The `content-type` that came with it. */
  readonly declared: string;
}

/** Types of text by their endings. */
const TEXTS: Readonly<Record<string, string>> = {
  txt: 'text/plain',
  md: 'text/markdown',
  markdown: 'text/markdown',
  csv: 'text/csv',
  html: 'text/html',
  htm: 'text/html',
  json: 'application/json',
  xml: 'text/xml',
};
/** Older office documents share one container, so their ending says which they are. */
const OLD_OFFICE: Readonly<Record<string, string>> = {
  doc: 'application/msword',
  xls: 'application/vnd.ms-excel',
  ppt: 'application/vnd.ms-powerpoint',
};
const DOCUMENTS: ReadonlySet<string> = new Set(['pdf', 'docx', 'xlsx', 'pptx', 'odt', 'ods', 'odp', 'rtf', 'epub']);

function endingOf(name: string): string {
  return /\.([a-z0-9]{1,8})$/i.exec(name)?.[1]?.toLowerCase() ?? '';
}

const pathOf = (address: string): string => (URL.canParse(address) ? new URL(address).pathname : '');

function isText(bytes: Uint8Array): boolean {
  if (bytes.includes(0)) return false;
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

/** @returns the media type, or what is wrong with the content in a few words */
export async function mediaType(bytes: Uint8Array, claim: Claim): Promise<Result<string, string>> {
  // Loaded by the first download: an installation without any need not wait for it.
  const { fileTypeFromBuffer } = await import('file-type');
  const found = await fileTypeFromBuffer(bytes);
  const ending = endingOf(claim.filename ?? '') || endingOf(pathOf(claim.address));
  if (claim.kind === 'image')
    return found?.mime.startsWith('image/') ? ok(found.mime.replace('image/apng', 'image/png')) : fail('is no picture');
  const old = found?.ext === 'cfb' ? OLD_OFFICE[ending] : undefined;
  if (old !== undefined) return ok(old);
  if (DOCUMENTS.has(ending) && found?.ext !== ending) return fail(`is no ${ending}`);
  if (found && found.ext !== 'xml') return ok(found.mime);
  if (!isText(bytes)) return fail('is neither a document nor text');
  const declared = claim.declared.split(';')[0]?.trim().toLowerCase() ?? '';
  return ok(TEXTS[ending] ?? (declared.startsWith('text/') ? declared : 'text/plain'));
}
