import type { GenerationRequest, Part } from './request.ts';

/** Everything that is not text. */
export type MediaKind = 'image' | 'file' | 'audio' | 'video';
export type MediaPart = Extract<Part, { kind: MediaKind }>;

/**
 * How a host takes one kind of media: `none`, `data` alone, or by `address` too, which it fetches itself. A pattern (it begins with `^`)
 * stands for `data` and those addresses that match it: a provider's own store, or one site.
 */
export type MediaTaken = { readonly [K in MediaKind]: string };

/** A part that is not text, and where it stands. */
export interface PlacedMedia {
  readonly part: MediaPart;
  /** JSON pointer. */
  readonly pointer: string;
  /** Where the address itself was not kept: the patterns that it matched. */
  readonly matched?: readonly string[];
}

const NONE: readonly never[] = [];

const isMedia = (part: Part): part is MediaPart => part.kind !== 'text' && part.kind !== 'refusal';

/** All parts of a request that are not text; the same empty list for all requests without any. */
export function mediaOf({ messages, operation }: GenerationRequest): readonly PlacedMedia[] {
  let found: PlacedMedia[] | undefined;
  const look = (parts: readonly Part[], above: string): void => {
    for (let i = 0; i < parts.length; i++) {
      const part = parts[i] as Part;
      if (!isMedia(part)) continue;
      found ??= [];
      found.push({ part, pointer: `${above}/content/${i}` });
    }
  };
  for (let i = 0; i < messages.length; i++) look(messages[i]?.parts ?? NONE, `/messages/${i}`);
  if (operation?.kind === 'embeddings')
    for (const [i, input] of operation.inputs.entries()) if (!('tokenIds' in input)) look(input, `/input/${i}`);
  return found ?? NONE;
}

/** What a part says of its content: an address or a data URL; undefined for mere Base64 and for names of stored files. */
export function contentOf(part: MediaPart): string | undefined {
  if (part.kind === 'audio') return undefined;
  return part.kind === 'file' ? part.data : part.url;
}

export const isDataUrl = (text: string): boolean => /^data:/i.test(text.slice(0, 5));
const isWebAddress = (text: string): boolean => /^https?:/i.test(text.slice(0, 6));

/** The address of a part whose content is elsewhere. */
export function addressOf(part: MediaPart): string | undefined {
  const content = contentOf(part);
  return content !== undefined && !isDataUrl(content) && /^[a-z][a-z0-9+.-]*:/i.test(content.slice(0, 32))
    ? content
    : undefined;
}

const patterns = new Map<string, RegExp>();

function matches(pattern: string, address: string): boolean {
  let compiled = patterns.get(pattern);
  if (!compiled) {
    compiled = new RegExp(pattern, 'i');
    patterns.set(pattern, compiled);
  }
  return compiled.test(address);
}

/**
 * How a part reaches a host that takes media so: as it is, after somebody has fetched it, or not at all. Videos are too large to be
 * fetched on the way (INF-039).
 * @param matched the patterns that its address matched, where only these are known
 */
export function carriage(part: MediaPart, taken: MediaTaken, matched?: readonly string[]): 'as-is' | 'fetch' | 'none' {
  const how = taken[part.kind];
  if (how === 'none') return 'none';
  const address = addressOf(part);
  if (address === undefined) return 'as-is';
  if (how.startsWith('^') && (matched?.includes(how) ?? matches(how, address))) return 'as-is';
  if (!isWebAddress(address)) return 'none';
  if (how === 'address') return 'as-is';
  return part.kind === 'video' ? 'none' : 'fetch';
}

/** Which of these patterns an address matches; undefined where no pattern decides how it reaches a host. */
export function matchedBy(part: MediaPart, among: readonly string[]): readonly string[] | undefined {
  const address = addressOf(part);
  if (address === undefined || (isWebAddress(address) && part.kind !== 'video')) return undefined;
  return among.filter((pattern) => matches(pattern, address));
}

/** The request with the content of some parts in place of their addresses. */
export function withContent(request: GenerationRequest, contents: ReadonlyMap<Part, Part>): GenerationRequest {
  const replaced = (parts: readonly Part[]): readonly Part[] =>
    parts.some((part) => contents.has(part)) ? parts.map((part) => contents.get(part) ?? part) : parts;
  const { operation } = request;
  return {
    ...request,
    messages: request.messages.map((message) => ({ ...message, parts: replaced(message.parts) })),
    ...(operation?.kind === 'embeddings' && {
      operation: {
        ...operation,
        inputs: operation.inputs.map((input) => ('tokenIds' in input ? input : replaced(input))),
      },
    }),
  };
}
