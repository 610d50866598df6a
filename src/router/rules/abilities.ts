import { carriage } from '../../canon/media.ts';
import { supports, usedParameters } from '../../canon/parameters.ts';
import type { GenerationRequest } from '../../canon/request.ts';
import { lacksPro, thinksAgainstWish } from '../reasoning.ts';
import { constraint, type Rule, reasons, takes } from '../rule.ts';

export const MODALITY: Rule = {
  id: 'modality',
  against: ({ media, model, request: { operation } }) => {
    // Of what models of other kinds take, no source says more than text.
    if (media.length === 0 || operation) return undefined;
    const missing = media.find(({ part: { kind } }) => kind !== 'file' && !model.inputModalities.includes(kind));
    return missing && (() => `does not take ${missing.part.kind} input`);
  },
  error: (planned, { media, model }) => {
    const kinds = [...new Set(media.map(({ part }) => part.kind))];
    const missing = kinds.filter((kind) => !model.inputModalities.includes(kind));
    return {
      code: 'no_endpoints',
      message: `No endpoints found that support ${missing.join(', ')} input for ${planned.requested}`,
      availability: { code: 'no_endpoints' },
    };
  },
};

export const MEDIA: Rule = {
  id: 'media',
  against: ({ media }) => {
    if (media.length === 0) return undefined;
    return ({ provider }) => {
      const stuck = media.find(({ part, matched }) => carriage(part, provider.media, matched) === 'none');
      if (!stuck) return undefined;
      const { kind } = stuck.part;
      return provider.media[kind] === 'none'
        ? `does not take ${kind} input`
        : `does not take ${kind} input by this address`;
    };
  },
  error: (planned) => ({
    code: 'no_endpoints',
    message: `No endpoints found for ${planned.requested} that take what the request holds: ${reasons(planned, 'media')}.`,
    availability: { code: 'no_endpoints' },
  }),
};

const needsTools = (request: GenerationRequest): boolean =>
  request.tools.length > 0 && (request.toolChoice?.kind === 'required' || request.toolChoice?.kind === 'named');

export const TOOLS: Rule = {
  id: 'tools',
  against: (facts) =>
    needsTools(facts.request)
      ? ({ endpoint }) => (takes(endpoint, 'tools', facts) ? undefined : 'does not support tools')
      : undefined,
  error: (planned) => ({
    code: 'no_endpoints',
    message: `No endpoints found that support tool use for ${planned.requested}.`,
    availability: { code: 'no_endpoints' },
  }),
};

export const FORCED_TOOLS: Rule = {
  id: 'forced_tools',
  against: ({ request, snapshot }) =>
    needsTools(request)
      ? ({ endpoint }) =>
          snapshot.traitsOf(endpoint).has('chooses-tools') ? 'cannot be made to call a tool' : undefined
      : undefined,
  error: (planned) => ({
    code: 'no_endpoints',
    message: `No endpoints found for ${planned.requested} that can be made to call a tool; leave tool_choice at auto.`,
    availability: { code: 'no_endpoints' },
  }),
};

export const REASONING: Rule = {
  id: 'reasoning',
  against: ({ request, model, latest }) =>
    !latest && thinksAgainstWish(request, model) ? () => 'always thinks' : undefined,
  error: (planned) => ({
    code: 'invalid_request',
    message: `Reasoning is mandatory for ${planned.requested} and cannot be disabled.`,
  }),
};

export const PRO: Rule = {
  id: 'pro',
  against: ({ request, model }) => (lacksPro(request, model) ? () => 'knows no pro form of the model' : undefined),
  error: (planned) =>
    constraint(
      'require_parameters',
      'reasoning.mode',
      `No endpoints found for ${planned.requested} that honour reasoning.mode "pro": the model has no pro form.`,
    ),
};

export const REQUIRE_PARAMETERS: Rule = {
  id: 'require_parameters',
  against: (facts) => {
    if (!facts.request.preferences.require_parameters) return undefined;
    const used = usedParameters(facts.request);
    return ({ endpoint }) => {
      const known = facts.snapshot.parameters(endpoint);
      for (const parameter of used)
        if (!supports(known, parameter))
          return `does not support ${used.filter((one) => !supports(known, one)).join(', ')}`;
      return undefined;
    };
  },
  error: (planned) =>
    constraint(
      'require_parameters',
      'provider.require_parameters',
      `No endpoints found for ${planned.requested} that support every parameter of the request. ${reasons(planned, 'require_parameters')}.`,
    ),
};
