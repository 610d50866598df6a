import type { Preferences } from './preferences.ts';

/** What the operator asks of every request's routing. A request adds to it; it never loosens it. */
export interface RoutingPolicy {
  /** No other hosts than these: `provider.only` narrows the list further. */
  readonly only?: readonly string[] | undefined;
  /** Never these hosts, whatever the request says. */
  readonly ignore?: readonly string[] | undefined;
  /** Only hosts that keep nothing. */
  readonly zdr?: boolean | undefined;
  /** `deny`: only hosts that do not train on what they are sent. */
  readonly data_collection?: Preferences['data_collection'] | undefined;
  /** Only hosts that promise to work and keep in these regions and no other. */
  readonly data_regions?: readonly string[] | undefined;
  /** How hosts are sorted where neither the request nor its variant says so. */
  readonly sort?: 'price' | 'throughput' | 'latency' | 'exacto' | undefined;
}

export const NO_POLICY: RoutingPolicy = {};
