import { type GatewayError, gatewayError } from '../../canon/errors.ts';
import { fail, ok, type Result } from '../../canon/result.ts';
import type { CallOrigin } from '../../gateway/call.ts';

/** What the caller switches on or off beyond any wire, by headers that every client can send (docs/extras.md). */
export type Extras = Pick<CallOrigin, 'resume' | 'hedge'>;

const NONE: Result<Extras, GatewayError> = ok({});

/** @returns `invalid_request` for a value that means nothing: a wish that is not understood is not ignored */
export function extrasOf(headers: Headers): Result<Extras, GatewayError> {
  const resume = headers.get('x-turnpike-resume');
  const hedge = headers.get('x-turnpike-hedge');
  if (resume === null && hedge === null) return NONE;
  for (const [header, value] of [
    ['X-Turnpike-Resume', resume],
    ['X-Turnpike-Hedge', hedge],
  ] as const)
    if (value !== null && !SWITCH.test(value)) return refused(header, 'must be 1 or 0');
  return ok({ ...(resume !== null && { resume: isOn(resume) }), ...(hedge !== null && { hedge: isOn(hedge) }) });
}

const SWITCH = /^\s*[01]\s*$/;

const isOn = (value: string): boolean => value.trim() === '1';

function refused(header: string, problem: string): Result<never, GatewayError> {
  const issues = [{ path: header, message: problem }];
  return fail(gatewayError('invalid_request', `${header}: ${problem}`, { issues }));
}
