import { describe, expect, it } from 'bun:test';
import { join } from 'node:path';
import { findProvider } from '@pydantic/genai-prices';
import { parameterSet } from '../canon/parameters.ts';
import { EFFORTS } from '../canon/request.ts';
import { QUIRK_IDS } from '../canon/target.ts';
import { buildCatalogue } from './build.ts';
import { isUnit } from './price-conditions.ts';
import { RULES } from './resolve.ts';
import { Snapshot } from './snapshot.ts';
import { STATES } from './types.ts';

/** The catalogue as it is shipped. */
const { data, facts, skipped } = buildCatalogue(join(import.meta.dir, '../../catalogue'));
const snapshot = new Snapshot(data);
const SMALL_4 = 'mistralai/mistral-small-2603';
const fact = (subject: string, field: string) => facts.facts[subject]?.[field];
const host = (provider: string, field: string) => fact(`endpoint:${provider}/${SMALL_4}`, field);

describe('the shipped catalogue', () => {
  it('is large enough to be of use', () => {
    expect(data.providers.length).toBeGreaterThanOrEqual(45);
    expect(data.models.length).toBeGreaterThanOrEqual(600);
    expect(snapshot.endpointsAt('openrouter').length).toBeGreaterThanOrEqual(500);
  });

  it('is small enough to be read at every start', () => {
    expect(JSON.stringify(data).length).toBeLessThan(1_500_000);
  });

  it('comes out the same twice', () => {
    expect(JSON.stringify(buildCatalogue(join(import.meta.dir, '../../catalogue')))).toBe(
      JSON.stringify({ data, facts, skipped }),
    );
  });

  it('has every row of OpenRouter that names lab and model', () => {
    const listed = findProvider({ providerId: 'openrouter' })?.models.map(({ id }) => id) ?? [];
    const full = listed.filter((id) => /^[^~/]+\/[^/]+$/.test(id) && !id.endsWith(':batch'));
    const served = new Set(snapshot.endpointsAt('openrouter').map(({ upstreamModel }) => upstreamModel));
    const respelled = new Set(skipped.filter(({ reason }) => reason === 'duplicate').map(({ id }) => id));
    expect(full.filter((id) => !served.has(id) && !respelled.has(id))).toEqual([]);
    expect(full.length).toBeGreaterThan(480);
  });

  it('names each thing once, in order', () => {
    for (const rows of [data.labs, data.models, data.providers, data.endpoints]) {
      const ids = rows.map(({ id }) => id);
      expect(new Set(ids).size).toBe(ids.length);
    }
    const ids = data.models.map(({ id }) => id);
    expect(ids.toSorted()).toEqual(ids);
  });

  it('has no end that hangs loose', () => {
    for (const { model, provider } of data.endpoints) {
      expect(snapshot.model(model)?.id).toBe(model);
      expect(snapshot.provider(provider)?.id).toBe(provider);
    }
    for (const { id, lab } of data.models) expect(`${snapshot.lab(lab)?.id}/`).toBe(id.slice(0, lab.length + 1));
    for (const { operatedBy } of data.providers) if (operatedBy) expect(snapshot.lab(operatedBy)).toBeDefined();
  });

  it('every alias means one model', () => {
    for (const model of data.models)
      for (const alias of model.aliases) expect(snapshot.model(alias)?.id).toBe(model.id);
  });

  it('uses the house’s vocabularies only', () => {
    const efforts: readonly string[] = EFFORTS;
    for (const { quirks } of data.providers)
      expect(quirks.filter((quirk) => !(QUIRK_IDS as readonly string[]).includes(quirk))).toEqual([]);
    for (const { parameters, rates, priceState, efforts: own } of data.endpoints) {
      expect(parameters === 'all' ? [] : parameterSet(parameters).unknown).toEqual([]);
      expect(Object.keys(rates).filter((unit) => !isUnit(unit))).toEqual([]);
      expect(Object.values(rates).every((pico) => /^\d+$/.test(pico))).toBe(true);
      expect(priceState in STATES).toBe(true);
      expect((own ?? []).filter((effort) => !efforts.includes(effort))).toEqual([]);
    }
    for (const { reasoning } of data.models)
      expect((reasoning?.efforts ?? []).filter((effort) => !efforts.includes(effort))).toEqual([]);
  });

  it('counts text in OpenRouter’s words', () => {
    const groups =
      'Router Media Other GPT Claude Gemini Gemma Grok Cohere Nova Qwen Yi DeepSeek Mistral Llama2 Llama3 Llama4 PaLM RWKV Qwen3'.split(
        ' ',
      );
    for (const { tokenizer } of data.models) expect(groups).toContain(tokenizer);
    expect(snapshot.model('meta-llama/llama-4-scout')?.tokenizer).toBe('Llama4');
    expect(snapshot.model('google/gemma-3-27b-it')?.tokenizer).toBe('Gemma');
    expect(snapshot.model('nousresearch/hermes-3-llama-3.1-405b')?.tokenizer).toBe('Llama3');
  });

  it('REF-059 says a few words of each model, and none from the workshop', () => {
    for (const { id, about, created } of data.models) {
      expect(`${id} ${about.split(/\s+/).length <= 60} ${created > 1_500_000_000}`).toBe(`${id} true true`);
      expect(about).not.toMatch(/seed data|undefined|null|NaN/);
    }
    for (const { about } of data.providers) expect(about.split('. ').length).toBe(2);
  });

  it('REF-011 every fact names a source that is listed with its licence, a day and a rule', () => {
    const sources = new Map(facts.sources.map((source) => [source.id, source]));
    for (const fields of Object.values(facts.facts)) {
      for (const { source, checked, rule } of Object.values(fields)) {
        expect(sources.get(source)?.licence).toBeTruthy();
        expect(checked <= data.asOf && /^\d{4}-\d{2}-\d{2}$/.test(checked)).toBe(true);
        expect(rule in RULES).toBe(true);
      }
    }
  });

  it('bills what the facts say, and nothing where they say no price', () => {
    for (const { id, rates, priceState } of data.endpoints) {
      const input = fact(`endpoint:${id}`, 'price.input');
      expect(`${id} ${rates.input !== undefined}`).toBe(`${id} ${typeof input?.value === 'string'}`);
      if (priceState === 'trial_quota' || priceState === 'gpu_hour' || priceState === 'not_sourced')
        expect(rates).toEqual({});
    }
  });

  it.each(['nvidia', 'github-models'])('REF-014 nothing at %s is free, all of it is a trial', (provider) => {
    const states = new Set(snapshot.endpointsAt(provider).map(({ priceState }) => priceState));
    expect([...states]).toEqual(['trial_quota']);
    expect(snapshot.endpointsAt(provider).length).toBeGreaterThan(40);
  });

  it('REF-014 free is what is called so', () => {
    for (const { model, priceState } of data.endpoints) if (priceState === 'free') expect(model).toEndWith(':free');
    expect(snapshot.endpoint('openrouter/openai/gpt-oss-20b:free')).toMatchObject({
      priceState: 'free',
      rates: { input: '0', output: '0' },
    });
  });

  it('the hosts of the sandbox are there, three of them with fixed names', () => {
    expect(snapshot.provider('openrouter')).toMatchObject({
      name: 'OpenRouter',
      kind: 'aggregator',
      cancellation: true,
    });
    expect(snapshot.provider('nvidia')).toMatchObject({
      name: 'NVIDIA NIM',
      keyEnv: ['NVIDIA_API_KEY', 'NVIDIA_NIM_API_KEY'],
    });
    expect(snapshot.provider('mistral')).toMatchObject({
      name: 'Mistral AI Studio',
      temperatureMax: 1.5,
      operatedBy: 'mistralai',
    });
    expect(data.sandbox.map(({ provider }) => provider)).toEqual([
      'amazon-bedrock',
      'anthropic',
      'cohere',
      'google-ai-studio',
      'mistral',
      'nvidia',
      'openrouter',
    ]);
  });
});

