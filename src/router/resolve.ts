import type { Snapshot } from '../catalogue/snapshot.ts';
import type { Model } from '../catalogue/types.ts';

/** Suffixes that change planning, not the model (spec/inference 0.3); `:free` and the like are part of a model's own id. */
const DYNAMIC_VARIANTS: ReadonlySet<string> = new Set(['floor', 'nitro', 'exacto']);

/** `~author/family-latest` (spec/inference 5.10). */
const LATEST = /^~([^/]+)\/([^/:]+)-latest$/;

export interface ResolvedModel {
  readonly model: Model;
  /** Variants of routing, in the order they were written. */
  readonly variants: readonly string[];
  /** Asked for as the latest of a family, whatever that is today: wishes that it cannot take are fitted to it. */
  readonly latest?: true;
}

const NONE: readonly string[] = [];

/** Which model a slug means: its id, an alias, or one of these with dynamic variants. Undefined when it means none. */
export function resolveModel(snapshot: Snapshot, slug: string, now?: number): ResolvedModel | undefined {
  const model = snapshot.model(slug);
  if (model) return { model, variants: NONE };
  const family = LATEST.exec(slug.toLowerCase());
  const newest = family && snapshot.latest(family[1] ?? '', family[2] ?? '', now);
  if (newest) return { model: newest, variants: NONE, latest: true };
  const colon = slug.lastIndexOf(':');
  const variant = slug.slice(colon + 1).toLowerCase();
  if (colon < 0 || !DYNAMIC_VARIANTS.has(variant)) return undefined;
  const base = resolveModel(snapshot, slug.slice(0, colon), now);
  return base && { ...base, variants: [...base.variants, variant] };
}
