import type { ParetoRouter } from '../../catalogue/routers.ts';
import { firstFitting } from './auto.ts';
import { type Choice, type Pooled, pooled, type RouteInput } from './pool.ts';

const HIGH = 0.66;
const MEDIUM = 0.33;

interface Scored extends Pooled {
  readonly score: number;
}

/**
 * A model for code, by score and price (spec/inference 5.9): the cheapest of the wanted third, or with `:nitro` the fastest; under a
 * ceiling the best on the frontier of price and score, then cheaper ones on it, then the others.
 * @param variants of the slug that was asked for
 */
export function choosePareto(table: ParetoRouter, variants: readonly string[], input: RouteInput): Choice {
  const settings = input.request.plugins?.[table.plugin] || {};
  const scores = new Map(table.model.map(({ id, score }) => [input.snapshot.model(id)?.id ?? id, score]));
  const scored = pooled(input).flatMap((one): Scored[] => {
    const score = scores.get(one.model.id);
    return score === undefined || !input.fits(one.model.id) ? [] : [{ ...one, score }];
  });
  const { max_price: ceiling, min_coding_score: wanted, price_source: source } = settings;
  const priceOf = source === 'weighted_avg' ? (one: Scored) => one.price : (one: Scored) => one.promptPrice;
  const order =
    ceiling === undefined || ceiling === null
      ? inThird(scored, wanted ?? HIGH).sort(variants.includes('nitro') ? fastest(input) : cheapest(priceOf))
      : under(scored, ceiling, priceOf);
  return {
    slugs: firstFitting(
      order.map(({ model }) => model.id),
      input,
    ),
    othersWhenIll: true,
  };
}

const THIRDS: readonly ((score: number) => boolean)[] = [
  (score) => score >= HIGH,
  (score) => score >= MEDIUM && score < HIGH,
  (score) => score < MEDIUM,
];
/** Where a third has nobody, its neighbours stand in: the better one first. */
const NEIGHBOURS: readonly (readonly number[])[] = [
  [0, 1, 2],
  [1, 0, 2],
  [2, 1, 0],
];

function inThird(scored: readonly Scored[], wanted: number): Scored[] {
  const third = wanted >= HIGH ? 0 : wanted >= MEDIUM ? 1 : 2;
  for (const index of NEIGHBOURS[third] ?? []) {
    const found = scored.filter(({ score }) => THIRDS[index]?.(score));
    if (found.length > 0) return found;
  }
  return [];
}

const byId = (a: Scored, b: Scored): number => (a.model.id < b.model.id ? -1 : 1);

const cheapest =
  (priceOf: (one: Scored) => number) =>
  (a: Scored, b: Scored): number =>
    priceOf(a) - priceOf(b) || b.score - a.score || byId(a, b);

const fastest = ({ standing }: RouteInput): ((a: Scored, b: Scored) => number) => {
  const speeds = new Map<string, number>();
  const speedOf = ({ model, hosts }: Scored): number => {
    let speed = speeds.get(model.id);
    if (speed === undefined) {
      speed = Math.max(...hosts.map(({ endpoint }) => standing(endpoint.id).throughput?.p50 ?? 0));
      speeds.set(model.id, speed);
    }
    return speed;
  };
  return (a, b) => speedOf(b) - speedOf(a) || a.promptPrice - b.promptPrice || byId(a, b);
};

/** At or under the ceiling: the frontier from its best down to its cheapest, then those that a cheaper one beats. */
function under(scored: readonly Scored[], ceiling: number, priceOf: (one: Scored) => number): readonly Scored[] {
  const within = scored.filter((one) => priceOf(one) <= ceiling);
  const beaten = (one: Scored): boolean =>
    within.some(
      (other) =>
        (priceOf(other) <= priceOf(one) && other.score > one.score) ||
        (priceOf(other) < priceOf(one) && other.score >= one.score),
    );
  const best = (a: Scored, b: Scored): number => b.score - a.score || priceOf(a) - priceOf(b) || byId(a, b);
  return [...within.filter((one) => !beaten(one)).sort(best), ...within.filter(beaten).sort(best)];
}
