import { type GatewayError, gatewayError } from '../../canon/errors.ts';
import { fail, ok, type Result } from '../../canon/result.ts';
import type { CallOrigin } from '../../gateway/call.ts';

/** What the caller switches on or off beyond any wire, by headers that every client can send (docs/extras.md). */
export type Extras = Pick<CallOrigin, 'resume'>;

const NONE: Result<Extras, GatewayError> = ok({});

/** @returns `invalid_request` for a value that means nothing: a wish that is not understood is not ignored */
export function extrasOf(headers: Headers): Result<Extras, GatewayError> {
  const resume = headers.get('x-turnpike-resume');
  if (resume === null) return NONE;
  const resumes = switched(resume);
  if (resumes === undefined) return refused('X-Turnpike-Resume', 'must be 1 or 0');
  return ok({ resume: resumes });
}

function switched(value: string): boolean | undefined {
  const text = value.trim();
  return text === '1' || text === '0' ? text === '1' : undefined;
}

function refused(header: string, problem: string): Result<never, GatewayError> {
  const issues = [{ path: header, message: problem }];
  return fail(gatewayError('invalid_request', `${header}: ${problem}`, { issues }));
}
