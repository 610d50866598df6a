import type { Host } from '../catalogue/snapshot.ts';
import { tagOf } from '../catalogue/tags.ts';
import type { Endpoint } from '../catalogue/types.ts';

const known = new WeakMap<Endpoint, readonly string[]>();

/** All that `order`, `only` and `ignore` may call a host, in lower case; put together once, as rows never change. */
function namesOf({ endpoint, provider }: Host): readonly string[] {
  let names = known.get(endpoint);
  if (!names) {
    const tag = tagOf(endpoint).toLowerCase();
    names = endpoint.tier === undefined ? [tag, provider.id.toLowerCase(), provider.name.toLowerCase()] : [tag];
    known.set(endpoint, names);
  }
  return names;
}

/**
 * Whether a slug of `order`, `only` or `ignore` means this endpoint: a provider's means all its regions and flavours but no tier of
 * service, a whole tag one endpoint. Display names are tolerated, case is not looked at.
 */
export const means = (slug: string, host: Host): boolean => namesOf(host).includes(slug.toLowerCase());

/** The same for a whole list, which is read once. */
export function meansOneOf(slugs: readonly string[]): (host: Host) => boolean {
  const wanted = new Set(slugs.map((slug) => slug.toLowerCase()));
  return (host) => namesOf(host).some((name) => wanted.has(name));
}
