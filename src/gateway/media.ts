import { type GatewayError, gatewayError } from '../canon/errors.ts';
import {
  addressOf,
  carriage,
  contentOf,
  isDataUrl,
  type MediaPart,
  type PlacedMedia,
  withContent,
} from '../canon/media.ts';
import type { GenerationRequest, Part } from '../canon/request.ts';
import { fail, ok, type Result } from '../canon/result.ts';
import type { Provider } from '../catalogue/types.ts';
import type { Downloaded, Downloader } from '../upstream/download.ts';

const DOWNLOADS_AT_ONCE = 4;

const invalid = (pointer: string, why: string): GatewayError =>
  gatewayError('invalid_request', `${pointer}: ${why}`, { issues: [{ path: pointer, message: why }] });

/** What is wrong with the media of a request, whoever would serve it: Base64 that is none, and addresses that lead inside. */
export function checkMedia(media: readonly PlacedMedia[], downloader: Downloader): GatewayError | undefined {
  for (const { part, pointer } of media) {
    const content = part.kind === 'audio' ? part.data : contentOf(part);
    if (content === undefined) continue;
    const address = addressOf(part);
    if (address === undefined) {
      const why = part.kind === 'audio' ? base64Problem(content, 0) : dataProblem(part, content);
      if (why !== undefined) return invalid(pointer, why);
    } else if (/^https?:/i.test(address)) {
      const why = downloader.forbids(address);
      if (why !== undefined) return invalid(pointer, why);
    }
  }
  return undefined;
}

function dataProblem({ kind }: MediaPart, content: string): string | undefined {
  if (!isDataUrl(content)) return kind === 'file' ? base64Problem(content, 0) : 'is neither an address nor a data URL';
  const comma = content.indexOf(',');
  if (comma < 0) return 'is a data URL without data';
  return /;base64$/i.test(content.slice(0, comma)) ? base64Problem(content, comma + 1) : undefined;
}

/** Looks for what does not belong, which costs a tenth of making sure that everything does. */
const FOREIGN = /[^A-Za-z0-9+/_\s-]/;

/** Standard or URL-safe, with or without its padding; line ends may stand in it. Empty is none. */
function base64Problem(text: string, from: number): string | undefined {
  const data = text.slice(from).trimEnd();
  const padding = data.endsWith('==') ? 2 : data.endsWith('=') ? 1 : 0;
  const body = padding > 0 ? data.slice(0, -padding) : data;
  if (body === '') return 'holds no data';
  if (FOREIGN.test(body)) return 'is not valid Base64';
  const length = /\s/.test(body) ? body.replace(/\s/g, '').length : body.length;
  const fits = padding === 0 ? length % 4 !== 1 : (length + padding) % 4 === 0;
  return fits ? undefined : 'is not valid Base64';
}

/** The media with pointers into what the caller wrote, where the same text stands there. */
export function located(media: readonly PlacedMedia[], wire: unknown): readonly PlacedMedia[] {
  const wanted = new Map<string, PlacedMedia[]>();
  for (const one of media) {
    const content = one.part.kind === 'audio' ? one.part.data : contentOf(one.part);
    if (content === undefined) continue;
    // Some wires hold the data alone, and a type beside it.
    const text = isDataUrl(content) ? content.slice(content.indexOf(',') + 1) : content;
    wanted.set(text, [...(wanted.get(text) ?? []), one]);
  }
  const found = new Map<PlacedMedia, string>();
  const look = (value: unknown, pointer: string): void => {
    if (typeof value === 'string') {
      const text = isDataUrl(value) ? value.slice(value.indexOf(',') + 1) : value;
      const one = wanted.get(text)?.shift();
      if (one) found.set(one, pointer);
    } else if (typeof value === 'object' && value !== null)
      for (const [key, inner] of Object.entries(value))
        look(inner, `${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`);
  };
  look(wire, '');
  return media.map((one) => ({ ...one, pointer: found.get(one) ?? one.pointer }));
}

/** The media of one request on its way to hosts that do not fetch themselves: each address is asked once, whatever host needs it. */
export class MediaFetch {
  readonly #messages: GenerationRequest['messages'];
  readonly #media: readonly PlacedMedia[];
  readonly #downloader: Downloader;
  readonly #totalBytesMax: number;
  readonly #controller = new AbortController();
  readonly #kept = new Map<string, Promise<Result<Downloaded, GatewayError>>>();
  #bytes = 0;

