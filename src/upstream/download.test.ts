import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'bun:test';
import { CERTIFICATE, MediaHost, PDF, PNG } from '../../test/support/media-host.ts';
import { isPublicIp } from './addresses.ts';
import { Downloader, type DownloadRules, type Wanted } from './download.ts';

let host: MediaHost;
beforeAll(() => {
  host = new MediaHost();
});
afterAll(() => host.stop());
beforeEach(() => {
  host.asked.length = 0;
});

const NEVER = new AbortController().signal;

/** Names of the tests: `pictures.example` is the host, everything else is where a row says. */
const INSIDE: Readonly<Record<string, readonly string[]>> = {
  'loopback.example': ['127.0.0.1'],
  'private.example': ['10.1.2.3'],
  'link-local.example': ['169.254.169.254'],
  'shared.example': ['100.64.0.1'],
  'multicast.example': ['224.0.0.251'],
  'mapped.example': ['::ffff:127.0.0.1'],
  'v6-loopback.example': ['::1'],
  'v6-local.example': ['fe80::1'],
  'v6-private.example': ['fd00::1'],
  'translated.example': ['64:ff9b::7f00:1'],
  'mixed.example': ['93.184.216.34', '127.0.0.1'],
  'nobody.example': [],
};
let lookups: string[] = [];
const resolve: DownloadRules['resolve'] = (name) => {
  lookups.push(name);
  const addresses = name === 'pictures.example' ? ['127.0.0.1'] : (INSIDE[name] ?? ['192.0.2.1']);
  return Promise.resolve(addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })));
};

const rules = (more: Partial<DownloadRules> = {}): DownloadRules => ({
  bytesMax: 100_000,
  msMax: 2000,
  origins: new Set(),
  resolve,
  ca: CERTIFICATE,
  ...more,
});

/** The real check but for the one address on which tests can listen; the host's name is public and its address is loopback. */
const lenient = (more: Partial<DownloadRules> = {}): Downloader =>
  new Downloader(rules({ permits: (ip) => ip === '127.0.0.1' || isPublicIp(ip), ...more }));
const strict = (more: Partial<DownloadRules> = {}): Downloader => new Downloader(rules(more));

const at = (path: string, more: Partial<Wanted> = {}): Wanted => ({
  url: `https://pictures.example:${host.port}${path}`,
  kind: 'image',
  ...more,
});

async function problem(downloader: Downloader, wanted: Wanted): Promise<string> {
  const result = await downloader.fetch(wanted, NEVER);
  return result.ok ? 'fetched' : `${result.error.code}: ${result.error.message}`;
}

describe('what is fetched', () => {
  it('is what its bytes say, and is looked up once, so that the address checked is the address connected to', async () => {
    lookups = [];
    const result = await lenient().fetch(at('/picture.png'), NEVER);
    expect(result).toEqual({ ok: true, value: { mediaType: 'image/png', bytes: PNG } });
    expect(lookups).toEqual(['pictures.example']);
  });

  it('may stand behind a redirect, and may be a document or text', async () => {
    const behind = at(`/to?url=${encodeURIComponent(at('/picture').url)}`);
    expect(await lenient().fetch(behind, NEVER)).toMatchObject({ ok: true, value: { mediaType: 'image/png' } });
    expect(await lenient().fetch(at('/paper.pdf', { kind: 'file' }), NEVER)).toEqual({
      ok: true,
      value: { mediaType: 'application/pdf', bytes: PDF },
    });
    const notes = await lenient().fetch(at('/notes.txt', { kind: 'file' }), NEVER);
    expect(notes).toMatchObject({ ok: true, value: { mediaType: 'text/plain' } });
  });

  it('stands wherever the operator says that their own hosts are', async () => {
    const origins = new Set([host.origin]);
    const own = { url: `${host.origin}/picture.png`, kind: 'image' as const };
    expect(
      await problem(strict({ origins, resolve: () => Promise.resolve([{ address: '127.0.0.1', family: 4 }]) }), own),
    ).toBe('fetched');
    expect(await problem(strict(), own)).toBe('media_refused: does not lead to the public internet');
  });
});

