import type { Provider } from '../catalogue/types.ts';
import type { Roads } from '../gateway/ports.ts';
import type { HttpPorts } from '../http/ports.ts';
import type { PageData } from '../web/ports.ts';
import type { PageSource } from './compose.ts';
import { catalogueFacts } from './snapshot.ts';
import { FIRST_MODEL } from './welcome.ts';

/** Pages and their facts are loaded when somebody first looks at one: a gateway that nobody looks at stays small. */
export function pageHandler(source: PageSource): HttpPorts['page'] {
  const { measurements } = source;
  let made: { readonly roads: Roads; readonly data: PageData } | undefined;
  const load = (): PageData => {
    const { roads } = source;
    if (made?.roads === roads) return made.data;
    const data: PageData = {
      snapshot: roads.snapshot,
      facts: made?.data.facts ?? catalogueFacts(),
      service: (provider, endpoint) =>
        roads.unroutable(provider, endpoint) === undefined ? reached(provider) : 'none',
      reached,
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
    function reached({ id }: Provider): 'real' | 'sandbox' | 'none' {
      const route = roads.routes.get(id);
      if (!route) return 'none';
      return route.sandbox ? 'sandbox' : 'real';
    }
    made = { roads, data };
    return data;
  };
  return async (request) => {
    const url = new URL(request.url);
    if (/^\/(?:api|v1)(?:\/|$)/.test(url.pathname)) return undefined;
    const { pageAt } = await import('../web/pages.tsx');
    return pageAt(load(), { origin: url.origin, path: url.pathname, query: url.searchParams }, FIRST_MODEL);
  };
}
