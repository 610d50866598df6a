import type { ErrorCode } from '../canon/errors.ts';
import type { MediaTaken } from '../canon/media.ts';
import type { Parameter } from '../canon/parameters.ts';
import type { QUANTIZATIONS } from '../canon/preferences.ts';
import type { Trait } from '../canon/target.ts';
import type { Tier } from '../canon/tiers.ts';
import type { Unit } from '../canon/units.ts';
import type { DataPolicy } from './data-policy.ts';
import type { Router } from './routers.ts';

/** The words for what is known of a value; a figure is never just present or blank (spec/reference-site A2). */
export const STATES = {
  listed: 'The source names this figure.',
  free: 'Costs nothing.',
  trial_quota: 'Costs nothing inside a capped trial.',
  plan_included: 'Included in a subscription; no price of its own.',
  local: 'Runs on the operator’s own machine; nobody bills it.',
  gpu_hour: 'Billed by GPU time, not by token.',
  contact: 'The price is given on request.',
  not_offered: 'The source says that it is not offered.',
  not_applicable: 'Makes no sense for this model.',
  not_sourced: 'Nobody has looked, or nobody has found it.',
  disputed: 'Sources differ and no rule settles it.',
  stale: 'Last confirmed longer ago than this kind of figure keeps.',
  retired: 'No longer served.',
} as const satisfies Record<string, string>;

export type State = keyof typeof STATES;

/** Who says so. `rank` 1 = the party that sends the bill, machine-readable; 5 = manual. Copies name what they copy in `lineage`. */
export interface Source {
  readonly id: string;
  readonly name: string;
  readonly url: string;
  readonly licence: string;
  readonly kind:
    | 'provider_api'
    | 'provider_docs'
    | 'price_page'
    | 'model_card'
    | 'open_dataset'
    | 'gateway_measured'
    | 'manual';
  readonly rank: 1 | 2 | 3 | 4 | 5;
  readonly lineage: readonly string[];
}

export type FactValue = string | number | boolean | readonly string[] | null;

/** One source's word on one field of one subject. `value` is exact: amounts are decimal strings in USD per million units. */
export interface Observation {
  /** `model:lab/slug`, `provider:slug`, `endpoint:provider/lab/slug`, `lab:slug` */
  readonly subject: string;
  readonly field: string;
  readonly value: FactValue;
  readonly state: State;
  readonly source: string;
  /** The day somebody or something looked, `YYYY-MM-DD`. */
  readonly checked: string;
  /** The last day the figure is known to have held, where a source repeats what it once heard: a later look at an older assertion. */
  readonly asserted?: string;
  readonly note?: string;
  /** Set where the observation is known to speak of something else, e.g. an alias before it moved. */
  readonly conflict?: ConflictClass;
}

export type ConflictClass =
  | 'alias_moved'
  | 'snapshot_lost'
  | 'region_or_tier'
  | 'time_window'
  | 'currency'
  | 'unit'
  | 'route_price_moved'
  | 'stale'
  | 'wrong_identity'
  | 'decimal_vs_binary'
  | 'scope_model_vs_host'
  | 'typo'
  | 'unknown';

/** What pages show: the chosen value, who supports it, who does not, and the rule that decided. */
export interface Fact {
  readonly value: FactValue;
  readonly state: State;
  readonly source: string;
  readonly checked: string;
  readonly rule: string;
  readonly note?: string;
  readonly supports: readonly { readonly source: string; readonly checked: string }[];
  readonly dissents: readonly {
    readonly value: FactValue;
    readonly state: State;
    readonly source: string;
    readonly checked: string;
    readonly conflict: ConflictClass;
    readonly note?: string;
  }[];
}

export interface Lab {
  readonly id: string;
  readonly name: string;
  readonly url?: string;
  readonly country?: string;
}

export interface ModelReasoning {
  /** Levels the model takes, e.g. none and high. */
  readonly efforts: readonly string[];
  readonly mandatory: boolean;
  readonly defaultEffort?: string;
}

