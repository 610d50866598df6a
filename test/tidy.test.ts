import { describe, expect, test } from 'bun:test';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { GENERATED } from '../scripts/build-docs.ts';
import { loadSnapshot } from '../src/catalogue/load.ts';
import { DIALECTS } from '../src/dialects/registry.ts';

/** The house in order: what no type and no linter sees. */

const ROOT = join(import.meta.dir, '..');
const files = [
  ...new Bun.Glob('{src,test,bench,scripts,bin,docs,catalogue,.ci}/**/*').scanSync({ cwd: ROOT, dot: true }),
  ...new Bun.Glob('*').scanSync({ cwd: ROOT }),
].filter(
  (path) =>
    /\.(tsx?|mjs|md|toml|json|ya?ml|css|js)$|\.ci\/run$/.test(path) &&
    path !== 'package-lock.json' &&
    !path.startsWith('docs/turnpike'),
);
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const source = files.filter((path) => /^src\/.*\.tsx?$/.test(path) && !/\.test\.tsx?$/.test(path));
const found = (paths: readonly string[], pattern: RegExp): string[] =>
  paths.flatMap((path) => [...read(path).matchAll(pattern)].map((match) => `${path}: ${match[0]}`));

describe('source', () => {
  test('names no provider: providers are rows of the catalogue', () => {
    const ids = loadSnapshot().providers.map(({ id }) => id);
    // Words that also mean something else here.
    const others = new Set(['inference', 'openai']);
    const named = source
      .filter((path) => !path.startsWith('src/catalogue/'))
      .flatMap((path) => {
        const text = read(path).replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
        return ids
          .filter((id) => !others.has(id) && (text.includes(`'${id}'`) || text.includes(`"${id}"`)))
          .map((id) => `${path}: ${id}`);
      });
    expect(named).toEqual([]);
  });

  test('takes time and chance from its ports', () => {
    const allowed = new Set(['src/main.ts']);
    expect(
      found(
        source.filter((path) => !allowed.has(path)),
        /Date\.now\(|Math\.random\(|new Date\(\)|performance\.now\(/g,
      ),
    ).toEqual([]);
  });

  test('waits through the clock wherever a request is planned, tried and relayed', () => {
    // What leaves the process is bound to the loop of this one: its sockets, and the turn in which requests leave together.
    const allowed = new Set(['src/upstream/departures.ts', 'src/upstream/tokens.ts', 'src/upstream/download.ts']);
    const rooms = source.filter((path) => /^src\/(canon|router|ledger|gateway|upstream|streams|dialects)\//.test(path));
    expect(
      found(
        rooms.filter((path) => !allowed.has(path)),
        /\bset(Timeout|Interval|Immediate)\(|AbortSignal\.timeout\(|\bBun\.sleep|process\.hrtime|randomUUID\(/g,
      ),
    ).toEqual([]);
  });

  test('has no file beyond 400 lines and nothing left to do', () => {
    expect(source.filter((path) => read(path).split('\n').length > 410)).toEqual([]);
    expect(found(source, /\bTODO\b|\bFIXME\b|\bXXX\b/g)).toEqual([]);
  });
});

describe('documents', () => {
  const documents = files.filter((path) => path.endsWith('.md'));

  test('are equal to the tables of the code', () => {
    for (const [file, text] of Object.entries(GENERATED)) expect([file, read(file) === text]).toEqual([file, true]);
  });

  test('describe every dialect', () => {
    const described = files.flatMap((path) => /^docs\/dialects\/(.+)\.md$/.exec(path)?.[1] ?? []);
    expect(described.sort()).toEqual(Object.keys(DIALECTS).sort());
  });

  test('link to what is there', () => {
    const broken = documents.flatMap((path) =>
      [...read(path).matchAll(/\]\((?!https?:|#|mailto:)([^)\s#]+)(?:#[^)]*)?\)/g)]
        .map(([, target]) => normalize(join(dirname(path), target ?? '')))
        .filter((target) => !existsSync(join(ROOT, target)))
        .map((target) => `${path}: ${target}`),
    );
    expect(broken).toEqual([]);
  });

  test('name only scripts that exist', () => {
    const { scripts, version } = JSON.parse(read('package.json')) as {
      scripts: Record<string, string>;
      version: string;
    };
    const named = documents.flatMap((path) =>
      [...read(path).matchAll(/npm run ([a-z-]+)/g)].map(([, name]) => name ?? ''),
    );
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
    expect(/^## (\S+)/m.exec(read('CHANGELOG.md'))?.[1]).toBe(version);
  });

  test('and files know nothing of the machine they were made on', () => {
    const machine = new RegExp(['/wo' + 'rk/', 'registry\\.npm' + 'js', 'deb\\.deb' + 'ian\\.org'].join('|'), 'g');
    expect(found(files, machine)).toEqual([]);
  });
});

test('the gates are open: types, format, floating promises, rooms, unused code', () => {
  const { exitCode, stderr } = Bun.spawnSync(['node', 'scripts/gates.mjs'], { cwd: ROOT });
  expect([exitCode, exitCode === 0 ? '' : stderr.toString().slice(0, 4000)]).toEqual([0, '']);
}, 120_000);
