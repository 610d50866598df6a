import { describe, expect, it } from 'bun:test';
import { compile } from './compile.ts';
import type { Row } from './row.ts';
import { parseAuthored } from './sources/authored.ts';

const ORIGIN = 'source = "docs"\nchecked = 2026-10-01\n';
const provider = (lines: string) =>
  `${ORIGIN}name = "P"\nabout = "x"\ndialect = "openai-chat"\nauth = { kind = "bearer" }\n${lines}`;
const source = (id: string, rank: number, more = '') =>
  `[${id}]\nname = "${id}"\nurl = "https://example.org"\nlicence = "MIT"\nkind = "manual"\nrank = ${rank}\n${more}`;

/** A lab with an API of its own, a router that names models, a trial, and a coding plan. */
const WORLD: Readonly<Record<string, string>> = {
  'sources.toml': `checked = 2026-10-01\n${source('docs', 3)}${source('data', 4, 'undated = 2024-01-01\n')}`,
  'aliases.toml': `${ORIGIN}
[[period]]
provider = "acme-api"
alias = "rocket-latest"
model = "acme/rocket-1"
from = 2025-01-01
to = 2026-04-03
evidence = "x"
[[period]]
provider = "acme-api"
alias = "rocket-latest"
model = "acme/rocket-2"
from = 2026-04-03
evidence = "x"
`,
  'decisions.toml': `${ORIGIN}decision = []\n`,
  'labs/acme.toml': `${ORIGIN}name = "Acme"\nstems = { rocket = "Other" }\n`,
  'providers/acme-api.toml': provider('kind = "lab"\noperated_by = "acme"\nparameters = { remove = ["seed"] }\n'),
  'providers/router.toml': provider('kind = "aggregator"\ncanonical_ids = true\n'),
  'providers/trial.toml': provider('kind = "inference"\nzero_price = "trial_quota"\n'),
  'providers/plan.toml': provider('kind = "plan"\n'),
  'models/acme/rocket-1.toml': `${ORIGIN}name = "Rocket 1"\nreleased = 2025-01-01\n`,
  'models/acme/rocket-2.toml': `${ORIGIN}name = "Rocket 2"\nreleased = 2026-03-16\ncontext = 256000\nfeatures = ["tools", "temperature"]\naliases = ["rocket-two"]\n`,
};

const row = (over: Partial<Row> = {}): Row => ({
  provider: 'router',
  id: 'acme/rocket-2',
  source: 'data',
  checked: '2026-07-02',
  observed: [
    { field: 'price.input', value: '0.15' },
    { field: 'price.output', value: '0.6' },
    { field: 'context_length', value: 262_144 },
  ],
  ...over,
});

const world = (files: Record<string, string> = {}) => parseAuthored(new Map(Object.entries({ ...WORLD, ...files })));
const compiled = (rows: readonly Row[], files?: Record<string, string>) => compile({ authored: world(files), rows });
const zero = [
  { field: 'price.input', value: '0' },
  { field: 'price.output', value: '0' },
];

