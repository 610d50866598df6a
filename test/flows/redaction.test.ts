import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { gatewayError } from '../../src/canon/errors.ts';
import type { GenerationEvent } from '../../src/canon/event.ts';
import { runMachine } from '../../src/canon/grammar.ts';
import { loadSnapshot } from '../../src/catalogue/load.ts';
import { framingOf } from '../../src/dialects/dialect.ts';
import { DIALECTS } from '../../src/dialects/registry.ts';
import { FORGIVING, RunningGateway } from '../support/gateway.ts';

/** No key of any provider is ever told or logged, however hard its host tries. */

const providers = loadSnapshot().providers.filter(({ dialect, auth }) => dialect in DIALECTS && auth.kind !== 'none');

/** Keys as providers give them out (spec/providers A.4), filled up with what `n` stands for. */
const FORMATS: readonly ((filling: string) => string)[] = [
  (n) => `sk-${n}`,
  (n) => `sk-proj-${n}`,
  (n) => `sk-ant-api03-${n}`,
  (n) => `AIza${n}`,
  (n) => `AQ.${n}`,
  (n) => `gsk_${n}`,
  (n) => `csk-${n}`,
  (n) => `nvapi-${n}`,
  (n) => `xai-${n}`,
  (n) => `fw_${n}`,
  (n) => `pplx-${n}`,
  (n) => `hf_${n}`,
  (n) => `ghp_${n}`,
  (n) => `github_pat_${n}`,
  (n) => `sk-or-v1-${n}`,
  (n) => `r8_${n}`,
  (n) => `ABSK${n}`,
  (n) => n,
  (n) => `tgp_v1_${n}`,
  // Nobody's, but somebody's in its own way.
  (n) => `Some.Key/${n}+==`,
];

/** 32 alphanumerics, others for each number. */
function filling(n: number): string {
  const digest = new Bun.CryptoHasher('sha256').update(`key ${n}`).digest('base64');
  return `${digest.replace(/[^A-Za-z0-9]/g, 'x').slice(0, 30)}Z9`;
}

const keys = new Map(
  providers.map(({ id }, index) => [id, (FORMATS[index % FORMATS.length] ?? ((n) => n))(filling(index))]),
);
const keyOf = (id: string): string => keys.get(id) ?? '';

/** Ways to fail, and to say with what. */
type Way = 'status' | 'cut' | 'whole' | 'stream' | 'first';
let way: Way = 'status';
const paths: string[] = [];
let told = 0;

function fail(id: string, headers: Headers): Response {
  const dialect = DIALECTS[providers.find((one) => one.id === id)?.dialect ?? ''];
  const said = [...headers].filter(([, value]) => value.includes(keyOf(id))).map(([, value]) => value);
  if (!dialect || said.length !== 1) throw new Error(`${id} was sent its key ${said.length} times`);
  told += 1;
  const text = `Incorrect API key provided: ${said.join()}. And that of another: ${FORMATS[told % FORMATS.length]?.(filling(999))}`;
  const error = { message: text, code: said.join(), type: 'invalid_request_error' };
  if (way === 'status') return Response.json({ error, message: text, detail: text }, { status: 401 });
  // What is told of an error is shortened, here in the middle of the key.
  if (way === 'cut')
    return Response.json({ error: { message: `${'x'.repeat(280)} ${keyOf(id)} ${text}` } }, { status: 401 });
  if (way === 'whole')
    return Response.json(
      dialect.encodeError(gatewayError('upstream_server', text), { quirks: new Set(), origin: '' }).body,
    );
  const context = {
    id: 'up-1',
    created: 1,
    model: 'm',
    quirks: new Set<never>(),
    showReasoning: true,
    streamUsage: true,
  };
  const events: readonly GenerationEvent[] = [
    { type: 'generation-start' },
    ...(way === 'first'
      ? []
      : ([
          { type: 'block-start', block: { kind: 'text' } },
          { type: 'block-delta', delta: { kind: 'text', text: 'Hello' } },
        ] as const)),
    {
      type: 'generation-error',
      error: gatewayError('upstream_server', `${'y'.repeat(way === 'first' ? 250 : 0)}${text}`),
    },
  ];
  const { format, contentType, encoding } = framingOf(dialect);
  const frames = runMachine(dialect.encodeStream(context), events).map(format).join('');
  expect(frames).toContain(keyOf(id).slice(0, 8));
  return new Response(Buffer.from(frames, encoding), { headers: { 'content-type': contentType } });
}

const server = Bun.serve({
  port: 0,
  hostname: '127.0.0.1',
  fetch: async (request) => {
    const { pathname, origin } = new URL(request.url);
    paths.push(request.url.slice(origin.length));
    await request.text();
    return fail(pathname.split('/')[1] ?? '', request.headers);
  },
});

let gateway: RunningGateway;
const heard: string[] = [];
beforeAll(async () => {
  gateway = await RunningGateway.start({
    env: { LOG_LEVEL: 'trace' },
    config: JSON.stringify({
      limits: FORGIVING,
      providers: Object.fromEntries(
        providers.map(({ id }) => [
          id,
          {
            base_url: `http://127.0.0.1:${server.port}/${id}`,
            api_key: keyOf(id),
            endpoints: [{ model: `test/${id}`, upstream_model: 'm', pricing: { prompt: '0', completion: '0' } }],
          },
        ]),
      ),
    }),
  });
});
afterAll(() => server.stop(true));

/** Every piece of a key that is long enough to be one. */
const pieces = (key: string): readonly string[] =>
  Array.from({ length: Math.max(1, key.length - 11) }, (_, at) => key.slice(at, at + 12));

function expectNoKey(text: string): void {
  for (const [id, key] of [...keys, ['another', filling(999)], ['the caller', gateway.key]] as const)
    for (const piece of pieces(key)) if (text.includes(piece)) throw new Error(`the key of ${id} is in: ${text}`);
}

for (const one of ['status', 'cut', 'whole', 'stream', 'first'] as const)
  describe(`a host that tells its key (${one})`, () => {
    for (const { id, name } of providers)
      test(`UP-009 ${id}`, async () => {
        way = one;
        const before = told;
        const response = await gateway.post(
          {
            model: `test/${id}`,
            messages: [{ role: 'user', content: 'Hi' }],
            stream: one === 'stream' || one === 'first',
          },
          { 'x-openrouter-metadata': 'enabled' },
        );
        const text = await response.text();
        expect(told).toBeGreaterThan(before);
        expect(text).toContain('error');
        if (one === 'status') expect(text).toContain(name);
        heard.push(text, JSON.stringify([...response.headers]));
        const generation = response.headers.get('x-generation-id') ?? '';
        heard.push(await (await gateway.get(`/generation?id=${generation}`)).text());
        expectNoKey(heard.slice(-3).join('\n'));
      });
  });

test('UP-009 no key stands in an address, and none in the log', async () => {
  const { stderr } = await gateway.stop();
  expect(stderr).toContain('[secret]');
  expect(stderr.split('\n').length).toBeGreaterThan(providers.length * 3);
  expectNoKey(stderr);
  expect(paths.length).toBeGreaterThanOrEqual(providers.length * 5);
  for (const path of paths) expectNoKey(path);
  for (const path of paths) expect(path).not.toMatch(/[?&](key|api[-_]?key|token)=/i);
});
