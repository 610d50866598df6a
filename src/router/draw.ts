import { seededRandom } from '../canon/clock.ts';
import { type Rates, unitPrice } from '../catalogue/rates.ts';

const blended = new WeakMap<Rates, number>();

/**
 * USD per million tokens, three parts prompt to one part completion: what the draw and a price sort compare. A set of rates never
 * changes, so its price is worked out once.
 */
export function blendedPrice(rates: Rates): number {
  let price = blended.get(rates);
  if (price === undefined) {
    price = (0.75 * Number(unitPrice(rates, 'input')) + 0.25 * Number(unitPrice(rates, 'output'))) / 1e6;
    blended.set(rates, price);
  }
  return price;
}

const FREE_PRICE = 0.001;

/** What the draw looks at. */
interface Ticket {
  readonly price: number;
  readonly standing: { readonly weight: number };
}

interface Drawn {
  readonly index: number;
  /** The chance it had, of 1. */
  readonly chance: number;
}

/**
 * Draws one of the first `count` hosts with a probability proportional to 1 / price² and to its share of its usual weight. A free or
 * trial host weighs as much as its cheapest priced sibling, so that every host gets traffic.
 */
export function draw(hosts: readonly Ticket[], count: number, seed: number): Drawn {
  let floor = Number.POSITIVE_INFINITY;
  for (let i = 0; i < count; i++) {
    const { price } = hosts[i] as Ticket;
    if (price > 0 && price < floor) floor = price;
  }
  if (floor === Number.POSITIVE_INFINITY) floor = FREE_PRICE;
  let total = 0;
  for (let i = 0; i < count; i++) total += weightOf(hosts[i] as Ticket, floor);
  let left = seededRandom(seed)() * total;
  for (let i = 0; i < count; i++) {
    const weight = weightOf(hosts[i] as Ticket, floor);
    left -= weight;
    if (left < 0) return { index: i, chance: weight / total };
  }
  return { index: 0, chance: 1 };
}

const weightOf = ({ price, standing }: Ticket, floor: number): number =>
  standing.weight / (price > 0 ? price : floor) ** 2;
