import { hash, randomBytes } from 'node:crypto';
import { type GatewayError, gatewayError } from '../canon/errors.ts';
import { fail, ok, type Result } from '../canon/result.ts';
import { type Nanodollars, nanodollars } from '../money/money.ts';
import type { AccountsStore, Key, KeyDay, KeyKind, KeyLimit, KeyReset } from './ports.ts';

const PREFIX = 'sk-tp-v1-';
const DAY_MS = 86_400_000;

/** The public name of a key: clients compute it too (spec/platform 1.7). */
export const hashKey = (text: string): string => hash('sha256', text);

/** Enough to recognise a key, too little to guess it. A bootstrap key of another form is masked the same way. */
function labelOf(text: string): string {
  const prefix = text.startsWith(PREFIX) ? PREFIX : '';
  const rest = text.slice(prefix.length);
  return `${prefix}${rest.slice(0, 3)}...${rest.slice(-4)}`;
}

/** Who asks, once it is known. */
export interface Caller {
  readonly keyHash: string;
  readonly kind: KeyKind;
}

/** Charges of one key, as `GET /key` shows them. */
export interface KeyUsage {
  readonly total: Nanodollars;
  readonly daily: Nanodollars;
  readonly weekly: Nanodollars;
  readonly monthly: Nanodollars;
}

/** What of a key can be changed. */
export type KeyChanges = Partial<Pick<Key, 'name' | 'disabled' | 'limit'>>;

/** What a key may spend until its limit begins anew. */
export interface KeyAllowance {
  readonly limit: Nanodollars;
  readonly spent: Nanodollars;
  readonly reset: KeyReset | null;
  /** Milliseconds since 1970; null for a limit that never begins anew. */
  readonly resetsAt: number | null;
}

function nextReset(reset: KeyReset, now: number): number {
  const today = Math.floor(now / DAY_MS);
  const date = new Date(now);
  if (reset === 'monthly') return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1);
  return (reset === 'daily' ? today + 1 : today + 7 - ((date.getUTCDay() + 6) % 7)) * DAY_MS;
}

/**
 * All keys of this installation, in memory: authenticating costs one hash and one look-up, and a revoked key is refused by the next
 * request. The store follows.
 */
export class Keyring {
  readonly #store: AccountsStore;
  readonly #keys = new Map<string, Key>();
  readonly #days = new Map<string, Map<number, bigint>>();

  constructor(store: AccountsStore, keys: readonly Key[], days: readonly KeyDay[]) {
    this.#store = store;
    for (const key of keys) this.#keys.set(key.hash, key);
    for (const { keyHash, day, charge } of days) this.#daysOf(keyHash).set(day, charge);
  }

  /** @returns the caller, or `key_missing`, `key_invalid`, `key_disabled` */
  authenticate(header: string | null): Result<Caller, GatewayError> {
    const text = /^Bearer +(\S.*)$/i.exec(header ?? '')?.[1]?.trim();
    if (text === undefined) return fail(MISSING);
    const key = this.#keys.get(hashKey(text));
    if (!key) return fail(UNKNOWN);
    return key.disabled ? fail(DISABLED) : ok({ keyHash: key.hash, kind: key.kind });
  }

  key(hash: string): Key | undefined {
    return this.#keys.get(hash);
  }

