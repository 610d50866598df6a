/** What a key may do: run inference, or administer. Never both (spec/platform 1.2). */
export type KeyKind = 'inference' | 'management';

/** A credential of ours. Its plain text is shown once and kept nowhere; the hash is its public name. */
export interface Key {
  /** SHA-256 of the key, 64 lowercase hex. */
  readonly hash: string;
  /** Masked, stable: prefix, three characters, `...`, four characters. */
  readonly label: string;
  readonly name: string;
  readonly kind: KeyKind;
  /** Keys given by environment are valid only while the environment names them. */
  readonly origin: 'created' | 'environment';
  readonly disabled: boolean;
  readonly createdAt: number;
}

/** What a key's generations were charged, in nano-dollars, by UTC day. */
export interface KeyDay {
  readonly keyHash: string;
  /** Days since 1970. */
  readonly day: number;
  readonly charge: bigint;
}

export interface AccountsStore {
  putKey(key: Key): Promise<void>;
  /** Deleted keys stay in old records by their hash; they just stop being keys. */
  deleteKey(hash: string): Promise<void>;
}
