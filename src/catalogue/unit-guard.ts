import { parsePricePerMillion } from '../money/money.ts';

/** Yuan per dollar, roughly: the band in which a price in yuan that was entered as dollars lands. */
const YUAN = { low: 6.8, high: 7.4 };
/** Mistaken units are off by exactly a power of a thousand; real prices hardly ever are. */
const TOLERANCE = 0.01;

/**
 * Whether a price is suspiciously a thousand or a million times another one (`unit`), or the yuan rate (`currency`). Which of the two
 * is the wrong one is for the caller to say. Ratios are a heuristic, so a float may compute them; no price comes out of here.
 */
export function unitSuspicion(price: string, other: string): 'unit' | 'currency' | undefined {
  const [a, b] = [parsePricePerMillion(price), parsePricePerMillion(other)];
  if (a === undefined || b === undefined || a === 0n || b === 0n) return undefined;
  const ratio = a > b ? Number(a) / Number(b) : Number(b) / Number(a);
  if ([1_000, 1_000_000].some((factor) => Math.abs(ratio / factor - 1) <= TOLERANCE)) return 'unit';
  return ratio >= YUAN.low && ratio <= YUAN.high ? 'currency' : undefined;
}

/** Whether one price is more than `factor` times the other; to zero and from zero always counts. */
export function moreThanFold(factor: bigint, price: string, other: string): boolean {
  const [a, b] = [parsePricePerMillion(price), parsePricePerMillion(other)];
  if (a === undefined || b === undefined || a === b) return false;
  if (a === 0n || b === 0n) return true;
  return a > b ? a > factor * b : b > factor * a;
}
