export const DIALECT_ID = 'ollama-chat';
/** Where fields of `options` are kept that nobody else has a word for. */
export const OPTION_EXTRAS = 'ollama-chat/options';
