import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadSnapshot } from '../../src/catalogue/load.ts';
import { DIALECTS } from '../../src/dialects/registry.ts';
import { readBooks } from '../support/books.ts';
import { RunningGateway } from '../support/gateway.ts';
import { CERTIFICATE, MediaHost, PDF, PNG } from '../support/media-host.ts';
import { ProviderHosts } from '../support/provider-hosts.ts';

/** Pictures, documents, sound and films on their way to hosts of every wire: one model, which every provider of the catalogue serves. */

type Json = Record<string, any>;

const providers = loadSnapshot().providers.filter(({ dialect }) => dialect in DIALECTS);
const hosts = new ProviderHosts(providers);
const pictures = new MediaHost();
const folder = mkdtempSync(join(tmpdir(), 'turnpike-media-'));
let gateway: RunningGateway;

const MODEL = 'test/sees-all';
const endpoint = (upstream_model: string): Json => ({
  model: MODEL,
  upstream_model,
  context_length: 100_000_000,
  pricing: { prompt: '0.000001', completion: '0.000002' },
});

beforeAll(async () => {
  const ca = join(folder, 'ca.pem');
  writeFileSync(ca, CERTIFICATE);
  const rows = providers.map((provider): [string, Json] => {
    const upstream = provider.dialect === 'bedrock-converse' ? 'anthropic.claude-opus-4-6-v1:0' : 'm';
    return [provider.id, { base_url: hosts.base(provider), api_key: 'key', endpoints: [endpoint(upstream)] }];
  });
  const closed = { base_url: 'http://127.0.0.1:1/v1', api_key: 'key', endpoints: [endpoint('m')] };
  const config = {
    server: { body_bytes_max: 64 * 1024 * 1024 },
    credits: { mode: 'prepaid', initial_usd: 1_000_000 },
    providers: { ...Object.fromEntries(rows), closed: { ...closed, media: { image: 'data' } } },
    media: { origins: [pictures.origin] },
    limits: { media_bytes_max: 5_000_000, media_total_bytes_max: 9_000_000, media_ms_max: 3000 },
  };
  gateway = await RunningGateway.start({ config: JSON.stringify(config), env: { NODE_EXTRA_CA_CERTS: ca } });
});
afterAll(async () => {
  await gateway.stop();
  hosts.close();
  await pictures.stop();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(() => {
  hosts.seen.length = 0;
  pictures.asked.length = 0;
});

const base64 = PNG.toString('base64');
const PNG_URL = `data:image/png;base64,${base64}`;
const PDF_URL = `data:application/pdf;base64,${PDF.toString('base64')}`;
const image = (url: string): Json => ({ type: 'image_url', image_url: { url } });
const paper = (file_data: string, filename = 'Year_report (final).v2.pdf'): Json => ({
  type: 'file',
  file: { filename, file_data },
});
const sound: Json = { type: 'input_audio', input_audio: { data: 'UklGRg==', format: 'wav' } };
const film = (url: string): Json => ({ type: 'video_url', video_url: { url } });
const FILM = 'https://films.example/rhine.mp4';

const ask = (only: readonly string[], parts: readonly Json[], more: Json = {}): Promise<Response> =>
  gateway.post({
    model: MODEL,
    messages: [{ role: 'user', content: [{ type: 'text', text: 'What is this?' }, ...parts] }],
    provider: { only, order: only },
    max_tokens: 100,
    ...more,
  });

/** What one host was sent, as the content of the last turn. */
async function told(id: string, parts: readonly Json[], more: Json = {}): Promise<Json[]> {
  const response = await ask([id], parts, more);
  expect([id, response.status, response.status === 200 ? '' : await response.text()]).toEqual([id, 200, '']);
  const { body } = hosts.last(id) as { body: Json };
  if (body.contents) return body.contents.at(-1).parts;
  const last = body.messages.at(-1);
  return last.images ? [last] : last.content;
}

/** Why a host is left out, and that it was not asked. */
async function excluded(id: string, parts: readonly Json[], more: Json = {}): Promise<string> {
  const before = hosts.seen.length;
  const response = await ask([id], parts, more);
  const body = (await response.json()) as Json;
  expect([id, response.status >= 400 && response.status < 500, hosts.seen.length]).toEqual([id, true, before]);
  return body.error.message as string;
}

describe('pictures', () => {
  test('UP-024 as data: a source of its own in each wire', async () => {
    const url = [image(PNG_URL)];
    expect((await told('anthropic', url))[1]).toEqual({
      type: 'image',
      source: { type: 'base64', media_type: 'image/png', data: base64 },
    });
    expect((await told('google-ai-studio', url))[1]).toEqual({ inlineData: { mimeType: 'image/png', data: base64 } });
    expect((await told('amazon-bedrock', url))[1]).toEqual({ image: { format: 'png', source: { bytes: base64 } } });
    expect((await told('ollama', url))[0]?.images).toEqual([base64]);
    expect((await told('openai', url))[1]).toEqual(image(PNG_URL));
    const jpg = `data:image/jpg;base64,${base64}`;
    expect((await told('anthropic', [image(jpg)]))[1]?.source.media_type).toBe('image/jpeg');
    expect((await told('amazon-bedrock', [image(jpg)]))[1]?.image.format).toBe('jpeg');
  });

  test('UP-024 by address: fetched for hosts that do not fetch, and left alone for those that do', async () => {
    const url = [image(`${pictures.origin}/picture.png`)];
    expect((await told('amazon-bedrock', url))[1]).toEqual({ image: { format: 'png', source: { bytes: base64 } } });
    expect((await told('google-ai-studio', url))[1]).toEqual({ inlineData: { mimeType: 'image/png', data: base64 } });
    expect((await told('ollama', url))[0]?.images).toEqual([base64]);
    expect((await told('moonshotai', url))[1]).toEqual(image(PNG_URL));
    expect(pictures.asked).toHaveLength(4);
    for (const id of ['openai', 'mistral']) expect((await told(id, url))[1]).toEqual(url[0] as Json);
    expect((await told('anthropic', url))[1]?.source).toEqual({ type: 'url', url: url[0]?.image_url.url });
    expect(pictures.asked).toHaveLength(4);
  });

  test('UP-024 stores of the hosts themselves are no addresses to fetch', async () => {
    expect((await told('moonshotai', [image('ms://file-1')]))[1]).toEqual(image('ms://file-1'));
    const stored = 'https://generativelanguage.googleapis.com/v1beta/files/abc';
    expect((await told('google-ai-studio', [image(stored)]))[1]?.fileData.fileUri).toBe(stored);
    expect(await excluded('openai', [image('ms://file-1')])).toContain(
      'OpenAI does not take image input by this address',
    );
  });

  test('UP-028 too many pictures leave a host out before it is asked', async () => {
    const limits: readonly [string, number][] = [
      ['mistral', 8],
      ['amazon-bedrock', 20],
      ['anthropic', 100],
      ['scaleway', 12],
    ];
    for (const [id, most] of limits) {
      const many = Array.from({ length: most + 1 }, () => image(PNG_URL));
      expect(await excluded(id, many)).toContain(`takes at most ${most} pictures`);
      await ask([id], many.slice(1));
      expect(JSON.stringify(hosts.last(id).body).split(base64)).toHaveLength(most + 1);
      // A host without that limit serves what the first may not.
      const served = await ask([id, 'openrouter'], many);
      expect(((await served.json()) as Json).provider).toBe('OpenRouter');
    }
  });

  test('UP-028 UP-143 pictures that are too large, and requests', async () => {
    const sized = (bytes: number): Json => image(`data:image/png;base64,${Buffer.alloc(bytes).toString('base64')}`);
    expect(await excluded('mistral', [sized(10_485_761)])).toContain('takes pictures of at most 10485760 bytes');
    await told('mistral', [sized(10_485_758)]);
    expect(await excluded('amazon-bedrock', [sized(3_932_161)])).toContain('takes pictures of at most 3932160 bytes');
    expect(await excluded('ovhcloud', [sized(1_600_000)])).toContain('takes requests of at most 2097152 bytes');
    // Counted as it is sent: what the estimate before lets pass is still not sent.
    const quotes = [{ type: 'text', text: '"'.repeat(1_200_000) }];
    expect(await excluded('ovhcloud', quotes)).toContain('takes requests of at most 2097152 bytes');
    await told('ovhcloud', [sized(1_000_000)]);
  });

  test('UP-143 more than eight pictures, or of a type it does not know, leave Mistral out', async () => {
    const typed = (type: string): Json => image(`data:${type};base64,${base64}`);
    expect(await excluded('mistral', [typed('image/tiff')])).toContain('takes no pictures of type image/tiff');
    expect(
      await excluded(
        'mistral',
        Array.from({ length: 9 }, () => image(PNG_URL)),
      ),
    ).toContain('at most 8 pictures');
    const other = await ask(['mistral', 'together'], [typed('image/tiff')]);
    expect(((await other.json()) as Json).provider).toBe('Together');
    for (const type of ['image/png', 'image/jpeg', 'image/webp', 'image/gif']) await told('mistral', [typed(type)]);
  });
});

describe('documents, sound and films', () => {
  test('UP-026 a PDF is in each wire what its hosts know', async () => {
    const parts = [paper(PDF_URL)];
    const data = PDF.toString('base64');
    expect((await told('anthropic', parts))[1]).toEqual({
      type: 'document',
      source: { type: 'base64', media_type: 'application/pdf', data },
      title: 'Year_report (final).v2.pdf',
    });
    expect((await told('google-ai-studio', parts))[1]).toEqual({ inlineData: { mimeType: 'application/pdf', data } });
    expect((await told('amazon-bedrock', parts))[1]).toEqual({
      document: {
        format: 'pdf',
        name: 'Year report (final) v2',
        source: { bytes: data },
        citations: { enabled: true },
      },
    });
    expect((await told('mistral', parts))[1]).toEqual({
      type: 'document_url',
      document_url: PDF_URL,
      document_name: 'Year_report (final).v2.pdf',
    });
    expect((await told('openai', parts))[1]).toEqual(parts[0] as Json);
  });

  test('UP-026 by address: fetched where that is needed, and hosts that read no documents are left out', async () => {
    const url = `${pictures.origin}/paper.pdf`;
    const parts = [{ type: 'file', file: { file_data: url } }];
    expect((await told('openai', parts))[1]?.file).toEqual({ filename: 'paper.pdf', file_data: PDF_URL });
    expect((await told('amazon-bedrock', parts))[1]?.document.name).toBe('paper');
    expect((await told('mistral', parts))[1]).toEqual({ type: 'document_url', document_url: url });
    expect((await told('anthropic', parts))[1]?.source).toEqual({ type: 'url', url });
    expect(pictures.asked).toEqual(['/paper.pdf', '/paper.pdf']);
    for (const id of ['groq', 'together', 'fireworks', 'xai', 'cohere', 'ollama', 'deepseek', 'nvidia'])
      expect(await excluded(id, parts)).toContain('does not take file input');
    const served = await ask(['groq', 'mistral'], parts);
    expect(((await served.json()) as Json).provider).toBe('Mistral AI Studio');
  });

  test('UP-027 sound is inline data, a plain text or an object, and hosts that do not hear are left out', async () => {
    expect((await told('google-ai-studio', [sound]))[1]).toEqual({
      inlineData: { mimeType: 'audio/wav', data: 'UklGRg==' },
    });
    expect((await told('mistral', [sound]))[1]).toEqual({ type: 'input_audio', input_audio: 'UklGRg==' });
    expect((await told('openai', [sound]))[1]).toEqual(sound);
    for (const id of ['anthropic', 'cohere', 'ollama', 'groq', 'deepseek', 'moonshotai', 'perplexity'])
      expect(await excluded(id, [sound])).toContain('does not take audio input');
    const served = await ask(['anthropic', 'openai'], [sound]);
    expect(((await served.json()) as Json).provider).toBe('OpenAI');
  });

  test('INF-039 a film by address goes only to hosts that take addresses of films', async () => {
    expect((await told('openrouter', [film(FILM)]))[1]).toEqual(film(FILM));
    expect(await excluded('google-ai-studio', [film(FILM)])).toContain('does not take video input by this address');
    expect(await excluded('amazon-bedrock', [film(FILM)])).toContain('does not take video input by this address');
    for (const id of ['openai', 'anthropic', 'mistral', 'ollama', 'cohere'])
      expect(await excluded(id, [film(FILM)])).toContain('does not take video input');
    const tube = 'https://www.youtube.com/watch?v=x';
    expect((await told('google-ai-studio', [film(tube)]))[1]?.fileData.fileUri).toBe(tube);
    const inline = 'data:video/mp4;base64,AAAA';
    expect((await told('google-ai-studio', [film(inline)]))[1]).toEqual({
      inlineData: { mimeType: 'video/mp4', data: 'AAAA' },
    });
    const served = await ask(['google-ai-studio', 'openrouter'], [film(FILM)]);
    expect(((await served.json()) as Json).provider).toBe('OpenRouter');
    expect(pictures.asked).toEqual([]);
  });

  test('UP-071 more than 128 tools leave out the hosts that take 128', async () => {
    const tools = Array.from({ length: 129 }, (_, index) => ({
      type: 'function',
      function: { name: `tool_${index}` },
    }));
    const limited = providers.filter(({ toolsMax }) => toolsMax === 128);
    expect(limited.map(({ id }) => id)).toEqual(expect.arrayContaining(['openai', 'mistral', 'groq', 'xai', 'z-ai']));
    for (const { id } of limited) expect(await excluded(id, [], { tools })).toContain('takes at most 128 tools');
    await told('mistral', [], { tools: tools.slice(1) });
    await told('google-ai-studio', [], { tools });
    const served = await ask(['openai', 'openrouter'], [], { tools });
    expect(((await served.json()) as Json).provider).toBe('OpenRouter');
  });
});

describe('what is fetched on the way', () => {
  test('is fetched once, whatever host it is for and however often it is named', async () => {
    const twice = [image(`${pictures.origin}/picture.png`), image(`${pictures.origin}/picture.png`)];
    const response = await ask(['closed', 'amazon-bedrock'], twice);
    expect(((await response.json()) as Json).provider).toBe('Amazon Bedrock');
    expect(pictures.asked).toEqual(['/picture.png']);
    expect((hosts.last('amazon-bedrock').body as Json).messages[0].content).toHaveLength(3);
  });

  test('is not needed by a host that fetches itself, which therefore may serve what cannot be had', async () => {
    const response = await ask(['amazon-bedrock', 'openai'], [image(`${pictures.origin}/missing.png`)]);
    expect(((await response.json()) as Json).provider).toBe('OpenAI');
  });

  test('may leave out a host after all, where it turns out too large', async () => {
    const large = [image(`${pictures.origin}/large.png?bytes=4000000`)];
    expect(await excluded('amazon-bedrock', large)).toContain('takes pictures of at most 3932160 bytes');
    const response = await ask(['amazon-bedrock', 'ollama'], large);
    expect(((await response.json()) as Json).provider).toBe('Ollama');
    expect(pictures.asked).toEqual(['/large.png', '/large.png']);
  });

  test('counts as told, for callers who want nothing left out', async () => {
    const exact = await ask(['amazon-bedrock'], [image(`${pictures.origin}/picture.png`)], {
      provider: { only: ['amazon-bedrock'], require_exact: true },
    });
    expect([exact.status, exact.headers.get('x-turnpike-dropped')]).toEqual([200, null]);
  });

  test.each([
    ['https://10.0.0.1/a.png', 'does not lead to the public internet'],
    ['https://169.254.169.254/latest/meta-data', 'does not lead to the public internet'],
    ['https://[::1]:8443/a.png', 'does not lead to the public internet'],
    ['http://localhost/a.png', 'does not lead to the public internet'],
    ['/page.png', 'is no picture'],
    ['/to?url=https%3A%2F%2F127.0.0.1%2Fa.png', 'does not lead to the public internet'],
    ['/missing.png', 'was answered with status 404'],
    ['/large.png?bytes=5000000', 'has more than 5000000 bytes'],
    ['/silent.png', 'did not come within 3000 ms'],
  ])('%s is refused where it stands and costs nothing: %s', async (address, why) => {
    const url = address.startsWith('/') ? pictures.origin + address : address;
    for (const stream of [false, true]) {
      const response = await ask(['amazon-bedrock'], [image(url)], { stream });
      const { error } = (await response.json()) as Json;
      expect([response.status, error.message]).toEqual([400, expect.stringContaining(why)]);
      expect(error.message).toStartWith('/messages/0/content/1/image_url/url: ');
      expect(JSON.stringify(error)).not.toContain('secret');
    }
    expect(hosts.seen).toEqual([]);
    expect(readBooks(gateway.home)).toMatchObject({ open: 0, held: 0n, breaches: [] });
  });

  test('may not be too much together', async () => {
    const many = [1, 2, 3].map((n) => image(`${pictures.origin}/large.png?bytes=3500000&n=${n}`));
    expect(await excluded('ollama', many)).toContain('has, with all others, more than 9000000 bytes');
  });

  test('is given up when the caller leaves', async () => {
    const controller = new AbortController();
    const left = gateway
      .post(
        {
          model: MODEL,
          messages: [{ role: 'user', content: [image(`${pictures.origin}/silent.png`)] }],
          provider: { only: ['ollama'] },
          stream: true,
        },
        {},
        controller.signal,
      )
      .catch(() => undefined);
    await Bun.sleep(200);
    controller.abort();
    await left;
    await Bun.sleep(300);
    expect(readBooks(gateway.home).held).toBe(0n);
    expect(hosts.seen).toEqual([]);
  });
});
