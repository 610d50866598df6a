import { describe, expect, it } from 'bun:test';
import { Identifier, type ProviderNaming } from './identify.ts';
import { LabNames } from './lab-names.ts';

const labs = new LabNames([
  { id: 'acme', synonyms: ['acme-ai'], stems: { rocket: 'Other' } },
  { id: 'meta-llama', synonyms: ['meta'], stems: { llama: 'Llama3' } },
  { id: 'anthropic', synonyms: [], stems: { claude: 'Claude' } },
  { id: 'openai', synonyms: [], stems: { gpt: 'GPT' } },
  { id: 'moonshotai', synonyms: [], stems: { kimi: 'Other' } },
  { id: 'mistralai', synonyms: ['mistral'], stems: { mistral: 'Mistral' } },
  { id: 'ai21', synonyms: ['ai21-labs'], stems: {} },
]);

const PERIODS = [
  {
    provider: 'somelab',
    alias: 'mistral-small-latest',
    model: 'mistralai/mistral-small-3.2',
    from: '2025-06-20',
    to: '2026-04-03',
    evidence: 'x',
  },
  {
    provider: 'somelab',
    alias: 'mistral-small-latest',
    model: 'mistralai/mistral-small-2603',
    from: '2026-04-03',
    evidence: 'x',
  },
];

const MODELS = [
  'meta-llama/llama-3.1-8b-instruct',
  'meta-llama/llama-3.3-70b-instruct',
  'openai/gpt-oss-120b',
  'openai/gpt-5',
  'openai/gpt-3.5-turbo',
  'moonshotai/kimi-k2.6',
  'mistralai/mistral-small-3.2',
  'mistralai/mistral-small-2603',
  'ai21/jamba-large-1.5',
];

function identifier(decisions: ConstructorParameters<typeof Identifier>[2] = []): Identifier {
  const made = new Identifier(labs, PERIODS, decisions);
  for (const id of MODELS) made.add({ id, aliases: [], repositories: [] });
  made.add({ id: 'openai/gpt-oss-120b:free', aliases: [], repositories: ['openai/gpt-oss-120b'] });
  made.add({
    id: 'anthropic/claude-sonnet-4.5',
    aliases: ['claude-sonnet-4-5-20250929'],
    repositories: [],
  });
  made.add({ id: 'anthropic/claude-3.5-sonnet', aliases: ['claude-3-5-sonnet-20241022'], repositories: [] });
  made.add({ id: 'acme/rocket-2', aliases: ['rocket'], repositories: ['acme-ai/Rocket-2-40B-Instruct'] });
  return made;
}

const provider = (over: Partial<ProviderNaming> = {}): ProviderNaming => ({
  id: 'host',
  kind: 'inference',
  canonicalIds: false,
  ...over,
});
const row = (id: string, link?: string) => ({ id, checked: '2026-07-01', ...(link ? { link } : {}) });
const modelOf = (id: string, over: Partial<ProviderNaming> = {}) => {
  const found = identifier().identify(row(id), provider(over));
  return 'model' in found ? found.model : found.reason;
};

