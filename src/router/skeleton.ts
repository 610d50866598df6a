import {
  addressOf,
  contentOf,
  isDataUrl,
  type MediaKind,
  type MediaPart,
  matchedBy,
  type PlacedMedia,
} from '../canon/media.ts';
import { type Parameter, usedParameters } from '../canon/parameters.ts';
import type { Plugins } from '../canon/plugins.ts';
import { NO_PREFERENCES, type Preferences } from '../canon/preferences.ts';
import type { GenerationRequest, Operation, ReasoningWish, Sampling, Tool, ToolChoice } from '../canon/request.ts';
import type { Snapshot } from '../catalogue/snapshot.ts';
import { textBytes, typeOf } from './limits.ts';

/**
 * What rules look at in a request, without a word of what the caller wrote: kinds, numbers and sizes. What is usual is left out, so
 * that of a plain request little more than its model is kept.
 */
export interface Skeleton {
  readonly model?: string;
  readonly fallbacks?: readonly string[];
  readonly preferences?: Preferences;
  readonly plugins?: Plugins;
  /** The model that gave the latest answer of the conversation, where a router may keep it. */
  readonly latestModel?: string;
  readonly serviceTier?: string;
  readonly speed?: GenerationRequest['speed'];
  readonly maxOutputTokens?: number;
  readonly reasoning?: Pick<ReasoningWish, 'effort' | 'budgetTokens' | 'enabled' | 'pro'>;
  readonly operation?: Operation['kind'];
  readonly toolChoice?: ToolChoice['kind'];
  /** How many. */
  readonly tools?: number;
  /** Parameters that nothing else here tells of. */
  readonly uses?: readonly Parameter[];
  /** Of the text in the messages. */
  readonly textBytes?: number;
  readonly media?: readonly MediaSkeleton[];
}

interface MediaSkeleton {
  readonly kind: MediaKind;
  /** How its content is said: as a data URL, as Base64 alone, by an address, or by the name of a stored file. */
  readonly form: 'data' | 'bare' | 'web' | 'address' | 'stored';
  /** Characters of what says it. */
  readonly size: number;
  /** Of a data URL: its media type, and where its content begins. */
  readonly type?: string;
  readonly comma?: number;
  /** Patterns of hosts that its address matches, where a pattern decides. */
  readonly matched?: readonly string[];
}

/** Parameters that the members of a skeleton tell of by themselves. */
const TOLD: ReadonlySet<Parameter> = new Set(['max_tokens', 'tools', 'tool_choice', 'reasoning']);

/** @param media the parts that are not text */
export function skeletonOf(request: GenerationRequest, media: readonly PlacedMedia[], snapshot: Snapshot): Skeleton {
  const { model, fallbacks, preferences, plugins, serviceTier, speed, maxOutputTokens, reasoning } = request;
  const made: Open<Skeleton> = {};
  put(made, 'model', model);
  put(made, 'fallbacks', fallbacks.length > 0 ? fallbacks : undefined);
  put(made, 'preferences', hasMembers(preferences) ? preferences : undefined);
  put(made, 'plugins', plugins);
  put(made, 'latestModel', plugins && latestModel(request));
  put(made, 'serviceTier', serviceTier);
  put(made, 'speed', speed);
  put(made, 'maxOutputTokens', maxOutputTokens);
  put(made, 'reasoning', reasoning && thinking(reasoning));
  put(made, 'operation', request.operation?.kind);
  put(made, 'toolChoice', request.toolChoice?.kind);
  put(made, 'tools', request.tools.length || undefined);
  put(made, 'uses', usesUntold(request));
  put(made, 'textBytes', textBytes(request) || undefined);
  put(made, 'media', media.length > 0 ? media.map((one) => mediaSkeleton(one.part, snapshot)) : undefined);
  return made;
}

type Open<T> = { -readonly [K in keyof T]: T[K] };

/** Every request is kept: members are set one by one, which costs a fraction of what spreading them does. */
function put<T, K extends keyof T>(made: T, key: K, value: T[K] | undefined): void {
  if (value !== undefined) made[key] = value;
}

function usesUntold(request: GenerationRequest): readonly Parameter[] | undefined {
  let untold: Parameter[] | undefined;
  for (const parameter of usedParameters(request)) {
    if (TOLD.has(parameter)) continue;
    untold ??= [];
    untold.push(parameter);
  }
  return untold;
}

function latestModel({ messages }: GenerationRequest): string | undefined {
  const latest = messages.findLast((message) => message.role === 'assistant');
  return latest?.role === 'assistant' ? latest.model : undefined;
}

function hasMembers(value: object): boolean {
  for (const _ in value) return true;
  return false;
}

const thinking = ({ effort, budgetTokens, enabled, pro }: ReasoningWish): NonNullable<Skeleton['reasoning']> => ({
  ...(effort !== undefined && { effort }),
  ...(budgetTokens !== undefined && { budgetTokens }),
  ...(enabled !== undefined && { enabled }),
  ...(pro && { pro }),
});

function mediaSkeleton(part: MediaPart, snapshot: Snapshot): MediaSkeleton {
  const { kind } = part;
  const content = part.kind === 'audio' ? part.data : contentOf(part);
  if (content === undefined) return { kind, form: 'stored', size: 0 };
  const size = content.length;
  if (kind !== 'audio' && isDataUrl(content))
    return { kind, form: 'data', size, type: typeOf(content), comma: content.indexOf(',') };
  const address = addressOf(part);
  if (address === undefined) return { kind, form: 'bare', size };
  const form = /^https?:/i.test(address.slice(0, 6)) ? 'web' : 'address';
  const matched = matchedBy(part, patternsOf(snapshot, kind));
  return { kind, form, size, ...(matched && { matched }) };
}

