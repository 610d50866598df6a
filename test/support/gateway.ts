import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Subprocess, spawn } from 'bun';

/** The product as its users start it: a process of its own, reached over a socket. */

const ROOT = join(import.meta.dir, '..', '..');

export interface ReadyLine {
  readonly url: string;
  readonly api: string;
  readonly page: string;
  readonly pid: number;
  readonly home: string;
  readonly key?: string;
  readonly key_label: string | null;
  readonly providers: readonly {
    readonly id: string;
    readonly name: string;
    readonly mode: string;
    readonly base_url: string;
  }[];
}

export interface GatewayOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** The text of turnpike.yaml. */
  readonly config?: string;
  /** `real` leaves the sandbox its latency and speed; tests that wait for nothing do not need them. */
  readonly pace?: 'real' | 'quick';
  /** A data folder to use again; a fresh one otherwise. */
  readonly home?: string;
  /** Another installation than this one. */
  readonly root?: string;
}

/** Limits of a gateway that holds nothing against its hosts, so that one test's failures are not the next one's. */
export const FORGIVING = {
  breaker_failures: 1_000_000,
  breaker_attempts: 1_000_000,
  cooldown_ms_max: 1,
  retries_min: 1_000_000,
  concurrency_start: 1_000_000,
  concurrency_max: 1_000_000,
};

/** Limits of a gateway that waits for nobody long either, so that tests of stalls are short. */
export const IMPATIENT = `limits: ${JSON.stringify({
  headers_ms_max: 400,
  attempt_first_content_ms_max: 400,
  stream_idle_ms_max: 400,
  attempt_whole_ms_max: 500,
  request_total_ms_max: 20_000,
  ...FORGIVING,
})}\n`;

export class RunningGateway {
  readonly ready: ReadyLine;
  readonly process: Subprocess<'ignore', 'pipe', 'pipe'>;
  readonly home: string;
  readonly #folder: string;
  readonly #stderr: Promise<string>;
  readonly #environment: Readonly<Record<string, string>>;
  readonly key: string;

  private constructor(
    ready: ReadyLine,
    process: Subprocess<'ignore', 'pipe', 'pipe'>,
    folder: string,
    home: string,
    stderr: Promise<string>,
    environment: Readonly<Record<string, string>>,
    key: string,
  ) {
    this.ready = ready;
    this.process = process;
    this.home = home;
    this.#folder = folder;
    this.#stderr = stderr;
    this.#environment = environment;
    this.key = key;
  }

  get url(): string {
    return this.ready.url;
  }

  get api(): string {
    return this.ready.api;
  }

  /** The address of a sandbox host without its path, e.g. for faults. */
  host(id: string): string {
    const provider = this.ready.providers.find((one) => one.id === id);
    if (!provider) throw new Error(`no provider ${id}`);
    return new URL(provider.base_url).origin;
  }

  base(id: string): string {
    return this.ready.providers.find((one) => one.id === id)?.base_url ?? '';
  }

  static async start(options: GatewayOptions = {}): Promise<RunningGateway> {
    const folder = mkdtempSync(join(tmpdir(), 'turnpike-test-'));
    const home = options.home ?? join(folder, 'home');
    if (options.config !== undefined) writeFileSync(join(folder, 'turnpike.yaml'), options.config);
    const root = options.root ?? ROOT;
    const key = options.env?.TURNPIKE_API_KEY ?? `test-key-${'0123456789'.repeat(3)}`;
    const environment = {
      ...cleanEnvironment(),
      TURNPIKE_LOCAL: 'off',
      TURNPIKE_PORT: '0',
      TURNPIKE_HOME: home,
      TURNPIKE_API_KEY: key,
      ...options.env,
    };
    const child = spawn(
      [process.execPath, '--env-file', join(root, 'runtime.env'), join(root, 'src/main.ts'), 'serve', '--json'],
      {
        cwd: folder,
        stdout: 'pipe',
        stderr: 'pipe',
        env: environment,
      },
    );
    const stderr = new Response(child.stderr).text();
    const line = await firstLine(child.stdout);
    if (line === undefined) throw new Error(`the gateway did not start: ${await stderr}`);
    const gateway = new RunningGateway(JSON.parse(line) as ReadyLine, child, folder, home, stderr, environment, key);
    if (options.pace !== 'real') await gateway.clearFaults();
    return gateway;
  }

  /** Stops it properly. @returns the exit code and what it logged */
  async stop(): Promise<{ readonly code: number; readonly stderr: string }> {
    const end = await this.terminate();
    this.clean();
    return end;
  }

  /** Stops it properly and leaves its data. */
  async terminate(): Promise<{ readonly code: number; readonly stderr: string }> {
    this.process.kill('SIGTERM');
    const code = await this.process.exited;
    return { code, stderr: await this.#stderr };
  }

  /** Another command beside it, over the same folder and with the same environment. */
  async command(...args: readonly string[]): Promise<{ readonly code: number; readonly stdout: string }> {
    const child = spawn([process.execPath, join(ROOT, 'src/main.ts'), ...args], {
      cwd: this.#folder,
      stdout: 'pipe',
      stderr: 'inherit',
      env: this.#environment,
    });
    const stdout = await new Response(child.stdout).text();
    return { code: await child.exited, stdout };
  }

  /** Puts a file beside it, as an operator would: whole or not at all. */
  put(name: string, text: string): void {
    const path = join(this.#folder, name);
    writeFileSync(`${path}.new`, text);
    renameSync(`${path}.new`, path);
  }

  async kill(): Promise<void> {
    this.process.kill('SIGKILL');
    await this.process.exited;
  }

  clean(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Adds a fault to a sandbox host; none is cleared. */
  async fault(host: string, wish: Readonly<Record<string, unknown>>): Promise<void> {
    const response = await fetch(`${this.host(host)}/_sandbox/faults`, { method: 'POST', body: JSON.stringify(wish) });
    if (!response.ok) throw new Error(await response.text());
  }

  /** No faults, and hosts that hurry. */
  async clearFaults(): Promise<void> {
    const hosts = this.ready.providers.filter(({ mode }) => mode === 'sandbox').map(({ id }) => id);
    await Promise.all(
      hosts.map(async (id) => {
        await fetch(`${this.host(id)}/_sandbox/faults`, { method: 'DELETE' });
        await this.fault(id, { fault: 'latency', value: 1 });
        await this.fault(id, { fault: 'tokens-per-second', value: 20_000 });
      }),
    );
  }

  post(body: unknown, headers: Readonly<Record<string, string>> = {}, signal?: AbortSignal): Promise<Response> {
    return fetch(`${this.api}/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${this.key}`, 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
      ...(signal && { signal }),
    });
  }

  get(path: string, key: string | null = this.key): Promise<Response> {
    return fetch(`${this.api}${path}`, key === null ? {} : { headers: { authorization: `Bearer ${key}` } });
  }

  async json(path: string): Promise<Record<string, never> & { data: never }> {
    return (await this.get(path)).json();
  }
}

/** Nothing of the developer's own environment may reach a gateway under test. */
function cleanEnvironment(): Record<string, string> {
  const kept = ['PATH', 'HOME', 'TMPDIR', 'LANG'];
  return Object.fromEntries(
    kept.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name] as string]])),
  );
}

async function firstLine(stream: ReadableStream<Uint8Array>): Promise<string | undefined> {
  const decoder = new TextDecoder();
  let text = '';
  const reader = stream.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    text += decoder.decode(value, { stream: !done });
    const end = text.indexOf('\n');
    if (end >= 0) {
      reader.releaseLock();
      return text.slice(0, end);
    }
    if (done) return undefined;
  }
}
