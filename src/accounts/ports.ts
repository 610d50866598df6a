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
  /** The most it may spend, where that is limited. */
  readonly limit: KeyLimit | null;
}

export const KEY_RESETS = ['daily', 'weekly', 'monthly'] as const;
export type KeyReset = (typeof KEY_RESETS)[number];

export interface KeyLimit {
  /** Nano-dollars as decimal text, which travels anywhere. */
  readonly nano: string;
  /** When it begins anew, in UTC: each day, each Monday, each first of a month; never where null. */
  readonly reset: KeyReset | null;
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

export type PresetStatus = 'active' | 'disabled' | 'archived';

/** One state of a preset; it is never changed, the next one follows it. */
export interface PresetVersion {
  readonly id: string;
  readonly presetId: string;
  /** From 1, without gaps. */
  readonly version: number;
  /** The key that wrote it, by its hash. */
  readonly creator: string;
  /** The wire in whose words `config` is written. */
  readonly dialect: string;
  readonly systemPrompt: string | null;
  readonly config: Readonly<Record<string, unknown>>;
  readonly createdAt: number;
}

/** Settings of requests under a name. */
export interface Preset {
  readonly id: string;
  readonly workspaceId: string;
  /** Unique in its workspace. */
  readonly slug: string;
  readonly name: string;
  readonly description: string | null;
  readonly status: PresetStatus;
  readonly statusUpdatedAt: number | null;
  readonly createdAt: number;
  readonly updatedAt: number;
  /** The one that serves. */
  readonly designated: PresetVersion;
}

export interface PresetStore {
  /**
   * Writes a preset's next version, and the preset itself where it is the first.
   * @returns `existed` where somebody else has written that version; nothing was changed then
   */
  putPreset(preset: Preset): Promise<'written' | 'existed'>;
  /** Oldest first. */
  presetVersions(presetId: string, offset: number, limit: number): Promise<readonly PresetVersion[]>;
  presetVersion(presetId: string, version: number): Promise<PresetVersion | null>;
}
