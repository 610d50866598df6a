import type { ErrorCode } from '../canon/errors.ts';
import { carriage, contentOf, isDataUrl, type PlacedMedia } from '../canon/media.ts';
import { type Parameter, supports, usedParameters, uses } from '../canon/parameters.ts';
import { effortOf, type GenerationRequest, type Operation } from '../canon/request.ts';
import type { Unit } from '../canon/units.ts';
import { unitPrice } from '../catalogue/rates.ts';
import type { Host, Snapshot } from '../catalogue/snapshot.ts';
import { tagOf } from '../catalogue/tags.ts';
import type { Endpoint, Model, Provider } from '../catalogue/types.ts';
import { type PicodollarsPerUnit, parsePricePerMillion, parseUnitPrice, picodollarsPerUnit } from '../money/money.ts';
import type { PlannedModel, Rejection, RuleId } from './candidate.ts';
import { notAdmitted } from './tiers.ts';

/** What a rule may look at. */
export interface Facts {
  readonly request: GenerationRequest;
  readonly media: readonly PlacedMedia[];
  readonly model: Model;
  readonly snapshot: Snapshot;
  readonly unroutable: (provider: Provider, endpoint: Endpoint) => string | undefined;
  readonly promptTokens: number;
  /** The latest of a family was asked for, whatever that is today. */
  readonly latest: boolean;
  /** Variants of routing in the slug that was asked for, e.g. `nitro`. */
  readonly variants: readonly string[];
  readonly sizeAt: (endpoint: Endpoint) => Size;
}

/** How many tokens an endpoint makes of a prompt, as far as can be told. */
export interface Size {
  readonly likely: number;
  /** Seldom exceeded. */
  readonly most: number;
}

interface RuleError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly availability?: {
    readonly code: string;
    readonly excludedBy?: readonly string[];
    readonly constraint?: { readonly field: string; readonly detail: string };
  };
}

/** One constraint: why an endpoint is out, and what the caller is told when this removed the last one. */
export interface Rule {
  readonly id: RuleId;
  rejects(endpoint: Endpoint, provider: Provider, facts: Facts): string | undefined;
  error(planned: PlannedModel, facts: Facts, alone: boolean): RuleError;
}

/**
 * Whether a slug of `order`, `only` or `ignore` means this endpoint: a provider's means all its regions and flavours but no tier of
 * service, a whole tag one endpoint. Display names are tolerated, case is not looked at.
 */
export function means(slug: string, { endpoint, provider }: Host): boolean {
  const wanted = slug.toLowerCase();
  if (wanted === tagOf(endpoint).toLowerCase()) return true;
  if (endpoint.tier !== undefined) return false;
  return wanted === provider.id.toLowerCase() || wanted === provider.name.toLowerCase();
}

const constraint = (excludedBy: string, message: string): RuleError => ({
  code: 'constraint_filtered',
  message,
  availability: { code: 'constraint_filtered', excludedBy: [excludedBy] },
});

const names = (rejections: readonly Rejection[]): string =>
  [...new Set(rejections.map((rejection) => rejection.provider.name))].join(', ');

/** What one rule said of each provider. */
const reasons = ({ rejected }: PlannedModel, rule: RuleId): string =>
  [...new Set(rejected.flatMap((one) => (one.rule === rule ? [`${one.provider.name} ${one.reason}`] : [])))].join('; ');

/** A ceiling in pico-dollars per unit. Finer than a pico-dollar is rounded down: a ceiling is never exceeded. */
function ceiling(value: number | string, perMillion: boolean): PicodollarsPerUnit {
  const text = String(value);
  const exact = perMillion ? parsePricePerMillion(text) : parseUnitPrice(text);
  return exact ?? picodollarsPerUnit(BigInt(Math.floor(Number(text) * (perMillion ? 1e6 : 1e12))));
}

const CEILINGS: readonly {
  readonly key: 'prompt' | 'completion' | 'request' | 'image' | 'audio';
  readonly unit: Unit;
  readonly perMillion: boolean;
}[] = [
  { key: 'prompt', unit: 'input', perMillion: true },
  { key: 'completion', unit: 'output', perMillion: true },
  { key: 'request', unit: 'request', perMillion: false },
  { key: 'image', unit: 'image', perMillion: false },
  { key: 'audio', unit: 'input-audio', perMillion: false },
];

function aboveCeiling(endpoint: Endpoint, facts: Facts): string | undefined {
  const limits = facts.request.preferences.max_price;
  if (!limits) return undefined;
  const rates = facts.snapshot.rates(endpoint);
  const broken = CEILINGS.find(({ key, unit, perMillion }) => {
    const limit = limits[key];
    return limit !== null && limit !== undefined && unitPrice(rates, unit) > ceiling(limit, perMillion);
  });
  return broken && `its ${broken.key} price is above max_price.${broken.key}`;
}

