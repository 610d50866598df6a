import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { brotliCompressSync, constants, createGzip, gzipSync } from 'node:zlib';
import { FORGIVING, RunningGateway } from '../support/gateway.ts';
import { chunk, DONE, readFrames, ScriptedUpstream, stream, usageChunk, whole } from '../support/upstream.ts';

/** The lines on both sides: broken, silent, compressed, left. */

type Json = Record<string, any>;

/** A host on a bare socket, which can close it whenever it likes. */
class BareHost {
  /** What it writes before it resets the connection. */
  writes: readonly string[] = [];
  readonly #server = Bun.listen({
    hostname: '127.0.0.1',
    port: 0,
    socket: {
      data: async (socket) => {
        for (const text of this.writes) {
          socket.write(text);
          socket.flush();
          await Bun.sleep(40);
        }
        socket.terminate();
      },
    },
  });

  get base(): string {
    return `http://127.0.0.1:${this.#server.port}/v1`;
  }

  stop(): void {
    this.#server.stop(true);
  }
}

const HEADERS = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n';
const JSON_HEADERS = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 5000\r\n\r\n';
const piece = (text: string): string => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;

let first: ScriptedUpstream;
let second: ScriptedUpstream;
let bare: BareHost;
let gateway: RunningGateway;
beforeAll(async () => {
  first = new ScriptedUpstream();
  second = new ScriptedUpstream();
  bare = new BareHost();
  const endpoints =
    '[{ model: lab/one, upstream_model: one, pricing: { prompt: "0.000001", completion: "0.000002" } }]';
  gateway = await RunningGateway.start({
    config: `
providers:
  one: { base_url: ${first.base}, endpoints: ${endpoints} }
  two: { base_url: ${second.base}, endpoints: ${endpoints} }
  stubborn: { base_url: ${first.base}, cancellation: false, endpoints: ${endpoints} }
  bare: { base_url: "${bare.base}", endpoints: ${endpoints} }
limits: ${JSON.stringify({ ...FORGIVING, stream_commit_ms: 200, attempt_first_content_ms_max: 5000 })}
`,
  });
});
afterAll(async () => {
  await gateway.stop();
  await first.stop();
  await second.stop();
  bare.stop();
});

const messages = [{ role: 'user', content: 'Hello' }];
const post = (body: Json, signal?: AbortSignal): Promise<Response> =>
  gateway.post({ model: 'lab/one', messages, ...body }, {}, signal);
const from = (...order: string[]): Json => ({ provider: { order, allow_fallbacks: order.length > 1 } });

async function record(id: string): Promise<Json> {
  for (let tries = 0; tries < 100; tries += 1) {
    const { data } = (await (await gateway.get(`/generation?id=${id}`)).json()) as Json;
    if (data) return data;
    await Bun.sleep(20);
  }
  throw new Error(`no record of ${id}`);
}
const idOf = (response: Response): string => response.headers.get('x-generation-id') ?? '';

/** Reads what comes until something matches. */
async function readUntil(response: Response, pattern: RegExp): Promise<string> {
  const reader = response.body?.getReader();
  const decoder = new TextDecoder();
  let text = '';
  while (!pattern.test(text)) {
    const read = await reader?.read();
    if (!read || read.done) break;
    text += decoder.decode(read.value, { stream: true });
  }
  return text;
}

describe('a caller who leaves', () => {
  test('UP-012 the host is left within a tenth of a second, and what was said until then is recorded', async () => {
    first.reply = () => stream(chunk({ content: 'one two three four' }), 'hang');
    for (let round = 0; round < 5; round += 1) {
      const leaving = new AbortController();
      const response = await post({ stream: true, ...from('one') }, leaving.signal);
      await readUntil(response, /four/);
      const left = performance.now();
      leaving.abort();
      await first.last.aborted;
      expect(performance.now() - left).toBeLessThan(100);
      const { cancelled, tokens_completion, total_cost } = await record(idOf(response));
      expect(cancelled).toBe(true);
      expect(tokens_completion).toBeGreaterThanOrEqual(3);
      expect(total_cost).toBeGreaterThan(0);
    }
  });

  test('UP-012 before the first word too: nothing is owed for it', async () => {
    first.reply = () => stream(chunk({ role: 'assistant', content: '' }), 'hang');
    const leaving = new AbortController();
    const response = await post({ stream: true, ...from('one') }, leaving.signal);
    const left = performance.now();
    leaving.abort();
    await first.last.aborted;
    expect(performance.now() - left).toBeLessThan(100);
    expect(await record(idOf(response))).toMatchObject({ cancelled: true, total_cost: 0 });
  });

  test('INF-147 a host whose bill cannot be stopped is read to its end, and its answer is paid in full', async () => {
    let given = 0;
    first.reply = () => {
      async function* body(): AsyncGenerator<Uint8Array> {
        const say = (text: string): Uint8Array => new TextEncoder().encode(text);
        for (; given < 12; given += 1) {
          yield say(chunk({ content: 'word ' }));
          await Bun.sleep(30);
        }
        yield say(chunk({}, 'stop'));
        yield say(usageChunk({ prompt_tokens: 1000, completion_tokens: 500, total_tokens: 1500 }));
        yield say(DONE);
      }
      return new Response(body() as unknown as ReadableStream, { headers: { 'content-type': 'text/event-stream' } });
    };
    const leaving = new AbortController();
    const response = await post({ stream: true, ...from('stubborn') }, leaving.signal);
    await readUntil(response, /word/);
    leaving.abort();
    expect(given).toBeLessThan(6);
    expect(await record(idOf(response))).toMatchObject({
      cancelled: true,
      tokens_prompt: 1000,
      tokens_completion: 500,
      total_cost: 0.002,
    });
    expect(given).toBe(12);
  });
});

