/**
 * Words with which models speak to the server around them. A server that was started without the parser for its model passes them on as
 * text (spec/providers C): the answer then begins with a call or a thought that nobody recognised.
 */
const CONTROL_WORDS = [
  '[TOOL_CALLS]',
  '[THINK]',
  '[AVAILABLE_TOOLS]',
  '[TOOL_RESULTS]',
  '[MODEL_SETTINGS]',
  '[SYSTEM_PROMPT]',
  '[INST]',
  '<think>',
  '<tool_call>',
  '<|im_start|>',
  '<|start_header_id|>',
  '<|channel|>',
  '<|python_tag|>',
  '<|tool_calls_section_begin|>',
  '<｜tool▁calls▁begin｜>',
] as const;

/** How much of a text has to be there to tell. */
const CHARS_MAX = 64;

/** The control word that a text begins with. In the middle of a text it may be what was asked about. */
export function leakedWord(pieces: readonly string[]): string | undefined {
  let begin = '';
  for (const piece of pieces) {
    begin += piece;
    if (begin.length >= CHARS_MAX) break;
  }
  const text = begin.trimStart();
  return CONTROL_WORDS.find((word) => text.startsWith(word));
}