/** What a lab released, free of any provider. */
export interface Model {
  /** `lab/slug`, permanent and routable. */
  readonly id: string;
  readonly lab: string;
  readonly name: string;
  readonly family?: string;
  /** Further slugs that mean this model, each `lab/slug` or a bare name. */
  readonly aliases: readonly string[];
  /** The model that this one is a faster twin of, at another price. */
  readonly fastOf?: string;
  /** Unix seconds; the release date where known, otherwise when the first source listed it. */
  readonly created: number;
  readonly contextLength?: number;
  /** The most tokens it gives in one answer, by its maker's word. */
  readonly maxOutputTokens?: number;
  readonly inputModalities: readonly string[];
  readonly outputModalities: readonly string[];
  readonly tokenizer: string;
  readonly reasoning?: ModelReasoning;
  readonly knowledgeCutoff?: string;
  readonly weightsUrl?: string;
  readonly licence?: string;
  readonly openWeights?: boolean;
  /** Whether its maker lets other models be trained on its text; absent where no source says so. */
  readonly distillable?: boolean;
  /** When it ends, in Unix seconds; from then on it is not listed and not routed. */
  readonly ends?: number;
  /** Who takes its place: a model's slug. */
  readonly successor?: string;
  /** Taken out of sight by the operator. */
  readonly hidden?: boolean;
  /** Our own text, at most 60 words. */
  readonly about: string;
}

export type ProviderAuth =
  | { readonly kind: 'bearer' }
  /** A header of its own, with a word before the key where it wants one. */
  | { readonly kind: 'header'; readonly name: string; readonly prefix?: string }
  /** Signed calls, or a bearer key. */
  | { readonly kind: 'aws'; readonly service: string }
  /** A service account's tokens, or a key in a header of its own. */
  | { readonly kind: 'google'; readonly name: string }
  /** A header with a key, or a token for a program's own name and secret (OAuth 2), which stand in the variables named here. */
  | {
      readonly kind: 'client';
      readonly name: string;
      readonly tokenUrl: string;
      readonly clientId: string;
      readonly clientSecret: string;
      readonly scope: string;
    }
  | { readonly kind: 'none' };

/** Families of rate-limit headers (spec/providers A.3). */
export const RATE_HEADERS = [
  'openai',
  'azure',
  'anthropic',
  'mistral',
  'cerebras',
  'together',
  'fireworks',
  'digitalocean',
  'sambanova',
  'github',
  'openrouter',
  'generic',
  /** Known to tell nothing in headers. */
  'none',
] as const;
type RateHeaders = (typeof RATE_HEADERS)[number];