describe('UP-025 nothing inside is asked', () => {
  const REFUSED = 'media_refused: does not lead to the public internet';

  it.each(Object.keys(INSIDE).filter((name) => name !== 'nobody.example'))('UP-025 %s leads inside', async (name) => {
    expect(await problem(strict(), { url: `https://${name}:${host.port}/picture.png`, kind: 'image' })).toBe(REFUSED);
    expect(host.asked).toEqual([]);
  });

  it.each([
    'https://127.0.0.1/a.png',
    'https://0x7f.1/a.png',
    'https://2130706433/a.png',
    'https://[::1]/a.png',
    'https://[::ffff:7f00:1]/a.png',
    'https://[::127.0.0.1]/a.png',
    'https://[2002:7f00:1::]/a.png',
    'https://0.0.0.0/a.png',
    'https://168.63.129.16/a.png',
    'https://localhost/a.png',
    'https://metadata.google.internal/a.png',
  ])('UP-025 %s is not even looked up', async (url) => {
    lookups = [];
    expect(await problem(strict(), { url, kind: 'image' })).toBe(REFUSED);
    expect(lookups).toEqual([]);
  });

  it('UP-025 a redirect inside is not followed, and neither is one to another scheme', async () => {
    const to = (url: string): Wanted => at(`/to?url=${encodeURIComponent(url)}`);
    expect(await problem(lenient(), to(`https://private.example:${host.port}/picture.png`))).toBe(REFUSED);
    expect(await problem(lenient(), to('https://169.254.169.254/latest/meta-data'))).toBe(REFUSED);
    expect(await problem(lenient(), to('http://pictures.example/a.png'))).toBe('media_refused: must be https');
    expect(await problem(lenient(), to('file:///etc/passwd'))).toBe('media_refused: must be https');
    expect(await problem(lenient(), at('/loop'))).toBe('media_unavailable: redirects more than 3 times');
    expect(host.asked.filter((path) => path !== '/to' && path !== '/loop')).toEqual([]);
  });

  it('UP-025 plain http, credentials and unknown names are refused', async () => {
    expect(await problem(lenient(), { url: 'http://pictures.example/a.png', kind: 'image' })).toBe(
      'media_refused: must be https',
    );
    expect(await problem(lenient(), { url: 'https://me:you@pictures.example/a.png', kind: 'image' })).toBe(
      'media_refused: may not hold credentials',
    );
    expect(await problem(lenient(), { url: 'https://nobody.example/a.png', kind: 'image' })).toBe(
      'media_unavailable: has a name that is not known',
    );
  });
});

describe('UP-025 limits and types', () => {
  it('UP-025 too many bytes, declared or not, are not read', async () => {
    const small = lenient({ bytesMax: 1000 });
    expect(await problem(small, at('/large.png?bytes=1000'))).toBe('media_unavailable: has more than 1000 bytes');
    expect(await problem(small, at('/endless.png'))).toBe('media_unavailable: has more than 1000 bytes');
    expect(await problem(small, at('/large.png?bytes=100'))).toBe('fetched');
  });

  it('UP-025 silence and drops end at the limit of time, and when the caller leaves', async () => {
    const hasty = lenient({ msMax: 150 });
    expect(await problem(hasty, at('/silent.png'))).toBe('media_unavailable: did not come within 150 ms');
    expect(await problem(hasty, at('/drip.png'))).toBe('media_unavailable: did not come within 150 ms');
    const never = lenient({ resolve: () => new Promise(() => {}), msMax: 150 });
    expect(await problem(never, at('/picture.png'))).toBe('media_unavailable: did not come within 150 ms');
    const started = performance.now();
    await lenient().fetch(at('/silent.png'), AbortSignal.timeout(50));
    expect(performance.now() - started).toBeLessThan(1000);
  });

  it.each([
    ['/page.png', 'image', 'is no picture'],
    ['/paper.pdf', 'image', 'is no picture'],
    ['/lies.pdf', 'file', 'is no pdf'],
  ] as const)('UP-025 %s as %s %s', async (path, kind, why) => {
    expect(await problem(lenient(), at(path, { kind }))).toBe(`media_refused: ${why}`);
  });

  it('UP-025 a name is a claim too, and a failure is told by its status alone', async () => {
    const named = at('/picture.png', { kind: 'file', filename: 'report.pdf' });
    expect(await problem(lenient(), named)).toBe('media_refused: is no pdf');
    expect(await problem(lenient(), at('/missing.png'))).toBe('media_unavailable: was answered with status 404');
  });

  it('UP-025 a certificate nobody vouches for is not accepted', async () => {
    const { ca: _ca, ...unvouched } = rules({ permits: () => true });
    expect(await problem(new Downloader(unvouched), at('/picture.png'))).toBe(
      'media_unavailable: could not be fetched',
    );
  });
});
