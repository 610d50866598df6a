import { UNIT_IDS, UNITS, type Unit } from '../canon/units.ts';
import { parseFactor, parseUnitPrice, scaledPrice } from '../money/money.ts';
import type { Endpoint, PriceWindow, RateOverride } from './types.ts';

type Prices = { readonly [key: string]: unknown };

/** OpenRouter's pricing object: decimal strings in USD for one unit; `-1` stands for a price that nobody can tell beforehand. */
export interface PricingObject extends Prices {
  /** Every price is to be taken times one less this; a negative one is a markup. */
  readonly discount?: number | undefined;
  readonly overrides?: readonly PricingOverride[] | undefined;
}

interface PricingOverride extends Prices {
  readonly min_prompt_tokens?: number | undefined;
  /** `HHMM` as a number. */
  readonly utc_start?: number | undefined;
  readonly utc_end?: number | undefined;
  readonly utc_days?: readonly number[] | undefined;
  readonly utc_except?: readonly string[] | undefined;
  readonly service_tier?: string | undefined;
}

/** Prices are not known beforehand. */
const UNKNOWN = '-1';

/** @throws RangeError naming the key that is no price */
export function readPricing(pricing: PricingObject): Pick<Endpoint, 'rates' | 'overrides' | 'priceState'> {
  const factor = factorOf(pricing.discount);
  const rates = ratesOf(pricing, factor, '');
  const overrides = (pricing.overrides ?? []).map((override, index) =>
    overrideOf(override, factor, `overrides.${index}.`),
  );
  const unknown = pricing.prompt === UNKNOWN || pricing.completion === UNKNOWN;
  return {
    rates,
    ...(overrides.length > 0 && { overrides }),
    priceState: unknown ? 'not_sourced' : 'listed',
  };
}

function factorOf(discount: number | undefined): bigint | undefined {
  if (discount === undefined || discount === 0) return undefined;
  // Nine decimals are more than any discount has, and take off what the subtraction added.
  return parseFactor((1 - discount).toFixed(9));
}

function ratesOf(prices: Prices, factor: bigint | undefined, at: string): { readonly [U in Unit]?: string } {
  const rates: { [U in Unit]?: string } = {};
  for (const unit of UNIT_IDS) {
    const key = UNITS[unit].pricing;
    const text = prices[key];
    if (text === undefined || text === null || text === UNKNOWN) continue;
    const pico = typeof text === 'string' ? parseUnitPrice(text) : undefined;
    if (pico === undefined || pico < 0n) throw new RangeError(`${at}${key} is not a price`);
    // A literal zero does not make reasoning free: it then costs what other output costs (spec/platform 5).
    if (unit === 'reasoning' && pico === 0n) continue;
    rates[unit] = (factor === undefined ? pico : scaledPrice(pico, factor)).toString();
  }
  return rates;
}

function overrideOf(override: PricingOverride, factor: bigint | undefined, at: string): RateOverride {
  const { min_prompt_tokens: minPromptTokens, service_tier: tier } = override;
  const utc = windowOf(override, at);
  return {
    ...(minPromptTokens !== undefined && { minPromptTokens }),
    ...(tier !== undefined && { tier }),
    ...(utc && { utc }),
    rates: ratesOf(override, factor, at),
  };
}

function windowOf({ utc_start, utc_end, utc_days, utc_except }: PricingOverride, at: string): PriceWindow | undefined {
  const whole = utc_start === undefined && utc_end === undefined;
  if (whole && utc_days === undefined && utc_except === undefined) return undefined;
  if (!whole && (utc_start === undefined || utc_end === undefined))
    throw new RangeError(`${at}utc_start and utc_end belong together`);
  const hhmm = (clock: number): string => String(clock).padStart(4, '0');
  return {
    start: hhmm(utc_start ?? 0),
    end: hhmm(utc_end ?? 2400),
    ...(utc_days && { days: utc_days }),
    ...(utc_except && { except: utc_except }),
  };
}
