import type { Host } from '../catalogue/snapshot.ts';

/**
 * Whether a slug of `order`, `only` or `ignore` means this endpoint: a provider's means all its regions and flavours but no tier of
 * service, a whole tag one endpoint. Display names are tolerated, case is not looked at.
 */
export const means = (slug: string, { slugs }: Host): boolean => slugs.includes(slug.toLowerCase());

/** The same for a whole list, which is read once. */
export function meansOneOf(list: readonly string[]): (host: Host) => boolean {
  const wanted = new Set<string>();
  for (const slug of list) wanted.add(slug.toLowerCase());
  return ({ slugs }) => {
    for (const slug of slugs) if (wanted.has(slug)) return true;
    return false;
  };
}
