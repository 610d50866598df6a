import type { HttpPorts } from '../http/ports.ts';
import type { PageData } from '../web/ports.ts';
import type { PageSource } from './compose.ts';
import { catalogueFacts } from './snapshot.ts';
import { FIRST_MODEL } from './welcome.ts';

/** Pages and their facts are loaded when somebody first looks at one: a gateway that nobody looks at stays small. */
export function pageHandler({ roads, measurements, sandbox }: PageSource): HttpPorts['page'] {
  let data: PageData | undefined;
  const load = (): PageData => {
    data ??= {
      snapshot: roads.snapshot,
      facts: catalogueFacts(),
      service: (provider, endpoint) =>
        roads.unroutable(provider, endpoint) !== undefined ? 'none' : sandbox ? 'sandbox' : 'real',
      measured: (endpointId) => {
        const { samples, latency, throughput, uptime30m } = measurements.measured(endpointId);
        return {
          samples,
          firstContentMs: latency?.p50,
          tokensPerSecond: throughput?.p50,
          uptimePercent: uptime30m ?? undefined,
        };
      },
    };
    return data;
  };
  return async (request) => {
    const url = new URL(request.url);
    if (/^\/(?:api|v1)(?:\/|$)/.test(url.pathname)) return undefined;
    const { pageAt } = await import('../web/pages.tsx');
    return pageAt(load(), { origin: url.origin, path: url.pathname, query: url.searchParams }, FIRST_MODEL);
  };
}
