/** Why a model could not be served, in OpenRouter's words (spec/inference 4.6). Inapplicable members are left out. */
export interface Availability {
  readonly code: string;
  readonly retryable: boolean;
  readonly requestedModels: readonly string[];
  readonly affectedProviders?: readonly string[];
  readonly excludedBy?: readonly string[];
  /** Slugs that would be served instead. */
  readonly fallbackModels?: readonly string[];
  readonly constraint?: { readonly field: string; readonly detail: string };
}

export interface PreviousError {
  readonly provider: string;
  readonly code: string;
  readonly status: number;
}

export interface ErrorFacts {
  /** Display name of the provider that failed. */
  readonly providerName?: string;
  /** The provider's own error code and status. */
  readonly providerCode?: string;
  readonly providerStatus?: number;
  /** The request's field that the provider named, in its own wire. */
  readonly field?: string;
  /** The provider's own words, shortened; only shown where the code's row allows it. */
  readonly raw?: string;
  readonly retryAfterMs?: number;
  readonly availability?: Availability;
  readonly previous?: readonly PreviousError[];
  readonly limitSource?: string;
  readonly remedyHint?: string;
  readonly issues?: readonly { readonly path: string; readonly message: string }[];
  /** Which rule of ours refused: a rule of the planner (router/candidate.ts), or a limit by the name it has in the configuration. */
  readonly rule?: string;
  /** What the rule allows, and what there was instead: in the unit of the rule (tokens, bytes, characters, USD, a number of things). */
  readonly limit?: number;
  readonly current?: number;
  /** Milliseconds since 1970 at which the count of this rule begins anew; null where it never does. */
  readonly resetsAt?: number | null;
  /** The limit in USD that is spent, for a limit of spending. */
  readonly budget?: { readonly scope: string; readonly limitUsd: number; readonly spendUsd: number };
  /** Headers that say how many requests are allowed, for a limit of requests; the body repeats them. */
  readonly rateHeaders?: Readonly<Record<string, string>>;
}
