import { seededRandom } from '../../src/canon/clock.ts';
import type { ErrorCode } from '../../src/canon/errors.ts';
import { NO_POLICY } from '../../src/canon/policy.ts';
import type { Counts } from '../../src/canon/units.ts';
import { Snapshot } from '../../src/catalogue/snapshot.ts';
import type { Endpoint } from '../../src/catalogue/types.ts';
import { gatewayLimits, healthLimits } from '../../src/cli/compose.ts';
import { LIMITS, type LimitId, type Limits } from '../../src/config/limits.ts';
import { openaiChat } from '../../src/dialects/openai-chat/dialect.ts';
import { Brakes } from '../../src/gateway/brakes.ts';
import { Calibration } from '../../src/gateway/calibration.ts';
import { Conversations } from '../../src/gateway/conversations.ts';
import { handle } from '../../src/gateway/handle.ts';
import { Hedges } from '../../src/gateway/hedge.ts';
import { Measurements } from '../../src/gateway/measurements.ts';
import { type GatewayPorts, Running } from '../../src/gateway/ports.ts';
import type { GenerationRecord } from '../../src/gateway/record.ts';
import { ResponseCache } from '../../src/gateway/response-cache.ts';
import { Retries } from '../../src/gateway/retries.ts';
import { nanodollars, usdNumber } from '../../src/money/money.ts';
import type { Standing } from '../../src/router/standing.ts';
import { Deadlines } from '../../src/upstream/deadlines.ts';
import { Downloader } from '../../src/upstream/download.ts';
import type { ProviderRoute } from '../../src/upstream/route.ts';
import type { AttemptRequest, Try } from '../../src/upstream/try.ts';
import { endpoint, model, provider } from '../support/world.ts';
import { Caller, type Got, readAnswer } from './caller.ts';
import { type HostSpec, type Order, SimulatedHost } from './host.ts';
import { books, WatchedLedger } from './ledger.ts';
import { SimulatedTry } from './simulated-try.ts';
import { VirtualClock } from './virtual-clock.ts';

/** What a workload may do: send requests and wait. All of it happens in simulated time. */
export interface Callers {
  readonly seed: number;
  /** Milliseconds from the start. */
  now(): number;
  after(ms: number, action: () => void): void;
  /** Sends a request of the chat dialect. @returns when its answer is over, whatever came of it */
  send(ask: Ask): Promise<Ended>;
}

export interface Ask extends Omit<Order, 'number'> {
  /** The body beside model, stream and messages. */
  readonly wire?: Readonly<Record<string, unknown>>;
  /** What was said before; the last message is always the simulation's own. */
  readonly messages?: readonly unknown[];
  readonly whole?: true;
  /** Milliseconds after which the caller leaves, where it does not wait for the end. */
  readonly leavesMs?: number;
}

export interface Scenario {
  readonly name: string;
  readonly says: string;
  readonly hosts: readonly HostSpec[];
  readonly dialect?: string;
  readonly limits?: Partial<Record<LimitId, number>>;
  /** Every stream may be asked of a second host. */
  readonly hedged?: boolean;
  /** Prices that change while requests are under way; milliseconds from the start. */
  readonly prices?: readonly { readonly at: number; readonly host: string; readonly usd: number }[];
  /** Starts what callers do; it goes on by itself. */
  readonly workload: (callers: Callers) => void;
}

export interface AttemptSeen {
  readonly request: number;
  readonly host: string;
  readonly at: number;
  endedAt?: number;
  code?: ErrorCode;
}

export interface Ended extends Got {
  readonly order: Order;
  /** Milliseconds from the start. */
  readonly at: number;
  readonly attempts: readonly AttemptSeen[];
  readonly usd: number;
  readonly counts: Counts;
  /** The provider that served. */
  readonly host: string | null;
}

/** Something that happened, milliseconds from the start. */
interface Noted {
  readonly at: number;
  readonly what: string;
}

