export const DIALECT_ID = 'openai-completions';
