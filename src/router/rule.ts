import type { ErrorCode } from '../canon/errors.ts';
import type { PlacedMedia } from '../canon/media.ts';
import { type Parameter, supports } from '../canon/parameters.ts';
import type { RoutingPolicy } from '../canon/policy.ts';
import type { GenerationRequest } from '../canon/request.ts';
import type { Rates } from '../catalogue/rates.ts';
import type { Host, Snapshot } from '../catalogue/snapshot.ts';
import type { Endpoint, Model, Provider } from '../catalogue/types.ts';
import type { PlannedModel, RuleId } from './candidate.ts';
import type { Size } from './limits.ts';

/** What a rule may look at. */
export interface Facts {
  readonly request: GenerationRequest;
  readonly media: readonly PlacedMedia[];
  readonly model: Model;
  readonly snapshot: Snapshot;
  readonly unroutable: (provider: Provider, endpoint: Endpoint) => string | undefined;
  readonly promptTokens: number;
  /** The latest of a family was asked for, whatever that is today. */
  readonly latest: boolean;
  /** Variants of routing in the slug that was asked for, e.g. `nitro`. */
  readonly variants: readonly string[];
  readonly sizeAt: (endpoint: Endpoint) => Size;
  /** What the operator asks of every request. */
  readonly policy: RoutingPolicy;
  /** Milliseconds since 1970; undefined where dates are not looked at. */
  readonly now: number | undefined;
}

export interface RuleError {
  readonly code: ErrorCode;
  readonly message: string;
  /** What the rule allows and what there was, in its own unit, where it has one. */
  readonly limit?: number;
  readonly current?: number;
  readonly availability?: {
    readonly code: string;
    readonly excludedBy?: readonly string[];
    readonly fallbackModels?: readonly string[];
    readonly constraint?: { readonly field: string; readonly detail: string };
  };
}

/** Why a host is out; undefined where it is not. */
export type Against = (host: Host) => string | undefined;

/** One constraint: why a host is out, and what the caller is told when this removed the last one. */
export interface Rule {
  readonly id: RuleId;
  /** What it holds against hosts; undefined where this request gives it nothing to look at, which costs nothing more. */
  against(facts: Facts): Against | undefined;
  /** @param alone no other rule has removed a host that could have served somebody */
  error(planned: PlannedModel, facts: Facts, alone: boolean): RuleError;
}

/**
 * @param excludedBy OpenRouter's word for it (spec/inference 4.6)
 * @param field where the wish stands that nobody meets
 */
export const constraint = (excludedBy: string, field: string, message: string): RuleError => ({
  code: 'constraint_filtered',
  message,
  availability: { code: 'constraint_filtered', excludedBy: [excludedBy], constraint: { field, detail: message } },
});

/** What one rule said of each provider. */
export const reasons = ({ rejected }: PlannedModel, rule: RuleId): string =>
  [...new Set(rejected.flatMap((one) => (one.rule === rule ? [`${one.provider.name} ${one.reason}`] : [])))].join('; ');

/** The prices of this request: those of its hour, its size and its tier of service, where a host has such. */
export function ratesAt(
  endpoint: Endpoint,
  {
    snapshot,
    promptTokens,
    now,
  }: Pick<Facts, 'snapshot' | 'promptTokens'> & {
    readonly now?: number | undefined;
  },
): Rates {
  return endpoint.overrides === undefined || now === undefined
    ? snapshot.rates(endpoint)
    : snapshot.ratesFor(endpoint, { promptTokens, at: now, tier: endpoint.tier });
}

export const takes = (endpoint: Endpoint, parameter: Parameter, { snapshot }: Pick<Facts, 'snapshot'>): boolean =>
  supports(snapshot.parameters(endpoint), parameter);
