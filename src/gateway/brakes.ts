import { type ErrorCode, type GatewayError, gatewayError } from '../canon/errors.ts';
import type { GenerationRequest } from '../canon/request.ts';
import { add, type Nanodollars, usdNumber, ZERO } from '../money/money.ts';

/** What one session may do at most (docs/extras.md). */
export interface BrakeLimits {
  /** What its answers may have cost. */
  readonly usd?: Nanodollars | undefined;
  /** How long it may have gone on since its first request. */
  readonly seconds?: number | undefined;
  /** How often the same tool may have been called with the same arguments. */
  readonly repeats?: number | undefined;
}

interface Session {
  readonly startedAt: number;
  spent: Nanodollars;
}

const SESSIONS_MAX = 50_000;

/**
 * Stops agents that run away: sessions over a limit are refused before anybody is asked. What was spent is known by what was paid, so
 * requests that run at the same time may go beyond it together. Bounded, and gone with the process.
 */
export class Brakes {
  readonly #standing: BrakeLimits;
  readonly #sessions = new Map<string, Session>();

  /** @param standing the operator's limits, for every session */
  constructor(standing: BrakeLimits) {
    this.#standing = standing;
  }

  /** @param own the caller's limits, which can only be narrower. @returns why the request may not go on */
  refused(
    request: GenerationRequest,
    keyHash: string,
    own: BrakeLimits | undefined,
    now: number,
  ): GatewayError | undefined {
    const { sessionId } = request;
    if (sessionId === undefined)
      return own && gatewayError('invalid_request', 'X-Turnpike-Session-Limit: needs a session_id');
    if (!own && Object.values(this.#standing).every((limit) => limit === undefined)) return undefined;
    const usd = least(this.#standing.usd, own?.usd);
    const seconds = least(this.#standing.seconds, own?.seconds);
    const repeats = least(this.#standing.repeats, own?.repeats);
    const { startedAt, spent } = this.#session(keyHash, sessionId, now);
    if (usd !== undefined && spent >= usd) return braked('session_spend', 'usd', usdNumber(usd), usdNumber(spent));
    const lasted = Math.floor((now - startedAt) / 1000);
    if (seconds !== undefined && lasted >= seconds) return braked('session_time', 'seconds', seconds, lasted);
    const most = repeats === undefined ? 0 : mostRepeated(request);
    if (repeats !== undefined && most > repeats) return braked('session_repeats', 'repeats', repeats, most);
    return undefined;
  }

  /** Counts what an answer cost, for sessions that have limits. */
  charged(keyHash: string, sessionId: string, charge: Nanodollars): void {
    const session = this.#sessions.get(`${keyHash} ${sessionId}`);
    if (session) session.spent = add(session.spent, charge);
  }

  #session(keyHash: string, sessionId: string, now: number): Session {
    const key = `${keyHash} ${sessionId}`;
    const session = this.#sessions.get(key) ?? { startedAt: now, spent: ZERO };
    // Whoever spoke last stands last; who was silent longest is forgotten first.
    this.#sessions.delete(key);
    this.#sessions.set(key, session);
    if (this.#sessions.size > SESSIONS_MAX) this.#sessions.delete(this.#sessions.keys().next().value ?? '');
    return session;
  }
}

function least<T extends bigint | number>(one: T | undefined, other: T | undefined): T | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return one < other ? one : other;
}

const SAYS = {
  session_spend: 'This session has spent what it may',
  session_time: 'This session has gone on for as long as it may',
  session_repeats: 'This session has called the same tool with the same arguments as often as it may',
} as const satisfies Partial<Record<ErrorCode, string>>;

function braked(code: keyof typeof SAYS, name: string, limit: number, current: number): GatewayError {
  return gatewayError(code, `${SAYS[code]}: ${current} of ${limit} (brakes.${name})`, {
    rule: `brakes.${name}`,
    limit,
    current,
    resetsAt: null,
  });
}

/** How often the call stands in the conversation that stands there most often. */
function mostRepeated({ messages }: GenerationRequest): number {
  const counts = new Map<string, number>();
  let most = 0;
  for (const message of messages) {
    if (message.role !== 'assistant') continue;
    for (const call of message.toolCalls) {
      const same = `${call.name} ${plain(call.arguments)}`;
      const count = (counts.get(same) ?? 0) + 1;
      counts.set(same, count);
      if (count > most) most = count;
    }
  }
  return most;
}

/** White space makes no other call. */
function plain(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text));
  } catch {
    return text;
  }
}
