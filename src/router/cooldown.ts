/** A key that was told to wait, or is not taken: left alone until then (spec/reliability U20 to U23). */
export interface Cooldown {
  /** Milliseconds since 1970; 0 where it never was. */
  readonly until: number;
  /** How often in a row. */
  readonly times: number;
  /** When that was said last. */
  readonly at: number;
}

export const WARM: Cooldown = { until: 0, times: 0, at: 0 };

const WAIT_MS_MIN = 100;
const JITTER = 0.1;
const DOUBLINGS_MAX = 20;

export interface CooldownLimits {
  /** The first wait where the provider names none; it doubles each time, up to `growsTo`. */
  readonly firstMs: number;
  readonly growsTo: number;
  /** The longest wait that is believed. */
  readonly msMax: number;
}

/**
 * @param waitMs what the provider asks for, where it does
 * @param random of [0, 1): up to a tenth is added, so that not all come back at once
 */
export function cooled(
  { until, times, at }: Cooldown,
  waitMs: number | undefined,
  { firstMs, growsTo, msMax }: CooldownLimits,
  startedAt: number,
  now: number,
  random: number,
): Cooldown {
  // Those that were under way when the first was refused say the same thing again, and not that it got worse.
  const again = startedAt >= at;
  const count = again ? times + 1 : Math.max(1, times);
  const own = Math.min(growsTo, firstMs * 2 ** Math.min(count - 1, DOUBLINGS_MAX));
  const wait = Math.min(msMax, Math.max(Math.min(WAIT_MS_MIN, msMax), waitMs ?? own) * (1 + JITTER * random));
  return { until: Math.max(until, now + wait), times: count, at: again ? now : at };
}

/** Rests until a time that the provider names although it has not refused anything yet. */
export const rested = (cooldown: Cooldown, until: number): Cooldown =>
  until > cooldown.until ? { ...cooldown, until } : cooldown;

/** An attempt that began after the last refusal was served: it is over. */
export const warmed = (cooldown: Cooldown, startedAt: number): Cooldown =>
  cooldown.times > 0 && startedAt >= cooldown.at ? { ...WARM, until: 0, at: cooldown.at } : cooldown;
