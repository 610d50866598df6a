import type { FinishReason } from '../../canon/event.ts';

/** Why an answer is done (spec/providers B.8); unknown words mean `stop`. A model that was only loaded, or put away, said nothing. */
export const MEANINGS: Readonly<Record<string, FinishReason>> = {
  stop: 'stop',
  length: 'length',
  load: 'error',
  unload: 'error',
};

export function finishReason(word: string | null, calledTools: boolean): FinishReason {
  const meaning = MEANINGS[word ?? ''] ?? 'stop';
  return meaning === 'stop' && calledTools ? 'tool-calls' : meaning;
}
