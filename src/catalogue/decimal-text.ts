import { formatPricePerMillion, parsePricePerMillion } from '../money/money.ts';

/** Amounts finer than a pico-dollar per unit cannot be billed, so six decimals of a dollar per million units are all there is. */
const DECIMALS = 6;

interface DecimalText {
  readonly text: string;
  /** What the number looked like, where `text` is not exactly that. */
  readonly raw?: string;
}

/**
 * A JSON number of a source as an exact decimal string: its shortest notation, rounded half to even to the smallest price that can be
 * billed, which also takes off float noise (0.049999999999999996 is 0.05). Undefined for anything but a finite number of zero or more.
 */
export function decimalText(value: number): DecimalText | undefined {
  if (!Number.isFinite(value) || value < 0) return undefined;
  const raw = plain(String(value));
  const text = rounded(raw);
  return text === raw ? { text } : { text, raw };
}

/** Writes out an exponent and drops trailing zeros: `1e-7` → `0.0000001`. */
function plain(text: string): string {
  const [mantissa = '0', exponent = '0'] = text.split('e');
  const [whole = '0', fraction = ''] = mantissa.split('.');
  const shift = Number(exponent);
  const digits = `${whole}${fraction}`;
  const point = whole.length + shift;
  const padded = point > 0 ? digits.padEnd(point, '0') : `${'0'.repeat(1 - point)}${digits}`;
  const at = Math.max(point, 1);
  return trimmed(padded.slice(0, at), padded.slice(at));
}

function rounded(text: string): string {
  const [whole = '0', fraction = ''] = text.split('.');
  if (fraction.length <= DECIMALS) return text;
  const kept = BigInt(`${whole}${fraction.slice(0, DECIMALS)}`);
  const rest = fraction.slice(DECIMALS);
  const half = `5${'0'.repeat(rest.length - 1)}`;
  const up = rest > half || (rest === half && kept % 2n === 1n);
  const digits = (up ? kept + 1n : kept).toString().padStart(DECIMALS + 1, '0');
  return trimmed(digits.slice(0, -DECIMALS), digits.slice(-DECIMALS));
}

function trimmed(whole: string, fraction: string): string {
  const integer = whole.replace(/^0+(?=\d)/, '');
  const decimals = fraction.replace(/0+$/, '');
  return decimals === '' ? integer : `${integer}.${decimals}`;
}

/** A written amount in the one spelling that compares equal: `0.60` → `0.6`. Undefined for anything else. */
export function normalAmount(text: string): string | undefined {
  const pico = /^\d/.test(text) ? parsePricePerMillion(text) : undefined;
  return pico === undefined ? undefined : formatPricePerMillion(pico);
}
