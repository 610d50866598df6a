import type { Operation } from '../../canon/request.ts';
import { isGone } from '../../catalogue/lifetime.ts';
import type { Model } from '../../catalogue/types.ts';
import { ended } from '../ended.ts';
import type { Against, Rule } from '../rule.ts';

/** Where models of a kind are called. */
const ROUTES: Readonly<Record<string, string>> = {
  text: '/chat/completions',
  image: '/chat/completions',
  audio: '/chat/completions',
  embeddings: '/embeddings',
  rerank: '/rerank',
};

/** Whether a model does what is asked: answers, where nothing else is. */
const doesFor = ({ outputModalities }: Model, operation: Operation['kind'] | undefined): boolean =>
  operation === undefined
    ? outputModalities.some((one) => ROUTES[one] === '/chat/completions')
    : outputModalities.includes(operation);

const nameOf = (operation: Operation['kind'] | undefined): string => operation ?? 'answers';

export const OPERATION: Rule = {
  id: 'operation',
  against: ({ request: { operation }, model }) =>
    doesFor(model, operation?.kind) ? undefined : () => `is no model for ${nameOf(operation?.kind)}`,
  error: (planned, { request, model }) => {
    const asked = nameOf(request.operation?.kind);
    const own = model.outputModalities.find((one) => ROUTES[one] !== undefined) ?? 'text';
    const route = ROUTES[own];
    return {
      code: 'wrong_endpoint',
      message: `${planned.requested} is no model for ${asked}${route ? `; call ${route}` : ''}.`,
      availability: {
        code: 'wrong_endpoint',
        ...(route && { constraint: { field: 'model', detail: `call ${route}` } }),
      },
    };
  },
};

/** Past its end, or taken out of sight by the operator, which callers are not told apart. */
export const DEPRECATED: Rule = {
  id: 'deprecated',
  against: ({ model, now }) => (isGone(model, now) ? () => 'the model has ended' : undefined),
  error: (planned, facts) => ended(planned.requested, facts, 'It has ended.'),
};

const noLongerServed: Against = ({ endpoint }) => (endpoint.retired ? 'no longer served here' : undefined);

export const RETIRED: Rule = {
  id: 'retired',
  against: () => noLongerServed,
  error: (planned, facts) => ended(planned.requested, facts, 'Every host has retired it.'),
};

export const UNROUTABLE: Rule = {
  id: 'unroutable',
  against:
    ({ unroutable }) =>
    ({ provider, endpoint }) =>
      unroutable(provider, endpoint),
  error: (planned) => {
    const said = planned.rejected
      .filter((rejection) => rejection.rule === 'unroutable')
      .map(({ provider, reason }) => `${provider.name}: ${reason}`);
    return {
      code: 'no_endpoints',
      message: `No endpoints found for ${planned.requested}. ${[...new Set(said)].join('; ')}.`,
      availability: { code: 'no_endpoints' },
    };
  },
};
