export const DIALECT_ID = 'openai-responses';

/** How this maker's sealed thoughts are marked, so that they return to nobody else. */
export const FORMAT = 'openai-responses-v1';
