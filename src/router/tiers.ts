import type { GenerationRequest } from '../canon/request.ts';
import { isTier, type Tier } from '../canon/tiers.ts';
import type { Host } from '../catalogue/snapshot.ts';
import { tagOf } from '../catalogue/tags.ts';

/** Tiers that a variant of routing lets in (spec/inference 5.11). */
const ADMITS: Readonly<Record<string, Tier>> = { nitro: 'priority', floor: 'flex' };

/** The tier of service that a request asks for by name; undefined for none, the usual one, and those that only a host knows. */
function tierAsked({ serviceTier }: GenerationRequest): Tier | undefined {
  const tier = serviceTier === 'fast' ? 'priority' : serviceTier;
  return isTier(tier) ? tier : undefined;
}

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
