export const DIALECT_ID = 'gemini-generate';

/** How this maker's thought signatures are marked, so that they return to nobody else. */
export const FORMAT = 'google-gemini-v1';
