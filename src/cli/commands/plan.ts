import { statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { loadSnapshot } from '../../catalogue/load.ts';
import type { Snapshot } from '../../catalogue/snapshot.ts';
import { loadConfig } from '../../config/load.ts';
import type { Past } from '../../gateway/why.ts';
import { formatUsd, nanodollars } from '../../money/money.ts';
import { StoreReader } from '../../store/sqlite/reader.ts';
import { type Command, parse, show, table, UsageError } from '../command.ts';
import { DATABASE } from '../compose.ts';
import type { Effects } from '../effects.ts';
import { installation, pastOf } from '../installation.ts';
import { catalogueSnapshot } from '../snapshot.ts';
import { type WhatIf, whatIf } from '../what-if.ts';

const HOUR_MS = 3_600_000;
const CHANGES = 3;

export const plan: Command = {
  summary: 'Show what a changed configuration or catalogue would do to the requests of the last day',
  help: `Usage: turnpike plan [--config <new.yaml>] [--catalogue <file or folder>] [--hours <n>] [--json]

Replays the recorded requests of the last 24 hours, refused ones too, with the configuration and the catalogue as they are and as they
would be, and compares which host is asked first, what the recorded tokens cost there, and what is refused. Asks no host for an answer and writes
nothing; the gateway may run or not. --catalogue is a built catalogue.json, or a folder that has one.

Exit code: 0 nothing changes, 3 something changes; 1 and 2 as everywhere.
`,
  async run(argv, effects) {
    const options = { config: { type: 'string' }, catalogue: { type: 'string' }, hours: { type: 'string' } } as const;
    const { values } = parse(argv, options, 0);
    const text = (name: 'config' | 'catalogue'): string | undefined =>
      typeof values[name] === 'string' ? values[name] : undefined;
    if (text('config') === undefined && text('catalogue') === undefined)
      throw new UsageError('plan needs --config or --catalogue: what would change');
    const hours = typeof values.hours === 'string' ? Number(values.hours) : 24;
    if (!(hours > 0)) throw new UsageError('--hours must be a number above zero');
    const config = loadConfig(effects.environment, effects.cwd);
    const changed = text('config');
    const next =
      changed === undefined
        ? config
        : loadConfig({ ...effects.environment, TURNPIKE_CONFIG: resolve(effects.cwd, changed) }, effects.cwd);
    const catalogue = catalogueSnapshot();
    const other = text('catalogue');
    const before = await installation(config, catalogue, effects);
    const after = await installation(next, other === undefined ? catalogue : catalogueAt(other, effects), effects);
    const reader = StoreReader.open(join(config.home, DATABASE));
    try {
      const since = effects.clock.now() - hours * HOUR_MS;
      const sum = whatIf(ended(reader, since), before, after);
      show(effects, values.json === true, jsonOf(sum, hours), textOf(sum, hours));
      return sum.changes.length > 0 ? CHANGES : 0;
    } finally {
      reader.close();
    }
  },
};

/** One by one: a busy day is more than memory should hold. */
function* ended(reader: StoreReader, since: number): Generator<Past> {
  for (const one of reader.since(since)) {
    const past = pastOf(one);
    if (past) yield past;
  }
}

function catalogueAt(place: string, { cwd }: Effects): Snapshot {
  const path = resolve(cwd, place);
  const info = statSync(path, { throwIfNoEntry: false });
  if (!info) throw new UsageError(`--catalogue: there is no ${place}`);
  return loadSnapshot(info.isDirectory() ? join(path, 'catalogue.json') : path);
}

const usd = (nano: bigint): string => formatUsd(nanodollars(nano));

const jsonOf = (sum: WhatIf, hours: number): unknown => ({
  hours,
  requests: sum.requests,
  unplanned: sum.unplanned,
  unchanged: sum.unchanged,
  rerouted: sum.rerouted,
  newly_refused: sum.newlyRefused,
  newly_served: sum.newlyServed,
  cost_before_usd: usd(sum.costBefore),
  cost_after_usd: usd(sum.costAfter),
  changes: sum.changes.map(({ model, from, to, requests, costBefore, costAfter }) => ({
    model,
    from,
    to,
    requests,
    cost_before_usd: usd(costBefore),
    cost_after_usd: usd(costAfter),
  })),
});

function textOf(sum: WhatIf, hours: number): string {
  const lines = [
    `${sum.requests} requests of the last ${hours} h replayed${sum.unplanned > 0 ? `, ${sum.unplanned} without a plan left out` : ''}.`,
    `${sum.unchanged} stay as they are, ${sum.rerouted} go elsewhere, ${sum.newlyRefused} would be refused, ${sum.newlyServed} would no longer be.`,
    `Estimated cost of what was used: $${usd(sum.costBefore)} before, $${usd(sum.costAfter)} after.`,
  ];
  if (sum.changes.length === 0) return `${lines.join('\n')}\n`;
  const rows = sum.changes.map(({ model, from, to, requests, costBefore, costAfter }) => [
    String(requests),
    model,
    from,
    to,
    `$${usd(costBefore)}`,
    `$${usd(costAfter)}`,
  ]);
  return `${lines.join('\n')}\n\n${table([['REQUESTS', 'MODEL', 'FROM', 'TO', 'COST', 'THEN'], ...rows])}`;
}
