import type { Snapshot } from '../catalogue/snapshot.ts';
import { type FoundServer, type Look, lookAt, type Place } from '../catalogue/sources/local-servers.ts';
import type { Provider } from '../catalogue/types.ts';
import { type Config, ConfigError } from '../config/load.ts';
import type { Log } from '../gateway/ports.ts';
import { plainHeaders } from '../upstream/route.ts';
import type { Effects } from './effects.ts';
import { routeOf } from './provider-route.ts';

/** Model servers of this machine and of the operator's: which there are, and what they have (docs/decisions/0013). */

const LOOPBACK = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/;

const onLoopback = (base: string): boolean => LOOPBACK.test(new URL(base).hostname);

/** One name for one address, so that servers which share a port are asked once. */
const sameMachine = (base: string): string =>
  base.replace('//localhost', '//127.0.0.1').replace('//[::1]', '//127.0.0.1');

/** Whether others than this machine's own users can reach the gateway: they were never promised what runs beside it. */
const reachable = (host: string): boolean => !LOOPBACK.test(host === '::1' ? '[::1]' : host);

/** Which of the known servers are looked for. @throws ConfigError for one that is not known */
function wanted(config: Config, catalogue: Snapshot): readonly Provider[] {
  const known = catalogue.providers.filter(({ kind, listModels }) => kind === 'local' && listModels !== undefined);
  const named = [...Object.keys(config.localServers), ...(Array.isArray(config.discover) ? config.discover : [])];
  const unknown = named.find((id) => !known.some((provider) => provider.id === id));
  if (unknown !== undefined) {
    throw new ConfigError(
      `local: ${unknown} is no model server of the catalogue; known are ${known.map(({ id }) => id).join(', ')}`,
    );
  }
  const { discover = config.sandbox !== 'on' && !reachable(config.host) } = config;
  if (discover === false) return [];
  const chosen = discover === true ? known : known.filter(({ id }) => discover.includes(id));
  return chosen.filter(({ id }) => config.providers[id] === undefined);
}

/**
 * Where to look: at the usual addresses of this machine, and at servers that the configuration names without saying what they have.
 * @throws ConfigError
 */
export function placesOf(
  config: Config,
  catalogue: Snapshot,
  now: () => number,
  ownPorts: readonly number[] = [],
): readonly Place[] {
  const places = new Map<string, Place>();
  for (const provider of wanted(config, catalogue)) {
    const base = config.localServers[provider.id] ?? provider.base;
    if (base === undefined || !onLoopback(base) || ownPorts.includes(Number(new URL(base).port))) continue;
    const at = sameMachine(base);
    const shared = places.get(at)?.candidates ?? [];
    places.set(at, { base: at, headers: {}, candidates: [...shared, provider], named: false });
  }
  for (const [id, { endpoints }] of Object.entries(config.providers)) {
    const provider = catalogue.provider(id);
    const route = provider?.kind === 'local' && !endpoints ? routeOf(provider, config, now) : undefined;
    if (!provider?.listModels || !route) continue;
    const { 'content-type': _type, ...headers } = plainHeaders(route, {}, false);
    places.set(`${id} ${route.base}`, { base: route.base, headers, candidates: [provider], named: true });
  }
  return [...places.values()];
}

/** What runs at this moment. @throws ConfigError */
export async function lookOnce(
  config: Config,
  catalogue: Snapshot,
  { clock }: Effects,
): Promise<readonly FoundServer[]> {
  const limits = { signal: new AbortController().signal, msMax: ASK_MS_MAX };
  const looks = await Promise.all(placesOf(config, catalogue, clock.now).map((place) => lookAt(place, limits)));
  return looks.filter((look) => typeof look !== 'string');
}

/** A busy server answers late and is still there. */
const SILENCES_MAX = 3;
const ASK_MS_MAX = 2000;

export interface WatchInput {
  readonly places: readonly Place[];
  readonly everyMs: number;
  readonly log: Log;
  /** Called with everything that runs, whenever that is something else than before. */
  readonly changed: (found: readonly FoundServer[]) => void;
}

/** Looks again and again. Holds nothing alive, and says only what is new. */
export class LocalServers {
  readonly #input: WatchInput;
  readonly #stop = new AbortController();
  readonly #found = new Map<Place, { readonly server: FoundServer; readonly silences: number }>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #told = '[]';

  constructor(input: WatchInput) {
    this.#input = input;
  }

  get found(): readonly FoundServer[] {
    return [...this.#found.values()].map(({ server }) => server);
  }

  /** Resolves when everything was asked once. */
  async start(): Promise<void> {
    const { places, everyMs } = this.#input;
    if (places.length === 0) return;
    await this.#round();
    const next = (): void => {
      if (this.#stop.signal.aborted) return;
      this.#timer = setTimeout(() => void this.#round().then(next), everyMs);
      this.#timer.unref();
    };
    next();
  }

  stop(): void {
    this.#stop.abort();
    clearTimeout(this.#timer);
  }

  async #round(): Promise<void> {
    const { places, changed } = this.#input;
    const limits = { signal: this.#stop.signal, msMax: ASK_MS_MAX };
    const looks = await Promise.all(places.map(async (place) => ({ place, look: await lookAt(place, limits) })));
    if (this.#stop.signal.aborted) return;
    for (const { place, look } of looks) this.#note(place, look);
    const now = JSON.stringify(this.found.map(({ provider, base, models }) => [provider.id, base, models]));
    if (now === this.#told) return;
    this.#told = now;
    changed(this.found);
  }

  #note(place: Place, look: Look): void {
    const before = this.#found.get(place);
    if (look === 'silent' && before && before.silences + 1 < SILENCES_MAX) {
      this.#found.set(place, { ...before, silences: before.silences + 1 });
      return;
    }
    const { log } = this.#input;
    if (typeof look === 'string') {
      if (before && this.#found.delete(place)) log.info({ base: place.base }, `${before.server.provider.name} is gone`);
      return;
    }
    this.#found.set(place, { server: look, silences: 0 });
    if (before?.server.provider.id === look.provider.id) return;
    log.info({ base: look.base, models: look.models.length }, `${look.provider.name} runs here`);
  }
}
