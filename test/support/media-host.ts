import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A host of pictures and documents over TLS, on loopback, that misbehaves on demand; its certificate signs itself. */

/** Serves no purpose but this host: nobody trusts it who is not told to. */
const KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgLosdmtNktArbPOR6
1+jk1MfJdfVIe31PPE7pOxGviT+hRANCAAQQmwBN01Gy6oFBlIY+No+j5Uvb9V5A
N9IajD1BBFYwMhpupnDvspLqBzTTxRbu1dw3CaFOMQzmqwm9QUfcDAIB
-----END PRIVATE KEY-----
`;
/** For `pictures.example`, `localhost` and 127.0.0.1. */
export const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBxjCCAWygAwIBAgIUEIz9JXxesxqN6jU/A0o93QEZtQ8wCgYIKoZIzj0EAwIw
IDEeMBwGA1UEAwwVcGljdHVyZXMgb2YgdGhlIHRlc3RzMCAXDTI2MTEyNTEwMjM1
M1oYDzIxMjYxMTAxMTAyMzUzWjAgMR4wHAYDVQQDDBVwaWN0dXJlcyBvZiB0aGUg
dGVzdHMwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQQmwBN01Gy6oFBlIY+No+j
5Uvb9V5AN9IajD1BBFYwMhpupnDvspLqBzTTxRbu1dw3CaFOMQzmqwm9QUfcDAIB
o4GBMH8wHQYDVR0OBBYEFE1nFxTyy+t4jHBjiUbyy7gLDbhnMB8GA1UdIwQYMBaA
FE1nFxTyy+t4jHBjiUbyy7gLDbhnMA8GA1UdEwEB/wQFMAMBAf8wLAYDVR0RBCUw
I4IQcGljdHVyZXMuZXhhbXBsZYIJbG9jYWxob3N0hwR/AAABMAoGCCqGSM49BAMC
A0gAMEUCIDrdCjEeQ5bUBsYDzQ+/cdx9SHOJfd6XYH3X/lDIScxlAiEA98W85CLF
fpdHZXbxUARZcssWOOn9BeOAPOsPT2OUeac=
-----END CERTIFICATE-----
`;

export const PNG = readFileSync(join(import.meta.dir, 'picture-7x3.png'));
export const PDF = Buffer.from('%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer\n<< /Root 1 0 R >>\n%%EOF\n');

export class MediaHost {
  /** Paths in the order in which they were asked for. */
  readonly asked: string[] = [];
  readonly #server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    tls: { key: KEY, cert: CERTIFICATE },
    fetch: (request) => {
      const url = new URL(request.url);
      this.asked.push(url.pathname);
      return this.#answer(url);
    },
  });

  get port(): number {
    return this.#server.port ?? 0;
  }

  get origin(): string {
    return `https://localhost:${this.port}`;
  }

  stop(): Promise<void> {
    return this.#server.stop(true);
  }

  #answer({ pathname, searchParams }: URL): Response | Promise<Response> {
    switch (pathname) {
      case '/picture.png':
      case '/lies.pdf':
      case '/picture':
        return new Response(PNG, { headers: { 'content-type': 'application/octet-stream' } });
      case '/paper.pdf':
        return new Response(PDF, { headers: { 'content-type': 'application/pdf' } });
      case '/notes.txt':
        return new Response('Grüße', { headers: { 'content-type': 'text/plain; charset=utf-8' } });
      case '/page.png':
        return new Response('<html>secret</html>', { headers: { 'content-type': 'image/png' } });
      case '/to':
        return new Response(null, { status: 302, headers: { location: searchParams.get('url') ?? '' } });
      case '/loop':
        return new Response(null, { status: 307, headers: { location: '/loop' } });
      case '/large.png':
        return new Response(Buffer.concat([PNG, Buffer.alloc(Number(searchParams.get('bytes')))]));
      case '/endless.png':
        return new Response(endless() as unknown as ReadableStream);
      case '/silent.png':
        return new Promise(() => {});
      case '/drip.png':
        return new Response(drip() as unknown as ReadableStream);
      default:
        return new Response('secret', { status: 404 });
    }
  }
}

async function* endless(): AsyncGenerator<Uint8Array> {
  yield PNG;
  for (;;) {
    yield new Uint8Array(64 * 1024);
    await Bun.sleep(0);
  }
}

async function* drip(): AsyncGenerator<Uint8Array> {
  for (;;) {
    yield new Uint8Array(1);
    await Bun.sleep(20);
  }
}
