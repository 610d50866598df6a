import { type Counts, tokens, type Usage } from '../../canon/units.ts';
import type { AnswerContext } from '../dialect.ts';
import { asCount, asObject, type JsonObject } from '../read.ts';

/**
 * Everything reported so far: `message_delta` overwrites what `message_start` said, field by field, because its counts are cumulative
 * (spec/providers B.2.5).
 */
export const mergeUsage = (before: JsonObject | undefined, wire: JsonObject): JsonObject => {
  const said = Object.entries(wire).filter(([, value]) => value !== null && value !== undefined);
  return { ...before, ...Object.fromEntries(said) };
};

/** A usage object → disjoint counts: `input_tokens` leaves the cache out, `output_tokens` holds the thinking (spec/providers B.2.6). */
export function decodeUsage(wire: JsonObject): Usage {
  const written = asCount(wire.cache_creation_input_tokens) ?? 0;
  const split = asObject(wire.cache_creation);
  const hour = Math.min(asCount(split?.ephemeral_1h_input_tokens) ?? 0, written);
  const output = asCount(wire.output_tokens) ?? 0;
  const thought = Math.min(asCount(asObject(wire.output_tokens_details)?.thinking_tokens) ?? 0, output);
  const counts: Counts = {
    input: asCount(wire.input_tokens) ?? 0,
    'cache-read': asCount(wire.cache_read_input_tokens) ?? 0,
    'cache-write': written - hour,
    'cache-write-1h': hour,
    output: output - thought,
    reasoning: thought,
    'web-search': asCount(asObject(wire.server_tool_use)?.web_search_requests) ?? 0,
  };
  return {
    counts: Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0)),
    estimated: false,
    raw: wire,
  };
}

/** The usual tier under this wire's name for it; others go by their own. */
const USUAL: ReadonlySet<string> = new Set(['default', 'auto', 'on_demand']);
const tierWord = (tier: string | undefined): string => (tier === undefined || USUAL.has(tier) ? 'standard' : tier);

/** Counts → the wire's object, with every key that clients require, and what it cost where it was settled (spec/inference 7.2). */
export function encodeUsage(
  usage: Usage | undefined,
  context: AnswerContext,
  tier: string | undefined,
): Record<string, unknown> {
  const counts = usage?.counts ?? {};
  const five = counts['cache-write'] ?? 0;
  const hour = counts['cache-write-1h'] ?? 0;
  const cached = (counts['cache-read'] ?? 0) + (counts['input-audio-cache'] ?? 0);
  const searches = counts['web-search'] ?? 0;
  const bill = context.quirks.has('router-answers') ? context.bill?.() : undefined;
  return {
    input_tokens: tokens(counts, 'input') - cached - five - hour,
    output_tokens: tokens(counts, 'output'),
    cache_creation_input_tokens: five + hour,
    cache_read_input_tokens: cached,
    cache_creation: { ephemeral_5m_input_tokens: five, ephemeral_1h_input_tokens: hour },
    output_tokens_details: { thinking_tokens: counts.reasoning ?? 0 },
    server_tool_use: searches > 0 ? { web_search_requests: searches, web_fetch_requests: 0 } : null,
    service_tier: tierWord(tier),
    inference_geo: null,
    ...(bill && {
      cost: bill.costUsd,
      is_byok: false,
      cost_details: {
        upstream_inference_cost: bill.costUsd,
        upstream_inference_prompt_cost: bill.promptCostUsd,
        upstream_inference_completions_cost: bill.completionCostUsd,
      },
    }),
  };
}
