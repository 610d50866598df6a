export const DIALECT_ID = 'bedrock-converse';

/** Whose thoughts travel here signed. */
export const FORMAT = 'anthropic-claude-v1';
