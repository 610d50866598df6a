/** Values in buckets of time, newest last, as many as the window is long: what is older has no bucket any more. */
export interface Series<V> {
  readonly last: Slot<V> | undefined;
  /** All before the last one. A new value in the newest bucket leaves them as they are. */
  readonly past: readonly Slot<V>[];
}

interface Slot<V> {
  /** The number of its bucket: time divided by the bucket's width, rounded down. */
  readonly at: number;
  readonly value: V;
}

export const NO_SERIES: Series<never> = { last: undefined, past: [] };

/**
 * The series with one more value. What is already too old changes nothing.
 * @param length buckets that are kept
 */
export function put<V>(series: Series<V>, at: number, value: V, add: (a: V, b: V) => V, length: number): Series<V> {
  const { last, past } = series;
  if (!last) return { last: { at, value }, past: [] };
  if (at === last.at) return { last: { at, value: add(last.value, value) }, past };
  if (at > last.at) return { last: { at, value }, past: [...past, last].filter((slot) => slot.at > at - length) };
  if (at <= last.at - length) return series;
  const index = past.findIndex((slot) => slot.at >= at);
  const place = index < 0 ? past.length : index;
  const there = past[place];
  const same = there?.at === at;
  const slot = { at, value: same ? add(there.value, value) : value };
  return { last, past: past.toSpliced(place, same ? 1 : 0, slot) };
}

/** Both together: it does not matter in which order, or which pairs are put together first. */
export function together<V>(a: Series<V>, b: Series<V>, add: (a: V, b: V) => V, length: number): Series<V> {
  let all = a;
  for (const slot of b.past) all = put(all, slot.at, slot.value, add, length);
  return b.last ? put(all, b.last.at, b.last.value, add, length) : all;
}

/** The values of buckets from this one on, oldest first. */
export function since<V>({ last, past }: Series<V>, at: number): V[] {
  const values: V[] = [];
  for (const slot of past) if (slot.at >= at) values.push(slot.value);
  if (last && last.at >= at) values.push(last.value);
  return values;
}
