import type { State } from '../catalogue/types.ts';

/** One text per figure, everywhere (REF-053): at least two decimals, more where the price has them, never rounded. */
export function usd(perMillion: string): string {
  const [whole = '0', fraction = ''] = perMillion.split('.');
  const trimmed = fraction.replace(/0+$/, '').padEnd(2, '0');
  return `$${whole.replace(/\B(?=(\d{3})+$)/g, ',')}.${trimmed}`;
}

/** Pico-dollars per token as USD per million tokens. */
export function perMillion(pico: string): string {
  const digits = pico.padStart(7, '0');
  return `${digits.slice(0, -6)}.${digits.slice(-6)}`.replace(/0+$/, '').replace(/\.$/, '');
}

export const count = (value: number): string => value.toLocaleString('en-US');

/** The chip of each state (spec/reference-site A2). */
export const STATE_WORDS: Readonly<Record<State, string>> = {
  listed: 'Listed',
  free: 'Free',
  trial_quota: 'Free trial quota',
  plan_included: 'Included in plan',
  local: 'Own machine',
  gpu_hour: 'Billed by GPU hour',
  contact: 'On request',
  not_offered: 'Not offered',
  not_applicable: 'Not applicable',
  not_sourced: 'Not sourced',
  disputed: 'Disputed',
  stale: 'Stale',
  retired: 'Retired',
};

/** What each rule of the resolver means, in words. */
export const RULE_WORDS: Readonly<Record<string, string>> = {
  'only-word': 'All sources that speak of this agree.',
  'same-thing': 'Sources that speak of something else were set aside.',
  'closest-to-invoice': 'The source closest to the invoice wins.',
  'later-look': 'The latest look wins.',
  'second-look': 'A new figure waits until a second look confirms it.',
  'unit-guard': 'A figure in a wrong unit was set aside.',
  unsettled: 'Sources differ and no rule settles it.',
  decision: 'Decided by hand, with a reason.',
};

export const CONFLICT_WORDS: Readonly<Record<string, string>> = {
  alias_moved: 'of an alias that has moved since',
  snapshot_lost: 'of another snapshot',
  region_or_tier: 'of another region or tier',
  time_window: 'of another hour',
  currency: 'in another currency',
  unit: 'in another unit',
  route_price_moved: 'a price that has moved',
  stale: 'out of date',
  wrong_identity: 'of another model',
  decimal_vs_binary: 'decimal or binary thousands',
  scope_model_vs_host: 'of the model or of another host',
  typo: 'a typing mistake',
  unknown: 'reason unknown',
};

export const DELIVERY_WORDS: Readonly<Record<string, string>> = {
  serverless: 'Serverless',
  dedicated: 'Dedicated',
  gpu_hour: 'GPU hours',
  plan: 'Plan',
  local: 'Local',
};

export const pairPath = (model: string, provider: string): string => `/models/${model}/on/${provider}`;
export const modelPath = (model: string): string => `/models/${model}`;
export const providerPath = (provider: string): string => `/providers/${provider}`;
