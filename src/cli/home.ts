import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

/** What a running server leaves in its data folder for commands that come after it. */

const PID_FILE = 'turnpike.pid';
const CONTROL_FILE = 'control.json';

const controlFile = z.object({ url: z.string(), token: z.string().min(32), pid: z.int() });

export type ControlAddress = z.infer<typeof controlFile>;

export function announce(home: string, address: ControlAddress): void {
  writeFileSync(join(home, PID_FILE), `${address.pid}\n`);
  const path = join(home, CONTROL_FILE);
  rmSync(path, { force: true });
  writeFileSync(path, JSON.stringify(address), { mode: 0o600, flag: 'wx' });
}

export function withdraw(home: string): void {
  rmSync(join(home, PID_FILE), { force: true });
  rmSync(join(home, CONTROL_FILE), { force: true });
}

/** Where the running server takes commands; undefined when there is none or only a dead one's file. */
export function controlAddress(home: string): ControlAddress | undefined {
  const path = join(home, CONTROL_FILE);
  if (!existsSync(path)) return undefined;
  try {
    return controlFile.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return undefined;
  }
}
