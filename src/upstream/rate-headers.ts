import { resetMs } from './retry-after.ts';

/** What a provider says of how much more it will take (spec/providers A.3, UP-148). */
export interface RateReading {
  /** Requests that are left until `untilMs` from now. */
  readonly requestsLeft?: number;
  /** Nothing is left until then. */
  readonly exhausted: boolean;
  /** Milliseconds from now. */
  readonly untilMs: number;
}

interface RateHeader {
  readonly remaining: string;
  readonly reset?: string;
  /** How long what is left lasts where no header says so; without either, nothing can be read off it. */
  readonly windowMs?: number;
  readonly requests?: true;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;

/** Providers tell it in families of headers; a new one is a row. */
const HEADERS: readonly RateHeader[] = [
  // OpenAI, Groq, and clouds that run vLLM
  { remaining: 'x-ratelimit-remaining-requests', reset: 'x-ratelimit-reset-requests', requests: true },
  { remaining: 'x-ratelimit-remaining-tokens', reset: 'x-ratelimit-reset-tokens' },
  { remaining: 'x-ratelimit-remaining-project-tokens', reset: 'x-ratelimit-reset-project-tokens' },
  // Anthropic
  { remaining: 'anthropic-ratelimit-requests-remaining', reset: 'anthropic-ratelimit-requests-reset', requests: true },
  { remaining: 'anthropic-ratelimit-tokens-remaining', reset: 'anthropic-ratelimit-tokens-reset' },
  { remaining: 'anthropic-ratelimit-input-tokens-remaining', reset: 'anthropic-ratelimit-input-tokens-reset' },
  { remaining: 'anthropic-ratelimit-output-tokens-remaining', reset: 'anthropic-ratelimit-output-tokens-reset' },
  // Mistral, which names no time, and Cerebras, which does
  { remaining: 'x-ratelimit-remaining-req-minute', windowMs: MINUTE, requests: true },
  {
    remaining: 'x-ratelimit-remaining-tokens-minute',
    reset: 'x-ratelimit-reset-tokens-minute',
    windowMs: MINUTE,
  },
  { remaining: 'x-ratelimit-remaining-requests-day', reset: 'x-ratelimit-reset-requests-day', requests: true },
  // Together
  { remaining: 'x-tokenlimit-remaining', reset: 'x-tokenlimit-reset', windowMs: SECOND },
  // Fireworks
  { remaining: 'x-ratelimit-remaining-tokens-prompt', windowMs: SECOND },
  { remaining: 'x-ratelimit-remaining-tokens-generated', windowMs: SECOND },
  // DigitalOcean
  { remaining: 'x-ratelimit-remaining-tokens-per-minute', reset: 'x-ratelimit-reset-tokens-per-minute' },
  { remaining: 'x-ratelimit-remaining-tokens-per-day', reset: 'x-ratelimit-reset-tokens-per-day' },
  // everybody else, Together among them
  { remaining: 'x-ratelimit-remaining', reset: 'x-ratelimit-reset', requests: true },
  { remaining: 'ratelimit-remaining', reset: 'ratelimit-reset', requests: true },
];

/** Answers after which a provider's headers are looked through anew. */
const LOOK_EVERY = 64;

const known = new WeakMap<object, RateHeaders>();

/**
 * @param route whose answer it is: what it sends is remembered
 * @param now milliseconds since 1970
 * @returns the reading that leaves the least, or undefined where none says anything
 */
export function rateReading(
  route: object,
  { headers, status }: Pick<Response, 'headers' | 'status'>,
  now: number,
): RateReading | undefined {
  let rates = known.get(route);
  if (!rates) {
    rates = new RateHeaders();
    known.set(route, rates);
  }
  return rates.read(headers, status, now);
}

/** Knows which rate headers a provider sends, so that most answers are not searched for those that it does not. */
class RateHeaders {
  #sent: readonly RateHeader[] = [];
  #answers = 0;

  read(headers: Headers, status: number, now: number): RateReading | undefined {
    if (this.#answers++ % LOOK_EVERY === 0 || status === 429)
      this.#sent = HEADERS.filter(({ remaining }) => headers.has(remaining));
    let least: RateReading | undefined;
    for (const row of this.#sent) {
      const reading = readingOf(row, headers, now);
      if (reading && (!least || tighter(reading, least))) least = reading;
    }
    return least;
  }
}

function readingOf(row: RateHeader, headers: Headers, now: number): RateReading | undefined {
  const text = headers.get(row.remaining)?.trim() ?? '';
  const left = text === '' ? Number.NaN : Number(text);
  // Some gateways send -1 for a limit that they do not have.
  if (!(left >= 0)) return undefined;
  const told = row.reset === undefined ? undefined : resetMs(headers.get(row.reset)?.trim() ?? '', now);
  // Minutes that nobody dates are taken for those of the clock.
  const untilMs = told ?? (row.windowMs === undefined ? undefined : row.windowMs - (now % row.windowMs));
  if (untilMs === undefined || !(untilMs > 0)) return undefined;
  const exhausted = left < 1;
  if (!exhausted && !row.requests) return undefined;
  return { exhausted, untilMs, ...(row.requests && { requestsLeft: Math.floor(left) }) };
}

function tighter(a: RateReading, b: RateReading): boolean {
  if (a.exhausted !== b.exhausted) return a.exhausted;
  return a.exhausted ? a.untilMs > b.untilMs : (a.requestsLeft ?? 0) < (b.requestsLeft ?? 0);
}
