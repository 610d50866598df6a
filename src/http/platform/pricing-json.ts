import { UNIT_IDS, UNITS } from '../../canon/units.ts';
import { type Rates, ratesUnder, unitPrice } from '../../catalogue/rates.ts';
import type { Endpoint, RateOverride } from '../../catalogue/types.ts';
import { formatUnitPrice } from '../../money/money.ts';

/**
 * OpenRouter's pricing object: decimal strings in USD for one unit; what is not billed separately has no key (spec/platform 4.2). Prices
 * of service tiers are left out: the object has no word for them, and they would be taken for prices that always hold.
 */
export function pricingJson(rates: Rates, overrides: Endpoint['overrides'] = []): Record<string, unknown> {
  const pricing: Record<string, unknown> = {
    prompt: formatUnitPrice(unitPrice(rates, 'input')),
    completion: formatUnitPrice(unitPrice(rates, 'output')),
    ...named(rates),
  };
  const always = overrides.filter(({ tier }) => tier === undefined);
  if (always.length > 0) pricing.overrides = always.map((override) => overrideJson(rates, override));
  return pricing;
}

function named(rates: Rates): Record<string, string> {
  return Object.fromEntries(
    UNIT_IDS.flatMap((unit) => {
      const rate = rates.get(unit);
      return rate === undefined ? [] : [[UNITS[unit].pricing, formatUnitPrice(rate)]];
    }),
  );
}

function overrideJson(base: Rates, override: RateOverride): Record<string, unknown> {
  const { minPromptTokens, utc } = override;
  return {
    ...(minPromptTokens !== undefined && { min_prompt_tokens: minPromptTokens }),
    ...(utc && { utc_start: Number(utc.start), utc_end: Number(utc.end) }),
    ...(utc?.days && { utc_days: utc.days }),
    ...(utc?.except && { utc_except: utc.except }),
    ...named(ratesUnder(base, override)),
  };
}
