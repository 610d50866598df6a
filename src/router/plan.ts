import type { Availability } from '../canon/error-facts.ts';
import { type GatewayError, gatewayError } from '../canon/errors.ts';
import { mediaOf, type PlacedMedia } from '../canon/media.ts';
import { NO_POLICY, type RoutingPolicy } from '../canon/policy.ts';
import type { GenerationRequest } from '../canon/request.ts';
import { fail, ok, type Result } from '../canon/result.ts';
import { isGone } from '../catalogue/lifetime.ts';
import type { Host, Snapshot } from '../catalogue/snapshot.ts';
import type { Endpoint, Model, Provider } from '../catalogue/types.ts';
import type { Candidate, Plan, PlannedModel, Rejection, RoutedBy, RuleId } from './candidate.ts';
import { ended, freeEnded, paidOf } from './ended.ts';
import { exactoClasses, looksAtTools } from './exacto.ts';
import type { Size } from './limits.ts';
import { type Field, orderCandidates, promoteMet } from './order.ts';
import { inWantedForm } from './reasoning.ts';
import { type ResolvedModel, resolveModel, sortOfVariants, whyUnknown } from './resolve.ts';
import { preferRoom, squeezedLast } from './room.ts';
import { choose, type Routed, routerOf } from './routers.ts';
import { type Against, type Facts, type RuleError, ratesAt } from './rule.ts';
import { excludedProviders } from './rules/providers.ts';
import { RULES } from './rules.ts';
import { softPreferences, takesNeeded } from './soft.ts';
import { mixesModels, sortOf } from './sort.ts';
import type { Standing } from './standing.ts';
import { looksAtTiers, PRIORITY_FIRST, TIER_SORTS, tierAsked, wantsFastTwin } from './tiers.ts';

export interface PlanInput {
  readonly request: GenerationRequest;
  readonly snapshot: Snapshot;
  readonly defaultModel: string | undefined;
  /** Undefined where the provider can be called; otherwise why not. */
  readonly unroutable: (provider: Provider, endpoint: Endpoint) => string | undefined;
  /** What is known of each endpoint now. */
  readonly standing: (endpointId: string) => Standing;
  /** The prompt's size in tokens as far as it can be told before anybody has counted. */
  readonly promptTokens: number;
  /** The same as each endpoint would count it, where that is known apart. */
  readonly sizeAt?: (endpoint: Endpoint) => Size;
  readonly seed: number;
  /** What the operator asks of every request. */
  readonly policy?: RoutingPolicy;
  /** Milliseconds since 1970: what has ended by then is not served. Without it dates are not looked at. */
  readonly now?: number;
  /** The endpoint that has this conversation in its cache: first, where no constraint is against it and no `provider.order` is given. */
  readonly sticky?: string;
  /** What a classifier said that the request is about, for routers; null where it failed, absent where there is none. */
  readonly taskType?: string | null;
  /** The request's parts that are not text, where they are known already. */
  readonly media?: readonly PlacedMedia[];
}

/** @returns the plan, or `model_unknown`, `no_endpoints`, `providers_excluded`, `constraint_filtered`, `context_too_long` */
export function plan(input: PlanInput): Result<Plan, GatewayError> {
  return planned(input).result;
}

/** The same with what was found of each model: where there is no plan, that explains why. */
export function planned(input: PlanInput): {
  readonly models: readonly PlannedModel[];
  readonly result: Result<Plan, GatewayError>;
} {
  const slugs = requestedSlugs(input);
  if (!slugs.ok) return { models: [], result: slugs };
  const fields: OpenField[] = [];
  const routed: RoutedBy[] = [];
  let error: GatewayError | undefined;
  for (const slug of slugs.value) {
    const router = routerOf(input.snapshot, slug);
    const open = router ? openRouted(router, input, routed) : openFields(slug, input);
    if (open.ok) fields.push(...open.value);
    else error = open.error;
  }
  const { models, candidates: all } = arranged(fields, input);
  const candidates = fields.length > 1 ? withSqueezedLast(all, fields) : all;
  for (const one of models) if (one.error) error = one.error;
  if (candidates.length === 0) return { models, result: fail(withModels(error ?? NOTHING_NAMED, slugs.value)) };
  const made: Plan = { seed: input.seed, snapshotId: input.snapshot.id, models, candidates };
  return { models, result: ok(routed.length > 0 ? { ...made, routed } : made) };
}

