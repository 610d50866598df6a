import { type ErrorCode, type GatewayError, gatewayError } from '../canon/errors.ts';
import type { RefusalRow } from '../ledger/ports.ts';
import type { Plan } from '../router/candidate.ts';
import type { PlanInput } from '../router/plan.ts';
import { orderDigest, type PlanRecord, type Witness } from '../router/record.ts';

/** What is kept of a plan beside the generation, so that it can be explained and replayed. */
export interface KeptPlan extends PlanRecord {
  /** Tells whether a replay came to the same: absent where the request was refused. */
  readonly digest?: number;
  /** Hosts that were left out because they could not be told everything. */
  readonly inexact?: readonly string[];
}

/**
 * @param made by the planner
 * @param kept of it, where some hosts were left out after it
 */
export function keptPlan(witness: Witness, input: PlanInput, made?: Plan, kept: Plan | undefined = made): KeptPlan {
  const record = witness.record(input, made?.routed);
  if (!made) return record;
  const left = kept === made ? undefined : new Set(kept?.candidates.map(({ endpoint }) => endpoint.id));
  const inexact = left && made.candidates.map(({ endpoint }) => endpoint.id).filter((id) => !left.has(id));
  return { ...record, digest: orderDigest(made), ...(inexact && inexact.length > 0 && { inexact }) };
}

/** What is kept of a refusal: never what was in the request. */
export interface RefusalRecord {
  readonly error: {
    readonly code: ErrorCode;
    readonly message: string;
    readonly rule?: string;
    readonly limit?: number;
    readonly current?: number;
    readonly resetsAt?: number | null;
  };
  readonly plan?: KeptPlan;
}

const MESSAGE_LENGTH_MAX = 500;

export function refusalRow(
  { id, acceptedAt, keyHash }: { readonly id: string; readonly acceptedAt: number; readonly keyHash: string },
  { code, message, facts: { rule, limit, current, resetsAt } }: GatewayError,
  plan: KeptPlan | undefined,
): RefusalRow {
  const record: RefusalRecord = {
    error: {
      code,
      message: message.slice(0, MESSAGE_LENGTH_MAX),
      ...(rule !== undefined && { rule }),
      ...(limit !== undefined && { limit }),
      ...(current !== undefined && { current }),
      ...(resetsAt !== undefined && { resetsAt }),
    },
    ...(plan && { plan }),
  };
  return { id, keyHash, createdAt: acceptedAt, document: { ...record } };
}

/** The error once more. */
export function refusalError({ error: { code, message, ...facts } }: RefusalRecord): GatewayError {
  return gatewayError(code, message, facts);
}
