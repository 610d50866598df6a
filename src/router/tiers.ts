import type { GenerationRequest } from '../canon/request.ts';
import { isTier, type Tier } from '../canon/tiers.ts';
import type { Host } from '../catalogue/snapshot.ts';
import { tagOf } from '../catalogue/tags.ts';
import type { Classes } from './order.ts';
import type { Sort } from './sort.ts';

/** Tiers that a variant of routing lets in (spec/inference 5.11). */
const ADMITS: Readonly<Record<string, Tier>> = { nitro: 'priority', floor: 'flex' };

/** The tier of service that a request asks for by name; undefined for none, the usual one, and those that only a host knows. */
export function tierAsked({ serviceTier, speed }: GenerationRequest): Tier | undefined {
  const tier = serviceTier ?? speed;
  if (tier === 'fast') return 'priority';
  return isTier(tier) ? tier : undefined;
}

const namesEndpoint = (slug: string): boolean => slug.includes('/');

/** Whether a request may have to do with other tiers than the usual one; nearly none has, and pays nothing for those who have. */
export const looksAtTiers = (
  { serviceTier, speed, preferences: { only, order } }: GenerationRequest,
  variants: readonly string[],
): boolean =>
  serviceTier !== undefined ||
  speed !== undefined ||
  variants.length > 0 ||
  (only?.some(namesEndpoint) ?? false) ||
  (order?.some(namesEndpoint) ?? false);

/** What a request for a tier sorts by, where it asks for no sort itself. */
export const TIER_SORTS = { priority: 'throughput', flex: 'price' } as const satisfies Readonly<Record<Tier, Sort>>;

/** Endpoints of the priority tier go before the others where it was asked for. */
export const PRIORITY_FIRST: Classes = {
  rankOf: ({ endpoint }) => (endpoint.tier === 'priority' ? 0 : 1),
  says: (rank) => (rank === 0 ? 'in the priority tier' : 'behind for the usual tier'),
};

/** Whether a model's fast twin is meant, where it has one: its speed where the caller named one, else its tier. */
export const wantsFastTwin = ({ serviceTier, speed }: GenerationRequest): boolean =>
  speed === undefined ? serviceTier === 'fast' || serviceTier === 'priority' : speed === 'fast';

/**
 * Why an endpoint is out for its tier of service. Nobody gets into a dearer or slower tier without having asked: by `service_tier`, by
 * a whole tag, or by a variant, which an order or the default tier takes back.
 * @param variants of the slug that was asked for
 * @param flexLeft whether some endpoint of the flex tier may serve: looked at only where flex was asked for
 */
export function notAdmitted(
  host: Host,
  request: GenerationRequest,
  variants: readonly string[],
  flexLeft: () => boolean,
): string | undefined {
  const { tier } = host.endpoint;
  if (tier === undefined)
    return request.serviceTier === 'flex' && flexLeft() && !named(host, request)
      ? 'the flex tier was asked for, and there is one'
      : undefined;
  if (named(host, request)) return undefined;
  if (tierAsked(request) === tier || admittedBy(variants, tier, request)) return ignored(host, request);
  return `its ${tier} tier was not asked for`;
}

const admittedBy = (
  variants: readonly string[],
  tier: Tier,
  { preferences, serviceTier }: GenerationRequest,
): boolean =>
  !preferences.order?.length && serviceTier !== 'default' && variants.some((variant) => ADMITS[variant] === tier);

/** A whole tag in `only` or `order` lets its endpoint in; a provider's slug there means no tier. */
function named({ endpoint }: Host, { preferences: { only, order } }: GenerationRequest): boolean {
  if (!only?.length && !order?.length) return false;
  const tag = tagOf(endpoint).toLowerCase();
  if (!tag.includes('/')) return false;
  return [...(only ?? []), ...(order ?? [])].some((slug) => slug.toLowerCase() === tag);
}

/** Whoever ignores a provider ignores its tiers, unless one of them is named. */
function ignored({ endpoint, provider }: Host, { preferences: { ignore } }: GenerationRequest): string | undefined {
  const unwanted = new Set(
    [provider.id, provider.name, tagOf({ ...endpoint, tier: undefined })].map((slug) => slug.toLowerCase()),
  );
  return ignore?.some((slug) => unwanted.has(slug.toLowerCase())) ? 'its provider is in provider.ignore' : undefined;
}
