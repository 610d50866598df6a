import type { GatewayError } from '../canon/errors.ts';
import type { Endpoint, Model, Provider } from '../catalogue/types.ts';
import type { Standing } from './standing.ts';

export type RuleId =
  | 'retired'
  | 'operation'
  | 'unroutable'
  | 'only'
  | 'ignore'
  | 'deprecated'
  | 'data_region'
  | 'data_collection'
  | 'zdr'
  | 'distillable'
  | 'quantization'
  | 'max_price'
  | 'service_tier'
  | 'modality'
  | 'media'
  | 'tools'
  | 'forced_tools'
  | 'reasoning'
  | 'pro'
  | 'require_parameters'
  | 'soft_preference'
  | 'limits'
  | 'max_tokens'
  | 'context_length'
  | 'allow_fallbacks';

/** An endpoint that survived every constraint. */
export interface Candidate {
  readonly endpoint: Endpoint;
  readonly provider: Provider;
  readonly model: Model;
  /** Why it stands where it stands, in words. */
  readonly reason: string;
  /** USD per million tokens, three parts prompt to one part completion. */
  readonly price: number;
  /** What was known of its health when it was placed. */
  readonly standing: Standing;
  /** The chance it had in the draw that put it first, of 1. */
  readonly chance?: number;
  /** Listed by the caller, or the host of the conversation: no threshold moves it. */
  readonly pinned?: boolean;
  /** Of a router's further choices: asked where those before it were ill, not where they refused the request. */
  readonly onlyWhenIll?: true;
}

export interface Rejection {
  readonly endpoint: Endpoint;
  readonly provider: Provider;
  readonly rule: RuleId;
  readonly reason: string;
}

/** A router that chose models. */
export interface RoutedBy {
  readonly slug: string;
  readonly kind: 'auto' | 'free' | 'pareto';
  readonly plugin?: string;
  readonly taskType?: string;
}

/** All hosts of one of the models the caller named. */
export interface PlannedModel {
  readonly requested: string;
  /** The router that chose it, where one did. */
  readonly router?: string;
  readonly model: Model;
  readonly candidates: readonly Candidate[];
  readonly rejected: readonly Rejection[];
  /** Why none is left, where none is. */
  readonly error?: GatewayError;
}

/**
 * Who gets the request, in order, and who does not and why. Pure: the same input gives the same plan, so a record explains itself.
 */
export interface Plan {
  readonly seed: number;
  /** Routers of the request, and what each took it for. */
  readonly routed?: readonly RoutedBy[];
  readonly snapshotId: string;
  readonly models: readonly PlannedModel[];
  readonly candidates: readonly Candidate[];
}
