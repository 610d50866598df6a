/** A provider that costs next to nothing: fixed texts after a fixed wait. `max_tokens` is how many chunks a stream has. */
const LATENCY_MS = 4;
const CHUNK_GAP_MS = 4;

const seen = { requests: 0, chunks: 0 };
const usage = { prompt_tokens: 12, completion_tokens: 20, total_tokens: 32 };
const whole = JSON.stringify({
  id: 'mock-1',
  object: 'chat.completion',
  created: 1,
  model: 'mock',
  choices: [
    {
      index: 0,
      message: { role: 'assistant', content: 'The quick brown fox jumps over the lazy dog. '.repeat(4) },
      finish_reason: 'stop',
    },
  ],
  usage,
});
const encoder = new TextEncoder();
const frame = (choices: unknown[], more: object = {}): Uint8Array =>
  encoder.encode(
    `data: ${JSON.stringify({ id: 'mock-1', object: 'chat.completion.chunk', created: 1, model: 'mock', choices, ...more })}\n\n`,
  );
const CHUNK = frame([{ index: 0, delta: { content: ' token' }, finish_reason: null }]);
const END = [
  frame([{ index: 0, delta: {}, finish_reason: 'stop' }]),
  frame([], { usage }),
  encoder.encode('data: [DONE]\n\n'),
];

async function* chunks(count: number): AsyncGenerator<Uint8Array> {
  for (let sent = 0; sent < count; sent += 1) {
    await Bun.sleep(CHUNK_GAP_MS);
    seen.chunks += 1;
    yield CHUNK;
  }
  yield* END;
}

const server = Bun.serve({
  port: 0,
  hostname: '127.0.0.1',
  idleTimeout: 0,
  async fetch(request) {
    if (request.method === 'GET') return Response.json(seen);
    const body = (await request.json()) as { stream?: boolean; max_tokens?: number };
    seen.requests += 1;
    if (!body.stream) {
      await Bun.sleep(LATENCY_MS);
      return new Response(whole, { headers: { 'content-type': 'application/json' } });
    }
    return new Response(chunks(body.max_tokens ?? 10) as unknown as ReadableStream, {
      headers: { 'content-type': 'text/event-stream' },
    });
  },
});
process.stdout.write(`${server.port}\n`);
