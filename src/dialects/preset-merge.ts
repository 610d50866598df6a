import { type GatewayError, gatewayError } from '../canon/errors.ts';
import { fail, ok, type Result } from '../canon/result.ts';
import { anthropicMessages } from './anthropic-messages/dialect.ts';
import type { Dialect } from './dialect.ts';
import { openaiEmbeddings } from './embeddings/openai.ts';
import { invalid } from './ingress.ts';
import { openaiChat } from './openai-chat/dialect.ts';
import { openaiCompletions } from './openai-completions/dialect.ts';
import { openaiResponses } from './openai-responses/dialect.ts';
import { inWordsOf } from './preset-words.ts';
import { asArray, asObject, asText, type JsonObject } from './read.ts';
import { rerank } from './rerank/rerank.ts';

/** Presets in bodies of requests, before anybody has decoded them: how they are named, what they add, and how one is made from a body. */

type Json = Record<string, unknown>;

/** What a preset adds to requests. */
export interface PresetSettings {
  readonly dialect: string;
  readonly systemPrompt: string | null;
  readonly config: JsonObject;
}

const MARK = '@preset/';

/** The wires in which a preset can be written. */
export const PRESET_WIRES: ReadonlySet<string> = new Set([openaiChat.id, openaiResponses.id, anthropicMessages.id]);

/** The wires in which a preset can be named; those of other makers have no place for one. */
const WIRES: ReadonlySet<string> = new Set([...PRESET_WIRES, openaiCompletions.id, openaiEmbeddings.id, rerank.id]);

const marked = (value: unknown): boolean => typeof value === 'string' && value.includes(MARK);

const anyMarked = (value: unknown): boolean =>
  Array.isArray(value) && value.some((one) => marked(one) || marked(asObject(one)?.model));

/** Whether a body names a preset. Nearly none does, so this only looks. */
export function namesPreset(wire: unknown): boolean {
  if (typeof wire !== 'object' || wire === null) return false;
  const { model, models, fallbacks, preset } = wire as JsonObject;
  return (
    preset !== undefined ||
    marked(model) ||
    (models !== undefined && anyMarked(models)) ||
    (fallbacks !== undefined && anyMarked(fallbacks))
  );
}

/** A slug of a model, and the preset that is named behind it. */
function split(slug: string): { readonly model: string | undefined; readonly preset: string | undefined } {
  const at = slug.indexOf(MARK);
  if (at < 0) return { model: slug, preset: undefined };
  return { model: slug.slice(0, at) || undefined, preset: slug.slice(at + MARK.length) };
}

/** A body without the names of its preset, and that preset's slug. */
export interface Named {
  readonly wire: JsonObject;
  readonly slug: string | undefined;
}

/**
 * Takes the names of presets out of a body: all of them must name the same one.
 * @returns `invalid_request` where they do not, or where this wire has no presets
 */
export function takePreset(wire: JsonObject, dialect: Dialect): Result<Named, GatewayError> {
  const { preset, ...rest } = wire;
  const body: Json = rest;
  const slugs = new Set<string>();
  if (preset !== null && preset !== undefined) {
    if (typeof preset !== 'string' || preset === '') return fail(invalid('preset', 'must be the slug of a preset'));
    slugs.add(preset.startsWith(MARK) ? preset.slice(MARK.length) : preset);
  }
  const bare = (slug: string): string | undefined => {
    const { model, preset: named } = split(slug);
    if (named !== undefined) slugs.add(named);
    return model;
  };
  const each = (entries: readonly unknown[]): unknown[] =>
    entries.flatMap((entry): unknown[] => {
      const object = asObject(entry);
      const slug = object ? object.model : entry;
      if (typeof slug !== 'string') return [entry];
      const model = bare(slug);
      if (model === undefined) return [];
      return [object ? { ...object, model } : model];
    });
  if (typeof body.model === 'string') replace(body, 'model', bare(body.model));
  for (const name of ['models', 'fallbacks']) {
    const entries = asArray(body[name]);
    if (entries) replace(body, name, emptied(each(entries)));
  }
  const [slug, other] = slugs;
  if (other !== undefined) return fail(invalid('preset', `names ${slug} and ${other}; a request takes one preset`));
  if (slug !== undefined && !WIRES.has(dialect.id))
    return fail(gatewayError('invalid_request', `preset: ${dialect.route} has no presets; use ${openaiChat.route}`));
  return ok({ wire: body, slug });
}

