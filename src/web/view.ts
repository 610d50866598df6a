import type { Unit } from '../canon/units.ts';
import type { CatalogueFacts, Endpoint, Fact, Model, Provider, Source, State } from '../catalogue/types.ts';
import { perMillion, usd } from './format.ts';
import type { PageData } from './ports.ts';

/** A figure as a page shows it: words for its value or state, and where it comes from. */
export interface Figure {
  readonly text: string;
  readonly state: State;
  readonly fact: Fact | undefined;
}

export interface PriceRow {
  readonly label: string;
  readonly figure: Figure;
}

const UNKNOWN: Figure = { text: '', state: 'not_sourced', fact: undefined };

export class Sheets {
  readonly #facts: CatalogueFacts;
  readonly #sources: ReadonlyMap<string, Source>;

  constructor(facts: CatalogueFacts) {
    this.#facts = facts;
    this.#sources = new Map(facts.sources.map((source) => [source.id, source]));
  }

  fact(subject: string, field: string): Fact | undefined {
    return this.#facts.facts[subject]?.[field];
  }

  all(subject: string): readonly Fact[] {
    return Object.values(this.#facts.facts[subject] ?? {});
  }

  source(id: string): Source | undefined {
    return this.#sources.get(id);
  }

  get sources(): readonly Source[] {
    return this.#facts.sources;
  }

  aliases(model: string): CatalogueFacts['aliases'] {
    return this.#facts.aliases.filter((alias) => alias.model === model);
  }
}

/** A price field of an endpoint. Where it is not priced by token, the endpoint's own state answers for every price. */
export function priceFigure(sheets: Sheets, endpoint: Endpoint, field: string): Figure {
  const fact = sheets.fact(`endpoint:${endpoint.id}`, `price.${field}`);
  if (fact && typeof fact.value === 'string') {
    const zero = Number(fact.value) === 0;
    const state = zero && fact.state === 'listed' ? endpoint.priceState : fact.state;
    return { text: zero && state !== 'listed' ? '' : usd(fact.value), state, fact };
  }
  if (fact && fact.state !== 'not_sourced') return { text: '', state: fact.state, fact };
  const base = field === 'input' || field === 'output';
  if (base && endpoint.priceState !== 'listed') {
    return { text: '', state: endpoint.priceState, fact: sheets.fact(`endpoint:${endpoint.id}`, 'price.input') };
  }
  return { ...UNKNOWN, fact };
}

export function prices(sheets: Sheets, endpoint: Endpoint): readonly PriceRow[] {
  const labels = [
    ['Input tokens', 'input'],
    ['Output tokens', 'output'],
    ['Cached input, read', 'cache-read'],
    ['Cached input, written', 'cache-write'],
    ['Reasoning tokens', 'reasoning'],
    ['Audio input', 'input-audio'],
    ['Batch input', 'batch.input'],
    ['Batch output', 'batch.output'],
  ] as const;
  return labels
    .map(([label, field]) => ({ label, figure: priceFigure(sheets, endpoint, field) }))
    .filter(({ figure }, index) => index < 3 || figure.fact !== undefined);
}

export function textFigure(fact: Fact | undefined, show: (value: string | number) => string = String): Figure {
  if (!fact) return UNKNOWN;
  const { value } = fact;
  if (value === null) return { text: '', state: fact.state, fact };
  if (typeof value === 'boolean') return { text: value ? 'Yes' : 'No', state: fact.state, fact };
  if (typeof value === 'object') return { text: value.join(', '), state: fact.state, fact };
  return { text: show(value), state: fact.state, fact };
}

export interface Host {
  readonly endpoint: Endpoint;
  readonly provider: Provider;
}

/** All endpoints of a model with their providers: the cheapest priced first, those without a price after them. */
export function hostsOf({ snapshot }: PageData, model: Model): readonly Host[] {
  const rank = ({ endpoint }: Host): number =>
    endpoint.priceState === 'listed'
      ? Number(endpoint.rates.input ?? Number.POSITIVE_INFINITY)
      : Number.POSITIVE_INFINITY;
  return snapshot
    .endpointsOf(model.id)
    .flatMap((endpoint) => {
      const provider = snapshot.provider(endpoint.provider);
      return provider ? [{ endpoint, provider }] : [];
    })
    .sort((a, b) => {
      const [left, right] = [rank(a), rank(b)];
      return left === right ? a.provider.name.localeCompare(b.provider.name) : left - right;
    });
}

/** The other tiers of service that a host sells of a model, each an endpoint of its own. */
export const tiersOf = ({ snapshot }: PageData, { id }: Endpoint, model: Model): readonly Endpoint[] =>
  snapshot.hostsInTiers(model.id).flatMap(({ endpoint }) => (endpoint.tierOf === id ? [endpoint] : []));

/** A price of a tier: worked out from the usual price, whose receipt it shows, and from what the host asks for the tier. */
export function tierFigure(sheets: Sheets, { rates, tier, tierOf }: Endpoint, unit: Unit): Figure {
  const pico = rates[unit];
  if (pico === undefined) return UNKNOWN;
  const usual = sheets.fact(`endpoint:${tierOf}`, `price.${unit}`);
  const fact = usual && {
    ...usual,
    dissents: [],
    note: `The usual price, changed by what the host asks for its ${tier} tier.`,
  };
  return { text: usd(perMillion(pico)), state: 'listed', fact };
}

/** Days on which the figures of these subjects were last looked at. */
export function checkedDays(
  sheets: Sheets,
  subjects: readonly string[],
): { readonly oldest: string; readonly newest: string } | undefined {
  const days = subjects.flatMap((subject) => sheets.all(subject).map((fact) => fact.checked)).sort();
  const [oldest, newest] = [days[0], days.at(-1)];
  return oldest !== undefined && newest !== undefined ? { oldest, newest } : undefined;
}

/** Capabilities in the one vocabulary of the catalogue; undefined where nobody has said. */
export function capabilities(
  sheets: Sheets,
  model: Model,
  endpoint: Endpoint | undefined,
): readonly { readonly label: string; readonly has: boolean | undefined }[] {
  const features = sheets.fact(`model:${model.id}`, 'features')?.value;
  const listed = Array.isArray(features) ? (features as readonly string[]) : undefined;
  const parameters =
    endpoint === undefined || endpoint.parameters === 'all' || endpoint.parameters.length === 0
      ? undefined
      : endpoint.parameters;
  const can = (parameter: string, feature: string): boolean | undefined =>
    parameters?.includes(parameter) ?? listed?.includes(feature);
  return [
    { label: 'Image input', has: model.inputModalities.includes('image') },
    { label: 'Audio input', has: model.inputModalities.includes('audio') },
    { label: 'File input', has: model.inputModalities.includes('file') },
    { label: 'Tool calls', has: can('tools', 'tools') },
    { label: 'Structured outputs', has: can('structured_outputs', 'structured_outputs') },
    { label: 'Reasoning', has: model.reasoning ? true : can('reasoning', 'reasoning') },
    { label: 'Seed', has: can('seed', 'seed') },
  ];
}

/** Six at the same provider: same family first, then near in price and context; at most two of a family; none retired. */
export function relatedAt({ snapshot }: PageData, model: Model, endpoint: Endpoint): readonly Host[] {
  const provider = snapshot.provider(endpoint.provider);
  if (!provider) return [];
  const price = (one: Endpoint): number => Math.log1p(Number(one.rates.input ?? 0));
  const scored = snapshot.endpointsAt(provider.id).flatMap((other) => {
    const candidate = snapshot.model(other.model);
    if (!candidate || candidate.id === model.id || other.retired) return [];
    const family =
      candidate.family !== undefined && candidate.family === model.family
        ? 0.35
        : candidate.lab === model.lab
          ? 0.2
          : 0;
    const near = 0.25 / (1 + Math.abs(price(other) - price(endpoint)));
    const shared = candidate.inputModalities.filter((modality) => model.inputModalities.includes(modality)).length;
    const overlap = (0.2 * shared) / Math.max(candidate.inputModalities.length, model.inputModalities.length, 1);
    const context = 0.1 / (1 + Math.abs(Math.log2((other.contextLength ?? 1) / (endpoint.contextLength ?? 1))));
    return [{ endpoint: other, model: candidate, score: family + near + overlap + context }];
  });
  scored.sort((a, b) => b.score - a.score || (a.endpoint.id < b.endpoint.id ? -1 : 1));
  const perFamily = new Map<string, number>();
  const chosen: Host[] = [];
  for (const one of scored) {
    const family = one.model.family ?? one.model.id;
    const taken = perFamily.get(family) ?? 0;
    if (taken >= 2) continue;
    perFamily.set(family, taken + 1);
    chosen.push({ endpoint: one.endpoint, provider });
    if (chosen.length === 6) break;
  }
  return chosen;
}
