import { isGone } from '../../catalogue/lifetime.ts';
import { unitPrice } from '../../catalogue/rates.ts';
import type { Snapshot } from '../../catalogue/snapshot.ts';
import { tagOf } from '../../catalogue/tags.ts';
import type { Endpoint, Model, Provider } from '../../catalogue/types.ts';
import type { Measurements } from '../../gateway/measurements.ts';
import type { Roads } from '../../gateway/ports.ts';
import { pricingJson } from './pricing-json.ts';

type Json = Record<string, unknown>;

interface Host {
  readonly endpoint: Endpoint;
  readonly provider: Provider;
}

/** The hosts of a model that can be called now, in every tier of service they sell. */
export function routableHosts(model: Model, roads: Roads): readonly Host[] {
  return roads.snapshot
    .hostsInTiers(model.id)
    .filter(({ endpoint, provider }) => roads.unroutable(provider, endpoint) === undefined);
}

const prompt = (snapshot: Snapshot, { endpoint }: Host): bigint => unitPrice(snapshot.rates(endpoint), 'input');

/** Whose price a model row shows: the cheapest host that has one, because a trial's zero is not a price. */
function topHost(hosts: readonly Host[], snapshot: Snapshot): Host | undefined {
  const priced = hosts.filter(({ endpoint }) => endpoint.priceState === 'listed');
  const pool = priced.length > 0 ? priced : hosts;
  return pool.reduce<Host | undefined>(
    (best, host) => (best && prompt(snapshot, best) <= prompt(snapshot, host) ? best : host),
    undefined,
  );
}

function parametersOf(hosts: readonly Host[], snapshot: Snapshot): readonly string[] {
  return [...new Set(hosts.flatMap(({ endpoint }) => [...snapshot.parameters(endpoint)]))].sort();
}

export function architectureJson(model: Model): Json {
  const { inputModalities, outputModalities } = model;
  return {
    modality: `${inputModalities.join('+')}->${outputModalities.join('+')}`,
    input_modalities: inputModalities,
    output_modalities: outputModalities,
    tokenizer: model.tokenizer,
    instruct_type: null,
  };
}

/** A row of `GET /models` (spec/platform 4.1). Members without data are null where clients demand them, otherwise absent. */
function modelJson(model: Model, hosts: readonly Host[], snapshot: Snapshot): Json {
  const top = topHost(hosts, snapshot);
  const { reasoning, weightsUrl, knowledgeCutoff, ends } = model;
  return {
    id: model.id,
    canonical_slug: model.id,
    hugging_face_id: weightsUrl?.startsWith('https://huggingface.co/')
      ? weightsUrl.slice('https://huggingface.co/'.length)
      : null,
    name: model.name,
    created: model.created,
    description: model.about,
    context_length: model.contextLength ?? top?.endpoint.contextLength ?? null,
    architecture: architectureJson(model),
    pricing: pricingJson(top ? snapshot.rates(top.endpoint) : new Map(), top?.endpoint.overrides),
    top_provider: {
      context_length: top?.endpoint.contextLength ?? null,
      max_completion_tokens: top?.endpoint.maxOutputTokens ?? null,
      is_moderated: false,
    },
    per_request_limits: null,
    supported_parameters: parametersOf(hosts, snapshot),
    default_parameters: null,
    supported_voices: null,
    ...(knowledgeCutoff !== undefined && { knowledge_cutoff: knowledgeCutoff }),
    ...(ends !== undefined && { expiration_date: new Date(ends * 1000).toISOString().slice(0, 10) }),
    ...(reasoning && {
      reasoning: {
        mandatory: reasoning.mandatory,
        supported_efforts: reasoning.efforts.length > 0 ? [...reasoning.efforts].reverse() : null,
        ...(reasoning.defaultEffort !== undefined && { default_effort: reasoning.defaultEffort }),
      },
    }),
    links: { details: `/api/v1/models/${model.id}/endpoints` },
  };
}

/** All models with their hosts that can be called now, newest first; made once per state of the roads, and again when one ends. */
export class ModelList {
  readonly roads: Roads;
  /** Unix seconds at which the first of them ends, and the list with it. */
  readonly endsAt: number;
  readonly rows: readonly { readonly model: Model; readonly hosts: readonly Host[]; readonly json: Json }[];

  /** @param now milliseconds since 1970: what has ended by then is not listed */
  constructor(roads: Roads, now: number) {
    this.roads = roads;
    const listed = roads.snapshot.models.filter((model) => !isGone(model, now));
    this.endsAt = Math.min(...listed.map(({ ends }) => ends ?? Number.POSITIVE_INFINITY));
    this.rows = listed
      .map((model) => ({ model, hosts: routableHosts(model, roads).filter(({ endpoint }) => !endpoint.tier) }))
      .filter(({ hosts }) => hosts.length > 0)
      .sort((a, b) => b.model.created - a.model.created || (a.model.id < b.model.id ? -1 : 1))
      .map((row) => ({ ...row, json: modelJson(row.model, row.hosts, roads.snapshot) }));
  }
}

/** A row as Google's clients list it. */
export function googleModelJson({ model, json }: ModelList['rows'][number]): Json {
  const top = json.top_provider as Json;
  return {
    name: `models/${model.id}`,
    displayName: model.name,
    ...(model.about !== undefined && { description: model.about }),
    inputTokenLimit: json.context_length ?? 0,
    outputTokenLimit: top.max_completion_tokens ?? model.maxOutputTokens ?? 0,
    supportedGenerationMethods: ['generateContent', 'countTokens'],
  };
}

/** An endpoint of the listing (spec/platform 4.6). Percentiles are only for callers with a key. */
export function endpointJson(
  model: Model,
  { endpoint, provider }: Host,
  roads: Roads,
  measurements: Measurements,
  withKey: boolean,
): Json {
  const measured = measurements.measured(endpoint.id);
  const uptime = measured.uptime30m;
  return {
    name: `${provider.name} | ${model.id}`,
    model_id: model.id,
    model_name: model.name,
    context_length: endpoint.contextLength ?? model.contextLength ?? 0,
    pricing: pricingJson(roads.snapshot.rates(endpoint), endpoint.overrides),
    provider_name: provider.name,
    tag: tagOf(endpoint),
    quantization: endpoint.quantization ?? 'unknown',
    max_completion_tokens: endpoint.maxOutputTokens ?? null,
    max_prompt_tokens: null,
    supported_parameters: [...roads.snapshot.parameters(endpoint)].sort(),
    ...(measured.misconfigured && { turnpike: { misconfigured: true } }),
    status: uptime === null || uptime >= 95 ? 0 : uptime >= 90 ? -1 : uptime >= 80 ? -2 : -3,
    uptime_last_5m: measured.uptime5m,
    uptime_last_30m: uptime,
    uptime_last_1d: measured.uptime1d,
    supports_tool_choice: toolChoiceJson(roads.snapshot.parameters(endpoint).has('tool_choice')),
    supports_voice_cloning: false,
    supports_implicit_caching: endpoint.rates['cache-read'] !== undefined,
    latency_last_30m: withKey ? measured.latency : null,
    throughput_last_30m: withKey ? measured.throughput : null,
  };
}

/** Which values of `tool_choice` work; we know of the parameter, not of its single values. */
const toolChoiceJson = (supported: boolean): Json => ({
  auto: supported,
  none: supported,
  required: supported,
  function: supported,
});
