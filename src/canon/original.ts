/**
 * A large body as it came, so that an upstream of the same wire can be given back what would only be written again as it stands: the
 * short way. Small bodies are written anew, which costs less than looking.
 */
export interface Original {
  /** The wire it was written in. */
  readonly dialect: string;
  readonly value: Readonly<Record<string, unknown>>;
  readonly bytes: Uint8Array;
  readonly members: ReadonlyMap<string, OriginalMember>;
}

/** Where a member's value stands in the bytes. */
export interface OriginalMember {
  readonly start: number;
  readonly end: number;
  /** How many keys are written in it. A parsed value with fewer hides one that is named twice, and two readers may see two of them. */
  readonly keys: number;
}
