import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { readBooks } from '../support/books.ts';
import { RunningGateway } from '../support/gateway.ts';
import { ScriptedUpstream } from '../support/upstream.ts';

/** What no client should send, on every wire we serve: refused in that wire's own form, with nothing charged, held or passed on. */

type Json = Record<string, any>;

let upstream: ScriptedUpstream;
let gateway: RunningGateway;
beforeAll(async () => {
  upstream = new ScriptedUpstream();
  const config = {
    server: { body_bytes_max: 64 * 1024 * 1024 },
    credits: { mode: 'prepaid', initial_usd: 1_000_000 },
    providers: { mistral: { base_url: upstream.base, api_key: 'key' } },
  };
  gateway = await RunningGateway.start({ config: JSON.stringify(config) });
});
afterAll(async () => {
  await gateway.stop();
  await upstream.stop();
});

const MODEL = 'mistralai/mistral-small-2603';

interface Wire {
  readonly route: string;
  /** What is asked without anything bad in it. */
  readonly body: Json;
  /** The field that may not stand twice, because it holds what is asked. */
  readonly twice: string;
  /** An error in this wire's form, or undefined. */
  readonly message: (body: Json) => unknown;
  /** The request with pictures, by data URL or address; undefined where the wire has none. */
  readonly pictures?: (urls: readonly string[]) => Json;
  /** Whether pictures may be named by address. */
  readonly addresses?: boolean;
}

const chatError = (body: Json): unknown => typeof body.error?.code === 'number' && body.error.message;
const plainError = (body: Json): unknown => typeof body.error === 'string' && body.error;

const half = (url: string): { type: string; data: string } => {
  const [type = '', data = ''] = url.slice('data:'.length).split(';base64,');
  return { type, data };
};

const WIRES: readonly Wire[] = [
  {
    route: '/api/v1/chat/completions',
    body: { model: MODEL, messages: [{ role: 'user', content: 'Hi' }] },
    twice: 'messages',
    message: chatError,
    addresses: true,
    pictures: (urls) => ({
      model: MODEL,
      messages: [{ role: 'user', content: urls.map((url) => ({ type: 'image_url', image_url: { url } })) }],
    }),
  },
  {
    route: '/api/v1/responses',
    body: { model: MODEL, input: 'Hi' },
    twice: 'input',
    message: (body) => body.error?.message,
    addresses: true,
    pictures: (urls) => ({
      model: MODEL,
      input: [{ role: 'user', content: urls.map((image_url) => ({ type: 'input_image', image_url, detail: 'auto' })) }],
    }),
  },
  {
    route: '/api/v1/messages',
    body: { model: MODEL, max_tokens: 100, messages: [{ role: 'user', content: 'Hi' }] },
    twice: 'max_tokens',
    message: (body) => body.type === 'error' && typeof body.error?.type === 'string' && body.error.message,
    addresses: true,
    pictures: (urls) => ({
      model: MODEL,
      max_tokens: 100,
      messages: [
        {
          role: 'user',
          content: urls.map((url) => ({
            type: 'image',
            source: url.startsWith('data:')
              ? { type: 'base64', media_type: half(url).type, data: half(url).data }
              : { type: 'url', url },
          })),
        },
      ],
    }),
  },
  {
    route: `/v1beta/models/${MODEL}:generateContent`,
    body: { contents: [{ role: 'user', parts: [{ text: 'Hi' }] }] },
    twice: 'contents',
    message: (body) => typeof body.error?.status === 'string' && body.error.message,
    addresses: true,
    pictures: (urls) => ({
      contents: [
        {
          role: 'user',
          parts: urls.map((url) =>
            url.startsWith('data:')
              ? { inlineData: { mimeType: half(url).type, data: half(url).data } }
              : { fileData: { mimeType: 'image/png', fileUri: url } },
          ),
        },
      ],
    }),
  },
  {
    route: '/api/chat',
    body: { model: MODEL, messages: [{ role: 'user', content: 'Hi' }] },
    twice: 'messages',
    message: plainError,
    pictures: (urls) => ({
      model: MODEL,
      messages: [{ role: 'user', content: 'Hi', images: urls.map((url) => half(url).data) }],
    }),
  },
  {
    route: '/api/generate',
    body: { model: MODEL, prompt: 'Hi' },
    twice: 'prompt',
    message: plainError,
    pictures: (urls) => ({ model: MODEL, prompt: 'Hi', images: urls.map((url) => half(url).data) }),
  },
  { route: '/api/v1/completions', body: { model: MODEL, prompt: 'Hi' }, twice: 'prompt', message: chatError },
  { route: '/api/v1/embeddings', body: { model: MODEL, input: 'Hi' }, twice: 'input', message: chatError },
  {
    route: '/api/v1/rerank',
    body: { model: MODEL, query: 'Hi', documents: ['a'] },
    twice: 'query',
    message: chatError,
  },
  { route: '/api/embed', body: { model: MODEL, input: 'Hi' }, twice: 'input', message: plainError },
];

