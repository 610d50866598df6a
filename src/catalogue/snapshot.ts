import type { ParameterSet } from '../canon/parameters.ts';
import type { Trait } from '../canon/target.ts';
import { type Abilities, abilitiesOf, TraitRules } from './abilities.ts';
import { isGone } from './lifetime.ts';
import { type Occasion, type Rates, ratesOn, readRates, worstRates } from './rates.ts';
import type { Router } from './routers.ts';
import { tagOf } from './tags.ts';
import { tierEndpoints } from './tier-endpoints.ts';
import type { CatalogueData, Endpoint, Lab, Model, Provider, SandboxRow, TraitRule } from './types.ts';

/** An endpoint with the provider that serves it. */
export interface Host {
  readonly endpoint: Endpoint;
  readonly provider: Provider;
  /** All that `provider.order`, `only` and `ignore` may call it, in lower case. */
  readonly slugs: readonly string[];
}

/**
 * One immutable loaded state of the catalogue and its queries. A request keeps the snapshot it was planned with, so its price cannot
 * change under it.
 */
export class Snapshot {
  readonly id: string;
  readonly asOf: string;
  readonly models: readonly Model[];
  readonly providers: readonly Provider[];
  readonly endpoints: readonly Endpoint[];
  readonly labs: readonly Lab[];
  readonly sandbox: readonly SandboxRow[];
  readonly traits: readonly TraitRule[];
  /** Names for a choice among models, by slug. */
  readonly routers: ReadonlyMap<string, Router>;
  readonly #models = new Map<string, Model>();
  readonly #providers = new Map<string, Provider>();
  readonly #labs = new Map<string, Lab>();
  readonly #endpoints = new Map<string, Endpoint>();
  readonly #byModel = new Map<string, Endpoint[]>();
  readonly #inAllTiers = new Map<string, Endpoint[]>();
  readonly #byProvider = new Map<string, Endpoint[]>();
  readonly #aliases = new Map<string, string>();
  readonly #fastTwins = new Map<string, Model>();
  readonly #rates = new Map<string, Rates>();
  readonly #hosts = new Map<string, readonly Host[]>();
  readonly #hostsInTiers = new Map<string, readonly Host[]>();
  readonly #abilities = new Map<string, Abilities>();
  readonly #rules: TraitRules;

  constructor(data: CatalogueData) {
    this.id = data.id;
    this.asOf = data.asOf;
    this.models = data.models;
    this.providers = data.providers;
    this.endpoints = data.endpoints;
    this.labs = data.labs;
    this.sandbox = data.sandbox;
    this.traits = data.traits ?? [];
    this.routers = new Map(data.routers?.map((router) => [router.slug, router]));
    this.#rules = new TraitRules(this.traits);
    for (const lab of data.labs) this.#labs.set(lab.id, lab);
    for (const provider of data.providers) this.#providers.set(provider.id, provider);
    for (const model of data.models) {
      this.#models.set(model.id, model);
      for (const alias of model.aliases) this.#aliases.set(alias, model.id);
      if (model.fastOf !== undefined) this.#fastTwins.set(model.fastOf, model);
    }
    for (const endpoint of data.endpoints) {
      this.#add(endpoint);
      if (!endpoint.overrides?.some(({ tier }) => tier !== undefined)) continue;
      for (const tier of tierEndpoints(endpoint, this.abilitiesOf(endpoint).serviceTiers)) this.#add(tier);
    }
  }

