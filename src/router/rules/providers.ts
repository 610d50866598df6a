import type { Host } from '../../catalogue/snapshot.ts';
import type { PlannedModel } from '../candidate.ts';
import type { Facts, Rule, RuleError } from '../rule.ts';
import { meansOneOf } from '../slugs.ts';

/**
 * Where a caller names a provider none of its tiers is meant, because nobody gets into one unasked; where the operator does, all of it is:
 * a list of theirs says who may be paid.
 */
function byName(list: readonly string[] = []): (host: Host) => boolean {
  const wanted = new Set(list.map((slug) => slug.toLowerCase()));
  const meant = meansOneOf(list);
  return (host) =>
    meant(host) || wanted.has(host.provider.id.toLowerCase()) || wanted.has(host.provider.name.toLowerCase());
}

export const ONLY: Rule = {
  id: 'only',
  against: ({ request: { preferences }, policy }) => {
    if (!preferences.only && !policy.only) return undefined;
    const permitted = meansOneOf(preferences.only ?? []);
    const byOperator = byName(policy.only);
    return (host) => {
      if (policy.only && !byOperator(host)) return "not in the operator's routing.only";
      return preferences.only && !permitted(host) ? 'not in provider.only' : undefined;
    };
  },
  error: excludedProviders,
};

export const IGNORE: Rule = {
  id: 'ignore',
  against: ({ request: { preferences }, policy }) => {
    if (!preferences.ignore && !policy.ignore) return undefined;
    const unwanted = meansOneOf(preferences.ignore ?? []);
    const byOperator = byName(policy.ignore);
    return (host) => {
      if (byOperator(host)) return "in the operator's routing.ignore";
      return unwanted(host) ? 'in provider.ignore' : undefined;
    };
  },
  error: excludedProviders,
};

const listed = (slugs: readonly string[]): string => (slugs.length > 0 ? slugs.join(', ') : 'nobody');

/** Also where an order without fallbacks names nobody who serves the model. */
export function excludedProviders(planned: PlannedModel, facts: Facts): RuleError {
  const { request, policy } = facts;
  const { only, ignore, order } = request.preferences;
  const serving = [...new Set(planned.rejected.map(({ provider }) => provider.name))].join(', ');
  const lists = [
    only && `Permitted: ${listed(only)}.`,
    policy.only && `Permitted by the operator: ${listed(policy.only)}.`,
    ignore && `Ignored: ${listed(ignore)}.`,
    policy.ignore && `Ignored by the operator: ${listed(policy.ignore)}.`,
    order && request.preferences.allow_fallbacks === false && `Listed without fallbacks: ${listed(order)}.`,
  ].filter((text) => typeof text === 'string');
  return {
    code: 'providers_excluded',
    message:
      `No allowed providers are available for the selected model. Serving ${planned.requested}: ${serving}. ${lists.join(' ')}`.trim(),
    availability: { code: 'no_endpoints', excludedBy: ['allowed_providers'] },
  };
}