const png = (bytes: number): string => `data:image/png;base64,${Buffer.alloc(bytes, 1).toString('base64')}`;

describe.each(WIRES)('$route', ({ route, body, twice, message, pictures, addresses }) => {
  async function refused(text: string | Json, says: RegExp): Promise<void> {
    const response = await fetch(gateway.url + route, {
      method: 'POST',
      headers: { authorization: `Bearer ${gateway.key}`, 'content-type': 'application/json' },
      body: typeof text === 'string' ? text : JSON.stringify(text),
    });
    const answer = (await response.json()) as Json;
    expect([response.status >= 400 && response.status < 500, response.status]).toEqual([true, response.status]);
    expect(message(answer)).toMatch(says);
    expect(upstream.received).toEqual([]);
    expect(readBooks(gateway.home)).toMatchObject({ open: 0, held: 0n, charged: 0n, breaches: [] });
  }
  const withText = (member: string): string => JSON.stringify(body).replace(/\}$/, `,${member}}`);

  test('members that reach for a prototype, at the top, further down, and written otherwise', async () => {
    await refused(withText('"__proto__":{"stream":true}'), /__proto__ is no field/);
    await refused(withText('"constructor":{"prototype":{"stream":true}}'), /constructor is no field/);
    await refused(withText('"x":{"y":[{"__proto__":1}]}'), /__proto__ is no field/);
    await refused(withText('"\\u005f_proto__":{"stream":true}'), /__proto__ is no field/);
    await refused(withText('"x":{"_\\u005Fproto__":1}'), /__proto__ is no field/);
    expect(({} as Json).stream).toBeUndefined();
  });

  test('members that stand twice', async () => {
    await refused(withText(`"${twice}":${JSON.stringify(body[twice])}`), new RegExp(`${twice} is named twice`));
    await refused(withText('"stream":false,"str\\u0065am":true'), /stream is named twice/);
  });

  test('a hundred thousand levels', async () => {
    await refused(withText(`"x":${'['.repeat(100_000)}${']'.repeat(100_000)}`), /nested deeper/);
    await refused(withText(`"x":${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`), /nested deeper/);
    await refused('['.repeat(100_000), /nested deeper/);
  });

  test('what is no JSON at all, and what is no object', async () => {
    await refused('{"model":', /JSON/);
    for (const text of ['null', '[]', '7', '"x"']) await refused(text, /./);
  });

  if (pictures) {
    test('Base64 that is none', async () => {
      for (const data of ['a', '!!!!', 'AAAA=', 'AA=A', 'AAAAA', 'Zm9v=YmFy', 'Gr\u00fc\u00dfe'])
        await refused(pictures([`data:image/png;base64,${data}`]), /Base64/);
    });

    test('a hundred pictures, and one of twenty megabytes, where the host takes less', async () => {
      await refused(pictures(Array.from({ length: 100 }, () => png(10))), /at most 8 pictures/);
      await refused(pictures([png(20 * 1024 * 1024)]), /at most 10485760 bytes/);
    });
  }

  if (pictures && addresses) {
    test('addresses that lead inside, with their place in the request', async () => {
      for (const url of [
        'https://127.0.0.1/a.png',
        'http://10.0.0.1/a.png',
        'https://169.254.169.254/latest/meta-data',
        'https://100.64.0.1/a.png',
        'https://[::ffff:10.0.0.1]/a.png',
        'https://0x7f000001/a.png',
        'http://localhost:11434/api/tags',
      ]) {
        await refused(pictures([url]), /does not lead to the public internet/);
        await refused(pictures([url]), /^\/(messages|input|contents)\/0\/(content|parts)\/0\//);
      }
    });
  }
});

describe('the wire with sound and documents', () => {
  test.each([
    [{ type: 'input_audio', input_audio: { data: '!!', format: 'wav' } }, /\/input_audio\/data: is not valid Base64/],
    [
      { type: 'file', file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,!!' } },
      /file_data: is not valid/,
    ],
    [{ type: 'file', file: { filename: 'a.pdf', file_data: 'data:application/pdf' } }, /is a data URL without data/],
    [
      { type: 'file', file: { file_data: 'https://192.168.0.1/a.pdf' } },
      /file_data: does not lead to the public internet/,
    ],
    [{ type: 'image_url', image_url: { url: 'picture.png' } }, /is neither an address nor a data URL/],
    [{ type: 'image_url', image_url: { url: 'https://me:you@a.example/b.png' } }, /may not hold credentials/],
  ])('refuses %j', async (part, says) => {
    const response = await gateway.post({ model: MODEL, messages: [{ role: 'user', content: [part] }] });
    const { error } = (await response.json()) as Json;
    expect([response.status, error.message]).toEqual([400, expect.stringMatching(says)]);
    expect(error.metadata.issues[0].path).toStartWith('/messages/0/content/0/');
    expect(upstream.received).toEqual([]);
  });
});
