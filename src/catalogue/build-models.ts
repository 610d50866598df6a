import { EFFORTS } from '../canon/request.ts';
import type { AuthoredSubject } from './authored.ts';
import { FEATURES, type Feature, type ModelFile } from './authored-schema.ts';
import { describe } from './describe.ts';
import { FactSheet } from './fact-sheet.ts';
import { subjectOf } from './fields.ts';
import { guessModalities } from './guess-modalities.ts';
import type { LabNames } from './lab-names.ts';
import { endOfLife } from './lifetime.ts';
import type { FoundModel } from './place.ts';
import { present } from './present.ts';
import { tidyName } from './tidy-name.ts';
import type { AliasPeriod, Fact, Model, ModelReasoning } from './types.ts';

interface ModelsInput {
  readonly authored: readonly AuthoredSubject<ModelFile>[];
  readonly found: readonly FoundModel[];
  readonly facts: Readonly<Record<string, Readonly<Record<string, Fact>>>>;
  readonly labs: LabNames;
  readonly labName: (id: string) => string;
  /** Days that stand in for a release nobody dates, by source. */
  readonly undated: ReadonlyMap<string, string>;
  readonly periods: readonly AliasPeriod[];
  readonly operatorOf: (provider: string) => string | undefined;
  /** The context at a host that may speak for the model, where nobody speaks of the model itself. */
  readonly hostedContext: (model: string) => number | undefined;
}

/** What the models of the catalogue are made from: a file or a row, and the model that it is a variant of. */
interface Draft {
  readonly id: string;
  readonly source: string;
  readonly aliases: readonly string[];
  readonly about?: string;
  readonly fastOf?: string;
  readonly base?: string;
}

interface BuiltModels {
  readonly models: readonly Model[];
  /** Undefined where nobody has said what a model can do. */
  readonly features: ReadonlyMap<string, readonly Feature[] | undefined>;
}

export function buildModels(input: ModelsInput): BuiltModels {
  const drafts = draftsOf(input);
  const ids = new Set(drafts.map((draft) => draft.id));
  const rolling = rollingAliases(input);
  const features = new Map<string, readonly Feature[] | undefined>();
  const models = drafts.map((draft) => {
    const sheets = sheetsOf(draft, input);
    const known = featuresOf(sheets);
    features.set(draft.id, known);
    const aliases = [...draft.aliases, ...(rolling.get(draft.id) ?? [])].flatMap((alias) =>
      spellings(alias, labOf(draft.id)),
    );
    return modelOf(draft, {
      sheets,
      features: known,
      aliases: [...new Set(aliases)].filter((alias) => !ids.has(alias)),
      input,
    });
  });
  return { models, features };
}

