import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { z } from 'zod';
import type { Authored, AuthoredSource, AuthoredSubject } from '../authored.ts';
import {
  aliasFile,
  decisionFile,
  type EndpointFile,
  endpointFile,
  type LabFile,
  type ListingFile,
  labFile,
  listingFile,
  type ModelFile,
  modelFile,
  type ObserveEntry,
  type ProviderFile,
  providerFile,
  sandboxFile,
  sourcesFile,
  sourceTable,
  traitFile,
} from '../authored-schema.ts';
import { CatalogueError } from '../catalogue-error.ts';
import type { PolicyForm } from '../data-policy.ts';
import { normalAmount } from '../decimal-text.ts';
import { batchField, type FieldKind, fieldKind, priceField, type SubjectKind } from '../fields.ts';
import { present } from '../present.ts';
import { formatCondition, isUnit, type Prices } from '../price-conditions.ts';
import { parseRouter } from '../routers.ts';
import type { Observed, Row } from '../row.ts';
import type { FactValue, SandboxRow, TraitRule } from '../types.ts';

/** Reads the folder of authored files. Throws a `CatalogueError` that names the file and what is wrong with it. */
export function readAuthored(folder: string): Authored {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.toml'));
  return parseAuthored(
    new Map(names.map((name) => [name.replaceAll('\\', '/'), readFileSync(join(folder, name), 'utf8')])),
  );
}

/** The same from texts, by path below the folder. */
export function parseAuthored(files: ReadonlyMap<string, string>): Authored {
  const sorted = [...files].toSorted(([a], [b]) => (a < b ? -1 : 1));
  const known = new Set(['sources.toml', 'aliases.toml', 'decisions.toml', 'traits.toml']);
  for (const [file] of sorted) {
    if (!known.has(file) && !ROUTERS.test(file) && !FOLDERS.some(({ path }) => path.test(file)))
      throw new CatalogueError(file, 'lies where no file is expected');
  }
  const inFolder = (folder: Folder): [string, string][] => sorted.filter(([file]) => folder.path.test(file));
  const { periods, decisions, traits } = singles(files);
  return {
    sources: sources(files),
    labs: inFolder(LABS).map(([file, toml]) => subject(file, LABS, toml, labFile, labObserved)),
    providers: inFolder(PROVIDERS).map(([file, toml]) =>
      subject(file, PROVIDERS, toml, providerFile, providerObserved),
    ),
    models: inFolder(MODELS).map(([file, toml]) => subject(file, MODELS, toml, modelFile, modelObserved)),
    endpoints: inFolder(ENDPOINTS).map(([file, toml]) =>
      subject(file, ENDPOINTS, toml, endpointFile, endpointObserved),
    ),
    rows: inFolder(LISTINGS).flatMap(([file, toml]) =>
      listingRows(idOf(file, LISTINGS), parse(file, toml, listingFile)),
    ),
    sandbox: inFolder(SANDBOX).map(([file, toml]) => sandboxRow(idOf(file, SANDBOX), parse(file, toml, sandboxFile))),
    periods,
    decisions,
    traits,
    routers: sorted.flatMap(([file, toml]) => (ROUTERS.test(file) ? [parseRouter(file, toml)] : [])),
  };
}

const ROUTERS = /^routers\/[^/]+\.toml$/;

interface Folder {
  readonly path: RegExp;
  readonly kind: SubjectKind;
}

const LABS: Folder = { path: /^labs\/([^/]+)\.toml$/, kind: 'lab' };
const PROVIDERS: Folder = { path: /^providers\/([^/]+)\.toml$/, kind: 'provider' };
const MODELS: Folder = { path: /^models\/([^/]+\/[^/]+)\.toml$/, kind: 'model' };
const ENDPOINTS: Folder = { path: /^endpoints\/([^/]+\/[^/]+\/[^/]+)\.toml$/, kind: 'endpoint' };
/** A provider may have several listings: `listings/<provider>.<what>.toml`. */
const LISTINGS: Folder = { path: /^listings\/([^/.]+)(?:\.[^/]+)?\.toml$/, kind: 'endpoint' };
const SANDBOX: Folder = { path: /^sandbox\/([^/]+)\.toml$/, kind: 'provider' };
const FOLDERS = [LABS, PROVIDERS, MODELS, ENDPOINTS, LISTINGS, SANDBOX];

