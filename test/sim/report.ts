import { type Oracle, oracle } from './oracle.ts';
import type { Ended, Outcome } from './simulation.ts';

/** What a run came to, in the figures that promises are made in. Shares are of 1. */
export interface Figures {
  readonly requests: number;
  readonly served: number;
  /** Of those whose callers did not leave. */
  readonly success: number;
  readonly attemptsPerRequest: number;
  /** The most attempts per request within 10 s, where there were at least 100 requests. */
  readonly worstWindow: number;
  /** Requests that paid for a failed attempt with its time. */
  readonly retried: number;
  readonly usd: number;
  readonly firstMs: Quantiles;
  readonly totalMs: Quantiles;
  /** Of the tokens that were in a prompt of the same conversation before, those that came from a cache. */
  readonly cached: number;
}

interface Quantiles {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

const WINDOW_MS = 10_000;
const WINDOW_REQUESTS_MIN = 100;

/** @param during counts requests that came in that time only, and the attempts they made */
export function figures(
  { requests, attempts }: Outcome,
  during: { readonly fromMs?: number; readonly toMs?: number } = {},
): Figures {
  const { fromMs = 0, toMs = Number.POSITIVE_INFINITY } = during;
  const counted = requests.filter(({ at }) => at >= fromMs && at < toMs);
  const stayed = counted.filter(({ outcome }) => outcome !== 'left');
  const served = counted.filter(({ outcome }) => outcome === 'served');
  const tried = counted.reduce((sum, request) => sum + request.attempts.length, 0);
  return {
    requests: counted.length,
    served: served.length,
    success: share(served.length, stayed.length),
    attemptsPerRequest: share(tried, counted.length),
    worstWindow: worstWindow(
      counted.map(({ at }) => at),
      attempts.filter(({ at }) => at >= fromMs && at < toMs).map(({ at }) => at),
    ),
    retried: share(counted.filter((request) => request.attempts.length > 1).length, counted.length),
    usd: counted.reduce((sum, { usd }) => sum + usd, 0),
    firstMs: quantiles(served.flatMap(({ firstMs }) => firstMs ?? [])),
    totalMs: quantiles(served.map(({ totalMs }) => totalMs)),
    cached: cachedShare(served),
  };
}

function cachedShare(served: readonly Ended[]): number {
  const before = new Map<string, number>();
  let eligible = 0;
  let read = 0;
  for (const { order, counts } of served) {
    if (order.conversation === undefined) continue;
    const known = before.get(order.conversation);
    before.set(order.conversation, order.promptTokens);
    if (known === undefined) continue;
    eligible += known;
    read += counts['cache-read'] ?? 0;
  }
  return share(read, eligible);
}

const share = (part: number, whole: number): number => (whole === 0 ? 1 : part / whole);

function quantiles(values: readonly number[]): Quantiles {
  const sorted = [...values].sort((a, b) => a - b);
  return { p50: quantile(sorted, 0.5), p95: quantile(sorted, 0.95), p99: quantile(sorted, 0.99) };
}

/** @param sorted ascending */
const quantile = (sorted: readonly number[], part: number): number =>
  sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(part * sorted.length) - 1))] ?? Number.NaN;

/** Windows begin at each second. */
function worstWindow(requests: readonly number[], attempts: readonly number[]): number {
  const perSecond = (times: readonly number[]): Map<number, number> => {
    const counts = new Map<number, number>();
    for (const at of times) {
      const second = Math.floor(at / 1000);
      counts.set(second, (counts.get(second) ?? 0) + 1);
    }
    return counts;
  };
  const asked = perSecond(requests);
  const tried = perSecond(attempts);
  const within = (counts: Map<number, number>, from: number): number => {
    let sum = 0;
    for (let second = from; second < from + WINDOW_MS / 1000; second++) sum += counts.get(second) ?? 0;
    return sum;
  };
  const ratios = [...asked.keys()]
    .map((from) => [within(asked, from), within(tried, from)] as const)
    .filter(([count]) => count >= WINDOW_REQUESTS_MIN)
    .map(([count, made]) => made / count);
  return Math.max(0, ...ratios);
}

/** A run in words and figures, beside what an oracle would have made of it. */
export function report(outcome: Outcome): string {
  const { scenario, seed, breaches, simulatedMs, cpuMs, wallMs } = outcome;
  const told = figures(outcome);
  const rate = (ms: number): number => Math.round((1000 * told.requests) / ms);
  return [
    `${scenario.name}, seed ${seed}: ${scenario.says}`,
    ...rows(told, oracle(outcome)),
    ...hostRows(outcome),
    ...failureRows(outcome.requests),
    `  ${(simulatedMs / 1000).toFixed(0)} s simulated in ${(wallMs / 1000).toFixed(2)} s (${(cpuMs / 1000).toFixed(2)} s of CPU): ${rate(wallMs)} requests a second, ${rate(cpuMs)} a second of CPU`,
    breaches.length === 0 ? '  nothing happened that must not' : `  BREACHES\n    ${breaches.join('\n    ')}`,
  ].join('\n');
}

const percent = (part: number): string => `${(100 * part).toFixed(2)} %`;
const inMs = (value: number): string => `${Math.round(value)} ms`;

function rows(told: Figures, known: Oracle): readonly string[] {
  const { firstMs, totalMs } = told;
  const at = (part: number): string => inMs(quantile(known.quickestMs, part));
  return [
    `  served      ${told.served} of ${told.requests} (${percent(told.success)}); the oracle ${percent(share(known.served, told.requests))}`,
    `  attempts    ${told.attemptsPerRequest.toFixed(3)} a request, at most ${told.worstWindow.toFixed(3)} in 10 s; ${percent(told.retried)} of requests needed a second`,
    `  cost        $${told.usd.toFixed(6)}; the oracle $${known.cheapestUsd.toFixed(6)} for the cheapest`,
    ...(told.cached < 1
      ? [`  cache       ${percent(told.cached)} of the tokens that it could hold were read from it`]
      : []),
    `  first token p50 ${inMs(firstMs.p50)}, p95 ${inMs(firstMs.p95)}, p99 ${inMs(firstMs.p99)}; the oracle ${at(0.5)}, ${at(0.95)}, ${at(0.99)}`,
    `  whole       p50 ${inMs(totalMs.p50)}, p95 ${inMs(totalMs.p95)}, p99 ${inMs(totalMs.p99)}`,
  ];
}

function hostRows({ hosts, attempts }: Outcome): readonly string[] {
  return hosts.map(({ spec }) => {
    const own = attempts.filter(({ host }) => host === spec.id);
    const failed = tally(own.flatMap(({ code }) => code ?? []));
    return `  host ${spec.id.padEnd(6)} ${own.length} attempts (${percent(share(own.length, attempts.length))})${failed}`;
  });
}

function failureRows(requests: readonly Ended[]): readonly string[] {
  const errors = requests.flatMap(({ outcome, error, status }) =>
    outcome === 'served' ? [] : `${outcome} ${error ?? status}`,
  );
  return errors.length === 0 ? [] : [`  callers got${tally(errors)}`];
}

function tally(words: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  const sorted = [...counts].sort(([, a], [, b]) => b - a);
  return sorted.map(([word, count], index) => `${index === 0 ? ': ' : ', '}${count} ${word}`).join('');
}
