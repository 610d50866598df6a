import type { GenerationRequest } from '../canon/request.ts';
import type { Host } from '../catalogue/snapshot.ts';
import { median } from './median.ts';
import type { Classes } from './order.ts';
import type { Sort } from './sort.ts';
import type { Standing } from './standing.ts';

/**
 * Auto-Exacto (spec/inference 5.11): requests with tools go to hosts that are good at calling them. Two signals, each compared over all
 * hosts of the model: how fast they answer, and how many of their answers with calls were right.
 */

/** Below this many providers a median says nothing of any of them. */
const PROVIDERS_MIN = 4;
const REQUESTS_MIN = 100;
const TOOL_REQUESTS_MIN = 200;
/** How far below the median is too far, in standard deviations. */
const THROUGHPUT_SIGMAS = 1.5;
const SUCCESS_SIGMAS = 2;
/** A median absolute deviation is this part of a standard deviation. */
const MAD_TO_SIGMA = 1.4826;
/** Hosts that are all alike have no deviation: a hundredth of the median is no difference. */
const SIGMA_SHARE_MIN = 0.01;

/** Whether a request is ordered by this: it has tools, or asks for it. A sort by a figure switches it off where the order is made. */
export const looksAtTools = ({ tools }: GenerationRequest, sort: Sort | undefined): boolean =>
  tools.length > 0 || sort === 'exacto';

const GOOD = 0;
const UNKNOWN = 1;
const BAD = 2;

/** @returns undefined where too few providers are known well enough to compare them */
export function exactoClasses(hosts: readonly Host[], standing: (endpointId: string) => Standing): Classes | undefined {
  const known: Known[] = [];
  for (const { endpoint } of hosts) {
    const { tools, throughput } = standing(endpoint.id);
    if (!tools || tools.requests < REQUESTS_MIN || tools.toolRequests < TOOL_REQUESTS_MIN) continue;
    known.push({ id: endpoint.id, provider: endpoint.provider, success: tools.success, throughput: throughput?.p50 });
  }
  const slow = floorOf(known, ({ throughput }) => throughput, THROUGHPUT_SIGMAS);
  const wrong = floorOf(known, ({ success }) => success, SUCCESS_SIGMAS);
  if (slow === undefined && wrong === undefined) return undefined;
  const ranks = new Map(
    known.map(({ id, success, throughput }) => {
      const bad = (wrong !== undefined && success < wrong) || (slow !== undefined && (throughput ?? slow) < slow);
      return [id, bad ? BAD : GOOD] as const;
    }),
  );
  return { rankOf: ({ endpoint }) => ranks.get(endpoint.id) ?? UNKNOWN, says: (rank) => WORDS[rank] };
}

const WORDS = ['good at tools', 'not known well enough at tools', 'behind for how it calls tools'];

interface Known {
  readonly id: string;
  readonly provider: string;
  readonly success: number;
  readonly throughput: number | undefined;
}

/** What a signal must not be below; undefined where too few providers have it. */
function floorOf(
  known: readonly Known[],
  signal: (one: Known) => number | undefined,
  sigmas: number,
): number | undefined {
  const values: number[] = [];
  const providers = new Set<string>();
  for (const one of known) {
    const value = signal(one);
    if (value === undefined) continue;
    values.push(value);
    providers.add(one.provider);
  }
  if (providers.size < PROVIDERS_MIN) return undefined;
  const middle = median(values);
  const deviation = median(values.map((value) => Math.abs(value - middle)));
  return middle - sigmas * Math.max(deviation * MAD_TO_SIGMA, middle * SIGMA_SHARE_MIN);
}
