import { z } from 'zod';
import { type ErrorCode, type GatewayError, gatewayError } from '../canon/errors.ts';

/**
 * Everything a sandbox host can do wrong, by name (docs/faults.md is this table). `at` is where it strikes:
 * connection = no byte of an answer; answer = an error status instead of one; body = inside a 200; pace = only slower.
 * `next` is what a gateway must make of it: another host, or the caller's own fault and back at once.
 */
interface FaultRow {
  readonly at: 'connection' | 'answer' | 'before-content' | 'mid-stream' | 'body' | 'pace';
  readonly says: string;
  readonly status?: number;
  readonly code?: ErrorCode;
  readonly message?: string;
  readonly providerCode?: string;
  readonly retryAfterSeconds?: number;
  readonly next: 'another host' | 'back at once' | 'in-band error' | 'none';
}

const error = (status: number, code: ErrorCode, message: string, rest: Partial<FaultRow> = {}): FaultRow => ({
  at: 'answer',
  says: `Answers ${status}.`,
  status,
  code,
  message,
  next: 'another host',
  ...rest,
});

export const FAULTS = {
  refuse: {
    at: 'connection',
    says: 'Closes the connection at once, without reading the request or writing a byte.',
    next: 'another host',
  },
  'reset-before-headers': {
    at: 'connection',
    says: 'Reads the request, then closes the connection without a byte.',
    next: 'another host',
  },
  'reset-mid-stream': {
    at: 'mid-stream',
    says: 'Closes the connection in the middle of the answer.',
    next: 'in-band error',
  },
  '400-parameter': error(400, 'upstream_invalid_request', 'Invalid value for parameter temperature.', {
    next: 'back at once',
    providerCode: 'invalid_value',
  }),
  '400-degraded': error(400, 'upstream_overloaded', "Function id 'sandbox': DEGRADED function cannot be invoked"),
  '401': error(401, 'upstream_auth', 'Unauthorized', { providerCode: 'invalid_api_key' }),
  '402': error(402, 'upstream_quota', 'Insufficient credits', { providerCode: 'insufficient_quota' }),
  '403': error(403, 'upstream_forbidden', 'This account may not use this model.'),
  '404': error(404, 'upstream_not_found', 'The model does not exist or is not enabled for this account.'),
  '408': error(408, 'upstream_request_timeout', 'Request timeout'),
  '413': error(413, 'upstream_payload_too_large', 'Request entity too large', { next: 'back at once' }),
  '422': error(422, 'upstream_unprocessable', 'Input should be a valid number', { next: 'back at once' }),
  '429': error(429, 'upstream_rate_limited', 'Too Many Requests', { says: 'Answers 429 without Retry-After.' }),
  '429-retry-after': error(429, 'upstream_rate_limited', 'Too Many Requests', {
    says: 'Answers 429 with Retry-After: 7.',
    retryAfterSeconds: 7,
  }),
  '500': error(500, 'upstream_server', 'Internal server error'),
  '502': error(502, 'upstream_server', 'Bad gateway'),
  '503': error(503, 'upstream_overloaded', 'Service unavailable'),
  '529': error(529, 'upstream_overloaded', 'Overloaded'),
  'stall-before-headers': {
    at: 'connection',
    says: 'Reads the request and stays silent, without headers.',
    next: 'another host',
  },
  'stall-before-content': {
    at: 'before-content',
    says: 'Sends headers and the role, then stays silent.',
    next: 'another host',
  },
  'stall-mid-stream': {
    at: 'mid-stream',
    says: 'Sends a part of the answer, then stays silent.',
    next: 'in-band error',
  },
  truncate: {
    at: 'mid-stream',
    says: 'Ends the body properly in the middle of the answer, without a finish reason or end marker.',
    next: 'in-band error',
  },
  'malformed-frame': {
    at: 'before-content',
    says: 'Sends bytes that are no JSON where an answer should be.',
    next: 'another host',
  },
  'empty-answer': {
    at: 'before-content',
    says: 'Answers 200 with no content and no finish reason.',
    next: 'another host',
  },
  'error-in-200': {
    at: 'body',
    says: 'Answers 200 with an error object as its body or first event.',
    status: 502,
    code: 'upstream_server',
    message: 'Provider returned error',
    next: 'another host',
  },
  latency: { at: 'pace', says: 'Waits `value` milliseconds before its headers.', next: 'none' },
  'tokens-per-second': { at: 'pace', says: 'Streams `value` pieces a second.', next: 'none' },
} as const satisfies Record<string, FaultRow>;

