import { UNIT_IDS, UNITS } from '../../canon/units.ts';
import { type Rates, unitPrice } from '../../catalogue/snapshot.ts';
import type { Endpoint } from '../../catalogue/types.ts';
import { formatUnitPrice, picodollarsPerUnit } from '../../money/money.ts';

/** OpenRouter's pricing object: decimal strings in USD for one unit; what is not billed separately has no key (spec/platform 4.2). */
export function pricingJson(rates: Rates, overrides: Endpoint['overrides'] = []): Record<string, unknown> {
  const pricing: Record<string, unknown> = {
    prompt: formatUnitPrice(unitPrice(rates, 'input')),
    completion: formatUnitPrice(unitPrice(rates, 'output')),
  };
  for (const unit of UNIT_IDS) {
    const rate = rates.get(unit);
    if (rate !== undefined) pricing[UNITS[unit].pricing] = formatUnitPrice(rate);
  }
  if (overrides.length > 0) pricing.overrides = overrides.map(overrideJson);
  return pricing;
}

function overrideJson({
  minPromptTokens,
  utc,
  rates,
}: NonNullable<Endpoint['overrides']>[number]): Record<string, unknown> {
  const entry: Record<string, unknown> = {
    ...(minPromptTokens !== undefined && { min_prompt_tokens: minPromptTokens }),
    ...(utc && { utc_start: Number(utc.start), utc_end: Number(utc.end) }),
  };
  for (const unit of UNIT_IDS) {
    const pico = rates[unit];
    if (pico !== undefined) entry[UNITS[unit].pricing] = formatUnitPrice(picodollarsPerUnit(BigInt(pico)));
  }
  return entry;
}
