import { ConfigError } from '../config/load.ts';
import { AddressUnusable } from '../http/server.ts';
import { StoreUnusable } from '../store/sqlite/store.ts';
import type { Command } from './command.ts';
import { UsageError } from './command.ts';
import type { Effects } from './effects.ts';

/** Commands are loaded when they are called: the server should not wait for what only `doctor` needs. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  serve: async () => (await import('./commands/serve.ts')).serve,
  sandbox: async () => (await import('./commands/sandbox.ts')).sandbox,
  keys: async () => (await import('./commands/keys.ts')).keys,
  credits: async () => (await import('./commands/credits.ts')).credits,
  catalogue: async () => (await import('./commands/catalogue.ts')).catalogue,
  explain: async () => (await import('./commands/explain.ts')).explain,
  plan: async () => (await import('./commands/plan.ts')).plan,
  doctor: async () => (await import('./commands/doctor.ts')).doctor,
};

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

/**
 * One command, from its arguments to its exit code: 0 done, 1 failed, 2 usage or configuration, the last two with one sentence on stderr.
 * Without a command the gateway is served.
 */
export async function run(argv: readonly string[], effects: Effects): Promise<number> {
  const named = argv[0] !== undefined && !argv[0].startsWith('-');
  const [name, rest] = named ? [argv[0] ?? '', argv.slice(1)] : ['serve', argv];
  try {
    if (!named && (rest.includes('--help') || rest.includes('-h'))) {
      effects.out(await overview());
      return 0;
    }
    const load = COMMANDS[name];
    if (!load) throw new UsageError(`unknown command ${name}; known are ${Object.keys(COMMANDS).join(', ')}`);
    const command = await load();
    if (rest.includes('--help') || rest.includes('-h')) {
      effects.out(command.help);
      return 0;
    }
    return await command.run(rest, effects);
  } catch (error) {
    effects.err(`turnpike: ${sentence(error)}\n`);
    return mendable(error) ? EXIT_USAGE : EXIT_FAILED;
  }
}

const mendable = (error: unknown): boolean =>
  error instanceof UsageError ||
  error instanceof ConfigError ||
  error instanceof StoreUnusable ||
  error instanceof AddressUnusable;

const sentence = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';

async function overview(): Promise<string> {
  const lines = await Promise.all(
    Object.entries(COMMANDS).map(async ([name, load]) => `  ${name.padEnd(10)} ${(await load()).summary}`),
  );
  return `Usage: turnpike [command] [options]\n\nCommands (serve when none is given):\n${lines.join('\n')}\n\nEach takes --help and --json.\n`;
}