  /** @param request what the media were found in */
  constructor(
    request: GenerationRequest,
    media: readonly PlacedMedia[],
    downloader: Downloader,
    totalBytesMax: number,
  ) {
    this.#messages = request.messages;
    this.#media = media;
    this.#downloader = downloader;
    this.#totalBytesMax = totalBytesMax;
  }

  /** Nobody waits any more. */
  cancel(): void {
    this.#controller.abort();
  }

  /** What has to be fetched for this host, of what the request still holds; the same empty list where nothing has to be. */
  missing(provider: Provider, { messages }: GenerationRequest): readonly PlacedMedia[] {
    const missing = this.#media.filter(({ part }) => carriage(part, provider.media) === 'fetch');
    if (messages === this.#messages) return missing;
    const left = new Set(messages.flatMap(({ parts }) => parts));
    return missing.filter(({ part }) => left.has(part));
  }

  /** @returns the request with content in place of addresses, or why one of them could not be had */
  async filled(
    request: GenerationRequest,
    missing: readonly PlacedMedia[],
  ): Promise<Result<GenerationRequest, GatewayError>> {
    const contents = new Map<Part, Part>();
    const left = [...missing];
    let failure: GatewayError | undefined;
    const work = async (): Promise<void> => {
      for (let one = left.shift(); one && !failure; one = left.shift()) {
        const got = await this.#content(one);
        if (got.ok) contents.set(one.part, withData(one.part, got.value));
        else failure ??= told(got.error, one.pointer);
      }
    };
    await Promise.all(Array.from({ length: DOWNLOADS_AT_ONCE }, work));
    return failure ? fail(failure) : ok(withContent(request, contents));
  }

  #content({ part }: PlacedMedia): Promise<Result<Downloaded, GatewayError>> {
    const url = addressOf(part) ?? '';
    const kind = part.kind === 'image' ? 'image' : 'file';
    const key = `${kind} ${url}`;
    let got = this.#kept.get(key);
    if (!got) {
      const filename = part.kind === 'file' ? part.filename : undefined;
      got = this.#bounded(this.#downloader.fetch({ url, kind, filename }, this.#controller.signal));
      this.#kept.set(key, got);
    }
    return got;
  }

  async #bounded(download: Promise<Result<Downloaded, GatewayError>>): Promise<Result<Downloaded, GatewayError>> {
    const got = await download;
    if (got.ok) this.#bytes += got.value.bytes.byteLength;
    return this.#bytes > this.#totalBytesMax
      ? fail(
          gatewayError('media_unavailable', `has, with all others, more than ${this.#totalBytesMax} bytes`, {
            rule: 'media_total_bytes_max',
            limit: this.#totalBytesMax,
            current: this.#bytes,
          }),
        )
      : got;
  }
}

const told = ({ code, message, facts }: GatewayError, pointer: string): GatewayError =>
  gatewayError(code, `${pointer}: ${message}`, { ...facts, issues: [{ path: pointer, message }] });

function withData(part: MediaPart, { mediaType, bytes }: Downloaded): Part {
  const content = `data:${mediaType};base64,${bytes.toString('base64')}`;
  if (part.kind !== 'file') return { ...part, url: content } as Part;
  return { ...part, data: content, filename: part.filename ?? nameOf(part.data ?? '') };
}

/** A document has a name everywhere; where the caller gave none, the end of its address is one. */
function nameOf(address: string): string {
  const last = URL.canParse(address) ? new URL(address).pathname.split('/').at(-1) : undefined;
  return last === undefined || last === '' ? 'document' : last;
}

/** The request as a host would be told it, with next to nothing in place of what would be fetched. */
export function asIfFilled(
  request: GenerationRequest,
  media: readonly PlacedMedia[],
  provider: Provider,
): GenerationRequest {
  const missing = media.filter(({ part }) => carriage(part, provider.media) === 'fetch');
  if (missing.length === 0) return request;
  const stand = (part: MediaPart): Part =>
    withData(part, { mediaType: part.kind === 'image' ? 'image/png' : 'application/pdf', bytes: Buffer.from('%') });
  return withContent(request, new Map(missing.map(({ part }) => [part, stand(part)])));
}