describe('compile', () => {
  it('makes an endpoint of a row, with exact rates and the host’s own limit', () => {
    const { data, facts } = compiled([row()]);
    expect(data.endpoints).toEqual([
      {
        id: 'router/acme/rocket-2',
        provider: 'router',
        model: 'acme/rocket-2',
        upstreamModel: 'acme/rocket-2',
        contextLength: 262_144,
        rates: { input: '150000', output: '600000' },
        priceState: 'listed',
        parameters: [
          'temperature',
          'top_p',
          'frequency_penalty',
          'presence_penalty',
          'max_tokens',
          'seed',
          'stop',
          'tools',
          'tool_choice',
        ],
        quantization: 'unknown',
        delivery: 'serverless',
      },
    ]);
    expect(data.models.find(({ id }) => id === 'acme/rocket-2')).toMatchObject({
      contextLength: 256_000,
      created: 1_773_619_200,
    });
    expect(facts.facts['endpoint:router/acme/rocket-2']?.['price.input']).toMatchObject({
      value: '0.15',
      source: 'data',
    });
  });

  it('gives the same bytes for the same input in any order, and another id for another', () => {
    const rows = [row(), row({ id: 'acme/comet' }), row({ provider: 'trial', id: 'acme/comet', observed: [] })];
    const plain = JSON.stringify(compiled(rows));
    expect(JSON.stringify(compiled(rows.toReversed()))).toBe(plain);
    const files = Object.fromEntries(Object.entries(WORLD).toReversed());
    expect(JSON.stringify(compile({ authored: parseAuthored(new Map(Object.entries(files))), rows }))).toBe(plain);
    expect(compiled([row()]).data.id).not.toBe(compiled(rows).data.id);
    expect(compiled(rows).facts.id).toBe(compiled(rows).data.id);
  });

  it.each([
    ['a trial', 'trial', 'acme/rocket-2', 'trial_quota', {}],
    ['a coding plan', 'plan', 'acme/rocket-2', 'plan_included', {}],
    ['a free twin', 'router', 'acme/rocket-2:free', 'free', { input: '0', output: '0' }],
    ['a zero without a word', 'router', 'acme/rocket-2', 'not_sourced', {}],
  ])('REF-014 0/0 at %s', (_name, providerId, id, state, rates) => {
    const { data } = compiled([row({ provider: providerId, id, observed: zero })]);
    expect(data.endpoints[0]).toMatchObject({ priceState: state as never });
    expect(data.endpoints[0]?.rates).toEqual(rates);
  });

  it('REF-022 a price of an alias counts for what the alias meant on that day', () => {
    const alias = row({ provider: 'acme-api', id: 'rocket-latest', checked: '2026-09-23' });
    const own = row({ provider: 'acme-api', id: 'rocket-2', observed: [{ field: 'price.input', value: '0.3' }] });
    const { facts, data } = compiled([alias, own]);
    expect(facts.facts['endpoint:acme-api/acme/rocket-2']?.['price.input']).toMatchObject({
      value: '0.3',
      rule: 'same-thing',
      dissents: [{ value: '0.15', conflict: 'alias_moved' }],
    });
    expect(data.endpoints).toHaveLength(1);
    const earlier = compiled([{ ...alias, checked: '2026-01-01' }]);
    expect(earlier.data.endpoints[0]).toMatchObject({
      id: 'acme-api/acme/rocket-1',
      upstreamModel: 'rocket-latest',
      rolling: { target: 'acme/rocket-1', since: '2025-01-01' },
    });
  });

  it('the model answers to its aliases and to the lab’s rolling alias of today', () => {
    const model = compiled([]).data.models.find(({ id }) => id === 'acme/rocket-2');
    expect(model?.aliases).toEqual(['rocket-two', 'acme/rocket-two', 'rocket-latest', 'acme/rocket-latest']);
  });

  it('a variant inherits what is known of its model', () => {
    const { data } = compiled([row({ id: 'acme/rocket-2:free', observed: zero })]);
    expect(data.models.find(({ id }) => id === 'acme/rocket-2:free')).toMatchObject({
      name: 'Rocket 2 (free)',
      contextLength: 256_000,
      created: 1_773_619_200,
      about: expect.stringContaining('the variant of Rocket 2 that costs nothing') as never,
    });
    expect(data.endpoints[0]?.parameters).toContain('tools');
  });

  it('another id of the same model at the same host stands aside', () => {
    const far = row({ provider: 'trial', id: 'eu.acme.rocket-2', observed: [{ field: 'price.input', value: '9' }] });
    const { facts } = compiled([row({ provider: 'trial', id: 'rocket-2' }), far]);
    expect(facts.facts['endpoint:trial/acme/rocket-2']?.['price.input']).toMatchObject({
      value: '0.15',
      dissents: [{ value: '9', conflict: 'region_or_tier', note: 'of the id eu.acme.rocket-2' }],
    });
  });

  it('the half-price queue is a tier of the endpoint, not a host of its own', () => {
    const { facts, data } = compiled([
      row(),
      row({ id: 'acme/rocket-2:batch', observed: [{ field: 'price.input', value: '0.075' }] }),
    ]);
    expect(data.endpoints).toHaveLength(1);
    expect(facts.facts['endpoint:router/acme/rocket-2']?.['price.batch.input']).toMatchObject({ value: '0.075' });
    expect(data.endpoints[0]?.rates.input).toBe('150000');
  });

  it('embeddings have no output price, whatever a list prints', () => {
    const { data, facts } = compiled([row({ id: 'acme/rocket-embed' })]);
    expect(data.endpoints[0]).toMatchObject({ rates: { input: '150000' }, parameters: [] });
    expect(facts.facts['endpoint:router/acme/rocket-embed']?.['price.output']).toMatchObject({
      value: null,
      state: 'not_applicable',
    });
  });

  it('REF-010 what is gone stays, marked as retired', () => {
    const { data } = compiled([row(), row({ source: 'docs', observed: [{ field: 'retired', value: true }] })]);
    expect(data.endpoints[0]).toMatchObject({ retired: true, rates: { input: '150000' } });
  });

  it('prices by prompt size reach the meter', () => {
    const observed = [...row().observed, { field: 'price.conditions', value: ['prompt > 200000: input 0.3'] }];
    expect(compiled([row({ observed })]).data.endpoints[0]?.overrides).toEqual([
      { minPromptTokens: 200_000, rates: { input: '300000' } },
    ]);
  });

  it('reports what it could not use', () => {
    const { skipped, data } = compiled([
      row({ provider: 'trial', id: 'unheard-of' }),
      row({ id: '~acme/rocket-latest' }),
      row(),
      row({ id: 'Acme/Rocket_2' }),
      row({ id: 'rocket-2' }),
    ]);
    expect(skipped.map(({ id, reason }) => [id, reason])).toEqual([
      ['Acme/Rocket_2', 'duplicate'],
      ['~acme/rocket-latest', 'alias_row'],
      ['rocket-2', 'duplicate'],
      ['unheard-of', 'unresolved'],
    ]);
    expect(data.endpoints).toHaveLength(1);
  });

  it.each([
    [
      'an unknown source',
      { 'labs/b.toml': 'source = "rumour"\nchecked = 2026-10-01\nname = "B"' },
      'labs/b.toml',
      'no source is called "rumour"',
    ],
    ['an unknown lab', { 'models/b/x.toml': `${ORIGIN}name = "X"` }, 'models/b/x.toml', 'no lab is called "b"'],
    [
      'an unknown operator',
      { 'providers/b.toml': provider('kind = "lab"\noperated_by = "b"') },
      'providers/b.toml',
      'no lab is called "b"',
    ],
    [
      'a host that is not there',
      { 'endpoints/b/acme/rocket-1.toml': `${ORIGIN}upstream = "x"` },
      'endpoints/b/acme/rocket-1.toml',
      'no provider is called "b"',
    ],
    [
      'a model that is not there',
      { 'endpoints/trial/acme/x.toml': `${ORIGIN}upstream = "x"` },
      'endpoints/trial/acme/x.toml',
      'no model is called "acme/x"',
    ],
    [
      'a listing of nobody',
      { 'listings/b.toml': `${ORIGIN}rows = [{ id = "x" }]` },
      'listings/b.toml',
      'no provider is called "b"',
    ],
    [
      'a sandbox of nobody',
      { 'sandbox/b.toml': `${ORIGIN}id_prefix = "x"\nlatency_ms = 1\npieces_per_second = 1` },
      'sandbox/b.toml',
      'no provider is called "b"',
    ],
    [
      'an alias with two meanings',
      { 'models/acme/x.toml': `${ORIGIN}name = "X"\naliases = ["rocket-two"]` },
      'models/acme/x.toml',
      'already means acme/rocket-2',
    ],
    [
      'an alias that is another’s id',
      { 'models/acme/x.toml': `${ORIGIN}name = "X"\naliases = ["acme/rocket-1"]` },
      'models/acme/x.toml',
      'already means acme/rocket-1',
    ],
  ])('refuses %s', (_name, files, file, reason) => {
    expect(() => compiled([], files as Record<string, string>)).toThrow(
      expect.objectContaining({ file, reason: expect.stringContaining(reason) }) as never,
    );
  });
});
