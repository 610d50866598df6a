import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { FoundServer } from '../../catalogue/sources/local-servers.ts';
import { loadConfig } from '../../config/load.ts';
import { administer } from '../administration.ts';
import { type Command, parse, show, table } from '../command.ts';
import { DATABASE } from '../compose.ts';
import { remoteAdministration } from '../control.ts';
import { lookOnce } from '../local-servers.ts';
import { configure } from '../roads.ts';
import { catalogueSnapshot } from '../snapshot.ts';

interface Finding {
  readonly check: string;
  readonly ok: boolean;
  readonly says: string;
}

const REQUESTS_VARIABLE = 'BUN_CONFIG_MAX_HTTP_REQUESTS';

const serversText = (found: readonly FoundServer[]): string =>
  found.map(({ provider, base, models }) => `${provider.name} at ${base}: ${models.length} models`).join('; ') ||
  'none found on this machine';

export const doctor: Command = {
  summary: 'Check configuration, catalogue, books and environment',
  help: `Usage: turnpike doctor [--json]

Reads the configuration, the catalogue and the data folder and audits the books: every balance against its entries.
Exit code 1 when something is wrong.
`,
  async run(argv, effects) {
    const { values } = parse(argv, {}, 0);
    const config = loadConfig(effects.environment, effects.cwd);
    const catalogue = catalogueSnapshot();
    const { routes, snapshot } = configure(config, catalogue, effects.clock.now);
    const local = await lookOnce(config, snapshot, effects);
    const findings: Finding[] = [
      { check: 'configuration', ok: true, says: `${routes.size} providers configured; data folder ${config.home}` },
      {
        check: 'catalogue',
        ok: true,
        says: `${catalogue.models.length} models, ${catalogue.providers.length} providers, as of ${catalogue.asOf}`,
      },
    ];
    findings.push({ check: 'model servers', ok: true, says: serversText(local) });
    const running = (await remoteAdministration(config.home)) !== undefined;
    findings.push({ check: 'server', ok: true, says: running ? 'running' : 'not running' });
    if (running || existsSync(join(config.home, DATABASE))) {
      const breaches = await administer(effects, (administration) => administration.audit());
      findings.push({
        check: 'books',
        ok: breaches.length === 0,
        says: breaches.length === 0 ? 'every balance equals its entries' : breaches.join('; '),
      });
    } else findings.push({ check: 'books', ok: true, says: 'none yet' });
    const requests = Number(effects.environment[REQUESTS_VARIABLE] ?? 256);
    findings.push({
      check: 'upstream requests',
      ok: requests > 256,
      says:
        requests > 256
          ? `up to ${requests} at once`
          : `at most 256 at once: start with ${REQUESTS_VARIABLE}=65535 in the environment`,
    });
    const text = table(findings.map(({ check, ok, says }) => [ok ? 'ok' : 'WRONG', check, says]));
    show(effects, values.json === true, { ok: findings.every((finding) => finding.ok), findings }, text);
    return findings.every((finding) => finding.ok) ? 0 : 1;
  },
};
