import { UNIT_IDS, type Unit } from '../canon/units.ts';

/** What a value of a field looks like in authored files. */
export type FieldKind = 'text' | 'count' | 'flag' | 'list' | 'amount' | 'day';

const PRICES = Object.fromEntries(
  UNIT_IDS.flatMap((unit) => [
    [priceField(unit), 'amount'],
    [batchField(unit), 'amount'],
  ]),
) as Record<string, FieldKind>;

/** Everything that can be said of a subject. A field that is not here is a typing mistake. */
const FIELDS = {
  model: {
    name: 'text',
    family: 'text',
    released: 'day',
    /** The day a source first listed it, for models whose release nobody dates. */
    listed: 'day',
    knowledge_cutoff: 'text',
    context_length: 'count',
    max_output_tokens: 'count',
    input_modalities: 'list',
    output_modalities: 'list',
    features: 'list',
    efforts: 'list',
    default_effort: 'text',
    reasoning_mandatory: 'flag',
    open_weights: 'flag',
    distillable: 'flag',
    ends: 'day',
    successor: 'text',
    licence: 'text',
    weights: 'list',
    parameters: 'text',
    active_parameters: 'text',
    architecture: 'text',
    /** Ids under which hosts list it beyond those that are routed to. */
    listed_as: 'list',
  },
  endpoint: {
    upstream_model: 'text',
    other_ids: 'list',
    delivery: 'text',
    context_length: 'count',
    max_output_tokens: 'count',
    parameters: 'list',
    efforts: 'list',
    quantization: 'text',
    retired: 'flag',
    /** Prices under conditions, one line each (price-conditions.ts). */
    'price.conditions': 'list',
    ...PRICES,
  },
  provider: {
    name: 'text',
    kind: 'text',
    operated_by: 'text',
    dialect: 'text',
    base: 'text',
    key_env: 'list',
    cancellation: 'flag',
    regions: 'list',
    trains_on_prompts: 'flag',
    retention_days: 'count',
    zero_retention: 'text',
    headquarters: 'text',
  },
  lab: { name: 'text', url: 'text', country: 'text' },
} as const satisfies Record<string, Record<string, FieldKind>>;

export type SubjectKind = keyof typeof FIELDS;

export function priceField(unit: Unit): string {
  return `price.${unit}`;
}

export function batchField(unit: Unit): string {
  return `price.batch.${unit}`;
}

export const subjectOf = (kind: SubjectKind, id: string): string => `${kind}:${id}`;

export const fieldKind = (kind: SubjectKind, field: string): FieldKind | undefined =>
  (FIELDS[kind] as Readonly<Record<string, FieldKind>>)[field];
