import type { Provider } from '../../src/catalogue/types.ts';
import { basePath, ProviderHosts } from './provider-hosts.ts';

/** A model server as it runs on somebody's machine: lists by path, and answers by the sandbox's hand in the provider's own wire. */
export class LocalServer {
  /** What GET and POST answer by path, before anything else is looked at. */
  readonly lists: Readonly<Record<string, (body: unknown) => unknown>>;
  readonly asked: string[] = [];
  /** Set where it is to keep silent. */
  silent = false;
  readonly #provider: Provider;
  readonly #hosts: ProviderHosts;
  #server: ReturnType<typeof Bun.serve> | undefined;
  #port = 0;

  constructor(provider: Provider, lists: LocalServer['lists']) {
    this.#provider = provider;
    this.lists = lists;
    this.#hosts = new ProviderHosts([provider]);
    this.start();
  }

  get base(): string {
    return `http://127.0.0.1:${this.#port}${basePath(this.#provider.base ?? '')}`;
  }

  /** Runs, at the port where it ran before. */
  start(): void {
    this.#server = Bun.serve({
      port: this.#port,
      hostname: '127.0.0.1',
      idleTimeout: 0,
      fetch: (request) => this.#answer(request),
    });
    this.#port = this.#server.port ?? 0;
  }

  async stop(): Promise<void> {
    await this.#server?.stop(true);
  }

  async close(): Promise<void> {
    await this.stop();
    this.#hosts.close();
  }

  async #answer(request: Request): Promise<Response> {
    const { pathname, search } = new URL(request.url);
    this.asked.push(`${request.method} ${pathname}${search}`);
    if (this.silent) await new Promise(() => {});
    const text = await request.text();
    const list = this.lists[pathname];
    if (list) return Response.json(list(text === '' ? undefined : JSON.parse(text)));
    if (request.method !== 'POST') return new Response('no such page', { status: 404 });
    const inner = pathname.slice(basePath(this.#provider.base ?? '').length);
    return fetch(`${this.#hosts.base(this.#provider)}${inner}`, {
      method: 'POST',
      headers: request.headers,
      body: text,
    });
  }
}
