import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Operation } from '../canon/request.ts';
import type { DataPolicy } from '../catalogue/data-policy.ts';
import { endOfLife } from '../catalogue/lifetime.ts';
import { localRows } from '../catalogue/local-models.ts';
import { customModel, customProvider, type Overlay, withOverlay } from '../catalogue/overlay.ts';
import { readPricing } from '../catalogue/pricing-object.ts';
import { parseRouter, type Router } from '../catalogue/routers.ts';
import type { Snapshot } from '../catalogue/snapshot.ts';
import type { FoundServer } from '../catalogue/sources/local-servers.ts';
import { endpointIdOf } from '../catalogue/tags.ts';
import type { Endpoint, Model, Provider, State } from '../catalogue/types.ts';
import { mediaOfOwn, overlaid } from '../catalogue/wire-media.ts';
import { type Config, ConfigError } from '../config/load.ts';
import { nearest } from '../config/nearest.ts';
import type { EndpointConfig, ModelConfig, PricingConfig, ProviderConfig } from '../config/schema.ts';
import { wireOf } from '../dialects/operations.ts';
import { DIALECTS } from '../dialects/registry.ts';
import type { Roads } from '../gateway/ports.ts';
import type { ProviderRoute } from '../upstream/route.ts';
import { routeOf } from './provider-route.ts';

/** States of a price that a bill can be made from. */
const BILLABLE: ReadonlySet<State> = new Set([
  'listed',
  'free',
  'local',
  'trial_quota',
  'plan_included',
  'stale',
  'disputed',
]);

/** Stands where a day does for what nobody looked up. */
const OPERATORS_WORD = 'turnpike.yaml';

/** What models of a kind are asked for. */
const OPERATION_OF: Readonly<Record<string, Operation['kind']>> = { embeddings: 'embeddings', rerank: 'rerank' };

/** Where a sandbox host listens, by provider. */
export type SandboxBases = ReadonlyMap<string, string>;

/** The catalogue with the operator's own rows, and a road to every provider they configured. */
export interface Configured {
  readonly snapshot: Snapshot;
  readonly routes: ReadonlyMap<string, ProviderRoute>;
}

/** @throws ConfigError for a provider that is neither in the catalogue nor complete */
export function configure(config: Config, catalogue: Snapshot, now: () => number): Configured {
  const overlay = overlayOf(config, catalogue);
  const snapshot = withOverlay(catalogue, overlay);
  const routes = new Map<string, ProviderRoute>();
  for (const provider of snapshot.providers) {
    const route = routeOf(provider, config, now);
    if (route) routes.set(provider.id, route);
  }
  return { snapshot, routes };
}

function overlayOf(config: Config, catalogue: Snapshot): Overlay {
  const providers: Provider[] = [];
  const endpoints: Endpoint[] = [];
  const models: Model[] = [];
  const said = (id: string): Partial<Model> => saidOf(config.models[id]);
  for (const [id, own] of Object.entries(config.providers)) {
    const provider = providerOf(id, own, catalogue);
    providers.push(provider);
    for (const [index, row] of (own.endpoints ?? []).entries()) {
      endpoints.push(endpointOf(provider, row, `providers.${id}.endpoints.${index}`));
      const known = catalogue.model(row.model);
      if (!known && !models.some((model) => model.id === row.model))
        models.push({
          ...customModel(row.model, row.name, row.context_length, row.output_modalities),
          ...said(row.model),
        });
    }
  }
  for (const id of Object.keys(config.models)) {
    const known = catalogue.model(id);
    if (known) models.push({ ...known, ...said(id) });
    else if (!models.some((model) => model.id === id)) throw new ConfigError(unknownModel(id, catalogue));
  }
  return {
    providers,
    models,
    routers: ownRouters(config.home),
    endpoints: endpoints.map((endpoint) => ({
      ...endpoint,
      model: catalogue.model(endpoint.model)?.id ?? endpoint.model,
    })),
  };
}

