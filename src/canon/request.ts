import type { Original } from './original.ts';
import type { Plugins } from './plugins.ts';
import type { Preferences } from './preferences.ts';

/**
 * The house language for one request. Readonly, complete, and free of any wire's spelling. An absent member was absent on the
 * wire: defaults are never injected, because a provider's cache and a caller's intent both see the difference (INF-019).
 */
export interface GenerationRequest {
  /** Slug as the caller wrote it; undefined when only `fallbacks` (or the configured default) name a model. */
  readonly model: string | undefined;
  /** Further models, in order, tried when the one before them cannot answer. */
  readonly fallbacks: readonly string[];
  readonly messages: readonly Message[];
  readonly tools: readonly Tool[];
  readonly serverTools?: readonly ServerTool[];
  readonly toolChoice?: ToolChoice;
  readonly parallelToolCalls?: boolean;
  readonly output?: OutputForm;
  readonly sampling: Sampling;
  readonly reasoning?: ReasoningWish;
  readonly maxOutputTokens?: number;
  readonly stream: boolean;
  readonly preferences: Preferences;
  /** What the caller switched on or off beside the model; a plugin it does not name keeps to its own default. */
  readonly plugins?: Plugins;
  readonly prediction?: string;
  /** What is asked for, where it is no answer to the messages. */
  readonly operation?: Operation;
  /** What follows the gap that is to be filled: a text completion between two texts. */
  readonly suffix?: string;
  readonly verbosity?: string;
  readonly serviceTier?: string;
  /** How fast the answer is wanted, where the caller's wire has a word of its own for it; `fast` means the priority tier. */
  readonly speed?: 'fast' | 'standard';
  readonly promptCacheKey?: string;
  /** A mark on the last of the prompt, wherever that is. */
  readonly cache?: CacheMark;
  /** Names of a maker's features in trial that the caller asked for by header; they mean nothing to other makers. */
  readonly betas?: readonly string[];
  readonly sessionId?: string;
  /** The caller's name for its own user; never forwarded raw (INF-029). */
  readonly user?: string;
  /** The same under its newer name, where the caller gives both; as little forwarded raw. */
  readonly safetyIdentifier?: string;
  /** What image models are told of the picture, e.g. its aspect ratio. */
  readonly imageConfig?: Readonly<Record<string, unknown>>;
  /** What the caller wants to see of an answer beyond what every caller sees, in the words of its wire. */
  readonly include?: readonly string[];
  /** Pointers to what the wire's own half could not read, to be named with what a host is not told. */
  readonly unread?: readonly string[];
  readonly metadata?: Readonly<Record<string, string>>;
  readonly modalities?: readonly string[];
  readonly echoUpstreamBody: boolean;
  /** Unknown wire fields by dialect, given back only to an upstream of the same dialect that is known to take them. */
  readonly extras: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** The body it was read from, where that is large. */
  readonly original?: Original;
}

/** What a model may be asked for beside an answer. */
export type Operation =
  | {
      readonly kind: 'embeddings';
      /** Each is embedded by itself: parts, or the numbers of tokens. */
      readonly inputs: readonly (readonly Part[] | TokenIds)[];
      readonly dimensions?: number;
      /** Vectors are wanted as Base64 of 32-bit floats, least byte first. */
      readonly base64: boolean;
      /** What the vectors are for, where a model tells questions from answers. */
      readonly inputType?: string;
    }
  | {
      readonly kind: 'rerank';
      readonly query: string;
      readonly documents: readonly RankedDocument[];
      readonly topN?: number;
    };

export interface TokenIds {
  readonly tokenIds: readonly number[];
}

export interface RankedDocument {
  readonly text?: string;
  readonly image?: string;
}

export interface Sampling {
  readonly temperature?: number;
  readonly topP?: number;
  readonly topK?: number;
  readonly minP?: number;
  readonly topA?: number;
  readonly frequencyPenalty?: number;
  readonly presencePenalty?: number;
  readonly repetitionPenalty?: number;
  readonly seed?: number;
  readonly stop?: readonly string[];
  readonly logitBias?: Readonly<Record<string, number>>;
  readonly logprobs?: boolean;
  readonly topLogprobs?: number;
}

export type Message = SystemMessage | UserMessage | AssistantMessage | ToolMessage;

/** System messages keep their place: hoisting and merging is the business of the upstream dialect that needs it. */
interface SystemMessage {
  readonly role: 'system' | 'developer';
  readonly parts: readonly Part[];
  readonly name?: string;
}

interface UserMessage {
  readonly role: 'user';
  readonly parts: readonly Part[];
  readonly name?: string;
}

export interface AssistantMessage {
  readonly role: 'assistant';
  readonly parts: readonly Part[];
  readonly toolCalls: readonly ToolCall[];
  /** The model that said it, where the caller repeats that. */
  readonly model?: string;
  readonly reasoning?: ReasoningHistory;
  readonly name?: string;
}

export interface ToolMessage {
  readonly role: 'tool';
  readonly callId: string;
  /** The tool failed; what it said is why. */
  readonly isError?: boolean;
  readonly parts: readonly Part[];
  readonly name?: string;
}

export type Part =
  | { readonly kind: 'text'; readonly text: string; readonly cache?: CacheMark }
  | { readonly kind: 'refusal'; readonly text: string }
  | { readonly kind: 'image'; readonly url: string; readonly detail?: string; readonly cache?: CacheMark }
  | { readonly kind: 'audio'; readonly data: string; readonly format: string }
  | { readonly kind: 'video'; readonly url: string }
  | {
      readonly kind: 'file';
      readonly filename?: string;
      readonly data?: string;
      readonly fileId?: string;
      readonly cache?: CacheMark;
    };