/** Who runs models and bills us. */
export interface Provider {
  /** The slug, which is also the tag for `provider.only`, `order` and `ignore`. */
  readonly id: string;
  readonly name: string;
  readonly kind: 'lab' | 'cloud' | 'inference' | 'aggregator' | 'plan' | 'local';
  /** The lab that operates it, where it is one. */
  readonly operatedBy?: string;
  /** Wire format; a provider whose dialect has no codec yet is shown but not routed. */
  readonly dialect: string;
  /** May hold `{NAME}`: an environment variable, or what follows from one (region, host). */
  readonly base?: string;
  readonly auth: ProviderAuth;
  /** Environment variables that conventionally hold its key, first hit wins. */
  readonly keyEnv: readonly string[];
  readonly quirks: readonly string[];
  /** Request fields beyond the common vocabulary that it is known to take; `all` for a server the operator runs. */
  readonly extraFields: readonly string[] | 'all';
  /** Request headers it wants beside its credential. */
  readonly headers: Readonly<Record<string, string>>;
  readonly temperatureMax?: number;
  /**
   * True where leaving stops the bill, so that a stream is aborted when the client leaves (spec/inference 3.6); false where it does
   * not. Where it is not known, the stream is read to its end too: that costs no more than is billed anyway.
   */
  readonly cancellation?: boolean;
  readonly policy?: DataPolicy;
  /** Where it lists its models, below its base (`/..` goes up); undefined where it does not, or that is not known. */
  readonly listModels?: string;
  /** How a program on one's own machine is told from others, and where it tells more of its models. */
  readonly discovery?: Discovery;
  /** Which headers tell its rate limits. */
  readonly rateHeaders?: RateHeaders;
  /** The most pictures a request may hold, and the most bytes of one. */
  readonly imagesMax?: number;
  readonly imageBytesMax?: number;
  readonly bodyBytesMax?: number;
  readonly toolsMax?: number;
  /** How many messages of a conversation it takes; longer ones are compressed, where the caller lets them be. */
  readonly messagesMax?: number;
  /** Levels of thinking that it knows, whatever the model. */
  readonly efforts?: readonly string[];
  /** The levels it has words for; a model's others are not asked for here. */
  readonly effortsKnown?: readonly string[];
  /** What its own failures mean: patterns of its codes and messages. */
  readonly errors?: readonly {
    readonly status?: readonly number[];
    readonly code?: string;
    readonly text?: string;
    readonly means: ErrorCode;
  }[];
  readonly stopsMax?: number;
  readonly topLogprobsMax?: number;
  /** What it calls the tiers of service that it sells, by the name that callers use. */
  readonly serviceTiers?: Readonly<Record<string, string>>;
  /** What it calls a caller's own user, where that is not `user`. */
  readonly userField?: string;
  /** Parameters that no endpoint of it takes. */
  readonly refusedParameters?: readonly string[];
  /** Its quirks are the operator's word, which no rule changes. */
  readonly ownQuirks?: boolean;
  /** How each kind of media reaches it. */
  readonly media: MediaTaken;
  /** Types of pictures it takes; any where nothing is said. */
  readonly imageTypes?: readonly string[];
  readonly site?: string;
  readonly docs?: string;
  readonly pricePage?: string;
  readonly statusPage?: string;
  readonly privacyPolicy?: string;
  readonly termsOfService?: string;
  readonly headquarters?: string;
  /** Two sentences of our own. */
  readonly about: string;
}

export type Quantization = (typeof QUANTIZATIONS)[number];

/** A daily window in UTC, `HHMM`, half-open; it wraps midnight where the start is later than the end, and then belongs to the day it began. */
export interface PriceWindow {
  readonly start: string;
  readonly end: string;
  /** Days of the week, 1 = Monday; every day where nothing is said. */
  readonly days?: readonly number[];
  /** Days on which it does not hold, `YYYY-MM-DD`. */
  readonly except?: readonly string[];
}

/** What must hold, all of it, for other prices than the base prices. */
export interface PriceCircumstances {
  /** The whole prompt, cached tokens included, has more tokens than this. */
  readonly minPromptTokens?: number;
  /** The service tier that served, by the name the provider gives it. */
  readonly tier?: string;
  readonly utc?: PriceWindow;
}

/** Other prices under conditions; they apply in order, so that among several that hold later ones win per unit (spec/platform 4.2). */
export interface RateOverride extends PriceCircumstances {
  /** Everything that is not a flat fee costs this many times what it would otherwise: a decimal string. */
  readonly times?: string;
  /** Pico-dollars per unit, as decimal strings; units that are not named keep their rate. */
  readonly rates: { readonly [U in Unit]?: string };
}

export interface Discovery {
  /** The owner that its list gives its models; `{id}` stands for the model's own id. Absent where the form of the list is enough. */
  readonly owner?: string;
  /** An address on the server, from its root: asked for each model, or once for all. */
  readonly details?: { readonly path: string; readonly per: 'model' | 'server' | 'list' };
  /** The most context that is asked of it where nobody says otherwise: what a model could take may be more than the machine has room for. */
  readonly contextMax?: number;
}