describe('Mistral Small 4 in the shipped catalogue', () => {
  it('REF-043 costs and holds at OpenRouter what the page of our seed says, and what it left out', () => {
    expect(snapshot.endpoint(`openrouter/${SMALL_4}`)).toMatchObject({
      rates: { input: '150000', output: '600000', 'cache-read': '15000' },
      contextLength: 262_144,
      maxOutputTokens: 262_144,
      upstreamModel: SMALL_4,
    });
    expect(host('openrouter', 'price.input')?.supports).toContainEqual({
      source: 'llm-reference',
      checked: '2026-06-15',
    });
    expect(host('openrouter', 'price.cache-read')?.dissents).toContainEqual(
      expect.objectContaining({ state: 'not_sourced', conflict: 'stale' }),
    );
  });

  it('REF-033 has eight hosts, seven of them priced by the token, and one by the GPU hour', () => {
    const hosts = snapshot.endpointsOf(SMALL_4);
    const serverless = hosts.filter(({ delivery }) => delivery === 'serverless');
    expect(serverless.map(({ provider }) => provider)).toEqual([
      'kilo',
      'merge-gateway',
      'mistral',
      'nano-gpt',
      'nvidia',
      'openrouter',
      'regolo',
      'venice',
    ]);
    expect(serverless.filter(({ priceState }) => priceState === 'listed')).toHaveLength(7);
    expect(hosts.filter(({ priceState }) => priceState === 'gpu_hour').map(({ provider }) => provider)).toEqual([
      'nvidia-nim-self',
    ]);
  });

  it('REF-033 lists the mis-linked row as a conflict, not as a host', () => {
    expect(fact(`model:${SMALL_4}`, 'listed_as')).toMatchObject({ value: null, rule: 'same-thing' });
    expect(fact(`model:${SMALL_4}`, 'listed_as')?.dissents).toContainEqual(
      expect.objectContaining({ value: ['route/mistral-small-2503'], conflict: 'wrong_identity' }),
    );
  });

  it('REF-022 costs 0.15/0.60 at the lab; 0.10/0.30 is what the alias cost before it moved', () => {
    for (const [field, now, before] of [
      ['price.input', '0.15', '0.1'],
      ['price.output', '0.6', '0.3'],
    ] as const) {
      expect(host('mistral', field)).toMatchObject({ value: now, rule: 'same-thing', source: 'mistral-docs' });
      const dissents = host('mistral', field)?.dissents ?? [];
      expect(dissents.map(({ value, conflict }) => `${value} ${conflict}`)).toEqual([
        `${before} alias_moved`,
        `${before} alias_moved`,
      ]);
      expect(dissents.map(({ source }) => source).toSorted()).toEqual(['genai-prices', 'llm-reference']);
    }
    expect(host('mistral', 'price.batch.input')).toMatchObject({ value: '0.075' });
  });

  it('REF-023 holds 256,000 tokens by the lab’s word and 262,144 at OpenRouter', () => {
    const context = fact(`model:${SMALL_4}`, 'context_length');
    expect(context?.value).toBe(256_000);
    expect(context?.dissents.map(({ value, conflict }) => `${value} ${conflict}`).toSorted()).toEqual([
      '262144 decimal_vs_binary',
      '262144 scope_model_vs_host',
    ]);
    expect(snapshot.endpoint(`mistral/${SMALL_4}`)).toMatchObject({ contextLength: 256_000, maxOutputTokens: 256_000 });
    expect(snapshot.endpoint(`nvidia/${SMALL_4}`)).toMatchObject({
      contextLength: 128_000,
      maxOutputTokens: 8_192,
      priceState: 'trial_quota',
    });
  });

  it('REF-038 knows what the alias meant, and when', () => {
    const meaning = (day: string) =>
      facts.aliases.find(
        (p) => p.provider === 'mistral' && p.alias === 'mistral-small-latest' && p.from <= day && (!p.to || day < p.to),
      )?.model;
    expect(meaning('2026-03-01')).toBe('mistralai/mistral-small-3.2-24b-instruct');
    expect(meaning('2026-06-01')).toBe(SMALL_4);
    expect(snapshot.model('mistral-small-latest')?.id).toBe(SMALL_4);
  });

  it('thinks or does not, nothing between', () => {
    expect(snapshot.model('mistral-small-4')?.reasoning).toEqual({
      efforts: ['none', 'high'],
      mandatory: false,
      defaultEffort: 'none',
    });
    const parameters = (provider: string) => snapshot.endpoint(`${provider}/${SMALL_4}`)?.parameters ?? [];
    for (const absent of ['logprobs', 'logit_bias', 'top_k', 'min_p', 'repetition_penalty'])
      expect(parameters('mistral')).not.toContain(absent);
    expect(parameters('mistral')).toContain('prediction');
    for (const further of ['top_k', 'min_p', 'repetition_penalty', 'seed', 'logprobs'])
      expect(parameters('nvidia')).toContain(further);
  });

  it('has siblings of its family at the same host', () => {
    const family = data.models.filter(({ family }) => family === 'Mistral Small').map(({ id }) => id);
    expect(family.length).toBeGreaterThanOrEqual(4);
    for (const id of family) expect(snapshot.endpoint(`openrouter/${id}`)).toBeDefined();
  });
});

