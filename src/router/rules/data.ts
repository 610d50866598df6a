import type { Provider, Quantization } from '../../catalogue/types.ts';
import type { PlannedModel } from '../candidate.ts';
import { constraint, type Facts, type Rule, type RuleError, reasons } from '../rule.ts';

/**
 * What providers do with what they are sent. What is not known counts as stored and trained on (spec/inference 5.4), and a router's own
 * word says nothing of the hosts behind it. On the operator's own machine nothing leaves.
 */

const unknown = 'has no known data policy';

function training({ policy }: Provider): string | undefined {
  if (!policy) return unknown;
  if (policy.source === 'own-machine') return undefined;
  if (policy.passesOn) return 'passes requests on to hosts with policies of their own';
  if (policy.trainsOnPrompts === false) return undefined;
  return policy.trainsOnPrompts ? 'trains on prompts' : 'does not say whether it trains on prompts';
}

const KEEPS = {
  setting: 'keeps prompts unless its account is set otherwise',
  agreement: 'keeps prompts unless otherwise agreed',
  never: 'always keeps prompts',
} as const;

function retention({ policy }: Provider): string | undefined {
  if (!policy) return unknown;
  if (policy.source === 'own-machine') return undefined;
  if (policy.passesOn) return 'passes requests on to hosts with policies of their own';
  if (policy.zeroRetention === 'default') return undefined;
  return policy.zeroRetention ? KEEPS[policy.zeroRetention] : 'does not say whether it keeps prompts';
}

/** The words that clients look for (spec/inference 4.5), and who says what. */
function privacy(
  planned: PlannedModel,
  rule: 'zdr' | 'data_collection',
  name: string,
  word: string,
  set: string,
): RuleError {
  return {
    code: 'privacy_restricted',
    message: `No endpoints found matching your data policy (${name}) for ${planned.requested}: ${reasons(planned, rule)}. Configure: ${set}`,
    availability: {
      code: 'privacy_restricted',
      excludedBy: [word],
      constraint: { field: set.split(',')[0] ?? set, detail: reasons(planned, rule) },
    },
  };
}

/** Where a wish stands: in the request, or in the operator's file. */
const placeOf = (asked: boolean, field: 'zdr' | 'data_collection'): string =>
  asked ? `provider.${field}` : `routing.${field} in turnpike.yaml`;

export const DATA_COLLECTION: Rule = {
  id: 'data_collection',
  against: ({ request, policy }) =>
    request.preferences.data_collection === 'deny' || policy.data_collection === 'deny'
      ? ({ provider }) => training(provider)
      : undefined,
  error: (planned, { request }) =>
    privacy(
      planned,
      'data_collection',
      'Model training',
      'data_policy:training',
      placeOf(request.preferences.data_collection === 'deny', 'data_collection'),
    ),
};

export const ZDR: Rule = {
  id: 'zdr',
  against: ({ request, policy }) =>
    request.preferences.zdr === true || policy.zdr === true ? ({ provider }) => retention(provider) : undefined,
  error: (planned, { request }) =>
    privacy(planned, 'zdr', 'Zero data retention', 'data_policy:zdr', placeOf(request.preferences.zdr === true, 'zdr')),
};

export const DATA_REGION: Rule = {
  id: 'data_region',
  against: ({ policy: { data_regions: wanted } }) => {
    if (!wanted) return undefined;
    return ({ provider: { policy } }) => {
      if (policy?.source === 'own-machine') return undefined;
      const regions = policy?.regions ?? [];
      if (regions.length === 0) return 'promises no region';
      return policy?.passesOn || !regions.every((region) => wanted.includes(region))
        ? `works in ${regions.join(', ')}${policy?.passesOn ? ' and passes requests on' : ''}`
        : undefined;
    };
  },
  error: (planned, { policy }) =>
    constraint(
      'data_region',
      'routing.data_regions',
      `No endpoints found for ${planned.requested} in the data regions ${policy.data_regions?.join(', ')}: ${reasons(planned, 'data_region')}.`,
    ),
};

export const DISTILLABLE: Rule = {
  id: 'distillable',
  against: ({ request, model }) =>
    request.preferences.enforce_distillable_text && model.distillable !== true
      ? () =>
          model.distillable === false
            ? 'its maker forbids to train other models on its text'
            : 'no source says that other models may be trained on its text'
      : undefined,
  error: (planned, { model }) =>
    constraint(
      'distillable',
      'provider.enforce_distillable_text',
      `No endpoints found for ${planned.requested}: ${
        model.distillable === false
          ? 'its maker forbids to train other models on its text.'
          : 'no source says that other models may be trained on its text.'
      }`,
    ),
};

/** A wish for a family means its relatives too. */
const RELATIVES: Readonly<Record<string, readonly Quantization[]>> = {
  fp4: ['fp4', 'mxfp4', 'nvfp4'],
  fp8: ['fp8', 'mxfp8'],
};

export const QUANTIZATION: Rule = {
  id: 'quantization',
  against: ({ request: { preferences } }: Facts) => {
    const { quantizations } = preferences;
    // An empty list is no wish: clients send it where they have none.
    if (!quantizations || quantizations.length === 0) return undefined;
    const wanted = new Set<string>(quantizations.flatMap((one) => RELATIVES[one] ?? [one]));
    return ({ endpoint: { quantization = 'unknown' } }) =>
      wanted.has(quantization)
        ? undefined
        : quantization === 'unknown'
          ? 'does not say its precision'
          : `runs it at ${quantization}`;
  },
  error: (planned, { request }) =>
    constraint(
      'quantization',
      'provider.quantizations',
      `No endpoints found for ${planned.requested} at ${request.preferences.quantizations?.join(', ')}: ${reasons(planned, 'quantization')}.`,
    ),
};
