import type { PlannedModel } from '../candidate.ts';
import type { Facts, Rule, RuleError } from '../rule.ts';
import { meansOneOf } from '../slugs.ts';

export const ONLY: Rule = {
  id: 'only',
  against: ({ request: { preferences } }) => {
    if (!preferences.only) return undefined;
    const permitted = meansOneOf(preferences.only);
    return (host) => (permitted(host) ? undefined : 'not in provider.only');
  },
  error: excludedProviders,
};

export const IGNORE: Rule = {
  id: 'ignore',
  against: ({ request: { preferences } }) => {
    if (!preferences.ignore) return undefined;
    const unwanted = meansOneOf(preferences.ignore);
    return (host) => (unwanted(host) ? 'in provider.ignore' : undefined);
  },
  error: excludedProviders,
};

function excludedProviders(planned: PlannedModel, facts: Facts): RuleError {
  const { only, ignore } = facts.request.preferences;
  const serving = [...new Set(planned.rejected.map(({ provider }) => provider.name))].join(', ');
  const permitted = only ? `Permitted: ${only.join(', ')}.` : '';
  const denied = ignore ? `Ignored: ${ignore.join(', ')}.` : '';
  return {
    code: 'providers_excluded',
    message:
      `No allowed providers are available for the selected model. Serving ${planned.requested}: ${serving}. ${permitted}${denied}`.trim(),
    availability: { code: 'no_endpoints', excludedBy: ['allowed_providers'] },
  };
}