describe('a line that breaks', () => {
  test('UP-135 before the headers, after them and in the middle are three different failures', async () => {
    const before = [null, 'upstream_reset', 'before it answered'] as const;
    const after = [200, 'upstream_reset', 'after its headers'] as const;
    const within = [200, 'upstream_interrupted', 'in the middle of its answer'] as const;
    const cases = [
      [[], true, before],
      [[], false, before],
      [[HEADERS], true, after],
      [[HEADERS, piece(chunk({ role: 'assistant', content: '' }))], true, after],
      [[HEADERS, piece(chunk({ content: 'Half an' }))], true, within],
      [[JSON_HEADERS, '{"choices":'], false, within],
    ] as const;
    for (const [writes, streamed, [status, code, says]] of cases) {
      bare.writes = writes;
      const response = await post({ stream: streamed, ...from('bare') });
      const told = await response.text();
      const { provider_responses, turnpike } = await record(idOf(response));
      expect([provider_responses[0].status, turnpike.error]).toEqual([status, code]);
      expect(told).toContain(says);
    }
  });

  test('UP-135 what nobody has seen of it goes to another host, what somebody has does not', async () => {
    second.reply = ({ body }) =>
      body.stream ? stream(chunk({ content: 'second' }), chunk({}, 'stop'), DONE) : whole('second');
    for (const [writes, streamed, other] of [
      [[], true, true],
      [[HEADERS], true, true],
      [[HEADERS, piece(chunk({ content: 'Half an' }))], true, false],
      [[JSON_HEADERS, '{"choices":'], false, true],
    ] as const) {
      bare.writes = writes;
      const text = await (await post({ stream: streamed, ...from('bare', 'two') })).text();
      expect(text.includes('second')).toBe(other);
    }
  });

  test('UP-098 a role and an empty word are withheld, so that another host can still answer', async () => {
    first.reply = () =>
      stream(
        chunk({ role: 'assistant', content: '' }),
        chunk({ content: '' }),
        `data: ${JSON.stringify({ error: { message: 'gone', code: 503 } })}\n\n`,
      );
    second.reply = () => stream(chunk({ content: 'second' }), chunk({}, 'stop'), usageChunk(), DONE);
    const response = await post({ stream: true, ...from('one', 'two') });
    const { data, done } = readFrames(await response.text());
    expect([response.status, done]).toEqual([200, true]);
    expect(new Set(data.map((one) => one.provider))).toEqual(new Set(['two']));
    expect(data.flatMap((one) => one.choices[0]?.delta?.content ?? []).join('')).toBe('second');
    const { provider_responses } = await record(idOf(response));
    expect(provider_responses.map((one: Json) => one.provider_name)).toEqual(['one', 'two']);
  });

  test('UP-099 after content a failure is one error event and the end, and what came is counted', async () => {
    const reported = { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 };
    for (const usage of [usageChunk(reported), '']) {
      first.reply = () =>
        stream(
          chunk({ content: 'Three words came' }),
          usage,
          `data: ${JSON.stringify({ error: { message: 'gone', code: 503 } })}\n\n`,
          chunk({ content: ' and more' }),
          DONE,
        );
      const response = await post({ stream: true, ...from('one', 'two') });
      const text = await response.text();
      const { data, done } = readFrames(text);
      expect(data.filter((one) => one.error)).toHaveLength(1);
      expect([data.at(-1)?.choices[0].finish_reason, done]).toEqual(['error', true]);
      expect(text).not.toContain('and more');
      const kept = await record(idOf(response));
      expect(kept.turnpike.estimated).toBe(usage === '');
      expect([kept.tokens_prompt, kept.tokens_completion]).toEqual([expect.any(Number), 3]);
      if (usage !== '') expect(kept.tokens_prompt).toBe(7);
      // It has its price, and what ends in an error is waived (docs/decisions/0012).
      expect(kept.turnpike).toMatchObject({ waived: 'failed', charge_usd_nano: '0' });
      expect(kept.turnpike.receipt).toContainEqual({ unit: 'output', quantity: 3, usd_pico_per_unit: '2000000' });
    }
  });
});

