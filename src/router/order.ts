import { seededRandom } from '../canon/clock.ts';
import type { Preferences } from '../canon/preferences.ts';
import { type Rates, unitPrice } from '../catalogue/rates.ts';
import type { Host, Snapshot } from '../catalogue/snapshot.ts';
import type { Rejection } from './candidate.ts';
import { means } from './rules.ts';
import type { Standing } from './standing.ts';

interface Priced {
  readonly host: Host;
  /** USD per million tokens, three parts prompt to one part completion: what the draw and a price sort compare. */
  readonly price: number;
  readonly outage: boolean;
}

export interface OrderInput {
  readonly hosts: readonly Host[];
  readonly preferences: Preferences;
  readonly variantSort?: 'price';
  readonly snapshot: Snapshot;
  readonly standing: (endpointId: string) => Standing;
  readonly seed: number;
}

interface Chosen {
  readonly host: Host;
  readonly reason: string;
}

interface Ordered {
  readonly chosen: readonly Chosen[];
  readonly rejected: readonly Rejection[];
}

/** The order in which hosts are tried (spec/inference 5.2, 5.3, 5.5). */
export function orderCandidates(input: OrderInput): Ordered {
  const { preferences, hosts } = input;
  const [only] = hosts;
  if (only && hosts.length === 1 && !preferences.order)
    return { chosen: [{ host: only, reason: 'the only host' }], rejected: [] };
  const priced = hosts.map(
    (host): Priced => ({
      host,
      price: blendedPrice(input.snapshot.rates(host.endpoint)),
      outage: input.standing(host.endpoint.id).outage,
    }),
  );
  const sort = typeof preferences.sort === 'object' ? preferences.sort.by : (preferences.sort ?? input.variantSort);
  const listed = inListedOrder(priced, preferences.order ?? []);
  const others = listed.length === 0 ? priced : priced.filter((one) => !listed.includes(one));
  // An order or a price sort switches the draw off. Nothing is measured yet that the other sorts could go by, so they leave it on.
  const rest =
    sort === 'price'
      ? byPrice(others, 'price sort')
      : preferences.order?.length
        ? byPrice(others, 'after provider.order, by price')
        : drawn(others, input.seed);
  const all = [...listed.map(({ host }) => ({ host, reason: 'named in provider.order' })), ...rest];
  if (preferences.allow_fallbacks !== false) return { chosen: all, rejected: [] };
  const keep = preferences.order?.length ? listed.length : 1;
  return {
    chosen: all.slice(0, keep),
    rejected: all.slice(keep).map(({ host }) => ({
      ...host,
      rule: 'allow_fallbacks' as const,
      reason: 'allow_fallbacks is false',
    })),
  };
}

const blended = new WeakMap<Rates, number>();

/** A set of rates never changes, so its price is worked out once. */
function blendedPrice(rates: Rates): number {
  let price = blended.get(rates);
  if (price === undefined) {
    price = (0.75 * Number(unitPrice(rates, 'input')) + 0.25 * Number(unitPrice(rates, 'output'))) / 1e6;
    blended.set(rates, price);
  }
  return price;
}

function inListedOrder(hosts: readonly Priced[], order: readonly string[]): Priced[] {
  const listed: Priced[] = [];
  for (const slug of order) {
    for (const one of hosts) if (means(slug, one.host) && !listed.includes(one)) listed.push(one);
  }
  return listed;
}

const ascending = (a: Priced, b: Priced): number =>
  a.price - b.price || (a.host.endpoint.id < b.host.endpoint.id ? -1 : 1);

/** By price, those with an outage last. */
function byPrice(hosts: readonly Priced[], reason: string): Chosen[] {
  return [...hosts]
    .sort((a, b) => Number(a.outage) - Number(b.outage) || ascending(a, b))
    .map(({ host, outage }) => ({ host, reason: outage ? `${reason}, behind for a recent outage` : reason }));
}

const FREE_PRICE = 0.001;

/**
 * The first host is drawn with a probability proportional to 1 / price² from those without a recent outage; everybody else follows by
 * price. A free or trial host weighs as much as its cheapest priced sibling, so that every host gets traffic.
 */
function drawn(hosts: readonly Priced[], seed: number): Chosen[] {
  const stable = hosts.filter((one) => !one.outage);
  const [only] = stable;
  if (only && stable.length === 1) {
    const others = hosts.filter((one) => one.outage);
    const reason = others.length === 0 ? 'the only host' : 'the only host without a recent outage';
    return [{ host: only.host, reason }, ...byPrice(others, 'next by price')];
  }
  const cheapest = Math.min(...stable.filter((one) => one.price > 0).map((one) => one.price));
  const floor = Number.isFinite(cheapest) ? cheapest : FREE_PRICE;
  const weights = stable.map((one) => 1 / (one.price > 0 ? one.price : floor) ** 2);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const index = pick(weights, seededRandom(seed)() * total);
  const first = stable[index];
  if (!first) return byPrice(hosts, 'next by price');
  const share = Math.round(((weights[index] ?? 0) / total) * 100);
  const others = hosts.filter((one) => one !== first);
  return [{ host: first.host, reason: `drawn by price, chance ${share} %` }, ...byPrice(others, 'next by price')];
}

/** Where a ticket falls among weights laid end to end. */
function pick(weights: readonly number[], ticket: number): number {
  let left = ticket;
  for (const [index, weight] of weights.entries()) {
    left -= weight;
    if (left < 0) return index;
  }
  return weights.length - 1;
}
