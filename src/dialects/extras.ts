import type { Dropped } from '../canon/dropped.ts';
import type { GenerationRequest } from '../canon/request.ts';
import type { Target } from '../canon/target.ts';

type Wishes = Readonly<Record<string, unknown>>;

/** A wish of the house that is no parameter: where a caller says it, and how this host is told of it, if it is. */
interface Beyond {
  readonly name: string;
  readonly wish: (request: GenerationRequest) => unknown;
  readonly write?: (wish: never, target: Target) => Wishes | undefined;
}

const beyond = <T>(
  name: string,
  wish: (request: GenerationRequest) => T | undefined,
  write?: (wish: T, target: Target) => Wishes | undefined,
): Beyond => ({ name, wish, ...(write && { write }) });

const takes = ({ extraFields }: Target, name: string): boolean => extraFields === 'all' || extraFields.has(name);

/** Each wire either has a place of its own for them or sends them where a host is known to take them. */
const BEYOND: readonly Beyond[] = [
  beyond('modalities', ({ modalities }) => (modalities?.some((one) => one !== 'text') ? modalities : undefined)),
  beyond('prompt_cache_key', ({ promptCacheKey }) => promptCacheKey),
  beyond(
    'service_tier',
    ({ serviceTier }) => serviceTier,
    (tier, target) => {
      const name = target.serviceTiers ? target.serviceTiers[tier] : takes(target, 'service_tier') ? tier : undefined;
      return name === undefined ? undefined : { service_tier: name };
    },
  ),
  beyond(
    'user',
    ({ user }) => user,
    (user, target) => {
      if (target.userField !== undefined) return { [target.userField]: user };
      return takes(target, 'user') ? { user } : undefined;
    },
  ),
  beyond('safety_identifier', ({ safetyIdentifier }) => safetyIdentifier),
  beyond('metadata', ({ metadata }) => metadata),
  beyond('suffix', ({ suffix }) => suffix),
  beyond(
    'image_config',
    ({ imageConfig }) => imageConfig,
    (image_config, target) => {
      const draws = target.outputModalities?.includes('image') ?? true;
      return draws && takes(target, 'image_config') ? { image_config } : undefined;
    },
  ),
];

const NONE: ReadonlySet<string> = new Set();

/**
 * Fields beyond a dialect's vocabulary: sent to hosts whose row lists the name, or which take anything; named where they are not. What a
 * client of another wire wrote there means nothing here.
 * @param written names in {@link BEYOND} that the dialect has written itself
 */
export function extraFields(
  request: GenerationRequest,
  dialect: string,
  target: Target,
  dropped: Dropped[],
  written: ReadonlySet<string> = NONE,
): Record<string, unknown> {
  const body: Record<string, unknown> = {};
  const lost = (name: string): number => dropped.push({ pointer: `/${name}`, reason: 'unknown-field' });
  for (const [own, wishes] of Object.entries(request.extras))
    for (const [name, value] of Object.entries(wishes)) {
      if (value === null || value === undefined) continue;
      if (own === dialect && takes(target, name)) body[name] = value;
      else lost(name);
    }
  for (const { name, wish, write } of BEYOND) {
    const value = wish(request);
    if (value === undefined || written.has(name)) continue;
    const told = write ? write(value as never, target) : takes(target, name) ? { [name]: value } : undefined;
    if (told) Object.assign(body, told);
    else lost(name);
  }
  if (!written.has('server_tools'))
    for (const { pointer } of request.serverTools ?? []) dropped.push({ pointer, reason: 'unsupported' });
  for (const pointer of request.unread ?? []) dropped.push({ pointer, reason: 'unknown-field' });
  return body;
}
