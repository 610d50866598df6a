import type { Snapshot } from '../catalogue/snapshot.ts';
import type { Model } from '../catalogue/types.ts';

/** Suffixes that change planning, not the model (spec/inference 0.3); `:free` and the like are part of a model's own id. */
const DYNAMIC_VARIANTS: Readonly<Record<string, 'price' | undefined>> = {
  floor: 'price',
  nitro: undefined,
  exacto: undefined,
};

/** `~author/family-latest` (spec/inference 5.10). */
const LATEST = /^~([^/]+)\/([^/:]+)-latest$/;

export interface ResolvedModel {
  readonly model: Model;
  /** What a `:floor` suffix asks for, unless the request says otherwise. */
  readonly sort?: 'price';
  /** Asked for as the latest of a family, whatever that is today: wishes that it cannot take are fitted to it. */
  readonly latest?: true;
}

/** Which model a slug means: its id, an alias, or one of these with a dynamic variant. Undefined when it means none. */
export function resolveModel(snapshot: Snapshot, slug: string): ResolvedModel | undefined {
  const model = snapshot.model(slug);
  if (model) return { model };
  const family = LATEST.exec(slug.toLowerCase());
  const newest = family && snapshot.latest(family[1] ?? '', family[2] ?? '');
  if (newest) return { model: newest, latest: true };
  const colon = slug.lastIndexOf(':');
  const variant = slug.slice(colon + 1).toLowerCase();
  if (colon < 0 || !(variant in DYNAMIC_VARIANTS)) return undefined;
  const base = resolveModel(snapshot, slug.slice(0, colon));
  const sort = DYNAMIC_VARIANTS[variant];
  return base && { ...base, ...(sort && { sort }) };
}
