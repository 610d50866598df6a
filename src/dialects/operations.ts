import type { Operation } from '../canon/request.ts';
import type { Dialect } from './dialect.ts';
import { cohereEmbed } from './embeddings/cohere.ts';
import { geminiEmbed } from './embeddings/gemini.ts';
import { ollamaEmbed } from './embeddings/ollama.ts';
import { openaiEmbeddings } from './embeddings/openai.ts';
import { DIALECTS } from './registry.ts';
import { rerank } from './rerank/rerank.ts';

/** What else hosts of a dialect can be asked for, and in which wire. */
const OPERATIONS: { readonly [K in Operation['kind']]: Readonly<Record<string, Dialect>> } = {
  embeddings: {
    'openai-chat': openaiEmbeddings,
    'openai-responses': openaiEmbeddings,
    'gemini-generate': geminiEmbed,
    'cohere-v2': cohereEmbed,
    'ollama-chat': ollamaEmbed,
  },
  rerank: { 'openai-chat': rerank, 'cohere-v2': rerank },
};

/** The wire in which a host that speaks `dialect` is asked; undefined where it has none. */
export const wireOf = (dialect: string, operation: Operation['kind'] | undefined): Dialect | undefined =>
  operation === undefined ? DIALECTS[dialect] : OPERATIONS[operation][dialect];

/** All wires of a host, for those who play one. */
export const wiresOf = (dialect: string): readonly Dialect[] => [
  ...(DIALECTS[dialect] ? [DIALECTS[dialect]] : []),
  ...Object.values(OPERATIONS).flatMap((wires) => (wires[dialect] ? [wires[dialect]] : [])),
];

/** Operations that clients ask us for. */
export const SERVED_OPERATIONS: readonly Dialect[] = [openaiEmbeddings, rerank, ollamaEmbed];
