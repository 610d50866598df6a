import { type GatewayError, gatewayError } from '../canon/errors.ts';
import { type GenerationEvent, isContent } from '../canon/event.ts';
import type { Try } from '../upstream/try.ts';
import type { Check } from './emulation.ts';

interface Read {
  readonly first: readonly GenerationEvent[];
  readonly error?: GatewayError;
}

/** Reads until there is content to send or the answer is over. Role-only chunks and comments are neither. */
export async function untilContent(attempt: Try): Promise<Read> {
  let first: readonly GenerationEvent[] = [];
  while (!attempt.ended || first.length === 0) {
    const events = await attempt.read();
    if (events.length === 0) break;
    first = first.length === 0 ? events : [...first, ...events];
    if (events.some(isContent)) {
      attempt.contentSeen();
      return { first };
    }
    const last = events.at(-1);
    if (last?.type === 'generation-error') return { first, error: last.error };
    if (last?.type === 'generation-end') return { first };
  }
  return { first, error: gatewayError('upstream_empty', 'Provider returned an empty answer') };
}

/** Holds the whole answer back until it has passed: nothing of one that does not was ever seen, so another may follow it. */
export async function untilChecked(attempt: Try, check: Check): Promise<Read> {
  const begun = await untilContent(attempt);
  if (begun.error) return begun;
  const all = [...begun.first];
  while (!attempt.ended) all.push(...(await attempt.read()));
  const last = all.at(-1);
  if (last?.type === 'generation-error') return { first: all, error: last.error };
  const wrong = check(all);
  if (wrong === undefined) return { first: all };
  return {
    first: all,
    error: gatewayError('upstream_off_schema', 'Provider answered something that is not what the schema asks for', {
      raw: wrong,
    }),
  };
}
