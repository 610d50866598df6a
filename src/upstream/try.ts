import type { GatewayError } from '../canon/errors.ts';
import type { GenerationEvent } from '../canon/event.ts';
import type { Target } from '../canon/target.ts';
import type { Dialect, EncodedRequest } from '../dialects/dialect.ts';
import type { RateReading } from './rate-headers.ts';
import type { ProviderRoute } from './route.ts';

/** Limits of one try, in milliseconds (config/limits.ts). */
export interface AttemptLimits {
  readonly headersMsMax: number;
  readonly firstContentMsMax: number;
  readonly streamIdleMsMax: number;
  readonly wholeMsMax: number;
}

export interface AttemptRequest {
  readonly route: ProviderRoute;
  readonly dialect: Dialect;
  readonly target: Target;
  readonly encoded: EncodedRequest;
  readonly stream: boolean;
  readonly limits: AttemptLimits;
  /** Monotonic time at which the whole request is over. */
  readonly requestDeadline: number;
}

/** One call to one endpoint, as the executor and the relay see it. */
export interface Try {
  /** Monotonic milliseconds. */
  readonly startedAt: number;
  /** The provider's HTTP status, 0 until it answered. */
  readonly status: number;
  /** What the provider said, with its answer, of how much more it will take. */
  readonly rate?: RateReading | undefined;
  /** True after the terminal event was given. */
  readonly ended: boolean;
  /** Sends the request and waits for a usable answer to begin; the error says why there is none. */
  open(): Promise<GatewayError | undefined>;
  /** The next events; empty only when it has ended. */
  read(): Promise<readonly GenerationEvent[]>;
  /** The caller has seen content: from now on silence is measured between reads. */
  contentSeen(): void;
  /** Stops the call; the provider's side is closed within milliseconds. */
  abort(): void;
}
