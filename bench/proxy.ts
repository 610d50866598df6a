/** The least a proxy can do: parse, rename the model, pass the answer on untouched. */
const upstream = process.argv[2] ?? '';

async function* pass(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    if (value) yield value;
  }
}

const server = Bun.serve({
  port: 0,
  hostname: '127.0.0.1',
  idleTimeout: 0,
  async fetch(request) {
    if (request.method === 'GET') return new Response('ready');
    const body = (await request.json()) as Record<string, unknown>;
    body.model = 'one';
    const answer = await fetch(upstream, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: 'Bearer sk-upstream' },
      body: JSON.stringify(body),
    });
    if (body.stream !== true)
      return new Response(await answer.text(), { headers: { 'content-type': 'application/json' } });
    const type = { 'content-type': 'text/event-stream' };
    return new Response(answer.body ? (pass(answer.body) as unknown as ReadableStream) : null, { headers: type });
  },
});
process.stdout.write(`${server.port}\n`);