describe('a line that is silent', () => {
  test('UP-097 the caller hears a comment, and again every ten seconds; the host’s comments are life, not content', async () => {
    const began = performance.now();
    const comments: number[] = [];
    // Longer than an attempt may be silent, were it not for its comments.
    first.reply = () =>
      stream(
        ': wait\n\n',
        4200,
        ': wait\n\n',
        4200,
        ': wait\n\n',
        4200,
        chunk({ content: 'late' }),
        chunk({}, 'stop'),
        DONE,
      );
    const response = await post({ stream: true, ...from('one') });
    const reader = response.body?.getReader();
    let text = '';
    for (;;) {
      const read = await reader?.read();
      if (!read || read.done) break;
      const piece = new TextDecoder().decode(read.value);
      if (piece.includes(': OPENROUTER PROCESSING')) comments.push(performance.now() - began);
      text += piece;
    }
    expect(comments.length).toBeGreaterThanOrEqual(2);
    expect(comments[0]).toBeLessThan(2000);
    expect((comments[1] ?? 0) - (comments[0] ?? 0)).toBeGreaterThan(9000);
    expect((comments[1] ?? 0) - (comments[0] ?? 0)).toBeLessThan(11_500);
    const { data, done } = readFrames(text);
    expect([data[0]?.choices[0].delta.content, done]).toEqual(['late', true]);
    expect(text).not.toContain('wait');
  });

  test('UP-097 a host that only comments can still be followed by another', async () => {
    first.reply = () =>
      stream(': wait\n\n', 700, `data: ${JSON.stringify({ error: { code: 500, message: 'x' } })}\n\n`);
    second.reply = () => stream(chunk({ content: 'second' }), chunk({}, 'stop'), DONE);
    const { data } = readFrames(await (await post({ stream: true, ...from('one', 'two') })).text());
    expect(data[0]?.provider).toBe('two');
  });
});

describe('a line that is packed', () => {
  const BOM = '\ufeff';
  const PACKERS = { gzip: gzipSync, br: brotliCompressSync } as const;

  test('UP-013 whole answers and errors in gzip and brotli, in pieces and with a byte-order mark, are read', async () => {
    for (const [encoding, pack] of Object.entries(PACKERS)) {
      for (const status of [200, 400]) {
        const text =
          status === 200
            ? BOM + (await whole('Grüße').text())
            : BOM + JSON.stringify({ error: { message: 'Zu groß', code: 400 } });
        const bytes = pack(text);
        first.reply = () => {
          async function* body(): AsyncGenerator<Uint8Array> {
            for (let i = 0; i < bytes.length; i += 7) {
              yield bytes.subarray(i, i + 7);
              if (i % 70 === 0) await Bun.sleep(1);
            }
          }
          return new Response(body() as unknown as ReadableStream, {
            status,
            headers: { 'content-type': 'application/json', 'content-encoding': encoding },
          });
        };
        const response = await post(from('one'));
        expect([response.status, await response.text()]).toEqual([
          status,
          expect.stringContaining(status === 200 ? 'Grüße' : 'Zu groß'),
        ]);
      }
    }
  });

  test('UP-013 streams in gzip and brotli with a byte-order mark are read, piece by piece as they come', async () => {
    const frames = [BOM + chunk({ content: 'Grü' }), chunk({ content: 'ße' }), chunk({}, 'stop'), usageChunk(), DONE];
    first.reply = () =>
      new Response(brotliCompressSync(frames.join('')), {
        headers: { 'content-type': 'text/event-stream', 'content-encoding': 'br' },
      });
    const packed = readFrames(await (await post({ stream: true, ...from('one') })).text());
    expect(packed.data.map((one) => one.choices[0]?.delta.content ?? '').join('')).toBe('Grüße');

    let sent = 0;
    first.reply = () => {
      const gzip = createGzip({ flush: constants.Z_SYNC_FLUSH });
      void (async () => {
        for (const frame of frames) {
          gzip.write(frame);
          sent += 1;
          await Bun.sleep(150);
        }
        gzip.end();
      })();
      return new Response(gzip as unknown as ReadableStream, {
        headers: { 'content-type': 'text/event-stream', 'content-encoding': 'gzip' },
      });
    };
    const response = await post({ stream: true, ...from('one') });
    expect(await readUntil(response, /Grü/)).toContain('Grü');
    expect(sent).toBeLessThan(frames.length);
  });
});
