import { ALL_PARAMETERS } from '../../src/canon/parameters.ts';
import { QUIRK_IDS, type Quirk } from '../../src/canon/target.ts';
import type { Provider } from '../../src/catalogue/types.ts';
import { wiresOf } from '../../src/dialects/operations.ts';
import { DIALECTS } from '../../src/dialects/registry.ts';
import { answer } from '../../src/sandbox/brain/answer.ts';
import { SandboxHost } from '../../src/sandbox/host.ts';
import type { SandboxModel } from '../../src/sandbox/ports.ts';

/** One address for every provider of the catalogue, each behind its own wire and habits; what arrives is kept. */

export interface Seen {
  readonly provider: string;
  /** As the provider would see it. */
  readonly path: string;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}

const CREDENTIALS = ['authorization', 'x-api-key', 'api-key', 'x-goog-api-key'];

const model: SandboxModel = {
  upstreamModel: 'm',
  contextLength: 200_000,
  maxOutputTokens: 50_000,
  target: { upstreamModel: 'm', quirks: new Set(), parameters: ALL_PARAMETERS, extraFields: 'all' },
  costUsd: () => ({ cost: 0, prompt: 0, completion: 0 }),
};

const isQuirk = (name: string): name is Quirk => (QUIRK_IDS as readonly string[]).includes(name);

/** The path of a base in which every name stands for itself. */
export const basePath = (base: string): string =>
  new URL(base.replaceAll(/\{[A-Z0-9_]+\}/g, 'x')).pathname.replace(/\/$/, '');

export class ProviderHosts {
  readonly seen: Seen[] = [];
  readonly #hosts = new Map<string, { host: SandboxHost; port: number }>();
  readonly #providers: ReadonlyMap<string, Provider>;
  readonly #server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    idleTimeout: 0,
    fetch: (request) => this.#pass(request),
  });

  constructor(providers: readonly Provider[]) {
    this.#providers = new Map(providers.map((provider) => [provider.id, provider]));
  }

  base(provider: Provider): string {
    return `http://127.0.0.1:${this.#server.port}/${provider.id}${basePath(provider.base ?? 'http://x/v1')}`;
  }

  /** What a provider was sent last. */
  last(id: string): Seen {
    const last = this.seen.findLast(({ provider }) => provider === id);
    if (!last) throw new Error(`${id} was sent nothing`);
    return last;
  }

  async host({ dialect, quirks }: Provider): Promise<SandboxHost> {
    return (await this.#started(dialect, quirks)).host;
  }

  close(): void {
    void this.#server.stop(true);
    for (const { host } of this.#hosts.values()) host.close();
  }

  async #pass(request: Request): Promise<Response> {
    const url = new URL(request.url);
    const [, id = ''] = url.pathname.split('/');
    const provider = this.#providers.get(id);
    if (!provider) return Response.json({ error: { message: `no provider ${id}` } }, { status: 404 });
    const path = url.pathname.slice(id.length + 1) + url.search;
    const text = await request.text();
    this.seen.push({ provider: id, path, headers: request.headers, body: JSON.parse(text) as Record<string, unknown> });
    const { port } = await this.#started(provider.dialect, provider.quirks);
    const inner = path.slice(basePath(provider.base ?? 'http://x/v1').length);
    const headers = new Headers(request.headers);
    // The hosts of the sandbox want a key in one of three places; a fourth is this provider's own.
    if (!CREDENTIALS.some((name) => name !== 'api-key' && headers.has(name))) headers.set('authorization', 'Bearer x');
    const answer = await fetch(`http://127.0.0.1:${port}${inner}`, {
      method: 'POST',
      headers,
      body: text,
      // A connection of the pool may just be closing, and nobody asks again here.
      keepalive: false,
    });
    const kept = { 'content-type': answer.headers.get('content-type') ?? '' };
    const wait = answer.headers.get('retry-after');
    return new Response(answer.body, {
      status: answer.status,
      headers: { ...kept, ...(wait !== null && { 'retry-after': wait }) },
    });
  }

  async #started(dialectId: string, quirks: readonly string[]): Promise<{ host: SandboxHost; port: number }> {
    const key = [dialectId, ...quirks].join(' ');
    const known = this.#hosts.get(key);
    if (known) return known;
    const dialect = DIALECTS[dialectId];
    if (!dialect) throw new Error(`no dialect ${dialectId}`);
    const own = new Set(quirks.filter(isQuirk));
    const played = { ...model, target: { ...model.target, quirks: own } };
    const host = new SandboxHost(
      {
        id: key,
        name: key,
        dialect,
        wires: wiresOf(dialectId),
        quirks: own,
        basePath: '',
        comment: undefined,
        idPrefix: 'up-',
        latencyMs: 0,
        piecesPerSecond: 50_000,
        // Some addresses name the model, and some wires do not name it at all.
        model: () => played,
        models: () => [played],
      },
      { brain: answer, random: () => 0.5, now: () => 1_790_000_000_000 },
    );
    const started = { host, port: await host.listen(0) };
    this.#hosts.set(key, started);
    return started;
  }
}

/** The credential headers of a call, by name. */
export const credentialsOf = (headers: Headers): Readonly<Record<string, string>> =>
  Object.fromEntries(CREDENTIALS.flatMap((name) => (headers.has(name) ? [[name, headers.get(name) ?? '']] : [])));