/** The operator's word on a model, over every source's. */
function saidOf(own: ModelConfig | undefined): Partial<Model> {
  if (!own) return {};
  return {
    ...(own.hidden !== undefined && { hidden: own.hidden }),
    ...(own.expiration_date !== undefined && { ends: endOfLife(own.expiration_date) }),
    ...(own.successor !== undefined && { successor: own.successor }),
    ...(own.distillable !== undefined && { distillable: own.distillable }),
  };
}

function unknownModel(id: string, catalogue: Snapshot): string {
  const near = nearest(
    id,
    catalogue.models.map((model) => model.id),
  );
  return `models.${id} is neither in the catalogue nor at one of your providers${near ? `; did you mean ${near}?` : ''}`;
}

/** Tables of routers that the operator keeps beside the data; they replace ours of the same slug (docs/routers.md). */
function ownRouters(home: string): readonly Router[] {
  const folder = join(home, 'routers');
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith('.toml'))
    .sort()
    .map((name) => {
      const file = join(folder, name);
      try {
        return parseRouter(file, readFileSync(file, 'utf8'));
      } catch (error) {
        throw new ConfigError((error as Error).message);
      }
    });
}

function providerOf(id: string, own: ProviderConfig, catalogue: Snapshot): Provider {
  const known = catalogue.provider(id);
  const overrides = {
    ...(own.name !== undefined && { name: own.name }),
    ...(own.quirks && { quirks: own.quirks, ownQuirks: true }),
    ...(own.cancellation !== undefined && { cancellation: own.cancellation }),
    ...(own.data_policy && { policy: policyOf(own.data_policy, known?.policy) }),
    ...(own.auth !== undefined && {
      auth:
        own.auth === 'bearer' ? ({ kind: 'bearer' } as const) : ({ kind: 'header', name: own.auth.header } as const),
    }),
  };
  if (own.dialect !== undefined && !(own.dialect in DIALECTS)) {
    throw new ConfigError(
      `providers.${id}.dialect: ${own.dialect} is not spoken; known are ${Object.keys(DIALECTS).join(', ')}`,
    );
  }
  if (known)
    return {
      ...known,
      ...overrides,
      headers: { ...known.headers, ...own.headers },
      media: own.dialect === undefined ? overlaid(known.media, own.media) : mediaOfOwn(own.dialect, own.media),
      ...(own.dialect !== undefined && { dialect: own.dialect }),
    };
  if (own.base_url === undefined) {
    const near = nearest(
      id,
      catalogue.providers.map((provider) => provider.id),
    );
    throw new ConfigError(
      `providers.${id} is not in the catalogue${near ? ` (did you mean ${near}?)` : ''}; a provider of your own needs a base_url`,
    );
  }
  const [firstDialect = ''] = Object.keys(DIALECTS);
  const dialect = own.dialect ?? firstDialect;
  return customProvider({
    id,
    name: own.name ?? id,
    dialect,
    // Servers of one wire list their models at one address.
    listModels: catalogue.providers.find((one) => one.kind === 'local' && one.dialect === dialect)?.listModels,
    base: own.base_url,
    auth: { kind: 'bearer' },
    headers: own.headers ?? {},
    quirks: [],
    cancellation: true,
    media: mediaOfOwn(own.dialect ?? firstDialect, own.media),
    ...overrides,
  });
}

/** What the operator has agreed with a provider, or knows of one of their own, over what its pages say. */
function policyOf(own: NonNullable<ProviderConfig['data_policy']>, known: DataPolicy | undefined): DataPolicy {
  const { zeroRetention: _usual, ...rest } = known ?? {
    regions: [],
    passesOn: false,
    source: [],
    checked: OPERATORS_WORD,
  };
  return {
    ...rest,
    ...(own.own_machine && { source: 'own-machine' as const }),
    ...(own.trains_on_prompts !== undefined && { trainsOnPrompts: own.trains_on_prompts }),
    ...(own.regions && { regions: own.regions }),
    ...(own.zero_retention === undefined
      ? known?.zeroRetention && { zeroRetention: known.zeroRetention }
      : { zeroRetention: own.zero_retention ? ('default' as const) : ('never' as const) }),
  };
}

