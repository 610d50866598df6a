export const DIALECT_ID = 'anthropic-messages';

/** How this maker's thoughts are marked, so that they return to nobody else. */
export const FORMAT = 'anthropic-claude-v1';
