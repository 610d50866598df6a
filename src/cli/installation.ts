import type { Snapshot } from '../catalogue/snapshot.ts';
import type { Config } from '../config/load.ts';
import type { Roads } from '../gateway/ports.ts';
import type { Past } from '../gateway/why.ts';
import type { StoredGeneration } from '../store/sqlite/protocol.ts';
import type { Effects } from './effects.ts';
import { lookOnce } from './local-servers.ts';
import { type Configured, configure, realRoads, sandboxRoads, withLocal } from './roads.ts';

/** Whether the sandbox plays the providers: where it is wanted, and where there is nobody else. */
export const plays = (config: Config, { routes }: Configured): boolean =>
  config.sandbox === 'on' || (config.sandbox === 'auto' && routes.size === 0);

/** The roads that a gateway of this configuration would have here and now, as a command beside it sees them. */
export async function installation(config: Config, catalogue: Snapshot, effects: Effects): Promise<Roads> {
  const configured = configure(config, catalogue, effects.clock.now);
  const local = withLocal(configured, await lookOnce(config, configured.snapshot, effects));
  if (!plays(config, configured)) return realRoads(local, config);
  const hosts = new Map(configured.snapshot.sandbox.map((row) => [row.provider, 'sandbox']));
  return sandboxRoads(local, hosts, config);
}

/** A stored request, where it is over. */
export function pastOf({ id, createdAt, state, document }: StoredGeneration): Past | undefined {
  if (state === 'open' || document === null) return undefined;
  return { id, createdAt, state, document: JSON.parse(document) as unknown };
}
