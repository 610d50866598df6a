/** `data:image/png;base64,…` in its two halves; undefined for any other address. */
export function dataUrl(url: string): { readonly mediaType: string; readonly data: string } | undefined {
  if (!/^data:/i.test(url.slice(0, 5))) return undefined;
  const comma = url.indexOf(',');
  const [mediaType = ''] = url.slice(5, comma).split(';');
  return comma < 0 ? undefined : { mediaType: mediaType.toLowerCase(), data: url.slice(comma + 1) };
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
