import type { Clock, Random } from '../canon/clock.ts';
import { errorRow, type GatewayError } from '../canon/errors.ts';
import type { Endpoint } from '../catalogue/types.ts';
import { afterFailed, afterServed, BREAKER_SECONDS, CLOSED } from '../router/breaker.ts';
import { type Cooldown, cooled, rested, WARM, warmed } from '../router/cooldown.ts';
import {
  counted,
  foldAttempt,
  foldPace,
  type Health,
  type Kind,
  lately,
  merge,
  NO_HEALTH,
  type Pace,
  speed,
  uptimePercent,
} from '../router/health.ts';
import type { Percentiles } from '../router/histogram.ts';
import { ejected, type Peer, panics, standingOf } from '../router/peers.ts';
import { type Standing, UNTRIED } from '../router/standing.ts';
import type { RateReading } from '../upstream/rate-headers.ts';
import { credentialId } from '../upstream/route.ts';
import { Gate, type Keeper, Pass } from './gate.ts';
import type { HealthLimits, HealthPort, Permit, Roads } from './ports.ts';
import { ToolRecord } from './tool-calls.ts';

/** What this gateway saw of an endpoint itself, in the words of the endpoint listing (spec/platform 4.6). */
export interface Measured {
  /** Answers within the last 30 minutes. */
  readonly samples: number;
  /** Milliseconds to the first content; higher percentiles are slower. */
  readonly latency: Listed | null;
  /** Output tokens per second; higher percentiles are slower too: the share of answers at least this fast. */
  readonly throughput: Listed | null;
  /** Percent of countable attempts that were served; null without any. */
  readonly uptime5m: number | null;
  readonly uptime30m: number | null;
  readonly uptime1d: number | null;
  /** Control words of its model came as text within the last hour. */
  readonly misconfigured: boolean;
}

type Listed = Omit<Percentiles, 'p95'>;

interface Observed {
  readonly provider: string;
  /** One for each credential it was asked with. */
  readonly gates: Gate[];
  ejected: boolean;
  readmittedAt: number;
  /** When it was last said that control words came as text. */
  misconfiguredAt?: number;
  /** Absent where it has called no tool. */
  tools?: ToolRecord;
  /** How often it ended an answer with a word that nobody knows. */
  readonly unknownFinishes: Map<string, number>;
}

/** The endpoints of one model, whose standings hang together. */
interface Group {
  readonly members: readonly Member[];
  /** When they are worked out anew. */
  until: number;
}

interface Member {
  readonly endpointId: string;
  readonly group: Group;
  standing: Standing;
}

const MINUTE_MS = 60_000;
/** How long one warning stands for those that would follow. */
const FLAG_MS = 60 * MINUTE_MS;
const DAY_MINUTES = 1440;
/** Requests of this long say whether a host is known well enough to be judged by its calls of tools. */
const TOOLS_MINUTES = 30;
const UNKNOWN_WORDS_MAX = 20;
const STANDING_MS = 1000;
/** A refused key is tried again after this time, doubled each time; an account without money after the longest. */
const KEY_MS = MINUTE_MS;
const KEY_MS_MAX = 60 * MINUTE_MS;
const COOLDOWN_GROWS_TO_MS = MINUTE_MS;

export interface MeasurementPorts {
  readonly clock: Clock;
  /** Spreads what would otherwise happen to all at once. */
  readonly random: Random;
  readonly limits: HealthLimits;
  /** As they are now: who else has a model, and with which credential. */
  readonly roads: () => Roads;
}

/**
 * Attempts and answers by endpoint and credential: the planner asks for standings, the executor whether a host may be asked now, pages and
 * listings for figures. Bounded, and gone with the process.
 */
