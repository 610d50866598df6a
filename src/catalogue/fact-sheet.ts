import type { Fact, FactValue } from './types.ts';

/** The facts of one subject, read by field and type. A value of another type reads as absent: facts are checked where they enter. */
export class FactSheet {
  readonly #facts: Readonly<Record<string, Fact>>;

  constructor(facts: Readonly<Record<string, Fact>> | undefined) {
    this.#facts = facts ?? {};
  }

  fact(field: string): Fact | undefined {
    return this.#facts[field];
  }

  value(field: string): FactValue {
    return this.#facts[field]?.value ?? null;
  }

  text(field: string): string | undefined {
    const value = this.value(field);
    return typeof value === 'string' ? value : undefined;
  }

  count(field: string): number | undefined {
    const value = this.value(field);
    return typeof value === 'number' ? value : undefined;
  }

  flag(field: string): boolean | undefined {
    const value = this.value(field);
    return typeof value === 'boolean' ? value : undefined;
  }

  list(field: string): readonly string[] | undefined {
    const value = this.value(field);
    return Array.isArray(value) ? value : undefined;
  }
}
