import { findProvider } from '@pydantic/genai-prices';
import type { Unit } from '../../canon/units.ts';
import { decimalText } from '../decimal-text.ts';
import { priceField } from '../fields.ts';
import { formatCondition, type PriceCondition, type Prices, perMillion } from '../price-conditions.ts';
import type { Observed, Row, Skipped } from '../row.ts';

type Listed = NonNullable<ReturnType<typeof findProvider>>;
type ListedModel = Listed['models'][number];
type Match = ListedModel['match'];
type Price = Exclude<ListedModel['prices'], readonly unknown[]>;
type Entry = Extract<ListedModel['prices'], readonly unknown[]>[number];

/** Our id of this source. */
export const GENAI_PRICES = 'genai-prices';

/** Which provider of the data set stands for one of ours, and which of its rows: a field of the provider's authored file. */
interface GenaiPricesLink {
  readonly provider: string;
  /** The data set's id. */
  readonly id: string;
  /** Only rows whose id begins like one of these. */
  readonly only?: readonly string[];
  /** No rows whose id ends like one of these. */
  readonly not?: readonly string[];
  /** A label that the data set puts before ids. */
  readonly strip?: string;
  /** What a request must put behind the id. */
  readonly append?: string;
}

interface GenaiPricesSource {
  /** Our id of the source. */
  readonly source: string;
  /** The day of the bundled release: prices that begin later are noted, not used. */
  readonly checked: string;
  /** The day that figures without a date of their own are taken to be of. */
  readonly asserted: string;
}

/** The data set's price keys in our units, and the count that its price is for. */
const UNIT_OF: Readonly<Record<string, { readonly unit: Unit; readonly per: 'million' | 'thousand' }>> = {
  input_mtok: { unit: 'input', per: 'million' },
  output_mtok: { unit: 'output', per: 'million' },
  cache_read_mtok: { unit: 'cache-read', per: 'million' },
  cache_write_mtok: { unit: 'cache-write', per: 'million' },
  cache_write_1h_mtok: { unit: 'cache-write-1h', per: 'million' },
  input_audio_mtok: { unit: 'input-audio', per: 'million' },
  cache_audio_read_mtok: { unit: 'input-audio-cache', per: 'million' },
  input_image_mtok: { unit: 'input-image-token', per: 'million' },
  output_audio_mtok: { unit: 'output-audio', per: 'million' },
  output_reasoning_mtok: { unit: 'reasoning', per: 'million' },
  requests_kcount: { unit: 'request', per: 'thousand' },
  web_searches_kcount: { unit: 'web-search', per: 'thousand' },
};

/** The bundled data set's rows for one provider. Throws when the data set does not know the provider it is linked to. */
export function genaiPricesRows(
  link: GenaiPricesLink,
  source: GenaiPricesSource,
): { readonly rows: readonly Row[]; readonly skipped: readonly Skipped[] } {
  const listed = findProvider({ providerId: link.id });
  if (listed?.id !== link.id) throw new Error(`genai-prices has no provider "${link.id}"`);
  const rows: Row[] = [];
  const skipped: Skipped[] = [];
  for (const model of listed.models.filter((m) => wanted(m.id, link))) {
    for (const label of callableIds(model)) {
      const id = link.strip !== undefined && label.startsWith(link.strip) ? label.slice(link.strip.length) : label;
      const read = rowOf(model, { ...source, provider: link.provider, id });
      if ('reason' in read) skipped.push(read);
      else rows.push(link.append === undefined ? read : { ...read, upstream: `${id}${link.append}` });
    }
  }
  return { rows, skipped };
}

function wanted(id: string, { only, not }: GenaiPricesLink): boolean {
  return (only?.some((start) => id.startsWith(start)) ?? true) && !(not?.some((end) => id.endsWith(end)) ?? false);
}

function rowOf(model: ListedModel, where: GenaiPricesSource & Pick<Row, 'provider' | 'id'>): Row | Skipped {
  const base = basePrices(model, where.checked);
  const asserted = assertedOn(model, where);
  const prices = priceObservations(model, base, where.checked);
  if (prices.length === 0 && foreignNote(base) !== '') {
    return {
      source: where.source,
      provider: where.provider,
      id: where.id,
      reason: 'foreign_unit',
      detail: foreignNote(base),
    };
  }
  const observed: Observed[] = [...prices];
  if (model.context_window) observed.push({ field: 'context_length', value: model.context_window });
  if (model.deprecated) observed.push({ field: 'retired', value: true });
  const { source, checked, provider, id } = where;
  const name = isName(model.name) ? { name: model.name } : {};
  return { source, checked, provider, id, ...name, observed: observed.map((o) => ({ ...o, asserted })) };
}

/** Names in small letters throughout are ids written with spaces. */
const isName = (name: string | undefined): name is string => name !== undefined && name !== name.toLowerCase();

/** Some ids are labels for a group of ids; then each id of the group is a row of its own. */
function callableIds(model: ListedModel): readonly string[] {
  if (matches(model.match, model.id.toLowerCase())) return [model.id];
  const exact = equalIds(model.match);
  return exact.length > 0 ? exact : [model.id];
}

function equalIds(match: Match): readonly string[] {
  if ('or' in match) return match.or.flatMap(equalIds);
  return 'equals' in match ? [match.equals] : [];
}

