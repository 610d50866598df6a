import { randomBytes, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import type { Keyring } from '../accounts/keyring.ts';
import { KEY_RESETS, type Key, type KeyLimit } from '../accounts/ports.ts';
import type { Clock } from '../canon/clock.ts';
import type { Books } from '../ledger/books.ts';
import { formatUsd, type Nanodollars, nanodollars, usdNumber } from '../money/money.ts';
import { type ControlAddress, controlAddress } from './home.ts';

/** What administration can do, whether in this process or in the server's. */
export interface Administration {
  createKey(name: string, kind: Key['kind'], limit: KeyLimit | null): Promise<{ text: string; key: Key }>;
  /** By the same references as below; null takes the limit away. */
  limitKey(reference: string, limit: KeyLimit | null): Promise<Key | undefined>;
  listKeys(): Promise<readonly (Key & { readonly usageUsd: number })[]>;
  /** By hash, or by the beginning of one or of a label that fits exactly one key. */
  revokeKey(reference: string): Promise<Key | undefined>;
  grant(
    amount: Nanodollars,
    ref: string,
  ): Promise<{ readonly outcome: 'written' | 'existed'; readonly balanceUsd: string }>;
  audit(): Promise<readonly string[]>;
  /** Why a request went where it went; null where nothing is known of it, or not yet. */
  why(id: string): Promise<object | null>;
}

/** Administration over this process's own rooms. */
export function localAdministration(rooms: {
  keyring: Keyring;
  books: Books;
  clock: Clock;
  audit: () => Promise<readonly string[]>;
  why: (id: string) => Promise<object | null>;
}): Administration {
  const { keyring, books, clock } = rooms;
  const only = (reference: string): Key | undefined => {
    const found = keyring.list().filter((key) => key.hash.startsWith(reference) || key.label === reference);
    return found.length === 1 ? found[0] : undefined;
  };
  return {
    createKey: (name, kind, limit) => keyring.create(name, kind, clock.now(), limit),
    limitKey: async (reference, limit) => {
      const key = only(reference);
      return key && keyring.update(key.hash, { limit });
    },
    listKeys: async () =>
      keyring.list().map((key) => ({ ...key, usageUsd: usdNumber(keyring.usage(key.hash, clock.now()).total) })),
    revokeKey: async (reference) => {
      const key = only(reference);
      if (key) await keyring.revoke(key.hash);
      return key;
    },
    grant: async (amount, ref) => {
      const outcome = await books.grant(amount, ref, clock.now());
      return { outcome, balanceUsd: formatUsd(books.balance) };
    },
    audit: rooms.audit,
    why: rooms.why,
  };
}

const limit = z.object({ nano: z.string().regex(/^\d{1,18}$/), reset: z.enum(KEY_RESETS).nullable() }).nullable();

const wish = z.discriminatedUnion('do', [
  z.object({
    do: z.literal('create-key'),
    name: z.string().min(1).max(200),
    kind: z.enum(['inference', 'management']),
    limit,
  }),
  z.object({ do: z.literal('limit-key'), reference: z.string().min(4), limit }),
  z.object({ do: z.literal('list-keys') }),
  z.object({ do: z.literal('revoke-key'), reference: z.string().min(4) }),
  z.object({ do: z.literal('grant'), nano: z.string().regex(/^\d{1,19}$/), ref: z.string().min(1).max(200) }),
  z.object({ do: z.literal('audit') }),
  z.object({ do: z.literal('why'), id: z.string().min(1).max(200) }),
  z.object({ do: z.literal('ping') }),
]);

type Wish = z.infer<typeof wish>;

function carryOut(wanted: Wish, administration: Administration): Promise<unknown> {
  switch (wanted.do) {
    case 'create-key':
      return administration.createKey(wanted.name, wanted.kind, wanted.limit);
    case 'limit-key':
      return administration.limitKey(wanted.reference, wanted.limit).then((key) => key ?? null);
    case 'list-keys':
      return administration.listKeys();
    case 'revoke-key':
      return administration.revokeKey(wanted.reference).then((key) => key ?? null);
    case 'grant':
      return administration.grant(nanodollars(BigInt(wanted.nano)), wanted.ref);
    case 'audit':
      return administration.audit();
    case 'why':
      return administration.why(wanted.id);
    case 'ping':
      return Promise.resolve(true);
  }
}

/**
 * The running server's side: a listener of its own on loopback, open only to whoever can read the data folder's token. So a command beside
 * the server changes its memory and its file together, and a revoked key is refused by the next request.
 */
export function listenForCommands(
  administration: Administration,
  pid: number,
): { address: ControlAddress; stop: () => void } {
  const token = randomBytes(32).toString('hex');
  const expected = Buffer.from(`Bearer ${token}`);
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch: async (request) => {
      const given = Buffer.from(request.headers.get('authorization') ?? '');
      if (given.length !== expected.length || !timingSafeEqual(given, expected))
        return new Response('forbidden', { status: 403 });
      const wanted = wish.safeParse(await request.json().catch(() => undefined));
      if (!wanted.success) return Response.json({ error: 'unknown command' }, { status: 400 });
      return Response.json({ value: await carryOut(wanted.data, administration) });
    },
  });
  return { address: { url: `http://127.0.0.1:${server.port}`, token, pid }, stop: () => void server.stop(true) };
}

/** The server's administration as seen from another process; undefined when no server runs over this data folder. */
export async function remoteAdministration(home: string): Promise<Administration | undefined> {
  const address = controlAddress(home);
  if (!address) return undefined;
  const ask = async <T>(wanted: Wish): Promise<T> => {
    const response = await fetch(address.url, {
      method: 'POST',
      headers: { authorization: `Bearer ${address.token}`, 'content-type': 'application/json' },
      body: JSON.stringify(wanted),
      signal: AbortSignal.timeout(10_000),
    });
    if (!response.ok) throw new Error(`the running server refused the command (${response.status})`);
    return ((await response.json()) as { value: T }).value;
  };
  // A file left behind by a killed server answers nobody.
  const alive = await ask({ do: 'ping' }).then(
    () => true,
    () => false,
  );
  if (!alive) return undefined;
  return {
    createKey: (name, kind, limit) => ask({ do: 'create-key', name, kind, limit }),
    limitKey: async (reference, limit) => (await ask<Key | null>({ do: 'limit-key', reference, limit })) ?? undefined,
    listKeys: () => ask({ do: 'list-keys' }),
    revokeKey: async (reference) => (await ask<Key | null>({ do: 'revoke-key', reference })) ?? undefined,
    grant: (amount, ref) => ask({ do: 'grant', nano: amount.toString(), ref }),
    audit: () => ask({ do: 'audit' }),
    why: (id) => ask({ do: 'why', id }),
  };
}
