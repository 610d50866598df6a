import { UNITS, type Unit } from '../canon/units.ts';
import { formatPricePerMillion, parseFactor, parsePricePerMillion, picodollarsPerUnit } from '../money/money.ts';
import { normalAmount } from './decimal-text.ts';
import type { PriceCircumstances, PriceWindow, RateOverride } from './types.ts';

/** Prices in USD per million units, as decimal strings. */
export type Prices = { readonly [U in Unit]?: string };

export interface PriceCondition extends PriceCircumstances {
  /** A factor on all prices but flat fees. */
  readonly times?: string;
  readonly prices: Prices;
}

const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;

const windowText = ({ start, end, days, except }: PriceWindow): string =>
  [
    `utc ${start}-${end}`,
    ...(days ? [days.map((day) => DAYS[day - 1]).join('/')] : []),
    ...(except ? [`except ${except.join('/')}`] : []),
  ].join(' ');

/**
 * A condition as one line of a fact, readable and exact: `prompt > 200000: input 6, output 22.5`, `tier flex: times 0.5` or
 * `utc 0100-0400 mon/tue except 2026-10-01: input 0.44`.
 */
export function formatCondition({ minPromptTokens, tier, utc, times, prices }: PriceCondition): string {
  const when = [
    ...(minPromptTokens === undefined ? [] : [`prompt > ${minPromptTokens}`]),
    ...(tier === undefined ? [] : [`tier ${tier}`]),
    ...(utc ? [windowText(utc)] : []),
  ];
  const what = [
    ...(times === undefined ? [] : [`times ${times}`]),
    ...Object.entries(prices).map(([unit, price]) => `${unit} ${price}`),
  ];
  return `${when.join(', ')}: ${what.join(', ')}`;
}

const LINE =
  /^(?:prompt > (?<tokens>\d+))?(?:(?:^|, )tier (?<tier>[\w.-]+))?(?:(?:^|, )utc (?<start>\d{4})-(?<end>\d{4})(?: (?<days>[a-z]{3}(?:\/[a-z]{3})*))?(?: except (?<except>\d{4}-\d\d-\d\d(?:\/\d{4}-\d\d-\d\d)*))?)?: (?<what>.+)$/;

/** The other way round; undefined for a line of another form. */
export function parseCondition(line: string): PriceCondition | undefined {
  const { tokens, tier, start, end, days, except, what } = LINE.exec(line)?.groups ?? {};
  if (what === undefined || (tokens === undefined && tier === undefined && start === undefined)) return undefined;
  const numbers = days?.split('/').map((day) => (DAYS as readonly string[]).indexOf(day) + 1);
  if (numbers?.includes(0)) return undefined;
  const prices: { [U in Unit]?: string } = {};
  let times: string | undefined;
  for (const entry of what.split(', ')) {
    const [unit = '', price = ''] = entry.split(' ');
    if (unit === 'times' && times === undefined && parseFactor(price) !== undefined) times = price;
    else if (isUnit(unit) && normalAmount(price) !== undefined) prices[unit] = price;
    else return undefined;
  }
  const window = start === undefined || end === undefined ? undefined : { start, end };
  return {
    ...(tokens === undefined ? {} : { minPromptTokens: Number(tokens) }),
    ...(tier === undefined ? {} : { tier }),
    ...(window && {
      utc: { ...window, ...(numbers && { days: numbers }), ...(except !== undefined && { except: except.split('/') }) },
    }),
    ...(times === undefined ? {} : { times }),
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
