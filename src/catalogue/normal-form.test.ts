import { describe, expect, it } from 'bun:test';
import fc from 'fast-check';
import { nameKey, nativeId, words } from './normal-form.ts';

const LABS: ReadonlySet<string> = new Set(['anthropic', 'meta', 'openai', 'amazon', 'nvidia']);
const taken = (id: string) => nativeId(id, (word) => LABS.has(word));

describe('nativeId', () => {
  it.each([
    ['mistral-small-2603', { slugs: ['mistral-small-2603'] }],
    ['Qwen/Qwen3-14B-FP8', { lab: 'qwen', slugs: ['qwen3-14b'], quantization: 'fp8' }],
    ['accounts/fireworks/models/kimi-k2p6', { slugs: ['kimi-k2p6'] }],
    ['publishers/meta/models/llama-4-scout-maas', { lab: 'meta', slugs: ['llama-4-scout'] }],
    ['@cf/meta/llama-3.1-8b-instruct-awq', { lab: 'meta', slugs: ['llama-3.1-8b-instruct'] }],
    ['workers-ai/@cf/openai/gpt-oss-20b', { lab: 'openai', slugs: ['gpt-oss-20b'] }],
    ['anthropic--claude-4.5-sonnet', { lab: 'anthropic', slugs: ['claude-4.5-sonnet'] }],
    ['databricks-claude-sonnet-4-5', { slugs: ['claude-sonnet-4-5'] }],
    ['claude-sonnet-4-5@20250929', { slugs: ['claude-sonnet-4-5-20250929'] }],
    ['gpt-oss:20b', { slugs: ['gpt-oss-20b'] }],
    ['qwen/qwen3-coder:free', { lab: 'qwen', slugs: ['qwen3-coder'], variant: 'free' }],
    ['deepseek-ai/DeepSeek-R1-bf16-tee', { lab: 'deepseek-ai', slugs: ['deepseek-r1'], quantization: 'bf16' }],
  ])('takes %s apart', (id, parts) => {
    expect(taken(id)).toEqual(parts as never);
  });

  it('REF-037 takes region, vendor and version off a Bedrock id', () => {
    expect(taken('us.anthropic.claude-sonnet-4-5-20250929-v1:0')).toEqual({
      region: 'us',
      lab: 'anthropic',
      slugs: ['claude-sonnet-4-5-20250929-v1', 'claude-sonnet-4-5-20250929'],
    });
    expect(taken('openai.gpt-oss-120b-1:0').slugs).toEqual(['gpt-oss-120b-1', 'gpt-oss-120b']);
    expect(taken('nvidia.nemotron-nano-9b-v2:0').slugs).toContain('nemotron-nano-9b-v2');
  });

  it('reads a version point as no vendor', () => {
    expect(taken('glm-4.7').slugs).toEqual(['glm-4.7']);
    expect(taken('grok-4.20').slugs).toEqual(['grok-4.20']);
  });
});

describe('words', () => {
  it.each([
    ['claude-4.5-sonnet', 'claude-sonnet-4-5'],
    ['kimi-k2p6', 'kimi-k2.6'],
    ['meta-llama-3_1-8b-instruct', 'meta-llama-3.1-8b-instruct'],
    ['llama3-1-70b-instruct', 'llama-3.1-70b-instruct'],
    ['o1-2024-12-17', 'o1-20241217'],
    ['qwen-3-32b', 'qwen3-32b'],
  ])('%s and %s are one name', (a, b) => {
    expect(nameKey(words(a))).toBe(nameKey(words(b)));
  });

  it.each([
    ['gpt-oss-20b', 'gpt-oss-120b'],
    ['gpt-5-chat', 'gpt-5'],
    ['gpt-3.5-turbo-instruct', 'gpt-3.5-turbo'],
    ['claude-3-5-sonnet-20240620', 'claude-3-5-sonnet-20241022'],
    ['claude-3.5-sonnet', 'claude-3.5-sonnet-20241022'],
    ['gemini-2.5-pro-preview', 'gemini-2.5-pro'],
    ['mistral-small-latest', 'mistral-small'],
    ['gpt-4o-mini', 'gpt-4o'],
    ['llama-3.3-70b-instruct-turbo', 'llama-3.3-70b-instruct'],
    ['mistral-medium-3.1', 'mistral-medium-3'],
  ])('REF-034 REF-035 REF-036 %s and %s are two', (a, b) => {
    expect(nameKey(words(a))).not.toBe(nameKey(words(b)));
  });

  it('never loses a letter or digit', () => {
    const slug = fc
      .array(fc.stringMatching(/^[a-z0-9]{1,6}$/), { minLength: 1, maxLength: 6 })
      .map((parts) => parts.join('-'));
    const letters = (text: string): string => [...text.replaceAll(/[^a-z0-9]/g, '')].toSorted().join('');
    fc.assert(
      fc.property(slug, (name) => {
        // "4p5" is the one spelling that is rewritten: its p is a point.
        fc.pre(!/\dp\d/.test(name));
        expect(letters(words(name).join(''))).toBe(letters(name));
      }),
    );
  });
});
