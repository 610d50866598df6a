import type { Host } from '../catalogue/snapshot.ts';
import { constraint, type Facts, type Rule } from './rule.ts';
import { FORCED_TOOLS, MEDIA, MODALITY, PRO, REASONING, REQUIRE_PARAMETERS, TOOLS } from './rules/abilities.ts';
import { DATA_COLLECTION, DATA_REGION, DISTILLABLE, QUANTIZATION, ZDR } from './rules/data.ts';
import { MAX_PRICE } from './rules/price.ts';
import { IGNORE, ONLY } from './rules/providers.ts';
import { DEPRECATED, OPERATION, RETIRED, UNROUTABLE } from './rules/reach.ts';
import { CONTEXT_LENGTH, LIMITS, MAX_TOKENS } from './rules/size.ts';
import { looksAtTiers, notAdmitted } from './tiers.ts';

/** Rules that say who may serve at all, whatever the tier of service. */
const BEFORE_TIERS: readonly Rule[] = [
  OPERATION,
  DEPRECATED,
  RETIRED,
  UNROUTABLE,
  DATA_REGION,
  ONLY,
  IGNORE,
  DATA_COLLECTION,
  ZDR,
  DISTILLABLE,
  QUANTIZATION,
  MAX_PRICE,
];

const SERVICE_TIER: Rule = {
  id: 'service_tier',
  against: (facts) => {
    const { request, variants } = facts;
    if (!looksAtTiers(request, variants)) return undefined;
    const flex = request.serviceTier === 'flex';
    let left: boolean | undefined;
    const flexLeft = (): boolean => {
      left ??= leavesFlex(facts);
      return left;
    };
    return (host: Host) =>
      host.endpoint.tier === undefined && !flex ? undefined : notAdmitted(host, request, variants, flexLeft);
  },
  error: (planned) =>
    constraint(
      'service_tier',
      'service_tier',
      `No endpoints found for ${planned.requested} in the tier of service that was asked for.`,
    ),
};

/** Whether an endpoint of the flex tier is left by the rules before the one on tiers. */
function leavesFlex(facts: Facts): boolean {
  const earlier = BEFORE_TIERS.flatMap((rule) => rule.against(facts) ?? []);
  return facts.snapshot
    .hostsInTiers(facts.model.id)
    .some((host) => host.endpoint.tier === 'flex' && earlier.every((against) => against(host) === undefined));
}

/** Hard constraints, in the order of spec/inference 5.4; the last one that removed something names the error. */
export const RULES: readonly Rule[] = [
  ...BEFORE_TIERS,
  SERVICE_TIER,
  MODALITY,
  MEDIA,
  TOOLS,
  FORCED_TOOLS,
  REASONING,
  PRO,
  REQUIRE_PARAMETERS,
  LIMITS,
  MAX_TOKENS,
  CONTEXT_LENGTH,
];
