import type { ErrorFacts } from '../canon/error-facts.ts';
import { type GatewayError, gatewayError } from '../canon/errors.ts';
import { type Nanodollars, subtract, usdNumber, ZERO } from '../money/money.ts';
import type { WorstPrice } from './price.ts';

/** What a key with a limit may spend, and what it has spent of that, at one moment. */
export interface Allowance {
  readonly limit: Nanodollars;
  readonly spent: Nanodollars;
  /** Over what; null for a limit that is never reset. */
  readonly reset: 'daily' | 'weekly' | 'monthly' | null;
  /** Milliseconds since 1970. */
  readonly resetsAt: number | null;
}

/** What a reservation would have come to. */
export interface Asked {
  readonly worst: WorstPrice;
  readonly outputTokens: number;
  /** Where to buy credit, for the error's text. */
  readonly origin: string;
}

/** Where money for a request comes from, and how a client gets more. */
interface Source {
  readonly limitSource: string;
  /** Begins the names of its rules. */
  readonly rule: string;
  readonly remedy: string;
  readonly page: string;
  readonly resetsAt?: number | null;
}

const CREDITS: Source = {
  limitSource: 'openrouter_credits',
  rule: 'credits',
  remedy: 'Add credit with `turnpike credits grant`',
  page: 'credits',
};
const keySource = ({ resetsAt }: Allowance): Source => ({
  limitSource: 'openrouter_key_limit',
  rule: 'key_limit',
  remedy: 'Raise the limit of the key with `turnpike keys limit`',
  page: 'settings/keys',
  resetsAt,
});

/** How soon somebody in flight may have ended. */
const IN_FLIGHT_RETRY_MS = 1000;

/** The balance is used up, which even a request that costs nothing is told (spec/inference 4.4). */
export const creditsShort = (origin: string, balance: Nanodollars): GatewayError =>
  gatewayError('credits_short', `Insufficient credits. Add more using ${origin}/credits`, {
    limitSource: CREDITS.limitSource,
    remedyHint: `${CREDITS.remedy}.`,
    rule: CREDITS.rule,
    limit: usdNumber(balance),
  });

/** A key has spent all it may. */
export function keyLimitSpent({ limit, spent, reset, resetsAt }: Allowance, origin: string): GatewayError {
  const scope = reset ?? 'total';
  return gatewayError(
    'key_limit_spent',
    `Key limit exceeded (${scope} limit). Manage it using ${origin}/settings/keys`,
    {
      limitSource: 'openrouter_key_limit',
      rule: 'key_limit',
      budget: { scope, limitUsd: usdNumber(limit), spendUsd: usdNumber(spent) },
      limit: usdNumber(limit),
      current: usdNumber(spent),
      resetsAt,
    },
  );
}

/** More is wanted than the balance has. */
export function balanceShort(asked: Asked, balance: Nanodollars, held: Nanodollars): GatewayError {
  return balance <= 0n ? creditsShort(asked.origin, balance) : short(asked, balance, held, CREDITS);
}

/** More is wanted than the key may still spend. */
export function keyShort(asked: Asked, allowance: Allowance, held: Nanodollars): GatewayError {
  const left = subtract(allowance.limit, allowance.spent);
  return left <= 0n ? keyLimitSpent(allowance, asked.origin) : short(asked, left, held, keySource(allowance));
}

/** More would be reserved at once than the operator allows. What is more than that alone would never be let in. */
export function budgetShort({ worst }: Asked, budget: Nanodollars, held: Nanodollars): GatewayError {
  const alone = worst.total > budget;
  const message = alone
    ? 'This request may cost more than may be in flight at once. Lower max_tokens.'
    : 'Requests in flight may cost as much as is allowed at once. Retry shortly.';
  return inFlight(message, {
    rule: 'credits.in_flight_usd',
    limit: usdNumber(budget),
    current: usdNumber(alone ? worst.total : ((held + worst.total) as Nanodollars)),
    ...(!alone && { retryAfterMs: IN_FLIGHT_RETRY_MS }),
  });
}

const inFlight = (message: string, facts: ErrorFacts): GatewayError =>
  gatewayError('in_flight_budget', message, { limitSource: 'openrouter_in_flight_budget', ...facts });

/** Which 402 it is, with the figures a client needs to help itself (spec/inference 4.4). */
function short(
  { worst, outputTokens, origin }: Asked,
  left: Nanodollars,
  held: Nanodollars,
  from: Source,
): GatewayError {
  const remaining = left > held ? subtract(left, held) : ZERO;
  const reset = from.resetsAt === undefined ? {} : { resetsAt: from.resetsAt };
  if (worst.total <= left)
    return inFlight('Insufficient credits for this request while others are in flight. Retry shortly.', {
      remedyHint: 'Requests in flight hold the rest; retry shortly.',
      retryAfterMs: IN_FLIGHT_RETRY_MS,
      rule: from.rule,
      limit: usdNumber(remaining),
      current: usdNumber(worst.total),
    });
  const facts = { limitSource: from.limitSource, remedyHint: `${from.remedy}, or lower max_tokens.`, ...reset };
  const advice = `${from.remedy} at ${origin}/${from.page}`;
  if (worst.prompt > remaining || worst.perOutputToken === 0n) {
    const most = worst.perPromptToken === 0n ? 0n : (remaining * 1000n) / worst.perPromptToken;
    const message = `Prompt tokens limit exceeded: ${worst.promptTokens} > ${most}. ${advice}`;
    const own = { rule: `${from.rule}_prompt_tokens`, limit: Number(most), current: worst.promptTokens };
    return gatewayError('prompt_unaffordable', message, { ...facts, ...own });
  }
  const affordable = ((remaining - worst.prompt) * 1000n) / worst.perOutputToken;
  return gatewayError(
    'request_unaffordable',
    `This request requires more credits, or fewer max_tokens. You requested up to ${outputTokens} tokens, but can only afford ${affordable}. ${advice}`,
    { ...facts, rule: `${from.rule}_max_tokens`, limit: Number(affordable), current: outputTokens },
  );
}