/** One model at one provider, in one flavour and one tier of service: the unit of routing. */
export interface Endpoint {
  /** `provider/lab/slug`, and `@flavour/tier` where it has these. */
  readonly id: string;
  readonly provider: string;
  readonly model: string;
  /** The region or kind it is served in, where its provider has the model several times, e.g. `us-east5` or `turbo`. */
  readonly flavour?: string;
  /** The tier of service, where it is not the usual one. */
  readonly tier?: Tier;
  /** The id of the same endpoint in its usual tier: whoever is served in another than was asked for pays that one's price. */
  readonly tierOf?: string;
  /** The model's name in this provider's API. */
  readonly upstreamModel: string;
  readonly contextLength?: number;
  readonly maxOutputTokens?: number;
  /** Pico-dollars per unit, as decimal strings. Empty where nothing is priced: `priceState` says why. */
  readonly rates: { readonly [U in Unit]?: string };
  /** Long prompts and hours of the day that cost otherwise. Absent where the base rates always hold. */
  readonly overrides?: readonly RateOverride[];
  readonly priceState: State;
  /** OpenRouter's parameter vocabulary; `all` where the operator did not restrict it. */
  readonly parameters: readonly string[] | 'all';
  readonly quantization?: Quantization;
  readonly delivery: 'serverless' | 'dedicated' | 'gpu_hour' | 'plan' | 'local';
  /** Reasoning levels at this host, where they differ from the model's. */
  readonly efforts?: readonly string[];
  /** The id is a rolling alias: what it points to now, and since when. */
  readonly rolling?: { readonly target: string; readonly since: string };
  readonly retired?: boolean;
}

/** A provider that the sandbox plays, and how fast. Everything else about it comes from its other rows. */
export interface SandboxRow {
  readonly provider: string;
  /** What the ids of its answers begin with. */
  readonly idPrefix: string;
  /** A comment it writes into a stream before the first content. */
  readonly comment?: string;
  readonly latencyMs: number;
  readonly piecesPerSecond: number;
}

/** What holds for all endpoints that fit: what their models are like, and which parameters they take or refuse whatever else is said. */
export interface TraitRule {
  /** A pattern of model ids and names at providers, in lower case and with hyphens for dots. */
  readonly models: string;
  /** At these alone; at all where none is named. */
  readonly providers?: readonly string[];
  readonly traits: readonly Trait[];
  readonly adds: readonly Parameter[];
  readonly refuses: readonly Parameter[];
  /** Parameters that are taken as well while the model does not think. */
  readonly unthinking?: readonly Parameter[];
  /** How such a model deviates from what its host's row says. */
  readonly quirks?: { readonly add: readonly string[]; readonly remove: readonly string[] };
  readonly efforts?: readonly string[];
  /** What the host calls an effort, where that is not its name. */
  readonly effortWords?: Readonly<Record<string, string>>;
  /** Tiers of service beyond those of the host's row. */
  readonly serviceTiers?: Readonly<Record<string, string>>;
  /** How many tokens its tokenizer makes of what o200k makes one of; of several rules that fit the last one counts. */
  readonly tokenFactor?: number;
}

/** Everything routing and the API read. Facts with their sources lie in a file of their own, read only by pages. */
export interface CatalogueData {
  /** Changes with the content. */
  readonly id: string;
  /** The day the newest source was looked at. */
  readonly asOf: string;
  readonly labs: readonly Lab[];
  readonly models: readonly Model[];
  readonly providers: readonly Provider[];
  readonly endpoints: readonly Endpoint[];
  readonly sandbox: readonly SandboxRow[];
  readonly traits?: readonly TraitRule[];
  readonly routers?: readonly Router[];
}

export interface CatalogueFacts {
  readonly id: string;
  readonly sources: readonly Source[];
  /** subject → field → fact */
  readonly facts: Readonly<Record<string, Readonly<Record<string, Fact>>>>;
  /** Model pages that need more than figures: dated meanings of an alias. */
  readonly aliases: readonly AliasPeriod[];
}

/** What a rolling alias of a provider meant, and when. */
export interface AliasPeriod {
  readonly provider: string;
  readonly alias: string;
  readonly model: string;
  readonly from: string;
  readonly to?: string;
  readonly evidence: string;
}
