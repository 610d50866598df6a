import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';

/**
 * What Turnpike costs beside the least a proxy can do, in one run: CPU per plain request and per streamed chunk of the server's own
 * process, memory, and how soon it is ready. 64 requests at a time, a provider that answers after 4 ms and streams a chunk every
 * 4 ms, the two targets taking turns. CPU is utime + stime of /proc/<pid>/stat, so this runs on Linux.
 */
const ROOT = join(import.meta.dir, '..');
const ROUNDS = process.argv.includes('--quick') ? 2 : 5;
/** Enough for the compiler to be done with both. */
const WARM_UP = 10_000;
const PLAIN = 4000;
const STREAMS = 128;
const FEW = 10;
const MANY = 250;
const CONCURRENCY = 64;
const KEY = 'bench-key-0123456789-0123456789';

interface Target {
  readonly name: string;
  readonly pid: number;
  readonly url: string;
  readonly key: string;
  readonly plainUs: number[];
  readonly chunkUs: number[];
  peakMb: number;
}

const children: { kill(): void }[] = [];
const bun = process.execPath;
const environment = { ...process.env, BUN_CONFIG_MAX_HTTP_REQUESTS: '65535' };

async function start(
  args: readonly string[],
  env: Record<string, string | undefined> = environment,
  cwd = ROOT,
): Promise<{ pid: number; line: string }> {
  const child = Bun.spawn([bun, ...args], { stdout: 'pipe', stderr: 'inherit', env, cwd });
  children.push(child);
  const reader = child.stdout.getReader();
  let line = '';
  while (!line.includes('\n')) {
    const { done, value } = await reader.read();
    if (done) throw new Error(`${args.join(' ')} ended before it was ready`);
    line += new TextDecoder().decode(value);
  }
  return { pid: child.pid, line: line.split('\n')[0] ?? '' };
}

const TICKS_PER_SECOND = Number(Bun.spawnSync(['getconf', 'CLK_TCK']).stdout.toString()) || 100;

function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS_PER_SECOND;
}

