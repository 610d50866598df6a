import type { ErrorCode } from './errors.ts';
import type { ParameterSet } from './parameters.ts';
import type { Effort } from './request.ts';

/**
 * A deviation from a dialect that a provider row may declare: described by what it does, never by who needs it, and each covered
 * by a case in the dialect's tests. A provider that needs more than a few belongs to another dialect.
 */
export const QUIRKS = {
  'closed-request':
    'Refuses unknown fields: only a fixed list is sent, `seed` as `random_seed`, a prediction as plain text, no message names.',
  'nine-character-ids':
    'Tool call ids are exactly nine alphanumerics; others are mapped to such for the length of one request.',
  'thinking-chunks': 'Reasoning travels inside `content` as chunks of type `thinking`, both ways.',
  'prefix-prefill': 'A trailing assistant message needs `prefix: true`, and the answer repeats it at its start.',
  'plain-prefill': 'Goes on from a trailing assistant message as it stands.',
  'partial-prefill': 'Goes on from a trailing assistant message that says `partial: true`.',
  'beta-prefill':
    'Goes on from a trailing assistant message that says `prefix: true`, at the address for what is in trial.',
  'final-message-prefill':
    'Goes on from a trailing assistant message where the body says `continue_final_message: true`, and `add_generation_prompt: false`.',
  'strict-turns':
    'Turns must alternate properly: no user right after a tool, one result per call, no empty assistant message.',
  'system-first': 'Knows one system message, at the start alone; later ones are text of the user.',
  'empty-content': 'An assistant that only called has an empty text, where others want null.',
  'no-empty-content': 'An assistant that only called has no content at all, where others want null.',
  'cache-marks': 'Takes `cache_control` on parts and tools, for five minutes.',
  'usage-opt-in': 'A stream reports usage only with `stream_options.include_usage`, in a chunk of its own.',
  'usage-in-finish': 'A stream reports usage in the chunk that carries the finish reason, unasked.',
  'reasoning-object': 'Takes and gives the unified `reasoning` object and `reasoning_details`.',
  'reasoning-content': 'Gives reasoning in `reasoning_content`.',
  'router-answers': 'Answers name the provider, the native finish reason and the cost.',
  'max-completion-tokens': 'The output limit is called `max_completion_tokens`.',
  'developer-role': 'Knows the `developer` role.',
  'message-names': 'Knows `name` on messages.',
  'whole-tool-calls': 'Streams each tool call as one piece.',
  'form-or-tools':
    'Takes a form for its answer or tools, but not both: beside tools the form is asked for in words, and checked.',
  'problem-errors': 'Errors are problem documents: title, status, detail.',
  'flat-errors': 'Errors are flat objects: object, message, type, code.',
  'fim-route': 'A text between two texts has a route of its own.',
  'output-dimension': 'The length of embeddings is asked for as `output_dimension`.',
  'top-k-rerank': 'Ranking says `top_k` for `top_n`, and `data` for `results`.',
  'reasoning-replay': 'Wants the thoughts of earlier turns back in `reasoning_content`.',
  'reasoning-replay-plain': 'Wants the thoughts of earlier turns back in `reasoning`.',
  'reasoning-replay-required': 'Refuses calls of earlier turns that come without the thoughts before them.',
  'preserve-thinking': 'Keeps the thoughts of earlier turns only with `preserve_thinking`.',
  'clear-thinking': 'Keeps the thoughts of earlier turns only with `thinking: { clear_thinking: false }`.',
  'reasoning-history': 'Keeps the thoughts of earlier turns only with `reasoning_history`.',
  'reasoning-apart': 'Counts the tokens of thoughts beside those of the answer.',
  'phantom-calls': 'Doubles answers in JSON as calls of tools that nobody gave.',
  'think-tags': 'Gives reasoning at the start of the text, between `<think>` and `</think>`.',
  'think-prefilled': 'Answers begin inside a thought that its template has opened.',
  'thinking-switch': 'Thinking is switched by `thinking: { type }`, its strength by `reasoning_effort`.',
  'enable-thinking': 'Thinking is switched by `enable_thinking`, its length by `thinking_budget`.',
  'reasoning-enabled': 'Thinking is switched by `reasoning: { enabled }`, its strength by `reasoning_effort`.',
  'template-thinking': 'Thinking is switched by `chat_template_kwargs: { thinking }`.',
  'template-enable-thinking': 'Thinking is switched by `chat_template_kwargs: { enable_thinking }`.',
  'always-thinks': 'Always thinks, and nothing can be said of it.',
  'parsed-reasoning': 'Gives thoughts apart only when asked to by `reasoning_format`.',
  'short-answers': 'Cuts answers short where no limit is sent: one always is.',
  'narrow-schemas':
    'Schemas of tools are objects at the root, without `$schema`, with tuples as `prefixItems` and no type beside `anyOf`.',
  'stream-only': 'Answers with streams alone.',
  'integer-logprobs': 'Log probabilities are asked for by their number.',
  'vertex-body': 'The address names the model and whether to stream; the body names the version of the wire.',
  'bare-messages':
    'Knows the plain form of its wire alone: no features in trial, no strict tools, no arguments of tools as they come.',
  'numeric-error-codes': 'Errors carry the HTTP status as their code.',
} as const satisfies Record<string, string>;