describe('identity in the shipped catalogue', () => {
  const modelAt = (provider: string, upstream: string) =>
    snapshot.endpointsAt(provider).find(({ upstreamModel }) => upstreamModel === upstream)?.model;

  it.each([
    ['fireworks', 'accounts/fireworks/models/kimi-k2p6', 'moonshotai/kimi-k2.6'],
    ['anthropic', 'claude-sonnet-4-5', 'anthropic/claude-sonnet-4.5'],
    ['amazon-bedrock', 'anthropic.claude-sonnet-4-5-20250929-v1:0', 'anthropic/claude-sonnet-4.5'],
    ['github-models', 'mistral-ai/mistral-small-2503', 'mistralai/mistral-small-3.1-24b-instruct'],
    ['nvidia', 'meta/llama-3.3-70b-instruct', 'meta-llama/llama-3.3-70b-instruct'],
    ['cerebras', 'zai-glm-4.7', 'z-ai/glm-4.7'],
    ['cerebras', 'gpt-oss-120b', 'openai/gpt-oss-120b'],
    ['huggingface-novita', 'zai-org/GLM-4.6:novita', 'z-ai/glm-4.6'],
  ])('REF-037 %s calls it %s', (provider, upstream, model) => {
    expect(modelAt(provider, upstream)).toBe(model);
  });

  it('REF-034 no host serves one size under the name of another', () => {
    for (const { upstreamModel, model } of data.endpoints) {
      const size = /gpt-oss-(20|120)b/.exec(upstreamModel.toLowerCase())?.[1];
      if (size && model.startsWith('openai/gpt-oss-'))
        expect(`${upstreamModel} ${model}`).toContain(`openai/gpt-oss-${size}b`);
    }
  });

  it('REF-035 REF-036 snapshots and siblings keep apart', () => {
    expect(modelAt('amazon-bedrock', 'anthropic.claude-3-5-sonnet-20240620-v1:0')).toBe(
      'anthropic/claude-3.5-sonnet-20240620',
    );
    expect(modelAt('amazon-bedrock', 'anthropic.claude-3-5-sonnet-20241022-v2:0')).toBe('anthropic/claude-3.5-sonnet');
    expect(modelAt('openrouter', 'openai/gpt-5-chat')).toBe('openai/gpt-5-chat');
    expect(modelAt('openrouter', 'openai/gpt-3.5-turbo-instruct')).toBe('openai/gpt-3.5-turbo-instruct');
    expect(snapshot.endpoint('openai/openai/gpt-4o-2024-05-13')?.rates.input).toBe('5000000');
    expect(fact('endpoint:mistral/mistralai/mistral-medium-3-5', 'price.input')).toMatchObject({ value: '1.5' });
  });
});
