// Runs every test and closes with "N passed, N failed, N skipped". Arguments go to `bun test`.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const report = join(root, 'out', 'junit.xml');
mkdirSync(dirname(report), { recursive: true });
for (const old of readdirSync(dirname(report))) if (old.endsWith('.xml')) rmSync(join(dirname(report), old));

const bun = join(root, 'node_modules', '.bin', 'bun');
const only = process.argv.slice(2);
// Timed and crowded tests, and the browser, get the machine to themselves, after everything else.
const runs =
  only.length > 0
    ? [only]
    : [
        ['--parallel', 'src', 'test/flows', 'test/golden', 'test/sim', 'test/tidy.test.ts'],
        ['test/browser', 'test/load'],
      ];
const cases = [];
let status = 0;
for (const [index, args] of runs.entries()) {
  const file = runs.length === 1 ? report : join(root, 'out', `junit-${index}.xml`);
  rmSync(file, { force: true });
  const run = spawnSync(
    bun,
    ['test', '--env-file=runtime.env', '--timeout=60000', '--reporter=junit', `--reporter-outfile=${file}`, ...args],
    {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
    },
  );
  status ||= run.status ?? 1;
  cases.push(...casesOf(file, run.status));
}

/** A file that failed to load has no test case of its own: it counts as one failure. */
function casesOf(file, code) {
  let xml = '';
  try {
    xml = readFileSync(file, 'utf8');
  } catch {
    return [{ name: 'no report was written', state: 'failed' }];
  }
  const found = [...xml.matchAll(/<testcase name="([^"]*)"[^>]*?(\/>|>([\s\S]*?)<\/testcase>)/g)].map(
    ([, name, , body = '']) => ({
      name,
      state: /<(failure|error)/.test(body) ? 'failed' : body.includes('<skipped') ? 'skipped' : 'passed',
    }),
  );
  if (code !== 0 && !found.some(({ state }) => state === 'failed'))
    found.push({ name: 'a file did not load', state: 'failed' });
  return found;
}

const count = (state) => cases.filter((one) => one.state === state).length;
process.stdout.write(`${count('passed')} passed, ${count('failed')} failed, ${count('skipped')} skipped\n`);
process.exit(status);
