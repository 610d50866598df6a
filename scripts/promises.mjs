// Lists every promise of docs/promises.md and whether a passing test names it, from the reports of the last `npm test`.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const NUMBER = /\b(?:INF|PLT|UP|REF)-\d{3}\b|(?<![\w-])[PI]\d{1,2}(?![\w-])/g;

const promised = [...readFileSync(join(root, 'docs', 'promises.md'), 'utf8').matchAll(/^- (\S+) (.+)$/gm)].map(
  ([, number, says]) => ({ number, says }),
);

const out = join(root, 'out');
const reports = existsSync(out) ? readdirSync(out).filter((name) => /^junit(-\d+)?\.xml$/.test(name)) : [];
if (reports.length === 0) {
  process.stderr.write('There is no test report yet: run npm test first.\n');
  process.exit(1);
}

const passed = new Set();
const failed = new Set();
let greedy = 0;
for (const report of reports) {
  const xml = readFileSync(join(out, report), 'utf8');
  for (const [, name, , body = ''] of xml.matchAll(/<testcase name="([^"]*)"[^>]*?(\/>|>([\s\S]*?)<\/testcase>)/g)) {
    const numbers = name.match(NUMBER) ?? [];
    if (numbers.length > 3) {
      greedy++;
      process.stderr.write(`names more than three numbers and proves none: ${name}\n`);
      continue;
    }
    const state = /<(failure|error)/.test(body) ? failed : body.includes('<skipped') ? undefined : passed;
    for (const number of numbers) state?.add(number);
  }
}

let proven = 0;
for (const { number, says } of promised) {
  const state = failed.has(number) ? 'failing' : passed.has(number) ? 'proven' : 'no test';
  if (state === 'proven') proven++;
  process.stdout.write(`${number.padEnd(8)} ${state.padEnd(8)} ${says}\n`);
}
process.stdout.write(`${proven} of ${promised.length} proven\n`);
process.exit(greedy > 0 ? 1 : 0);
