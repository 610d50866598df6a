import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Load, Loaded } from './load.ts';

/** Processes beside this one, and what they cost: CPU is utime + stime of /proc/<pid>/stat, so this runs on Linux. */

export const ROOT = join(import.meta.dir, '..');
const bun = process.execPath;
const environment = { ...process.env, BUN_CONFIG_MAX_HTTP_REQUESTS: '65535' };
const children: { kill(): void }[] = [];

export function killAll(): void {
  for (const child of children) child.kill();
}

/** @returns the process and the first line it printed, which says that it is ready */
export async function start(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  cwd = ROOT,
): Promise<{ pid: number; line: string }> {
  const child = Bun.spawn([bun, ...args], { stdout: 'pipe', stderr: 'inherit', env: { ...environment, ...env }, cwd });
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

export const memoryMb = (pid: number, which: 'VmRSS' | 'VmHWM'): number =>
  Number(new RegExp(`${which}:\\s+(\\d+)`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;

/** A load from a process of its own. It throws where not every request was answered whole. */
export async function run(load: Load): Promise<Loaded> {
  const child = Bun.spawn([bun, join(import.meta.dir, 'load.ts'), JSON.stringify(load)], {
    stdout: 'pipe',
    stderr: 'inherit',
    env: environment,
  });
  children.push(child);
  const loaded = JSON.parse(await new Response(child.stdout).text()) as Loaded;
  const contents = load.requests * (load.stream ? load.chunks : 1);
  if (loaded.ok !== load.requests || loaded.contents !== contents)
    throw new Error(
      `${load.url}: no work was done properly: ${JSON.stringify(loaded)}, expected ${load.requests} answers with ${contents} contents`,
    );
  return loaded;
}

/** What a load costs the process that serves it. */
export async function costMs(pid: number, load: Load): Promise<number> {
  const before = cpuMs(pid);
  await run(load);
  return cpuMs(pid) - before;
}

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
export async function startUp(command: readonly string[], port: number): Promise<{ readyMs: number; idleMb: number }> {
  const home = mkdtempSync(join(tmpdir(), 'turnpike-bench-'));
  const env = { ...environment, TURNPIKE_HOME: home, TURNPIKE_PORT: String(port) };
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
