interface Modalities {
  readonly input: readonly string[];
  readonly output: readonly string[];
}

/** Names that give away a purpose, first match wins. */
const PURPOSES: readonly (readonly [RegExp, Modalities])[] = [
  [/embed|\bbge\b|\bada-002\b|^voyage-(?!rerank)/, { input: ['text'], output: ['embeddings'] }],
  [/rerank/, { input: ['text'], output: ['rerank'] }],
  [/whisper|transcri/, { input: ['audio'], output: ['transcription'] }],
  [/\btts\b|speech/, { input: ['text'], output: ['speech'] }],
  [/realtime|\blive\b|audio|voice|sonic|omni/, { input: ['text', 'audio'], output: ['text', 'audio'] }],
  [/image/, { input: ['text', 'image'], output: ['text', 'image'] }],
  [/vision|-vl\b|\bvl-|multimodal|pixtral|llava/, { input: ['text', 'image'], output: ['text'] }],
];

/**
 * What a model most likely reads and writes, for rows that give a name and a price only. It keeps embedding and speech models out of
 * lists of chat models; a source that knows better replaces it.
 */
export function guessModalities(slug: string): Modalities {
  return PURPOSES.find(([name]) => name.test(slug))?.[1] ?? { input: ['text'], output: ['text'] };
}