/** The file's name is the id. A variant's colon is no name for a file, so `lab/slug:free` lies in `lab/slug.free.toml`. */
function idOf(file: string, folder: Folder): string {
  const id = folder.path.exec(file)?.[1] ?? file;
  return folder.kind === 'model' || folder.kind === 'endpoint' ? id.replace(/\.(free|thinking|extended)$/, ':$1') : id;
}

function subject<Form extends { source: string; checked: string; observe: readonly ObserveEntry[] }>(
  file: string,
  folder: Folder,
  toml: string,
  schema: z.ZodType<Form>,
  shorthand: (form: Form) => readonly Observed[],
): AuthoredSubject<Form> {
  const form = parse(file, toml, schema);
  const further = form.observe.map((entry) => observed(file, folder.kind, entry));
  const own = shorthand(form).map((o) => ({ source: form.source, checked: form.checked, ...o }));
  const origin = { source: form.source, checked: form.checked };
  return { file, id: idOf(file, folder), form, observed: [...own, ...further.map((o) => ({ ...origin, ...o }))] };
}

function parse<Form>(file: string, toml: string, schema: z.ZodType<Form>): Form {
  let wire: unknown;
  try {
    wire = Bun.TOML.parse(toml);
  } catch (cause) {
    throw new CatalogueError(file, cause instanceof Error ? cause.message : 'is no TOML', { cause });
  }
  return checked(file, wire, schema);
}

function checked<Form>(file: string, wire: unknown, schema: z.ZodType<Form>, at: readonly string[] = []): Form {
  const result = schema.safeParse(wire);
  if (result.success) return result.data;
  const reasons = result.error.issues.map(({ path, message }) => `${[...at, ...path].join('.') || 'file'}: ${message}`);
  throw new CatalogueError(file, reasons.join('; '));
}

function sources(files: ReadonlyMap<string, string>): readonly AuthoredSource[] {
  const file = 'sources.toml';
  const { checked: day, ...tables } = parse(file, textOf(files, file), sourcesFile);
  return Object.entries(tables).map(([id, table]) => {
    const { checked: own, ...form } = checked(file, table, sourceTable, [id]);
    return { id, ...present(form), checked: own ?? day };
  });
}

function singles(files: ReadonlyMap<string, string>): Pick<Authored, 'periods' | 'decisions' | 'traits'> {
  const { period } = parse('aliases.toml', textOf(files, 'aliases.toml'), aliasFile);
  const { decision } = parse('decisions.toml', textOf(files, 'decisions.toml'), decisionFile);
  const traits = files.has('traits.toml') ? parse('traits.toml', textOf(files, 'traits.toml'), traitFile).rule : [];
  return { periods: period.map(present), decisions: decision.map(present), traits: traits.map(ruleOf) };
}

function ruleOf(form: z.infer<typeof traitFile>['rule'][number]): TraitRule {
  const {
    effort_words: effortWords,
    service_tiers: serviceTiers,
    token_factor: tokenFactor,
    traits,
    adds,
    refuses,
    models,
    ...rest
  } = form;
  return {
    models,
    traits,
    adds,
    refuses,
    ...present({ ...rest, effortWords, serviceTiers, tokenFactor }),
  } as TraitRule;
}

function textOf(files: ReadonlyMap<string, string>, file: string): string {
  const toml = files.get(file);
  if (toml === undefined) throw new CatalogueError(file, 'is missing');
  return toml;
}

function observed(file: string, kind: SubjectKind, entry: ObserveEntry): Observed {
  const expected = fieldKind(kind, entry.field);
  if (expected === undefined)
    throw new CatalogueError(file, `observe: nothing is called "${entry.field}" on a ${kind}`);
  const { value, ...rest } = entry;
  if (value !== undefined && !fits(value, expected))
    throw new CatalogueError(file, `observe: ${entry.field} is no ${expected}`);
  if (value === undefined && entry.state === undefined)
    throw new CatalogueError(file, `observe: ${entry.field} has neither value nor state`);
  const spelled = expected === 'amount' && typeof value === 'string' ? normalAmount(value) : value;
  return { ...present(rest), value: spelled ?? null } as Observed;
}

const FITS: { readonly [K in FieldKind]: (value: FactValue) => boolean } = {
  text: (value) => typeof value === 'string',
  day: (value) => typeof value === 'string' && /^\d{4}-\d{2}(-\d{2})?$/.test(value),
  count: (value) => typeof value === 'number' && Number.isSafeInteger(value) && value >= 0,
  flag: (value) => typeof value === 'boolean',
  list: (value) => Array.isArray(value),
  amount: (value) => typeof value === 'string' && normalAmount(value) !== undefined,
};

