import type { FinishReason } from '../../canon/event.ts';

/** The wire's words for canonical finish reasons. */
export const FINISH_WORDS: { readonly [F in FinishReason]: string } = {
  stop: 'stop',
  length: 'length',
  'tool-calls': 'tool_calls',
  'content-filter': 'content_filter',
  error: 'error',
};

/** What providers of this dialect write (spec/inference 2.2, spec/providers B.1.4); unknown words mean `stop`. */
export const MEANINGS: Readonly<Record<string, FinishReason>> = {
  stop: 'stop',
  eos: 'stop',
  eos_token: 'stop',
  end: 'stop',
  end_turn: 'stop',
  stop_sequence: 'stop',
  complete: 'stop',
  length: 'length',
  max_tokens: 'length',
  model_length: 'length',
  model_context_window_exceeded: 'length',
  tool_calls: 'tool-calls',
  tool_use: 'tool-calls',
  function_call: 'tool-calls',
  content_filter: 'content-filter',
  refusal: 'content-filter',
  sensitive: 'content-filter',
  safety: 'content-filter',
  recitation: 'content-filter',
  prohibited_content: 'content-filter',
  blocklist: 'content-filter',
  spii: 'content-filter',
  error: 'error',
  abort: 'error',
  cancelled: 'error',
  network_error: 'error',
  insufficient_system_resource: 'error',
  malformed_function_call: 'error',
};

/**
 * The canonical reason of a provider's word.
 * Several hosts say `stop` although they called a tool, and some `tool_calls` although they did not: what was sent decides.
 */
export function finishReason(word: string | undefined, calledTools: boolean): FinishReason {
  const meaning = MEANINGS[(word ?? 'stop').toLowerCase()] ?? 'stop';
  if (meaning === 'stop' && calledTools) return 'tool-calls';
  if (meaning === 'tool-calls' && !calledTools) return 'stop';
  return meaning;
}
