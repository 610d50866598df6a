import { QUANTIZATIONS } from '../canon/preferences.ts';
import { UNIT_IDS, type Unit } from '../canon/units.ts';
import type { Feature, ProviderFile } from './authored-schema.ts';
import { deriveParameters } from './derive-parameters.ts';
import { FactSheet } from './fact-sheet.ts';
import { priceField, subjectOf } from './fields.ts';
import { present } from './present.ts';
import { overrideOf, type PriceCondition, type Prices, parseCondition, ratesOf } from './price-conditions.ts';
import type { Endpoint, Fact, Model, Provider, RateOverride, State } from './types.ts';

export interface EndpointDraft {
  readonly provider: string;
  readonly model: string;
  readonly upstream: string;
  readonly rolling?: { readonly target: string; readonly since: string };
  readonly quantization?: string;
}

interface EndpointsInput {
  readonly facts: Readonly<Record<string, Readonly<Record<string, Fact>>>>;
  readonly model: (id: string) => Model | undefined;
  readonly features: (model: string) => readonly Feature[] | undefined;
  readonly provider: (id: string) => ProviderFile | undefined;
}

export const endpointId = ({ provider, model }: Pick<EndpointDraft, 'provider' | 'model'>): string =>
  `${provider}/${model}`;

/** Prices that a bill may be written from. */
const BILLED: ReadonlySet<State> = new Set<State>(['listed', 'free', 'disputed', 'stale']);

export function buildEndpoint(draft: EndpointDraft, input: EndpointsInput): Endpoint {
  const sheet = new FactSheet(input.facts[subjectOf('endpoint', endpointId(draft))]);
  const provider = input.provider(draft.provider);
  const model = input.model(draft.model);
  const prices = billedPrices(sheet);
  const overrides = overridesOf(sheet, prices, draft.model, provider);
  return {
    id: endpointId(draft),
    provider: draft.provider,
    model: draft.model,
    upstreamModel: draft.upstream,
    ...present({
      contextLength: sheet.count('context_length') ?? model?.contextLength,
      maxOutputTokens: sheet.count('max_output_tokens'),
    }),
    rates: ratesOf(prices),
    ...(overrides.length > 0 ? { overrides } : {}),
    priceState: priceStateOf(sheet, prices),
    parameters: sheet.list('parameters') ?? derived(draft.model, provider, model, input),
    quantization:
      QUANTIZATIONS.find((name) => name === (sheet.text('quantization') ?? draft.quantization)) ?? 'unknown',
    delivery: (sheet.text('delivery') as Endpoint['delivery'] | undefined) ?? DELIVERY[provider?.kind ?? 'inference'],
    ...present({
      efforts: sheet.list('efforts'),
      rolling: draft.rolling,
      retired: sheet.flag('retired') === true ? true : undefined,
    }),
  };
}

const DELIVERY: { readonly [K in Provider['kind']]: Endpoint['delivery'] } = {
  lab: 'serverless',
  cloud: 'serverless',
  inference: 'serverless',
  aggregator: 'serverless',
  plan: 'plan',
  local: 'local',
};

function billedPrices(sheet: FactSheet): Prices {
  const prices: { [U in Unit]?: string } = {};
  for (const unit of UNIT_IDS) {
    const fact = sheet.fact(priceField(unit));
    if (fact && BILLED.has(fact.state) && typeof fact.value === 'string') prices[unit] = fact.value;
  }
  return prices;
}

/** Conditions without a base price would be bills of their own. */
function overridesOf(
  sheet: FactSheet,
  base: Prices,
  model: string,
  provider: ProviderFile | undefined,
): readonly RateOverride[] {
  if (Object.keys(base).length === 0) return [];
  const general = (provider?.price_conditions ?? []).filter(({ models }) => models?.includes(model) ?? true);
  return [...(sheet.list('price.conditions') ?? []), ...general.map(({ line }) => line)].flatMap((line) => {
    const condition = parseCondition(line);
    return condition ? [overrideOf(onDays(condition, model, provider?.price_days))] : [];
  });
}

/** Lists print hours; that these hold on working days only, say, stands in a sentence beside the list. */
function onDays(condition: PriceCondition, model: string, said: ProviderFile['price_days']): PriceCondition {
  const { utc } = condition;
  if (!utc || utc.days || utc.except || !said?.models.includes(model)) return condition;
  const { days, except } = said;
  return { ...condition, utc: { ...utc, days, ...(except.length > 0 && { except }) } };
}

/** The state of the price as a whole: that of the input price, which every priced list names. */
function priceStateOf(sheet: FactSheet, prices: Prices): State {
  const lead = sheet.fact(priceField('input')) ?? sheet.fact(priceField('output'));
  if (lead && (lead.value === null || prices.input !== undefined)) return lead.state;
  return Object.keys(prices).length > 0 ? 'listed' : 'not_sourced';
}

function derived(
  modelId: string,
  provider: ProviderFile | undefined,
  model: Model | undefined,
  { features }: EndpointsInput,
): Endpoint['parameters'] {
  if (provider?.extra_fields === 'all') return 'all';
  return deriveParameters({
    features: features(modelId),
    writesText: model?.outputModalities.includes('text') ?? true,
    add: provider?.parameters?.add ?? [],
    remove: provider?.parameters?.remove ?? [],
  });
}
