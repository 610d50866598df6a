import { UNIT_IDS, UNITS, type Unit } from '../canon/units.ts';
import { type PicodollarsPerUnit, parseFactor, picodollarsPerUnit, scaledPrice } from '../money/money.ts';
import type { Endpoint, PriceWindow, RateOverride } from './types.ts';

/** Prices by unit, ready to multiply. */
export type Rates = ReadonlyMap<Unit, PicodollarsPerUnit>;

/** What the price of one request may depend on. */
export interface Occasion {
  /** The whole prompt, cached tokens included. */
  readonly promptTokens: number;
  /** When the request was accepted, milliseconds since 1970. */
  readonly at: number;
  /** The service tier that served, where the provider named one. */
  readonly tier?: string | undefined;
}

export function readRates(texts: Endpoint['rates']): Rates {
  const rates = new Map<Unit, PicodollarsPerUnit>();
  for (const [unit, pico] of Object.entries(texts)) {
    if (unit in UNITS) rates.set(unit as Unit, picodollarsPerUnit(BigInt(pico)));
  }
  return rates;
}

/** The price of one unit at these rates, after the unit table's fallbacks; free where nothing says otherwise (spec/platform 5). */
export function unitPrice(rates: Rates, unit: Unit): PicodollarsPerUnit {
  const own = rates.get(unit);
  if (own !== undefined) return own;
  const { fallback } = UNITS[unit];
  return fallback === undefined ? picodollarsPerUnit(0n) : unitPrice(rates, fallback);
}

/** The rates that an override names or changes, and no others. */
export function ratesUnder(base: Rates, override: RateOverride): Rates {
  return new Map(
    [...after(base, override)].filter(([unit, rate]) => unit in override.rates || rate !== base.get(unit)),
  );
}

/** Rates after one override: first the factor on all that is no flat fee, then the rates it names. */
function after(rates: Rates, { times, rates: named }: RateOverride): Rates {
  const changed = new Map(rates);
  const factor = times === undefined ? undefined : parseFactor(times);
  if (factor !== undefined)
    for (const [unit, rate] of rates)
      if (UNITS[unit].direction !== 'none') changed.set(unit, scaledPrice(rate, factor));
  for (const [unit, rate] of readRates(named)) changed.set(unit, rate);
  return changed;
}

/**
 * Base rates with every override whose conditions hold, in their order (spec/inference 0.5). They apply to all tokens of the request, not
 * only to those beyond a threshold.
 */
export function ratesOn(base: Rates, overrides: readonly RateOverride[] | undefined, occasion: Occasion): Rates {
  const holding = overrides?.filter((override) => holds(override, occasion)) ?? [];
  return holding.reduce(after, base);
}

/** The dearest each unit can get for a prompt of at most this size in this tier, whatever the hour: for reservations. */
export function worstRates(
  base: Rates,
  overrides: readonly RateOverride[] | undefined,
  { promptTokens, tier }: Pick<Occasion, 'promptTokens' | 'tier'>,
): Rates {
  if (!overrides) return base;
  let worst = base;
  for (const override of overrides) {
    if (!holdsFor(override, promptTokens, tier)) continue;
    const then = after(worst, override);
    const dearer = new Map(worst);
    for (const unit of UNIT_IDS) {
      const rate = then.get(unit);
      if (rate !== undefined && rate > unitPrice(worst, unit)) dearer.set(unit, rate);
    }
    worst = dearer;
  }
  return worst;
}

const holdsFor = ({ minPromptTokens, tier }: RateOverride, promptTokens: number, served: string | undefined): boolean =>
  (minPromptTokens === undefined || promptTokens > minPromptTokens) && (tier === undefined || tier === served);

function holds(override: RateOverride, { promptTokens, at, tier }: Occasion): boolean {
  return holdsFor(override, promptTokens, tier) && (override.utc === undefined || within(override.utc, at));
}

const DAY_MS = 86_400_000;

/** Half-open and by the minute; the hours after midnight of a window that wraps belong to the day before. */
function within({ start, end, days, except }: PriceWindow, at: number): boolean {
  const date = new Date(at);
  const now = date.getUTCHours() * 100 + date.getUTCMinutes();
  const [from, to] = [Number(start), Number(end)];
  const wraps = from > to;
  if (wraps ? now < from && now >= to : now < from || now >= to) return false;
  if (!days && !except) return true;
  const began = wraps && now < to ? new Date(at - DAY_MS) : date;
  if (days && !days.includes(began.getUTCDay() || 7)) return false;
  return !except?.includes(began.toISOString().slice(0, 10));
}
