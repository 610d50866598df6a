/** A common misspelling of the type that hosts know. */
const TYPES: Readonly<Record<string, string>> = { 'image/jpg': 'image/jpeg' };

/** `data:image/png;base64,…` in its two halves; undefined for any other address. Content that is written out becomes Base64. */
export function dataUrl(url: string): { readonly mediaType: string; readonly data: string } | undefined {
  if (!/^data:/i.test(url.slice(0, 5))) return undefined;
  const comma = url.indexOf(',');
  if (comma < 0) return undefined;
  const [mediaType = '', ...rest] = url.slice(5, comma).toLowerCase().split(';');
  const content = url.slice(comma + 1);
  const data = rest.at(-1)?.trim() === 'base64' ? content : Buffer.from(unescaped(content)).toString('base64');
  return { mediaType: TYPES[mediaType] ?? (mediaType === '' ? 'text/plain' : mediaType), data };
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The first characters of a picture in Base64, by its type. */
const BEGINNINGS: readonly (readonly [string, string])[] = [
  ['iVBOR', 'image/png'],
  ['/9j/', 'image/jpeg'],
  ['R0lG', 'image/gif'],
  ['UklG', 'image/webp'],
];

/** A picture that came as mere Base64, as an address. */
export function pictureUrl(data: string): string {
  const mediaType = BEGINNINGS.find(([beginning]) => data.startsWith(beginning))?.[1] ?? 'image/jpeg';
  return `data:${mediaType};base64,${data}`;
}

/** A document that came as mere Base64, as an address where its first characters tell what it is. */
export const documentUrl = (data: string): string =>
  data.startsWith('JVBERi') ? `data:application/pdf;base64,${data}` : data;
