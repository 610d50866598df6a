/** Results of tools in the order of the calls that they answer; those of unknown calls come last, as they came. */
export function inCallOrder<T>(results: readonly T[], idOf: (result: T) => unknown, calls: readonly unknown[]): T[] {
  const place = (result: T): number => {
    const index = calls.indexOf(idOf(result));
    return index < 0 ? calls.length : index;
  };
  return results.toSorted((a, b) => place(a) - place(b));
}
