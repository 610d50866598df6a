import type { Dropped } from '../canon/dropped.ts';
import type { Target } from '../canon/target.ts';

/** Fields beyond a dialect's vocabulary: sent to hosts whose row lists the name, or which take anything; named where they are not. */
export function extraFields(
  wishes: Readonly<Record<string, unknown>>,
  target: Target,
  dropped: Dropped[],
): Record<string, unknown> {
  const body: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(wishes)) {
    if (value === null || value === undefined) continue;
    if (target.extraFields === 'all' || target.extraFields.has(name)) body[name] = value;
    else dropped.push({ pointer: `/${name}`, reason: 'unknown-field' });
  }
  return body;
}