const memoryMb = (pid: number, which: 'VmRSS' | 'VmHWM'): number =>
  Number(new RegExp(`${which}:\\s+(\\d+)`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;

async function load(target: Target, options: { requests: number; stream: boolean; chunks: number }): Promise<number> {
  const before = cpuMs(target.pid);
  const wish = JSON.stringify({ url: target.url, key: target.key, concurrency: CONCURRENCY, ...options });
  const child = Bun.spawn([bun, join(import.meta.dir, 'load.ts'), wish], {
    stdout: 'pipe',
    stderr: 'inherit',
    env: environment,
  });
  const result = JSON.parse(await new Response(child.stdout).text()) as {
    ok: number;
    failed: number;
    contents: number;
  };
  const contents = options.requests * (options.stream ? options.chunks : 1);
  if (result.ok !== options.requests || result.contents !== contents) {
    throw new Error(
      `${target.name}: no work was done properly: ${JSON.stringify(result)}, expected ${options.requests} answers with ${contents} contents`,
    );
  }
  return cpuMs(target.pid) - before;
}

async function round(target: Target): Promise<void> {
  target.plainUs.push((1000 * (await load(target, { requests: PLAIN, stream: false, chunks: 10 }))) / PLAIN);
  const few = await load(target, { requests: STREAMS, stream: true, chunks: FEW });
  const many = await load(target, { requests: STREAMS, stream: true, chunks: MANY });
  target.chunkUs.push((1000 * (many - few)) / (STREAMS * (MANY - FEW)));
  target.peakMb = memoryMb(target.pid, 'VmHWM');
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

async function untilReady(url: string): Promise<void> {
  for (;;) {
    if (
      await fetch(url).then(
        (response) => response.ok,
        () => false,
      )
    )
      return;
    await Bun.sleep(2);
  }
}

/** A start from nothing, measured from outside. @returns ms to /readyz, and the memory of a server that nobody asks anything, sandbox and all */
async function startUp(command: readonly string[], port: number): Promise<{ readyMs: number; idleMb: number }> {
  const home = mkdtempSync(join(tmpdir(), 'turnpike-bench-'));
  const env = { ...environment, TURNPIKE_HOME: home, TURNPIKE_PORT: String(port), TURNPIKE_API_KEY: KEY };
  const started = performance.now();
  const child = Bun.spawn([...command], { cwd: ROOT, env, stdout: 'ignore', stderr: 'ignore' });
  await untilReady(`http://127.0.0.1:${port}/readyz`);
  const readyMs = performance.now() - started;
  await Bun.sleep(1500);
  const pid = Number(readFileSync(join(home, 'turnpike.pid'), 'utf8'));
  const idleMb = memoryMb(pid, 'VmRSS');
  process.kill(pid, 'SIGTERM');
  await child.exited;
  rmSync(home, { recursive: true, force: true });
  return { readyMs, idleMb };
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'turnpike-bench-'));
  try {
    const mock = await start([join(import.meta.dir, 'mock.ts')]);
    const base = `http://127.0.0.1:${mock.line}/v1`;
    const proxy = await start([join(import.meta.dir, 'proxy.ts'), `${base}/chat/completions`]);
    writeFileSync(
      join(folder, 'turnpike.yaml'),
      `credits: { mode: prepaid, initial_usd: 1000 }
providers:
  bench:
    base_url: ${base}
    api_key: sk-upstream
    endpoints:
      - { model: lab/one, upstream_model: one, context_length: 100000, max_completion_tokens: 10000, pricing: { prompt: "0.000001", completion: "0.000002" } }
`,
    );
    const gateway = await start(
      ['--env-file', join(ROOT, 'runtime.env'), join(ROOT, 'src/main.ts'), 'serve', '--json'],
      { ...environment, TURNPIKE_HOME: join(folder, 'home'), TURNPIKE_PORT: '0', TURNPIKE_API_KEY: KEY },
      folder,
    );
    const { api } = JSON.parse(gateway.line) as { api: string };
    const least: Target = {
      name: 'minimal proxy',
      pid: proxy.pid,
      url: `http://127.0.0.1:${proxy.line}/v1/chat/completions`,
      key: KEY,
      plainUs: [],
      chunkUs: [],
      peakMb: 0,
    };
    const ours: Target = {
      name: 'Turnpike',
      pid: gateway.pid,
      url: `${api}/chat/completions`,
      key: KEY,
      plainUs: [],
      chunkUs: [],
      peakMb: 0,
    };
    for (const target of [least, ours]) await load(target, { requests: WARM_UP, stream: false, chunks: 10 });
    for (let turn = 0; turn < ROUNDS; turn += 1) {
      for (const target of turn % 2 === 0 ? [least, ours] : [ours, least]) await round(target);
    }
    const upstreamSaw = (await (await fetch(base)).json()) as { requests: number };
    const sent = 2 * (WARM_UP + ROUNDS * (PLAIN + 2 * STREAMS));
    if (upstreamSaw.requests !== sent)
      throw new Error(`the provider saw ${upstreamSaw.requests} requests instead of ${sent}`);
    const credits = (await (await fetch(`${api}/credits`, { headers: { authorization: `Bearer ${KEY}` } })).json()) as {
      data: { total_usage: number };
    };
    // 12 tokens in at a dollar a million, 20 out at two: 52 micro-dollars a request.
    const expected = ((sent / 2) * 52) / 1e6;
    if (Math.abs(credits.data.total_usage - expected) > 1e-9)
      throw new Error(`the ledger says ${credits.data.total_usage} USD instead of ${expected}`);
    const direct = await startUp(
      [bun, '--env-file', join(ROOT, 'runtime.env'), join(ROOT, 'src/main.ts'), 'serve'],
      18_484,
    );
    const npm = await startUp(['npm', 'start', '--silent'], 18_485);
    report(least, ours, direct, npm);
  } finally {
    for (const child of children) child.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}

function report(
  least: Target,
  ours: Target,
  direct: { readyMs: number; idleMb: number },
  npm: { readyMs: number },
): void {
  const rows: [string, string, string, string][] = [
    ['', 'minimal proxy', 'Turnpike', 'ratio'],
    ...(['plainUs', 'chunkUs'] as const).map((what): [string, string, string, string] => {
      const [a, b] = [median(least[what]), median(ours[what])];
      return [
        what === 'plainUs' ? 'CPU per plain request' : 'CPU per streamed chunk',
        `${a.toFixed(1)} µs`,
        `${b.toFixed(1)} µs`,
        (b / a).toFixed(2),
      ];
    }),
    [
      'Peak memory',
      `${least.peakMb.toFixed(0)} MB`,
      `${ours.peakMb.toFixed(0)} MB`,
      (ours.peakMb / least.peakMb).toFixed(2),
    ],
    ['Idle memory', '', `${direct.idleMb.toFixed(0)} MB`, ''],
    ['Process start to /readyz', '', `${direct.readyMs.toFixed(0)} ms`, ''],
    ['npm start to /readyz', '', `${npm.readyMs.toFixed(0)} ms`, ''],
  ];
  if (process.argv.includes('--json')) {
    process.stdout.write(`${JSON.stringify({ least, ours, direct, npm })}\n`);
    return;
  }
  const [head, ...rest] = rows;
  const line = (row: readonly string[]): string => `| ${row.join(' | ')} |\n`;
  process.stdout.write(line(head ?? []) + line(['---', '---:', '---:', '---:']) + rest.map(line).join(''));
  process.stdout.write(
    `\n${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, ${CONCURRENCY} requests at a time, medians of ${ROUNDS} rounds.\n`,
  );
}

await main().catch((error: unknown) => {
  process.stderr.write(`bench failed: ${String((error as Error).message ?? error)}\n`);
  for (const child of children) child.kill();
  process.exit(1);
});
