import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Everything that is made from sources before the gateway can start. The stamp comes last: a build that broke off is repeated. */
const STEPS = ['build-catalogue.ts'];

const out = join(import.meta.dir, '..', 'build');
mkdirSync(out, { recursive: true });
for (const step of STEPS) {
  const { exitCode } = Bun.spawnSync([process.execPath, join(import.meta.dir, step)], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (exitCode !== 0) process.exit(1);
}
writeFileSync(join(out, 'stamp'), `${new Date().toISOString()}\n`);