const NONE: readonly never[] = [];

function takes(endpoint: Endpoint, parameter: Parameter, { snapshot }: Facts): boolean {
  return supports(snapshot.parameters(endpoint), parameter);
}

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

/** How many bytes the Base64 of a data URL holds. */
const bytesOf = (content: string | undefined): number =>
  content !== undefined && isDataUrl(content) ? Math.floor(((content.length - content.indexOf(',') - 1) * 3) / 4) : 0;

const typeOf = (content: string): string => /^data:([^;,]*)/i.exec(content.slice(0, 100))?.[1]?.toLowerCase() ?? '';

/** What a provider takes at most of one request (spec/providers B.14.7). */
export function beyondLimits(
  provider: Provider,
  request: GenerationRequest,
  media: readonly PlacedMedia[],
): string | undefined {
  const { toolsMax, bodyBytesMax } = provider;
  if (toolsMax !== undefined && request.tools.length > toolsMax) return `takes at most ${toolsMax} tools`;
  const pictures = media.length > 0 ? beyondPictures(provider, media) : undefined;
  if (pictures !== undefined || bodyBytesMax === undefined) return pictures;
  let bytes = 0;
  for (const { part } of media) bytes += part.kind === 'audio' ? part.data.length : (contentOf(part)?.length ?? 0);
  for (const { parts } of request.messages)
    for (const part of parts) if (part.kind === 'text') bytes += Buffer.byteLength(part.text);
  return bytes > bodyBytesMax ? bodyTooLarge(bodyBytesMax) : undefined;
}

export const bodyTooLarge = (bytesMax: number): string => `takes requests of at most ${bytesMax} bytes`;

function beyondPictures(provider: Provider, media: readonly PlacedMedia[]): string | undefined {
  const { imagesMax, imageBytesMax, imageTypes } = provider;
  let images = 0;
  for (const { part } of media) {
    if (part.kind !== 'image') continue;
    images += 1;
    if (imageBytesMax !== undefined && bytesOf(part.url) > imageBytesMax)
      return `takes pictures of at most ${imageBytesMax} bytes`;
    if (!imageTypes || !isDataUrl(part.url)) continue;
    const type = typeOf(part.url).replace('image/jpg', 'image/jpeg');
    if (!imageTypes.includes(type)) return `takes no pictures of type ${type}`;
  }
  return imagesMax !== undefined && images > imagesMax ? `takes at most ${imagesMax} pictures` : undefined;
}

/** Why a part cannot reach a host, where it cannot. */
function notTaken(provider: Provider, { media }: Facts): string | undefined {
  for (const { part } of media) {
    if (carriage(part, provider.media) !== 'none') continue;
    const { kind } = part;
    return provider.media[kind] === 'none'
      ? `does not take ${kind} input`
      : `does not take ${kind} input by this address`;
  }
  return undefined;
}

const needsTools = (request: GenerationRequest): boolean =>
  request.tools.length > 0 && (request.toolChoice?.kind === 'required' || request.toolChoice?.kind === 'named');

/** A model that always thinks is asked not to. */
export const thinksAgainstWish = ({ reasoning }: GenerationRequest, model: Model): boolean =>
  reasoning !== undefined && model.reasoning?.mandatory === true && effortOf(reasoning) === 'none';

/**
 * Whether prompt and requested output are too much for a window. An estimate alone never blocks a request that is within a tenth of it
 * (spec/providers E.4): the endpoint knows best, and what it finds too long goes to a larger one.
 */
function tooLarge(endpoint: Endpoint, window: number, { request, sizeAt }: Facts): boolean {
  const { likely, most } = sizeAt(endpoint);
  const output = request.maxOutputTokens ?? 1;
  return most + output > window && Math.floor(likely * 0.9) + output > window;
}

const largest = (planned: PlannedModel, key: 'contextLength' | 'maxOutputTokens'): number =>
  Math.max(0, ...planned.rejected.map((rejection) => rejection.endpoint[key] ?? 0));

