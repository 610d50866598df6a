import { type GatewayError, gatewayError } from '../canon/errors.ts';
import type { GatewayPorts } from './ports.ts';

/** More requests at once would help nobody: what is in hand is served in its time, and whoever comes now is told to come back. */
export function overload({ running, limits, retries }: GatewayPorts): GatewayError | undefined {
  const current = running.inHand;
  const limit = limits.requestsMax;
  if (current < limit) return undefined;
  return gatewayError('overloaded', 'The gateway has as many requests in hand as it takes. Please try again shortly.', {
    retryAfterMs: retries.waitMs(),
    rule: 'requests_max',
    limit,
    current,
  });
}

/** What is waited for before there is an answer to track is in hand too. */
export async function counted<T>(promise: Promise<T>, { running }: GatewayPorts): Promise<T> {
  running.arriving++;
  try {
    return await promise;
  } finally {
    running.arriving--;
  }
}
