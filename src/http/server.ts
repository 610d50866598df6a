import type { Surface } from './routes.ts';

/** Something about the address that the operator must mend; the message is one sentence. */
export class AddressUnusable extends Error {}

export interface Listening {
  readonly port: number;
  readonly url: string;
  /** Refuses new connections; what is open goes on. */
  stop(): void;
}

/** How long a connection may take over its headers and body, in seconds; lifted for an answer once the request was read. */
const IDLE_SECONDS = 30;

/** @throws AddressUnusable when the port is taken or the host is not ours */
export function listen(surface: Surface, address: { host: string; port: number; bodyBytesMax: number }): Listening {
  let server: Bun.Server<undefined>;
  try {
    server = Bun.serve({
      hostname: address.host,
      port: address.port,
      idleTimeout: IDLE_SECONDS,
      // Ours refuses earlier and in the client's dialect; this only bounds what is read of a body without a declared length.
      maxRequestBodySize: address.bodyBytesMax + 1024 * 1024,
      fetch: (request, self) => surface(request, self),
    });
  } catch (error) {
    throw new AddressUnusable(`cannot listen on ${address.host}:${address.port}: ${reason(error)}`);
  }
  const port = server.port ?? address.port;
  const host = address.host === '0.0.0.0' || address.host === '::' ? '127.0.0.1' : address.host;
  return {
    port,
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
    stop: () => void server.stop(false),
  };
}

function reason(error: unknown): string {
  const code = (error as { code?: unknown }).code;
  return code === 'EADDRINUSE' ? 'the port is in use' : String((error as Error).message ?? error);
}
