import { describe, expect, it } from 'bun:test';
import { findProvider } from '@pydantic/genai-prices';
import { normalAmount } from '../decimal-text.ts';
import { parseCondition } from '../price-conditions.ts';
import { genaiPricesRows } from './genai-prices.ts';

const SOURCE = { source: 'genai-prices', checked: '2026-09-23', asserted: '2026-03-23' };
const read = (id: string, checked = SOURCE.checked) =>
  genaiPricesRows({ provider: 'ours', id }, { ...SOURCE, checked });
const row = (id: string, name: string, checked?: string) => read(id, checked).rows.find((r) => r.id === name);
const figures = (id: string, name: string, checked?: string) =>
  Object.fromEntries((row(id, name, checked)?.observed ?? []).map(({ field, value }) => [field, value]));

describe('genaiPricesRows', () => {
  it('gives every row of the data set or says why not', () => {
    const { rows, skipped } = read('openrouter');
    expect(rows.length + skipped.length).toBe(findProvider({ providerId: 'openrouter' })?.models.length as number);
    expect(rows.length).toBeGreaterThan(600);
  });

  it('refuses a provider that the data set does not have, rather than taking a similar one', () => {
    expect(() => read('open')).toThrow('genai-prices has no provider "open"');
  });

  it('gives prices as exact decimal strings', () => {
    for (const { observed } of read('openrouter').rows) {
      for (const { field, value } of observed.filter(
        (o) => o.field.startsWith('price.') && o.field !== 'price.conditions',
      )) {
        expect(`${field} ${normalAmount(value as string)}`).toBe(`${field} ${value}`);
      }
    }
    expect(figures('mistral', 'mistral-small-2603')).toEqual({
      'price.input': '0.15',
      'price.output': '0.6',
      'price.cache-read': '0.015',
      'price.conditions': [],
      context_length: 262_144,
    });
  });

  it('keeps prices by prompt size as conditions', () => {
    expect(figures('openai', 'gpt-5.5')).toMatchObject({
      'price.input': '5',
      'price.conditions': ['prompt > 271999: input 10, cache-read 1, output 45'],
    });
  });

  it('keeps prices by hour as conditions, beside the price of the day', () => {
    expect(figures('deepseek', 'deepseek-v4-flash')).toMatchObject({
      'price.input': '0.22',
      'price.conditions': [
        'utc 0100-0400: input 0.44, cache-read 0.014, output 1.32',
        'utc 0600-1000: input 0.44, cache-read 0.014, output 1.32',
      ],
    });
    expect(figures('deepseek', 'deepseek-v4-flash', '2026-08-16')).toMatchObject({ 'price.input': '0.14' });
  });

  it('takes the price in force on the day and notes the one to come', () => {
    const input = row('google', 'gemini-3.6-flash')?.observed.find(({ field }) => field === 'price.input');
    expect(input).toMatchObject({ value: '0.75', note: 'from 2027-01-01: input 1.5, cache-read 0.15, output 7.5' });
    expect(figures('google', 'gemini-3.6-flash', '2027-01-01')).toMatchObject({ 'price.input': '1.5' });
  });

  it('dates a figure by its price’s first day where the data set gives one', () => {
    const dated = row('openai', 'gpt-5.6-sol')?.observed.find(({ field }) => field === 'price.input');
    expect(dated?.asserted).toBe('2026-08-21');
    const undated = row('mistral', 'mistral-small-2603')?.observed.find(({ field }) => field === 'price.input');
    expect(undated?.asserted).toBe('2026-03-23');
  });

  it('turns prices per thousand requests into prices per million', () => {
    expect(figures('perplexity', 'sonar-pro')).toMatchObject({ 'price.request': '14000' });
  });

  it('reports rows billed by the page or the hour, and notes such prices beside others', () => {
    const { skipped } = read('mistral');
    expect(skipped).toContainEqual({
      source: 'genai-prices',
      provider: 'ours',
      id: 'mistral-ocr-2503',
      reason: 'foreign_unit',
      detail: 'input document kpages 1',
    });
    const input = row('perplexity', 'sonar-deep-research')?.observed.find(({ field }) => field === 'price.input');
    expect(input?.note).toBe('also billed: output citation mtok 2');
  });

  it('spells out labels that stand for several ids', () => {
    const ids = read('mistral').rows.map(({ id }) => id);
    expect(ids).toEqual(
      expect.arrayContaining(['mistral-medium-2505', 'mistral-medium-2508', 'codestral-2501', 'mistral-small-latest']),
    );
    expect(ids).not.toContain('mistral-medium-3-1');
    expect(ids).not.toContain('codestral');
  });

  it('writes conditions that read back', () => {
    for (const { observed } of ['openai', 'anthropic', 'google', 'deepseek', 'openrouter', 'aws'].flatMap(
      (id) => read(id).rows,
    )) {
      const lines = observed.find(({ field }) => field === 'price.conditions')?.value ?? [];
      for (const line of lines as readonly string[]) expect(parseCondition(line)).toBeDefined();
    }
  });

  it('takes only the rows and the spelling that the link asks for', () => {
    const link = { provider: 'ours', id: 'google', only: ['gem'], not: ['-maas'] };
    const ids = genaiPricesRows(link, SOURCE).rows.map(({ id }) => id);
    expect(ids.some((id) => id.startsWith('claude'))).toBe(false);
    expect(ids.some((id) => id.endsWith('-maas'))).toBe(false);
    const routed = genaiPricesRows({ provider: 'ours', id: 'huggingface_novita', append: ':novita' }, SOURCE).rows;
    expect(routed.every(({ id, upstream }) => upstream === `${id}:novita`)).toBe(true);
    const bedrock = genaiPricesRows({ provider: 'ours', id: 'aws', strip: 'regional.' }, SOURCE).rows;
    expect(bedrock.some(({ id }) => id.startsWith('regional.'))).toBe(false);
  });
});
