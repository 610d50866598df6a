import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { z } from 'zod';
import { NO_POLICY, type RoutingPolicy } from '../canon/policy.ts';
import { Secret } from '../canon/secret.ts';
import { type Nanodollars, nanodollars } from '../money/money.ts';
import { LIMITS, type LimitId, type Limits } from './limits.ts';
import { nearest } from './nearest.ts';
import { type ConfigFile, configFile, type ModelConfig, type ProviderConfig } from './schema.ts';

/** The operator's mistake in one sentence; the process ends with exit code 2. */
export class ConfigError extends Error {}

type SandboxMode = 'auto' | 'on' | 'off';

/** Environment and file as one frozen value; nothing else reads either. */
export interface Config {
  readonly host: string;
  readonly port: number;
  readonly bodyBytesMax: number;
  /** Absolute. */
  readonly home: string;
  readonly defaultModel: string;
  /** The most that everything in flight may cost together. */
  readonly inFlightMax: Nanodollars | undefined;
  /** How often free models may be asked, where that is limited. */
  readonly freeModels: { readonly perMinute: number; readonly perDay: number; readonly perDayPaid: number } | undefined;
  readonly creditsMode: 'prepaid' | 'unlimited' | undefined;
  readonly initialCredit: Nanodollars;
  readonly sandbox: SandboxMode;
  readonly sandboxPorts: Readonly<Record<string, number>>;
  readonly sandboxFaults: readonly unknown[];
  /** Whether to look for model servers on this machine: for all that are known, or for some; undefined leaves it to the circumstances. */
  readonly discover: boolean | readonly string[] | undefined;
  /** Where model servers run that do not run where they usually do. */
  readonly localServers: Readonly<Record<string, string>>;
  readonly discoverEveryMs: number;
  readonly providers: Readonly<Record<string, ProviderConfig>>;
  readonly limits: Limits;
  /** Where media may be fetched from although it is inside. */
  readonly mediaOrigins: ReadonlySet<string>;
  /** Tokens are counted by a tokenizer, where an estimate would do. */
  readonly exactTokens: boolean;
  readonly seed: number | undefined;
  /** What one session may do at most. */
  readonly brakes: {
    readonly usd: Nanodollars | undefined;
    readonly seconds: number | undefined;
    readonly repeats: number | undefined;
  };
  /** When a second host is asked as well. */
  readonly hedging: {
    readonly on: boolean;
    readonly afterMs: number | undefined;
    readonly share: number;
    readonly addedMax: Nanodollars;
  };
  /** Whether another host goes on where a stream breaks off, unless a request says otherwise. */
  readonly resume: boolean;
  /** What the operator asks of every request's routing. */
  readonly policy: RoutingPolicy;
  /** The operator's word on models, by slug. */
  readonly models: Readonly<Record<string, ModelConfig>>;
  readonly bootstrapKey: Secret | undefined;
  readonly bootstrapManagementKey: Secret | undefined;
  /** A provider's key by its conventional variable; empty counts as absent. */
  environmentSecret(name: string): Secret | undefined;
  /** A credential that stands in the file. */
  secret(text: string): Secret;
}

export type Environment = Readonly<Record<string, string | undefined>>;

const DEFAULT_PORT = 8484;
const BODY_BYTES_MAX = 33_554_432;
const KEY_LENGTH_MIN = 20;
const DISCOVER_EVERY_MS = 30_000;
const HEDGED_PERCENT_MAX = 5;
const HEDGED_USD_MAX = nanodollars(10_000_000n);
const INITIAL_CREDIT = nanodollars(10_000_000_000n);

/**
 * Reads the environment and, where there is one, the configuration file.
 * @throws ConfigError with one sentence that names the key, variable or file
 */
export function loadConfig(environment: Environment, cwd: string): Config {
  const value = (name: string): string | undefined => environment[name]?.trim() || undefined;
  const file = readFile(value('TURNPIKE_CONFIG'), cwd, environment);
  return Object.freeze({
    host: value('HOST') ?? file.server?.host ?? '127.0.0.1',
    port: portOf(value, 'TURNPIKE_PORT') ?? portOf(value, 'PORT') ?? file.server?.port ?? DEFAULT_PORT,
    bodyBytesMax: file.server?.body_bytes_max ?? BODY_BYTES_MAX,
    home: resolve(cwd, value('TURNPIKE_HOME') ?? '.turnpike'),
    defaultModel: file.default_model ?? 'mistralai/mistral-small-2603',
    creditsMode: file.credits?.mode,
    initialCredit: file.credits?.initial_usd ?? INITIAL_CREDIT,
    inFlightMax: file.credits?.in_flight_usd,
    freeModels: file.free_models && {
      perMinute: file.free_models.per_minute ?? 20,
      perDay: file.free_models.per_day ?? 50,
      perDayPaid: file.free_models.per_day_paid ?? 1000,
    },
    sandbox: sandboxMode(value('TURNPIKE_SANDBOX')),
    sandboxPorts: file.sandbox?.ports ?? {},
    sandboxFaults: file.sandbox?.faults ?? [],
    discover: onOrOff(value('TURNPIKE_LOCAL'), 'TURNPIKE_LOCAL') ?? file.local?.discover,
    localServers: file.local?.servers ?? {},
    discoverEveryMs: file.local?.every_ms ?? DISCOVER_EVERY_MS,
    providers: file.providers ?? {},
    limits: limitsOf(file),
    mediaOrigins: new Set(file.media?.origins?.map((origin) => new URL(origin).origin)),
    seed: file.routing?.seed,
    resume: file.resume ?? false,
    brakes: { usd: file.brakes?.usd, seconds: file.brakes?.seconds, repeats: file.brakes?.repeats },
    hedging: {
      on: file.hedging?.enabled ?? false,
      afterMs: file.hedging?.after_ms,
      share: (file.hedging?.percent_max ?? HEDGED_PERCENT_MAX) / 100,
      addedMax: file.hedging?.added_usd_max ?? HEDGED_USD_MAX,
    },
    policy: policyOf(file),
    models: file.models ?? {},
    exactTokens: file.tokens?.counter === 'exact',
    bootstrapKey: bootstrap(value, 'TURNPIKE_API_KEY'),
    bootstrapManagementKey: bootstrap(value, 'TURNPIKE_MANAGEMENT_KEY'),
    secret: (text: string) => new Secret(text),
    environmentSecret: (name: string) => {
      const text = value(name);
      return text === undefined ? undefined : new Secret(text);
    },
  });
}

