import type { Config } from '../config/load.ts';
import type { Gateway } from './compose.ts';

/** The page everything began with. */
export const FIRST_MODEL = 'mistralai/mistral-small-2603';

interface ReadyProvider {
  readonly id: string;
  readonly name: string;
  /** `local`: a model server that runs beside the gateway. */
  readonly mode: 'real' | 'sandbox' | 'local';
  readonly base_url: string;
}

export interface Ready {
  readonly ready: true;
  readonly url: string;
  readonly api: string;
  readonly page: string;
  readonly pid: number;
  readonly home: string;
  /** Only when it was just made. */
  readonly key?: string;
  readonly key_label: string | null;
  readonly default_model: string;
  readonly credits: string;
  readonly providers: readonly ReadyProvider[];
}

export function readiness(gateway: Gateway, config: Config, pid: number): Ready {
  const providers = [...gateway.roads.routes.values()].map(
    ({ providerId, base, sandbox }): ReadyProvider => ({
      id: providerId,
      name: gateway.roads.snapshot.provider(providerId)?.name ?? providerId,
      mode: sandbox ? 'sandbox' : gateway.found.has(providerId) ? 'local' : 'real',
      base_url: base,
    }),
  );
  const label = gateway.keyring.list().find((key) => key.kind === 'inference' && !key.disabled)?.label ?? null;
  const { snapshot } = gateway.roads;
  const hosts = providers.filter(({ id }) => snapshot.endpointsOf(FIRST_MODEL).some(({ provider }) => provider === id));
  const host = hosts.find(({ id }) => snapshot.provider(id)?.kind === 'aggregator') ?? hosts[0];
  return {
    ready: true,
    url: gateway.url,
    api: `${gateway.url}/api/v1`,
    page: `${gateway.url}/models/${FIRST_MODEL}${host ? `/on/${host.id}` : ''}`,
    pid,
    home: config.home,
    ...(gateway.createdKey !== undefined && { key: gateway.createdKey }),
    key_label: label,
    default_model: config.defaultModel,
    credits: gateway.books.mode,
    providers,
  };
}

/** What a newcomer reads: an address, a key, a line to paste, and whether anything here is real. */
export function welcome(ready: Ready, keyFromEnvironment: boolean): string {
  const key = ready.key ?? (keyFromEnvironment ? '$TURNPIKE_API_KEY' : '$TURNPIKE_KEY');
  const shown = ready.key
    ? `${ready.key}   (shown once: keep it)`
    : keyFromEnvironment
      ? 'the one in TURNPIKE_API_KEY'
      : `${ready.key_label ?? 'none'}   (put it into TURNPIKE_KEY; turnpike keys create makes another)`;
  const sandbox = ready.providers.filter((provider) => provider.mode === 'sandbox');
  const real = ready.providers.filter((provider) => provider.mode === 'real');
  const local = ready.providers.filter((provider) => provider.mode === 'local');
  const width = Math.max(0, ...ready.providers.map(({ name }) => name.length));
  const listed = (label: string, list: readonly ReadyProvider[]): readonly string[] =>
    list.map(
      ({ name, base_url }, index) => `  ${(index === 0 ? label : '').padEnd(8)} ${name.padEnd(width)}  ${base_url}`,
    );
  const lines = [
    `Turnpike is ready at ${ready.url}`,
    '',
    `  API      ${ready.api}   (Anthropic's clients: ${ready.url}/api, Google's: ${ready.url})`,
    `  Key      ${shown}`,
    `  Page     ${ready.page}`,
    ...listed('Real', real),
    ...listed('Local', local),
    ...listed('Sandbox', sandbox),
    ...(ready.providers.length === 0
      ? ['  No provider is configured: set one of their keys, e.g. OPENROUTER_API_KEY, or TURNPIKE_SANDBOX=auto']
      : []),
    '',
    '  Try it:',
    `  curl -N ${ready.api}/chat/completions -H "Authorization: Bearer ${key}" -H "Content-Type: application/json" \\`,
    `    -d '{"model":"${ready.default_model}","stream":true,"messages":[{"role":"user","content":"Hello!"}]}'`,
    '',
  ];
  return `${lines.join('\n')}\n`;
}
