import type { MediaKind, MediaTaken } from '../canon/media.ts';

/**
 * What each wire has words for, and what its hosts usually fetch themselves; a provider's row says where it differs (spec/providers
 * B.14.3). A document reaches few hosts of the most imitated wire, sound and video as many as their models hear and see.
 */
const WIRES: Readonly<Record<string, MediaTaken>> = {
  'openai-chat': { image: 'address', file: 'none', audio: 'data', video: 'address' },
  'openai-responses': { image: 'address', file: 'address', audio: 'data', video: 'none' },
  'openai-completions': { image: 'none', file: 'none', audio: 'none', video: 'none' },
  'anthropic-messages': { image: 'address', file: 'address', audio: 'none', video: 'none' },
  'gemini-generate': { image: 'data', file: 'data', audio: 'data', video: 'data' },
  'bedrock-converse': { image: 'data', file: 'data', audio: 'data', video: 'data' },
  'cohere-v2': { image: 'address', file: 'none', audio: 'none', video: 'none' },
  'ollama-chat': { image: 'data', file: 'none', audio: 'none', video: 'none' },
};

const ANY: MediaTaken = { image: 'address', file: 'address', audio: 'data', video: 'address' };

type OwnMedia = { readonly [K in MediaKind]?: string | undefined };

export const overlaid = (usual: MediaTaken, own: OwnMedia = {}): MediaTaken => ({
  image: own.image ?? usual.image,
  file: own.file ?? usual.file,
  audio: own.audio ?? usual.audio,
  video: own.video ?? usual.video,
});

export const mediaTaken = (dialect: string, own?: OwnMedia): MediaTaken => overlaid(WIRES[dialect] ?? ANY, own);

/** What a host of the operator's own takes: all that its wire has words for. */
export const mediaOfOwn = (dialect: string, own: OwnMedia = {}): MediaTaken =>
  mediaTaken(dialect, dialect === 'openai-chat' ? { file: 'address', ...own } : own);