function withSqueezedLast(candidates: readonly Candidate[], fields: readonly OpenField[]): readonly Candidate[] {
  const squeezed = (model: Model): boolean => fields.some((field) => field.squeezed && field.model === model);
  return fields.some((field) => field.squeezed) ? squeezedLast(candidates, squeezed) : candidates;
}

const NOTHING_NAMED = gatewayError('invalid_request', 'model: name a model, or set `default_model`');

function requestedSlugs({ request, defaultModel }: PlanInput): Result<readonly string[], GatewayError> {
  const first = request.model ?? (request.fallbacks.length > 0 ? undefined : defaultModel);
  if (first !== undefined && request.fallbacks.length === 0) return ok([first]);
  const slugs = [...new Set([...(first === undefined ? [] : [first]), ...request.fallbacks])];
  return slugs.length > 0 ? ok(slugs) : fail(NOTHING_NAMED);
}

/** Errors name every model the caller asked for. */
function withModels(error: GatewayError, requestedModels: readonly string[]): GatewayError {
  const { availability } = error.facts;
  return availability
    ? { ...error, facts: { ...error.facts, availability: { ...availability, requestedModels } } }
    : error;
}

/** One model of the request and who may serve it, in no order yet. */
interface OpenField extends Field {
  readonly requested: string;
  readonly facts: Facts;
  readonly rejected: Rejection[];
  /** Not even half of the conversation fits into any of its hosts. */
  readonly squeezed: boolean;
  readonly router?: string;
  /** Only where the models before it are ill. */
  readonly onlyWhenIll?: boolean;
}

/** The models that a router chooses; those it names have to serve the request as it is. */
function openRouted(routed: Routed, input: PlanInput, told: RoutedBy[]): Result<readonly OpenField[], GatewayError> {
  const opened = new Map<string, Result<readonly OpenField[], GatewayError>>();
  const open = (slug: string): Result<readonly OpenField[], GatewayError> => {
    const fields = opened.get(slug) ?? openFields(slug, input);
    opened.set(slug, fields);
    return fields;
  };
  const fits = (slug: string): boolean => {
    const fields = open(slug);
    return fields.ok && fields.value.some(({ hosts, facts }) => hosts.some((host) => takesNeeded(host, facts)));
  };
  const { router } = routed;
  const choice = choose(routed, { ...input, fits });
  if (!choice.ok) return choice;
  const { slugs, taskType, othersWhenIll } = choice.value;
  const plugin = 'plugin' in router ? { plugin: router.plugin } : {};
  told.push({ slug: router.slug, kind: router.kind, ...plugin, ...(taskType !== undefined && { taskType }) });
  const fields: OpenField[] = [];
  for (const [index, slug] of slugs.entries()) {
    const one = open(slug);
    const onlyWhenIll = othersWhenIll === true && index > 0;
    if (one.ok) fields.push(...one.value.map((field) => ({ ...field, router: router.slug, onlyWhenIll })));
  }
  return ok(fields);
}

/** The model that a slug means; before it its fast twin, where the request is for that one. */
function openFields(slug: string, input: PlanInput): Result<readonly OpenField[], GatewayError> {
  const { snapshot, request, unroutable } = input;
  const resolved = resolveModel(snapshot, slug, input.now);
  if (!resolved) {
    const paid = paidOf(slug, { snapshot, now: input.now });
    if (paid) return fail(refusal(freeEnded(slug, paid), { retryable: false, requestedModels: [slug] }));
    return fail(whyUnknown(snapshot, slug, input.now));
  }
  const field = openField(slug, resolved, input);
  const twin = wantsFastTwin(request) ? snapshot.fastTwin(field.model.id) : undefined;
  const callable =
    twin && snapshot.hostsOf(twin.id).some((one) => unroutable(one.provider, one.endpoint) === undefined);
  return ok(callable ? [openField(slug, { ...resolved, model: twin }, input), field] : [field]);
}

