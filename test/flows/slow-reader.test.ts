import { afterAll, beforeAll, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { RunningGateway } from '../support/gateway.ts';
import { chunk, customProvider, DONE, ScriptedUpstream, usageChunk } from '../support/upstream.ts';

let upstream: ScriptedUpstream;
let gateway: RunningGateway;
beforeAll(async () => {
  upstream = new ScriptedUpstream();
  gateway = await RunningGateway.start({ config: customProvider(upstream.base) });
});
afterAll(async () => {
  await gateway.stop();
  await upstream.stop();
});

const TEXT = 'x'.repeat(16 * 1024);
const CHUNKS = 4096;
const MEGABYTE = 1024 * 1024;

/** What the process holds in memory, in bytes. */
const resident = (): number =>
  Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${gateway.process.pid}/status`, 'utf8'))?.[1]) * 1024;

/** Asks for a stream over a bare socket, which reads only when told to. */
function ask(): Socket {
  const { port, hostname } = new URL(gateway.url);
  const body = JSON.stringify({ model: 'lab/one', stream: true, messages: [{ role: 'user', content: 'go on' }] });
  const socket = connect(Number(port), hostname);
  socket.pause();
  socket.write(
    `POST /api/v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${gateway.key}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`,
  );
  return socket;
}

async function settled(count: () => number): Promise<number> {
  let last = -1;
  while (count() === 0 || count() !== last) {
    last = count();
    await Bun.sleep(700);
  }
  return last;
}

test.skipIf(process.platform !== 'linux')(
  'UP-102 a reader who does not read holds the provider back, and costs no more memory than the buffers between them',
  async () => {
    let sent = 0;
    let over = false;
    upstream.reply = () => {
      async function* body(): AsyncGenerator<Uint8Array> {
        const piece = Buffer.from(chunk({ content: TEXT }));
        for (; sent < CHUNKS; sent++) yield piece;
        yield Buffer.from(chunk({}, 'stop') + usageChunk() + DONE);
        over = true;
      }
      return new Response(body() as unknown as ReadableStream, { headers: { 'content-type': 'text/event-stream' } });
    };
    const before = resident();
    const socket = ask();
    const held = await settled(() => sent);
    expect(over).toBe(false);
    expect(held * TEXT.length).toBeLessThan(32 * MEGABYTE);
    expect(resident() - before).toBeLessThan(64 * MEGABYTE);
    // Nothing is lost by waiting: whoever reads on gets all of it.
    let bytes = 0;
    let end = '';
    socket.on('data', (data) => {
      bytes += data.length;
      end = (end + data.toString('latin1')).slice(-200);
    });
    socket.resume();
    await new Promise((resolve) => socket.on('close', resolve));
    expect(bytes).toBeGreaterThan(CHUNKS * TEXT.length);
    expect(end).toContain('data: [DONE]');
  },
);