function matches(match: Match, id: string): boolean {
  if ('or' in match) return match.or.some((part) => matches(part, id));
  if ('and' in match) return match.and.every((part) => matches(part, id));
  if ('equals' in match) return id === match.equals.toLowerCase();
  if ('starts_with' in match) return id.startsWith(match.starts_with.toLowerCase());
  if ('ends_with' in match) return id.endsWith(match.ends_with.toLowerCase());
  if ('contains' in match) return id.includes(match.contains.toLowerCase());
  return new RegExp(match.regex).test(id);
}

function priceObservations(model: ListedModel, base: Price, today: string): readonly Observed[] {
  const foreign = foreignNote(base);
  const remarks = [...(foreign === '' ? [] : [`also billed: ${foreign}`]), ...laterPrices(model, today)];
  const observed: Observed[] = [];
  for (const [key, value] of Object.entries(base)) {
    const row = UNIT_OF[key];
    const amount =
      row && value !== undefined ? exactAmount(typeof value === 'number' ? value : value.base, row.per) : undefined;
    if (!row || !amount) continue;
    const notes = [
      ...(amount.raw === undefined ? [] : [`${amount.raw} in the source`]),
      ...(observed.length === 0 ? remarks : []),
    ];
    observed.push({
      field: priceField(row.unit),
      value: amount.text,
      ...(notes.length > 0 ? { note: notes.join('; ') } : {}),
    });
  }
  // Said even where there are none, so that another source's older tiers cannot hang on to this source's flat price.
  if (observed.length > 0)
    observed.push({ field: 'price.conditions', value: conditions(model, base, today).map(formatCondition) });
  return observed;
}

/** What holds at any hour of that day: the last entry without a window that has begun. */
function basePrices(model: ListedModel, today: string): Price {
  if (!Array.isArray(model.prices)) return model.prices;
  return model.prices.findLast((entry) => inForce(entry, today))?.prices ?? {};
}

function conditions(model: ListedModel, base: Price, today: string): readonly PriceCondition[] {
  const tiers = tierStarts(base).map((start) => ({ minPromptTokens: start, prices: pricesAt(base, start) }));
  if (!Array.isArray(model.prices)) return tiers;
  const list = model.prices.findLastIndex((entry) => inForce(entry, today));
  // The data set reads its entries from the end: a window in front of the list in force never applies.
  const windows = model.prices.slice(list + 1).flatMap((entry) => {
    const utc = windowOf(entry);
    return utc && tierStarts(entry.prices).length === 0 ? [{ utc, prices: pricesAt(entry.prices, 0) }] : [];
  });
  return [...tiers, ...windows];
}

/** The prompt sizes at which the price of some unit changes. */
function tierStarts(price: Price): readonly number[] {
  const starts = Object.values(price).flatMap((value) =>
    typeof value === 'object' ? value.tiers.map((tier) => tier.start) : [],
  );
  return [...new Set(starts)].toSorted((a, b) => a - b);
}

/** Above size 0 only units that have tiers are named: the others keep their base price. */
function pricesAt(price: Price, size: number): Prices {
  const prices: { [U in Unit]?: string } = {};
  for (const [key, value] of Object.entries(price)) {
    const row = UNIT_OF[key];
    if (!row || value === undefined || (size > 0 && typeof value === 'number')) continue;
    const tier =
      typeof value === 'number' ? value : (value.tiers.findLast(({ start }) => start <= size)?.price ?? value.base);
    const amount = exactAmount(tier, row.per);
    if (amount) prices[row.unit] = amount.text;
  }
  return prices;
}

function exactAmount(value: number, per: 'million' | 'thousand'): { text: string; raw?: string } | undefined {
  const exact = decimalText(value);
  const text = exact && (per === 'million' ? exact.text : perMillion(exact.text));
  return text === undefined ? undefined : { text, ...(exact?.raw === undefined ? {} : { raw: exact.raw }) };
}

/** Prices that we have no unit for, in words. */
function foreignNote(price: Price): string {
  return Object.entries(price)
    .flatMap(([key, value]) =>
      UNIT_OF[key] || value === undefined
        ? []
        : [`${key.replaceAll('_', ' ')} ${typeof value === 'number' ? value : value.base}`],
    )
    .join(', ');
}

function laterPrices(model: ListedModel, today: string): readonly string[] {
  if (!Array.isArray(model.prices)) return [];
  const later = model.prices.filter((entry) => !windowOf(entry) && startOf(entry) > today);
  return later.map((entry) => {
    const prices = Object.entries(pricesAt(entry.prices, 0)).map(([unit, price]) => `${unit} ${price}`);
    return `from ${startOf(entry)}: ${prices.join(', ')}`;
  });
}

/** A row says when it was written only where its price began on a day. */
function assertedOn({ prices }: ListedModel, { checked, asserted }: GenaiPricesSource): string {
  const began = Array.isArray(prices) ? prices.findLast((entry) => inForce(entry, checked)) : undefined;
  return (began && startOf(began)) || asserted;
}

const inForce = (entry: Entry, today: string): boolean => !windowOf(entry) && startOf(entry) <= today;

const startOf = ({ constraint }: Entry): string => (constraint?.type === 'start_date' ? constraint.start_date : '');

/** `01:00:00Z` → `0100`. */
function windowOf({ constraint }: Entry): { start: string; end: string } | undefined {
  if (constraint?.type !== 'time_of_date') return undefined;
  const digits = (time: string): string => time.replace(':', '').slice(0, 4);
  return { start: digits(constraint.start_time), end: digits(constraint.end_time) };
}
