import { loadConfig } from '../../config/load.ts';
import { type Command, parse } from '../command.ts';
import { compose, type Gateway } from '../compose.ts';
import { listenForCommands, localAdministration } from '../control.ts';
import type { Effects } from '../effects.ts';
import { announce, withdraw } from '../home.ts';
import { createLog } from '../log.ts';
import { pageHandler } from '../pages.ts';
import { watchConfig } from '../reload.ts';
import { catalogueSnapshot } from '../snapshot.ts';
import { readiness, welcome } from '../welcome.ts';

/** Signals closer together than this are one: a terminal and npm both pass the same Ctrl-C on. */
const SAME_SIGNAL_MS = 2000;

/** How long the welcome waits for model servers of this machine to tell what they have. */
const LOOK_MS_MAX = 400;

export const serve: Command = {
  summary: 'Run the gateway, its pages and, without any provider key, the sandbox',
  help: `Usage: turnpike serve [--json]

Serves the API and the pages until SIGTERM or SIGINT; open answers then get up to 30 seconds. SIGHUP, or a change of the file, reads
turnpike.yaml anew; one that is wrong is refused whole.

  --json   print one JSON line when ready instead of the welcome

Configuration comes from the environment (TURNPIKE_PORT, HOST, TURNPIKE_HOME, TURNPIKE_CONFIG, TURNPIKE_API_KEY,
TURNPIKE_MANAGEMENT_KEY, TURNPIKE_SANDBOX, TURNPIKE_LOCAL, LOG_LEVEL, and the providers' own key variables) and from ./turnpike.yaml.
`,
  async run(argv, effects) {
    const { values } = parse(argv, {}, 0);
    const config = loadConfig(effects.environment, effects.cwd);
    const log = createLog(effects.environment.LOG_LEVEL ?? 'info');
    const catalogue = catalogueSnapshot();
    const gateway = await compose({ config, catalogue, effects, log, page: pageHandler });
    const administration = localAdministration({
      keyring: gateway.keyring,
      books: gateway.books,
      clock: effects.clock,
      audit: gateway.audit,
      why: gateway.why,
    });
    const commands = listenForCommands(administration, effects.pid);
    announce(config.home, commands.address);
    if (gateway.recovered > 0)
      log.warn({ generations: gateway.recovered }, 'a crash left generations open; their holds are void');
    // It serves already; only its words wait, so that they can name what runs beside it.
    await Promise.race([gateway.looked, Bun.sleep(LOOK_MS_MAX)]);
    const ready = readiness(gateway, config, effects.pid);
    effects.out(values.json ? `${JSON.stringify(ready)}\n` : welcome(ready, config.bootstrapKey !== undefined));
    const unwatch = watchConfig(effects, log, gateway.reload);
    await stopped(gateway, effects);
    unwatch();
    commands.stop();
    withdraw(config.home);
    return 0;
  },
};

/** Resolves when a signal came and everything open has ended; a second signal, two seconds or more later, ends it in-band at once. */
function stopped(gateway: Gateway, effects: Effects): Promise<void> {
  return new Promise((resolve) => {
    let first: number | undefined;
    effects.onSignal(() => {
      const now = effects.clock.monotonic();
      if (first === undefined) {
        first = now;
        void gateway.stop().then(resolve);
      } else if (now - first >= SAME_SIGNAL_MS) gateway.cut();
    });
  });
}
