import { describe, expect, test } from 'bun:test';
import { ALL_PARAMETERS } from '../canon/parameters.ts';
import type { GenerationRequest, ToolChoice } from '../canon/request.ts';
import type { Quirk, Target } from '../canon/target.ts';
import { DIALECTS } from './registry.ts';

/** Every choice of tools in every wire (spec/providers B.14.1), and what a ban on parallel calls becomes. */

type Json = Record<string, any>;

interface Host {
  readonly dialect: string;
  readonly model?: string;
  readonly quirks?: readonly Quirk[];
  /** What the body says of the choice. */
  readonly said: (body: Json) => unknown;
  readonly auto: unknown;
  readonly none: unknown;
  /** `unable` where the host must be left out. */
  readonly required: unknown;
  readonly named: unknown;
  /** Calls one at a time, named: `dropped` where the wire cannot say it. */
  readonly serial: unknown;
}

const UNABLE = 'unable';
const DROPPED = 'dropped';

const converse = ({ toolConfig, additionalModelRequestFields: fields }: Json): unknown =>
  fields?.tool_choice ?? (toolConfig ? (toolConfig.toolChoice ?? 'tools alone') : 'no tools');
const chat = {
  said: ({ tools, tool_choice, parallel_tool_calls: parallel }: Json) =>
    parallel === undefined ? (tools ? (tool_choice ?? 'tools alone') : 'no tools') : [tool_choice, parallel],
  auto: 'auto',
  none: 'none',
  named: { type: 'function', function: { name: 'look' } },
  serial: [{ type: 'function', function: { name: 'look' } }, false],
};

const HOSTS: Readonly<Record<string, Host>> = {
  'OpenAI and those like it': { dialect: 'openai-chat', ...chat, required: 'required' },
  'Mistral AI': { dialect: 'openai-chat', quirks: ['closed-request'], ...chat, required: 'any' },
  'OpenAI Responses': {
    dialect: 'openai-responses',
    ...chat,
    required: 'required',
    named: { type: 'function', name: 'look' },
    serial: [{ type: 'function', name: 'look' }, false],
  },
  Anthropic: {
    dialect: 'anthropic-messages',
    said: ({ tool_choice }) => tool_choice,
    auto: { type: 'auto' },
    none: { type: 'none' },
    required: { type: 'any' },
    named: { type: 'tool', name: 'look' },
    serial: { type: 'tool', name: 'look', disable_parallel_tool_use: true },
  },
  Gemini: {
    dialect: 'gemini-generate',
    said: ({ toolConfig }) => toolConfig.functionCallingConfig,
    auto: { mode: 'AUTO' },
    none: { mode: 'NONE' },
    required: { mode: 'ANY' },
    named: { mode: 'ANY', allowedFunctionNames: ['look'] },
    serial: DROPPED,
  },
  'Claude on Bedrock': {
    dialect: 'bedrock-converse',
    model: 'anthropic.claude-sonnet-4-5-v1:0',
    said: converse,
    auto: { auto: {} },
    none: 'no tools',
    required: { any: {} },
    named: { tool: { name: 'look' } },
    serial: { type: 'tool', name: 'look', disable_parallel_tool_use: true },
  },
  'Mistral on Bedrock': {
    dialect: 'bedrock-converse',
    model: 'mistral.mistral-large-2407-v1:0',
    said: converse,
    auto: { auto: {} },
    none: 'no tools',
    required: { any: {} },
    named: { tool: { name: 'look' } },
    serial: DROPPED,
  },
  'Llama on Bedrock': {
    dialect: 'bedrock-converse',
    model: 'meta.llama3-3-70b-instruct-v1:0',
    said: converse,
    auto: { auto: {} },
    none: 'no tools',
    required: UNABLE,
    named: UNABLE,
    serial: UNABLE,
  },
  Cohere: {
    dialect: 'cohere-v2',
    said: ({ tools, tool_choice }) => [tool_choice, tools.length],
    auto: [undefined, 2],
    none: ['NONE', 2],
    required: ['REQUIRED', 2],
    named: ['REQUIRED', 1],
    serial: DROPPED,
  },
  Ollama: {
    dialect: 'ollama-chat',
    said: ({ tools, tool_choice }) => tool_choice ?? (tools ? 'tools alone' : 'no tools'),
    auto: 'tools alone',
    none: 'no tools',
    required: UNABLE,
    named: UNABLE,
    serial: UNABLE,
  },
  // A wire for bare text: tools have no place in it at all.
  'OpenAI Completions': {
    dialect: 'openai-completions',
    said: ({ tools }) => (tools ? 'tools' : 'no tools'),
    auto: 'no tools',
    none: 'no tools',
    required: 'no tools',
    named: 'no tools',
    serial: DROPPED,
  },
};

const tool = (name: string) => ({ name, parameters: { type: 'object', properties: { at: { type: 'string' } } } });

const request = (toolChoice: ToolChoice, more: Partial<GenerationRequest> = {}): GenerationRequest => ({
  model: 'm',
  fallbacks: [],
  messages: [{ role: 'user', parts: [{ kind: 'text', text: 'Hi' }] }],
  tools: [tool('look'), tool('listen')],
  toolChoice,
  sampling: {},
  stream: false,
  preferences: {},
  echoUpstreamBody: false,
  extras: {},
  ...more,
});

test('UP-063 no dialect is forgotten', () => {
  expect(new Set(Object.values(HOSTS).map(({ dialect }) => dialect))).toEqual(new Set(Object.keys(DIALECTS)));
});

for (const [name, host] of Object.entries(HOSTS))
  describe(name, () => {
    const target: Target = {
      upstreamModel: host.model ?? 'm',
      quirks: new Set(host.quirks),
      parameters: ALL_PARAMETERS,
      extraFields: new Set(),
    };
    const told = (wish: GenerationRequest): readonly [unknown, readonly string[]] => {
      const encoded = DIALECTS[host.dialect]?.encodeRequest(wish, target);
      if (!encoded) throw new Error('no such dialect');
      const dropped = encoded.dropped.map(({ pointer }) => pointer);
      return [encoded.unable === undefined ? host.said(JSON.parse(encoded.body)) : UNABLE, dropped];
    };

    test('UP-063 auto, none, required and one by name', () => {
      expect(told(request({ kind: 'auto' }))[0]).toEqual(host.auto);
      expect(told(request({ kind: 'none' }))[0]).toEqual(host.none);
      expect(told(request({ kind: 'required' }))[0]).toEqual(host.required);
      expect(told(request({ kind: 'named', name: 'look' }))[0]).toEqual(host.named);
    });

    test('UP-063 one by name and one call at a time', () => {
      const [said, dropped] = told(request({ kind: 'named', name: 'look' }, { parallelToolCalls: false }));
      expect(said).toEqual(host.serial === DROPPED ? host.named : host.serial);
      const lost = host.dialect === 'openai-completions' ? '/tools' : '/parallel_tool_calls';
      if (host.serial === DROPPED) expect(dropped).toContain(lost);
      else if (host.serial !== UNABLE) expect(dropped).toEqual([]);
    });
  });