export class Measurements implements HealthPort {
  readonly #ports: MeasurementPorts;
  /** Durations must not jump with the wall clock, and buckets are numbered by it. */
  readonly #epoch: number;
  readonly #endpoints = new Map<string, Observed>();
  /** Credentials that were refused, by provider and credential. */
  readonly #keys = new Map<string, Cooldown>();
  readonly #keeper: Keeper = {
    now: () => this.#now(),
    passed: (pass) => this.#passed(pass),
    ended: (pass, error) => this.#ended(pass, error),
    told: (pass, rate) => this.#told(pass, rate),
  };
  #members = new Map<string, Member>();
  #grouped: Roads | undefined;

  constructor(ports: MeasurementPorts) {
    this.#ports = ports;
    this.#epoch = ports.clock.now() - ports.clock.monotonic();
  }

  standing(endpointId: string): Standing {
    return this.look()(endpointId);
  }

  look(): (endpointId: string) => Standing {
    if (this.#endpoints.size === 0) return untried;
    const roads = this.#ports.roads();
    if (this.#grouped !== roads) {
      this.#grouped = roads;
      this.#members = new Map();
    }
    const now = this.#now();
    return (endpointId) => {
      const member = this.#members.get(endpointId) ?? this.#group(endpointId, roads);
      if (!member) return UNTRIED;
      if (now >= member.group.until) this.#refresh(member.group, now);
      return member.standing;
    };
  }

  enter(endpoint: Endpoint, credential: string, lastResort: boolean): Permit | undefined {
    const standing = this.standing(endpoint.id);
    const gate = this.#gate(endpoint.id, endpoint.provider, credential);
    const now = this.#now();
    if (lastResort ? !gate.openAtLast(standing, now) : !gate.open(standing, now)) return undefined;
    gate.slots.take();
    return new Pass(endpoint, gate, !lastResort && standing.trial === true, this.#keeper);
  }

  queue(endpoint: Endpoint, credential: string): Promise<Permit | undefined> | undefined {
    const { slots } = this.#gate(endpoint.id, endpoint.provider, credential);
    return slots.exhausted ? this.#queued(endpoint, credential) : undefined;
  }

  async #queued(endpoint: Endpoint, credential: string): Promise<Permit | undefined> {
    const gate = this.#gate(endpoint.id, endpoint.provider, credential);
    return (await gate.slots.wait()) ? new Pass(endpoint, gate, false, this.#keeper) : undefined;
  }

  waitMs(endpoint: Endpoint, credential: string): number | undefined {
    const now = this.#now();
    const { breaker, cooldown } = this.#gate(endpoint.id, endpoint.provider, credential);
    const key = this.#keys.get(keyOf(endpoint.provider, credential))?.until ?? 0;
    const until = Math.max(cooldown.until, key, breaker.until);
    return until > now ? until - now : undefined;
  }

  #passed({ endpoint, gate, startedAt }: Pass): void {
    this.#setBreaker(endpoint.id, gate, afterServed(gate.breaker, startedAt, this.#now()));
  }

  #ended({ endpoint, gate, startedAt, judged }: Pass, error: GatewayError | undefined): void {
    const now = this.#now();
    if (error === undefined) {
      gate.health = foldAttempt(gate.health, 'served', now);
      if (gate.cooldown.times > 0) this.#setCooldown(endpoint.id, gate, warmed(gate.cooldown, startedAt));
      if (this.#keys.size > 0) this.#keyServed(endpoint.provider, gate.credential);
      // Content that came has told already that it is well.
      if (!judged) this.#setBreaker(endpoint.id, gate, afterServed(gate.breaker, startedAt, now));
      return;
    }
    const kind = kindOf(error);
    if (kind) gate.health = foldAttempt(gate.health, kind, now);
    if (kind === 'limited') this.#cool(endpoint.id, gate, error.facts.retryAfterMs, startedAt, now);
    else if (error.code === 'upstream_auth' || error.code === 'upstream_quota')
      this.#refuseKey(endpoint.provider, gate.credential, error.code === 'upstream_quota', startedAt, now);
    else if (kind === 'failed') {
      const recent = lately(gate.health, now, BREAKER_SECONDS, gate.breaker.closedAt);
      const { random, limits } = this.#ports;
      this.#setBreaker(endpoint.id, gate, afterFailed(gate.breaker, recent, limits.breaker, startedAt, now, random()));
    }
  }

  /** Before a limit is hit it is kept: what is used up rests, and of what is left no more is used (UP-148). */
  #told({ endpoint, gate }: Pass, { exhausted, requestsLeft, untilMs }: RateReading): void {
    const until = this.#now() + Math.min(untilMs, this.#ports.limits.cooldownMsMax);
    gate.allow(requestsLeft, until);
    if (!exhausted) return;
    this.#setCooldown(endpoint.id, gate, rested(gate.cooldown, until));
  }

  #setBreaker(endpointId: string, gate: Gate, breaker: Gate['breaker']): void {
    const before = gate.breaker.until;
    gate.breaker = breaker;
    if (breaker.until !== before) this.#expire(endpointId);
  }

  #setCooldown(endpointId: string, gate: Gate, cooldown: Cooldown): void {
    const before = gate.cooldown.until;
    gate.cooldown = cooldown;
    if (cooldown.until !== before) this.#expire(endpointId);
  }

  #cool(endpointId: string, gate: Gate, waitMs: number | undefined, startedAt: number, now: number): void {
    const { random, limits } = this.#ports;
    const bounds = { firstMs: limits.cooldownMs, growsTo: COOLDOWN_GROWS_TO_MS, msMax: limits.cooldownMsMax };
    this.#setCooldown(endpointId, gate, cooled(gate.cooldown, waitMs, bounds, startedAt, now, random()));
  }

  /** All endpoints that it would be used for rest. */
  #refuseKey(provider: string, credential: string, broke: boolean, startedAt: number, now: number): void {
    const { random, limits } = this.#ports;
    const key = keyOf(provider, credential);
    const bounds = { firstMs: KEY_MS, growsTo: KEY_MS_MAX, msMax: limits.cooldownMsMax };
    const before = this.#keys.get(key) ?? WARM;
    this.#keys.set(key, cooled(before, broke ? KEY_MS_MAX : undefined, bounds, startedAt, now, random()));
    for (const { group } of this.#members.values()) group.until = 0;
  }

  #keyServed(provider: string, credential: string): void {
    if (!this.#keys.delete(keyOf(provider, credential))) return;
    for (const { group } of this.#members.values()) group.until = 0;
  }

  misconfigured(endpointId: string): boolean {
    const observed = this.#observed(endpointId);
    const now = this.#now();
    const news = observed.misconfiguredAt === undefined || now - observed.misconfiguredAt >= FLAG_MS;
    if (news) observed.misconfiguredAt = now;
    return news;
  }

  unknownFinish(endpointId: string, word: string): number {
    const { unknownFinishes } = this.#observed(endpointId);
    const times = (unknownFinishes.get(word) ?? 0) + 1;
    if (times > 1 || unknownFinishes.size < UNKNOWN_WORDS_MAX) unknownFinishes.set(word, times);
    return times;
  }

  calledTools(endpointId: string, good: boolean): void {
    const observed = this.#observed(endpointId);
    observed.tools ??= new ToolRecord();
    observed.tools.add(good, this.#now());
  }

  answered(endpoint: Endpoint, credential: string, pace: Pace): void {
    const gate = this.#gate(endpoint.id, endpoint.provider, credential);
    gate.health = foldPace(gate.health, pace, this.#now());
  }

  measured(endpointId: string): Measured {
    const now = this.#now();
    const observed = this.#endpoints.get(endpointId);
    const health = observed ? wholeOf(observed) : NO_HEALTH;
    const { samples, latency, throughput } = speed(health, now, 30);
    return {
      samples,
      latency: listed(latency),
      throughput: listed(throughput),
      uptime5m: uptimePercent(health, now, 5) ?? null,
      uptime30m: uptimePercent(health, now, 30) ?? null,
      uptime1d: uptimePercent(health, now, DAY_MINUTES) ?? null,
      misconfigured: observed?.misconfiguredAt !== undefined && now - observed.misconfiguredAt < FLAG_MS,
    };
  }

  #now(): number {
    return this.#epoch + this.#ports.clock.monotonic();
  }

  #observed(
    endpointId: string,
    provider = this.#ports.roads().snapshot.endpoint(endpointId)?.provider ?? '',
  ): Observed {
    let observed = this.#endpoints.get(endpointId);
    if (!observed) {
      observed = { provider, gates: [], ejected: false, readmittedAt: 0, unknownFinishes: new Map() };
      this.#endpoints.set(endpointId, observed);
    }
    return observed;
  }

  #gate(endpointId: string, provider: string, credential: string): Gate {
    const { gates } = this.#observed(endpointId, provider);
    const [first] = gates;
    let gate = first?.credential === credential ? first : gates.find((one) => one.credential === credential);
    if (!gate) {
      gate = new Gate(credential, this.#ports.clock, this.#ports.limits.slots);
      gates.push(gate);
    }
    return gate;
  }

  /** Brings the endpoints of this one's model together; those of a tier of service are compared among themselves. */
  #group(endpointId: string, { snapshot, unroutable }: Roads): Member | undefined {
    const asked = snapshot.endpoint(endpointId);
    if (asked === undefined) return undefined;
    const members: Member[] = [];
    const group: Group = { members, until: 0 };
    for (const { provider, endpoint } of snapshot.hostsInTiers(asked.model)) {
      if (endpoint.tier !== asked.tier || unroutable(provider, endpoint) !== undefined) continue;
      const member = { endpointId: endpoint.id, group, standing: UNTRIED };
      members.push(member);
      this.#members.set(endpoint.id, member);
    }
    return this.#members.get(endpointId);
  }

  /** Something happened that must be seen before the second is over. */
  #expire(endpointId: string): void {
    const member = this.#members.get(endpointId);
    if (member) member.group.until = 0;
  }

  #refresh(group: Group, now: number): void {
    const peers = group.members.map(({ endpointId }) => this.#peer(endpointId));
    const healths = peers.map((peer) => peer?.health);
    const out = ejected(healths, now);
    const panic = panics(peers, now);
    group.until = now + STANDING_MS;
    for (const [index, member] of group.members.entries()) {
      const peer = peers[index];
      if (!peer) {
        member.standing = UNTRIED;
        continue;
      }
      const { endpointId } = member;
      const known = this.#ejection(endpointId, out.has(index), now);
      member.standing = this.#withTools(endpointId, standingOf({ ...peer, ...known }, panic, now), peer.health, now);
      // What ends by itself is seen in time.
      for (const until of [peer.breaker.until, peer.cooledUntil, peer.keyUntil])
        if (until > now) group.until = Math.min(group.until, until);
    }
  }

  #withTools(endpointId: string, standing: Standing, health: Peer['health'], now: number): Standing {
    const record = this.#endpoints.get(endpointId)?.tools;
    if (!record) return standing;
    const { served, failed } = counted(health, now, TOOLS_MINUTES);
    return { ...standing, tools: { requests: served + failed, ...record.over(now) } };
  }

  #ejection(endpointId: string, out: boolean, now: number): Pick<Peer, 'ejected' | 'readmittedAt'> {
    const observed = this.#endpoints.get(endpointId);
    if (!observed) return { ejected: false, readmittedAt: 0 };
    if (observed.ejected && !out) observed.readmittedAt = now;
    observed.ejected = out;
    return { ejected: out, readmittedAt: observed.readmittedAt };
  }

  /** What is known of it with the credential that it would be asked with now; undefined where it was never asked. */
  #peer(endpointId: string): Omit<Peer, 'ejected' | 'readmittedAt'> | undefined {
    const observed = this.#endpoints.get(endpointId);
    const provider = observed?.provider ?? this.#ports.roads().snapshot.endpoint(endpointId)?.provider ?? '';
    const route = this.#ports.roads().routes.get(provider);
    const credential = route ? credentialId(route) : '';
    const keyUntil = this.#keys.get(keyOf(provider, credential))?.until ?? 0;
    if (!observed && keyUntil === 0) return undefined;
    const gate = observed?.gates.find((one) => one.credential === credential);
    return {
      health: observed ? wholeOf(observed) : NO_HEALTH,
      breaker: gate?.breaker ?? CLOSED,
      cooledUntil: gate?.cooldown.until ?? 0,
      keyUntil,
    };
  }
}

const keyOf = (provider: string, credential: string): string => `${provider} ${credential}`;

const untried = (): Standing => UNTRIED;

/** With all its credentials together. */
function wholeOf({ gates }: Observed): Health {
  const [first, ...others] = gates;
  return others.reduce((all, { health }) => merge(all, health), first?.health ?? NO_HEALTH);
}

const kindOf = ({ code }: GatewayError): Kind | undefined => {
  if (code === 'upstream_rate_limited') return 'limited';
  return errorRow(code).health ? 'failed' : undefined;
};

function listed(percentiles: Percentiles | undefined): Listed | null {
  if (!percentiles) return null;
  const { p50, p75, p90, p99 } = percentiles;
  return { p50, p75, p90, p99 };
}
