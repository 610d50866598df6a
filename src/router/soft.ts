import { type Parameter, uses } from '../canon/parameters.ts';
import type { Host } from '../catalogue/snapshot.ts';
import type { Rejection } from './candidate.ts';
import { type Facts, takes } from './rule.ts';

const NONE: readonly never[] = [];

/** Parameters whose support is preferred but never demanded (spec/inference 1.9): hosts that have them go before hosts that do not. */
const SOFT: readonly Parameter[] = ['tools', 'response_format', 'structured_outputs', 'verbosity'];

/** Leaves only the supporting hosts where there is one; where there is none, all stay and the parameter is dropped. */
export function softPreferences(
  hosts: readonly Host[],
  facts: Facts,
): { readonly left: readonly Host[]; readonly rejected: readonly Rejection[] } {
  if (hosts.length < 2) return { left: hosts, rejected: NONE };
  const rejected: Rejection[] = [];
  let left = hosts;
  for (const parameter of SOFT) {
    if (!uses(facts.request, parameter)) continue;
    const supporting = left.filter(({ endpoint }) => takes(endpoint, parameter, facts));
    if (supporting.length === 0 || supporting.length === left.length) continue;
    for (const { endpoint, provider } of left) {
      if (takes(endpoint, parameter, facts)) continue;
      rejected.push({
        endpoint,
        provider,
        rule: 'soft_preference',
        reason: `does not support ${parameter}, and another host does`,
      });
    }
    left = supporting;
  }
  return { left, rejected };
}

/** What an answer is not what was asked for without: a router takes nobody who does not know it. */
const NEEDED: readonly Parameter[] = ['tools', 'response_format', 'structured_outputs'];

/** Whether a host takes all of these that the request uses. */
export const takesNeeded = ({ endpoint }: Host, facts: Facts): boolean =>
  NEEDED.every((parameter) => !uses(facts.request, parameter) || takes(endpoint, parameter, facts));
