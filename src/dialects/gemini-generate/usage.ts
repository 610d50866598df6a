import { type Counts, tokens, type Usage } from '../../canon/units.ts';
import type { AnswerContext } from '../dialect.ts';
import { asCount, asObject } from '../read.ts';

/** `usageMetadata` → disjoint counts: the prompt holds what was cached, the candidates leave the thoughts out (spec/providers B.3.5). */
export function decodeUsage(wire: unknown): Usage | undefined {
  const usage = asObject(wire);
  if (!usage) return undefined;
  const prompt = (asCount(usage.promptTokenCount) ?? 0) + (asCount(usage.toolUsePromptTokenCount) ?? 0);
  const cached = Math.min(asCount(usage.cachedContentTokenCount) ?? 0, prompt);
  const counts: Counts = {
    input: prompt - cached,
    'cache-read': cached,
    output: asCount(usage.candidatesTokenCount) ?? 0,
    reasoning: asCount(usage.thoughtsTokenCount) ?? 0,
  };
  return {
    counts: Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0)),
    estimated: false,
    raw: wire,
  };
}

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
    ...(thoughts > 0 && { thoughtsTokenCount: thoughts }),
    totalTokenCount: input + output,
    ...(bill && { cost: bill.costUsd }),
  };
}
