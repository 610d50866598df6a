import { describe, expect, it } from 'bun:test';
import { CatalogueError } from '../catalogue-error.ts';
import { parseAuthored } from './authored.ts';

const ORIGIN = 'source = "docs"\nchecked = 2026-10-01\n';
const BASE: Readonly<Record<string, string>> = {
  'sources.toml':
    'checked = 2026-10-01\n[docs]\nname = "Docs"\nurl = "https://example.org"\nlicence = "MIT"\nkind = "provider_docs"\nrank = 3\n',
  'aliases.toml': `${ORIGIN}period = []\n`,
  'decisions.toml': `${ORIGIN}decision = []\n`,
};

const parse = (files: Record<string, string>) => parseAuthored(new Map(Object.entries({ ...BASE, ...files })));

function failure(files: Record<string, string>): CatalogueError {
  try {
    parse(files);
  } catch (error) {
    if (error instanceof CatalogueError) return error;
    throw error;
  }
  throw new Error('was accepted');
}

describe('parseAuthored', () => {
  it('takes the file’s name as the id, with the variant behind a point', () => {
    const { models } = parse({
      'models/acme/rocket-2.5.toml': `${ORIGIN}name = "Rocket 2.5"`,
      'models/acme/rocket-2.5.free.toml': `${ORIGIN}name = "Rocket 2.5 (free)"`,
    });
    expect(models.map(({ id }) => id)).toEqual(['acme/rocket-2.5:free', 'acme/rocket-2.5']);
  });

  it('turns short-hands into observations of the file’s source and day', () => {
    const { endpoints } = parse({
      'endpoints/host/acme/rocket.toml': `${ORIGIN}upstream = "rocket"\ncontext = 256000\nprice = { input = "0.150", cache-read = "0.015" }\nbatch = { input = "0.075" }`,
    });
    const origin = { source: 'docs', checked: '2026-10-01' };
    expect(endpoints[0]?.id).toBe('host/acme/rocket');
    expect(endpoints[0]?.observed).toEqual([
      { ...origin, field: 'upstream_model', value: 'rocket' },
      { ...origin, field: 'context_length', value: 256_000 },
      { ...origin, field: 'price.input', value: '0.15' },
      { ...origin, field: 'price.cache-read', value: '0.015' },
      { ...origin, field: 'price.conditions', value: [] },
      { ...origin, field: 'price.batch.input', value: '0.075' },
    ]);
  });

  it('REF-005 gives every further observation its own source, day and reason', () => {
    const { models } = parse({
      'models/acme/rocket.toml': `${ORIGIN}name = "Rocket"
[[observe]]
field = "context_length"
value = 262144
source = "page"
checked = 2026-06-15
conflict = "decimal_vs_binary"
note = "printed as 262k"
[[observe]]
field = "licence"
state = "not_sourced"`,
    });
    expect(models[0]?.observed.slice(1)).toEqual([
      {
        field: 'context_length',
        value: 262_144,
        source: 'page',
        checked: '2026-06-15',
        conflict: 'decimal_vs_binary',
        note: 'printed as 262k',
      },
      { field: 'licence', value: null, state: 'not_sourced', source: 'docs', checked: '2026-10-01' },
    ]);
  });

  it('reads listings as rows, with tiers as conditions', () => {
    const { rows } = parse({
      'listings/host.toml': `${ORIGIN}rows = [
  { id = "acme/rocket", price = { input = "3", output = "15" }, tiers = [{ above = 200000, price = { input = "6" } }], context = 8192 },
]`,
      'listings/host.gone.toml': `${ORIGIN}rows = [{ id = "acme/old", retired = true }]`,
    });
    expect(rows.map(({ provider, id }) => `${provider} ${id}`)).toEqual(['host acme/old', 'host acme/rocket']);
    expect(rows[1]?.observed).toContainEqual({ field: 'price.conditions', value: ['prompt > 200000: input 6'] });
    expect(rows[0]?.observed).toEqual([{ field: 'retired', value: true }]);
  });

  it.each([
    ['an unknown key', 'models/acme/rocket.toml', 'name = "R"\ncontext_window = 5', 'context_window'],
    [
      'a price as a float',
      'endpoints/h/acme/r.toml',
      'upstream = "r"\nprice = { input = 0.15 }',
      'price.input: must be a decimal string',
    ],
    [
      'a price that is no amount',
      'endpoints/h/acme/r.toml',
      'upstream = "r"\nprice = { input = "cheap" }',
      'price.input: is no amount',
    ],
    [
      'a price finer than can be billed',
      'endpoints/h/acme/r.toml',
      'upstream = "r"\nprice = { input = "0.0000001" }',
      'price.input',
    ],
    ['an unknown unit', 'endpoints/h/acme/r.toml', 'upstream = "r"\nprice = { tea = "1" }', 'tea'],
    [
      'an unknown quirk',
      'providers/h.toml',
      'name = "H"\nkind = "lab"\nabout = "x"\ndialect = "d"\nauth = { kind = "bearer" }\nquirks = ["odd"]',
      'quirks.0',
    ],
    [
      'a half-open auth',
      'providers/h.toml',
      'name = "H"\nkind = "lab"\nabout = "x"\ndialect = "d"\nauth = { kind = "header" }',
      'auth.name',
    ],
    ['a bad modality', 'models/acme/rocket.toml', 'name = "R"\ninput = ["smell"]', 'input.0'],
    ['a long text', 'models/acme/rocket.toml', `name = "R"\nabout = "${'word '.repeat(61)}"`, 'more than 60 words'],
    [
      'an unknown field',
      'models/acme/rocket.toml',
      'name = "R"\n[[observe]]\nfield = "price.input"\nvalue = "1"',
      'nothing is called "price.input" on a model',
    ],
    [
      'a value of another kind',
      'models/acme/rocket.toml',
      'name = "R"\n[[observe]]\nfield = "context_length"\nvalue = "256k"',
      'context_length is no count',
    ],
    [
      'an observation that says nothing',
      'models/acme/rocket.toml',
      'name = "R"\n[[observe]]\nfield = "family"',
      'neither value nor state',
    ],
    ['broken TOML', 'models/acme/rocket.toml', 'name = ', ''],
  ])('refuses %s and names file and key', (_name, file, toml, reason) => {
    const error = failure({ [file]: `${ORIGIN}${toml}` });
    expect(error.file).toBe(file);
    expect(error.message).toStartWith(`${file}: `);
    expect(error.reason).toContain(reason);
  });

  it('refuses a file without source or day, and a file in no known place', () => {
    expect(failure({ 'labs/acme.toml': 'name = "Acme"' }).reason).toContain('source');
    expect(failure({ 'labs/acme.toml': 'source = "docs"\nname = "Acme"' }).reason).toContain('checked');
    expect(failure({ 'notes/todo.toml': ORIGIN })).toMatchObject({
      file: 'notes/todo.toml',
      reason: 'lies where no file is expected',
    });
  });

  it('refuses a decision that decides nothing, and one that decides twice', () => {
    const decision = (lines: string) => ({
      'decisions.toml': `${ORIGIN}[[decision]]\nprovider = "h"\nid = "x"\n${lines}`,
    });
    expect(failure(decision('')).reason).toContain('either a model or a reason');
    expect(failure(decision('model = "a/b"\nreject = "no"')).reason).toContain('either a model or a reason');
  });
});
