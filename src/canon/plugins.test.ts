import { describe, expect, test } from 'bun:test';
import { decodeRequest as anthropic } from '../dialects/anthropic-messages/ingress-request.ts';
import { decodeRequest as gemini } from '../dialects/gemini-generate/ingress-request.ts';
import { decodeChat as ollama } from '../dialects/ollama-chat/ingress-request.ts';
import { decodeRequest as chat } from '../dialects/openai-chat/ingress-request.ts';
import { decodeRequest as completions } from '../dialects/openai-completions/ingress.ts';
import { decodeRequest as responses } from '../dialects/openai-responses/ingress-request.ts';
import type { GatewayError } from './errors.ts';
import type { Plugins } from './plugins.ts';
import type { GenerationRequest } from './request.ts';
import type { Result } from './result.ts';

const messages = [{ role: 'user', content: 'hi' }];

/** Every wire that carries plugins, around the same entries. */
const WIRES: Readonly<Record<string, (routing: object) => Result<GenerationRequest, GatewayError>>> = {
  chat: (routing) => chat({ model: 'a/b', messages, ...routing }),
  completions: (routing) => completions({ model: 'a/b', prompt: 'hi', ...routing }),
  responses: (routing) => responses({ model: 'a/b', input: 'hi', ...routing }),
  messages: (routing) => anthropic({ model: 'a/b', max_tokens: 5, messages, ...routing }),
  gemini: (routing) => gemini({ model: 'a/b', contents: [{ role: 'user', parts: [{ text: 'hi' }] }], ...routing }),
  ollama: (routing) => ollama({ model: 'a/b', messages, ...routing }),
};

function read(wire: string, routing: object): Plugins | undefined {
  const decoded = WIRES[wire]?.(routing);
  if (!decoded?.ok) throw new Error(decoded?.error.message);
  return decoded.value.plugins;
}

function refusal(wire: string, routing: object): string {
  const decoded = WIRES[wire]?.(routing);
  if (!decoded || decoded.ok) throw new Error('was not refused');
  expect(decoded.error.code).toBe('invalid_request');
  return decoded.error.message;
}

describe.each(Object.keys(WIRES))('plugins of %s', (wire) => {
  test('are absent where nothing is said', () => {
    expect(read(wire, {})).toBeUndefined();
  });

  test('are read with their options; members we do not know are let through', () => {
    const plugins = [
      { id: 'response-healing', new_member: 1 },
      { id: 'context-compression', engine: 'middle-out' },
      { id: 'auto-router', allowed_models: ['anthropic/*'], cost_tier: 'low', pin_model: null },
      { id: 'pareto-router', enabled: true, min_coding_score: 0.5 },
    ];
    expect(read(wire, { plugins })).toEqual({
      'response-healing': {},
      'context-compression': { engine: 'middle-out' },
      'auto-router': { allowed_models: ['anthropic/*'], cost_tier: 'low' },
      'pareto-router': { min_coding_score: 0.5 },
    });
  });

  test('are off by `enabled: false`, whatever they are', () => {
    const plugins = [
      { id: 'context-compression', enabled: false },
      { id: 'web', enabled: false },
    ];
    expect(read(wire, { plugins })).toEqual({ 'context-compression': false });
  });

  test('are refused by name where they are not run here, are none, or have a bad option', () => {
    expect(refusal(wire, { plugins: [{ id: 'response-healing' }, { id: 'web' }] })).toMatch(
      /^plugins\.1\.id: web is not available/,
    );
    expect(refusal(wire, { plugins: [{ id: 'toString' }] })).toMatch(/^plugins\.0\.id: toString is not a plugin/);
    expect(refusal(wire, { plugins: [{ id: 'auto-router', cost_tier: 'huge' }] })).toMatch(/^plugins\.0\.cost_tier: /);
    expect(refusal(wire, { plugins: [{ id: 'context-compression', engine: 'gzip' }] })).toMatch(
      /^plugins\.0\.engine: /,
    );
    expect(refusal(wire, { plugins: [{ id: 'pareto-router', min_coding_score: 2 }] })).toMatch(
      /^plugins\.0\.min_coding_score: /,
    );
  });

  test('may have patterns up to a size', () => {
    const long = 'x'.repeat(1024);
    const plugins = (some: number): object[] => [{ id: 'auto-router', allowed_models: Array(some).fill(long) }];
    expect(read(wire, { plugins: plugins(64) })).toBeDefined();
    expect(refusal(wire, { plugins: plugins(65) })).toMatch(/65536 characters together/);
  });
});

test('the last of two entries of one plugin counts', () => {
  const plugins = [{ id: 'response-healing' }, { id: 'response-healing', enabled: false }];
  expect(read('chat', { plugins })).toEqual({ 'response-healing': false });
});

test('`truncation: auto` of the newer wire is compression, unless the plugin says otherwise', () => {
  expect(read('responses', { truncation: 'auto' })).toEqual({ 'context-compression': {} });
  expect(read('responses', { truncation: 'disabled' })).toBeUndefined();
  const plugins = [{ id: 'context-compression', enabled: false }];
  expect(read('responses', { truncation: 'auto', plugins })).toEqual({ 'context-compression': false });
});

describe('transforms', () => {
  test.each(['chat', 'completions'])('switch compression on and off on %s', (wire) => {
    expect(read(wire, { transforms: ['middle-out'] })).toEqual({ 'context-compression': {} });
    expect(read(wire, { transforms: [] })).toEqual({ 'context-compression': false });
  });

  test('give way to the plugin, and say which word is none', () => {
    const plugins = [{ id: 'context-compression', enabled: false }];
    expect(read('chat', { transforms: ['middle-out'], plugins })).toEqual({ 'context-compression': false });
    expect(refusal('chat', { transforms: ['inside-out'] })).toMatch(/^transforms\.0: /);
  });
});
