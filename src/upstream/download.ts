import type { LookupAddress } from 'node:dns';
import type { IncomingMessage } from 'node:http';
import type { RequestOptions } from 'node:https';
import { isIP } from 'node:net';
import type { ErrorFacts } from '../canon/error-facts.ts';
import { type GatewayError, gatewayError } from '../canon/errors.ts';
import { fail, ok, type Result } from '../canon/result.ts';
import { bareHost, isPublicIp, leadsInside } from './addresses.ts';
import { mediaType } from './media-type.ts';

/** What is to be fetched for a host that does not fetch itself. */
export interface Wanted {
  readonly url: string;
  readonly kind: 'image' | 'file';
  readonly filename?: string | undefined;
}

export interface Downloaded {
  /** By its bytes, whatever its server called it. */
  readonly mediaType: string;
  readonly bytes: Buffer;
}

export interface DownloadRules {
  readonly bytesMax: number;
  /** From the first look-up to the last byte, redirects included. */
  readonly msMax: number;
  /** Origins of the operator's own, fetched whatever their scheme and wherever they are. */
  readonly origins: ReadonlySet<string>;
  /** All addresses of a name; the system's own resolver where nothing is given. */
  readonly resolve?: (host: string) => Promise<readonly LookupAddress[]>;
  /** Which IP addresses may be connected to; those of the public internet where nothing is given. */
  readonly permits?: (ip: string) => boolean;
  /** A certificate authority that is trusted beside the system's. */
  readonly ca?: string;
}

const REDIRECTS_MAX = 3;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

const refused = (why: string): GatewayError => gatewayError('media_refused', why);
const unavailable = (why: string, facts: ErrorFacts = {}): GatewayError =>
  gatewayError('media_unavailable', why, facts);

/** Why a fetch came to nothing, on its way through callbacks. */
class Undone extends Error {
  readonly told: GatewayError;

  constructor(told: GatewayError) {
    super(told.message);
    this.told = told;
  }
}

async function systemResolve(host: string): Promise<readonly LookupAddress[]> {
  const { lookup } = await import('node:dns/promises');
  return lookup(host, { all: true });
}

/**
 * Fetches what callers name by address, and cannot be sent anywhere but to the public internet: each address is checked after the name
 * was resolved and is the very one that is connected to, again after each redirect. What an inside host would answer is never seen by
 * anybody.
 */
export class Downloader {
  readonly #rules: DownloadRules;

  constructor(rules: DownloadRules) {
    this.#rules = rules;
  }

  /** Why an address may not even be looked up, where that can be told from its text; callers' media is held to it whoever fetches it. */
  forbids(address: string): string | undefined {
    if (!URL.canParse(address)) return 'is no address';
    const url = new URL(address);
    if (this.#rules.origins.has(url.origin)) return undefined;
    if (url.username !== '' || url.password !== '') return 'may not hold credentials';
    return leadsInside(url) ? 'does not lead to the public internet' : undefined;
  }

  /** @returns `media_refused` for what is not allowed, `media_unavailable` for what could not be had */
  async fetch(wanted: Wanted, signal: AbortSignal): Promise<Result<Downloaded, GatewayError>> {
    const timeout = AbortSignal.timeout(this.#rules.msMax);
    const both = AbortSignal.any([signal, timeout]);
    try {
      const { bytes, declared } = await this.#follow(wanted.url, both);
      const type = await mediaType(bytes, { ...wanted, address: wanted.url, declared });
      return type.ok ? ok({ mediaType: type.value, bytes }) : fail(refused(type.error));
    } catch (error) {
      if (error instanceof Undone) return fail(error.told);
      if (timeout.aborted)
        return fail(
          unavailable(`did not come within ${this.#rules.msMax} ms`, {
            rule: 'media_ms_max',
            limit: this.#rules.msMax,
          }),
        );
      return fail(unavailable('could not be fetched'));
    }
  }

  async #follow(address: string, signal: AbortSignal): Promise<{ bytes: Buffer; declared: string }> {
    let at = address;
    for (let hops = 0; hops <= REDIRECTS_MAX; hops++) {
      const url = this.#permitted(at);
      const response = await this.#get(url, signal);
      const status = response.statusCode ?? 0;
      const { location, 'content-type': declared = '' } = response.headers;
      if (status === 200) return { bytes: await this.#read(response, signal), declared };
      response.destroy();
      if (!REDIRECTS.has(status) || location === undefined)
        throw new Undone(unavailable(`was answered with status ${status}`));
      if (!URL.canParse(location, url.href)) throw new Undone(refused('redirects to no address'));
      at = new URL(location, url).href;
    }
    throw new Undone(unavailable(`redirects more than ${REDIRECTS_MAX} times`));
  }

  #permitted(address: string): URL {
    const why = this.forbids(address);
    if (why !== undefined) throw new Undone(refused(why));
    const url = new URL(address);
    if (url.protocol !== 'https:' && !this.#rules.origins.has(url.origin)) throw new Undone(refused('must be https'));
    return url;
  }

  async #get(url: URL, signal: AbortSignal): Promise<IncomingMessage> {
    const { request } = url.protocol === 'https:' ? await import('node:https') : await import('node:http');
    const options: RequestOptions = {
      // A kept connection would lead where an earlier look-up led.
      agent: false,
      headers: { accept: '*/*', 'accept-encoding': 'identity', 'user-agent': 'turnpike' },
      signal,
      // An address of numbers has no name to show.
      servername: isIP(bareHost(url)) === 0 ? bareHost(url) : '',
      lookup: (host, wish, callback) => {
        this.#addresses(host, url).then(
          (found) => {
            const [first] = found;
            if (wish.all) callback(null, [...found]);
            else callback(null, first?.address ?? '', first?.family);
          },
          (error: Error) => callback(error, ''),
        );
      },
      ...(this.#rules.ca !== undefined && { ca: this.#rules.ca }),
    };
    return new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => reject(new Error('aborted')), { once: true });
      request(url, options, resolve).on('error', reject).end();
    });
  }

  /** All of them must be allowed: of a mixed answer nobody knows which will be connected to. */
  async #addresses(host: string, { origin }: URL): Promise<readonly LookupAddress[]> {
    const { resolve = systemResolve, permits = isPublicIp, origins } = this.#rules;
    const found = await resolve(host);
    if (found.length === 0) throw new Undone(unavailable('has a name that is not known'));
    if (!origins.has(origin) && !found.every(({ address }) => permits(address)))
      throw new Undone(refused('does not lead to the public internet'));
    return found;
  }

  #read(response: IncomingMessage, signal: AbortSignal): Promise<Buffer> {
    const { bytesMax } = this.#rules;
    const tooLarge = new Undone(
      unavailable(`has more than ${bytesMax} bytes`, { rule: 'media_bytes_max', limit: bytesMax }),
    );
    return new Promise((resolve, reject) => {
      const stop = (error: Error): void => {
        reject(error);
        response.destroy();
      };
      signal.addEventListener('abort', () => stop(new Error('aborted')), { once: true });
      if (Number(response.headers['content-length']) > bytesMax) return stop(tooLarge);
      const encoding = response.headers['content-encoding'] ?? 'identity';
      if (encoding !== 'identity') return stop(new Undone(unavailable(`came in the encoding ${encoding}`)));
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.byteLength;
        if (size > bytesMax) stop(tooLarge);
        else chunks.push(chunk);
      });
      response.on('error', reject);
      response.on('aborted', () => reject(new Error('cut')));
      response.on('end', () => (response.complete ? resolve(Buffer.concat(chunks)) : reject(new Error('cut'))));
    });
  }
}