/** Hard constraints, in the order of spec/inference 5.4; the last one that removed something names the error. */
export const RULES: readonly Rule[] = [
  {
    id: 'retired',
    rejects: (endpoint) => (endpoint.retired ? 'no longer served here' : undefined),
    error: (planned) => ({
      code: 'no_endpoints',
      message: `No endpoints found for ${planned.requested}. Every host has retired it.`,
      availability: { code: 'no_endpoints' },
    }),
  },
  {
    id: 'operation',
    rejects: (_endpoint, _provider, { request, model }) =>
      doesFor(model, request.operation?.kind) ? undefined : `is no model for ${nameOf(request.operation?.kind)}`,
    error: (planned, { request, model }) => {
      const asked = nameOf(request.operation?.kind);
      const own = model.outputModalities.find((one) => ROUTES[one] !== undefined) ?? 'text';
      const route = ROUTES[own];
      return {
        code: 'wrong_endpoint',
        message: `${planned.requested} is no model for ${asked}${route ? `; call ${route}` : ''}.`,
      };
    },
  },
  {
    id: 'unroutable',
    rejects: (endpoint, provider, facts) => facts.unroutable(provider, endpoint),
    error: (planned) => {
      const reasons = planned.rejected
        .filter((rejection) => rejection.rule === 'unroutable')
        .map((r) => `${r.provider.name}: ${r.reason}`);
      return {
        code: 'no_endpoints',
        message: `No endpoints found for ${planned.requested}. ${[...new Set(reasons)].join('; ')}.`,
        availability: { code: 'no_endpoints' },
      };
    },
  },
  {
    id: 'only',
    rejects: (endpoint, provider, { request: { preferences } }) =>
      preferences.only && !preferences.only.some((slug) => means(slug, { endpoint, provider }))
        ? 'not in provider.only'
        : undefined,
    error: (planned, facts) => excludedProviders(planned, facts),
  },
  {
    id: 'ignore',
    rejects: (endpoint, provider, { request: { preferences } }) =>
      preferences.ignore?.some((slug) => means(slug, { endpoint, provider })) ? 'in provider.ignore' : undefined,
    error: (planned, facts) => excludedProviders(planned, facts),
  },
  {
    id: 'max_price',
    rejects: (endpoint, _provider, facts) => aboveCeiling(endpoint, facts),
    error: (planned) => constraint('max_price', `No endpoints found for ${planned.requested} at or below max_price.`),
  },
  {
    id: 'service_tier',
    rejects: (endpoint, provider, facts) =>
      endpoint.tier === undefined && facts.request.serviceTier !== 'flex'
        ? undefined
        : notAdmitted({ endpoint, provider }, facts.request, facts.variants, () => flexLeft(facts)),
    error: (planned) =>
      constraint(
        'service_tier',
        `No endpoints found for ${planned.requested} in the tier of service that was asked for.`,
      ),
  },
  {
    id: 'modality',
    rejects: (_endpoint, _provider, { media, model, request: { operation } }) => {
      // Of what models of other kinds take, no source says more than text.
      if (operation) return undefined;
      const missing = media.find(({ part: { kind } }) => kind !== 'file' && !model.inputModalities.includes(kind));
      return missing && `does not take ${missing.part.kind} input`;
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
  },
  {
    id: 'media',
    rejects: (_endpoint, provider, facts) => (facts.media.length > 0 ? notTaken(provider, facts) : undefined),
    error: (planned) => ({
      code: 'no_endpoints',
      message: `No endpoints found for ${planned.requested} that take what the request holds: ${reasons(planned, 'media')}.`,
      availability: { code: 'no_endpoints' },
    }),
  },
  {
    id: 'tools',
    rejects: (endpoint, _provider, facts) =>
      needsTools(facts.request) && !takes(endpoint, 'tools', facts) ? 'does not support tools' : undefined,
    error: (planned) => ({
      code: 'no_endpoints',
      message: `No endpoints found that support tool use for ${planned.requested}.`,
      availability: { code: 'no_endpoints' },
    }),
  },
  {
    id: 'forced_tools',
    rejects: (endpoint, _provider, { request, snapshot }) =>
      needsTools(request) && snapshot.traitsOf(endpoint).has('chooses-tools')
        ? 'cannot be made to call a tool'
        : undefined,
    error: (planned) => ({
      code: 'no_endpoints',
      message: `No endpoints found for ${planned.requested} that can be made to call a tool; leave tool_choice at auto.`,
      availability: { code: 'no_endpoints' },
    }),
  },
  {
    id: 'reasoning',
    rejects: (_endpoint, _provider, { request, model, latest }) =>
      !latest && thinksAgainstWish(request, model) ? 'always thinks' : undefined,
    error: (planned) => ({
      code: 'invalid_request',
      message: `Reasoning is mandatory for ${planned.requested} and cannot be disabled.`,
    }),
  },
  {
    id: 'require_parameters',
    rejects: (endpoint, _provider, facts) => {
      if (!facts.request.preferences.require_parameters) return undefined;
      const missing = usedParameters(facts.request).filter((parameter) => !takes(endpoint, parameter, facts));
      return missing.length > 0 ? `does not support ${missing.join(', ')}` : undefined;
    },
    error: (planned) =>
      constraint(
        'require_parameters',
        `No endpoints found for ${planned.requested} that support every parameter of the request. ${planned.rejected
          .filter((rejection) => rejection.rule === 'require_parameters')
          .map((rejection) => `${rejection.provider.name} ${rejection.reason}`)
          .join('; ')}.`,
      ),
  },
  {
    id: 'limits',
    rejects: (_endpoint, provider, { request, media }) => beyondLimits(provider, request, media),
    error: (planned) => ({
      code: 'invalid_request',
      message: `No host of ${planned.requested} takes so much: ${reasons(planned, 'limits')}.`,
    }),
  },
  {
    id: 'max_tokens',
    rejects: (endpoint, _provider, { request }) => {
      const wanted = request.maxOutputTokens;
      return wanted !== undefined && endpoint.maxOutputTokens !== undefined && wanted > endpoint.maxOutputTokens
        ? `produces at most ${endpoint.maxOutputTokens} tokens`
        : undefined;
    },
    error: (planned, facts) => ({
      code: 'context_too_long',
      message: `max_tokens of ${facts.request.maxOutputTokens} is more than the ${largest(planned, 'maxOutputTokens')} tokens any host of ${planned.requested} can produce.`,
    }),
  },
  {
    id: 'context_length',
    rejects: (endpoint, _provider, facts) =>
      endpoint.contextLength !== undefined && tooLarge(endpoint, endpoint.contextLength, facts)
        ? `its context holds ${endpoint.contextLength} tokens`
        : undefined,
    error: (planned, facts, alone) =>
      alone ? tooLong(planned, facts) : constraint('context_length', tooLong(planned, facts).message),
  },
];

/** Whether an endpoint of the flex tier is left by the rules before the one on tiers. */
function flexLeft(facts: Facts): boolean {
  const earlier = RULES.slice(
    0,
    RULES.findIndex(({ id }) => id === 'service_tier'),
  );
  return facts.snapshot
    .hostsOf(facts.model.id)
    .some(
      ({ endpoint, provider }) =>
        endpoint.tier === 'flex' && earlier.every((rule) => rule.rejects(endpoint, provider, facts) === undefined),
    );
}

function excludedProviders(planned: PlannedModel, facts: Facts): RuleError {
  const { only, ignore } = facts.request.preferences;
  const permitted = only ? `Permitted: ${only.join(', ')}.` : '';
  const denied = ignore ? `Ignored: ${ignore.join(', ')}.` : '';
  return {
    code: 'providers_excluded',
    message:
      `No allowed providers are available for the selected model. Serving ${planned.requested}: ${names(planned.rejected)}. ${permitted}${denied}`.trim(),
    availability: { code: 'no_endpoints', excludedBy: ['allowed_providers'] },
  };
}

function tooLong(planned: PlannedModel, facts: Facts): RuleError {
  const output = facts.request.maxOutputTokens ?? 0;
  const toolText = facts.request.tools.length > 0 ? `, tools included` : '';
  return {
    code: 'context_too_long',
    message: `This endpoint's maximum context length is ${largest(planned, 'contextLength')} tokens. However, you requested about ${facts.promptTokens + output} tokens (${facts.promptTokens} of text input${toolText}, ${output} in the output). Please reduce the length of either one.`,
  };
}

/** Parameters whose support is preferred but never demanded (spec/inference 1.9): hosts that have them go before hosts that do not. */
const SOFT: readonly Parameter[] = ['tools', 'response_format', 'structured_outputs', 'verbosity'];

/** Leaves only the supporting hosts where there is one; where there is none, all stay and the parameter is dropped. */
export function softPreferences(
  hosts: readonly Host[],
  facts: Facts,
): { readonly left: readonly Host[]; readonly rejected: readonly Rejection[] } {
  if (hosts.length < 2) return { left: hosts, rejected: NONE };
  const rejected: Rejection[] = [];
  let left = hosts;
  for (const parameter of SOFT) {
    if (!uses(facts.request, parameter)) continue;
    const supporting = left.filter(({ endpoint }) => takes(endpoint, parameter, facts));
    if (supporting.length === 0 || supporting.length === left.length) continue;
    for (const { endpoint, provider } of left) {
      if (takes(endpoint, parameter, facts)) continue;
      rejected.push({
        endpoint,
        provider,
        rule: 'soft_preference',
        reason: `does not support ${parameter}, and another host does`,
      });
    }
    left = supporting;
  }
  return { left, rejected };
}
