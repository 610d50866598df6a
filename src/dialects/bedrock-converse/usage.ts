import { tokens, type Usage } from '../../canon/units.ts';
import { asArray, asCount, asObject } from '../read.ts';

/**
 * Counts as told here: what was cached stands beside the input. Hosts that count it into the input are known by their total, which is
 * then too small for the sum (UP-107).
 */
export function decodeUsage(wire: unknown): Usage | undefined {
  const usage = asObject(wire);
  if (!usage) return undefined;
  const said = asCount(usage.inputTokens) ?? 0;
  const output = asCount(usage.outputTokens) ?? 0;
  const read = asCount(usage.cacheReadInputTokens) ?? 0;
  const written = asCount(usage.cacheWriteInputTokens) ?? 0;
  const total = asCount(usage.totalTokens);
  const inside = total !== undefined && total < said + output + read + written;
  const input = inside ? Math.max(0, said - read - written) : said;
  const longer = (asArray(usage.cacheDetails) ?? []).reduce<number>((sum, one) => {
    const detail = asObject(one);
    return sum + (detail?.ttl === '1h' ? (asCount(detail.inputTokens) ?? 0) : 0);
  }, 0);
  const long = Math.min(longer, written);
  const counts = {
    input,
    'cache-read': read,
    'cache-write': written - long,
    'cache-write-1h': long,
    output,
  };
  return {
    counts: Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0)),
    estimated: false,
    raw: wire,
  };
}

export function encodeUsage(usage: Usage | undefined): Record<string, unknown> {
  const counts = usage?.counts ?? {};
  const read = counts['cache-read'] ?? 0;
  const short = counts['cache-write'] ?? 0;
  const long = counts['cache-write-1h'] ?? 0;
  const input = tokens(counts, 'input');
  const output = tokens(counts, 'output');
  return {
    inputTokens: input - read - short - long,
    outputTokens: output,
    totalTokens: input + output,
    ...(read > 0 && { cacheReadInputTokens: read }),
    ...(short + long > 0 && {
      cacheWriteInputTokens: short + long,
      cacheDetails: [
        { ttl: '5m', inputTokens: short },
        { ttl: '1h', inputTokens: long },
      ],
    }),
  };
}
