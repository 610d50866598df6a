import { type Counts, tokens, type Usage } from '../../canon/units.ts';
import type { AnswerContext, Bill } from '../dialect.ts';
import { asCount, asNumber, asObject, type JsonObject } from '../read.ts';

type Reading = (
  usage: JsonObject,
  prompt: JsonObject | undefined,
  completion: JsonObject | undefined,
) => number | undefined;

/** Where providers put the parts of a total: the first reading that finds something counts (spec/providers B.1.5). */
const CACHED: readonly Reading[] = [
  (_, prompt) => asCount(prompt?.cached_tokens),
  (usage) => asCount(usage.prompt_cache_hit_tokens),
  (usage) => asCount(usage.cached_tokens),
  (usage) => asCount(usage.num_cached_tokens),
];
const WRITTEN: readonly Reading[] = [
  (_, prompt) => asCount(prompt?.cache_write_tokens),
  (usage) => asCount(usage.cache_creation_input_tokens),
];
const REASONED: readonly Reading[] = [
  (_u, _p, completion) => asCount(completion?.reasoning_tokens),
  (usage) => asCount(usage.reasoning_tokens),
];

const SEARCHED: readonly Reading[] = [
  (usage) => asCount(asObject(usage.server_tool_use)?.web_search_requests),
  (usage) => asCount(usage.num_search_queries),
];
const PAGES: readonly Reading[] = [
  (usage) => asCount(usage.pages_processed),
  (_, prompt) => asCount(prompt?.pages_processed),
];

/** A tick is a ten-billionth of a dollar. */
const TICKS_PER_USD = 1e10;

/** What the provider says it charged, in USD (spec/providers D.3). */
const CHARGED: readonly ((usage: JsonObject) => number | undefined)[] = [
  (usage) => asNumber(usage.cost),
  (usage) => asNumber(asObject(usage.cost)?.total_cost),
  (usage) => asNumber(usage.estimated_cost),
  ({ cost_in_usd_ticks: ticks }) => (asNumber(ticks) === undefined ? undefined : Number(ticks) / TICKS_PER_USD),
];

/** Takes at most what is left of a total, so that parts can never exceed it. */
function portion(total: { left: number }, count: number | undefined): number {
  const taken = Math.min(count ?? 0, total.left);
  total.left -= taken;
  return taken;
}

/** Zero counts are left out, so that equal usages are equal values. */
function withoutZeros(counts: Record<string, number>): Counts {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0)) as Counts;
}

/**
 * A provider's usage object → disjoint counts. Undefined where it said nothing; an explicit zero is zero (spec/reliability U33).
 * Negative and absurd numbers are clamped.
 * @param separate the host counts thoughts beside the answer, whatever its totals look like
 */
export function decodeUsage(wire: unknown, separate = false): Usage | undefined {
  const usage = asObject(wire);
  if (!usage) return undefined;
  const promptTotal = asCount(usage.prompt_tokens) ?? asCount(usage.input_tokens);
  const completionTotal = asCount(usage.completion_tokens) ?? asCount(usage.output_tokens);
  if (promptTotal === undefined && completionTotal === undefined) return undefined;
  const promptDetails = asObject(usage.prompt_tokens_details) ?? asObject(usage.prompt_token_details);
  const completionDetails = asObject(usage.completion_tokens_details);
  const read = (readings: readonly Reading[]): number | undefined => {
    for (const reading of readings) {
      const count = reading(usage, promptDetails, completionDetails);
      if (count !== undefined) return count;
    }
    return undefined;
  };
  const reasoned = read(REASONED);
  // Some hosts leave reasoning out of the completion total; their grand total gives them away.
  const whole = asCount(usage.total_tokens);
  const apart =
    separate ||
    (reasoned !== undefined && reasoned > 0 && whole === (promptTotal ?? 0) + (completionTotal ?? 0) + reasoned);
  const beyond = reasoned !== undefined && reasoned > (completionTotal ?? 0);
  // Some report what was not cached as the prompt: then the sum is the prompt (UP-111).
  const cached = read(CACHED) ?? 0;
  const prompt = (promptTotal ?? 0) + (cached > (promptTotal ?? 0) ? cached : 0);
  const input = { left: prompt };
  const output = { left: (completionTotal ?? 0) + (apart || beyond ? (reasoned ?? 0) : 0) };
  const counts = {
    'cache-read': portion(input, cached),
    'cache-write': portion(input, read(WRITTEN)),
    'input-audio': portion(input, asCount(promptDetails?.audio_tokens)),
    reasoning: portion(output, reasoned),
    'output-audio': portion(output, asCount(completionDetails?.audio_tokens)),
    input: input.left,
    output: output.left,
    'input-audio-second': asCount(usage.prompt_audio_seconds) ?? 0,
    page: read(PAGES) ?? 0,
    'web-search': read(SEARCHED) ?? 0,
  };
  const cost = CHARGED.reduce<number | undefined>((found, charged) => found ?? charged(usage), undefined);
  return {
    counts: withoutZeros(counts),
    estimated: false,
    raw: wire,
    ...(cost !== undefined && { reportedCostUsd: cost }),
  };
}

/** Counts → the wire's totals with their parts, without any money. */
function plainUsage(counts: Counts): Record<string, unknown> {
  const prompt = tokens(counts, 'input');
  const completion = tokens(counts, 'output');
  return { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion };
}

function billed(bill: Bill): Record<string, unknown> {
  return {
    cost: bill.costUsd,
    is_byok: false,
    cost_details: {
      upstream_inference_cost: bill.costUsd,
      upstream_inference_prompt_cost: bill.promptCostUsd,
      upstream_inference_completions_cost: bill.completionCostUsd,
    },
  };
}

/** Every member here is a number: clients refuse null (spec/inference 2.3). */
export function encodeUsage(usage: Usage, context: AnswerContext): Record<string, unknown> {
  const { counts } = usage;
  const written = (counts['cache-write'] ?? 0) + (counts['cache-write-1h'] ?? 0);
  const bill = context.quirks.has('router-answers') ? context.bill?.() : undefined;
  const cached = (counts['cache-read'] ?? 0) + (counts['input-audio-cache'] ?? 0);
  return {
    ...plainUsage(counts),
    ...(bill && billed(bill)),
    prompt_tokens_details: {
      cached_tokens: cached,
      ...((context.cacheWrites ?? written > 0) && { cache_write_tokens: written }),
      audio_tokens: counts['input-audio'] ?? 0,
      ...(context.quirks.has('router-answers') && { video_tokens: 0 }),
    },
    completion_tokens_details: {
      reasoning_tokens: counts.reasoning ?? 0,
      audio_tokens: counts['output-audio'] ?? 0,
      ...(context.quirks.has('router-answers') && { image_tokens: 0 }),
    },
    ...((counts['web-search'] ?? 0) > 0 && { server_tool_use: { web_search_requests: counts['web-search'] } }),
  };
}