export interface CacheMark {
  readonly ttl?: '5m' | '1h';
}

export interface ToolCall {
  readonly id: string;
  readonly name: string;
  /** JSON text as the model wrote it; not necessarily valid. */
  readonly arguments: string;
  readonly cache?: CacheMark;
}

/** What an assistant message remembers of its own thinking. `details` absent and `details` empty are different things. */
export interface ReasoningHistory {
  readonly text?: string;
  readonly details?: readonly ReasoningDetail[];
}

/** One entry of OpenRouter's `reasoning_details`; `raw` returns to its maker as it came. */
export interface ReasoningDetail {
  readonly kind: string;
  readonly format: string;
  readonly text?: string;
  readonly signature?: string;
  readonly raw: Readonly<Record<string, unknown>>;
}

export interface Tool {
  readonly name: string;
  readonly description?: string;
  /** A JSON Schema object. */
  readonly parameters?: Readonly<Record<string, unknown>>;
  readonly strict?: boolean;
  readonly cache?: CacheMark;
  /** How a wire that knows it by name says it. */
  readonly native?: { readonly dialect: string; readonly wire: Readonly<Record<string, unknown>> };
}

/** A tool that runs where the model does. */
export interface ServerTool {
  /** In OpenRouter's words. */
  readonly wire: Readonly<Record<string, unknown>>;
  /** Where the caller asked for it. */
  readonly pointer: string;
}

export type ToolChoice =
  | { readonly kind: 'none' }
  | { readonly kind: 'auto' }
  | { readonly kind: 'required' }
  | { readonly kind: 'named'; readonly name: string };

export type OutputForm =
  | { readonly kind: 'text' }
  | { readonly kind: 'json' }
  | {
      readonly kind: 'json-schema';
      readonly name: string;
      readonly schema: Readonly<Record<string, unknown>>;
      readonly description?: string;
      readonly strict?: boolean;
    }
  | { readonly kind: 'grammar'; readonly grammar: string }
  | { readonly kind: 'python' };

/** Efforts, weakest first. */
export const EFFORTS = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'] as const;
export type Effort = (typeof EFFORTS)[number];

export const isEffort = (name: string): name is Effort => (EFFORTS as readonly string[]).includes(name);

export interface ReasoningWish {
  readonly effort?: Effort;
  readonly budgetTokens?: number;
  /** The model still thinks and the tokens are billed; nothing is shown (INF-079). */
  readonly exclude: boolean;
  /** Signatures and sealed thoughts are given although nothing is shown, so that the model can go on from them (UP-055). */
  readonly sealed?: boolean;
  /** Undefined leaves it to the model's own default; true alone means medium (INF-078). */
  readonly enabled?: boolean;
  readonly summary?: string;
  /** The model's pro form is asked for, at hosts that know it. */
  readonly pro?: true;
}

/** What an effort may use of the output limit, where a host takes a budget in its place, or the other way round (spec/inference 10.5). */
const EFFORT_SHARES: readonly (readonly [Effort, number])[] = [
  ['minimal', 0.1],
  ['low', 0.2],
  ['medium', 0.5],
  ['high', 0.8],
  ['xhigh', 0.95],
];

/** What share of the output limit an effort may think with; none for no thinking. */
export const budgetShare = (effort: Effort): number =>
  effort === 'none' ? 0 : (EFFORT_SHARES.find(([one]) => one === effort)?.[1] ?? 0.95);

/** The effort whose share of the limit comes closest to a budget; of two equally near ones the stronger. */
function effortOfBudget(budgetTokens: number, outputTokensMax: number | undefined): Effort {
  if (budgetTokens <= 0) return 'none';
  if (outputTokensMax === undefined) return 'high';
  const share = budgetTokens / outputTokensMax;
  let best: Effort = 'high';
  let distance = Number.POSITIVE_INFINITY;
  for (const [effort, own] of EFFORT_SHARES) {
    if (Math.abs(own - share) > distance) continue;
    best = effort;
    distance = Math.abs(own - share);
  }
  return best;
}

/**
 * The effort a wish comes to, where a provider knows only levels; undefined leaves the model its default.
 * @param outputTokensMax of which a budget is a share; where nobody knows it, any budget is `high`
 */
export function effortOf(wish: ReasoningWish | undefined, outputTokensMax?: number): Effort | undefined {
  if (!wish) return undefined;
  if (wish.enabled === false) return 'none';
  if (wish.effort) return wish.effort;
  if (wish.budgetTokens !== undefined) return effortOfBudget(wish.budgetTokens, outputTokensMax);
  return wish.enabled ? 'medium' : undefined;
}

/** The nearest supported effort; of two equally near ones the stronger, and thinking is never switched off or on by rounding alone. */
export function nearestEffort(wanted: Effort, supported: readonly Effort[]): Effort | undefined {
  if (supported.length === 0) return undefined;
  if (supported.includes(wanted)) return wanted;
  const rank = (effort: Effort): number => EFFORTS.indexOf(effort);
  const sameSide = supported.filter((effort) => (effort === 'none') === (wanted === 'none'));
  const pool = sameSide.length > 0 ? sameSide : supported;
  let best = pool[0];
  for (const effort of pool) {
    if (best === undefined) break;
    const closer = Math.abs(rank(effort) - rank(wanted)) - Math.abs(rank(best) - rank(wanted));
    if (closer < 0 || (closer === 0 && rank(effort) > rank(best))) best = effort;
  }
  return best;
}
