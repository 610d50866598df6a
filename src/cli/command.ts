import { type ParseArgsConfig, parseArgs } from 'node:util';
import type { Effects } from './effects.ts';

/** A command line that makes no sense; the process ends with exit code 2. */
export class UsageError extends Error {}

export interface Command {
  readonly summary: string;
  readonly help: string;
  /** @returns the exit code */
  run(argv: readonly string[], effects: Effects): Promise<number>;
}

type Options = NonNullable<ParseArgsConfig['options']>;

/** Arguments after the command's name; every command takes `--json`. */
export function parse<O extends Options>(
  argv: readonly string[],
  options: O,
  positionalsMax: number,
): { values: Record<string, string | boolean | undefined>; positionals: string[] } {
  try {
    const { values, positionals } = parseArgs({
      args: [...argv],
      options: { json: { type: 'boolean' }, ...options },
      allowPositionals: true,
    });
    if (positionals.length > positionalsMax) throw new UsageError(`unexpected argument ${positionals[positionalsMax]}`);
    return { values: values as Record<string, string | boolean | undefined>, positionals };
  } catch (error) {
    throw error instanceof UsageError ? error : new UsageError((error as Error).message);
  }
}

/** A command's answer: one JSON line where asked for, text otherwise. */
export function show(effects: Effects, json: boolean, value: unknown, text: string): void {
  effects.out(json ? `${JSON.stringify(value)}\n` : text.endsWith('\n') ? text : `${text}\n`);
}

/** Rows as aligned columns. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = rows.reduce<number[]>((most, row) => row.map((cell, i) => Math.max(most[i] ?? 0, cell.length)), []);
  return `${rows
    .map((row) =>
      row
        .map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i] ?? 0)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')}\n`;
}
