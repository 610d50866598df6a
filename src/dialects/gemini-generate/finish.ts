import type { FinishReason } from '../../canon/event.ts';

export const FINISH_WORDS: { readonly [F in FinishReason]: string } = {
  stop: 'STOP',
  length: 'MAX_TOKENS',
  'tool-calls': 'STOP',
  'content-filter': 'SAFETY',
  error: 'OTHER',
};

/** What hosts of this dialect write (spec/providers B.3.3); unknown words mean `stop`. */
export const MEANINGS: Readonly<Record<string, FinishReason>> = {
  STOP: 'stop',
  FINISH_REASON_UNSPECIFIED: 'stop',
  MAX_TOKENS: 'length',
  // Where it does not say how to ask for the rest, what came is not all.
  CONTINUATION: 'length',
  SAFETY: 'content-filter',
  RECITATION: 'content-filter',
  LANGUAGE: 'content-filter',
  BLOCKLIST: 'content-filter',
  PROHIBITED_CONTENT: 'content-filter',
  SPII: 'content-filter',
  IMAGE_SAFETY: 'content-filter',
  IMAGE_PROHIBITED_CONTENT: 'content-filter',
  IMAGE_RECITATION: 'content-filter',
  MALFORMED_FUNCTION_CALL: 'error',
  UNEXPECTED_TOOL_CALL: 'error',
  TOO_MANY_TOOL_CALLS: 'error',
  NO_IMAGE: 'error',
  IMAGE_OTHER: 'error',
  OTHER: 'error',
  MISSING_THOUGHT_SIGNATURE: 'error',
};

/** Why a prompt was not answered at all. */
export const BLOCK_REASONS = [
  'BLOCKED_REASON_UNSPECIFIED',
  'SAFETY',
  'OTHER',
  'BLOCKLIST',
  'PROHIBITED_CONTENT',
  'IMAGE_SAFETY',
  'MODEL_ARMOR',
  'JAILBREAK',
] as const;

export function finishReason(word: string | undefined, calledTools: boolean): FinishReason {
  const meaning = MEANINGS[word ?? ''] ?? 'stop';
  return meaning === 'stop' && calledTools ? 'tool-calls' : meaning;
}
