import { randomUUID } from 'node:crypto';
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { FreeModels } from '../accounts/free-models.ts';
import { hashKey, Keyring } from '../accounts/keyring.ts';
import { Presets } from '../accounts/presets.ts';
import { seededRandom } from '../canon/clock.ts';
import type { Snapshot } from '../catalogue/snapshot.ts';
import { type Config, ConfigError } from '../config/load.ts';
import { Counter } from '../counting/counter.ts';
import { Brakes } from '../gateway/brakes.ts';
import { Calibration } from '../gateway/calibration.ts';
import { Conversations } from '../gateway/conversations.ts';
import { GenerationIds } from '../gateway/generation-id.ts';
import { Hedges } from '../gateway/hedge.ts';
import { Measurements } from '../gateway/measurements.ts';
import {
  type GatewayLimits,
  type GatewayPorts,
  type HealthLimits,
  type Log,
  type Roads,
  Running,
} from '../gateway/ports.ts';
import type { GenerationRecord } from '../gateway/record.ts';
import { ResponseCache } from '../gateway/response-cache.ts';
import { Retries } from '../gateway/retries.ts';
import { why } from '../gateway/why.ts';
import { openapi } from '../http/openapi.ts';
import type { HttpPorts } from '../http/ports.ts';
import { routes } from '../http/routes.ts';
import { type Listening, listen } from '../http/server.ts';
import { Books } from '../ledger/books.ts';
import { INITIAL_GRANT } from '../ledger/ports.ts';
import { SqliteStore, StoreUnusable } from '../store/sqlite/store.ts';
import { Attempt } from '../upstream/attempt.ts';
import { Continued } from '../upstream/continued.ts';
import { Deadlines } from '../upstream/deadlines.ts';
import { Departures } from '../upstream/departures.ts';
import { Downloader } from '../upstream/download.ts';
import type { Effects } from './effects.ts';
import { pastOf, plays } from './installation.ts';
import { LocalServers, placesOf } from './local-servers.ts';
import { needsRestart } from './reload.ts';
import { type Configured, configure, realRoads, sandboxRoads, withLocal } from './roads.ts';
import { type RunningSandbox, startSandbox } from './sandbox-hosts.ts';

/** The process that serves: every room wired to every other, and the order in which they stop. */
export interface Gateway {
  readonly url: string;
  readonly port: number;
  /** As they are now. */
  readonly roads: Roads;
  /** Resolves when model servers of this machine were looked for once. */
  readonly looked: Promise<void>;
  /** The providers that were found running. */
  readonly found: ReadonlySet<string>;
  readonly keyring: Keyring;
  readonly books: Books;
  readonly sandbox: RunningSandbox | undefined;
  readonly measurements: Measurements;
  /** The plain text of a key that was made because there was none. */
  readonly createdKey: string | undefined;
  /** Holds that a crash had left open. */
  readonly recovered: number;
  audit(): Promise<readonly string[]>;
  /** Why a request went where it went; null where nothing is known of it, or not yet. */
  why(id: string): Promise<object | null>;
  /**
   * Puts another configuration into force for the requests that come from now on.
   * @returns settings that have changed and need a restart
   * @throws ConfigError, and everything stays as it was
   */
  readonly reload: (config: Config) => readonly string[];
  /** No new requests; open answers go on until the limit or `cut`; then the books are closed. */
  stop(): Promise<void>;
  /** Ends open answers in-band, now. */
  cut(): void;
}

export interface ComposeInput {
  readonly config: Config;
  readonly catalogue: Snapshot;
  readonly effects: Effects;
  readonly log: Log;
  readonly page: (gateway: PageSource) => HttpPorts['page'];
}

/** What pages may ask the running gateway. */
export interface PageSource {
  /** As they are now. */
  readonly roads: Roads;
  readonly measurements: Measurements;
}

export const DATABASE = 'turnpike.db';

/** How many earlier states of catalogue and configuration are kept to explain past requests by. */
const ROADS_KEPT = 8;

