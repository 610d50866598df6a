import type { Quirk } from '../../src/canon/target.ts';
import { DIALECTS } from '../../src/dialects/registry.ts';
import { type GatewayOptions, RunningGateway } from './gateway.ts';
import { ProviderHosts } from './provider-hosts.ts';
import { provider } from './world.ts';

/** A host for each wire that we call, and for each way in which hosts speak the most common one. */
export interface WireHost {
  readonly id: string;
  readonly dialect: string;
  readonly quirks: readonly Quirk[];
  /** What it is called there: for some wires the name tells what a model takes. */
  readonly upstreamModel: string;
  /** What the wire cannot carry. */
  readonly lacks: ReadonlySet<'tools' | 'forced calls' | 'thoughts' | 'schema'>;
}

const WAYS: readonly (Partial<WireHost> & { readonly id: string })[] = [
  { id: 'openai-chat', quirks: ['usage-opt-in', 'reasoning-content', 'reasoning-replay'] },
  { id: 'openai-chat-router', dialect: 'openai-chat', quirks: ['router-answers', 'reasoning-object'] },
  {
    id: 'openai-chat-chunks',
    dialect: 'openai-chat',
    quirks: ['thinking-chunks', 'whole-tool-calls', 'usage-in-finish'],
  },
  { id: 'openai-chat-tags', dialect: 'openai-chat', quirks: ['think-tags', 'usage-opt-in'] },
  { id: 'anthropic-messages', upstreamModel: 'claude-opus-4-6' },
  { id: 'gemini-generate', upstreamModel: 'gemini-2.5-flash' },
  { id: 'gemini-generate-3', dialect: 'gemini-generate', upstreamModel: 'gemini-3-pro' },
  { id: 'bedrock-converse', upstreamModel: 'anthropic.claude-opus-4-6-v1:0' },
  { id: 'ollama-chat', lacks: new Set(['forced calls']) },
  { id: 'openai-completions', quirks: ['usage-opt-in'], lacks: new Set(['tools', 'thoughts', 'schema']) },
];

/** Every dialect is here, whether or not it has a row above. */
export const WIRE_HOSTS: readonly WireHost[] = [
  ...WAYS,
  ...Object.keys(DIALECTS)
    .filter((id) => !WAYS.some((way) => way.id === id))
    .map((id) => ({ id })),
].map((way): WireHost => ({ dialect: way.id, quirks: [], upstreamModel: 'm', lacks: new Set(), ...way }));

export const modelAt = ({ id }: WireHost): string => `loop/${id}`;

/** A gateway with all of them for its providers, each with a model of its own. */
export async function everyWire(options: GatewayOptions = {}): Promise<{
  readonly gateway: RunningGateway;
  /** Where a host listens. */
  base(id: string): string;
  stop(): Promise<void>;
}> {
  const rows = WIRE_HOSTS.map(({ id, dialect, quirks }) => provider(id, { dialect, quirks: [...quirks] }));
  const hosts = new ProviderHosts(rows);
  const providers = Object.fromEntries(
    WIRE_HOSTS.map((host, index) => {
      const row = rows[index];
      if (!row) throw new Error(`no row for ${host.id}`);
      const endpoint = {
        model: modelAt(host),
        upstream_model: host.upstreamModel,
        context_length: 100_000,
        max_completion_tokens: 50_000,
        pricing: { prompt: '0.000001', completion: '0.000002' },
      };
      const { dialect, quirks } = host;
      return [host.id, { dialect, quirks, base_url: hosts.base(row), api_key: 'sk-any', endpoints: [endpoint] }];
    }),
  );
  const gateway = await RunningGateway.start({ ...options, config: JSON.stringify({ providers }) });
  return {
    gateway,
    base: (id) => hosts.base(rows.find((row) => row.id === id) ?? provider(id)),
    stop: async () => {
      await gateway.stop();
      hosts.close();
    },
  };
}
