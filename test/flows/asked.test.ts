import { describe, expect, test } from 'bun:test';
import { EFFORTS, type GenerationRequest } from '../../src/canon/request.ts';
import type { Target } from '../../src/canon/target.ts';
import type { Dialect } from '../../src/dialects/dialect.ts';
import { DIALECTS } from '../../src/dialects/registry.ts';
import { catalogue, targetOf } from '../support/targets.ts';
import { request } from '../support/world.ts';

/** What each host of the catalogue is told of a wish, model by model: the rows and rules of the catalogue, through the codecs. */

type Json = Record<string, any>;

interface Sent {
  readonly body: Json;
  readonly dropped: readonly string[];
}

function sent(provider: string, model: string, wish: Partial<GenerationRequest>, own?: Partial<Target>): Sent {
  const dialect = DIALECTS[catalogue.provider(provider)?.dialect ?? ''] as Dialect;
  const target = { ...targetOf(provider, model), ...own };
  const { body, dropped } = dialect.encodeRequest(request({ model, ...wish }), target);
  return { body: JSON.parse(body) as Json, dropped: dropped.map(({ pointer, reason }) => `${pointer};${reason}`) };
}

/** What stands in the body for thinking, and nothing else of it. */
function thinking(provider: string, model: string, wish: GenerationRequest['reasoning']): string {
  const { body, dropped } = sent(provider, model, wish ? { reasoning: wish } : {});
  const { model: _m, messages: _c, stream: _s, max_tokens: _t, options: _o, ...rest } = body;
  const told = JSON.stringify(rest)
    .replaceAll(/"([a-z_]+)":/g, '$1:')
    .slice(1, -1);
  return dropped.includes('/reasoning;unsupported') ? `${told}(dropped)` : told;
}

describe('how each host is asked to think', () => {
  const levels = (words: string): string[] => words.split(' ').map((word) => `reasoning_effort:"${word}"`);
  const all = (...[none, ...thinks]: string[]): string[] => [
    none ?? '',
    ...EFFORTS.slice(1).map((_, i) => thinks[i] ?? thinks.at(-1) ?? ''),
  ];
  const on = (field: string): string[] => all(field.replace('?', 'false'), field.replace('?', 'true'));
  const leveled = (off: string, enabled: string, words: string): string[] => [
    off,
    ...levels(words).map((level) => `${enabled},${level}`),
  ];

  /** A switch with a budget: weak efforts get their share of what the model may give at most. */
  const budgeted = (outputTokensMax: number): string[] => [
    'enable_thinking:false',
    ...[0.1, 0.2, 0.5].map((share) => `enable_thinking:true,thinking_budget:${Math.floor(outputTokensMax * share)}`),
    ...Array.from({ length: 3 }, () => 'enable_thinking:true'),
  ];

  /** For none, minimal, low, medium, high, xhigh and max, in this order (spec/providers B.1.6, A.2). */
  const TABLE: readonly (readonly [provider: string, model: string, expected: readonly string[]])[] = [
    ['openai', 'openai/gpt-5', levels('minimal minimal low medium high high high')],
    ['openai', 'openai/gpt-5.5', levels('none low low medium high xhigh xhigh')],
    ['openai', 'openai/gpt-6-astra', levels('low low low medium high xhigh max')],
    ['openai', 'openai/gpt-6-sol', levels('none low low medium high xhigh max')],
    ['azure', 'openai/o3-2025-04-16', levels('low low low medium high high high')],
    ['groq', 'openai/gpt-oss-120b', levels('low low low medium high high high')],
    [
      'groq',
      'qwen/qwen3-32b',
      levels('none default default default default default default').map((w) => `${w},reasoning_format:"parsed"`),
    ],
    ['cerebras', 'openai/gpt-oss-120b', levels('low low low medium high high high')],
    ['cerebras', 'z-ai/glm-4.7', levels('none low low medium high high high')],
    [
      'together',
      'openai/gpt-oss-120b',
      leveled('reasoning:{enabled:false}', 'reasoning:{enabled:true}', 'low low medium high high high'),
    ],
    ['fireworks', 'z-ai/glm-5.1', levels('none low low medium high xhigh max')],
    ['deepinfra', 'qwen/qwen3-32b', levels('none low low medium high high high')],
    ['novita', 'deepseek/deepseek-v3.2', levels('none low low medium high high high')],
    ['nebius', 'qwen/qwen3-32b', levels('none low low medium high high high')],
    ['siliconflow', 'qwen/qwen3-32b', budgeted(16_384)],
    [
      'deepseek',
      'deepseek/deepseek-v4-pro',
      leveled('thinking:{type:"disabled"}', 'thinking:{type:"enabled"}', 'low low high high max max'),
    ],
    ['moonshotai', 'moonshotai/kimi-k2.6', all('thinking:{type:"disabled"}', 'thinking:{type:"enabled"}')],
    ['moonshotai', 'moonshotai/kimi-k2.7-code', all('(dropped)', '')],
    ['moonshotai', 'moonshotai/kimi-k3', levels('low low low high high max max')],
    ['z-ai', 'z-ai/glm-4.6', all('thinking:{type:"disabled"}', 'thinking:{type:"enabled"}')],
    [
      'z-ai',
      'z-ai/glm-5.2',
      leveled('thinking:{type:"disabled"}', 'thinking:{type:"enabled"}', 'minimal low medium high xhigh max'),
    ],
    ['alibaba', 'qwen/qwen3.7-plus', budgeted(64_000)],
    ['xai', 'x-ai/grok-4.5', levels('none low low medium high high high')],
    ['minimax', 'minimax/minimax-m3', all('thinking:{type:"disabled"}', 'thinking:{type:"adaptive"}')],
    ['mistral', 'mistralai/mistral-small-2603', levels('none none none high high high high')],
    ['nvidia', 'mistralai/mistral-small-2603', levels('none none none high high high high')],
    ['nvidia', 'deepseek/deepseek-v4-pro', on('chat_template_kwargs:{thinking:?}')],
    ['nvidia', 'qwen/qwen3.5-397b-a17b', on('chat_template_kwargs:{enable_thinking:?}')],
    ['nvidia', 'openai/gpt-oss-120b', levels('low low low medium high high high')],
    ['vllm', 'openai/gpt-oss-120b', levels('low low low medium high high high')],
    ['sglang', 'z-ai/glm-4.6', levels('none low low medium high high high')],
    ['llamacpp', 'qwen/qwen3-32b', levels('none low low medium high high high')],
    [
      'ollama',
      'openai/gpt-oss-120b',
      ['think:false', ...'low low medium high high max'.split(' ').map((w) => `think:"${w}"`)],
    ],
    ['openrouter', 'anthropic/claude-opus-4.6', EFFORTS.map((effort) => `reasoning:{effort:"${effort}"}`)],
  ];

  test('UP-049 INF-085 for every host and every effort, the nearest it knows, in its own words', () => {
    const told = TABLE.map(([provider, model]) => [
      `${provider} ${model}`,
      ...EFFORTS.map((effort) => thinking(provider, model, { effort, exclude: false })),
    ]);
    expect(told).toEqual(TABLE.map(([provider, model, expected]) => [`${provider} ${model}`, ...expected]));
  });
});
