import type { FinishReason } from '../../canon/event.ts';

export const FINISH_WORDS: { readonly [F in FinishReason]: string } = {
  stop: 'end_turn',
  length: 'max_tokens',
  'tool-calls': 'tool_use',
  'content-filter': 'content_filtered',
  error: 'malformed_model_output',
};

/** What hosts of this dialect write (spec/providers B.4.3); unknown words mean `stop`. */
export const MEANINGS: Readonly<Record<string, FinishReason>> = {
  end_turn: 'stop',
  stop_sequence: 'stop',
  max_tokens: 'length',
  model_context_window_exceeded: 'length',
  tool_use: 'tool-calls',
  guardrail_intervened: 'content-filter',
  content_filtered: 'content-filter',
  malformed_model_output: 'error',
  malformed_tool_use: 'error',
};

export const finishReason = (word: string, calledTools: boolean): FinishReason => {
  const meaning = MEANINGS[word] ?? 'stop';
  return meaning === 'stop' && calledTools ? 'tool-calls' : meaning;
};
