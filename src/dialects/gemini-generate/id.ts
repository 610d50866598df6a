export const DIALECT_ID = 'gemini-generate';

/** How this maker's thought signatures are marked, so that they return to nobody else. */
export const FORMAT = 'google-gemini-v1';
/** Where fields of `generationConfig` are kept that nobody else has a word for. */
export const CONFIG_EXTRAS = 'gemini-generate/generationConfig';
