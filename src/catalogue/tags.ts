import type { Tier } from '../canon/tiers.ts';

interface Tagged {
  readonly provider: string;
  readonly flavour?: string | undefined;
  readonly tier?: Tier | undefined;
}

/** What `provider.order`, `only` and `ignore` call an endpoint: `provider[/flavour-or-region][/tier]` (spec/inference 5.1). */
export function tagOf({ provider, flavour, tier }: Tagged): string {
  if (flavour === undefined && tier === undefined) return provider;
  return [provider, flavour, tier].filter((part) => part !== undefined).join('/');
}

/** `provider/lab/slug`, and what tells it from the provider's other endpoints of the model: `provider/lab/slug@turbo/flex`. */
export function endpointIdOf({ provider, model, flavour, tier }: Tagged & { readonly model: string }): string {
  const apart = [flavour, tier].filter((part) => part !== undefined).join('/');
  return `${provider}/${model}${apart === '' ? '' : `@${apart}`}`;
}
