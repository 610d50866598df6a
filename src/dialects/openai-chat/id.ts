/** This dialect's name in the registry, in provider rows and in `extras`. */
export const DIALECT_ID = 'openai-chat';
