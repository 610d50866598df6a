import { expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { NO_PREFERENCES } from './preferences.ts';
import type { GenerationRequest } from './request.ts';
import { estimatePrompt, estimateTokens } from './tokens.ts';

const request = (texts: readonly string[]): GenerationRequest => ({
  model: 'a/b',
  fallbacks: [],
  messages: texts.map((text) => ({ role: 'user', parts: [{ kind: 'text', text }] })),
  tools: [],
  sampling: {},
  stream: false,
  preferences: NO_PREFERENCES,
  echoUpstreamBody: false,
  extras: {},
});

const PER_MESSAGE = 4;

test('a large prompt is looked at here and there, and comes within three percent of what it all comes to', () => {
  const read = (name: string): string => readFileSync(join(import.meta.dir, '../..', name), 'utf8');
  const code = read('package-lock.json');
  const prose = `${read('LICENSE')}${read('README.md')}Zürich, 東京, Αθήνα — “naïve” café.\n`.repeat(20);
  const turns = Array.from({ length: 4000 }, (_, at) => prose.slice(at * 90, at * 90 + 37 * (1 + (at % 9))));
  for (const texts of [[prose], [code], [code, prose], turns]) {
    const whole = texts.reduce((sum, text) => sum + estimateTokens(text), 0);
    const sampled = estimatePrompt(request(texts)) - PER_MESSAGE * texts.length;
    expect(sampled).not.toBe(whole);
    expect(Math.abs(sampled / whole - 1)).toBeLessThan(0.03);
  }
});

test('a prompt of ordinary size is counted from end to end', () => {
  const text = 'The Rhine rises in the Alps. '.repeat(200);
  expect(estimatePrompt(request([text, text]))).toBe(2 * (estimateTokens(text) + PER_MESSAGE));
});