function openField(slug: string, resolved: ResolvedModel, input: PlanInput): OpenField {
  const { snapshot, request } = input;
  const model = inWantedForm(resolved.model, request, snapshot);
  const { unroutable, promptTokens, media = mediaOf(request) } = input;
  const latest = resolved.latest === true;
  const sizeAt = input.sizeAt ?? (() => ({ likely: promptTokens, most: promptTokens }));
  const { variants } = resolved;
  const { policy = NO_POLICY, now } = input;
  const facts: Facts = {
    request,
    media,
    model,
    snapshot,
    unroutable,
    promptTokens,
    sizeAt,
    latest,
    variants,
    policy,
    now,
  };
  const rejected: Rejection[] = [];
  const hosts = looksAtTiers(request, variants) ? snapshot.hostsInTiers(model.id) : snapshot.hostsOf(model.id);
  const left = ruled(hosts, facts, rejected);
  const preferred = softPreferences(left, facts);
  const roomy = preferRoom(preferred.left, facts);
  if (preferred.rejected.length + roomy.rejected.length > 0) rejected.push(...preferred.rejected, ...roomy.rejected);
  return { requested: slug, model, hosts: roomy.left, facts, rejected, squeezed: roomy.squeezed };
}

/** Model by model in the caller's order, or all in one order where the caller wants that (spec/inference 5.3, 5.8). */
function arranged(fields: readonly OpenField[], input: PlanInput): Pick<Plan, 'models' | 'candidates'> {
  const { preferences } = input.request;
  if (fields.length > 1 && mixesModels(preferences)) {
    const distinct = fields.filter((field, i) => fields.findIndex(({ model }) => model === field.model) === i);
    const { candidates, rejected } = ordered(distinct, input, 0);
    const models = fields.map((field) => {
      field.rejected.push(...rejected.filter(({ endpoint }) => endpoint.model === field.model.id));
      return plannedOf(
        field,
        candidates.filter(({ model }) => model === field.model),
      );
    });
    return { models, candidates };
  }
  const models = fields.map((field, index) => {
    const { candidates, rejected } = ordered([field], input, index);
    field.rejected.push(...rejected);
    return plannedOf(
      field,
      field.onlyWhenIll ? candidates.map((one) => ({ ...one, onlyWhenIll: true as const })) : candidates,
    );
  });
  const [first] = models;
  const candidates = models.length === 1 && first ? first.candidates : models.flatMap((one) => one.candidates);
  return { models, candidates: models.length > 1 ? promoteMet(candidates, preferences) : candidates };
}

function ordered(fields: readonly OpenField[], input: PlanInput, index: number): ReturnType<typeof orderCandidates> {
  const { request, standing, sticky, seed, policy } = input;
  const tier = tierAsked(request);
  const variantSort = sortOfVariants(fields[0]?.facts.variants) ?? (tier && TIER_SORTS[tier]);
  const hosts = (): readonly Host[] => fields.flatMap(({ model }) => input.snapshot.hostsOf(model.id));
  return orderCandidates({
    fields,
    preferences: request.preferences,
    variantSort,
    exacto: looksAtTools(request, sortOf(request.preferences, variantSort, policy?.sort))
      ? exactoClasses(hosts(), standing)
      : undefined,
    tiers: tier === 'priority' ? PRIORITY_FIRST : undefined,
    standardSort: policy?.sort,
    sticky,
    rates: (endpoint) => ratesAt(endpoint, input),
    standing,
    // Each model of the list draws for itself.
    seed: seed + index,
  });
}

function plannedOf(field: OpenField, candidates: readonly Candidate[]): PlannedModel {
  const { requested, model, rejected, facts, router } = field;
  const planned = { requested, model, candidates, rejected, ...(router !== undefined && { router }) };
  return candidates.length > 0 ? planned : { ...planned, error: nothingLeft(planned, facts) };
}

