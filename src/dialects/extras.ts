import type { Dropped } from '../canon/dropped.ts';
import type { GenerationRequest } from '../canon/request.ts';
import type { Target } from '../canon/target.ts';

type Wishes = Readonly<Record<string, unknown>>;

/** Wishes of the house that are no parameters: each wire either has a place of its own for them or sends them where a host is known to take them. */
const BEYOND: Readonly<Record<string, (request: GenerationRequest) => unknown>> = {
  modalities: ({ modalities }) => (modalities?.some((one) => one !== 'text') ? modalities : undefined),
  prompt_cache_key: ({ promptCacheKey }) => promptCacheKey,
  service_tier: ({ serviceTier }) => serviceTier,
  metadata: ({ metadata }) => metadata,
  suffix: ({ suffix }) => suffix,
};

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
  const write = (wishes: Wishes, foreign: boolean): void => {
    for (const [name, value] of Object.entries(wishes)) {
      if (value === null || value === undefined) continue;
      if (!foreign && (target.extraFields === 'all' || target.extraFields.has(name))) body[name] = value;
      else dropped.push({ pointer: `/${name}`, reason: 'unknown-field' });
    }
  };
  for (const [own, wishes] of Object.entries(request.extras)) write(wishes, own !== dialect);
  for (const [name, wish] of Object.entries(BEYOND)) if (!written.has(name)) write({ [name]: wish(request) }, false);
  return body;
}
