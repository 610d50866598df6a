import type { LabNames } from './lab-names.ts';
import { type NativeId, nameKey, nativeId, words } from './normal-form.ts';
import type { Row, SkipReason } from './row.ts';
import type { AliasPeriod, Provider, Quantization } from './types.ts';

/** Steps of the ladder (spec/reference-site E2); the first that answers is kept as evidence. */
export type Rung = 'decision' | 'link' | 'alias' | 'exact' | 'normal-form' | 'new';

/** What a model answers to. */
interface KnownModel {
  readonly id: string;
  readonly aliases: readonly string[];
  /** Names of its weight repositories, `org/name`. */
  readonly repositories: readonly string[];
}

/** A person's word on one id of one provider. */
export interface Decision {
  readonly provider: string;
  readonly id: string;
  readonly model?: string;
  readonly reject?: string;
}

export interface ProviderNaming extends Pick<Provider, 'id' | 'kind' | 'operatedBy'> {
  /** Its ids are our model ids: every row of it is a model. */
  readonly canonicalIds: boolean;
}

export interface Identified {
  readonly model: string;
  readonly rung: Rung;
  readonly quantization?: Quantization;
  /** Set where the id is a rolling alias. */
  readonly alias?: AliasPeriod;
  readonly region?: string;
  /** The row speaks of the half-price queue of this model. */
  readonly batch: boolean;
}

interface NotIdentified {
  readonly reason: SkipReason;
  readonly detail?: string;
}

/** Variants that are models of their own (spec/platform 4.3); the others change planning or price and mean the model itself. */
const STATIC_VARIANTS: ReadonlySet<string> = new Set(['free', 'thinking', 'extended']);

/** Maps a provider's own id to a model. Names group rows; money for an alias goes through the dated table, never through names. */
export class Identifier {
  readonly #labs: LabNames;
  readonly #periods: readonly AliasPeriod[];
  readonly #decisions: ReadonlyMap<string, Decision>;
  readonly #exact = new Map<string, string>();
  readonly #keys = new Map<string, Set<string>>();
  /** Weights of one name may be served under several; they only answer where no name does. */
  readonly #repositoryKeys = new Map<string, Set<string>>();

  constructor(labs: LabNames, periods: readonly AliasPeriod[], decisions: readonly Decision[]) {
    this.#labs = labs;
    this.#periods = periods;
    this.#decisions = new Map(decisions.map((decision) => [`${decision.provider} ${decision.id}`, decision]));
  }

  add({ id, aliases, repositories }: KnownModel): void {
    for (const name of [id, ...aliases]) this.#exact.set(name.toLowerCase(), id);
    // A variant is found through its model: it shares the name and the weights.
    if (id.includes(':')) return;
    for (const name of [id, ...aliases]) this.#addKeys(this.#keys, name, id);
    for (const name of repositories) this.#addKeys(this.#repositoryKeys, name, id);
  }

