import { stream } from './upstream.ts';

/** Answers of hosts that speak Anthropic's wire or Amazon's, for scripted upstreams. */

type Json = Record<string, any>;

const USAGE = { input_tokens: 10, output_tokens: 5 };

export const message = (content: readonly Json[] = [{ type: 'text', text: 'Hello' }], more: Json = {}): Response =>
  Response.json({
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'claude',
    content,
    stop_reason: 'end_turn',
    stop_sequence: null,
    usage: USAGE,
    ...more,
  });

/** The same as a stream: each block in two pieces, a signature in one. */
export function messageStream(content: readonly Json[] = [{ type: 'text', text: 'Hello' }], more: Json = {}): Response {
  const event = (type: string, members: Json): string =>
    `event: ${type}\ndata: ${JSON.stringify({ type, ...members })}\n\n`;
  const halves = (text: string): readonly string[] => [text.slice(0, 2), text.slice(2)].filter((half) => half !== '');
  const blocks = content.flatMap((block, index) => {
    const delta = (one: Json): string => event('content_block_delta', { index, delta: one });
    const pieces =
      block.type === 'thinking'
        ? [
            ...halves(block.thinking).map((thinking) => delta({ type: 'thinking_delta', thinking })),
            ...(block.signature ? [delta({ type: 'signature_delta', signature: block.signature })] : []),
          ]
        : block.type === 'tool_use'
          ? [delta({ type: 'input_json_delta', partial_json: JSON.stringify(block.input) })]
          : block.type === 'text'
            ? halves(block.text).map((text) => delta({ type: 'text_delta', text }))
            : [];
    const empty = {
      ...block,
      ...(block.type === 'text' && { text: '' }),
      ...(block.type === 'tool_use' && { input: {} }),
    };
    if (block.type === 'thinking') Object.assign(empty, { thinking: '', signature: '' });
    return [
      event('content_block_start', { index, content_block: empty }),
      ...pieces,
      event('content_block_stop', { index }),
    ];
  });
  const { usage = USAGE, stop_reason = 'end_turn' } = more;
  return stream(
    event('message_start', {
      message: { id: 'msg_1', model: 'claude', content: [], usage: { ...usage, output_tokens: 1 } },
    }),
    ...blocks,
    event('message_delta', { delta: { stop_reason, stop_sequence: null }, usage }),
    event('message_stop', {}),
  );
}

export const converse = (content: readonly Json[] = [{ text: 'Hello' }]): Response =>
  Response.json({
    output: { message: { role: 'assistant', content } },
    stopReason: 'end_turn',
    usage: { inputTokens: 10, outputTokens: 5, totalTokens: 15 },
    metrics: { latencyMs: 1 },
  });

export const gemini = (): Response =>
  Response.json({
    candidates: [{ content: { role: 'model', parts: [{ text: 'Hello' }] }, finishReason: 'STOP' }],
    usageMetadata: { promptTokenCount: 10, candidatesTokenCount: 5, totalTokenCount: 15 },
  });

export const ollama = (): Response =>
  Response.json({
    model: 'llama',
    created_at: '2026-01-01T00:00:00Z',
    message: { role: 'assistant', content: 'Hello' },
    done: true,
    done_reason: 'stop',
    prompt_eval_count: 10,
    eval_count: 5,
  });
