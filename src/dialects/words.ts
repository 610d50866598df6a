/** The words of a table in lower case. */
export const words = (...tables: readonly Readonly<Record<string, unknown>>[]): ReadonlySet<string> =>
  new Set(tables.flatMap((table) => Object.keys(table)).map((word) => word.toLowerCase()));
