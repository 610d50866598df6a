import { afterAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Config } from '../config/load.ts';
import type { Effects } from './effects.ts';
import { watchConfig } from './reload.ts';

const folder = mkdtempSync(join(tmpdir(), 'turnpike-reload-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('a file that was in force before may come back, and one that is refused is read once', async () => {
  const path = join(folder, 'turnpike.yaml');
  const write = (model: string): void => writeFileSync(path, `default_model: ${model}\n`);
  write('lab/a');
  const taken: (string | undefined)[] = [];
  let refusals = 0;
  let hangUp = (): void => {};
  const effects = {
    clock: {
      now: () => Date.now(),
      monotonic: () => performance.now(),
      after: (ms: number, action: () => void) => {
        const timer = setTimeout(action, ms / 10);
        return () => clearTimeout(timer);
      },
    },
    environment: { TURNPIKE_CONFIG: path },
    cwd: folder,
    onHangup: (listener: () => void) => {
      hangUp = listener;
    },
  } as unknown as Effects;
  const log = {
    info: () => {},
    warn: () => {},
    error: () => {
      refusals += 1;
    },
  };
  const stop = watchConfig(effects, log, (config: Config) => {
    taken.push(config.defaultModel);
    return [];
  });
  const until = async (done: () => boolean): Promise<void> => {
    for (let tries = 0; tries < 200 && !done(); tries += 1) await Bun.sleep(10);
  };
  write('lab/b');
  await until(() => taken.length === 1);
  // Taken by the signal, before the watcher has looked.
  write('lab/c');
  hangUp();
  await Bun.sleep(100);
  write('lab/b');
  await until(() => taken.length === 3);
  expect(taken).toEqual(['lab/b', 'lab/c', 'lab/b']);
  writeFileSync(path, 'no_such_key: 1\n');
  await until(() => refusals === 1);
  writeFileSync(path, 'no_such_key: 1\n');
  await Bun.sleep(100);
  expect([refusals, taken.length]).toEqual([1, 3]);
  stop();
});