export type FaultId = keyof typeof FAULTS;

export const FAULT_IDS = Object.keys(FAULTS) as readonly FaultId[];

export const faultRow = (id: FaultId): FaultRow => FAULTS[id];

/** Names are taken in any spelling of the table: `reset mid-stream`, `reset_mid_stream` and `Reset-Mid-Stream` are one fault. */
function faultId(name: string): FaultId | undefined {
  const plain = name
    .trim()
    .toLowerCase()
    .replace(/[\s_]+/g, '-')
    .replace('429-with-retry', '429-retry')
    .replace('429-without-retry-after', '429')
    .replace(/^(40[1348]|41[3]|42[29]|50[023]|529)-.*(?<!retry-after)$/, '$1');
  return FAULT_IDS.find((id) => id === plain);
}

/** `POST /_sandbox/faults`, and an entry of `sandbox.faults` in turnpike.yaml. */
const faultWish = z.strictObject({
  fault: z.string().transform((name, context) => {
    const id = faultId(name);
    if (id) return id;
    context.addIssue(`unknown fault; known are ${FAULT_IDS.join(', ')}`);
    return z.NEVER;
  }),
  /** Share of requests it strikes; 1 when left out. */
  probability: z.number().min(0).max(1).optional(),
  /** How many requests it strikes before it is over; without end when left out. */
  count: z.int().min(1).optional(),
  /** Milliseconds for `latency`, pieces a second for `tokens-per-second`. */
  value: z.number().positive().optional(),
});

export type FaultWish = z.infer<typeof faultWish>;

export function parseFault(
  wire: unknown,
): { readonly ok: true; readonly wish: FaultWish } | { readonly ok: false; readonly message: string } {
  const parsed = faultWish.safeParse(wire);
  if (parsed.success) return { ok: true, wish: parsed.data };
  const [issue] = parsed.error.issues;
  return { ok: false, message: `${issue?.path.join('.') || 'body'}: ${issue?.message}` };
}

/** What strikes one request. */
export interface Struck {
  readonly id: FaultId;
  readonly value: number | undefined;
}

/** The faults of one host. The first active one that draws the request strikes it; paces add up with it. */
export class FaultBook {
  readonly #random: () => number;
  #active: { wish: FaultWish; left: number }[] = [];

  constructor(random: () => number) {
    this.#random = random;
  }

  add(wish: FaultWish): void {
    this.#active.push({ wish, left: wish.count ?? Number.POSITIVE_INFINITY });
  }

  clear(): void {
    this.#active = [];
  }

  list(): readonly (FaultWish & { readonly left: number | null })[] {
    return this.#active.map(({ wish, left }) => ({ ...wish, left: Number.isFinite(left) ? left : null }));
  }

  strike(): readonly Struck[] {
    const struck: Struck[] = [];
    let failed = false;
    for (const active of this.#active) {
      const { wish } = active;
      const pace = FAULTS[wish.fault].at === 'pace';
      if (active.left <= 0 || (failed && !pace)) continue;
      if (wish.probability !== undefined && this.#random() >= wish.probability) continue;
      active.left -= 1;
      if (!pace) failed = true;
      struck.push({ id: wish.fault, value: wish.value });
    }
    this.#active = this.#active.filter((active) => active.left > 0);
    return struck;
  }
}

/** The error a fault answers with, in canon; the host's dialect gives it its own shape. */
export function faultError(id: FaultId): GatewayError {
  const row = faultRow(id);
  return gatewayError(row.code ?? 'upstream_server', row.message ?? 'Internal server error', {
    ...(row.status !== undefined && { providerStatus: row.status }),
    ...(row.providerCode !== undefined && { providerCode: row.providerCode }),
  });
}
