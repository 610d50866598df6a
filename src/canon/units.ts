/**
 * Everything that can be billed, one row each. Units are disjoint: a cached prompt token is counted under `cache-read` and
 * nowhere else, so a price is a plain sum over the table.
 *
 * - `pricing`: its key in OpenRouter's pricing object (USD per unit, decimal strings)
 * - `fallback`: whose price holds where the unit has none of its own (spec/platform 5); without one it is free
 * - `counts`: what one unit is; only `token` rows take part in token totals
 */
interface UnitRow {
  readonly direction: 'input' | 'output' | 'none';
  readonly counts: 'token' | 'image' | 'second' | 'page' | 'request' | 'search';
  readonly pricing: string;
  readonly fallback: string | undefined;
  readonly label: string;
}

export const UNITS = {
  input: { direction: 'input', counts: 'token', pricing: 'prompt', fallback: undefined, label: 'Input tokens' },
  'cache-read': {
    direction: 'input',
    counts: 'token',
    pricing: 'input_cache_read',
    fallback: 'input',
    label: 'Cached input tokens, read',
  },
  'cache-write': {
    direction: 'input',
    counts: 'token',
    pricing: 'input_cache_write',
    fallback: 'input',
    label: 'Cached input tokens, written (5 min)',
  },
  'cache-write-1h': {
    direction: 'input',
    counts: 'token',
    pricing: 'input_cache_write_1h',
    fallback: 'cache-write',
    label: 'Cached input tokens, written (1 h)',
  },
  'input-audio': {
    direction: 'input',
    counts: 'token',
    pricing: 'audio',
    fallback: 'input',
    label: 'Audio input tokens',
  },
  'input-audio-cache': {
    direction: 'input',
    counts: 'token',
    pricing: 'input_audio_cache',
    fallback: 'cache-read',
    label: 'Cached audio input tokens',
  },
  'input-image-token': {
    direction: 'input',
    counts: 'token',
    pricing: 'image_token',
    fallback: 'input',
    label: 'Image input tokens',
  },
  'input-audio-second': {
    direction: 'input',
    counts: 'second',
    pricing: 'audio_second',
    fallback: undefined,
    label: 'Seconds of audio input',
  },
  page: { direction: 'input', counts: 'page', pricing: 'page', fallback: undefined, label: 'Pages read' },
  image: { direction: 'input', counts: 'image', pricing: 'image', fallback: undefined, label: 'Input images' },
  output: { direction: 'output', counts: 'token', pricing: 'completion', fallback: undefined, label: 'Output tokens' },
  reasoning: {
    direction: 'output',
    counts: 'token',
    pricing: 'internal_reasoning',
    fallback: 'output',
    label: 'Reasoning tokens',
  },
  'output-audio': {
    direction: 'output',
    counts: 'token',
    pricing: 'audio_output',
    fallback: 'output',
    label: 'Audio output tokens',
  },
  'output-image': {
    direction: 'output',
    counts: 'image',
    pricing: 'image_output',
    fallback: undefined,
    label: 'Output images',
  },
  request: { direction: 'none', counts: 'request', pricing: 'request', fallback: undefined, label: 'Requests' },
  'web-search': {
    direction: 'none',
    counts: 'search',
    pricing: 'web_search',
    fallback: undefined,
    label: 'Web searches',
  },
} as const satisfies Record<string, UnitRow>;

export type Unit = keyof typeof UNITS;

export const UNIT_IDS = Object.keys(UNITS) as readonly Unit[];

/** Counts by unit. An absent unit is zero. */
export type Counts = { readonly [U in Unit]?: number };

export interface Usage {
  readonly counts: Counts;
  /** True where we counted ourselves because the provider did not say. */
  readonly estimated: boolean;
  /** The provider's own usage object, kept for audits (UP-113). */
  readonly raw?: unknown;
  /** What the provider says it charged, in USD, where it says so. */
  readonly reportedCostUsd?: number;
}

/** The sum of all token units in one direction: the number a wire form calls prompt or completion tokens. */
export function tokens(counts: Counts, direction: 'input' | 'output'): number {
  let sum = 0;
  for (const unit of UNIT_IDS) {
    const row = UNITS[unit];
    if (row.direction === direction && row.counts === 'token') sum += counts[unit] ?? 0;
  }
  return sum;
}
