import { z } from 'zod';
import { present } from '../present.ts';

/** A model as its server's own list tells it; what the list does not say is absent. */
export interface ListedModel {
  readonly id: string;
  readonly name?: string;
  /** Other ids of the same model, each once. */
  readonly aliases: readonly string[];
  /** Who serves it, in the server's word. */
  readonly owner?: string;
  /** Unix seconds. */
  readonly created?: number;
  readonly contextLength?: number;
  readonly maxOutputTokens?: number;
  readonly inputModalities?: readonly string[];
  /** Empty where it gives nothing that can be asked for here. */
  readonly outputModalities?: readonly string[];
  /** OpenRouter's names of what it can do beyond text; complete where present. */
  readonly abilities?: readonly Ability[];
  /** The day after which it is no longer served. */
  readonly retires?: string;
  readonly replacement?: string;
}

/** What lists say of a model beyond its sizes. */
type Ability = 'tools' | 'reasoning' | 'structured_outputs';

export interface ModelListPage {
  readonly models: readonly ListedModel[];
  /** What to add to the address for the next page. */
  readonly next?: Readonly<Record<string, string>>;
}

const word = z.string().min(1).optional().catch(undefined);
const whole = z.number().int().positive().optional().catch(undefined);
const words = z.array(z.string()).optional().catch(undefined);
const yes = z.boolean().optional().catch(undefined);
const part = <T extends z.ZodRawShape>(shape: T): z.ZodCatch<z.ZodOptional<z.ZodObject<T, z.core.$loose>>> =>
  z.looseObject(shape).optional().catch(undefined);

/** The members that any of the known lists has; each list has a few of them. */
const listed = z.looseObject({
  id: word,
  modelId: word,
  model: word,
  name: word,
  display_name: word,
  displayName: word,
  modelName: word,
  owned_by: word,
  owner: word,
  publisher: word,
  created: z.number().optional().catch(undefined),
  created_at: word,
  aliases: words,
  context_length: whole,
  context_window: whole,
  max_context_length: whole,
  loaded_context_length: whole,
  max_model_len: whole,
  inputTokenLimit: whole,
  max_input_tokens: whole,
  max_completion_tokens: whole,
  outputTokenLimit: whole,
  limits: part({ max_input_tokens: whole, max_output_tokens: whole }),
  top_provider: part({ max_completion_tokens: whole }),
  meta: part({ n_ctx: whole, n_ctx_train: whole }),
  architecture: part({ input_modalities: words, output_modalities: words }),
  supported_input_modalities: words,
  supported_output_modalities: words,
  inputModalities: words,
  outputModalities: words,
  supportedGenerationMethods: words,
  endpoints: words,
  type: word,
  capabilities: z
    .union([z.array(z.string()), z.record(z.string(), z.unknown())])
    .optional()
    .catch(undefined),
  features: words,
  supported_parameters: words,
  thinking: yes,
  deprecation: word,
  expiration_date: word,
  modelLifecycle: part({ endOfLifeTime: word }),
  deprecation_replacement_model: word,
});
type Listed = z.infer<typeof listed>;

const paging = z.looseObject({
  nextPageToken: word,
  next_page_token: word,
  next: word,
  has_more: yes,
  last_id: word,
});

/**
 * One page of a server's list of models, in any of the forms in use: `data`, `models`, `modelSummaries`, `results` or `result` with rows, or the rows alone.
 * @returns undefined where it is no such list
 */
export function readModelList(wire: unknown): ModelListPage | undefined {
  const rows = rowsOf(wire);
  if (!rows) return undefined;
  const models = rows.flatMap((row): ListedModel[] => {
    const parsed = listed.safeParse(row);
    const model = parsed.success ? modelOf(parsed.data) : undefined;
    return model ? [model] : [];
  });
  const next = nextOf(wire);
  return { models: withoutAliases(models), ...(next && { next }) };
}

export type ModelDetails = Pick<ListedModel, 'contextLength' | 'abilities' | 'inputModalities' | 'outputModalities'>;

