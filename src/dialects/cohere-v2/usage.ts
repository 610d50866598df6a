import { tokens, type Usage } from '../../canon/units.ts';
import { asCount, asNumber, asObject } from '../read.ts';

/** `tokens` is what was processed and what we meter; `billed_units` leaves the template out and stays with the raw object (UP-110). */
export function decodeUsage(wire: unknown): Usage | undefined {
  const usage = asObject(wire);
  const counted = asObject(usage?.tokens) ?? asObject(usage?.billed_units);
  if (!usage || !counted) return undefined;
  const input = asCount(counted.input_tokens) ?? 0;
  const output = asCount(counted.output_tokens) ?? 0;
  const cached = Math.min(asCount(usage.cached_tokens) ?? 0, input);
  const searches = asNumber(asObject(usage.billed_units)?.search_units) ?? 0;
  return {
    counts: {
      ...(input > cached && { input: input - cached }),
      ...(cached > 0 && { 'cache-read': cached }),
      ...(output > 0 && { output }),
      ...(searches > 0 && { 'web-search': Math.ceil(searches) }),
    },
    estimated: false,
    raw: wire,
  };
}

export function encodeUsage(usage: Usage | undefined): Record<string, unknown> {
  const counts = usage?.counts ?? {};
  const told = { input_tokens: tokens(counts, 'input'), output_tokens: tokens(counts, 'output') };
  const cached = counts['cache-read'] ?? 0;
  const searches = counts['web-search'] ?? 0;
  return {
    billed_units: { ...told, ...(searches > 0 && { search_units: searches }) },
    tokens: told,
    ...(cached > 0 && { cached_tokens: cached }),
  };
}
