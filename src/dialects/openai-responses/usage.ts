import { type Counts, tokens, type Usage } from '../../canon/units.ts';
import type { AnswerContext } from '../dialect.ts';
import { asCount, asNumber, asObject } from '../read.ts';

/** A usage object → disjoint counts: totals hold the cached and the thought part (spec/inference 6.3). */
export function decodeUsage(wire: unknown): Usage | undefined {
  const usage = asObject(wire);
  if (!usage) return undefined;
  const input = asCount(usage.input_tokens) ?? 0;
  const output = asCount(usage.output_tokens) ?? 0;
  const details = asObject(usage.input_tokens_details);
  const read = Math.min(asCount(details?.cached_tokens) ?? 0, input);
  const written = Math.min(asCount(details?.cache_write_tokens) ?? 0, input - read);
  const thought = Math.min(asCount(asObject(usage.output_tokens_details)?.reasoning_tokens) ?? 0, output);
  const counts: Counts = {
    input: input - read - written,
    'cache-read': read,
    'cache-write': written,
    output: output - thought,
    reasoning: thought,
  };
  const cost = asNumber(usage.cost);
  return {
    counts: Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0)),
    estimated: false,
    raw: wire,
    ...(cost !== undefined && { reportedCostUsd: cost }),
  };
}

/** Counts → the wire's object; both objects of details are required (INF-280). */
export function encodeUsage(usage: Usage | undefined, context: AnswerContext): Record<string, unknown> {
  const counts = usage?.counts ?? {};
  const input = tokens(counts, 'input');
  const output = tokens(counts, 'output');
  const bill = context.quirks.has('router-answers') ? context.bill?.() : undefined;
  return {
    input_tokens: input,
    input_tokens_details: {
      cached_tokens: (counts['cache-read'] ?? 0) + (counts['input-audio-cache'] ?? 0),
      ...((context.cacheWrites ?? true) && {
        cache_write_tokens: (counts['cache-write'] ?? 0) + (counts['cache-write-1h'] ?? 0),
      }),
    },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: counts.reasoning ?? 0 },
    total_tokens: input + output,
    ...(bill && {
      cost: bill.costUsd,
      is_byok: false,
      cost_details: {
        upstream_inference_cost: bill.costUsd,
        upstream_inference_input_cost: bill.promptCostUsd,
        upstream_inference_output_cost: bill.completionCostUsd,
      },
    }),
  };
}