/** What a server says of one model, or of the only one it has, at an address of its own. */
export function readModelDetails(wire: unknown): ModelDetails {
  const parsed = details.safeParse(wire);
  if (!parsed.success) return {};
  const { model_info: info = {}, capabilities, default_generation_settings: settings, modalities } = parsed.data;
  const trained = Object.entries(info).find(([key]) => key.endsWith('.context_length'))?.[1];
  const contextLength =
    parsed.data.max_total_tokens ?? settings?.n_ctx ?? (typeof trained === 'number' ? trained : undefined);
  return present({
    contextLength,
    abilities: capabilities && abilitiesOf(new Set(capabilities)),
    inputModalities: capabilities ? inputsOf(new Set(capabilities)) : modalities && inputsOf(trueOf(modalities)),
    outputModalities: capabilities && outputsOf(new Set(capabilities)),
  });
}

const details = z.looseObject({
  model_info: z.record(z.string(), z.unknown()).optional().catch(undefined),
  capabilities: words,
  max_total_tokens: whole,
  default_generation_settings: part({ n_ctx: whole }),
  modalities: z.record(z.string(), z.unknown()).optional().catch(undefined),
});

function rowsOf(wire: unknown): readonly unknown[] | undefined {
  if (Array.isArray(wire)) return wire;
  if (typeof wire !== 'object' || wire === null) return undefined;
  const { data, models, modelSummaries, results, result } = wire as Record<string, unknown>;
  return [data, models, modelSummaries, results, result].find((rows) => Array.isArray(rows));
}

function nextOf(wire: unknown): ModelListPage['next'] {
  const page = paging.safeParse(wire);
  if (!page.success) return undefined;
  const { nextPageToken, next_page_token, next, has_more, last_id } = page.data;
  // A whole address: what it asks for is all that is new in it.
  if (next !== undefined) return URL.canParse(next) ? Object.fromEntries(new URL(next).searchParams) : undefined;
  if (nextPageToken !== undefined) return { pageToken: nextPageToken };
  if (next_page_token !== undefined) return { page_token: next_page_token };
  return has_more === true && last_id !== undefined ? { after_id: last_id } : undefined;
}