/** The patterns by which hosts know addresses of a kind that they fetch themselves. */
const patternsOf = (snapshot: Snapshot, kind: MediaKind): readonly string[] => [
  ...new Set(snapshot.providers.flatMap(({ media }) => (media[kind].startsWith('^') ? [media[kind]] : []))),
];

/** A request that rules cannot tell from the one that the skeleton was taken of, and its media. */
export function standIn(skeleton: Skeleton): {
  readonly request: GenerationRequest;
  readonly media: readonly PlacedMedia[];
} {
  const { model, fallbacks = [], preferences = NO_PREFERENCES, plugins, serviceTier, maxOutputTokens } = skeleton;
  const { speed, reasoning, operation, toolChoice, tools = 0, uses = [], latestModel: latest } = skeleton;
  const text = 'x'.repeat(skeleton.textBytes ?? 0);
  let request: GenerationRequest = {
    model,
    fallbacks,
    messages: [
      ...(latest === undefined ? [] : [{ role: 'assistant', parts: [], toolCalls: [], model: latest } as const]),
      { role: 'user', parts: [{ kind: 'text', text }] },
    ],
    tools: Array.from({ length: tools }, (): Tool => ({ name: '' })),
    sampling: {},
    stream: false,
    preferences,
    echoUpstreamBody: false,
    extras: {},
    ...(plugins && { plugins }),
    ...(serviceTier !== undefined && { serviceTier }),
    ...(speed !== undefined && { speed }),
    ...(maxOutputTokens !== undefined && { maxOutputTokens }),
    ...(reasoning && { reasoning: { ...reasoning, exclude: false } }),
    ...(operation && { operation: OPERATIONS[operation] }),
    ...(toolChoice && { toolChoice: toolChoice === 'named' ? { kind: toolChoice, name: '' } : { kind: toolChoice } }),
  };
  for (const parameter of uses) request = { ...request, ...USING[parameter](request) };
  return { request, media: (skeleton.media ?? []).map(placed) };
}

const OPERATIONS: { readonly [K in Operation['kind']]: Operation } = {
  embeddings: { kind: 'embeddings', inputs: [], base64: false },
  rerank: { kind: 'rerank', query: '', documents: [] },
};

const sampling = (said: Sampling) => (request: GenerationRequest) => ({ sampling: { ...request.sampling, ...said } });
const always = (said: Partial<GenerationRequest>) => () => said;

/** The least that a request says to use a parameter. */
const USING: { readonly [P in Parameter]: (request: GenerationRequest) => Partial<GenerationRequest> } = {
  temperature: sampling({ temperature: 0 }),
  top_p: sampling({ topP: 0 }),
  top_k: sampling({ topK: 0 }),
  min_p: sampling({ minP: 0 }),
  top_a: sampling({ topA: 0 }),
  frequency_penalty: sampling({ frequencyPenalty: 0 }),
  presence_penalty: sampling({ presencePenalty: 0 }),
  repetition_penalty: sampling({ repetitionPenalty: 0 }),
  logit_bias: sampling({ logitBias: {} }),
  logprobs: sampling({ logprobs: true }),
  top_logprobs: sampling({ topLogprobs: 0 }),
  seed: sampling({ seed: 0 }),
  stop: sampling({ stop: [] }),
  prediction: always({ prediction: '' }),
  response_format: always({ output: { kind: 'json' } }),
  structured_outputs: always({ output: { kind: 'json-schema', name: '', schema: {} } }),
  parallel_tool_calls: always({ parallelToolCalls: true }),
  web_search_options: always({ extras: { '': { web_search_options: {} } } }),
  verbosity: always({ verbosity: '' }),
  // Told by members of the skeleton, or by no request at all.
  max_tokens: always({}),
  max_completion_tokens: always({}),
  tools: always({}),
  tool_choice: always({}),
  include_reasoning: always({}),
  reasoning: always({}),
  reasoning_effort: always({}),
};

function placed({ kind, form, size, type, comma, matched }: MediaSkeleton): PlacedMedia {
  const at = { pointer: '', ...(matched && { matched }) };
  if (kind === 'audio') return { ...at, part: { kind, data: 'x'.repeat(size), format: '' } };
  if (form === 'stored') return { ...at, part: { kind: 'file', fileId: '' } };
  const content = form === 'data' ? dataUrl(size, type ?? 'unknown', comma ?? -1) : BEGINNINGS[form].padEnd(size, 'x');
  return { ...at, part: kind === 'file' ? { kind, data: content } : { kind, url: content } };
}

const BEGINNINGS = { bare: '', web: 'http:', address: 'x:' } as const;

/** As long as the one it stands for, of the same type, and with its comma in the same place. */
function dataUrl(size: number, type: string, comma: number): string {
  const head = type === 'unknown' ? 'data:' : `data:${type}`;
  const end = comma < 0 ? size : comma;
  // What follows the type must not become part of it, and something that is no type must not become one.
  const filled = head.length < end ? `${head}${type === 'unknown' ? ' ' : ';'}`.padEnd(end, 'x') : head.slice(0, end);
  return comma < 0 ? filled : `${filled},`.padEnd(size, 'x');
}
