import { loadConfig } from '../../config/load.ts';
import { type Command, parse, show } from '../command.ts';
import { startSandbox } from '../sandbox-hosts.ts';
import { catalogueSnapshot } from '../snapshot.ts';

export const sandbox: Command = {
  summary: 'Run only the sandbox: providers over real sockets that fail on demand',
  help: `Usage: turnpike sandbox [--json]

Starts the sandbox's hosts and prints their base URLs. Give an app one of them as its provider's base URL, and any key.
Make it fail: curl -X POST <host>/_sandbox/faults -d '{"fault":"429","probability":0.5}'; clear with -X DELETE.
The faults are listed in docs/faults.md; ports come from sandbox.ports in turnpike.yaml.
`,
  async run(argv, effects) {
    const { values } = parse(argv, {}, 0);
    const config = loadConfig(effects.environment, effects.cwd);
    const running = await startSandbox(
      catalogueSnapshot(),
      { ports: config.sandboxPorts, faults: config.sandboxFaults },
      effects,
    );
    const hosts = running.hosts.map(({ host, base, port }) => ({
      id: host.spec.id,
      name: host.spec.name,
      base_url: base,
      port,
      faults_url: `http://127.0.0.1:${port}/_sandbox/faults`,
    }));
    const text = [
      'The sandbox is ready:',
      '',
      ...hosts.map((host) => `  ${host.name.padEnd(20)} ${host.base_url}`),
      '',
      '  Faults: POST {"fault": "429"} to /_sandbox/faults on a host’s port; DELETE clears.',
      '',
    ].join('\n');
    show(effects, values.json === true, { ready: true, hosts }, text);
    await new Promise<void>((resolve) => effects.onSignal(() => resolve()));
    running.close();
    return 0;
  },
};
