// Makes a checkout runnable: installs what is missing and builds what is stale. Plain Node 20 or later, no dependency, because it runs
// before there are any. Everything it says goes to stderr: stdout belongs to whatever is started next.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const at = (...parts) => join(root, ...parts);

function run(command, args) {
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  });
  if (error || status !== 0) {
    process.stderr.write(`turnpike: ${command} ${args.join(' ')} failed\n`);
    process.exit(1);
  }
}

const modified = (path) => (existsSync(path) ? statSync(path).mtimeMs : 0);

// npm writes its own lock file last, so an install that was cut off is repeated.
const installed = at('node_modules', '.package-lock.json');
if (modified(installed) < modified(at('package-lock.json'))) {
  process.stderr.write('turnpike: installing dependencies, once\n');
  run('npm', ['ci', '--no-audit', '--no-fund']);
}
// The name is the same on every system; without install scripts it is a placeholder of a few hundred bytes.
const bun = at('node_modules', 'bun', 'bin', 'bun.exe');
if (statSync(bun).size < 1_000_000) run('npm', ['rebuild', 'bun']);

/** The newest modification below a folder. */
function newest(path) {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return readdirSync(path).reduce((latest, name) => Math.max(latest, newest(join(path, name))), stat.mtimeMs);
}

const built = modified(at('build', 'stamp'));
const sources = ['catalogue', 'src/catalogue', 'src/web', 'scripts', 'package-lock.json']
  .map((path) => at(path))
  .filter(existsSync);
if (built === 0 || sources.some((path) => newest(path) > built)) {
  process.stderr.write('turnpike: building catalogue and styles\n');
  run(bun, [at('scripts', 'build.ts')]);
}