export interface Outcome {
  readonly scenario: Scenario;
  readonly seed: number;
  readonly requests: readonly Ended[];
  readonly attempts: readonly AttemptSeen[];
  readonly hosts: readonly SimulatedHost[];
  /** How each host stands at the end. */
  readonly standings: ReadonlyMap<string, Standing>;
  /** What must not happen and did. */
  readonly breaches: readonly string[];
  readonly log: readonly Noted[];
  readonly simulatedMs: number;
  readonly cpuMs: number;
  readonly wallMs: number;
}

const MODEL = 'lab/one';
const ORIGIN = { baseUrl: 'http://sim', wantsMetadata: false };
/** Milliseconds of simulated time after which whatever still runs is taken for hung. */
const PATIENCE_MS = 48 * 3_600_000;
const BREACHES_MAX = 10;

const limitsOf = (overrides: Scenario['limits'] = {}): Limits => {
  const defaults = Object.fromEntries(Object.entries(LIMITS).map(([id, row]) => [id, row.default])) as Limits;
  return { ...defaults, ...overrides };
};

/** Runs a scenario to its end: the gateway is the real one from the body to the bill, time and providers are not. */
export function simulate(scenario: Scenario, seed: number): Outcome {
  return new Simulation(scenario, seed).run();
}

class Simulation implements Callers {
  readonly seed: number;
  readonly #health: Measurements;
  readonly #scenario: Scenario;
  readonly #clock = new VirtualClock();
  readonly #deadlines = new Deadlines(this.#clock);
  readonly #breaches: string[] = [];
  readonly #log: Noted[] = [];
  readonly #ledger = new WatchedLedger((what) => this.#breach(what));
  readonly #books = books(this.#ledger, 1_000_000n);
  readonly #hosts: readonly SimulatedHost[];
  readonly #byProvider: ReadonlyMap<string, SimulatedHost>;
  readonly #orders: Order[] = [];
  readonly #generations: string[] = [];
  readonly #tries: AttemptSeen[][] = [];
  readonly #attempts: AttemptSeen[] = [];
  readonly #requests: Ended[] = [];
  #ports: GatewayPorts;

