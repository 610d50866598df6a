import { errorRow, type GatewayError } from '../canon/errors.ts';
import type { Candidate } from '../router/candidate.ts';
import type { Failure } from './verdict.ts';

/** After such a failure the same provider is left a moment of peace. */
export const tires = ({ code }: GatewayError): boolean => errorRow(code).health || code === 'upstream_rate_limited';

/** What may be tried after this failure: never what the error table forbids. */
export function remaining(
  others: readonly Candidate[],
  failed: Candidate,
  error: GatewayError,
  failures: readonly Failure[],
): readonly Candidate[] {
  const { next } = errorRow(error.code);
  if (next === 'none') return [];
  if (next === 'endpoint') return others;
  const other = (candidate: Candidate): boolean => candidate.model.id !== failed.model.id;
  if (next === 'once') {
    const again = failures.filter((failure) => failure.error.code === error.code).length > 1;
    if (again) return others.filter(other);
    return others.length > 0 ? others : [failed];
  }
  if (next === 'model') return others.filter((candidate) => other(candidate) && !candidate.onlyWhenIll);
  const window = failed.endpoint.contextLength ?? 0;
  return others.filter(
    (candidate) => (other(candidate) && !candidate.onlyWhenIll) || (candidate.endpoint.contextLength ?? 0) > window,
  );
}
