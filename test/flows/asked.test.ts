import { describe, expect, test } from 'bun:test';
import { type Parameter, supports } from '../../src/canon/parameters.ts';
import { EFFORTS, type GenerationRequest } from '../../src/canon/request.ts';
import type { Tier } from '../../src/canon/tiers.ts';
import type { Dialect } from '../../src/dialects/dialect.ts';
import { DIALECTS } from '../../src/dialects/registry.ts';
import { catalogue, encodedFor, targetFor } from '../support/targets.ts';
import { request } from '../support/world.ts';

/** What each host of the catalogue is told of a wish, model by model: the rows and rules of the catalogue, through the codecs. */

type Json = Record<string, any>;

interface Sent {
  readonly body: Json;
  readonly dropped: readonly string[];
}

function sent(provider: string, model: string, wish: Partial<GenerationRequest>, tier?: Tier): Sent {
  const { body, dropped } = encodedFor(provider, model, request({ model, ...wish }), tier);
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

  /** A model that always thinks thinks as little as it can where it is asked not to. For none, minimal, low, medium, high, xhigh and max, in this order (spec/providers B.1.6, A.2). */
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
      levels('low low low medium high high high').map((level) => `reasoning:{enabled:true},${level}`),
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
      levels('high minimal low medium high xhigh max').map((level) => `thinking:{type:"enabled"},${level}`),
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
      ['think:"low"', ...'low low medium high high max'.split(' ').map((w) => `think:"${w}"`)],
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

const turn = (text: string): GenerationRequest['messages'][number] => ({
  role: 'user',
  parts: [{ kind: 'text', text }],
});

/** Every row that is called over the chat wire. */
const chatRows = catalogue.providers.filter(({ dialect }) => dialect === 'openai-chat');

describe('what each host is told beside the question', () => {
  test('UP-016 developers are developers to OpenAI’s reasoning models and to routers, and the system to all others', () => {
    const role = (provider: string, model: string): string =>
      sent(provider, model, {
        messages: [{ role: 'developer', parts: [{ kind: 'text', text: 'Be brief.' }] }, turn('Hi')],
      }).body.messages[0].role;
    for (const model of ['openai/gpt-5', 'openai/gpt-5.1-codex', 'openai/o3', 'openai/o4-mini', 'openai/gpt-6-sol'])
      for (const provider of ['openai', 'azure'])
        expect([provider, model, role(provider, model)]).toEqual([provider, model, 'developer']);
    for (const model of ['openai/gpt-4o', 'openai/gpt-4.1', 'openai/gpt-5-chat', 'openai/gpt-5.1-chat'])
      for (const provider of ['openai', 'azure']) expect([model, role(provider, model)]).toEqual([model, 'system']);
    for (const { id, quirks } of chatRows) {
      const router = quirks.includes('reasoning-object');
      expect([id, role(id, 'mistralai/mistral-small-2603')]).toEqual([id, router ? 'developer' : 'system']);
    }
    expect(
      sent('anthropic', 'anthropic/claude-opus-4.6', {
        messages: [{ role: 'developer', parts: [{ kind: 'text', text: 'Be brief.' }] }, turn('Hi')],
      }).body.system[0].text,
    ).toBe('Be brief.');
  });

  test('UP-037 stops are a list, as many as the host takes, and what does not fit is named', () => {
    const stop = ['a', 'b', 'c', 'd', 'e', 'f'];
    const told = (provider: string, model: string, read: (body: Json) => unknown): unknown => {
      const { body, dropped } = sent(provider, model, { sampling: { stop } });
      return [read(body), dropped.filter((one) => one.startsWith('/stop'))];
    };
    const four = [stop.slice(0, 4), ['/stop;adapted']];
    expect(told('openai', 'openai/gpt-4o', ({ stop }) => stop)).toEqual(four);
    expect(told('groq', 'openai/gpt-oss-20b', ({ stop }) => stop)).toEqual(four);
    expect(told('xai', 'x-ai/grok-3', ({ stop }) => stop)).toEqual(four);
    expect(told('z-ai', 'z-ai/glm-5.2', ({ stop }) => stop)).toEqual([['a'], ['/stop;adapted']]);
    expect(told('xai', 'x-ai/grok-4.5', ({ stop }) => stop)).toEqual([undefined, ['/stop;unsupported']]);
    expect(told('perplexity', 'perplexity/sonar', ({ stop }) => stop)).toEqual([undefined, ['/stop;unsupported']]);
    expect(told('openai', 'openai/o3', ({ stop }) => stop)).toEqual([undefined, ['/stop;unsupported']]);
    expect(told('deepseek', 'deepseek/deepseek-v4-pro', ({ stop }) => stop)).toEqual([stop, []]);
    const five = [stop.slice(0, 5), ['/stop;adapted']];
    const gemini = ({ generationConfig }: Json): unknown => generationConfig.stopSequences;
    expect(told('google-ai-studio', 'google/gemini-2.5-flash', gemini)).toEqual(five);
    expect(told('cohere', 'cohere/command-a', ({ stop_sequences }) => stop_sequences)).toEqual(five);
    const chat = DIALECTS['openai-chat'] as Dialect;
    const one = chat.decodeRequest({ model: 'm', messages: [{ role: 'user', content: 'Hi' }], stop: 'END' });
    if (!one.ok) throw new Error(one.error.message);
    expect(sent('openai', 'openai/gpt-4o', { sampling: one.value.sampling }).body.stop).toEqual(['END']);
  });

  test('UP-039 log probabilities are flags, numbers or nothing, and never more than the host gives', () => {
    const told = (provider: string, model: string, topLogprobs: number): unknown[] => {
      const { body, dropped } = sent(provider, model, { sampling: { logprobs: true, topLogprobs } });
      return [body.logprobs, body.top_logprobs, dropped.filter((one) => one.includes('logprobs'))];
    };
    expect(told('openai', 'openai/gpt-4o', 12)).toEqual([true, 12, []]);
    expect(told('together', 'meta-llama/llama-3.3-70b-instruct-turbo', 3)).toEqual([3, undefined, []]);
    expect(sent('together', 'meta-llama/llama-4-scout', { sampling: { logprobs: true } }).body.logprobs).toBe(1);
    expect(told('xai', 'x-ai/grok-3', 12)).toEqual([true, 8, ['/top_logprobs;adapted']]);
    expect(told('xai', 'x-ai/grok-3', 8)).toEqual([true, 8, []]);
    const lost = [undefined, undefined, ['/logprobs;unsupported', '/top_logprobs;unsupported']];
    for (const [provider, model] of [
      ['groq', 'openai/gpt-oss-20b'],
      ['perplexity', 'perplexity/sonar'],
      ['mistral', 'mistralai/mistral-small-2603'],
      ['openai', 'openai/o3'],
    ] as const)
      expect(told(provider, model, 3)).toEqual(lost);
  });

  test('UP-041 metadata and names of users reach whom they may, under the name that is theirs', () => {
    const wish = { user: 'u-hashed', safetyIdentifier: 's-hashed', metadata: { team: 'rivers' } };
    const openai = sent('openai', 'openai/gpt-4o', wish);
    expect(openai.body).toMatchObject({
      user: 'u-hashed',
      safety_identifier: 's-hashed',
      metadata: { team: 'rivers' },
    });
    expect(openai.dropped).toEqual([]);
    const claude = sent('anthropic', 'anthropic/claude-opus-4.6', wish);
    expect(claude.body.metadata).toEqual({ user_id: 'u-hashed' });
    expect(claude.dropped).toEqual(
      expect.arrayContaining(['/metadata;unknown-field', '/safety_identifier;unknown-field']),
    );
    for (const [provider, model] of [
      ['deepseek', 'deepseek/deepseek-v4-pro'],
      ['z-ai', 'z-ai/glm-5.2'],
    ] as const) {
      const { body, dropped } = sent(provider, model, wish);
      expect([body.user_id, body.user, body.metadata]).toEqual(['u-hashed', undefined, undefined]);
      expect(dropped).toContain('/metadata;unknown-field');
    }
    const bedrock = sent('amazon-bedrock', 'amazon/nova-pro-v1', wish);
    expect(bedrock.body.requestMetadata).toEqual({ team: 'rivers' });
    for (const { id } of chatRows.filter(
      ({ extraFields, userField }) => extraFields !== 'all' && !userField && !extraFields.includes('user'),
    )) {
      const { body, dropped } = sent(id, 'lab/unknown', wish);
      expect([id, body.user, dropped.includes('/user;unknown-field')]).toEqual([id, undefined, true]);
    }
  });

  test('UP-042 tiers of service are said in the host’s words, or left out', () => {
    const tiers = (provider: string, model: string): unknown =>
      Object.fromEntries(
        ['auto', 'default', 'fast', 'flex', 'priority', 'scale'].map((serviceTier) => {
          const tier = ({ fast: 'priority', flex: 'flex', priority: 'priority' } as const)[serviceTier];
          const { body, dropped } = sent(provider, model, { serviceTier }, tier);
          // An endpoint of the usual tier is told of no other.
          if (tier) expect(sent(provider, model, { serviceTier }).body.service_tier).toBeUndefined();
          const told = body.service_tier ?? null;
          expect(dropped.includes('/service_tier;unknown-field')).toBe(told === null);
          return [serviceTier, told];
        }),
      );
    const none = { auto: null, default: null, fast: null, flex: null, priority: null, scale: null };
    const openai = {
      ...none,
      auto: 'auto',
      default: 'default',
      fast: 'priority',
      priority: 'priority',
      scale: 'scale',
    };
    expect(tiers('openai', 'openai/gpt-4o')).toEqual(openai);
    expect(tiers('openai', 'openai/o3')).toEqual({ ...openai, flex: 'flex' });
    expect(tiers('azure', 'openai/o3')).toEqual({
      ...none,
      auto: 'auto',
      default: 'default',
      fast: 'priority',
      priority: 'priority',
    });
    expect(tiers('groq', 'openai/gpt-oss-20b')).toEqual({
      ...none,
      auto: 'auto',
      default: 'on_demand',
      fast: 'performance',
      flex: 'flex',
      priority: 'performance',
    });
    expect(tiers('mistral', 'mistralai/mistral-small-2603')).toEqual({
      ...none,
      auto: 'auto',
      default: 'standard_only',
    });
    expect(tiers('fireworks', 'z-ai/glm-5.1')).toEqual({ ...none, fast: 'priority', priority: 'priority' });
    expect(tiers('cerebras', 'openai/gpt-oss-120b')).toEqual(none);
  });

  test('INF-031 a speaker’s name is a field where names are known, and stands in the text everywhere else', () => {
    const messages: GenerationRequest['messages'] = [
      { role: 'user', name: 'alice', parts: [{ kind: 'text', text: 'Hi' }] },
    ];
    for (const [provider, model] of [
      ['openai', 'openai/gpt-4o'],
      ['openrouter', 'openai/gpt-4o'],
    ] as const)
      expect(sent(provider, model, { messages }).body.messages[0]).toEqual({
        role: 'user',
        name: 'alice',
        content: 'Hi',
      });
    for (const provider of catalogue.providers) {
      if (!(provider.dialect in DIALECTS) || provider.quirks.includes('message-names')) continue;
      const { body } = sent(provider.id, 'lab/unknown', { messages });
      expect([provider.id, JSON.stringify(body).includes('alice: ')]).toEqual([provider.id, true]);
    }
    expect(JSON.stringify(sent('openai', 'openai/gpt-4o', { messages }).body)).not.toContain('alice: ');
  });

  test('INF-037 the finest detail of pictures is the finest that a host knows', () => {
    const messages: GenerationRequest['messages'] = [
      { role: 'user', parts: [{ kind: 'image', url: 'https://example.com/a.png', detail: 'original' }] },
    ];
    const detail = (provider: string, model: string): unknown =>
      sent(provider, model, { messages }).body.messages[0].content[0].image_url.detail;
    expect(detail('openrouter', 'openai/gpt-5.5')).toBe('original');
    for (const { id } of chatRows.filter(({ quirks }) => !quirks.includes('router-answers')))
      expect([id, detail(id, 'lab/unknown')]).toEqual([id, 'high']);
  });

  test('INF-053 wishes for pictures reach models that draw, and are named where nobody draws', () => {
    const wish = { imageConfig: { aspect_ratio: '16:9', image_size: '2K' }, modalities: ['text', 'image'] };
    const drawing = sent('openrouter', 'google/gemini-2.5-flash-image', wish);
    expect(drawing.body.image_config).toEqual(wish.imageConfig);
    const writing = sent('openrouter', 'mistralai/mistral-small-2603', wish);
    expect([writing.body.image_config, writing.dropped]).toEqual([
      undefined,
      expect.arrayContaining(['/image_config;unknown-field']),
    ]);
    const gemini = sent('google-ai-studio', 'google/gemini-2.5-flash-image', wish);
    expect(gemini.body.generationConfig.imageConfig).toEqual({ aspectRatio: '16:9', imageSize: '2K' });
    expect(gemini.dropped).not.toContain('/image_config;unknown-field');
    expect(
      sent('google-ai-studio', 'google/gemini-2.5-flash', wish).body.generationConfig?.imageConfig,
    ).toBeUndefined();
  });

  test('INF-084 a budget is the level whose share of the limit comes closest', () => {
    const level = (provider: string, model: string, budgetTokens: number, maxOutputTokens = 10_000): string =>
      sent(provider, model, { maxOutputTokens, reasoning: { budgetTokens, exclude: false } }).body.reasoning_effort;
    const levels = [0, 500, 1000, 1900, 4000, 5200, 7000, 9000, 9500].map((n) => level('openai', 'openai/gpt-5.5', n));
    expect(levels).toEqual(['none', 'low', 'low', 'low', 'medium', 'medium', 'high', 'xhigh', 'xhigh']);
    expect(level('openai', 'openai/gpt-5', 1000)).toBe('minimal');
    expect(level('xai', 'x-ai/grok-4.5', 5000)).toBe('medium');
    expect(level('xai', 'x-ai/grok-4.5', 5000, 6000)).toBe('high');
    expect([0, 500].map((n) => level('mistral', 'mistralai/mistral-small-2603', n))).toEqual(['none', 'high']);
    expect(
      sent('openrouter', 'openai/gpt-5', { reasoning: { budgetTokens: 500, exclude: false } }).body.reasoning,
    ).toEqual({ max_tokens: 500 });
  });
});

test('UP-046 what a host would leave out is what keeps it out where parameters are required', () => {
  const sampling = (own: GenerationRequest['sampling']): Partial<GenerationRequest> => ({ sampling: own });
  const tools = [{ name: 'f', parameters: { type: 'object' } }];
  const wishes: { readonly [P in Parameter]?: Partial<GenerationRequest> } = {
    temperature: sampling({ temperature: 0.5 }),
    top_p: sampling({ topP: 0.5 }),
    top_k: sampling({ topK: 5 }),
    min_p: sampling({ minP: 0.5 }),
    top_a: sampling({ topA: 0.5 }),
    frequency_penalty: sampling({ frequencyPenalty: 0.5 }),
    presence_penalty: sampling({ presencePenalty: 0.5 }),
    repetition_penalty: sampling({ repetitionPenalty: 1.5 }),
    max_tokens: { maxOutputTokens: 100 },
    logit_bias: sampling({ logitBias: { 1: 1 } }),
    logprobs: sampling({ logprobs: true }),
    top_logprobs: sampling({ logprobs: true, topLogprobs: 2 }),
    prediction: { prediction: 'x' },
    seed: sampling({ seed: 1 }),
    response_format: { output: { kind: 'json' } },
    stop: sampling({ stop: ['END'] }),
    tools: { tools },
    tool_choice: { tools, toolChoice: { kind: 'auto' } },
    parallel_tool_calls: { tools, parallelToolCalls: true },
    verbosity: { verbosity: 'low' },
  };
  const pointers: Partial<Record<Parameter, string>> = { max_tokens: 'max_tokens' };
  for (const { id } of chatRows) {
    const served = catalogue.endpointsAt(id).filter(({ parameters }) => parameters.length > 0);
    const models = ['lab/unknown', ...served.map(({ model }) => model).slice(0, 12)];
    for (const model of models) {
      const { parameters } = targetFor(id, model);
      for (const [parameter, wish] of Object.entries(wishes) as [Parameter, Partial<GenerationRequest>][]) {
        const { dropped } = sent(id, model, wish);
        const lost = dropped.includes(`/${pointers[parameter] ?? parameter};unsupported`);
        expect([id, model, parameter, lost]).toEqual([id, model, parameter, !supports(parameters, parameter)]);
      }
    }
  }
});

describe('the thoughts of earlier turns', () => {
  const call = { id: 'c1', name: 'f', arguments: '{}' };
  const past = (reasoning?: { text?: string; details?: [] }): GenerationRequest['messages'] => [
    turn('Hi'),
    { role: 'assistant', parts: [], toolCalls: [call], ...(reasoning && { reasoning }) },
    { role: 'tool', callId: 'c1', parts: [{ kind: 'text', text: 'done' }] },
  ];
  const thoughts = (
    provider: string,
    model: string,
    reasoning?: { text?: string; details?: [] },
    more: Partial<GenerationRequest> = {},
  ): Json => {
    const { body, dropped } = sent(provider, model, { messages: past(reasoning), ...more });
    const message = body.messages.find(({ role }: Json) => role === 'assistant');
    const { reasoning_content, reasoning: plain } = message;
    return {
      ...(reasoning_content !== undefined && { reasoning_content }),
      ...(plain !== undefined && { reasoning: plain }),
      lost: dropped.some((one) => one.endsWith('/reasoning;unsupported')),
    };
  };
  const hm = { text: 'Hm' };

  test('UP-059 DeepSeek’s fourth and Kimi get them with each call, DeepSeek’s first never, and it is said', () => {
    for (const [provider, model] of [
      ['deepseek', 'deepseek/deepseek-v4-pro'],
      ['moonshotai', 'moonshotai/kimi-k2.6'],
      ['moonshotai', 'moonshotai/kimi-k2.7-code'],
    ] as const) {
      expect(thoughts(provider, model, hm)).toEqual({ reasoning_content: 'Hm', lost: false });
      expect(thoughts(provider, model)).toEqual({ reasoning_content: '', lost: false });
    }
    for (const provider of ['deepseek', 'nvidia', 'together', 'sglang', 'vllm'])
      expect([provider, thoughts(provider, 'deepseek/deepseek-r1', hm)]).toEqual([provider, { lost: true }]);
    expect(
      thoughts('deepseek', 'deepseek/deepseek-v4-pro', hm, { reasoning: { effort: 'none', exclude: false } }),
    ).toEqual({ lost: true });
  });

  test('UP-060 others get them under their name, where needed with the word that keeps them', () => {
    expect(thoughts('cerebras', 'openai/gpt-oss-120b', hm)).toEqual({ reasoning: 'Hm', lost: false });
    const kept = (provider: string, model: string, field: string, reasoning?: { text: string }): unknown =>
      sent(provider, model, { messages: past(reasoning) }).body[field];
    for (const [provider, model, field, value] of [
      ['fireworks', 'z-ai/glm-5.1', 'reasoning_history', 'preserved'],
      ['z-ai', 'z-ai/glm-5.2', 'thinking', { type: 'enabled', clear_thinking: false }],
      ['alibaba', 'qwen/qwen3.7-plus', 'preserve_thinking', true],
    ] as const) {
      expect(thoughts(provider, model, hm)).toEqual({ reasoning_content: 'Hm', lost: false });
      expect(kept(provider, model, field, hm)).toEqual(value);
      expect(thoughts(provider, model)).toEqual({ lost: false });
      expect(kept(provider, model, field)).toBeUndefined();
    }
    expect(thoughts('alibaba', 'qwen/qwen-plus', hm)).toEqual({ lost: true });
  });

  test('INF-093 no thoughts and nothing said of thoughts are two things', () => {
    const [empty, absent] = [thoughts('nvidia', 'z-ai/glm-5.2', { details: [] }), thoughts('nvidia', 'z-ai/glm-5.2')];
    expect([empty, absent]).toEqual([{ reasoning_content: '', lost: false }, { lost: false }]);
    const router = (reasoning?: { details: [] }): Json =>
      sent('openrouter', 'deepseek/deepseek-v4-pro', { messages: past(reasoning) }).body.messages[1];
    expect(router({ details: [] }).reasoning_details).toEqual([]);
    expect('reasoning_details' in router()).toBe(false);
    const chat = DIALECTS['openai-chat'] as Dialect;
    const read = (more: Json): unknown => {
      const wire = { model: 'm', messages: [{ role: 'assistant', content: 'Yes', ...more }] };
      const decoded = chat.decodeRequest(wire);
      return decoded.ok && decoded.value.messages[0]?.role === 'assistant' && decoded.value.messages[0].reasoning;
    };
    expect([read({ reasoning_details: [] }), read({})]).toEqual([{ details: [] }, undefined]);
  });

  test('INF-091 pieces of a stream are put together before they go back', () => {
    const chat = DIALECTS['openai-chat'] as Dialect;
    const text = (text: string, index: number, more: Json = {}): Json => ({
      type: 'reasoning.text',
      text,
      index,
      format: 'anthropic-claude-v1',
      ...more,
    });
    const summary = (summary: string, index: number): Json => ({
      type: 'reasoning.summary',
      summary,
      index,
      format: 'openai-responses-v1',
    });
    const sealed = (data: string, id: string | null, index: number): Json => ({
      type: 'reasoning.encrypted',
      data,
      id,
      index,
      format: 'openai-responses-v1',
    });
    const pieces = [
      text('The ', 0),
      text('Rhine', 0, { signature: 'early' }),
      text('', 0, { signature: 'last' }),
      text('Another', 1),
      summary('About ', 2),
      summary('rivers', 2),
      sealed('AAAA', 'rs_1', 3),
      sealed('AAAA', 'rs_1', 3),
      sealed('BBBB', null, 4),
      sealed('BBBB', null, 5),
    ];
    const decoded = chat.decodeRequest({
      model: 'm',
      messages: [{ role: 'assistant', content: 'Yes', reasoning_details: pieces }],
    });
    if (!decoded.ok) throw new Error(decoded.error.message);
    const [message] = sent('openrouter', 'anthropic/claude-opus-4.6', { messages: decoded.value.messages }).body
      .messages;
    expect(message.reasoning_details).toEqual([
      text('The Rhine', 0, { signature: 'last' }),
      text('Another', 1),
      summary('About rivers', 2),
      sealed('AAAA', 'rs_1', 3),
      sealed('BBBB', null, 4),
    ]);
    const [claude] = sent('anthropic', 'anthropic/claude-opus-4.6', {
      messages: [turn('Hi'), ...decoded.value.messages],
    }).body.messages.slice(1);
    expect(claude.content[0]).toEqual({ type: 'thinking', thinking: 'The Rhine', signature: 'last' });
  });
});
