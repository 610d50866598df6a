import { isEffort } from '../canon/request.ts';
import { isQuirk, type Target } from '../canon/target.ts';
import type { Snapshot } from '../catalogue/snapshot.ts';
import type { Endpoint, Provider, SandboxRow } from '../catalogue/types.ts';
import { ConfigError } from '../config/load.ts';
import { wiresOf } from '../dialects/operations.ts';
import { DIALECTS } from '../dialects/registry.ts';
import { price } from '../ledger/price.ts';
import { usdNumber } from '../money/money.ts';
import { answer } from '../sandbox/brain/answer.ts';
import { parseFault } from '../sandbox/faults.ts';
import { SandboxHost } from '../sandbox/host.ts';
import type { SandboxHostSpec, SandboxModel } from '../sandbox/ports.ts';
import type { Effects } from './effects.ts';

/** Where no source says how much a model takes and gives. */
const CONTEXT_UNKNOWN = 131_072;

function sandboxModel(endpoint: Endpoint, snapshot: Snapshot): SandboxModel {
  const model = snapshot.model(endpoint.model);
  const contextLength = endpoint.contextLength ?? model?.contextLength ?? CONTEXT_UNKNOWN;
  const efforts = endpoint.efforts ?? model?.reasoning?.efforts ?? (model?.reasoning ? undefined : []);
  const target: Target = {
    upstreamModel: endpoint.upstreamModel,
    quirks: new Set([...snapshot.abilitiesOf(endpoint).quirks].filter(isQuirk)),
    traits: snapshot.traitsOf(endpoint),
    parameters: snapshot.parameters(endpoint),
    extraFields: new Set(),
    ...(efforts && { efforts: efforts.filter(isEffort) }),
  };
  return {
    upstreamModel: endpoint.upstreamModel,
    contextLength,
    maxOutputTokens: endpoint.maxOutputTokens ?? contextLength,
    target,
    costUsd: (counts) => {
      const { total, prompt, completion } = price(counts, snapshot.rates(endpoint));
      return { cost: usdNumber(total), prompt: usdNumber(prompt), completion: usdNumber(completion) };
    },
  };
}

function specOf(row: SandboxRow, provider: Provider, snapshot: Snapshot): SandboxHostSpec | undefined {
  const dialect = DIALECTS[provider.dialect];
  if (!dialect || provider.base === undefined) return undefined;
  const quirks = new Set(provider.quirks.filter(isQuirk));
  const endpoints = new Map(
    snapshot
      .endpointsAt(provider.id)
      .filter((endpoint) => endpoint.delivery === 'serverless')
      .map((endpoint) => [endpoint.upstreamModel, endpoint]),
  );
  const made = new Map<string, SandboxModel>();
  const model = (name: string): SandboxModel | undefined => {
    const endpoint = endpoints.get(name);
    if (!endpoint) return undefined;
    const known = made.get(name) ?? sandboxModel(endpoint, snapshot);
    made.set(name, known);
    return known;
  };
  return {
    id: provider.id,
    name: provider.name,
    dialect,
    wires: wiresOf(provider.dialect),
    quirks,
    basePath: new URL(provider.base).pathname.replace(/\/$/, ''),
    comment: row.comment,
    idPrefix: row.idPrefix,
    latencyMs: row.latencyMs,
    piecesPerSecond: row.piecesPerSecond,
    model,
    models: () => [...endpoints.keys()].map(model).filter((one) => one !== undefined),
  };
}

export interface RunningSandbox {
  readonly hosts: readonly { readonly host: SandboxHost; readonly port: number; readonly base: string }[];
  close(): void;
}

export interface SandboxWishes {
  /** By provider; any free port where none is given. */
  readonly ports: Readonly<Record<string, number>>;
  /** Faults from the start: `{ provider, fault, probability?, count?, value? }`. */
  readonly faults: readonly unknown[];
}

/** Starts every host the catalogue's sandbox rows name. */
export async function startSandbox(
  snapshot: Snapshot,
  wishes: SandboxWishes,
  effects: Effects,
): Promise<RunningSandbox> {
  const unknown = Object.keys(wishes.ports).find((id) => !snapshot.sandbox.some((row) => row.provider === id));
  if (unknown !== undefined) {
    throw new ConfigError(
      `sandbox.ports.${unknown}: not a sandbox host; known are ${snapshot.sandbox.map((row) => row.provider).join(', ')}`,
    );
  }
  const hosts: { host: SandboxHost; port: number; base: string }[] = [];
  for (const row of snapshot.sandbox) {
    const provider = snapshot.provider(row.provider);
    const spec = provider && specOf(row, provider, snapshot);
    if (!spec) continue;
    const host = new SandboxHost(spec, { brain: answer, random: effects.random, now: effects.clock.now });
    const wanted = wishes.ports[row.provider] ?? 0;
    const port = await host.listen(wanted).catch((error: unknown) => {
      throw new ConfigError(
        `sandbox.ports.${row.provider}: cannot listen on ${wanted}: ${String((error as Error).message)}`,
      );
    });
    hosts.push({ host, port, base: `http://127.0.0.1:${port}${spec.basePath}` });
  }
  for (const [index, wish] of wishes.faults.entries()) injectFault(hosts, wish, `sandbox.faults.${index}`);
  return {
    hosts,
    close: () => {
      for (const { host } of hosts) host.close();
    },
  };
}

function injectFault(hosts: RunningSandbox['hosts'], wish: unknown, at: string): void {
  const { provider, ...rest } = (typeof wish === 'object' && wish !== null ? wish : {}) as { provider?: unknown };
  const target = hosts.find(({ host }) => host.spec.id === provider);
  if (!target)
    throw new ConfigError(`${at}.provider: must be one of ${hosts.map(({ host }) => host.spec.id).join(', ')}`);
  const parsed = parseFault(rest);
  if (!parsed.ok) throw new ConfigError(`${at}.${parsed.message}`);
  target.host.faults.add(parsed.wish);
}
