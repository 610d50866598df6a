export const DIALECT_ID = 'ollama-chat';
