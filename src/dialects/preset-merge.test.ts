import { describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { GenerationRequest } from '../canon/request.ts';
import { anthropicMessages } from './anthropic-messages/dialect.ts';
import type { Dialect } from './dialect.ts';
import { openaiEmbeddings } from './embeddings/openai.ts';
import { geminiGenerate } from './gemini-generate/dialect.ts';
import { openaiChat } from './openai-chat/dialect.ts';
import { openaiCompletions } from './openai-completions/dialect.ts';
import { openaiResponses } from './openai-responses/dialect.ts';
import { joinTools, KEPT_FIELDS, mergePreset, namesPreset, takePreset } from './preset-merge.ts';

type Json = Record<string, any>;

const UNUSED: readonly (readonly [Dialect, Json])[] = [
  [openaiChat, { messages: [{ role: 'user', content: 'x' }] }],
  [openaiResponses, { input: 'x' }],
  [anthropicMessages, { messages: [{ role: 'user', content: 'x' }] }],
];

const settings = (dialect: Dialect, config: Json, systemPrompt: string | null = null) => ({
  dialect: dialect.id,
  config,
  systemPrompt,
});

/** What a request comes to, but for what every wire says in its own way. */
function meaning(dialect: Dialect, wire: unknown): Partial<GenerationRequest> {
  const request = dialect.decodeRequest(wire);
  if (!request.ok) throw new Error(`${dialect.id}: ${request.error.message}`);
  const { messages: _m, extras: _e, ...rest } = request.value;
  return rest;
}

const parameters = { type: 'object', properties: { city: { type: 'string' } } };

/** Settings that all three wires have words for, in the words of each. */
const SAME: readonly (readonly [string, readonly [chat: Json, responses: Json, messages: Json]])[] = [
  [
    'a model and its fallbacks',
    [
      { model: 'a/b', models: ['c/d'] },
      { model: 'a/b', models: ['c/d'] },
      { model: 'a/b', fallbacks: [{ model: 'c/d' }] },
    ],
  ],
  [
    'routing',
    [
      { provider: { order: ['x'] }, plugins: [{ id: 'response-healing' }], service_tier: 'flex' },
      { provider: { order: ['x'] }, plugins: [{ id: 'response-healing' }], service_tier: 'flex' },
      { provider: { order: ['x'] }, plugins: [{ id: 'response-healing' }], service_tier: 'flex' },
    ],
  ],
  [
    'limits and sampling',
    [
      { max_tokens: 50, temperature: 0.3, top_p: 0.9, top_k: 5 },
      { max_output_tokens: 50, temperature: 0.3, top_p: 0.9, top_k: 5 },
      { max_tokens: 50, temperature: 0.3, top_p: 0.9, top_k: 5 },
    ],
  ],
  [
    'tools, one of them forced',
    [
      {
        tools: [{ type: 'function', function: { name: 'f', description: 'd', parameters, strict: true } }],
        tool_choice: { type: 'function', function: { name: 'f' } },
      },
      {
        tools: [{ type: 'function', name: 'f', description: 'd', parameters, strict: true }],
        tool_choice: { type: 'function', name: 'f' },
      },
      {
        tools: [{ name: 'f', description: 'd', input_schema: parameters, strict: true }],
        tool_choice: { type: 'tool', name: 'f' },
      },
    ],
  ],
  ...(['auto', 'required', 'none'] as const).map(
    (choice) =>
      [
        `tools, ${choice}`,
        [
          { tools: [{ type: 'function', function: { name: 'f', parameters } }], tool_choice: choice },
          { tools: [{ type: 'function', name: 'f', parameters }], tool_choice: choice },
          {
            tools: [{ name: 'f', input_schema: parameters }],
            tool_choice: { type: choice === 'required' ? 'any' : choice },
          },
        ],
      ] as const,
  ),
  [
    'tools, one at a time',
    [
      {
        tools: [{ type: 'function', function: { name: 'f', parameters } }],
        tool_choice: 'auto',
        parallel_tool_calls: false,
      },
      { tools: [{ type: 'function', name: 'f', parameters }], tool_choice: 'auto', parallel_tool_calls: false },
      {
        tools: [{ name: 'f', input_schema: parameters }],
        tool_choice: { type: 'auto', disable_parallel_tool_use: true },
      },
    ],
  ],
  [
    'a budget for thinking',
    [
      { reasoning: { max_tokens: 2000 } },
      { reasoning: { max_tokens: 2000 } },
      { thinking: { type: 'enabled', budget_tokens: 2000 } },
    ],
  ],
  [
    'thinking as it likes',
    [
      { reasoning: { enabled: true, effort: 'high' } },
      { reasoning: { enabled: true, effort: 'high' } },
      { thinking: { type: 'adaptive' }, output_config: { effort: 'high' } },
    ],
  ],
  [
    'no thinking',
    [{ reasoning: { enabled: false } }, { reasoning: { enabled: false } }, { thinking: { type: 'disabled' } }],
  ],
  [
    'verbosity and a schema',
    [
      {
        verbosity: 'low',
        response_format: { type: 'json_schema', json_schema: { name: 'output', schema: parameters } },
      },
      { text: { verbosity: 'low', format: { type: 'json_schema', name: 'output', schema: parameters } } },
      { output_config: { effort: 'low', format: { type: 'json_schema', schema: parameters } } },
    ],
  ],
];

describe('settings of one wire in another', () => {
  for (const [what, configs] of SAME)
    test(`mean the same: ${what}`, () => {
      for (const [from, [written]] of UNUSED.entries())
        for (const [to, [dialect, unused]] of UNUSED.entries()) {
          const wire = mergePreset(unused, settings(written, configs[from] as Json), dialect);
          expect([written.id, dialect.id, meaning(dialect, wire)]).toEqual([
            written.id,
            dialect.id,
            meaning(dialect, { ...unused, ...configs[to] }),
          ]);
        }
    });

  test('what a wire has no word for is left out, and what it cannot say so is said nearest', () => {
    const chat = settings(openaiChat, {
      seed: 1,
      stop: 'END',
      min_p: 0.1,
      logit_bias: { '1': 2 },
      reasoning_effort: 'minimal',
      response_format: { type: 'json_object' },
      modalities: ['text'],
    });
    expect(mergePreset({ messages: [] }, chat, anthropicMessages)).toEqual({
      messages: [],
      stop_sequences: ['END'],
      thinking: { type: 'adaptive' },
      output_config: { effort: 'low' },
    });
    expect(mergePreset({ input: 'x' }, chat, openaiResponses)).toEqual({
      input: 'x',
      text: { format: { type: 'json_object' } },
      reasoning: { effort: 'minimal' },
      modalities: ['text'],
    });
    const more = settings(openaiChat, { ...chat.config, tools: [], logprobs: true, model: 'a/b' });
    const { tools, logprobs, ...text } = mergePreset({ prompt: 'x' }, more, openaiCompletions);
    expect([tools, logprobs, text.seed, text.model]).toEqual([undefined, undefined, 1, 'a/b']);
    expect(mergePreset({ input: 'x' }, more, openaiEmbeddings)).toEqual({ input: 'x', model: 'a/b' });
  });
});

describe('a preset in a request', () => {
  const preset = (config: Json, prompt: string | null = null) => settings(openaiChat, config, prompt);

  test('one spelling of a wish replaces the others', () => {
    const merged = mergePreset(
      { messages: [], reasoning_effort: 'low', max_completion_tokens: 5, logprobs: false },
      preset({
        reasoning: { effort: 'high' },
        include_reasoning: true,
        max_tokens: 9,
        logprobs: true,
        top_logprobs: 3,
      }),
      openaiChat,
    );
    expect(merged).toEqual({ messages: [], reasoning_effort: 'low', max_completion_tokens: 5, logprobs: false });
  });

  test('what it says of the cache is no part of the body', () => {
    expect(mergePreset({ messages: [] }, preset({ cache_enabled: true, cache_ttl_seconds: 5 }), openaiChat)).toEqual({
      messages: [],
    });
  });

  test('its system prompt is said only where nobody else instructs', () => {
    const user = { role: 'user', content: 'x' };
    const own = { role: 'developer', content: 'mine' };
    const cases: readonly (readonly [Dialect, Json, Json])[] = [
      [openaiChat, { messages: [user] }, { messages: [{ role: 'system', content: 'P' }, user] }],
      [openaiChat, { messages: [user, own] }, { messages: [user, own] }],
      [anthropicMessages, { messages: [user] }, { messages: [user], system: 'P' }],
      [anthropicMessages, { messages: [user], system: '' }, { messages: [user], system: 'P' }],
      [anthropicMessages, { messages: [user], system: 'mine' }, { messages: [user], system: 'mine' }],
      [openaiResponses, { input: 'x' }, { input: 'x', instructions: 'P' }],
      [openaiResponses, { input: 'x', instructions: 'mine' }, { input: 'x', instructions: 'mine' }],
      [openaiResponses, { input: [own, user] }, { input: [own, user] }],
      [openaiCompletions, { prompt: 'x' }, { prompt: 'x' }],
    ];
    for (const [dialect, wire, merged] of cases) expect(mergePreset(wire, preset({}, 'P'), dialect)).toEqual(merged);
  });

  test('INF-249 PLT-214 tools are joined by what they are: functions by name, advisors by theirs, others by type', () => {
    const fn = (name: string, from: string) => ({ type: 'function', function: { name, description: from } });
    const named = (type: string, name: string, from: string) => ({ type, parameters: { name, from } });
    const [advisor, subagent] = ['openrouter:advisor', 'openrouter:subagent'];
    const first = [
      fn('a', 'preset'),
      named(advisor, 'x', 'preset'),
      { type: 'openrouter:web_search', parameters: { from: 'preset' } },
      named(subagent, 'x', 'preset'),
      fn('b', 'preset'),
    ];
    const own = [
      { type: 'openrouter:datetime' },
      fn('b', 'request'),
      named(advisor, 'y', 'request'),
      named(subagent, 'x', 'request'),
      { type: 'openrouter:web_search', parameters: { from: 'request' } },
      fn('c', 'request'),
    ];
    expect(joinTools(first, own)).toEqual([
      fn('a', 'preset'),
      named(advisor, 'x', 'preset'),
      { type: 'openrouter:web_search', parameters: { from: 'request' } },
      named(subagent, 'x', 'request'),
      fn('b', 'request'),
      { type: 'openrouter:datetime' },
      named(advisor, 'y', 'request'),
      fn('c', 'request'),
    ]);
    // Functions as the other two wires write them.
    const flat = (name: string, from: string) => ({ type: 'function', name, description: from });
    expect(joinTools([flat('a', 'p')], [flat('a', 'r'), flat('b', 'r')])).toEqual([flat('a', 'r'), flat('b', 'r')]);
    const claude = (name: string, from: string) => ({ name, description: from, input_schema: {} });
    expect(joinTools([claude('a', 'p')], [claude('b', 'r'), claude('a', 'r')])).toEqual([
      claude('a', 'r'),
      claude('b', 'r'),
    ]);
  });

  test('is looked for where it can be named, and nowhere else', () => {
    for (const wire of [null, 'x', 5, [], {}, { model: 'a/b' }, { models: ['a/b'] }, { messages: ['@preset/x'] }])
      expect(namesPreset(wire)).toBe(false);
    for (const wire of [
      { preset: 'x' },
      { model: '@preset/x' },
      { model: 'a/b:floor@preset/x' },
      { models: ['a/b', 'c/d@preset/x'] },
      { fallbacks: [{ model: '@preset/x' }] },
    ])
      expect(namesPreset(wire)).toBe(true);
  });

  test('its names leave the body, and must all be the same', () => {
    const body = { model: 'a/b:floor@preset/x', models: ['@preset/x', 'c/d@preset/x'], preset: '@preset/x', n: 1 };
    expect(takePreset(body, openaiChat)).toEqual({
      ok: true,
      value: { wire: { model: 'a/b:floor', models: ['c/d'], n: 1 }, slug: 'x' },
    });
    expect(takePreset({ fallbacks: [{ model: '@preset/x' }] }, anthropicMessages)).toEqual({
      ok: true,
      value: { wire: {}, slug: 'x' },
    });
    expect(takePreset({ preset: null, model: 'a/b' }, openaiChat)).toEqual({
      ok: true,
      value: { wire: { model: 'a/b' }, slug: undefined },
    });
    expect(takePreset({ preset: 'x', model: '@preset/y' }, openaiChat).ok).toBe(false);
    expect(takePreset({ preset: '' }, openaiChat).ok).toBe(false);
    expect(takePreset({ preset: 'x' }, geminiGenerate).ok).toBe(false);
  });
});

test('docs/presets.md names what is kept', () => {
  const page = readFileSync(join(import.meta.dir, '../../docs/presets.md'), 'utf8');
  const [, kept = ''] = /<!-- kept -->(.*)<!-- \/kept -->/.exec(page) ?? [];
  const named = [...kept.matchAll(/`(\w+)`/g)].map(([, name = '']) => name);
  expect(named).toEqual([...KEPT_FIELDS]);
});