const NUMBER_OF_A_ROW = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Only where nothing else names the model, its `name` is the id; Google's has a folder before it, others name the owner beside it. */
function idOf({ id, modelId, model, name, owner }: Listed): string | undefined {
  const own = id !== undefined && name !== undefined && NUMBER_OF_A_ROW.test(id) ? undefined : id;
  return (
    own ??
    modelId ??
    model ??
    (owner !== undefined && name !== undefined ? `${owner}/${name}` : undefined) ??
    name?.replace(/^models\//, '')
  );
}

function modelOf(row: Listed): ListedModel | undefined {
  const id = idOf(row);
  if (id === undefined) return undefined;
  const said = saidOf(row);
  const name = row.display_name ?? row.displayName ?? row.modelName ?? (row.name === id ? undefined : row.name);
  const created = row.created ?? (row.created_at === undefined ? Number.NaN : Date.parse(row.created_at) / 1000);
  return {
    id,
    aliases: (row.aliases ?? []).filter((alias) => alias !== id),
    ...present({
      name: name?.startsWith('models/') ? undefined : name,
      owner: row.owned_by ?? row.publisher ?? row.owner,
      created: Number.isFinite(created) && created > 0 ? Math.floor(created) : undefined,
      contextLength:
        row.loaded_context_length ??
        row.max_model_len ??
        row.meta?.n_ctx ??
        row.context_length ??
        row.max_context_length ??
        row.context_window ??
        row.inputTokenLimit ??
        row.max_input_tokens ??
        row.limits?.max_input_tokens ??
        row.meta?.n_ctx_train,
      maxOutputTokens:
        row.top_provider?.max_completion_tokens ??
        row.max_completion_tokens ??
        row.outputTokenLimit ??
        row.limits?.max_output_tokens,
      inputModalities: modalities(
        row.architecture?.input_modalities ?? row.supported_input_modalities ?? row.inputModalities,
        said && inputsOf(said),
      ),
      outputModalities: modalities(
        row.architecture?.output_modalities ?? row.supported_output_modalities ?? row.outputModalities,
        said && outputsOf(said),
      ),
      abilities: said && abilitiesOf(said),
      retires: dayOf(row.deprecation ?? row.expiration_date ?? row.modelLifecycle?.endOfLifeTime),
      replacement: row.deprecation_replacement_model,
    }),
  };
}

const dayOf = (text: string | undefined): string | undefined => text?.match(/^\d{4}-\d{2}-\d{2}/)?.[0];

const modalities = (
  named: readonly string[] | undefined,
  otherwise: readonly string[] | undefined,
): readonly string[] | undefined =>
  named?.map((name) => (/^embeddings?$/i.test(name) ? 'embeddings' : name.toLowerCase())) ?? otherwise;

const trueOf = (flags: Readonly<Record<string, unknown>>): ReadonlySet<string> =>
  new Set(Object.keys(flags).filter((name) => flags[name] === true));

/** Every word that a row uses for what its model can do; undefined where it has none. */
function saidOf(row: Listed): ReadonlySet<string> | undefined {
  const { capabilities, features, supported_parameters, supportedGenerationMethods, endpoints, type, thinking } = row;
  const kind = type === undefined || type === 'model' || type === 'base' || type === 'fine-tuned' ? [] : [type];
  const flags = Array.isArray(capabilities) ? capabilities : capabilities ? [...trueOf(capabilities)] : [];
  const all = [
    ...flags,
    ...(features ?? []),
    ...(supported_parameters ?? []),
    ...(supportedGenerationMethods ?? []),
    ...(endpoints ?? []),
    ...kind,
    ...(thinking ? ['thinking'] : []),
  ];
  return all.length > 0 || capabilities !== undefined ? new Set(all) : undefined;
}

/** One ability has many names. */
const NAMES: Readonly<Record<Ability | 'image' | 'audio' | 'chat' | 'embeddings' | 'rerank', RegExp>> = {
  tools: /^(?:tools|tool[-_]use|tool[-_]calling|tool[-_]calls|function_calling)$/,
  reasoning: /^(?:reasoning|thinking)$/,
  structured_outputs: /^(?:structured_outputs|json_schema)$/,
  image: /^(?:vision|image|vlm)$/,
  audio: /^audio$/,
  chat: /^(?:chat|completion|completion_chat|generateContent|language|llm|vlm|code|streaming)$/,
  embeddings: /^(?:embed|embeddings?|embedContent)$/,
  rerank: /^rerank$/,
};

const has = (said: ReadonlySet<string>, what: keyof typeof NAMES): boolean =>
  [...said].some((name) => NAMES[what].test(name));

const ABILITIES: readonly Ability[] = ['tools', 'reasoning', 'structured_outputs'];

const abilitiesOf = (said: ReadonlySet<string>): readonly Ability[] =>
  ABILITIES.filter((ability) => has(said, ability));

const inputsOf = (said: ReadonlySet<string>): readonly string[] => [
  'text',
  ...(has(said, 'image') ? ['image'] : []),
  ...(has(said, 'audio') ? ['audio'] : []),
];

/** A list that tells what its models do tells of every model that it can chat; one that only tells of extras is of chat models. */
function outputsOf(said: ReadonlySet<string>): readonly string[] {
  if (has(said, 'chat')) return ['text'];
  if (has(said, 'embeddings')) return ['embeddings'];
  if (has(said, 'rerank')) return ['rerank'];
  return has(said, 'tools') || has(said, 'reasoning') || has(said, 'structured_outputs') ? ['text'] : [];
}

/**
 * Rows that name each other are one model under several ids. The id that others are a name for, else the dated one, is its id: a bill
 * must name what was called, and the other ids move.
 */
function withoutAliases(models: readonly ListedModel[]): readonly ListedModel[] {
  const known = new Set(models.map(({ id }) => id));
  const groups = new Map<string, ListedModel[]>();
  for (const model of models) {
    const ids = [
      model.id,
      ...model.aliases,
      ...(model.name !== undefined && known.has(model.name) ? [model.name] : []),
    ];
    const group = [...new Set(ids.flatMap((id) => groups.get(id) ?? [])), model];
    for (const { id, aliases } of group) for (const name of [id, ...aliases, ...ids]) groups.set(name, group);
  }
  return [...new Set(groups.values())].map((group) => {
    const named = new Set(group.map(({ name }) => name));
    const model = group.find(({ id }) => named.has(id)) ?? group.find(({ id }) => DATED.test(id)) ?? group[0];
    if (!model) throw new Error('a group has a member');
    const aliases = new Set(group.flatMap(({ id, aliases: more }) => [id, ...more]));
    aliases.delete(model.id);
    return { ...model, aliases: [...aliases].sort() };
  });
}

const DATED = /\d{4}$/;
