// The gates besides the tests, one after another; prints what failed and exits 1 if anything did.
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const bin = (name) => join('node_modules', '.bin', name);

const GATES = [
  ['types', bin('bun'), ['check', '--no-script']],
  ['format and lint', bin('biome'), ['ci', '--colors=off', '--max-diagnostics=20', '--error-on-warnings']],
  ['floating promises', bin('oxlint'), ['--type-aware', 'src', 'test', 'bench', 'scripts']],
  // Under another type checker it would look at nothing and say so with success: the count is checked below.
  ['rooms and cycles', bin('bun'), ['--bun', bin('depcruise'), '--config', '.dependency-cruiser.cjs', 'src']],
  ['unused code', bin('knip'), []],
];

let failed = 0;
for (const [name, command, args] of GATES) {
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, FORCE_COLOR: '0' },
  });
  const said = `${stdout ?? ''}${stderr ?? ''}`;
  const looked = name !== 'rooms and cycles' || Number(/\((\d+) modules/.exec(said)?.[1] ?? 0) > 50;
  const ok = status === 0 && looked;
  process.stderr.write(`${ok ? 'ok  ' : 'FAIL'} ${name}\n`);
  if (ok) continue;
  failed++;
  process.stderr.write(`${said}\n`);
}
process.exit(failed === 0 ? 0 : 1);
