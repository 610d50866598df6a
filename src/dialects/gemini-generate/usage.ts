import { type Counts, tokens, type Usage } from '../../canon/units.ts';
import type { AnswerContext } from '../dialect.ts';
import { present } from '../ingress.ts';
import { asArray, asCount, asObject } from '../read.ts';

/** The tokens of sound among those that a list tells by modality: they have a price of their own. */
function sound(details: unknown, within: number): number {
  const counts = (asArray(details) ?? []).map((one) => {
    const { modality, tokenCount } = asObject(one) ?? {};
    return modality === 'AUDIO' ? (asCount(tokenCount) ?? 0) : 0;
  });
  return Math.min(
    counts.reduce((sum, count) => sum + count, 0),
    within,
  );
}

/** `usageMetadata` → disjoint counts: the prompt holds what was cached, the candidates leave the thoughts out (spec/providers B.3.5). */
export function decodeUsage(wire: unknown): Usage | undefined {
  const usage = asObject(wire);
  if (!usage) return undefined;
  const prompt = (asCount(usage.promptTokenCount) ?? 0) + (asCount(usage.toolUsePromptTokenCount) ?? 0);
  const cached = Math.min(asCount(usage.cachedContentTokenCount) ?? 0, prompt);
  const cachedSound = sound(usage.cacheTokensDetails, cached);
  const heard = Math.max(0, sound(usage.promptTokensDetails, prompt) - cachedSound);
  const fresh = prompt - cached;
  const candidates = asCount(usage.candidatesTokenCount) ?? 0;
  const spoken = sound(usage.candidatesTokensDetails, candidates);
  const counts: Counts = {
    input: Math.max(0, fresh - heard),
    'cache-read': cached - cachedSound,
    'input-audio': Math.min(heard, fresh),
    'input-audio-cache': cachedSound,
    output: candidates - spoken,
    'output-audio': spoken,
    reasoning: asCount(usage.thoughtsTokenCount) ?? 0,
  };
  return {
    counts: Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0)),
    estimated: false,
    raw: wire,
  };
}

const told = (count: number | undefined): readonly object[] | undefined =>
  count ? [{ modality: 'AUDIO', tokenCount: count }] : undefined;

export function encodeUsage(usage: Usage | undefined, context: AnswerContext): Record<string, unknown> {
  const counts = usage?.counts ?? {};
  const input = tokens(counts, 'input');
  const output = tokens(counts, 'output');
  const thoughts = counts.reasoning ?? 0;
  const cached = (counts['cache-read'] ?? 0) + (counts['input-audio-cache'] ?? 0);
  const bill = context.quirks.has('router-answers') ? context.bill?.() : undefined;
  return {
    promptTokenCount: input,
    ...(cached > 0 && { cachedContentTokenCount: cached }),
    candidatesTokenCount: output - thoughts,
    ...present({
      promptTokensDetails: told((counts['input-audio'] ?? 0) + (counts['input-audio-cache'] ?? 0)),
      cacheTokensDetails: told(counts['input-audio-cache']),
      candidatesTokensDetails: told(counts['output-audio']),
    }),
    ...(thoughts > 0 && { thoughtsTokenCount: thoughts }),
    totalTokenCount: input + output,
    ...(bill && { cost: bill.costUsd }),
  };
}
