import { type GatewayError, gatewayError } from '../canon/errors.ts';
import { mediaOf, type PlacedMedia } from '../canon/media.ts';
import type { GenerationRequest } from '../canon/request.ts';
import { fail, ok, type Result } from '../canon/result.ts';
import type { Host, Snapshot } from '../catalogue/snapshot.ts';
import type { Endpoint, Provider } from '../catalogue/types.ts';
import type { Plan, PlannedModel, Rejection } from './candidate.ts';
import { orderCandidates } from './order.ts';
import { resolveModel } from './resolve.ts';
import { type Facts, RULES, type Rule, type Size, softPreferences } from './rules.ts';
import type { Standing } from './standing.ts';

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
  /** The request's parts that are not text, where they are known already. */
  readonly media?: readonly PlacedMedia[];
}

/** @returns the plan, or `model_unknown`, `no_endpoints`, `providers_excluded`, `constraint_filtered`, `context_too_long` */
export function plan(input: PlanInput): Result<Plan, GatewayError> {
  const slugs = requestedSlugs(input);
  if (!slugs.ok) return slugs;
  const models: PlannedModel[] = [];
  let error: GatewayError | undefined;
  for (const [index, slug] of slugs.value.entries()) {
    const planned = planModel(slug, index, input);
    if (!planned.ok) error = planned.error;
    else {
      models.push(planned.value);
      if (planned.value.error) error = planned.value.error;
    }
  }
  const candidates =
    models.length === 1 && models[0] ? models[0].candidates : models.flatMap((model) => model.candidates);
  if (candidates.length === 0) return fail(withModels(error ?? NOTHING_NAMED, slugs.value));
  return ok({ seed: input.seed, snapshotId: input.snapshot.id, models, candidates });
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

function planModel(slug: string, index: number, input: PlanInput): Result<PlannedModel, GatewayError> {
  const { snapshot, request } = input;
  const resolved = resolveModel(snapshot, slug);
  if (!resolved) {
    const availability = { code: 'model_not_found', retryable: false, requestedModels: [slug] };
    return fail(gatewayError('model_unknown', `${slug} is not a valid model ID`, { availability }));
  }
  const { model } = resolved;
  const { unroutable, promptTokens, media = mediaOf(request) } = input;
  const latest = resolved.latest === true;
  const sizeAt = input.sizeAt ?? (() => ({ likely: promptTokens, most: promptTokens }));
  const { variants } = resolved;
  const facts: Facts = { request, media, model, snapshot, unroutable, promptTokens, sizeAt, latest, variants };
  const rejected: Rejection[] = [];
  let left = snapshot.hostsOf(model.id);
  for (const rule of RULES) left = keep(left, rule, facts, rejected);
  const preferred = softPreferences(left, facts);
  rejected.push(...preferred.rejected);
  const ordered = orderCandidates({
    hosts: preferred.left,
    preferences: request.preferences,
    ...(resolved.variants.includes('floor') && { variantSort: 'price' as const }),
    snapshot,
    standing: input.standing,
    // Each model of the list draws for itself.
    seed: input.seed + index,
  });
  rejected.push(...ordered.rejected);
  const candidates = ordered.chosen.map(({ host, reason }) => ({
    endpoint: host.endpoint,
    provider: host.provider,
    model,
    reason,
  }));
  const planned = { requested: slug, model, candidates, rejected };
  return ok(candidates.length > 0 ? planned : { ...planned, error: nothingLeft(planned, facts) });
}

/** The hosts a rule leaves; the very same list where it rejects nobody, which is nearly always. */
function keep(hosts: readonly Host[], rule: Rule, facts: Facts, rejected: Rejection[]): readonly Host[] {
  let kept: Host[] | undefined;
  for (let i = 0; i < hosts.length; i++) {
    const host = hosts[i] as Host;
    const reason = rule.rejects(host.endpoint, host.provider, facts);
    if (reason === undefined) kept?.push(host);
    else {
      kept ??= hosts.slice(0, i);
      rejected.push({ ...host, rule: rule.id, reason });
    }
  }
  return kept ?? hosts;
}

/** Names the rule that removed the last host (spec/inference 4.5, 5.4). */
function nothingLeft(planned: PlannedModel, facts: Facts): GatewayError {
  const last = RULES.findLast((rule) => planned.rejected.some((rejection) => rejection.rule === rule.id));
  const affected = [...new Set(planned.rejected.map((rejection) => rejection.provider.name))];
  const base = {
    retryable: false,
    requestedModels: [planned.requested],
    ...(affected.length > 0 && { affectedProviders: affected }),
  };
  if (!last) {
    const availability = { ...base, code: 'no_endpoints' };
    return gatewayError('no_endpoints', `No endpoints found for ${planned.requested}.`, { availability });
  }
  // Hosts that could not serve anybody are no constraint of this request.
  const asked = planned.rejected.filter(({ rule }) => rule !== 'retired' && rule !== 'unroutable');
  const all = asked.every((rejection) => rejection.rule === last.id);
  const { code, message, availability } = last.error(planned, facts, all);
  return gatewayError(code, message, availability ? { availability: { ...base, ...availability } } : {});
}
