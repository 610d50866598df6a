import { type GatewayError, gatewayError } from '../../canon/errors.ts';
import { fail, ok, type Result } from '../../canon/result.ts';
import type { CallOrigin } from '../../gateway/call.ts';
import { parseUsd } from '../../money/money.ts';

/** What the caller switches on or off beyond any wire, by headers that every client can send (docs/extras.md). */
export type Extras = Pick<CallOrigin, 'resume' | 'hedge' | 'sessionLimit'>;

const NONE: Result<Extras, GatewayError> = ok({});

/** @returns `invalid_request` for a value that means nothing: a wish that is not understood is not ignored */
export function extrasOf(headers: Headers): Result<Extras, GatewayError> {
  const resume = headers.get('x-turnpike-resume');
  const hedge = headers.get('x-turnpike-hedge');
  const limit = headers.get('x-turnpike-session-limit');
  if (resume === null && hedge === null && limit === null) return NONE;
  for (const [header, value] of [
    ['X-Turnpike-Resume', resume],
    ['X-Turnpike-Hedge', hedge],
  ] as const)
    if (value !== null && !SWITCH.test(value)) return refused(header, 'must be 1 or 0');
  const sessionLimit = limit === null ? undefined : limitOf(limit);
  if (limit !== null && !sessionLimit)
    return refused(
      'X-Turnpike-Session-Limit',
      'must be like usd=0.50, seconds=600, repeats=3, with one of them or more',
    );
  return ok({
    ...(sessionLimit && { sessionLimit }),
    ...(resume !== null && { resume: isOn(resume) }),
    ...(hedge !== null && { hedge: isOn(hedge) }),
  });
}

const SWITCH = /^\s*[01]\s*$/;

const isOn = (value: string): boolean => value.trim() === '1';

function refused(header: string, problem: string): Result<never, GatewayError> {
  const issues = [{ path: header, message: problem }];
  return fail(gatewayError('invalid_request', `${header}: ${problem}`, { issues }));
}

/** Each name at most once; undefined for anything else. */
function limitOf(text: string): Extras['sessionLimit'] {
  const said = new Map<string, string>();
  for (const part of text.split(',')) {
    const [, name = '', value = ''] = /^\s*(usd|seconds|repeats)\s*=\s*(\d+(?:\.\d+)?)\s*$/.exec(part) ?? [];
    if (name === '' || said.has(name) || (name !== 'usd' && !/^[1-9]\d{0,8}$/.test(value))) return undefined;
    said.set(name, value);
  }
  const usd = said.get('usd');
  const amount = usd === undefined ? undefined : parseUsd(usd);
  if (usd !== undefined && amount === undefined) return undefined;
  const whole = (name: string): number | undefined => (said.has(name) ? Number(said.get(name)) : undefined);
  return { usd: amount, seconds: whole('seconds'), repeats: whole('repeats') };
}
