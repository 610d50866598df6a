import type { Snapshot } from '../catalogue/snapshot.ts';
import type { CatalogueFacts, Endpoint, Provider } from '../catalogue/types.ts';

/** What this gateway saw itself in the last half hour. */
interface Measured {
  readonly samples: number;
  readonly firstContentMs: number | undefined;
  readonly tokensPerSecond: number | undefined;
  readonly uptimePercent: number | undefined;
}

/** What pages read. Facts come from a file of their own, when somebody first looks. */
export interface PageData {
  readonly snapshot: Snapshot;
  readonly facts: CatalogueFacts;
  /** Whether a request for it would be served now, and by the sandbox or for real. */
  readonly service: (provider: Provider, endpoint: Endpoint) => 'real' | 'sandbox' | 'none';
  /** Whether there is a road to it now, real or to the sandbox. */
  readonly reached: (provider: Provider) => 'real' | 'sandbox' | 'none';
  readonly measured: (endpointId: string) => Measured;
}

/** What differs from one request to the next. */
export interface Visit {
  /** Scheme and host as the visitor wrote them; request examples use it. */
  readonly origin: string;
  readonly path: string;
  readonly query: URLSearchParams;
}
