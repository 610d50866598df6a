import { administer } from '../administration.ts';
import { type Command, parse, show, table, UsageError } from '../command.ts';

const HELP = `Usage: turnpike keys create [--name <name>] [--management] [--json]
       turnpike keys list [--json]
       turnpike keys revoke <hash or label> [--json]

A key is shown once, when it is created. Inference keys run models; management keys administer and never run one.
A revoked key is refused by the next request; requests in flight complete.
`;

export const keys: Command = {
  summary: 'Create, list and revoke API keys',
  help: HELP,
  async run(argv, effects) {
    const { values, positionals } = parse(argv, { name: { type: 'string' }, management: { type: 'boolean' } }, 2);
    const [action, reference] = positionals;
    const json = values.json === true;
    if (action === 'create' && reference === undefined) {
      const kind = values.management ? 'management' : 'inference';
      const name = typeof values.name === 'string' && values.name !== '' ? values.name : `${kind} key`;
      const made = await administer(effects, (administration) => administration.createKey(name, kind));
      show(effects, json, { key: made.text, data: made.key }, made.text);
      return 0;
    }
    if (action === 'list' && reference === undefined) {
      const all = await administer(effects, (administration) => administration.listKeys());
      const rows = all.map((key) => [
        key.label,
        key.kind,
        key.disabled ? 'disabled' : 'active',
        `$${key.usageUsd}`,
        new Date(key.createdAt).toISOString().slice(0, 10),
        key.name,
      ]);
      show(effects, json, { data: all }, table([['LABEL', 'KIND', 'STATE', 'USED', 'CREATED', 'NAME'], ...rows]));
      return 0;
    }
    if (action === 'revoke' && reference !== undefined) {
      const revoked = await administer(effects, (administration) => administration.revokeKey(reference));
      if (!revoked) throw new UsageError(`no single key matches ${reference}`);
      show(effects, json, { revoked: revoked.hash }, `revoked ${revoked.label}`);
      return 0;
    }
    throw new UsageError('keys needs create, list or revoke <hash or label>');
  },
};
