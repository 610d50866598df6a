/** The host that has a conversation in its cache. */
export interface StickyHost {
  readonly endpoint: string;
  readonly model: string;
  /** Tokens of the prompt that it said are in its cache: read from there, or written. */
  readonly cached: number;
  /** Milliseconds on the clock of whoever keeps it; only differences matter. */
  readonly expiresAt: number;
}

/** How long a conversation may be silent before its host is forgotten (spec/inference 5.7). */
export const STICKY_IDLE_MS = 600_000;

/**
 * Which host serves which conversation (spec/inference 5.7): a value with a clock of its caller's. The conversations that were silent
 * longest are forgotten first where there are more than fit.
 */
export class StickyHosts {
  readonly #hosts = new Map<string, StickyHost>();
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  get size(): number {
    return this.#hosts.size;
  }

  find(conversation: string, now: number): StickyHost | undefined {
    const host = this.#hosts.get(conversation);
    if (!host || host.expiresAt > now) return host;
    this.#hosts.delete(conversation);
    return undefined;
  }

  /**
   * The conversation was served: its time begins anew. What was bought for longer stays as long as that.
   * @param idleMs how long it may now be silent
   */
  keep(conversation: string, served: Omit<StickyHost, 'expiresAt'>, idleMs: number, now: number): void {
    const before = this.find(conversation, now);
    const bought = before?.endpoint === served.endpoint ? before.expiresAt : now;
    // Whoever spoke last stands last.
    this.#hosts.delete(conversation);
    this.#hosts.set(conversation, { ...served, expiresAt: Math.max(bought, now + idleMs) });
    if (this.#hosts.size <= this.#most) return;
    const [oldest] = this.#hosts.keys();
    if (oldest !== undefined) this.#hosts.delete(oldest);
  }
}
