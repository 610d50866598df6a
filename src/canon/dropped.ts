/** Something of the request that the serving endpoint could not be told. */
export interface Dropped {
  /** JSON pointer into the caller's request. */
  readonly pointer: string;
  readonly reason: 'unsupported' | 'unknown-field' | 'adapted' | 'compressed';
}
