import { expect, test } from 'bun:test';
import type { AnswerContext } from '../dialect.ts';
import { decodeUsage, encodeUsage } from './usage.ts';

const context: AnswerContext = {
  id: 'gen-1',
  created: 1,
  model: 'm',
  quirks: new Set(),
  showReasoning: true,
  streamUsage: true,
};

test('tokens of sound are counted apart, cached, heard and spoken, and are told as they came', () => {
  const wire = {
    promptTokenCount: 100,
    cachedContentTokenCount: 40,
    candidatesTokenCount: 30,
    thoughtsTokenCount: 5,
    totalTokenCount: 135,
    promptTokensDetails: [
      { modality: 'TEXT', tokenCount: 30 },
      { modality: 'AUDIO', tokenCount: 70 },
    ],
    cacheTokensDetails: [{ modality: 'AUDIO', tokenCount: 25 }],
    candidatesTokensDetails: [{ modality: 'AUDIO', tokenCount: 20 }],
  };
  const usage = decodeUsage(wire);
  expect(usage?.counts).toEqual({
    input: 15,
    'cache-read': 15,
    'input-audio': 45,
    'input-audio-cache': 25,
    output: 10,
    'output-audio': 20,
    reasoning: 5,
  });
  expect(decodeUsage(encodeUsage(usage, context))?.counts).toEqual(usage?.counts);
});

test('details that do not fit their sums take nothing away', () => {
  const details = [{ modality: 'AUDIO', tokenCount: 900 }, 7, null, { modality: 'AUDIO' }];
  const counts = decodeUsage({ promptTokenCount: 10, candidatesTokenCount: 4, promptTokensDetails: details })?.counts;
  expect(counts).toEqual({ 'input-audio': 10, output: 4 });
});
