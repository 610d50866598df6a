import { contentOf, isDataUrl, type PlacedMedia } from '../canon/media.ts';
import type { GenerationRequest } from '../canon/request.ts';
import type { Provider } from '../catalogue/types.ts';

/** How many tokens an endpoint makes of a prompt, as far as can be told. */
export interface Size {
  readonly likely: number;
  /** Seldom exceeded. */
  readonly most: number;
}

/** How many bytes the Base64 of a data URL holds. */
const bytesOf = (content: string | undefined): number =>
  content !== undefined && isDataUrl(content) ? Math.floor(((content.length - content.indexOf(',') - 1) * 3) / 4) : 0;

/** The media type that a data URL names. */
export const typeOf = (content: string): string =>
  /^data:([\w.+-]+\/[\w.+-]+)[;,]/i.exec(content.slice(0, 140))?.[1]?.toLowerCase() ?? 'unknown';

/** What a provider takes at most of one request (spec/providers B.14.7). */
export function beyondLimits(
  provider: Provider,
  request: GenerationRequest,
  media: readonly PlacedMedia[],
): string | undefined {
  const { toolsMax, bodyBytesMax } = provider;
  if (toolsMax !== undefined && request.tools.length > toolsMax) return `takes at most ${toolsMax} tools`;
  const pictures = media.length > 0 ? beyondPictures(provider, media) : undefined;
  if (pictures !== undefined || bodyBytesMax === undefined) return pictures;
  let bytes = 0;
  for (const { part } of media) bytes += part.kind === 'audio' ? part.data.length : (contentOf(part)?.length ?? 0);
  bytes += textBytes(request);
  return bytes > bodyBytesMax ? bodyTooLarge(bodyBytesMax) : undefined;
}

export function textBytes({ messages }: GenerationRequest): number {
  let bytes = 0;
  for (const { parts } of messages)
    for (const part of parts) if (part.kind === 'text') bytes += Buffer.byteLength(part.text);
  return bytes;
}

export const bodyTooLarge = (bytesMax: number): string => `takes requests of at most ${bytesMax} bytes`;

function beyondPictures(provider: Provider, media: readonly PlacedMedia[]): string | undefined {
  const { imagesMax, imageBytesMax, imageTypes } = provider;
  let images = 0;
  for (const { part } of media) {
    if (part.kind !== 'image') continue;
    images += 1;
    if (imageBytesMax !== undefined && bytesOf(part.url) > imageBytesMax)
      return `takes pictures of at most ${imageBytesMax} bytes`;
    if (!imageTypes || !isDataUrl(part.url)) continue;
    const type = typeOf(part.url).replace('image/jpg', 'image/jpeg');
    if (!imageTypes.includes(type)) return `takes no pictures of type ${type}`;
  }
  return imagesMax !== undefined && images > imagesMax ? `takes at most ${imagesMax} pictures` : undefined;
}
