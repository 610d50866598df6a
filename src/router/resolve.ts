import { type GatewayError, gatewayError } from '../canon/errors.ts';
import type { Snapshot } from '../catalogue/snapshot.ts';
import type { Model } from '../catalogue/types.ts';
import type { Sort } from './sort.ts';

/** Suffixes that change planning, not the model (spec/inference 0.3), and the sort that each asks for. */
const DYNAMIC: Readonly<Record<string, Sort>> = { floor: 'price', nitro: 'throughput', exacto: 'exacto' };

/** Suffixes that are part of a model's own id: another entry of the catalogue, which a model has or has not. */
const STATIC: ReadonlySet<string> = new Set(['free', 'thinking', 'extended']);

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

/** Which model a slug means: its id, an alias, or one of these with variants of routing. Undefined when it means none. */
export function resolveModel(snapshot: Snapshot, slug: string, now?: number): ResolvedModel | undefined {
  const model = snapshot.model(slug);
  if (model) return { model, variants: NONE };
  const family = LATEST.exec(slug.toLowerCase());
  const newest = family && snapshot.latest(family[1] ?? '', family[2] ?? '', now);
  if (newest) return { model: newest, variants: NONE, latest: true };
  const dated = datedModel(snapshot, slug);
  if (dated) return { model: dated, variants: NONE };
  const { base, variant } = splitVariant(slug);
  if (variant === undefined) return undefined;
  if (!Object.hasOwn(DYNAMIC, variant) && !STATIC.has(variant)) return undefined;
  const resolved = resolveModel(snapshot, base, now);
  if (!resolved) return undefined;
  if (!STATIC.has(variant)) return { ...resolved, variants: [...resolved.variants, variant] };
  // Written the other way round, or behind an alias.
  const entry = snapshot.model(`${resolved.model.id}:${variant}`);
  return entry && { ...resolved, model: entry };
}

/** `author/slug-20250514`, `author/slug-2025-05-14`: the permanent name of a model that was released on that day. */
const DATED = /^(.+)-(\d{4})-?(\d{2})-?(\d{2})$/;

function datedModel(snapshot: Snapshot, slug: string): Model | undefined {
  const [, base = '', year, month, day] = DATED.exec(slug) ?? [];
  const model = base === '' ? undefined : snapshot.model(base);
  return model && model.created * 1000 === Date.parse(`${year}-${month}-${day}T00:00:00Z`) ? model : undefined;
}

/** A slug and its last variant, in lower case. */
function splitVariant(slug: string): { readonly base: string; readonly variant?: string } {
  const colon = slug.lastIndexOf(':');
  return colon < 0 ? { base: slug } : { base: slug.slice(0, colon), variant: slug.slice(colon + 1).toLowerCase() };
}

/** The sort that variants ask for; of several the last. */
export function sortOfVariants(variants: readonly string[] = NONE): Sort | undefined {
  const last = variants.at(-1);
  return last === undefined ? undefined : DYNAMIC[last];
}

/** Why a slug means no model: which of its variants cannot be honoured, rather than only that it is unknown. */
export function whyUnknown(snapshot: Snapshot, slug: string, now?: number): GatewayError {
  let rest = slug;
  for (;;) {
    const { base, variant } = splitVariant(rest);
    if (variant === undefined) break;
    const known = resolveModel(snapshot, base, now);
    if (variant === 'online' && known)
      return refused(slug, 'the variant `:online` asks for web search, which is not available on this gateway');
    if (known && STATIC.has(variant)) {
      const instead = variant === 'thinking' && known.model.reasoning ? '; ask it to think by `reasoning`' : '';
      return refused(slug, `there is no variant \`:${variant}\` of ${known.model.id}${instead}`);
    }
    rest = base;
  }
  const availability = { code: 'model_not_found', retryable: false, requestedModels: [slug] };
  return gatewayError('model_unknown', `${slug} is not a valid model ID`, { availability });
}

function refused(slug: string, why: string): GatewayError {
  return gatewayError('invalid_request', `${slug}: ${why}`, { issues: [{ path: 'model', message: why }] });
}
