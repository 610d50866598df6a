import { createHash } from 'node:crypto';
import type { Authored, AuthoredSubject } from './authored.ts';
import type { ProviderFile } from './authored-schema.ts';
import { buildEndpoint, type EndpointDraft, endpointId } from './build-endpoints.ts';
import { buildModels } from './build-models.ts';
import { buildLabs, buildProvider } from './build-providers.ts';
import { checkReferences } from './check-references.ts';
import { draftEndpoints } from './draft-endpoints.ts';
import { FactSheet } from './fact-sheet.ts';
import { type SubjectKind, subjectOf } from './fields.ts';
import { Identifier, type ProviderNaming } from './identify.ts';
import { LabNames } from './lab-names.ts';
import { type FoundModel, type Placement, place } from './place.ts';
import { present } from './present.ts';
import { quarantine } from './quarantine.ts';
import { resolveAll } from './resolve.ts';
import type { Observed, Row, Skipped } from './row.ts';
import type { CatalogueData, CatalogueFacts, Fact, Observation } from './types.ts';

interface CompileInput {
  readonly authored: Authored;
  /** Rows of data sets, beyond the authored listings. */
  readonly rows: readonly Row[];
}

export interface Compiled {
  readonly data: CatalogueData;
  readonly facts: CatalogueFacts;
  /** What was in the sources and is not in the catalogue, each with its reason. */
  readonly skipped: readonly Skipped[];
}

type Facts = Record<string, Record<string, Fact>>;

/**
 * Everything known → one catalogue. Pure: the same input gives the same bytes in the same order, and `id` is a hash of them.
 * Throws a `CatalogueError` where authored files contradict each other.
 */
export function compile({ authored, rows }: CompileInput): Compiled {
  checkReferences(authored);
  const labs = new LabNames(authored.labs.map(({ id, form }) => ({ id, synonyms: form.synonyms, stems: form.stems })));
  const { placed, found, skipped } = placement({ authored, rows }, labs);
  const drafted = draftEndpoints(authored, placed);
  const drafts = drafted.map(({ draft }) => draft);
  const observations = [
    ...subjectObservations('lab', authored.labs),
    ...subjectObservations('provider', authored.providers),
    ...subjectObservations('model', authored.models),
    ...found.flatMap(foundModelObservations),
    ...drafted.flatMap(({ draft, observed }) => observationsOf(subjectOf('endpoint', endpointId(draft)), observed)),
  ];
  const operators = new Map(authored.providers.map(({ id, form }) => [id, form.operated_by]));
  const facts = quarantine(resolved(authored, observations), drafts, (provider) => operators.get(provider));
  const data = dataOf({ authored, labs, found, drafts, facts });
  const asOf =
    observations
      .map((o) => o.checked)
      .toSorted()
      .at(-1) ?? '';
  const id = createHash('sha256')
    .update(JSON.stringify([asOf, data, facts]))
    .digest('hex')
    .slice(0, 12);
  return {
    data: { id, asOf, ...data },
    facts: { id, sources: authored.sources.map(publicSource), facts, aliases: authored.periods },
    skipped,
  };
}

function publicSource({
  id,
  name,
  url,
  licence,
  kind,
  rank,
  lineage,
}: Authored['sources'][number]): CatalogueFacts['sources'][number] {
  return { id, name, url, licence, kind, rank, lineage };
}

function placement({ authored, rows }: CompileInput, labs: LabNames): Placement {
  const identifier = new Identifier(labs, authored.periods, authored.decisions);
  for (const { id, form } of authored.models) {
    const repositories = (form.weights ?? []).map((url) => new URL(url).pathname.slice(1));
    identifier.add({ id, aliases: form.aliases, repositories });
  }
  return place({
    rows: [...authored.rows, ...rows],
    identifier,
    providers: new Map(authored.providers.map((provider) => [provider.id, naming(provider)])),
    models: new Set(authored.models.map((model) => model.id)),
  });
}

