import { seededRandom } from '../canon/clock.ts';
import type { Preferences } from '../canon/preferences.ts';
import { type Snapshot, unitPrice } from '../catalogue/snapshot.ts';
import type { Endpoint, Provider } from '../catalogue/types.ts';
import type { Rejection } from './candidate.ts';
import { means } from './rules.ts';

interface Host {
  readonly endpoint: Endpoint;
  readonly provider: Provider;
}

interface Priced extends Host {
  /** USD per million tokens, three parts prompt to one part completion: what the draw and a price sort compare. */
  readonly price: number;
  readonly outage: boolean;
}

export interface OrderInput {
  readonly hosts: readonly Host[];
  readonly preferences: Preferences;
  readonly variantSort?: 'price';
  readonly snapshot: Snapshot;
  readonly inOutage: (endpointId: string) => boolean;
  readonly seed: number;
}

interface Ordered {
  readonly chosen: readonly (Host & { readonly reason: string })[];
  readonly rejected: readonly Rejection[];
}

/** The order in which hosts are tried (spec/inference 5.2, 5.3, 5.5). */
export function orderCandidates(input: OrderInput): Ordered {
  const { preferences } = input;
  const priced = input.hosts.map(
    (host): Priced => ({
      ...host,
      price: blendedPrice(host.endpoint, input.snapshot),
      outage: input.inOutage(host.endpoint.id),
    }),
  );
  const sort = typeof preferences.sort === 'object' ? preferences.sort.by : (preferences.sort ?? input.variantSort);
  const listed = inListedOrder(priced, preferences.order ?? []);
  const others = priced.filter((host) => !listed.includes(host));
  // An order or a price sort switches the draw off. Nothing is measured yet that the other sorts could go by, so they leave it on.
  const rest =
    sort === 'price'
      ? byPrice(others, 'price sort')
      : preferences.order?.length
        ? byPrice(others, 'after provider.order, by price')
        : drawn(others, input.seed);
  const all = [...listed.map((host) => ({ ...host, reason: 'named in provider.order' })), ...rest];
  const keep = preferences.allow_fallbacks === false ? (preferences.order?.length ? listed.length : 1) : all.length;
  return {
    chosen: all.slice(0, keep).map(({ endpoint, provider, reason }) => ({ endpoint, provider, reason })),
    rejected: all.slice(keep).map(({ endpoint, provider }) => ({
      endpoint,
      provider,
      rule: 'allow_fallbacks' as const,
      reason: 'allow_fallbacks is false',
    })),
  };
}

function blendedPrice(endpoint: Endpoint, snapshot: Snapshot): number {
  const rates = snapshot.rates(endpoint);
  return (0.75 * Number(unitPrice(rates, 'input')) + 0.25 * Number(unitPrice(rates, 'output'))) / 1e6;
}

function inListedOrder(hosts: readonly Priced[], order: readonly string[]): Priced[] {
  const listed: Priced[] = [];
  for (const slug of order) {
    for (const host of hosts) if (means(slug, host.provider) && !listed.includes(host)) listed.push(host);
  }
  return listed;
}

const ascending = (a: Priced, b: Priced): number => a.price - b.price || (a.endpoint.id < b.endpoint.id ? -1 : 1);

/** By price, those with an outage last. */
function byPrice(hosts: readonly Priced[], reason: string): (Priced & { reason: string })[] {
  return [...hosts]
    .sort((a, b) => Number(a.outage) - Number(b.outage) || ascending(a, b))
    .map((host) => ({ ...host, reason: host.outage ? `${reason}, behind for a recent outage` : reason }));
}

const FREE_PRICE = 0.001;

/**
 * The first host is drawn with a probability proportional to 1 / price² from those without a recent outage; everybody else follows by
 * price. A free or trial host weighs as much as its cheapest priced sibling, so that every host gets traffic.
 */
function drawn(hosts: readonly Priced[], seed: number): (Priced & { reason: string })[] {
  const stable = hosts.filter((host) => !host.outage);
  const [only] = stable;
  if (stable.length < 2) {
    const reason = only ? 'the only host without a recent outage' : '';
    return [
      ...stable.map((host) => ({ ...host, reason: hosts.length === 1 ? 'the only host' : reason })),
      ...byPrice(
        hosts.filter((host) => host.outage),
        'next by price',
      ),
    ];
  }
  const cheapest = Math.min(...stable.filter((host) => host.price > 0).map((host) => host.price));
  const floor = Number.isFinite(cheapest) ? cheapest : FREE_PRICE;
  const weights = stable.map((host) => 1 / (host.price > 0 ? host.price : floor) ** 2);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const index = pick(weights, seededRandom(seed)() * total);
  const first = stable[index];
  if (!first) return byPrice(hosts, 'next by price');
  const share = Math.round(((weights[index] ?? 0) / total) * 100);
  const others = hosts.filter((host) => host !== first);
  return [{ ...first, reason: `drawn by price, chance ${share} %` }, ...byPrice(others, 'next by price')];
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
