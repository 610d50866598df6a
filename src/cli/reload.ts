import { existsSync, type FSWatcher, readFileSync, watch } from 'node:fs';
import { dirname } from 'node:path';
import { type Config, ConfigError, configPath, loadConfig } from '../config/load.ts';
import type { Log } from '../gateway/ports.ts';
import type { Effects } from './effects.ts';

/** Settings that are read once, when the gateway starts, by their names in turnpike.yaml. */
const AT_START: Readonly<Record<string, (config: Config) => unknown>> = {
  'server.host': ({ host }) => host,
  'server.port': ({ port }) => port,
  'server.body_bytes_max': ({ bodyBytesMax }) => bodyBytesMax,
  'credits.mode': ({ creditsMode }) => creditsMode,
  'credits.initial_usd': ({ initialCredit }) => String(initialCredit),
  'credits.in_flight_usd': ({ inFlightMax }) => String(inFlightMax),
  free_models: ({ freeModels }) => freeModels,
  brakes: ({ brakes: { usd, seconds, repeats } }) => [String(usd), seconds, repeats],
  'tokens.counter': ({ exactTokens }) => exactTokens,
  'routing.seed': ({ seed }) => seed,
  sandbox: ({ sandboxPorts, sandboxFaults }) => [sandboxPorts, sandboxFaults],
  local: ({ discover, localServers, discoverEveryMs }) => [discover, localServers, discoverEveryMs],
  'limits of health, retries and the response cache': ({ limits }) =>
    Object.entries(limits).filter(([id]) => /^(breaker|cooldown|concurrency|queue|retries|response_cache)_/.test(id)),
};

/** Which settings differ that only a restart brings into force. */
export const needsRestart = (old: Config, next: Config): readonly string[] =>
  Object.keys(AT_START).filter(
    (name) => JSON.stringify(AT_START[name]?.(old)) !== JSON.stringify(AT_START[name]?.(next)),
  );

/** An editor writes a file in several steps; a change is over when nothing has happened for so long. */
const QUIET_MS = 200;

/**
 * Reads the configuration anew at SIGHUP and when its file changes. It is taken whole or not at all: what is wrong is logged, and what
 * was in force stays.
 * @param take puts a configuration into force; throws ConfigError where it cannot be. Gives what a restart is needed for
 * @returns ends the watching
 */
export function watchConfig(effects: Effects, log: Log, take: (config: Config) => readonly string[]): () => void {
  const path = configPath(effects.environment, effects.cwd);
  const textNow = (): string | undefined => (existsSync(path) ? readFileSync(path, 'utf8') : undefined);
  let text = textNow();
  /** So that a file that is wrong is not refused again each time something happens beside it. */
  let refused: string | undefined;
  const reload = (cause: string): void => {
    const next = textNow();
    try {
      // Half-way through being replaced, or deleted by mistake: without it no provider would be left.
      if (next === undefined && text !== undefined) throw new ConfigError(`${path} is gone`);
      const restart = take(loadConfig(effects.environment, effects.cwd));
      text = next;
      refused = undefined;
      log.info({ cause }, 'the configuration was read anew');
      if (restart.length > 0)
        log.warn({ settings: restart }, 'some settings that have changed come into force with a restart only');
    } catch (error) {
      refused = next;
      const why = error instanceof Error ? error.message : String(error);
      log.error({ cause, error: why }, 'the configuration was refused; the one in force stays');
    }
  };
  effects.onHangup(() => reload('SIGHUP'));
  let cancel: (() => void) | undefined;
  const changed = (): void => {
    const next = textNow();
    if (next === text || (next !== undefined && next === refused)) return;
    reload('the file has changed');
  };
  let watcher: FSWatcher | undefined;
  try {
    // The folder, because a file that is replaced is another file.
    watcher = watch(dirname(path), () => {
      cancel?.();
      cancel = effects.clock.after(QUIET_MS, changed);
    });
    watcher.on('error', () => watcher?.close());
  } catch (error) {
    log.warn({ path, error: String(error) }, 'the configuration file cannot be watched; SIGHUP reads it anew');
  }
  return () => {
    cancel?.();
    watcher?.close();
  };
}