function policyOf({ routing }: ConfigFile): RoutingPolicy {
  if (!routing) return NO_POLICY;
  const { seed: _drawn, ...policy } = routing;
  return policy;
}

type Read = (name: string) => string | undefined;

function portOf(value: Read, name: string): number | undefined {
  const text = value(name);
  if (text === undefined) return undefined;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (!(port <= 65_535)) throw new ConfigError(`${name} must be a port from 0 to 65535, not ${JSON.stringify(text)}`);
  return port;
}

function sandboxMode(text: string | undefined): SandboxMode {
  if (text === undefined) return 'auto';
  if (text === 'auto' || text === 'on' || text === 'off') return text;
  throw new ConfigError(`TURNPIKE_SANDBOX must be auto, on or off, not ${JSON.stringify(text)}`);
}

function onOrOff(text: string | undefined, name: string): boolean | undefined {
  if (text === undefined) return undefined;
  if (text === 'on' || text === 'off') return text === 'on';
  throw new ConfigError(`${name} must be on or off, not ${JSON.stringify(text)}`);
}

function bootstrap(value: Read, name: string): Secret | undefined {
  const text = value(name);
  if (text === undefined) return undefined;
  if (text.length < KEY_LENGTH_MIN) throw new ConfigError(`${name} must have ${KEY_LENGTH_MIN} characters or more`);
  if (/[\r\n\0]/.test(text)) throw new ConfigError(`${name} must be on one line`);
  return new Secret(text);
}

function limitsOf(file: ConfigFile): Limits {
  return Object.fromEntries(
    (Object.keys(LIMITS) as LimitId[]).map((id) => [id, file.limits?.[id] ?? LIMITS[id].default]),
  ) as Limits;
}

const DEFAULT_FILE = 'turnpike.yaml';

/** Where the configuration file stands, or would. */
export const configPath = (environment: Environment, cwd: string): string =>
  resolve(cwd, environment.TURNPIKE_CONFIG?.trim() || DEFAULT_FILE);

function readFile(named: string | undefined, cwd: string, environment: Environment): ConfigFile {
  const path = resolve(cwd, named ?? DEFAULT_FILE);
  if (!existsSync(path)) {
    if (named !== undefined) throw new ConfigError(`TURNPIKE_CONFIG names ${named}, which does not exist`);
    return {};
  }
  const label = named ?? DEFAULT_FILE;
  let wire: unknown;
  try {
    wire = Bun.YAML.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new ConfigError(`${label} cannot be read: ${String((error as Error).message)}`);
  }
  const parsed = configFile.safeParse(interpolate(wire ?? {}, environment, label, ''));
  if (parsed.success) return parsed.data;
  throw new ConfigError(`${label}: ${describe(parsed.error)}`);
}

/** `"${NAME}"` and `"${NAME:-default}"` inside strings, before anything is validated. */
function interpolate(value: unknown, environment: Environment, label: string, path: string): unknown {
  if (Array.isArray(value))
    return value.map((item, index) => interpolate(item, environment, label, `${path}.${index}`));
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [key, interpolate(inner, environment, label, `${path}.${key}`)]),
    );
  }
  if (typeof value !== 'string') return value;
  return value.replace(/\$\{([A-Za-z0-9_]+)(?::-([^}]*))?\}/g, (_match, name: string, fallback: string | undefined) => {
    const found = environment[name];
    if (found !== undefined && found !== '') return found;
    if (fallback !== undefined) return fallback;
    throw new ConfigError(`${label}: ${path.slice(1)} needs the environment variable ${name}, which is not set`);
  });
}

/** The keys that stand where an unknown one was found, read off the schema itself. */
function knownKeys(path: readonly PropertyKey[]): readonly string[] {
  let schema: unknown = configFile;
  for (const key of path) {
    schema = unwrap(schema);
    const definition = (schema as { def?: { shape?: Record<string, unknown>; valueType?: unknown; element?: unknown } })
      .def;
    schema = definition?.shape?.[String(key)] ?? definition?.valueType ?? definition?.element;
  }
  const shape = (unwrap(schema) as { def?: { shape?: Record<string, unknown> } } | undefined)?.def?.shape;
  return Object.keys(shape ?? {});
}

function unwrap(schema: unknown): unknown {
  let inner = schema;
  while ((inner as { def?: { innerType?: unknown } } | undefined)?.def?.innerType)
    inner = (inner as { def: { innerType: unknown } }).def.innerType;
  return inner;
}

function describe(error: z.ZodError): string {
  const [issue] = error.issues;
  if (!issue) return 'is not valid';
  const at = issue.path.map(String).join('.');
  if (issue.code === 'unrecognized_keys') {
    const [key = ''] = issue.keys;
    const near = nearest(key, knownKeys(issue.path));
    return `unknown key ${at === '' ? '' : `${at}.`}${key}${near ? `; did you mean ${near}?` : `; known are ${knownKeys(issue.path).join(', ')}`}`;
  }
  return `${at === '' ? 'the file' : at}: ${issue.message}`;
}