const fits = (value: FactValue, kind: FieldKind): boolean => FITS[kind](value);

/** The short-hand keys of a file, as observations; keys that are absent say nothing. */
function fieldsOf(values: Readonly<Record<string, FactValue | undefined>>): readonly Observed[] {
  return Object.entries(values).flatMap(([field, value]) => (value === undefined ? [] : [{ field, value }]));
}

function labObserved({ name, url, country }: LabFile): readonly Observed[] {
  return fieldsOf({ name, url, country });
}

function providerObserved(form: ProviderFile): readonly Observed[] {
  return fieldsOf({
    name: form.name,
    kind: form.kind,
    operated_by: form.operated_by,
    dialect: form.dialect,
    base: form.base,
    key_env: form.key_env.length > 0 ? form.key_env : undefined,
    cancellation: form.cancellation,
    headquarters: form.headquarters,
  }).concat(form.policy ? policyObserved(form.policy) : []);
}

/** A policy has pages and a day of its own, whoever says the rest of the row. */
function policyObserved(policy: PolicyForm): readonly Observed[] {
  const source = policy.source === 'own-machine' ? 'turnpike-authors' : 'provider-docs';
  return fieldsOf({
    regions: policy.regions.length > 0 ? policy.regions : undefined,
    trains_on_prompts: policy.trains_on_prompts,
    retention_days: policy.retention_days,
    zero_retention: policy.zero_retention,
  }).map((one) => ({ ...one, source, checked: policy.checked, ...present({ note: policy.note }) }));
}

function modelObserved(form: ModelFile): readonly Observed[] {
  return fieldsOf({
    name: form.name,
    family: form.family,
    released: form.released,
    listed: form.listed,
    knowledge_cutoff: form.cutoff,
    context_length: form.context,
    max_output_tokens: form.max_output,
    input_modalities: form.input,
    output_modalities: form.output,
    features: form.features,
    efforts: form.efforts,
    default_effort: form.default_effort,
    reasoning_mandatory: form.reasoning_mandatory,
    open_weights: form.open_weights,
    distillable: form.distillable,
    ends: form.ends,
    successor: form.successor,
    licence: form.licence,
    weights: form.weights,
    parameters: form.parameters,
    active_parameters: form.active_parameters,
    architecture: form.architecture,
  });
}

function endpointObserved(form: EndpointFile): readonly Observed[] {
  const fields = fieldsOf({
    upstream_model: form.upstream,
    other_ids: form.other_ids,
    delivery: form.delivery,
    context_length: form.context,
    max_output_tokens: form.max_output,
    parameters: form.parameters,
    efforts: form.efforts,
    quantization: form.quantization,
    retired: form.retired,
  });
  const unpriced =
    form.price_state === undefined ? [] : [{ field: priceField('input'), value: null, state: form.price_state }];
  return [...fields, ...priceObserved(form.price, form.tiers), ...priceList(form.batch, batchField), ...unpriced];
}

function listingRows(provider: string, { source, checked: day, rows }: ListingFile): readonly Row[] {
  return rows.map((row) => ({
    provider,
    id: row.id,
    ...present({ link: row.model, name: row.name }),
    source,
    checked: day,
    observed: [
      ...priceObserved(row.price, row.tiers),
      ...fieldsOf({ context_length: row.context, max_output_tokens: row.max_output, retired: row.retired }),
    ],
  }));
}

function sandboxRow(provider: string, form: z.infer<typeof sandboxFile>): SandboxRow {
  const { id_prefix: idPrefix, comment, latency_ms: latencyMs, pieces_per_second: piecesPerSecond } = form;
  return { provider, idPrefix, latencyMs, piecesPerSecond, ...present({ comment }) };
}

function priceObserved(price: Prices | undefined, tiers: EndpointFile['tiers']): readonly Observed[] {
  if (price === undefined) return [];
  const lines = tiers.map((tier) => formatCondition({ minPromptTokens: tier.above, prices: tier.price }));
  return [...priceList(price, priceField), { field: 'price.conditions', value: lines }];
}

function priceList(prices: Prices | undefined, fieldOf: typeof priceField): readonly Observed[] {
  return Object.entries(prices ?? {}).flatMap(([unit, value]) =>
    isUnit(unit) ? [{ field: fieldOf(unit), value }] : [],
  );
}
