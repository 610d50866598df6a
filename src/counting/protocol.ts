/** What the counting thread is asked, and what it says. */
export interface Asked {
  readonly id: number;
  readonly texts: readonly string[];
  /** One number, which is no longer zero when nobody waits any more: it can be looked at in the middle of the work. */
  readonly giveUp: SharedArrayBuffer;
}

export interface Told {
  readonly id: number;
  /** Undefined where the time did not suffice. */
  readonly counts: readonly number[] | undefined;
}