/** @throws ConfigError, StoreUnusable, AddressUnusable: the operator's to mend, each in one sentence */
export async function compose({ config, catalogue, effects, log, page }: ComposeInput): Promise<Gateway> {
  const { clock } = effects;
  prepareHome(config.home);
  const configured = configure(config, catalogue, effects.clock.now);
  let current = { config, configured };
  const playing = plays(config, configured);
  const opened = await SqliteStore.open(join(config.home, DATABASE));
  const { store, state } = opened;
  try {
    const sandbox = playing
      ? await startSandbox(configured.snapshot, { ports: config.sandboxPorts, faults: config.sandboxFaults }, effects)
      : undefined;
    const bases = sandbox && new Map(sandbox.hosts.map(({ host, base }) => [host.spec.id, base]));
    const roadsTo = (now: Configured): Roads =>
      bases ? sandboxRoads(now, bases, current.config) : realRoads(now, current.config);
    const mode = config.creditsMode ?? (sandbox ? 'prepaid' : 'unlimited');
    const books = new Books(store, state.ledger, mode, config.inFlightMax);
    if (mode === 'prepaid' && config.initialCredit > 0n)
      await books.grant(config.initialCredit, INITIAL_GRANT, clock.now());
    const keyring = new Keyring(store, state.keys, state.keyDays);
    const createdKey = await firstKeys(keyring, config, clock.now());
    const measurements = new Measurements({
      clock,
      random: effects.random,
      limits: healthLimits(config),
      roads: () => gateway.roads,
    });
    const presets = new Presets(store, state.presets, randomUUID);
    const deadlines = new Deadlines(clock);
    const attemptPorts = { clock, deadlines, departures: new Departures() };
    const running = new Running();
    const ids = new GenerationIds();
    const counter = config.exactTokens ? new Counter() : undefined;
    let draining: string | undefined;
    let gateway: GatewayPorts = {
      clock,
      deadlines,
      begin: (request) =>
        request.dialect.continued
          ? new Continued(request, (one) => new Attempt(one, attemptPorts))
          : new Attempt(request, attemptPorts),
      ...reloadable(config),
      roads: roadsTo(configured),
      books,
      health: measurements,
      presets,
      retries: new Retries(clock, effects.random, {
        percent: config.limits.retries_percent,
        least: config.limits.retries_min,
      }),
      responseCache: new ResponseCache(clock, {
        bytesMax: config.limits.response_cache_bytes_max,
        entriesMax: config.limits.response_cache_entries_max,
      }),
      calibration: new Calibration(),
      conversations: new Conversations(clock),
      brakes: new Brakes(config.brakes),
      ...(counter && { counter }),
      log,
      running,
      newGenerationId: () => ids.next(clock.now()),
      nextSeed: seeds(config.seed, effects.random),
      allowance: (keyHash, now) => keyring.allowance(keyHash, now),
      ...(config.freeModels && { freeModels: new FreeModels(config.freeModels, () => books.purchased) }),
      refused: (refusal) => store.journalRefusal(refusal),
      charged: (keyHash, charge, at) => keyring.charged(keyHash, charge, at),
    };
    const past: Roads[] = [];
    const explained = async (id: string, keyHash?: string): Promise<object | null> => {
      const found = await store.generation(id);
      if (found === null || (keyHash !== undefined && found.keyHash !== keyHash)) return null;
      const ended = pastOf(found);
      return ended ? why(ended, [gateway.roads, ...past]) : null;
    };
    /** Requests under way keep the roads they were planned with, and those that are over are explained by them. */
    const turn = (roads: Roads, more: Partial<GatewayPorts> = {}): void => {
      past.unshift(gateway.roads);
      past.length = Math.min(past.length, ROADS_KEPT);
      gateway = { ...gateway, ...more, roads };
      // Whoever wants nothing kept from now on does not want what was kept before.
      if (roads.policy.zdr) gateway.responseCache.clear();
    };
    const source: PageSource = {
      get roads() {
        return gateway.roads;
      },
      measurements,
    };
    const app = routes({
      get gateway() {
        return gateway;
      },
      keyring,
      presets,
      measurements,
      bodyBytesMax: config.bodyBytesMax,
      findGeneration: async (id) => {
        const found = await store.generation(id);
        if (!found || found.state === 'open' || found.state === 'refused' || found.document === null) return null;
        return {
          id: found.id,
          createdAt: found.createdAt,
          charge: found.charge,
          state: found.state,
          record: JSON.parse(found.document) as GenerationRecord,
        };
      },
      why: explained,
      notReady: () => draining ?? store.failure?.message,
      page: page(source),
      openapi,
    });
    const listening: Listening = listen(app, config);
    const ownPorts = [listening.port, ...(sandbox?.hosts.map(({ port }) => port) ?? [])];
    const local = new LocalServers({
      places: placesOf(config, configured.snapshot, clock.now, ownPorts),
      everyMs: config.discoverEveryMs,
      log,
      changed: (found) => turn(roadsTo(withLocal(current.configured, found))),
    });
    const looked = local.start();
    return {
      url: listening.url,
      port: listening.port,
      get roads() {
        return gateway.roads;
      },
      looked,
      get found() {
        return new Set(local.found.map(({ provider }) => provider.id));
      },
      keyring,
      books,
      sandbox,
      measurements,
      createdKey,
      recovered: state.recovered,
      audit: () => store.audit(),
      why: explained,
      reload: (next) => {
        // What is wrong with it is found before anything is touched.
        current = { config: next, configured: configure(next, catalogue, clock.now) };
        turn(roadsTo(withLocal(current.configured, local.found)), reloadable(next));
        const sandboxed =
          plays(next, current.configured) === playing ? [] : ['providers (the sandbox is in use or not)'];
        return [...needsRestart(config, next), ...sandboxed];
      },
      cut: () => running.cutAll(),
      stop: async () => {
        draining = 'shutting down';
        local.stop();
        listening.stop();
        const limit = setTimeout(() => running.cutAll(), current.config.limits.drain_ms_max);
        await running.idle();
        clearTimeout(limit);
        sandbox?.close();
        counter?.stop();
        await store.close();
      },
    };
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** Makes the data folder, readable by its owner only. */
export function prepareHome(home: string): void {
  try {
    mkdirSync(home, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new StoreUnusable(`the data folder ${home} cannot be made: ${String((error as Error).message)}`);
  }
  if (!statSync(home).isDirectory()) throw new StoreUnusable(`the data folder ${home} is not a folder`);
}

/** Keys of the environment, or a first key of our own where nobody could use the gateway otherwise. */
async function firstKeys(keyring: Keyring, config: Config, now: number): Promise<string | undefined> {
  const { bootstrapKey, bootstrapManagementKey } = config;
  if (
    bootstrapKey &&
    bootstrapManagementKey &&
    hashKey(bootstrapKey.reveal()) === hashKey(bootstrapManagementKey.reveal())
  ) {
    throw new ConfigError('TURNPIKE_API_KEY and TURNPIKE_MANAGEMENT_KEY must differ');
  }
  await keyring.adopt(
    [
      ...(bootstrapKey ? [{ text: bootstrapKey.reveal(), kind: 'inference' as const }] : []),
      ...(bootstrapManagementKey ? [{ text: bootstrapManagementKey.reveal(), kind: 'management' as const }] : []),
    ],
    now,
  );
  if (keyring.has('inference')) return undefined;
  return (await keyring.create('first key', 'inference', now)).text;
}

/** What of a configuration is looked at by each request anew, beside its roads. */
const reloadable = (config: Config): Pick<GatewayPorts, 'downloader' | 'limits' | 'extras' | 'hedges'> => ({
  downloader: new Downloader({
    bytesMax: config.limits.media_bytes_max,
    msMax: config.limits.media_ms_max,
    origins: config.mediaOrigins,
  }),
  limits: gatewayLimits(config),
  extras: { resume: config.resume },
  hedges: new Hedges(config.hedging),
});

export function gatewayLimits({ limits }: Pick<Config, 'limits'>): GatewayLimits {
  return {
    headersMsMax: limits.headers_ms_max,
    firstContentMsMax: limits.attempt_first_content_ms_max,
    streamIdleMsMax: limits.stream_idle_ms_max,
    wholeMsMax: limits.attempt_whole_ms_max,
    requestTotalMsMax: limits.request_total_ms_max,
    streamCommitMs: limits.stream_commit_ms,
    attemptsMax: limits.attempts_max,
    requestsMax: limits.requests_max,
    detachedDrainMsMax: limits.detached_drain_ms_max,
    mediaTotalBytesMax: limits.media_total_bytes_max,
  };
}

export function healthLimits({ limits }: Pick<Config, 'limits'>): HealthLimits {
  return {
    breaker: {
      failuresMax: limits.breaker_failures,
      attemptsMin: limits.breaker_attempts,
      openMs: limits.breaker_open_ms,
      openMsMax: limits.breaker_open_ms_max,
    },
    cooldownMs: limits.cooldown_ms,
    cooldownMsMax: limits.cooldown_ms_max,
    slots: { start: limits.concurrency_start, max: limits.concurrency_max, queueMsMax: limits.queue_ms_max },
  };
}

/** One number a plan: a sequence that repeats where the operator wants it to. */
function seeds(seed: number | undefined, random: () => number): () => number {
  const next = seed === undefined ? random : seededRandom(seed);
  return () => Math.floor(next() * 4_294_967_296);
}
