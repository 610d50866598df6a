import { describe, expect, test } from 'bun:test';
import { ERRORS, type ErrorCode, errorRow, gatewayError } from '../canon/errors.ts';
import type { Quirk } from '../canon/target.ts';
import { SERVED_OPERATIONS } from './operations.ts';
import { SERVED } from './registry.ts';

/** Every 4xx of ours says which rule it is, and what the rule allows, in every wire that callers speak. */

const OWN_QUIRKS: ReadonlySet<Quirk> = new Set(['router-answers', 'numeric-error-codes']);
const DIALECTS = [...SERVED, ...SERVED_OPERATIONS];

/** What a provider said is the provider's rule, not ours. */
const PROVIDERS = /upstream|capacity_exhausted/;

const codes = (Object.keys(ERRORS) as ErrorCode[]).filter((code) => errorRow(code).status < 500);
const ours = codes.filter((code) => !PROVIDERS.test(code));

/** The first object in a body that has this member. */
function holder(body: unknown, member: string): Record<string, unknown> | undefined {
  if (typeof body !== 'object' || body === null) return undefined;
  if (member in body) return body as Record<string, unknown>;
  for (const inner of Object.values(body)) {
    const found = holder(inner, member);
    if (found) return found;
  }
  return undefined;
}

describe('refusals name their rule', () => {
  for (const dialect of DIALECTS) {
    const body = (...error: Parameters<typeof gatewayError>): unknown =>
      dialect.encodeError(gatewayError(...error), { quirks: OWN_QUIRKS, origin: 'http://here', id: 'gen-1' }).body;

    test(`${dialect.id} ${dialect.route}`, () => {
      for (const code of ours) {
        expect([code, holder(body(code, 'no'), 'rule')?.rule]).toEqual([code, code]);
        const facts = { rule: 'tokens_max', limit: 0, current: 7, resetsAt: Date.UTC(2026, 0, 2) };
        const told = holder(body(code, 'no', facts), 'rule') ?? {};
        expect([code, told.rule, told.limit, told.current, told.resets_at]).toEqual([
          code,
          'tokens_max',
          0,
          7,
          '2026-01-02T00:00:00.000Z',
        ]);
        expect(holder(body(code, 'no', { ...facts, resetsAt: null }), 'resets_at')?.resets_at).toBeNull();
        for (const member of ['limit', 'current', 'resets_at'])
          expect([code, member, holder(body(code, 'no'), member)]).toEqual([code, member, undefined]);
      }
    });

    test(`${dialect.id} ${dialect.route}: what a provider said is no rule of ours`, () => {
      for (const code of codes.filter((one) => PROVIDERS.test(one)))
        expect([code, holder(body(code, 'no'), 'rule')]).toEqual([code, undefined]);
    });
  }
});
