import { z } from 'zod';
import { type GatewayError, gatewayError } from '../canon/errors.ts';
import type { CacheMark, GenerationRequest, Tool } from '../canon/request.ts';
import { fail, ok, type Result } from '../canon/result.ts';

/** What the ingress halves of all dialects share: how a bad request is named, and the fields of routing that stand in every body. */

const FORBIDDEN_KEYS: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

export const cacheControl = z.object({ type: z.literal('ephemeral'), ttl: z.enum(['5m', '1h']).nullish() }).nullish();

/** OpenAI's mark, which lasts as long as its maker says. */
export const cacheBreakpoint = z.object({ mode: z.literal('explicit') }).nullish();

type MarkWires = {
  cache_control?: z.infer<typeof cacheControl>;
  prompt_cache_breakpoint?: z.infer<typeof cacheBreakpoint>;
};

/** What a part says of the cache, in either maker's words. */
export function cacheMark({ cache_control: mark, prompt_cache_breakpoint: point }: MarkWires): { cache?: CacheMark } {
  if (mark) return { cache: present({ ttl: mark.ttl }) };
  return point ? { cache: {} } : {};
}

const slug = z.string().min(1).max(512);
export const modelSlug = slug;
export const modelSlugs = z.array(slug).max(3, "'models' array must have 3 items or fewer.");
export const sessionId = z.string().max(256, 'may have 256 characters');

export const invalid = (path: string, message: string): GatewayError =>
  gatewayError('invalid_request', `${path}: ${message}`, { issues: [{ path, message }] });

interface Issue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** Where one of several forms was expected, the issue of the form that came closest: the one that goes deepest. */
function nearest(issue: z.core.$ZodIssue, above: readonly PropertyKey[]): Issue {
  const path = [...above, ...issue.path];
  const own = { path, message: issue.message };
  if (issue.code !== 'invalid_union') return own;
  const inner = issue.errors.flatMap((issues) => issues.map((one) => nearest(one, path)));
  return inner.reduce<Issue>((best, one) => (one.path.length > best.path.length ? one : best), own);
}

export function invalidIssues(error: z.ZodError): GatewayError {
  const issues = error.issues
    .slice(0, 10)
    .map((issue) => nearest(issue, []))
    .map(({ path, message }) => ({ path: path.map(String).join('.'), message }));
  const first = issues[0];
  const message = first ? `${first.path === '' ? 'body' : first.path}: ${first.message}` : 'Invalid request parameters';
  return gatewayError('invalid_request', message, { issues });
}

/** Drops what is null or undefined, because in canon an absent wish has no member at all. */
export function present<T extends Record<string, unknown>>(members: T): { [K in keyof T]?: NonNullable<T[K]> } {
  const kept: Record<string, unknown> = {};
  for (const key in members) if (members[key] !== null && members[key] !== undefined) kept[key] = members[key];
  return kept as { [K in keyof T]?: NonNullable<T[K]> };
}

/** Top-level fields outside the dialect's vocabulary, kept for an upstream of the same dialect. */
export function unknownFields(
  wire: Readonly<Record<string, unknown>>,
  known: ReadonlySet<string>,
  dialect: string,
): GenerationRequest['extras'] {
  let extras: Record<string, unknown> | undefined;
  for (const key of Object.keys(wire)) {
    if (known.has(key) || FORBIDDEN_KEYS.has(key)) continue;
    extras ??= {};
    extras[key] = wire[key];
  }
  return extras ? { [dialect]: extras } : {};
}

/**
 * Only the tools that a choice allows: no host can call the others then, whether or not its wire has a word for that.
 * @param names undefined where the choice allows all
 */
export function allowedTools(
  tools: readonly Tool[],
  names: readonly string[] | undefined,
): Result<readonly Tool[], GatewayError> {
  if (!names) return ok(tools);
  const unknown = names.find((name) => !tools.some((tool) => tool.name === name));
  if (unknown !== undefined) return fail(invalid('tool_choice', `allows ${unknown}, which is not among the tools`));
  return ok(tools.filter((tool) => names.includes(tool.name)));
}
