import type { Authored } from './authored.ts';
import { CatalogueError } from './catalogue-error.ts';

type Known = { readonly [K in 'source' | 'provider' | 'lab' | 'model']: ReadonlySet<string> };

/** Throws where an authored file names something that is not there, or where two files claim one name. */
export function checkReferences(authored: Authored): void {
  const known: Known = {
    source: idsOf(authored.sources),
    provider: idsOf(authored.providers),
    lab: idsOf(authored.labs),
    model: idsOf(authored.models),
  };
  checkSources(authored, known);
  checkSubjects(authored, known);
  checkTables(authored, known);
  checkAliases(authored.models);
}

const idsOf = (subjects: readonly { readonly id: string }[]): ReadonlySet<string> =>
  new Set(subjects.map(({ id }) => id));

function need(known: Known, what: keyof Known, id: string, file: string): void {
  if (!known[what].has(id)) throw new CatalogueError(file, `no ${what} is called "${id}"`);
}

function checkSources({ labs, providers, models, endpoints, rows }: Authored, known: Known): void {
  for (const { file, observed } of [...labs, ...providers, ...models, ...endpoints]) {
    for (const { source } of observed) if (source !== undefined) need(known, 'source', source, file);
  }
  for (const { provider, source } of rows) need(known, 'source', source, `listings/${provider}.toml`);
}

function checkSubjects({ models, providers, endpoints }: Authored, known: Known): void {
  for (const { file, id, form } of models) {
    need(known, 'lab', id.split('/')[0] ?? '', file);
    if (form.successor !== undefined) need(known, 'model', form.successor, file);
    if (form.fast_of !== undefined) need(known, 'model', form.fast_of, file);
  }
  for (const { file, form } of providers)
    if (form.operated_by !== undefined) need(known, 'lab', form.operated_by, file);
  for (const { file, id, form } of endpoints) {
    const [provider = '', ...model] = id.split('/');
    need(known, 'provider', provider, file);
    need(known, 'model', model.join('/'), file);
    if (form.rolling) need(known, 'model', form.rolling.target, file);
  }
}

function checkTables({ rows, periods, sandbox, traits }: Authored, known: Known): void {
  for (const { provider } of rows) need(known, 'provider', provider, `listings/${provider}.toml`);
  for (const { provider } of sandbox) need(known, 'provider', provider, `sandbox/${provider}.toml`);
  for (const { providers = [] } of traits)
    for (const provider of providers) need(known, 'provider', provider, 'traits.toml');
  for (const period of periods) {
    need(known, 'provider', period.provider, 'aliases.toml');
    need(known, 'model', period.model, 'aliases.toml');
  }
}

/** One spelling, one model: a second meaning would answer requests with the wrong one. */
function checkAliases(models: Authored['models']): void {
  const owners = new Map(models.map(({ id }) => [id, id]));
  for (const { file, id, form } of models) {
    for (const alias of form.aliases) {
      const owner = owners.get(alias);
      if (owner !== undefined && owner !== id)
        throw new CatalogueError(file, `alias "${alias}" already means ${owner}`);
      owners.set(alias, id);
    }
  }
}
