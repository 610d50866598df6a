import { KEY_RESETS, type Key, type KeyLimit, type KeyReset } from '../../accounts/ports.ts';
import { formatUsd, nanodollars, parseUsd } from '../../money/money.ts';
import { administer } from '../administration.ts';
import { type Command, parse, show, table, UsageError } from '../command.ts';

const HELP = `Usage: turnpike keys create [--name <name>] [--management] [--limit-usd <n>] [--reset daily|weekly|monthly] [--json]
       turnpike keys limit <hash or label> --limit-usd <n>|none [--reset daily|weekly|monthly] [--json]
       turnpike keys list [--json]
       turnpike keys revoke <hash or label> [--json]

A key is shown once, when it is created. Inference keys run models; management keys administer and never run one.
A key with a limit spends no more than that: in all, or with --reset each UTC day, week from Monday, or month.
A revoked key is refused by the next request; requests in flight complete.
`;

const OPTIONS = {
  name: { type: 'string' },
  management: { type: 'boolean' },
  'limit-usd': { type: 'string' },
  reset: { type: 'string' },
} as const;

/** What is said of a limit: undefined for nothing, null for none. */
function limitOf(amount: unknown, reset: unknown): KeyLimit | null | undefined {
  if (amount === undefined) {
    if (reset !== undefined) throw new UsageError('--reset needs --limit-usd');
    return undefined;
  }
  if (amount === 'none' && reset === undefined) return null;
  const nano = parseUsd(String(amount));
  if (nano === undefined || nano < 0n || nano >= 10n ** 18n)
    throw new UsageError('--limit-usd must be an amount in USD, e.g. 25 or 0.50');
  if (reset !== undefined && !(KEY_RESETS as readonly unknown[]).includes(reset))
    throw new UsageError(`--reset must be ${KEY_RESETS.join(', ')}`);
  return { nano: nano.toString(), reset: (reset as KeyReset | undefined) ?? null };
}

function limitText({ limit }: Key): string {
  if (!limit) return 'none';
  const amount = `$${formatUsd(nanodollars(BigInt(limit.nano)))}`;
  return limit.reset ? `${amount} ${limit.reset}` : amount;
}

export const keys: Command = {
  summary: 'Create, limit, list and revoke API keys',
  help: HELP,
  async run(argv, effects) {
    const { values, positionals } = parse(argv, OPTIONS, 2);
    const [action, reference] = positionals;
    const json = values.json === true;
    const limit = limitOf(values['limit-usd'], values.reset);
    if (action === 'create' && reference === undefined) {
      const kind = values.management ? 'management' : 'inference';
      if (limit && kind === 'management') throw new UsageError('a management key spends nothing, so it has no limit');
      const name = typeof values.name === 'string' && values.name !== '' ? values.name : `${kind} key`;
      const made = await administer(effects, (administration) => administration.createKey(name, kind, limit ?? null));
      show(effects, json, { key: made.text, data: made.key }, made.text);
      return 0;
    }
    if (action === 'limit' && reference !== undefined && limit !== undefined) {
      const key = await administer(effects, (administration) => administration.limitKey(reference, limit));
      if (!key) throw new UsageError(`no single key matches ${reference}`);
      show(effects, json, { data: key }, `${key.label} may spend ${limit ? limitText(key) : 'without limit'}`);
      return 0;
    }
    if (limit !== undefined) throw new UsageError('--limit-usd belongs to keys create and keys limit');
    if (action === 'list' && reference === undefined) {
      const all = await administer(effects, (administration) => administration.listKeys());
      const rows = all.map((key) => [
        key.label,
        key.kind,
        key.disabled ? 'disabled' : 'active',
        `$${key.usageUsd}`,
        limitText(key),
        new Date(key.createdAt).toISOString().slice(0, 10),
        key.name,
      ]);
      const head = ['LABEL', 'KIND', 'STATE', 'USED', 'LIMIT', 'CREATED', 'NAME'];
      show(effects, json, { data: all }, table([head, ...rows]));
      return 0;
    }
    if (action === 'revoke' && reference !== undefined) {
      const revoked = await administer(effects, (administration) => administration.revokeKey(reference));
      if (!revoked) throw new UsageError(`no single key matches ${reference}`);
      show(effects, json, { revoked: revoked.hash }, `revoked ${revoked.label}`);
      return 0;
    }
    throw new UsageError('keys needs create, limit <hash or label> --limit-usd, list, or revoke <hash or label>');
  },
};
