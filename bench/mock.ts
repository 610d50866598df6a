/**
 * A provider that costs next to nothing: fixed texts after a fixed wait, in two wires. `max_tokens` is how many chunks a stream has;
 * with tools a stream is one call whose arguments come in as many pieces.
 */
const LATENCY_MS = 4;
const CHUNK_GAP_MS = 4;

const seen = { requests: 0, chunks: 0 };
const SAID = 'The quick brown fox jumps over the lazy dog. '.repeat(4);
const encoder = new TextEncoder();

interface Wire {
  readonly whole: string;
  readonly head: readonly Uint8Array[];
  readonly chunk: Uint8Array;
  readonly end: readonly Uint8Array[];
}

const usage = { prompt_tokens: 12, completion_tokens: 20, total_tokens: 32 };
const told = { id: 'mock-1', created: 1, model: 'mock' };
const chatFrame = (choices: unknown[], more: object = {}): Uint8Array =>
  encoder.encode(`data: ${JSON.stringify({ ...told, object: 'chat.completion.chunk', choices, ...more })}\n\n`);
const chatDelta = (delta: object): Uint8Array => chatFrame([{ index: 0, delta, finish_reason: null }]);
const chatEnd = (reason: string): readonly Uint8Array[] => [
  chatFrame([{ index: 0, delta: {}, finish_reason: reason }]),
  chatFrame([], { usage }),
  encoder.encode('data: [DONE]\n\n'),
];

const chat: Wire = {
  whole: JSON.stringify({
    ...told,
    object: 'chat.completion',
    choices: [{ index: 0, message: { role: 'assistant', content: SAID }, finish_reason: 'stop' }],
    usage,
  }),
  head: [],
  chunk: chatDelta({ content: ' token' }),
  end: chatEnd('stop'),
};

const call = (id: object, text: string): Uint8Array =>
  chatDelta({ tool_calls: [{ index: 0, ...id, function: { arguments: text } }] });

const chatTools: Wire = {
  whole: chat.whole,
  head: [
    chatDelta({ tool_calls: [{ index: 0, id: 'call_1', type: 'function', function: { name: 'f', arguments: '[' } }] }),
  ],
  chunk: call({}, '" token",'),
  end: [call({}, '0]'), ...chatEnd('tool_calls')],
};

const event = (data: { type: string }): Uint8Array =>
  encoder.encode(`event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`);
const message = { id: 'msg_1', type: 'message', role: 'assistant', model: 'mock', stop_sequence: null };
const counts = { input_tokens: 12, output_tokens: 20 };

const messages: Wire = {
  whole: JSON.stringify({
    ...message,
    content: [{ type: 'text', text: SAID }],
    stop_reason: 'end_turn',
    usage: counts,
  }),
  head: [
    event({ type: 'message_start', message: { ...message, content: [], stop_reason: null, usage: counts } } as never),
    event({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } } as never),
  ],
  chunk: event({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: ' token' } } as never),
  end: [
    event({ type: 'content_block_stop', index: 0 } as never),
    event({
      type: 'message_delta',
      delta: { stop_reason: 'end_turn', stop_sequence: null },
      usage: counts,
    } as never),
    event({ type: 'message_stop' }),
  ],
};

async function* chunks({ head, chunk, end }: Wire, count: number): AsyncGenerator<Uint8Array> {
  yield* head;
  for (let sent = 0; sent < count; sent += 1) {
    await Bun.sleep(CHUNK_GAP_MS);
    seen.chunks += 1;
    yield chunk;
  }
  yield* end;
}

const server = Bun.serve({
  port: 0,
  hostname: '127.0.0.1',
  idleTimeout: 0,
  async fetch(request) {
    if (request.method === 'GET') return Response.json(seen);
    const body = (await request.json()) as { stream?: boolean; max_tokens?: number; tools?: unknown[] };
    seen.requests += 1;
    const wire = request.url.endsWith('/messages') ? messages : body.tools ? chatTools : chat;
    if (!body.stream) {
      await Bun.sleep(LATENCY_MS);
      return new Response(wire.whole, { headers: { 'content-type': 'application/json' } });
    }
    return new Response(chunks(wire, body.max_tokens ?? 10) as unknown as ReadableStream, {
      headers: { 'content-type': 'text/event-stream' },
    });
  },
});
process.stdout.write(`${server.port}\n`);