const emptied = (entries: unknown[]): unknown[] | undefined => (entries.length > 0 ? entries : undefined);

function replace(body: Json, name: string, value: unknown): void {
  if (value === undefined) delete body[name];
  else body[name] = value;
}

/** Spellings of one wish: where a request uses one of them, the preset says nothing of it. */
const SPELLINGS: readonly (readonly string[])[] = [
  ['reasoning', 'reasoning_effort', 'include_reasoning'],
  ['max_tokens', 'max_completion_tokens'],
  ['models', 'fallbacks'],
];

/** What a preset says of the response cache, which is none of the wire's business. */
const OURS: ReadonlySet<string> = new Set(['cache_enabled', 'cache_ttl_seconds']);

const isSaid = (value: unknown): boolean => value !== null && value !== undefined;

/**
 * The body with what its preset adds: shallowly, member by member, what the request says stands. Tools are joined, and a system prompt
 * is put before a request that has none (spec/inference 5.12).
 */
export function mergePreset(wire: JsonObject, settings: PresetSettings, dialect: Dialect): JsonObject {
  const merged: Json = {};
  const config = inWordsOf(settings.config, settings.dialect, dialect);
  for (const [name, value] of Object.entries(config)) {
    const spellings = SPELLINGS.find((names) => names.includes(name)) ?? [name];
    if (!OURS.has(name) && !spellings.some((one) => isSaid(wire[one]))) merged[name] = value;
  }
  // Where a request wants no likelihoods, how many there should be says nothing.
  if (wire.logprobs === false) delete merged.top_logprobs;
  for (const [name, value] of Object.entries(wire)) if (isSaid(value) || !(name in merged)) merged[name] = value;
  const own = asArray(wire.tools);
  const theirs = asArray(config.tools);
  if (own && theirs) merged.tools = joinTools(theirs, own);
  return settings.systemPrompt === null ? merged : withSystem(merged, settings.systemPrompt, dialect);
}

/** Tools that may stand in a request several times, under names of their own. */
const NAMED_TOOLS: ReadonlySet<unknown> = new Set(['openrouter:advisor', 'openrouter:subagent']);

/** What makes two tools the same: the name of a function, the name of an advisor or subagent, otherwise the type (spec/inference 5.12). */
function identity(tool: unknown): string {
  const { type, name, function: declared, parameters } = asObject(tool) ?? {};
  const called = asText(asObject(declared)?.name) ?? (type === 'function' ? asText(name) : undefined);
  if (called !== undefined) return `function ${called}`;
  if (NAMED_TOOLS.has(type)) return `${type} ${asText(asObject(parameters)?.name) ?? ''}`;
  if (type === undefined || type === null || type === 'custom') return `function ${asText(name) ?? ''}`;
  return `type ${type}`;
}

/** Both lists as one, the preset's order first; of two that are the same the request's, in the preset's place. */
export function joinTools(preset: readonly unknown[], own: readonly unknown[]): readonly unknown[] {
  const known = new Set(preset.map(identity));
  const replacing = new Map(own.map((tool) => [identity(tool), tool]));
  return [
    ...preset.map((tool) => replacing.get(identity(tool)) ?? tool),
    ...own.filter((tool) => !known.has(identity(tool))),
  ];
}

const INSTRUCTS: ReadonlySet<unknown> = new Set(['system', 'developer']);
const instructs = (turns: unknown): boolean =>
  asArray(turns)?.some((turn) => INSTRUCTS.has(asObject(turn)?.role)) ?? false;

const saysNothing = (value: unknown): boolean =>
  !isSaid(value) || value === '' || (Array.isArray(value) && value.length === 0);

