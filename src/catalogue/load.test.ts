import { afterAll, beforeAll, describe, expect, it } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadFacts, loadSnapshot } from './load.ts';

let folder = '';
const file = (name: string, content: string): string => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'catalogue-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('loading', () => {
  it('gives a snapshot of what was written', () => {
    const data = {
      id: 'abc',
      asOf: '2026-10-01',
      labs: [],
      models: [],
      providers: [],
      endpoints: [],
      sandbox: [],
    };
    expect(loadSnapshot(file('ok.json', JSON.stringify(data)))).toMatchObject({ id: 'abc', asOf: '2026-10-01' });
    const facts = { id: 'abc', sources: [], facts: {}, aliases: [] };
    expect(loadFacts(file('facts.json', JSON.stringify(facts)))).toEqual(facts);
  });

  it('says what to run when there is no file', () => {
    expect(() => loadSnapshot(join(folder, 'none.json'))).toThrow(
      /none\.json cannot be read\. Run `bun scripts\/build-catalogue\.ts`/,
    );
  });

  it.each([
    ['half a file', '{"id":', 'is not whole'],
    ['another file', '{"id":"abc"}', 'is no catalogue, it lacks asOf, labs'],
    ['no object', '[]', 'is no catalogue'],
    ['nothing', 'null', 'is no catalogue'],
  ])('refuses %s', (_name, content, message) => {
    expect(() => loadSnapshot(file('bad.json', content))).toThrow(message);
  });
});
