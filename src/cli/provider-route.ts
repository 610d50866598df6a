import { readFileSync } from 'node:fs';
import type { Secret } from '../canon/secret.ts';
import type { Provider } from '../catalogue/types.ts';
import { type Config, ConfigError } from '../config/load.ts';
import { awsSigner } from '../upstream/aws.ts';
import { googleSigner, serviceAccount } from '../upstream/google.ts';
import type { ProviderRoute, Signer } from '../upstream/route.ts';
import { clientSigner } from '../upstream/tokens.ts';

type Read = (name: string) => string | undefined;

const amazonRegion = (read: Read): string | undefined => read('AWS_REGION') ?? read('AWS_DEFAULT_REGION');

/** Amazon's domain follows from the region (spec/providers A.1.a). */
function amazonDomain(read: Read): string | undefined {
  const region = amazonRegion(read);
  if (region?.startsWith('cn-')) return 'amazonaws.com.cn';
  return region?.startsWith('eusc-') ? 'amazonaws.eu' : 'amazonaws.com';
}

/** Google's host follows from the location (spec/providers B.7). */
function googleHost(read: Read): string | undefined {
  const location = read('GOOGLE_VERTEX_LOCATION') ?? 'global';
  if (location === 'global') return 'aiplatform.googleapis.com';
  return location === 'us' || location === 'eu'
    ? `aiplatform.${location}.rep.googleapis.com`
    : `${location}-aiplatform.googleapis.com`;
}

/** What a base may name beyond the environment's own variables. */
const DERIVED: Readonly<Record<string, (read: Read) => string | undefined>> = {
  AWS_REGION: amazonRegion,
  AWS_DOMAIN: amazonDomain,
  GOOGLE_VERTEX_LOCATION: (read) => read('GOOGLE_VERTEX_LOCATION') ?? 'global',
  GOOGLE_VERTEX_HOST: googleHost,
};

/** The base with its `{NAME}` filled in. @returns the first name that has no value, where one is missing */
function filled(base: string, read: Read): { readonly base: string } | { readonly missing: string } {
  let missing: string | undefined;
  const text = base.replaceAll(/\{([A-Z0-9_]+)\}/g, (_, name: string) => {
    const value = DERIVED[name]?.(read) ?? read(name);
    if (value === undefined) missing ??= name;
    // Some variables hold a host with its scheme.
    return encodeURIComponent((value ?? '').replace(/^https?:\/\/|\/+$/g, ''));
  });
  return missing === undefined ? { base: text } : { missing };
}

/** Names that no shell can export have one that it can. */
const speakable = (name: string): string => (/^\d/.test(name) ? `_${name}` : name);

/**
 * Credentials that are no fixed text. They belong to a whole account, and machines have them for other reasons, so they are used only
 * for a provider that the configuration file names.
 * @throws ConfigError for a key file that cannot be read
 */
function signerOf({ id, auth }: Provider, config: Config, read: Read, now: () => number): Signer | undefined {
  if (config.providers[id] === undefined) return undefined;
  if (auth.kind === 'aws') {
    const accessKeyId = read('AWS_ACCESS_KEY_ID');
    const secretAccessKey = config.environmentSecret('AWS_SECRET_ACCESS_KEY');
    const sessionToken = config.environmentSecret('AWS_SESSION_TOKEN');
    const region = amazonRegion(read);
    if (accessKeyId === undefined || !secretAccessKey) return undefined;
    if (region === undefined) throw new ConfigError(`providers.${id} needs the environment variable AWS_REGION`);
    return awsSigner({
      accessKeyId,
      secretAccessKey,
      region,
      service: auth.service,
      ...(sessionToken && { sessionToken }),
    });
  }
  if (auth.kind === 'client') {
    const clientId = read(auth.clientId);
    const clientSecret = config.environmentSecret(auth.clientSecret);
    if (clientId === undefined || !clientSecret) return undefined;
    const place = filled(auth.tokenUrl, read);
    if ('missing' in place)
      throw new ConfigError(`providers.${id} needs the environment variable ${place.missing} for its tokens`);
    return clientSigner(
      { tokenUrl: place.base, clientId, clientSecret: () => clientSecret.reveal(), scope: auth.scope },
      now,
    );
  }
  const path = auth.kind === 'google' ? read('GOOGLE_APPLICATION_CREDENTIALS') : undefined;
  return path === undefined ? undefined : googleSigner(accountIn(path), now);
}

function accountIn(path: string): ReturnType<typeof serviceAccount.parse> {
  let wire: unknown;
  try {
    wire = JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    throw new ConfigError(`GOOGLE_APPLICATION_CREDENTIALS: ${path} cannot be read as JSON`);
  }
  const account = serviceAccount.safeParse(wire);
  if (!account.success)
    throw new ConfigError(`GOOGLE_APPLICATION_CREDENTIALS: ${path} is no service account's key file`);
  return account.data;
}

/** How a provider is reached, or undefined where the installation has no credential for it. @throws ConfigError for half a configuration */
export function routeOf(provider: Provider, config: Config, now: () => number): ProviderRoute | undefined {
  const own = config.providers[provider.id];
  const read: Read = (name) => config.environmentSecret(name)?.reveal();
  const fromEnvironment = provider.keyEnv
    .map((name) => config.environmentSecret(name) ?? config.environmentSecret(speakable(name)))
    .find((secret): secret is Secret => secret !== undefined);
  const credential = fromEnvironment ?? (own?.api_key === undefined ? undefined : config.secret(own.api_key));
  const signer = credential ? undefined : signerOf(provider, config, read, now);
  const open = own !== undefined && provider.auth.kind === 'none';
  if (!credential && !signer && own?.base_url === undefined && !open) return undefined;
  const base = own?.base_url === undefined ? provider.base : own.base_url;
  if (base === undefined) return undefined;
  const place = filled(base, read);
  if ('missing' in place) {
    // A key may be there for other programs; only who names the provider wants it from us.
    if (own === undefined) return undefined;
    throw new ConfigError(`providers.${provider.id} needs the environment variable ${place.missing} for its address`);
  }
  return {
    providerId: provider.id,
    base: place.base,
    auth: provider.auth,
    headers: provider.headers,
    sandbox: false,
    ...(credential && { credential }),
    ...(signer && { signer }),
  };
}
