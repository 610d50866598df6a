import { randomUUID } from 'node:crypto';
import { parseUsd } from '../../money/money.ts';
import { administer } from '../administration.ts';
import { type Command, parse, show, UsageError } from '../command.ts';

export const credits: Command = {
  summary: 'Grant prepaid credit',
  help: `Usage: turnpike credits grant <usd> [--ref <name>] [--json]

Adds credit. With --ref the same grant, repeated, counts once.
`,
  async run(argv, effects) {
    const { values, positionals } = parse(argv, { ref: { type: 'string' } }, 2);
    const [action, text] = positionals;
    const amount = parseUsd(text ?? '');
    if (action !== 'grant' || text === undefined) throw new UsageError('credits needs grant <usd>');
    if (amount === undefined || amount <= 0n) throw new UsageError(`${text} is not an amount in USD above zero`);
    const ref = typeof values.ref === 'string' && values.ref !== '' ? `ref:${values.ref}` : `cli:${randomUUID()}`;
    const { outcome, balanceUsd } = await administer(effects, (administration) => administration.grant(amount, ref));
    const said = outcome === 'written' ? `granted $${text}` : `already granted as ${String(values.ref)}`;
    show(effects, values.json === true, { outcome, balance_usd: balanceUsd }, `${said}; the balance is $${balanceUsd}`);
    return 0;
  },
};