function draftsOf({ authored, found }: ModelsInput): readonly Draft[] {
  const written = authored.map(
    ({ id, form }): Draft => ({
      id,
      source: form.source,
      aliases: form.aliases,
      ...present({ about: form.about, fastOf: form.fast_of }),
      ...baseOf(id),
    }),
  );
  const named = found.map(
    ({ id, row, base }): Draft => ({ id, source: row.source, aliases: [], ...(base === undefined ? {} : { base }) }),
  );
  return [...written, ...named].toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

const baseOf = (id: string): { base?: string } => (id.includes(':') ? { base: id.split(':')[0] ?? id } : {});

const labOf = (id: string): string => id.split('/')[0] ?? id;

/** Its own facts, then those of the model it is a variant of. */
function sheetsOf({ id, base }: Draft, { facts }: ModelsInput): readonly FactSheet[] {
  return [id, ...(base === undefined ? [] : [base])].map((model) => new FactSheet(facts[subjectOf('model', model)]));
}

interface Parts {
  readonly sheets: readonly FactSheet[];
  readonly features: readonly Feature[] | undefined;
  readonly aliases: readonly string[];
  readonly input: ModelsInput;
}

function modelOf(draft: Draft, { sheets, features, aliases, input }: Parts): Model {
  const { id, base } = draft;
  const lab = labOf(id);
  const slug = id.slice(lab.length + 1);
  const first = <T>(read: (sheet: FactSheet) => T | undefined): T | undefined =>
    sheets.map(read).find((value) => value !== undefined);
  const released = first((sheet) => sheet.text('released'));
  const guessed = guessModalities(slug);
  const name = nameOf(slug, sheets);
  const facts = {
    id,
    lab,
    name,
    aliases,
    created: secondsOf(
      released ?? first((sheet) => sheet.text('listed')) ?? input.undated.get(draft.source) ?? '1970-01-01',
    ),
    inputModalities: first((sheet) => sheet.list('input_modalities')) ?? guessed.input,
    outputModalities: first((sheet) => sheet.list('output_modalities')) ?? guessed.output,
    tokenizer: input.labs.tokenizer(lab, slug),
    ...present({
      family: first((sheet) => sheet.text('family')),
      contextLength: first((sheet) => sheet.count('context_length')) ?? input.hostedContext(id),
      maxOutputTokens: first((sheet) => sheet.count('max_output_tokens')),
      reasoning: features?.includes('reasoning') ? reasoningOf(sheets) : undefined,
      knowledgeCutoff: first((sheet) => sheet.text('knowledge_cutoff')),
      weightsUrl: first((sheet) => sheet.list('weights'))?.[0],
      licence: first((sheet) => sheet.text('licence')),
      openWeights: first((sheet) => sheet.flag('open_weights')),
      distillable: first((sheet) => sheet.flag('distillable')),
      ends: endOf(sheets[0]),
      successor: sheets[0]?.text('successor'),
      fastOf: draft.fastOf,
    }),
  };
  const variant = id.split(':')[1];
  const variantOf =
    base !== undefined && variant !== undefined ? { name: name.replace(/ \([a-z]+\)$/, ''), variant } : undefined;
  const about =
    draft.about ?? describe({ ...facts, labName: input.labName(lab), ...present({ released, features, variantOf }) });
  return { ...facts, about };
}

/** A variant's end is its own. */
function endOf(sheet: FactSheet | undefined): number | undefined {
  const day = sheet?.text('ends');
  return day === undefined ? undefined : endOfLife(day);
}

/** A variant without a name of its own is called after its model. */
function nameOf(slug: string, [own, base]: readonly FactSheet[]): string {
  const given = own?.text('name');
  if (given !== undefined) return given;
  const inherited = base?.text('name');
  return inherited === undefined ? tidyName(slug) : `${inherited} (${slug.split(':')[1] ?? ''})`;
}

function featuresOf(sheets: readonly FactSheet[]): readonly Feature[] | undefined {
  const listed = sheets.map((sheet) => sheet.list('features')).find((list) => list !== undefined);
  return listed && FEATURES.filter((feature) => listed.includes(feature));
}

/** A model that reasons without named levels takes any: hosts that know the unified parameter fit it to what the model can. */
function reasoningOf(sheets: readonly FactSheet[]): ModelReasoning {
  const sheet = sheets.find((s) => s.list('features') !== undefined);
  const mandatory = sheet?.flag('reasoning_mandatory') ?? false;
  const efforts = sheet?.list('efforts') ?? EFFORTS.filter((effort) => !mandatory || effort !== 'none');
  return { efforts, mandatory, ...present({ defaultEffort: sheet?.text('default_effort') }) };
}

/** `mistral-small-latest` as of today, for the lab's own aliases. */
function rollingAliases({ periods, operatorOf }: ModelsInput): ReadonlyMap<string, readonly string[]> {
  const current = periods.filter(
    (period) => period.to === undefined && operatorOf(period.provider) === labOf(period.model),
  );
  const byModel = new Map<string, readonly string[]>();
  for (const { model, alias } of current) byModel.set(model, [...(byModel.get(model) ?? []), alias]);
  return byModel;
}

/** A bare alias also works behind its lab's name. */
const spellings = (alias: string, lab: string): readonly string[] =>
  alias.includes('/') ? [alias] : [alias, `${lab}/${alias}`];

/** Midnight UTC; the first of the month where only a month is known. */
const secondsOf = (day: string): number => Date.parse(`${day.length === 7 ? `${day}-01` : day}T00:00:00Z`) / 1000;