  constructor(scenario: Scenario, seed: number) {
    this.#scenario = scenario;
    this.seed = seed;
    this.#hosts = scenario.hosts.map((spec, index) => new SimulatedHost(spec, index, seed));
    this.#byProvider = new Map(this.#hosts.map((host) => [host.spec.id, host]));
    const draw = seededRandom(seed);
    const limits = limitsOf(scenario.limits);
    this.#health = new Measurements({
      clock: this.#clock,
      random: seededRandom(seed + 1),
      limits: healthLimits({ limits }),
      roads: () => this.#ports.roads,
    });
    this.#ports = {
      clock: this.#clock,
      deadlines: this.#deadlines,
      begin: (request) => this.#begin(request),
      downloader: new Downloader({ bytesMax: 1, msMax: 1, origins: new Set() }),
      limits: gatewayLimits({ limits }),
      roads: this.#roads(new Map()),
      books: this.#books,
      health: this.#health,
      calibration: new Calibration(),
      conversations: new Conversations(this.#clock),
      retries: new Retries(this.#clock, seededRandom(seed + 2), {
        percent: limits.retries_percent,
        least: limits.retries_min,
      }),
      responseCache: new ResponseCache(this.#clock, { bytesMax: 0, entriesMax: 0 }),
      extras: { resume: false },
      brakes: new Brakes({}),
      hedges: new Hedges({
        on: scenario.hedged === true,
        afterMs: undefined,
        share: 0.05,
        addedMax: nanodollars(10_000_000n),
      }),
      presets: {
        serving: () => {
          throw new Error('nobody names a preset');
        },
      },
      log: {
        info: () => {},
        warn: () => {},
        error: (facts, message) => this.#error(facts, message),
      },
      charged: () => {},
      allowance: () => undefined,
      newGenerationId: () => this.#generations[this.#orders.length - 1] ?? '',
      nextSeed: () => Math.floor(draw() * 4_294_967_296),
      running: new Running(),
    };
  }

  run(): Outcome {
    const began = process.cpuUsage();
    const beganAt = performance.now();
    for (const { at, host, usd } of this.#scenario.prices ?? []) {
      this.after(at, () => {
        this.#ports = { ...this.#ports, roads: this.#roads(new Map([[host, usd]])) };
      });
    }
    this.#clock.run(0);
    this.#scenario.workload(this);
    if (!this.#clock.run(PATIENCE_MS)) this.#breach('something still waits after two days');
    const open = this.#orders.length - this.#requests.length;
    if (open > 0) this.#breach(`${open} requests never ended`);
    if (this.#ports.running.size > 0) this.#breach(`${this.#ports.running.size} answers are still running`);
    for (const { spec, inFlight } of this.#hosts)
      if (inFlight !== 0) this.#breach(`${inFlight} calls to ${spec.id} were left open`);
    this.#ledger.audit(this.#books);
    const { user, system } = process.cpuUsage(began);
    return {
      scenario: this.#scenario,
      seed: this.seed,
      requests: this.#requests,
      attempts: this.#attempts,
      hosts: this.#hosts,
      standings: new Map(this.#hosts.map(({ spec }) => [spec.id, this.#health.standing(`${spec.id}/${MODEL}`)])),
      breaches: this.#breaches,
      log: this.#log,
      simulatedMs: this.#requests.reduce((last, { at, totalMs }) => Math.max(last, at + totalMs), 0),
      cpuMs: (user + system) / 1000,
      wallMs: performance.now() - beganAt,
    };
  }

  now(): number {
    return this.#clock.monotonic();
  }

  after(ms: number, action: () => void): void {
    this.#clock.after(ms, action);
  }

  send(ask: Ask): Promise<Ended> {
    return this.#send(ask).catch((error: unknown) => {
      this.#breach(`the simulation broke: ${String((error as Error | undefined)?.stack)}`);
      return new Promise<never>(() => {});
    });
  }

  async #send(ask: Ask): Promise<Ended> {
    const { promptTokens, outputTokens, conversation, messages, wire, whole, leavesMs } = ask;
    const number = this.#orders.length;
    const order: Order = {
      number,
      promptTokens,
      outputTokens,
      ...(conversation !== undefined && { conversation }),
    };
    const id = `gen-sim-${number}`;
    this.#orders.push(order);
    this.#generations.push(id);
    this.#tries.push([]);
    const at = this.now();
    const since = (): number => this.now() - at;
    const caller = new Caller();
    if (leavesMs !== undefined) this.after(leavesMs, () => caller.leave());
    this.#note(`#${number} asks`);
    const answer = await handle(
      {
        dialect: openaiChat,
        wire: {
          model: MODEL,
          stream: !whole,
          max_tokens: outputTokens,
          messages: [...(messages ?? []), { role: 'user', content: saying(number, conversation !== undefined) }],
          ...wire,
        },
        original: undefined,
        caller: { keyHash: 'key' },
        origin: ORIGIN,
        client: caller,
      },
      this.#ports,
    );
    const got = await readAnswer(answer, caller, since, (what) => this.#breach(`#${number}: ${what}`));
    return this.#ended(order, at, id, got);
  }

  #ended(order: Order, at: number, id: string, got: Got): Ended {
    const { number } = order;
    const attempts = this.#tries[number] ?? [];
    this.#checkText(number, got);
    const outcome = this.#ledger.outcomes.get(id);
    const record = outcome?.document as Partial<GenerationRecord> | undefined;
    // An answer that nobody reads any more is still settled, later; every other one is, before its end is told.
    if (!outcome && got.outcome !== 'left' && attempts.length > 0)
      this.#breach(`#${number} was told its end before it was booked`);
    const ended: Ended = {
      ...got,
      order,
      at,
      attempts,
      usd: outcome ? usdNumber(outcome.charge) : 0,
      counts: record?.counts ?? {},
      host: record?.endpoint?.split('/')[0] ?? null,
    };
    this.#requests.push(ended);
    this.#note(
      `#${number} ${got.outcome} ${got.error ?? got.status} from ${ended.host ?? 'nobody'} after ${attempts.length} for $${ended.usd}`,
    );
    return ended;
  }

  /** Begins a call to a host: everything that must hold at that moment is looked at. */
  #begin(request: AttemptRequest): Try {
    const host = this.#byProvider.get(request.route.providerId);
    const number = numberIn(request.encoded.body);
    const order = this.#orders[number];
    const tries = this.#tries[number];
    if (!host || !order || !tries) throw new Error(`nobody sent #${number} to ${request.route.providerId}`);
    if (!this.#ledger.isOpen(this.#generations[number] ?? ''))
      this.#breach(`#${number} calls ${host.spec.id} without a hold`);
    if (tries.length >= this.#ports.limits.attemptsMax) this.#breach(`#${number} has more attempts than are allowed`);
    const again = tries.filter((one) => one.host === host.spec.id).length;
    const seen: AttemptSeen = { request: number, host: host.spec.id, at: this.now() };
    tries.push(seen);
    this.#attempts.push(seen);
    this.#note(`#${number} calls ${host.spec.id}`);
    const words = wordsOf(number, tries.length - 1);
    const steps = host.take(order, again, this.now(), request, words);
    return new SimulatedTry(request, { clock: this.#clock, deadlines: this.#deadlines }, host, steps, (code) => {
      seen.endedAt = this.now();
      if (code === undefined) return;
      seen.code = code;
      this.#note(`#${number} has ${code} from ${host.spec.id}`);
    });
  }

  /** What a caller reads is what one of its attempts said, from its first word on; all of it where it was served. */
  #checkText(number: number, { text, outcome }: Got): void {
    if (text === '' && outcome !== 'served') return;
    const said = (this.#tries[number] ?? []).map((_, attempt) => wordsOf(number, attempt).join(''));
    const from = said.filter((one) => one.startsWith(text));
    if (from.length !== 1) this.#breach(`#${number} reads what none of its attempts said: ${text}`);
    if (outcome === 'served' && from[0] !== text) this.#breach(`#${number} is served a piece for the whole: ${text}`);
  }

  #roads(usd: ReadonlyMap<string, number>): GatewayPorts['roads'] {
    const { hosts, dialect = 'openai-chat' } = this.#scenario;
    const ids = hosts.map(({ id }) => id);
    const routes = new Map<string, ProviderRoute>(
      ids.map((id) => [
        id,
        { providerId: id, base: `http://${id}`, auth: { kind: 'none' }, headers: {}, sandbox: false },
      ]),
    );
    const snapshot = new Snapshot({
      id: 'simulated',
      asOf: '2026-01-01',
      labs: [],
      sandbox: [],
      models: [model(MODEL)],
      providers: ids.map((id) => provider(id, { dialect })),
      endpoints: hosts.map((host) => rated(host, usd.get(host.id) ?? host.usd)),
    });
    return { snapshot, routes, defaultModel: undefined, policy: NO_POLICY, unroutable: () => undefined };
  }

  #note(what: string): void {
    this.#log.push({ at: this.now(), what });
  }

  #breach(what: string): void {
    this.#note(`BREACH ${what}`);
    if (this.#breaches.length < BREACHES_MAX) this.#breaches.push(`${(this.now() / 1000).toFixed(3)} s: ${what}`);
  }

  #error(facts: object, message: string): void {
    this.#breach(`the gateway logs an error: ${message} ${JSON.stringify(facts).slice(0, 400)}`);
  }
}

/** Hosts with a cache ask twice the price for writing to it and a tenth for reading from it. */
function rated({ id, cacheMs }: HostSpec, usd: number): Endpoint {
  const plain = endpoint(id, MODEL, usd);
  if (cacheMs === undefined) return plain;
  return { ...plain, rates: { ...plain.rates, 'cache-read': String(usd * 1e5), 'cache-write-1h': String(usd * 2e6) } };
}

/** The last message of a request. In a conversation it is put into a cache for an hour, and all that came before it. */
export function saying(number: number, cached: boolean): unknown {
  const text = `say #${number}`;
  return cached ? [{ type: 'text', text, cache_control: { type: 'ephemeral', ttl: '1h' } }] : text;
}

/** Which request a body belongs to: its last message says so. */
function numberIn(body: string): number {
  const at = body.lastIndexOf('#');
  return Number.parseInt(body.slice(at + 1), 10);
}

/** What an attempt answers, unlike every other attempt of every other request. */
const wordsOf = (number: number, attempt: number): readonly string[] =>
  ['first', 'second', 'third'].map((word) => `${number}.${attempt}-${word} `);
