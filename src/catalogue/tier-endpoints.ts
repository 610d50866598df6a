import { TIERS, type Tier } from '../canon/tiers.ts';
import { type Rates, ratesOn, readRates } from './rates.ts';
import { endpointIdOf } from './tags.ts';
import type { Endpoint, RateOverride } from './types.ts';

/**
 * The service tiers of an endpoint as endpoints of their own (spec/inference 5.11): one for each tier whose price is known and that the
 * host has a word for. A tier at a price that nobody knows is not sold here, because no bill could be written for it.
 * @param words what the host calls its tiers; undefined where nothing is known, and a price alone says that it sells one
 */
export function tierEndpoints(
  endpoint: Endpoint,
  words: Readonly<Record<string, string>> | undefined,
): readonly Endpoint[] {
  const { overrides } = endpoint;
  if (!overrides || endpoint.tier !== undefined || endpoint.retired) return [];
  return TIERS.filter(
    (tier) => overrides.some((one) => one.tier === tier) && (words === undefined || words[tier] !== undefined),
  ).map((tier) => inTier(endpoint, overrides, tier));
}

function inTier({ overrides: _, ...base }: Endpoint, overrides: readonly RateOverride[], tier: Tier): Endpoint {
  const left = withoutTier(overrides, tier);
  return {
    ...base,
    id: endpointIdOf({ ...base, tier }),
    tier,
    tierOf: base.id,
    rates: textsOf(ratesOn(readRates(base.rates), overrides.filter(isTierOnly), { promptTokens: 0, at: 0, tier })),
    ...(left.length > 0 && { overrides: left }),
  };
}

const isTierOnly = ({ tier, minPromptTokens, utc }: RateOverride): boolean =>
  tier !== undefined && minPromptTokens === undefined && utc === undefined;

/**
 * The other conditions, as they stand once the tier is the base: each that came before the tier's own price carries what that makes of
 * its rates, because overrides apply in order.
 */
function withoutTier(overrides: readonly RateOverride[], tier: Tier): readonly RateOverride[] {
  return overrides.flatMap((one, index) => {
    if (isTierOnly(one) || (one.tier !== undefined && one.tier !== tier)) return [];
    const { tier: _, ...condition } = one;
    const later = overrides.slice(index + 1).filter((other) => isTierOnly(other) && other.tier === tier);
    const rates = textsOf(ratesOn(readRates(one.rates), later, { promptTokens: 0, at: 0, tier }));
    return [{ ...condition, rates }];
  });
}

const textsOf = (rates: Rates): Endpoint['rates'] =>
  Object.fromEntries([...rates].map(([unit, pico]) => [unit, pico.toString()]));