describe('Identifier', () => {
  it.each([
    ['openai/gpt-oss-120b', 'openai/gpt-oss-120b'],
    ['gpt-oss-120b', 'openai/gpt-oss-120b'],
    ['meta-llama/Llama-3.1-8B-Instruct', 'meta-llama/llama-3.1-8b-instruct'],
    ['meta/llama-3.3-70b-instruct', 'meta-llama/llama-3.3-70b-instruct'],
    ['Meta-Llama-3.1-8B-Instruct', 'meta-llama/llama-3.1-8b-instruct'],
    ['meta.llama3-1-8b-instruct-v1:0', 'meta-llama/llama-3.1-8b-instruct'],
    ['ai21-labs/ai21-jamba-1.5-large', 'ai21/jamba-large-1.5'],
    ['rocket', 'acme/rocket-2'],
    ['Acme-AI/Rocket-2-40B-Instruct-FP8', 'acme/rocket-2'],
  ])('knows %s as %s', (id, model) => {
    expect(modelOf(id)).toBe(model);
  });

  it.each([
    ['accounts/fireworks/models/kimi-k2p6', 'moonshotai/kimi-k2.6'],
    ['claude-4.5-sonnet', 'anthropic/claude-sonnet-4.5'],
    ['us.anthropic.claude-sonnet-4-5-20250929-v1:0', 'anthropic/claude-sonnet-4.5'],
  ])('REF-037 knows %s as %s', (id, model) => {
    expect(modelOf(id)).toBe(model);
  });

  it('REF-034 takes no model of another size for it', () => {
    expect(modelOf('gpt-oss-20b')).toBe('unresolved');
    expect(modelOf('openai/gpt-oss-20b')).toBe('openai/gpt-oss-20b');
  });

  it('REF-035 takes no other snapshot for it', () => {
    expect(modelOf('claude-3-5-sonnet-20241022')).toBe('anthropic/claude-3.5-sonnet');
    expect(modelOf('claude-3-5-sonnet-20240620')).toBe('unresolved');
    expect(modelOf('claude-3-5-sonnet-20240620', { kind: 'lab', operatedBy: 'anthropic' })).toBe(
      'anthropic/claude-3-5-sonnet-20240620',
    );
  });

  it.each(['gpt-5-chat', 'gpt-3.5-turbo-instruct', 'gpt-5-mini', 'gpt-5-preview'])(
    'REF-036 does not shorten %s',
    (id) => {
      expect(modelOf(id)).toBe('unresolved');
    },
  );

  it.each([
    ['2026-03-01', 'mistralai/mistral-small-3.2'],
    ['2026-04-02', 'mistralai/mistral-small-3.2'],
    ['2026-04-03', 'mistralai/mistral-small-2603'],
    ['2026-06-01', 'mistralai/mistral-small-2603'],
  ])('REF-038 reads a rolling alias of %s by the dated table', (checked, model) => {
    const found = identifier().identify({ id: 'mistral-small-latest', checked }, provider({ id: 'somelab' }));
    expect(found).toMatchObject({ model, rung: 'alias' });
  });

  it('an alias meant nothing before its first period', () => {
    const found = identifier().identify(
      { id: 'mistral-small-latest', checked: '2025-01-01' },
      provider({ id: 'somelab' }),
    );
    expect(found).toEqual({ reason: 'rolling_alias' });
  });

  it('leaves a rolling alias alone where the table does not know it', () => {
    expect(modelOf('mistral-small-latest', { kind: 'lab', operatedBy: 'mistralai' })).toBe('rolling_alias');
  });

  it('a reviewed decision comes before everything else', () => {
    const decisions = [
      { provider: 'host', id: 'gpt-5', model: 'acme/rocket-2' },
      { provider: 'host', id: 'rocket', reject: 'a toy' },
    ];
    const decided = (id: string) => identifier(decisions).identify(row(id, 'openai/gpt-5'), provider());
    expect(decided('gpt-5')).toMatchObject({ model: 'acme/rocket-2', rung: 'decision' });
    expect(decided('rocket')).toEqual({ reason: 'rejected', detail: 'a toy' });
    expect(decided('anything')).toMatchObject({ model: 'openai/gpt-5', rung: 'link' });
  });

  it('makes a model of a row that says whose it is, and of a row of the lab itself', () => {
    expect(modelOf('Acme-AI/Comet-7B')).toBe('acme/comet-7b');
    expect(modelOf('newcomer/Comet-7B')).toBe('newcomer/comet-7b');
    expect(modelOf('comet-7b', { kind: 'lab', operatedBy: 'acme' })).toBe('acme/comet-7b');
    expect(modelOf('comet-7b')).toBe('unresolved');
  });

  it('a cloud speaks for models of its own name only', () => {
    const cloud = { kind: 'cloud', operatedBy: 'acme' } as const;
    expect(modelOf('rocket-9', cloud)).toBe('acme/rocket-9');
    expect(modelOf('claude-9', cloud)).toBe('unresolved');
    expect(modelOf('davinci', cloud)).toBe('unresolved');
  });

  it('gives a free twin its own id at a router and finds none elsewhere', () => {
    const router = { kind: 'aggregator' } as const;
    expect(modelOf('openai/gpt-5:free', router)).toBe('openai/gpt-5:free');
    expect(modelOf('gpt-5:free', router)).toBe('openai/gpt-5:free');
    expect(modelOf('openai/gpt-5:beta', router)).toBe('openai/gpt-5');
    expect(modelOf('gpt-5:free', { kind: 'lab', operatedBy: 'openai' })).toBe('not_an_id');
  });

  it('reads a batch row as the half-price queue of the model', () => {
    expect(identifier().identify(row('openai/gpt-5:batch'), provider({ kind: 'aggregator' }))).toMatchObject({
      model: 'openai/gpt-5',
      batch: true,
    });
  });

  it('two models under one name are ambiguous, not the first of them', () => {
    const made = identifier();
    made.add({ id: 'other/gpt-5', aliases: [], repositories: [] });
    expect(made.identify(row('gpt-5'), provider())).toEqual({ reason: 'ambiguous' });
    expect(made.identify(row('openai/gpt-5'), provider())).toMatchObject({ model: 'openai/gpt-5' });
  });

  it.each(['ft:gpt-4o', 'gpt-4o-mini.ft-'])('%s is a pattern, not an id', (id) => {
    expect(modelOf(id, { kind: 'lab', operatedBy: 'openai' })).toBe('not_an_id');
  });
});

describe('LabNames', () => {
  it.each([
    ['meta-llama', 'llama-3.1-8b', 'Llama3'],
    ['anthropic', 'claude-x', 'Claude'],
    ['acme', 'rocket-2', 'Other'],
    ['acme', 'rocket-llama-3.1-8b', 'Llama3'],
    ['nobody', 'weaver', 'Other'],
  ])('%s/%s counts its text like %s-%s', (lab, slug, tokenizer) => {
    expect(labs.tokenizer(lab, slug)).toBe(tokenizer);
  });
});