export type Quirk = keyof typeof QUIRKS;

export const QUIRK_IDS = Object.keys(QUIRKS) as readonly Quirk[];

export const isQuirk = (name: string): name is Quirk => Object.hasOwn(QUIRKS, name);

/**
 * What a model is like, whoever serves it, as far as a wire must know: rules in `catalogue/traits.toml` say which. Without any, a model thinks
 * within a budget and can be told everything.
 */
export const TRAITS = {
  'adaptive-thinking': 'Thinks as much as a question needs, more or less by effort.',
  'thinking-budget': 'Takes a budget of tokens for its thinking although it thinks adaptively.',
  'thinking-stays-on': 'Refuses to be told not to think.',
  'calm-without-thinking': 'Takes no effort above high while it does not think.',
  'no-levels': 'Knows no levels of thinking, and no budgets: it thinks as much as it sees fit.',
  'chooses-tools': 'Refuses to be made to call a tool.',
  'no-prefill': 'Refuses to go on from a begun answer.',
  'system-turns': 'Takes instructions in the middle of a conversation.',
  'last-cache-mark': 'Caches up to the last mark alone.',
  'cache-breakpoints': 'Takes breakpoints of its cache on parts of the prompt.',
} as const satisfies Record<string, string>;

export type Trait = keyof typeof TRAITS;

export const TRAIT_IDS = Object.keys(TRAITS) as readonly Trait[];

export const NO_TRAITS: ReadonlySet<Trait> = new Set();

/** What a failure of one host means: all that is said must fit. */
export interface ErrorRule {
  readonly status?: readonly number[];
  /** Matches the provider's own error code or type. */
  readonly code?: RegExp;
  /** Matches its message. */
  readonly text?: RegExp;
  readonly means: ErrorCode;
}

/** What an upstream codec may know of the endpoint it speaks to, so that dialects need not import the catalogue. */
export interface Target {
  /** The model's name at this provider. */
  readonly upstreamModel: string;
  readonly quirks: ReadonlySet<Quirk>;
  readonly traits?: ReadonlySet<Trait>;
  readonly parameters: ParameterSet;
  /** Parameters that it takes as well while it does not think. */
  readonly unthinkingParameters?: ParameterSet;
  /** Fields beyond the vocabulary that this endpoint is known to take; `all` for a server the operator runs. */
  readonly extraFields: ReadonlySet<string> | 'all';
  /** Effort levels the model takes here; empty when it does not reason, undefined when nothing is known. */
  readonly efforts?: readonly Effort[];
  /** What it calls an effort, where that is not its name. */
  readonly effortWords?: Readonly<Record<string, string>>;
  /** What it calls the tiers of service that it sells, by the name that callers use; undefined where nothing is known. */
  readonly serviceTiers?: Readonly<Record<string, string>>;
  /** What it calls a caller's own user, where that is not `user`. */
  readonly userField?: string;
  readonly topLogprobsMax?: number;
  /** What the model answers with, where that is known. */
  readonly outputModalities?: readonly string[];
  readonly temperatureMax?: number;
  /** What this host's own codes mean, before the general table. */
  readonly errors?: readonly ErrorRule[];
  /** The most stops it takes. */
  readonly stopsMax?: number;
  /** How much the model takes here, where that is known. */
  readonly contextLength?: number;
  /** The most tokens the model gives here, where that is known: some hosts demand a limit. */
  readonly maxOutputTokens?: number;
}

const GO_ON: readonly Quirk[] = [
  'plain-prefill',
  'prefix-prefill',
  'partial-prefill',
  'beta-prefill',
  'final-message-prefill',
];

/** Whether the host is known to go on from an answer that was begun for it, instead of answering it. */
export const goesOn = (target: Target): boolean =>
  !hasTrait(target, 'no-prefill') && GO_ON.some((quirk) => target.quirks.has(quirk));

export const hasTrait = ({ traits }: Target, trait: Trait): boolean => traits?.has(trait) ?? false;