  #add(endpoint: Endpoint): void {
    this.#endpoints.set(endpoint.id, endpoint);
    push(this.#inAllTiers, endpoint.model, endpoint);
    if (endpoint.tier !== undefined) return;
    push(this.#byModel, endpoint.model, endpoint);
    push(this.#byProvider, endpoint.provider, endpoint);
  }

  /** The model a slug means: its id, an alias, in any case; undefined when it means none. */
  model(slug: string): Model | undefined {
    const exact = this.#models.get(slug);
    if (exact) return exact;
    const alias = this.#aliases.get(slug);
    if (alias) return this.#models.get(alias);
    const lower = slug.toLowerCase();
    return lower === slug ? undefined : this.model(lower);
  }

  /**
   * The newest model of a family that somebody still serves; a faster or free twin of a model is none of its own.
   * @param now milliseconds since 1970; without it dates of an end are not looked at
   */
  latest(lab: string, family: string, now?: number): Model | undefined {
    let newest: Model | undefined;
    for (const model of this.models) {
      if (model.lab !== lab || familyOf(model) !== family || TWIN.test(model.id)) continue;
      if (this.isServed(model, now) && (!newest || model.created >= newest.created)) newest = model;
    }
    return newest;
  }

  /** Whether somebody still has it, as far as the catalogue knows. */
  isServed(model: Model, now?: number): boolean {
    return !isGone(model, now) && this.endpointsOf(model.id).some(({ retired }) => retired !== true);
  }

  /** Who takes a model's place: whom a source names, else the newest of its family where that is newer. */
  successorOf(model: Model, now?: number): Model | undefined {
    const named = model.successor === undefined ? undefined : this.model(model.successor);
    if (named && this.isServed(named, now)) return named;
    const family = familyOf(model);
    const newest = family === undefined ? undefined : this.latest(model.lab, family, now);
    return newest && newest !== model && newest.created >= model.created ? newest : undefined;
  }

  /** The model that is the same but faster, where its maker sells one. */
  fastTwin(modelId: string): Model | undefined {
    return this.#fastTwins.get(modelId);
  }

  provider(id: string): Provider | undefined {
    return this.#providers.get(id);
  }

  lab(id: string): Lab | undefined {
    return this.#labs.get(id);
  }

  endpoint(id: string): Endpoint | undefined {
    return this.#endpoints.get(id);
  }

  /** A model's endpoints in their usual tier of service, in the catalogue's order. */
  endpointsOf(modelId: string): readonly Endpoint[] {
    return this.#byModel.get(modelId) ?? [];
  }

  /** The same with their providers: what a plan begins with, so it is put together once. */
  hostsOf(modelId: string): readonly Host[] {
    return this.#hostsIn(this.#hosts, this.#byModel, modelId);
  }

  /** The same in every tier of service: each tier after the usual one of its host. */
  hostsInTiers(modelId: string): readonly Host[] {
    return this.#hostsIn(this.#hostsInTiers, this.#inAllTiers, modelId);
  }

  #hostsIn(known: Map<string, readonly Host[]>, endpoints: Map<string, Endpoint[]>, modelId: string): readonly Host[] {
    let hosts = known.get(modelId);
    if (!hosts) {
      hosts = (endpoints.get(modelId) ?? []).flatMap((endpoint) => {
        const provider = this.provider(endpoint.provider);
        return provider ? [{ endpoint, provider, slugs: slugsOf(endpoint, provider) }] : [];
      });
      known.set(modelId, hosts);
    }
    return hosts;
  }

  endpointsAt(providerId: string): readonly Endpoint[] {
    return this.#byProvider.get(providerId) ?? [];
  }

  /** What the endpoint supports, as a set. */
  parameters(endpoint: Endpoint): ParameterSet {
    return this.abilitiesOf(endpoint).parameters;
  }

  /** What its model is like, as far as rules say. */
  traitsOf(endpoint: Endpoint): ReadonlySet<Trait> {
    return this.abilitiesOf(endpoint).traits;
  }

  /** How many tokens its model's tokenizer makes of what o200k makes one of, as far as can be said beforehand. */
  tokenFactor(endpoint: Endpoint): number {
    return this.abilitiesOf(endpoint).tokenFactor;
  }

  /** What it takes and does beyond its wire. */
  abilitiesOf(endpoint: Endpoint): Abilities {
    let abilities = this.#abilities.get(endpoint.id);
    if (!abilities) {
      const { model, provider, upstreamModel } = endpoint;
      // A model that only this installation knows is what its provider calls it.
      const names = this.#labs.has(model.split('/')[0] ?? '') ? [model] : [model, upstreamModel];
      abilities = abilitiesOf(endpoint, this.provider(provider), this.#rules.for(provider, names));
      this.#abilities.set(endpoint.id, abilities);
    }
    return abilities;
  }

  /** The endpoint's base prices; read from their decimal strings on first use. */
  rates(endpoint: Endpoint): Rates {
    let rates = this.#rates.get(endpoint.id);
    if (!rates) {
      rates = readRates(endpoint.rates);
      this.#rates.set(endpoint.id, rates);
    }
    return rates;
  }

  /** The prices of one request: base prices and what changes them on this occasion, which names the tier that served. */
  ratesFor(endpoint: Endpoint, occasion: Occasion): Rates {
    const usual = this.#usual(endpoint);
    const base = this.rates(usual);
    return usual.overrides ? ratesOn(base, usual.overrides, occasion) : base;
  }

  /** The dearest each unit can get here for a prompt of at most this size, whatever the hour and whoever serves it in which tier: for reservations. */
  worstRates(endpoint: Endpoint, most: Pick<Occasion, 'promptTokens' | 'tier'>): Rates {
    const usual = this.#usual(endpoint);
    return worstRates(this.rates(usual), usual.overrides, { ...most, tier: endpoint.tier ?? most.tier });
  }

  /** All prices of an endpoint stand at its usual tier. */
  #usual(endpoint: Endpoint): Endpoint {
    return endpoint.tierOf === undefined ? endpoint : (this.#endpoints.get(endpoint.tierOf) ?? endpoint);
  }
}

/** Its tag and, but for a tier of service, its provider's slug and display name (spec/inference 5.1). */
function slugsOf(endpoint: Endpoint, { id, name }: Provider): readonly string[] {
  const slugs = endpoint.tier === undefined ? [tagOf(endpoint), id, name] : [tagOf(endpoint)];
  return [...new Set(slugs.map((slug) => slug.toLowerCase()))];
}

const TWIN = /:|-(fast|preview|customtools)$/;

/** A family as slugs spell it. */
const familyOf = ({ family }: Model): string | undefined => family?.toLowerCase().replaceAll(/[\s.]+/g, '-');

function push(map: Map<string, Endpoint[]>, key: string, endpoint: Endpoint): void {
  const list = map.get(key);
  if (list) list.push(endpoint);
  else map.set(key, [endpoint]);
}
