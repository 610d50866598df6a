import type { Keyring } from '../accounts/keyring.ts';
import type { Presets } from '../accounts/presets.ts';
import type { Measurements } from '../gateway/measurements.ts';
import type { GatewayPorts } from '../gateway/ports.ts';
import type { StoredRecord } from './platform/account.ts';

/** What the HTTP room is handed. */
export interface HttpPorts {
  /** As it is now: a request keeps what it was handed, and the next may be handed another. */
  readonly gateway: GatewayPorts;
  readonly keyring: Keyring;
  readonly presets: Presets;
  readonly measurements: Measurements;
  readonly bodyBytesMax: number;
  /** A generation's record once it has ended; null for an unknown id. */
  findGeneration(id: string): Promise<StoredRecord | null>;
  /** Why a request went where it went, for the key that made it; null for an unknown id and for somebody else's. */
  why(id: string, keyHash: string): Promise<object | null>;
  /** Why the service is not ready, or undefined when it is. */
  notReady(): string | undefined;
  /** Pages of the reference; undefined where there is none at this address. */
  page(request: Request): Promise<Response | undefined> | undefined;
  readonly openapi: () => unknown;
}
