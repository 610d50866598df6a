import type { FinishReason } from '../../canon/event.ts';

export const FINISH_WORDS: { readonly [F in FinishReason]: string } = {
  stop: 'COMPLETE',
  length: 'MAX_TOKENS',
  'tool-calls': 'TOOL_CALL',
  'content-filter': 'ERROR_TOXIC',
  error: 'ERROR',
};

/** What hosts of this dialect write (spec/providers B.5); unknown words mean `stop`. */
export const MEANINGS: Readonly<Record<string, FinishReason>> = {
  COMPLETE: 'stop',
  STOP_SEQUENCE: 'stop',
  MAX_TOKENS: 'length',
  ERROR_LIMIT: 'length',
  TOOL_CALL: 'tool-calls',
  ERROR_TOXIC: 'content-filter',
  ERROR: 'error',
  TIMEOUT: 'error',
};

export const finishReason = (word: string, calledTools: boolean): FinishReason => {
  const meaning = MEANINGS[word] ?? 'stop';
  return meaning === 'stop' && calledTools ? 'tool-calls' : meaning;
};
