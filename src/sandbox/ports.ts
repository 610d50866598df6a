import type { GatewayError } from '../canon/errors.ts';
import type { GenerationEvent } from '../canon/event.ts';
import type { GenerationRequest } from '../canon/request.ts';
import type { Result } from '../canon/result.ts';
import type { Quirk, Target } from '../canon/target.ts';
import type { Counts } from '../canon/units.ts';
import type { Dialect } from '../dialects/dialect.ts';

/** A model as one host serves it. */
export interface SandboxModel {
  readonly upstreamModel: string;
  readonly contextLength: number;
  readonly maxOutputTokens: number;
  readonly target: Target;
  /** What this host would say an answer costs, in USD, where it says so. */
  costUsd(counts: Counts): { readonly cost: number; readonly prompt: number; readonly completion: number };
}

/** One provider as the sandbox plays it: its dialect, its habits, its models. */
export interface SandboxHostSpec {
  /** The provider's slug and display name. */
  readonly id: string;
  readonly name: string;
  readonly dialect: Dialect;
  /** All wires it can be asked in, the one above first. */
  readonly wires: readonly Dialect[];
  readonly quirks: ReadonlySet<Quirk>;
  /** The path of the provider's base URL, e.g. `/api/v1`. */
  readonly basePath: string;
  /** What it writes into a silent stream, where it does. */
  readonly comment: string | undefined;
  /** The form of an answer's id: how many alphanumerics follow which prefix. */
  readonly idPrefix: string;
  readonly latencyMs: number;
  readonly piecesPerSecond: number;
  model(upstreamModel: string): SandboxModel | undefined;
  models(): readonly SandboxModel[];
}

/** The model behind every host: a pure function from a request to the events of its answer. */
export type Brain = (
  request: GenerationRequest,
  options: {
    readonly modelName: string;
    readonly maxOutputTokens: number;
    readonly efforts: readonly string[] | undefined;
    readonly echoPrefill: boolean;
  },
) => Result<{ readonly pieces: readonly GenerationEvent[] }, GatewayError>;

export interface SandboxPorts {
  readonly brain: Brain;
  readonly random: () => number;
  readonly now: () => number;
}