  identify(row: Pick<Row, 'id' | 'link' | 'checked'>, provider: ProviderNaming): Identified | NotIdentified {
    const decision = this.#decisions.get(`${provider.id} ${row.id}`);
    if (decision?.reject !== undefined) return { reason: 'rejected', detail: decision.reject };
    const native = nativeId(row.id, (word) => this.#labs.named(word) !== undefined);
    const facets = {
      ...(native.quantization ? { quantization: native.quantization } : {}),
      ...(native.region ? { region: native.region } : {}),
      batch: native.variant === 'batch',
    };
    const stated = decision?.model ?? row.link;
    if (stated !== undefined) return { model: stated, rung: decision ? 'decision' : 'link', ...facets };
    const alias = this.#period(provider.id, row.id, row.checked);
    if (alias) return { model: alias.model, rung: 'alias', alias, ...facets };
    if (row.id.startsWith('~')) return { reason: 'alias_row' };
    if (row.id.endsWith('-') || row.id.startsWith('ft:')) return { reason: 'not_an_id' };
    const variant = native.variant && STATIC_VARIANTS.has(native.variant) ? native.variant : undefined;
    // Colons name variants at routers only; under a lab's heading they are a router's rows that strayed there.
    if (variant && provider.kind !== 'aggregator') return { reason: 'not_an_id', detail: 'a variant of a router' };
    const found = this.#find(row.id, native, variant);
    if ('model' in found) return { ...found, ...facets };
    if (found.reason === 'ambiguous') return found;
    if (native.slugs[0].endsWith('-latest')) return { reason: 'rolling_alias' };
    const model = this.#newModel(native, variant, provider);
    return model === undefined ? found : { model, rung: 'new', ...facets };
  }

  #period(provider: string, id: string, day: string): AliasPeriod | undefined {
    return this.#periods.find(
      (p) => p.provider === provider && p.alias === id && p.from <= day && (p.to === undefined || day < p.to),
    );
  }

  #find(id: string, native: NativeId, variant: string | undefined): { model: string; rung: Rung } | NotIdentified {
    const exact = this.#exact.get(id.toLowerCase());
    if (exact !== undefined) return { model: exact, rung: 'exact' };
    const queries = this.#queries(native);
    const answers = [this.#keys, this.#repositoryKeys].flatMap((index) =>
      queries.map((key) => [...(index.get(key) ?? [])]),
    );
    const [only] = answers.find((models) => models.length === 1) ?? [];
    if (only !== undefined) return { model: variant ? `${only}:${variant}` : only, rung: 'normal-form' };
    return { reason: answers.some((models) => models.length > 1) ? 'ambiguous' : 'unresolved' };
  }

  /** Keys to look for, surest first. A bare name must be unique among all labs, or begin with a lab's name. */
  #queries(native: NativeId): readonly string[] {
    return native.slugs.flatMap((slug) => {
      if (native.lab !== undefined) return this.#labKeys(this.#labs.named(native.lab) ?? native.lab, slug);
      const behind = this.#labs.behindNames(slug).map(({ lab, rest }) => labKey(lab, rest));
      return [labKey('', slug), ...behind];
    });
  }

  #addKeys(index: Map<string, Set<string>>, name: string, model: string): void {
    const { lab: spelled, slugs } = nativeId(name, () => false);
    const own = model.split('/')[0] ?? model;
    const lab = this.#labs.named(spelled ?? '') ?? this.#labs.named(own) ?? own;
    for (const key of [labKey('', slugs[0]), ...this.#labKeys(lab, slugs[0])]) {
      const models = index.get(key);
      if (models) models.add(model);
      else index.set(key, new Set([model]));
    }
  }

  /** The name as it stands, and what it says behind the lab's own name: `meta-llama-3` of Meta is `llama-3`. */
  #labKeys(lab: string, slug: string): readonly string[] {
    const behind = this.#labs.behindNames(slug).filter((name) => name.lab === lab);
    return [labKey(lab, slug), ...behind.map(({ rest }) => labKey(lab, rest))];
  }

  /** A row that no model answers to is a model of its own where the id says whose it is, or where the lab itself lists it. */
  #newModel(native: NativeId, variant: string | undefined, provider: ProviderNaming): string | undefined {
    const [slug] = native.slugs;
    const suffix = variant ? `:${variant}` : '';
    if (native.lab !== undefined) {
      const lab = this.#labs.named(native.lab);
      const certain = provider.canonicalIds || provider.kind !== 'cloud' || lab === provider.operatedBy;
      return certain ? `${lab ?? native.lab}/${slug}${suffix}` : undefined;
    }
    const { operatedBy } = provider;
    if (operatedBy === undefined) return undefined;
    const named = this.#labs.ofModel(slug);
    const own = named === operatedBy || (named === undefined && provider.kind === 'lab');
    return own ? `${operatedBy}/${slug}${suffix}` : undefined;
  }
}

const labKey = (lab: string, slug: string): string => `${lab}|${nameKey(words(slug))}`;
