import type { FinishReason } from '../../canon/event.ts';

/** The wire's words for canonical finish reasons (spec/inference 7.2). */
export const STOP_REASONS: { readonly [F in FinishReason]: string } = {
  stop: 'end_turn',
  length: 'max_tokens',
  'tool-calls': 'tool_use',
  'content-filter': 'refusal',
  error: 'end_turn',
};

/** What hosts of this dialect write (spec/providers B.2.4); unknown words mean `stop`. */
export const MEANINGS: Readonly<Record<string, FinishReason>> = {
  end_turn: 'stop',
  stop_sequence: 'stop',
  pause_turn: 'stop',
  compaction: 'stop',
  max_tokens: 'length',
  model_context_window_exceeded: 'length',
  tool_use: 'tool-calls',
  refusal: 'content-filter',
};

export function finishReason(word: string | undefined, calledTools: boolean): FinishReason {
  const meaning = MEANINGS[word ?? ''] ?? 'stop';
  if (meaning === 'stop' && calledTools) return 'tool-calls';
  return meaning === 'tool-calls' && !calledTools ? 'stop' : meaning;
}
