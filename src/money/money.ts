/**
 * Exact amounts. A bill is a sum of `quantity × unit price`, kept in integers from the first digit to the last.
 *
 * - amounts are nano-dollars (10⁻⁹ USD) in a branded `bigint`: int64 in a store reaches ±9.2 billion USD;
 * - unit prices are pico-dollars (10⁻¹² USD) per unit, so that 0.0001 USD per million tokens is still an integer.
 */

declare const brand: unique symbol;
type Brand<T, Name extends string> = T & { readonly [brand]: Name };

/** An amount of money: 10⁻⁹ USD. */
export type Nanodollars = Brand<bigint, 'Nanodollars'>;

/** The price of one unit (token, image, request …): 10⁻¹² USD. */
export type PicodollarsPerUnit = Brand<bigint, 'PicodollarsPerUnit'>;

/** One line of a bill: how many units at which price. */
export interface PricedQuantity {
  readonly quantity: number;
  readonly price: PicodollarsPerUnit;
}

const DECIMAL = /^([+-]?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,3}))?$/;
const INT64_MAX = 9_223_372_036_854_775_807n;

/** Reads a decimal string as an integer scaled by 10^scale; undefined when it is no number, too large, or too fine. */
function scaled(text: string, scale: number): bigint | undefined {
  const match = DECIMAL.exec(text.trim());
  if (!match) return undefined;
  const [, sign = '', whole = '0', fraction = '', exponent = '0'] = match;
  const digits = `${whole}${fraction}`;
  const shift = scale - fraction.length + Number(exponent);
  let value: bigint;
  if (shift >= 0) {
    if (shift > 40) return undefined;
    value = BigInt(digits) * 10n ** BigInt(shift);
  } else {
    const cut = -shift;
    const padded = digits.padStart(cut + 1, '0');
    if (/[1-9]/.test(padded.slice(padded.length - cut))) return undefined;
    value = BigInt(padded.slice(0, padded.length - cut));
  }
  if (value > INT64_MAX) return undefined;
  return sign === '-' ? -value : value;
}

/** An amount from nano-dollars; the one door for a `bigint` that is already in this unit (a store's column). */
export const nanodollars = (value: bigint): Nanodollars => value as Nanodollars;

/** A unit price from pico-dollars; the one door for a `bigint` that is already in this unit. */
export const picodollarsPerUnit = (value: bigint): PicodollarsPerUnit => value as PicodollarsPerUnit;

export const ZERO = nanodollars(0n);

/** `"12.34"` USD → nano-dollars; undefined if it is no decimal number or finer than a nano-dollar. */
export function parseUsd(text: string): Nanodollars | undefined {
  return scaled(text, 9) as Nanodollars | undefined;
}

/** `"0.00000015"` USD per unit → pico-dollars per unit; undefined if it is no decimal number or finer than that. */
export function parseUnitPrice(text: string): PicodollarsPerUnit | undefined {
  return scaled(text, 12) as PicodollarsPerUnit | undefined;
}

/** `"0.15"` USD per million units → pico-dollars per unit. */
export function parsePricePerMillion(text: string): PicodollarsPerUnit | undefined {
  return scaled(text, 6) as PicodollarsPerUnit | undefined;
}

/** Plain decimal notation of an integer scaled by 10^scale, without trailing zeros and never with an exponent. */
function decimal(value: bigint, scale: number): string {
  const negative = value < 0n;
  const digits = (negative ? -value : value).toString().padStart(scale + 1, '0');
  const whole = digits.slice(0, digits.length - scale);
  const fraction = digits.slice(digits.length - scale).replace(/0+$/, '');
  return `${negative ? '-' : ''}${whole}${fraction === '' ? '' : `.${fraction}`}`;
}

/** Exact USD as a decimal string: 1_500_000_000n → `"1.5"`. */
export const formatUsd = (amount: Nanodollars): string => decimal(amount, 9);

/** Exact USD per unit as a decimal string: 150_000n → `"0.00000015"` (the form of OpenRouter's pricing object). */
export const formatUnitPrice = (price: PicodollarsPerUnit): string => decimal(price, 12);

/** Exact USD per million units as a decimal string: 150_000n → `"0.15"`. */
export const formatPricePerMillion = (price: PicodollarsPerUnit): string => decimal(price, 6);

/**
 * The nearest JSON number, for wire forms that demand one; never the basis of a calculation. Both numbers of the division are exact up to
 * 2⁵³, so its one rounding is that of the decimal notation.
 */
export function usdNumber(amount: Nanodollars): number {
  const nano = Number(amount);
  return Number.isSafeInteger(nano) ? nano / 1e9 : Number(decimal(amount, 9));
}

export const add = (a: Nanodollars, b: Nanodollars): Nanodollars => (a + b) as Nanodollars;
export const subtract = (a: Nanodollars, b: Nanodollars): Nanodollars => (a - b) as Nanodollars;
export const smaller = (a: Nanodollars, b: Nanodollars): Nanodollars => (a < b ? a : b);
export const larger = (a: Nanodollars, b: Nanodollars): Nanodollars => (a > b ? a : b);

/** Pico-dollars → nano-dollars, rounded once, half to even. */
export function roundToNano(pico: bigint): Nanodollars {
  const negative = pico < 0n;
  const value = negative ? -pico : pico;
  const whole = value / 1000n;
  const rest = value % 1000n;
  const up = rest > 500n || (rest === 500n && whole % 2n === 1n);
  const rounded = up ? whole + 1n : whole;
  return (negative ? -rounded : rounded) as Nanodollars;
}

/** Rounds up, for amounts that are reserved rather than charged. */
export function roundUpToNano(pico: bigint): Nanodollars {
  return ((pico + 999n) / 1000n) as Nanodollars;
}

/** A factor like `0.5` or `1.1`, in billionths; undefined if it is no such number, or negative. */
export function parseFactor(text: string): bigint | undefined {
  const billionths = scaled(text, 9);
  return billionths === undefined || billionths < 0n ? undefined : billionths;
}

/** A unit price times a factor in billionths, rounded once, half to even, to the smallest price there is. */
export function scaledPrice(price: PicodollarsPerUnit, billionths: bigint): PicodollarsPerUnit {
  const product = price * billionths;
  const whole = product / 1_000_000_000n;
  const rest = product % 1_000_000_000n;
  const up = rest > 500_000_000n || (rest === 500_000_000n && whole % 2n === 1n);
  return picodollarsPerUnit(up ? whole + 1n : whole);
}

/** Quantity × unit price in pico-dollars. Quantities are whole, non-negative counts. */
export const times = (line: PricedQuantity): bigint => BigInt(line.quantity) * line.price;

/** What a bill comes to: the exact sum of its lines, rounded once to the nano-dollar. */
export function total(lines: readonly PricedQuantity[]): Nanodollars {
  let pico = 0n;
  for (const line of lines) pico += times(line);
  return roundToNano(pico);
}
