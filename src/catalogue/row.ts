import type { ConflictClass, FactValue, State } from './types.ts';

/** One word of a row or an authored file on one field; its subject is not known yet. */
export interface Observed {
  readonly field: string;
  readonly value: FactValue;
  /** `listed` where nothing else is said. */
  readonly state?: State;
  readonly note?: string;
  readonly conflict?: ConflictClass;
  /** The last day the figure is known to have held, where that is not the day of the look. */
  readonly asserted?: string;
  /** Where they differ from those of the row or file. */
  readonly source?: string;
  readonly checked?: string;
}

/** One row of a provider's list as a source gives it, before anybody has asked which model it is. */
export interface Row {
  readonly provider: string;
  /** The id in the provider's API. */
  readonly id: string;
  /** What a request must send, where that differs from the id. */
  readonly upstream?: string;
  /** The model that its author says it is. */
  readonly link?: string;
  readonly name?: string;
  readonly source: string;
  readonly checked: string;
  readonly observed: readonly Observed[];
}

export const SKIP_REASONS = {
  not_an_id: 'The id is a pattern or a label, not something that could be asked for.',
  foreign_unit: 'Billed by something we have no unit for, such as pages or hours.',
  rejected: 'A reviewed decision says that the row is wrong.',
  rolling_alias: 'A rolling alias that the dated table does not know.',
  alias_row: 'A row of the provider for a rolling alias, not for a model.',
  ambiguous: 'Several models answer to this name.',
  unresolved: 'No model answers to this name.',
  duplicate: 'An older spelling of a row that is listed under its own id.',
} as const satisfies Record<string, string>;

export type SkipReason = keyof typeof SKIP_REASONS;

/** What was in a source and did not get into the catalogue. */
export interface Skipped {
  readonly source: string;
  readonly provider: string;
  readonly id: string;
  readonly reason: SkipReason;
  readonly detail?: string;
}
