import { mediaOf, type PlacedMedia } from '../../canon/media.ts';
import type { GenerationRequest } from '../../canon/request.ts';
import { isGone } from '../../catalogue/lifetime.ts';
import { unitPrice } from '../../catalogue/rates.ts';
import type { Host, Snapshot } from '../../catalogue/snapshot.ts';
import type { Endpoint, Model, Provider } from '../../catalogue/types.ts';
import { blendedPrice } from '../draw.ts';
import type { Standing } from '../standing.ts';

/** What a router looks at. */
export interface RouteInput {
  readonly request: GenerationRequest;
  /** Its parts that are not text, where they are known already. */
  readonly media?: readonly PlacedMedia[];
  readonly snapshot: Snapshot;
  readonly unroutable: (provider: Provider, endpoint: Endpoint) => string | undefined;
  readonly standing: (endpointId: string) => Standing;
  readonly promptTokens: number;
  readonly seed: number;
  readonly now?: number;
  /** What a classifier said that the request is about; null where it failed, absent where there is none. */
  readonly taskType?: string | null;
  /** Whether somebody serves this model under the constraints of the request. */
  readonly fits: (slug: string) => boolean;
}

/** What a router chose: slugs of models in order, the first to be asked first. */
export interface Choice {
  readonly slugs: readonly string[];
  /** What it took the request for. */
  readonly taskType?: string;
  /** The others serve only where the first one is ill, and not where it refused the request. */
  readonly othersWhenIll?: true;
}

/** Whom a router asks after its first choice. */
export const FALLBACKS = 2;

/** A model that a router may take, with what it costs at the cheapest host that can be called. */
export interface Pooled {
  readonly model: Model;
  readonly hosts: readonly Host[];
  /** USD per million tokens, three parts prompt to one part completion. */
  readonly price: number;
  /** USD per million tokens of prompt. */
  readonly promptPrice: number;
}

/** Every visible model that writes text and can be called here, in the catalogue's order. */
export function pooled({
  snapshot,
  unroutable,
  now,
  request,
  media = mediaOf(request),
}: RouteInput): readonly Pooled[] {
  const kinds = new Set(media.map(({ part: { kind } }) => kind));
  return snapshot.models.flatMap((model) => {
    if (!model.outputModalities.includes('text') || isGone(model, now)) return [];
    for (const kind of kinds) if (kind !== 'file' && !model.inputModalities.includes(kind)) return [];
    const hosts = snapshot
      .hostsOf(model.id)
      .filter(({ endpoint, provider }) => !endpoint.retired && unroutable(provider, endpoint) === undefined);
    if (hosts.length === 0) return [];
    const rates = hosts.map(({ endpoint }) => snapshot.rates(endpoint));
    return [
      {
        model,
        hosts,
        price: Math.min(...rates.map(blendedPrice)),
        promptPrice: Math.min(...rates.map((one) => Number(unitPrice(one, 'input')) / 1e6)),
      },
    ];
  });
}
