import type { Order, SimulatedHost } from './host.ts';
import type { Outcome } from './simulation.ts';

/** What could have been had of the same requests by somebody who knows what every host will do with them. */
export interface Oracle {
  /** Requests that some host would have served at once, slots and rate limits heeded. */
  readonly served: number;
  /** Dollars, where the cheapest host that would have served was taken each time. */
  readonly cheapestUsd: number;
  /** Milliseconds to the first content, where the quickest one was: sorted. */
  readonly quickestMs: readonly number[];
}

const FATAL = new Set(['unreachable', 'unavailable', 'rate-limited', 'hang', 'reset', 'cut', 'stall', 'empty']);

/** Places every request, in the order of their coming, at the best host that is free then and will not fail it. */
export function oracle({ scenario, requests, hosts }: Outcome): Oracle {
  const arrivals = [...requests].sort((a, b) => a.at - b.at || a.order.number - b.order.number);
  const priceAt = (host: SimulatedHost, at: number): number =>
    (scenario.prices ?? []).filter((change) => change.host === host.spec.id && change.at <= at).at(-1)?.usd ??
    host.spec.usd;
  const known = promptsBefore(arrivals);
  const cost = (order: Order, host: SimulatedHost, at: number): number =>
    (weight(order, host, known.get(order.number)) * priceAt(host, at)) / 1e6;

  const place = (rank: (host: SimulatedHost, order: Order, at: number) => number): Placed[] => {
    const rooms = hosts.map((host) => new Room(host));
    return arrivals.flatMap(({ at, order }) => {
      const able = rooms.filter((room) => room.couldServe(order, at));
      const [best] = able.sort((a, b) => rank(a.host, order, at) - rank(b.host, order, at));
      return best ? [{ host: best.host, order, at, firstMs: best.serve(order, at) }] : [];
    });
  };
  const cheapest = place((host, order, at) => cost(order, host, at));
  const quickest = place((host, order) => host.service(order, 0).firstTokenMs);
  return {
    served: Math.max(cheapest.length, quickest.length),
    cheapestUsd: cheapest.reduce((sum, { host, order, at }) => sum + cost(order, host, at), 0),
    quickestMs: quickest.map(({ firstMs }) => firstMs).sort((a, b) => a - b),
  };
}

/** Tokens, as much as they cost: what a cache holds costs a tenth, what is put into one twice the price. */
function weight({ promptTokens, outputTokens, conversation }: Order, { spec }: SimulatedHost, known = 0): number {
  if (spec.cacheMs === undefined || conversation === undefined) return promptTokens + outputTokens;
  return known * 0.1 + (promptTokens - known) * 2 + outputTokens;
}

/** By request, how much of its prompt the one before it in its conversation had. */
function promptsBefore(arrivals: readonly { readonly order: Order }[]): ReadonlyMap<number, number> {
  const last = new Map<string, number>();
  const known = new Map<number, number>();
  for (const { order } of arrivals) {
    if (order.conversation === undefined) continue;
    known.set(order.number, last.get(order.conversation) ?? 0);
    last.set(order.conversation, order.promptTokens);
  }
  return known;
}

interface Placed {
  readonly host: SimulatedHost;
  readonly order: Order;
  readonly at: number;
  readonly firstMs: number;
}

/** A host with what the oracle has given it to do. */
class Room {
  readonly host: SimulatedHost;
  #ends: number[] = [];
  #starts: number[] = [];

  constructor(host: SimulatedHost) {
    this.host = host;
  }

  couldServe(order: Order, at: number): boolean {
    const { callsPerMinute } = this.host.spec;
    const fault = this.host.faultAt(at, order, 0);
    if (fault && FATAL.has(fault.kind)) return false;
    this.#ends = this.#ends.filter((end) => end > at);
    if (this.#ends.length >= this.host.slotsAt(at)) return false;
    if (callsPerMinute === undefined) return true;
    this.#starts = this.#starts.filter((start) => start > at - 60_000);
    return this.#starts.length < callsPerMinute;
  }

  serve(order: Order, at: number): number {
    const { firstTokenMs, totalMs } = this.host.service(order, 0);
    this.#ends.push(at + totalMs);
    this.#starts.push(at);
    return firstTokenMs;
  }
}
