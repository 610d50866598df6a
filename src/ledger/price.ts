import { type Counts, UNIT_IDS, UNITS, type Unit, type Usage } from '../canon/units.ts';
import { type Rates, unitPrice } from '../catalogue/rates.ts';
import {
  add,
  type Nanodollars,
  type PicodollarsPerUnit,
  roundToNano,
  roundUpToNano,
  subtract,
  times,
  total,
} from '../money/money.ts';

/** One line of a receipt: this many units at this price. */
interface ReceiptLine {
  readonly unit: Unit;
  readonly quantity: number;
  /** Pico-dollars per unit. */
  readonly price: PicodollarsPerUnit;
}

export interface Price {
  readonly lines: readonly ReceiptLine[];
  /** What an input token costs that is neither read from nor written to a cache. */
  readonly input: PicodollarsPerUnit;
  /** Σ quantity × price, rounded once. */
  readonly total: Nanodollars;
  /** The part of the total that input and flat fees make; the rest is output. */
  readonly prompt: Nanodollars;
  readonly completion: Nanodollars;
}

/** What a usage costs at these rates (spec/platform 5). Every generation also counts as one request. */
export function price(counts: Counts, rates: Rates): Price {
  const lines: ReceiptLine[] = [];
  for (const unit of UNIT_IDS) {
    const quantity = unit === 'request' ? (rates.has('request') ? 1 : 0) : (counts[unit] ?? 0);
    if (quantity > 0) lines.push({ unit, quantity, price: unitPrice(rates, unit) });
  }
  return priceOf(lines, unitPrice(rates, 'input'));
}

/** What an answer of several hosts costs: all lines, rounded once. The input price is the last host's. */
export function together(prices: readonly [...Price[], Price]): Price {
  const last = prices.at(-1) as Price;
  return priceOf(
    prices.flatMap(({ lines }) => lines),
    last.input,
  );
}

function priceOf(lines: readonly ReceiptLine[], input: PicodollarsPerUnit): Price {
  const sum = total(lines);
  let promptPico = 0n;
  for (const line of lines) if (UNITS[line.unit].direction !== 'output') promptPico += times(line);
  const prompt = roundToNano(promptPico);
  return { lines, input, total: sum, prompt, completion: subtract(sum, prompt) };
}

/** The most a request can cost at these rates, rounded up: every prompt token at the dearest input price there is. */
export function worstPrice(
  worst: { readonly promptTokens: number; readonly outputTokens: number; readonly images: number },
  rates: Rates,
): WorstPrice {
  const perPromptToken = dearest(rates, 'input');
  const prompt =
    BigInt(worst.promptTokens) * perPromptToken +
    BigInt(worst.images) * unitPrice(rates, 'image') +
    (rates.get('request') ?? 0n);
  const perOutputToken = dearest(rates, 'output');
  return {
    promptTokens: worst.promptTokens,
    perPromptToken,
    prompt: roundUpToNano(prompt),
    perOutputToken,
    total: roundUpToNano(prompt + BigInt(worst.outputTokens) * perOutputToken),
  };
}

export interface WorstPrice {
  readonly promptTokens: number;
  /** Pico-dollars. */
  readonly perPromptToken: bigint;
  readonly prompt: Nanodollars;
  /** Pico-dollars. */
  readonly perOutputToken: bigint;
  readonly total: Nanodollars;
}

export const dearer = (one: WorstPrice | undefined, other: WorstPrice): WorstPrice =>
  one && one.total >= other.total ? one : other;

/** The most that two hosts can cost for one request. */
export const both = (one: WorstPrice, other: WorstPrice): WorstPrice => ({
  ...one,
  prompt: add(one.prompt, other.prompt),
  total: add(one.total, other.total),
});

const dearestKnown = { input: new WeakMap<Rates, bigint>(), output: new WeakMap<Rates, bigint>() } as const;

/** A set of rates never changes, so its dearest token is looked for once. */
function dearest(rates: Rates, direction: 'input' | 'output'): bigint {
  const known = dearestKnown[direction].get(rates);
  if (known !== undefined) return known;
  let highest = 0n;
  for (const unit of UNIT_IDS) {
    const row = UNITS[unit];
    if (row.direction !== direction || row.counts !== 'token') continue;
    const rate = unitPrice(rates, unit);
    if (rate > highest) highest = rate;
  }
  dearestKnown[direction].set(rates, highest);
  return highest;
}

/**
 * Zero-completion insurance (spec/inference 5.14): an answer without output and without a finish reason, and one that ended in an
 * error, cost nothing, whatever the provider charged.
 */
export function waiver(usage: Usage | undefined, finish: string | undefined): 'failed' | 'empty' | undefined {
  if (finish === 'error') return 'failed';
  const produced = UNIT_IDS.some((unit) => UNITS[unit].direction === 'output' && (usage?.counts[unit] ?? 0) > 0);
  return finish === undefined && !produced ? 'empty' : undefined;
}
