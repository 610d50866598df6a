import type { FinishReason } from '../../canon/event.ts';

/** Why a response was not completed; a status where it was. */
export const MEANINGS: Readonly<Record<string, FinishReason>> = {
  completed: 'stop',
  max_output_tokens: 'length',
  content_filter: 'content-filter',
};

export function finishReason(word: string | undefined, calledTools: boolean): FinishReason {
  const meaning = MEANINGS[word ?? ''] ?? 'stop';
  return meaning === 'stop' && calledTools ? 'tool-calls' : meaning;
}