  /** Newest first. */
  list(): readonly Key[] {
    return [...this.#keys.values()].sort((a, b) => b.createdAt - a.createdAt || (a.hash < b.hash ? -1 : 1));
  }

  has(kind: KeyKind): boolean {
    return [...this.#keys.values()].some((key) => key.kind === kind && !key.disabled);
  }

  /** @returns the key's plain text, which exists nowhere else from now on */
  async create(
    name: string,
    kind: KeyKind,
    now: number,
    limit: KeyLimit | null = null,
  ): Promise<{ text: string; key: Key }> {
    const text = `${PREFIX}${randomBytes(32).toString('hex')}`;
    const key = await this.#add(text, name, kind, 'created', now, limit);
    return { text, key };
  }

  /** Changes what is not fixed for good; requests in flight complete. @returns undefined when there is no such key */
  async update(hash: string, changes: KeyChanges): Promise<Key | undefined> {
    const known = this.#keys.get(hash);
    if (!known) return undefined;
    const key = { ...known, ...changes };
    this.#keys.set(hash, key);
    await this.#store.putKey(key);
    return key;
  }

  /** What a key may spend in the window of its limit, and has spent of that; undefined without a limit. */
  allowance(hash: string, now: number): KeyAllowance | undefined {
    const limit = this.#keys.get(hash)?.limit;
    if (!limit) return undefined;
    const spent = this.usage(hash, now)[limit.reset ?? 'total'];
    const { reset } = limit;
    return { limit: nanodollars(BigInt(limit.nano)), spent, reset, resetsAt: reset && nextReset(reset, now) };
  }

  /** Makes exactly these keys of the environment valid, and none it no longer names. */
  async adopt(given: readonly { readonly text: string; readonly kind: KeyKind }[], now: number): Promise<void> {
    const hashes = new Set(given.map(({ text }) => hashKey(text)));
    for (const key of this.#keys.values()) {
      if (key.origin === 'environment' && !hashes.has(key.hash)) await this.revoke(key.hash);
    }
    for (const { text, kind } of given) {
      const known = this.#keys.get(hashKey(text));
      if (known?.kind !== kind || known.disabled)
        await this.#add(text, `bootstrap ${kind} key`, kind, 'environment', now, null);
    }
  }

  /** @returns false when there is no such key. Requests in flight complete; the next one is refused. */
  async revoke(hash: string): Promise<boolean> {
    if (!this.#keys.delete(hash)) return false;
    await this.#store.deleteKey(hash);
    return true;
  }

  /** Counts a settled charge towards a key's usage. */
  charged(keyHash: string, charge: bigint, at: number): void {
    const days = this.#daysOf(keyHash);
    const day = Math.floor(at / DAY_MS);
    days.set(day, (days.get(day) ?? 0n) + charge);
  }

  /** All windows are UTC: today, since Monday, since the first (spec/platform 1.8). */
  usage(keyHash: string, now: number): KeyUsage {
    const today = Math.floor(now / DAY_MS);
    const date = new Date(now);
    const monday = today - ((date.getUTCDay() + 6) % 7);
    const first = today - (date.getUTCDate() - 1);
    let [total, daily, weekly, monthly] = [0n, 0n, 0n, 0n];
    for (const [day, charge] of this.#days.get(keyHash) ?? []) {
      total += charge;
      if (day === today) daily += charge;
      if (day >= monday) weekly += charge;
      if (day >= first) monthly += charge;
    }
    return {
      total: nanodollars(total),
      daily: nanodollars(daily),
      weekly: nanodollars(weekly),
      monthly: nanodollars(monthly),
    };
  }

  async #add(
    text: string,
    name: string,
    kind: KeyKind,
    origin: Key['origin'],
    now: number,
    limit: KeyLimit | null,
  ): Promise<Key> {
    const key: Key = {
      hash: hashKey(text),
      label: labelOf(text),
      name,
      kind,
      origin,
      disabled: false,
      createdAt: now,
      limit,
    };
    await this.#store.putKey(key);
    this.#keys.set(key.hash, key);
    return key;
  }

  #daysOf(keyHash: string): Map<number, bigint> {
    let days = this.#days.get(keyHash);
    if (!days) {
      days = new Map();
      this.#days.set(keyHash, days);
    }
    return days;
  }
}

const MISSING = gatewayError('key_missing', 'Missing Authentication header');
const UNKNOWN = gatewayError('key_invalid', 'User not found.');
const DISABLED = gatewayError('key_disabled', 'The API key is disabled.');
