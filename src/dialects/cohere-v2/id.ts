export const DIALECT_ID = 'cohere-v2';
