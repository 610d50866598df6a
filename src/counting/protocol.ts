/** What the counting thread is asked, and what it says. */
export interface Asked {
  readonly id: number;
  readonly texts: readonly string[];
  /** When nobody waits for it any more, in milliseconds since 1970. */
  readonly endsAt: number;
}

export interface Told {
  readonly id: number;
  /** Undefined where the time did not suffice. */
  readonly counts: readonly number[] | undefined;
}