/** A text completion, vectors and rankings have no place for instructions. */
function withSystem(wire: Json, prompt: string, dialect: Dialect): Json {
  if (dialect.id === openaiChat.id && Array.isArray(wire.messages) && !instructs(wire.messages))
    return { ...wire, messages: [{ role: 'system', content: prompt }, ...wire.messages] };
  if (dialect.id === anthropicMessages.id && saysNothing(wire.system) && !instructs(wire.messages))
    return { ...wire, system: prompt };
  if (dialect.id === openaiResponses.id && saysNothing(wire.instructions) && !instructs(wire.input))
    return { ...wire, instructions: prompt };
  return wire;
}

/** What configures requests and is kept; everything else of a body passes with it (spec/platform 13, decision 0028). */
export const KEPT_FIELDS: ReadonlySet<string> = new Set([
  ...['model', 'models', 'fallbacks', 'provider', 'route', 'plugins', 'transforms', 'service_tier'],
  ...['temperature', 'top_p', 'top_k', 'top_a', 'min_p'],
  ...['frequency_penalty', 'presence_penalty', 'repetition_penalty', 'seed', 'logit_bias', 'logprobs', 'top_logprobs'],
  ...['max_tokens', 'max_completion_tokens', 'max_output_tokens', 'stop', 'stop_sequences'],
  ...['response_format', 'text', 'output_config', 'verbosity'],
  ...['tools', 'tool_choice', 'parallel_tool_calls', 'max_tool_calls', 'stop_server_tools_when'],
  ...['reasoning', 'reasoning_effort', 'include_reasoning', 'thinking'],
  ...['modalities', 'image_config', 'cache_control', 'prediction', ...OURS],
]);

const TTL_SECONDS_MAX = 86_400;

function checkOurs({ cache_enabled: on, cache_ttl_seconds: ttl }: JsonObject): GatewayError | undefined {
  if (isSaid(on) && typeof on !== 'boolean') return invalid('cache_enabled', 'must be true or false');
  if (isSaid(ttl) && !(Number.isInteger(ttl) && Number(ttl) >= 1 && Number(ttl) <= TTL_SECONDS_MAX))
    return invalid('cache_ttl_seconds', `must be a whole number from 1 to ${TTL_SECONDS_MAX}`);
  return undefined;
}

/** Text of a message or of a list of blocks. */
function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  return (asArray(content) ?? []).flatMap((block) => asText(asObject(block)?.text) ?? []).join('\n\n');
}

function systemOf(wire: JsonObject, dialect: Dialect): string {
  if (dialect.id === openaiResponses.id) return textOf(wire.instructions);
  if (dialect.id === anthropicMessages.id) return textOf(wire.system);
  const turns = asArray(wire.messages) ?? [];
  const first = turns.findIndex((turn) => !INSTRUCTS.has(asObject(turn)?.role));
  const leading = first < 0 ? turns : turns.slice(0, first);
  return leading.map((turn) => textOf(asObject(turn)?.content)).join('\n\n');
}

/**
 * What a body says that is worth keeping. It is validated as a request first: nothing is kept that would not be served.
 * @returns `invalid_request` as for a request, or where the body builds on a preset itself
 */
export function settingsOf(wire: unknown, dialect: Dialect): Result<PresetSettings, GatewayError> {
  const { preset, ...named } = asObject(wire) ?? {};
  if (isSaid(preset) || namesPreset(named)) return fail(invalid('preset', 'a preset cannot build on a preset'));
  const request = (dialect.instead?.(wire) ?? dialect).decodeRequest(wire);
  if (!request.ok) return request;
  const body = asObject(wire) ?? {};
  const problem = checkOurs(body);
  if (problem) return fail(problem);
  const config = Object.fromEntries(
    Object.entries(body).filter(([name, value]) => KEPT_FIELDS.has(name) && isSaid(value)),
  );
  return ok({ dialect: dialect.id, systemPrompt: systemOf(body, dialect) || null, config });
}
