import type { Env, Hono } from 'hono';
import { z } from 'zod';
import type { KeyChanges } from '../../accounts/keyring.ts';
import { KEY_RESETS, type Key, type KeyLimit, type KeyReset } from '../../accounts/ports.ts';
import { DEFAULT_WORKSPACE } from '../../accounts/presets.ts';
import { type GatewayError, gatewayError } from '../../canon/errors.ts';
import { fail, ok, type Result } from '../../canon/result.ts';
import { type Nanodollars, nanodollars, parseUsd } from '../../money/money.ts';
import { baseUrlOf, receive } from '../inference/chat.ts';
import type { HttpPorts } from '../ports.ts';
import { errorResponse, json, unknownResource } from '../respond.ts';
import { spendingJson } from './account.ts';

/** `/keys` (spec/platform 6.2): inference keys, administered by management keys and by nobody else. */

type Json = Record<string, unknown>;

const PAGE = 100;
const USD_MAX = 1_000_000_000;

const usd = z.number().nonnegative().max(USD_MAX).transform(nano).nullable();
/** What is not here: asking for it is refused, saying that it is not asked for is not. */
const absent = (what: string): z.ZodType<null | undefined> => z.null(`${what} is not available here`).optional();

const limits = {
  limit: usd.optional(),
  limit_reset: z.enum(KEY_RESETS).nullable().optional(),
  include_byok_in_limit: z.literal(false, 'there are no keys of callers at providers here').nullish(),
};
const creation = z.looseObject({
  name: z.string().min(1).max(200),
  ...limits,
  expires_at: absent('expires_at'),
  creator_user_id: absent('creator_user_id'),
  workspace_id: z.literal(DEFAULT_WORKSPACE, 'there is one workspace here').nullish(),
});
const update = z.looseObject({
  name: z.string().min(1).max(200).optional(),
  disabled: z.boolean().optional(),
  ...limits,
});

/** JSON numbers are exact to the nano-dollar in this range. */
function nano(dollars: number): Nanodollars {
  return parseUsd(dollars.toFixed(9)) ?? nanodollars(0n);
}

const limitOf = (amount: Nanodollars | null, reset: KeyReset | null): KeyLimit | null =>
  amount === null ? null : { nano: amount.toString(), reset };

/** The amount and the window change apart: a window without an amount is kept for nobody. */
function limitAfter(key: Key, { limit, limit_reset }: z.infer<typeof update>): Pick<KeyChanges, 'limit'> {
  if (limit === undefined && limit_reset === undefined) return {};
  const amount = limit === undefined ? (key.limit ? nanodollars(BigInt(key.limit.nano)) : null) : limit;
  return { limit: limitOf(amount, limit_reset === undefined ? (key.limit?.reset ?? null) : limit_reset) };
}

const time = (ms: number): string => new Date(ms).toISOString();

function managedJson(key: Key, { keyring, gateway }: HttpPorts): Json {
  return {
    hash: key.hash,
    label: key.label,
    name: key.name,
    disabled: key.disabled,
    workspace_id: DEFAULT_WORKSPACE,
    creator_user_id: null,
    created_at: time(key.createdAt),
    updated_at: null,
    expires_at: null,
    ...spendingJson(key, keyring, gateway.clock.now()),
  };
}

type Answer = Result<Json, GatewayError>;

async function bodyOf<T>(request: Request, schema: z.ZodType<T>, ports: HttpPorts): Promise<Result<T, GatewayError>> {
  const received = await receive(request, ports);
  if (!received.ok) return received;
  const parsed = schema.safeParse(received.value.value);
  if (parsed.success) return ok(parsed.data);
  const issues = parsed.error.issues.slice(0, 10).map(({ path, message }) => ({ path: path.join('.'), message }));
  return fail(gatewayError('invalid_request', `${issues[0]?.path || 'body'}: ${issues[0]?.message}`, { issues }));
}

function list(request: Request, ports: HttpPorts): Answer {
  const { searchParams } = new URL(request.url);
  const offset = searchParams.get('offset') ?? '0';
  if (!/^\d{1,9}$/.test(offset)) return fail(gatewayError('invalid_request', 'offset: must be a whole number'));
  const all = searchParams.get('include_disabled') === 'true';
  const keys = ports.keyring.list().filter(({ kind, disabled }) => kind === 'inference' && (all || !disabled));
  return ok({ data: keys.slice(Number(offset), Number(offset) + PAGE).map((key) => managedJson(key, ports)) });
}

async function create(request: Request, ports: HttpPorts): Promise<Answer> {
  const body = await bodyOf(request, creation, ports);
  if (!body.ok) return body;
  const { name, limit = null, limit_reset = null } = body.value;
  const now = ports.gateway.clock.now();
  const made = await ports.keyring.create(name, 'inference', now, limitOf(limit, limit_reset));
  return ok({ data: managedJson(made.key, ports), key: made.text });
}

async function change(request: Request, key: Key, ports: HttpPorts): Promise<Answer> {
  const body = await bodyOf(request, update, ports);
  if (!body.ok) return body;
  const { name, disabled } = body.value;
  const changes = { ...(name !== undefined && { name }), ...(disabled !== undefined && { disabled }) };
  const changed = await ports.keyring.update(key.hash, { ...changes, ...limitAfter(key, body.value) });
  return changed ? ok({ data: managedJson(changed, ports) }) : fail(unknownResource('Key'));
}

const PRIVATE_CACHE = { 'cache-control': 'private, no-store' };

export function keyRoutes<Bindings extends Env>(app: Hono<Bindings>, ports: HttpPorts): void {
  const managed = async (request: Request, work: () => Answer | Promise<Answer>, status = 200): Promise<Response> => {
    const caller = ports.keyring.authenticate(request.headers.get('authorization'));
    const allowed = caller.ok && caller.value.kind === 'management';
    const answer = allowed ? await work() : fail(caller.ok ? MANAGEMENT_ONLY : caller.error);
    return answer.ok ? json(answer.value, PRIVATE_CACHE, status) : errorResponse(answer.error, baseUrlOf(request));
  };
  const of = (hash: string, work: (key: Key) => Answer | Promise<Answer>): Answer | Promise<Answer> => {
    const key = ports.keyring.key(hash);
    return key?.kind === 'inference' ? work(key) : fail(unknownResource('Key'));
  };
  app.get('/keys', (c) => managed(c.req.raw, () => list(c.req.raw, ports)));
  app.post('/keys', (c) => managed(c.req.raw, () => create(c.req.raw, ports), 201));
  app.get('/keys/:hash', (c) =>
    managed(c.req.raw, () => of(c.req.param('hash'), (key) => ok({ data: managedJson(key, ports) }))),
  );
  app.patch('/keys/:hash', (c) =>
    managed(c.req.raw, () => of(c.req.param('hash'), (key) => change(c.req.raw, key, ports))),
  );
  app.delete('/keys/:hash', (c) =>
    managed(c.req.raw, () =>
      of(c.req.param('hash'), async (key) => {
        await ports.keyring.revoke(key.hash);
        return ok({ deleted: true });
      }),
    ),
  );
}

const MANAGEMENT_ONLY = gatewayError('management_key_required', 'Only management keys can perform this operation');
