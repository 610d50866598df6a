#!/usr/bin/env node
// `npx turnpike …`: makes the checkout runnable if it is not, then hands over to Bun with the one setting it needs from outside.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
await import('../scripts/ensure.mjs');
const settings = Object.fromEntries(
  readFileSync(join(root, 'runtime.env'), 'utf8')
    .split('\n')
    .filter((line) => line.includes('='))
    .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
);
const child = spawn(
  join(root, 'node_modules', 'bun', 'bin', 'bun.exe'),
  [join(root, 'src', 'main.ts'), ...process.argv.slice(2)],
  {
    stdio: 'inherit',
    env: { ...settings, ...process.env },
  },
);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => process.exit(code ?? (signal ? 1 : 0)));