function naming({ id, form }: AuthoredSubject<ProviderFile>): ProviderNaming {
  return { id, kind: form.kind, canonicalIds: form.canonical_ids, ...present({ operatedBy: form.operated_by }) };
}

function subjectObservations(kind: SubjectKind, subjects: readonly AuthoredSubject<unknown>[]): readonly Observation[] {
  return subjects.flatMap(({ id, observed }) => observationsOf(subjectOf(kind, id), observed));
}

function observationsOf(subject: string, observed: readonly Observed[]): readonly Observation[] {
  return observed.map(({ source = '', checked = '', state = 'listed', ...o }) => ({
    subject,
    ...o,
    state,
    source,
    checked,
  }));
}

/** What a row tells of the model that it named. Its context is the host's, and the only one known. */
function foundModelObservations({ id, row: { name, observed, source, checked } }: FoundModel): readonly Observation[] {
  const named = name === undefined ? [] : [{ field: 'name', value: name }];
  const told = [...named, ...observed.filter(({ field }) => field === 'context_length')];
  return observationsOf(
    subjectOf('model', id),
    told.map((o) => ({ source, checked, ...o })),
  );
}

function resolved({ sources, providers }: Authored, observations: readonly Observation[]): Facts {
  const known = new Map(sources.map((source) => [source.id, source]));
  const repeated = new Set(sources.filter((source) => source.repeated).map(({ id }) => id));
  const routers = new Set(providers.filter(({ form }) => form.kind === 'aggregator').map(({ id }) => id));
  return resolveAll(observations, (subject) => {
    const provider = /^endpoint:([^/]+)\//.exec(subject)?.[1] ?? '';
    return { sources: known, repeated, routed: routers.has(provider) };
  });
}

interface DataInput {
  readonly authored: Authored;
  readonly labs: LabNames;
  readonly found: readonly FoundModel[];
  readonly drafts: readonly EndpointDraft[];
  readonly facts: Facts;
}

function dataOf({ authored, labs, found, drafts, facts }: DataInput): Omit<CatalogueData, 'id' | 'asOf'> {
  const forms = new Map(authored.providers.map(({ id, form }) => [id, form]));
  const entries = buildLabs(authored.labs, new Set(found.map(({ id }) => id.split('/')[0] ?? id)));
  const names = new Map(entries.map(({ id, name }) => [id, name]));
  const { models, features } = buildModels({
    authored: authored.models,
    found,
    facts,
    labs,
    labName: (id) => names.get(id) ?? id,
    undated: new Map(
      authored.sources.flatMap(({ id, undated }) => (undated === undefined ? [] : [[id, undated] as const])),
    ),
    periods: authored.periods,
    operatorOf: (provider) => forms.get(provider)?.operated_by,
    hostedContext: (model) => hostedContext(model, authored.providers, facts),
  });
  const byId = new Map(models.map((model) => [model.id, model]));
  const lookups = {
    facts,
    model: (id: string) => byId.get(id),
    features: (id: string) => features.get(id),
    provider: (id: string) => forms.get(id),
  };
  return {
    labs: entries,
    models,
    providers: authored.providers.map(buildProvider),
    endpoints: drafts.map((draft) => buildEndpoint(draft, lookups)),
    sandbox: authored.sandbox,
    ...(authored.traits.length > 0 && { traits: authored.traits }),
    ...(authored.routers.length > 0 && { routers: authored.routers }),
  };
}

/** The context at the lab's own host, else at the host whose list names our models. */
function hostedContext(model: string, providers: Authored['providers'], facts: Facts): number | undefined {
  const lab = model.split('/')[0];
  const own = providers.filter(({ form }) => form.operated_by === lab);
  const naming = providers.filter(({ form }) => form.canonical_ids);
  const contexts = [...own, ...naming].map(({ id }) =>
    new FactSheet(facts[subjectOf('endpoint', `${id}/${model}`)]).count('context_length'),
  );
  return contexts.find((context) => context !== undefined);
}
