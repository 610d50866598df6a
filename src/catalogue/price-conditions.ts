import { UNITS, type Unit } from '../canon/units.ts';
import { formatPricePerMillion, parsePricePerMillion, picodollarsPerUnit } from '../money/money.ts';
import { normalAmount } from './decimal-text.ts';
import type { RateOverride } from './types.ts';

/** Prices in USD per million units, as decimal strings. */
export type Prices = { readonly [U in Unit]?: string };

export interface PriceCondition {
  readonly minPromptTokens?: number;
  readonly utc?: { readonly start: string; readonly end: string };
  readonly prices: Prices;
}

/**
 * A condition as one line of a fact, readable and exact: `prompt > 200000: input 6, output 22.5` or `utc 0100-0400: input 0.44`.
 */
export function formatCondition({ minPromptTokens, utc, prices }: PriceCondition): string {
  const when = [
    ...(minPromptTokens === undefined ? [] : [`prompt > ${minPromptTokens}`]),
    ...(utc ? [`utc ${utc.start}-${utc.end}`] : []),
  ];
  const what = Object.entries(prices).map(([unit, price]) => `${unit} ${price}`);
  return `${when.join(', ')}: ${what.join(', ')}`;
}

/** The other way round; undefined for a line of another form. */
export function parseCondition(line: string): PriceCondition | undefined {
  const match = /^(?:prompt > (\d+))?(?:, )?(?:utc (\d{4})-(\d{4}))?: (.+)$/.exec(line);
  const [, tokens, start, end, list] = match ?? [];
  if (list === undefined || (tokens === undefined && start === undefined)) return undefined;
  const prices: { [U in Unit]?: string } = {};
  for (const entry of list.split(', ')) {
    const [unit = '', price = ''] = entry.split(' ');
    if (!isUnit(unit) || normalAmount(price) === undefined) return undefined;
    prices[unit] = price;
  }
  return {
    ...(tokens === undefined ? {} : { minPromptTokens: Number(tokens) }),
    ...(start === undefined || end === undefined ? {} : { utc: { start, end } }),
    prices,
  };
}

/** The form that the meter reads: pico-dollars per unit. */
export function overrideOf({ prices, ...when }: PriceCondition): RateOverride {
  return { ...when, rates: ratesOf(prices) };
}

/** USD per million units → pico-dollars per unit, both as decimal strings; a price that is no amount is left out. */
export function ratesOf(prices: Prices): { readonly [U in Unit]?: string } {
  const rates: { [U in Unit]?: string } = {};
  for (const [unit, price] of Object.entries(prices)) {
    const pico = parsePricePerMillion(price);
    if (isUnit(unit) && pico !== undefined) rates[unit] = pico.toString();
  }
  return rates;
}

/** Dollars per thousand → dollars per million, exactly. */
export function perMillion(perThousand: string): string | undefined {
  const pico = parsePricePerMillion(perThousand);
  return pico === undefined ? undefined : formatPricePerMillion(picodollarsPerUnit(pico * 1000n));
}

export const isUnit = (name: string): name is Unit => Object.hasOwn(UNITS, name);