/** The hosts that no rule is against; the very same list where none rejects anybody, which is nearly always. */
function ruled(hosts: readonly Host[], facts: Facts, rejected: Rejection[]): readonly Host[] {
  let left = hosts;
  for (const rule of RULES) {
    if (left.length === 0) break;
    const against = rule.against(facts);
    if (against) left = kept(left, rule.id, against, rejected);
  }
  return left;
}

function kept(hosts: readonly Host[], rule: RuleId, against: Against, rejected: Rejection[]): readonly Host[] {
  let left: Host[] | undefined;
  for (let i = 0; i < hosts.length; i++) {
    const host = hosts[i] as Host;
    const reason = against(host);
    if (reason === undefined) left?.push(host);
    else {
      left ??= hosts.slice(0, i);
      rejected.push({ endpoint: host.endpoint, provider: host.provider, rule, reason });
    }
  }
  return left ?? hosts;
}

/** OpenRouter's words for what rules look at (spec/inference 4.6), and ours where it has none. */
const EXCLUDED_BY: { readonly [R in RuleId]?: string } = {
  data_region: 'data_region',
  only: 'allowed_providers',
  ignore: 'allowed_providers',
  allow_fallbacks: 'allowed_providers',
  data_collection: 'data_policy:training',
  zdr: 'data_policy:zdr',
  distillable: 'distillable',
  quantization: 'quantization',
  max_price: 'max_price',
  service_tier: 'service_tier',
  pro: 'require_parameters',
  require_parameters: 'require_parameters',
  context_length: 'context_length',
};

const NO_CONSTRAINT: ReadonlySet<RuleId> = new Set(['retired', 'unroutable', 'service_tier']);

/** Names the rule that removed the last host, and all others that removed one (spec/inference 4.5, 4.6, 5.4). */
function nothingLeft(planned: PlannedModel, facts: Facts): GatewayError {
  const { rejected, requested } = planned;
  const affected = [...new Set(rejected.map((rejection) => rejection.provider.name))];
  const base = {
    retryable: false,
    requestedModels: [requested],
    ...(affected.length > 0 && { affectedProviders: affected }),
  };
  const has = (id: RuleId): boolean => rejected.some(({ rule }) => rule === id);
  if (has('allow_fallbacks')) return refusal(excludedProviders(planned, facts), base, 'allow_fallbacks');
  // Tiers that nobody asked for are no reason, unless there is nothing else.
  const unasked = (id: RuleId): boolean => id === 'service_tier' && rejected.some(({ rule }) => rule !== id);
  const last = RULES.findLast(({ id }) => has(id) && !unasked(id));
  if (!last) return refusal(withoutHosts(planned, facts), base);
  // Hosts that could not serve anybody are no constraint of this request.
  const asked = rejected.filter(({ rule }) => !NO_CONSTRAINT.has(rule));
  const all = asked.every((rejection) => rejection.rule === last.id);
  const error = last.error(planned, facts, all);
  const words = [...new Set(RULES.flatMap(({ id }) => (has(id) && !unasked(id) ? (EXCLUDED_BY[id] ?? []) : [])))];
  const told = words.length > 1 && error.availability?.excludedBy ? { ...base, excludedBy: words } : base;
  return refusal(error, told, last.id);
}

/** A model that nobody in the catalogue has. */
function withoutHosts({ requested }: PlannedModel, facts: Facts): RuleError {
  if (isGone(facts.model, facts.now)) return ended(requested, facts, 'It has ended.');
  const availability = { code: 'no_endpoints' };
  return { code: 'no_endpoints', message: `No endpoints found for ${requested}.`, availability };
}

/** @param rule that removed the last host */
function refusal(
  { code, message, availability, limit, current }: RuleError,
  base: Omit<Availability, 'code'>,
  rule?: RuleId,
): GatewayError {
  return gatewayError(code, message, {
    ...(availability && { availability: { ...availability, ...base } }),
    ...(rule !== undefined && { rule }),
    ...(limit !== undefined && { limit }),
    ...(current !== undefined && { current }),
  });
}