function endpointOf(provider: Provider, row: EndpointConfig, at: string): Endpoint {
  return {
    id: endpointIdOf({ provider: provider.id, ...row }),
    provider: provider.id,
    model: row.model,
    ...(row.flavour !== undefined && { flavour: row.flavour }),
    upstreamModel: row.upstream_model,
    ...pricesOf(row.pricing, at),
    parameters: row.supported_parameters ?? 'all',
    delivery: 'serverless',
    ...(row.context_length !== undefined && { contextLength: row.context_length }),
    ...(row.quantization !== undefined && { quantization: row.quantization }),
    ...(row.max_completion_tokens !== undefined && { maxOutputTokens: row.max_completion_tokens }),
  };
}

/** The same with what runs on the operator's machines now. */
export function withLocal({ snapshot, routes }: Configured, found: readonly FoundServer[]): Configured {
  const local = found.flatMap(({ provider, base }): ProviderRoute[] => {
    const known = routes.get(provider.id);
    const { auth, headers } = provider;
    return known ? [] : [{ providerId: provider.id, base, auth, headers, sandbox: false }];
  });
  return {
    snapshot: withOverlay(snapshot, localRows(found, snapshot)),
    routes: new Map([...routes, ...local.map((route) => [route.providerId, route] as const)]),
  };
}

/** An operator's own endpoint costs nothing where nothing is said of its price. */
function pricesOf(
  pricing: PricingConfig | undefined,
  at: string,
): Pick<Endpoint, 'rates' | 'overrides' | 'priceState'> {
  if (!pricing) return { rates: {}, priceState: 'free' };
  try {
    return readPricing(pricing);
  } catch (error) {
    throw new ConfigError(`${at}.pricing.${(error as Error).message}`);
  }
}

/** Roads to real providers. */
export function realRoads({ snapshot, routes }: Configured, config: Config): Roads {
  return {
    snapshot,
    routes,
    defaultModel: config.defaultModel,
    policy: config.policy,
    unroutable: unroutable(snapshot, routes, noRoad),
  };
}

const noRoad = (provider: Provider): string => {
  if (provider.kind === 'local') return 'not running here';
  const [variable] = provider.keyEnv;
  return variable === undefined ? 'not configured' : `not configured (set ${variable})`;
};

/**
 * Roads to the sandbox's hosts, and to model servers that were found beside it: those have models of their own, so that nothing of the
 * sandbox is ever answered by one or the other by chance.
 */
export function sandboxRoads({ snapshot, routes: real }: Configured, bases: SandboxBases, config: Config): Roads {
  const routes = new Map<string, ProviderRoute>();
  for (const [id, route] of real) if (snapshot.provider(id)?.kind === 'local' && !bases.has(id)) routes.set(id, route);
  for (const [id, base] of bases) {
    const provider = snapshot.provider(id);
    if (provider)
      routes.set(id, {
        providerId: id,
        base,
        auth: provider.auth,
        headers: provider.headers,
        sandbox: true,
        credential: config.secret('sandbox'),
      });
  }
  return {
    snapshot,
    routes,
    defaultModel: config.defaultModel,
    policy: config.policy,
    unroutable: unroutable(snapshot, routes, () => 'not part of the sandbox'),
  };
}

function unroutable(
  snapshot: Snapshot,
  routes: ReadonlyMap<string, ProviderRoute>,
  missing: (provider: Provider) => string,
): Roads['unroutable'] {
  return (provider, endpoint) => {
    if (!routes.has(provider.id)) return missing(provider);
    if (!(provider.dialect in DIALECTS)) return `speaks ${provider.dialect}, which this gateway does not yet`;
    const operation = OPERATION_OF[snapshot.model(endpoint.model)?.outputModalities[0] ?? ''];
    if (operation && !wireOf(provider.dialect, operation)) return `cannot be asked for ${operation} yet`;
    if (endpoint.delivery === 'gpu_hour' || !BILLABLE.has(endpoint.priceState)) return 'no price per token is known';
    return undefined;
  };
}
