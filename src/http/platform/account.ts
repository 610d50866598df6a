import type { Keyring } from '../../accounts/keyring.ts';
import type { Key } from '../../accounts/ports.ts';
import { type Counts, tokens } from '../../canon/units.ts';
import type { Provider } from '../../catalogue/types.ts';
import type { Conversations } from '../../gateway/conversations.ts';
import type { GatewayPorts } from '../../gateway/ports.ts';
import type { GenerationRecord, PartRecord } from '../../gateway/record.ts';
import type { Books } from '../../ledger/books.ts';
import { add, larger, nanodollars, subtract, usdNumber, ZERO } from '../../money/money.ts';

type Json = Record<string, unknown>;

/** What a key may spend and has spent. */
export function spendingJson(key: Key, keyring: Keyring, now: number): Json {
  const usage = keyring.usage(key.hash, now);
  const allowance = keyring.allowance(key.hash, now);
  const left = allowance && larger(subtract(allowance.limit, allowance.spent), ZERO);
  return {
    limit: allowance ? usdNumber(allowance.limit) : null,
    limit_remaining: left === undefined ? null : usdNumber(left),
    limit_reset: allowance?.reset ?? null,
    include_byok_in_limit: false,
    usage: usdNumber(usage.total),
    usage_daily: usdNumber(usage.daily),
    usage_weekly: usdNumber(usage.weekly),
    usage_monthly: usdNumber(usage.monthly),
    byok_usage: 0,
    byok_usage_daily: 0,
    byok_usage_weekly: 0,
    byok_usage_monthly: 0,
  };
}

/** `GET /key` (spec/platform 6.3), deprecated members included: clients demand them. */
export function keyJson(key: Key, keyring: Keyring, gateway: GatewayPorts): Json {
  const { clock, conversations: caches, freeModels } = gateway;
  const now = clock.now();
  const free = freeModels?.today(now);
  const management = key.kind === 'management';
  return {
    label: key.label,
    ...spendingJson(key, keyring, now),
    creator_user_id: null,
    is_free_tier: false,
    is_management_key: management,
    is_provisioning_key: management,
    rate_limit: { requests: -1, interval: '10s', note: 'This field is deprecated and safe to ignore.' },
    workspace_id: null,
    organization_id: null,
    allowed_data_regions: ['global'],
    // Where there is no daily quota -1 says so, as in `rate_limit`.
    free_model_daily_requests: free
      ? { limit: free.limit, remaining: Math.max(0, free.limit - free.used), used: free.used }
      : { limit: -1, remaining: -1, used: 0 },
    expires_at: null,
    turnpike: { prompt_cache: cacheJson(key, caches) },
  };
}

/** What caches of prompts did for a key since this process started, and what was lost where a conversation changed its host (docs/caching.md). */
function cacheJson({ hash }: Key, caches: Conversations): Json {
  const account = caches.account(hash);
  const input = account?.inputTokens ?? 0;
  const cached = account?.cachedTokens ?? 0;
  return {
    since: new Date(caches.since).toISOString(),
    input_tokens: input,
    cached_tokens: cached,
    cached_share: input === 0 ? null : Math.round((10_000 * cached) / input) / 10_000,
    saved_usd: Number(account?.savedPico ?? 0n) / 1e12,
    flips: account?.flips ?? 0,
    lost_to_flips_usd: Number(account?.lostPico ?? 0n) / 1e12,
  };
}

/** `GET /credits`: what was ever granted and used; the difference is the balance (PLT-131). */
export function creditsJson(books: Books): Json {
  const used = nanodollars(books.charged - books.writtenOff);
  return { total_credits: usdNumber(add(books.balance, used)), total_usage: usdNumber(used) };
}

/** A row of `GET /providers` (spec/platform 4.7). */
export function providerJson(provider: Provider): Json {
  return {
    name: provider.name,
    slug: provider.id,
    privacy_policy_url: provider.privacyPolicy ?? null,
    terms_of_service_url: provider.termsOfService ?? null,
    status_page_url: provider.statusPage ?? null,
    headquarters: provider.headquarters ?? null,
  };
}

export interface StoredRecord {
  readonly id: string;
  readonly createdAt: number;
  readonly charge: bigint;
  readonly state: string;
  readonly record: GenerationRecord;
}

/** What prompt caching saved against the plain input price; a surcharge for writing is negative. Pico-dollars. */
function cacheDiscount(record: GenerationRecord): bigint {
  if (record.inputPrice === undefined || record.waived !== null) return 0n;
  let saved = 0n;
  let from = 0;
  for (const { lines, inputPrice } of record.parts ?? [{ lines: record.lines.length, inputPrice: record.inputPrice }]) {
    for (const [unit, quantity, rate] of record.lines.slice(from, from + lines))
      if (unit.startsWith('cache-')) saved += BigInt(quantity) * (BigInt(inputPrice) - BigInt(rate));
    from += lines;
  }
  return saved;
}

/** Every charge can be recomputed from it; where an answer broke off and went on elsewhere, each line says at whom. */
function receiptJson({ lines, parts }: GenerationRecord): readonly Json[] {
  const owners = parts?.flatMap(({ lines: count, endpoint }) => Array.from({ length: count }, () => endpoint));
  return lines.map(([unit, quantity, price], index) => ({
    unit,
    quantity,
    usd_pico_per_unit: price,
    ...(owners && { endpoint: owners[index] }),
  }));
}

const partJson = (part: PartRecord): Json => ({
  provider: part.provider,
  endpoint: part.endpoint,
  upstream_id: part.upstreamId,
  broke_at: part.brokeAt,
  counts: part.counts,
  estimated: part.estimated,
  usage_raw: part.usageRaw,
});

const FINISH: Readonly<Record<string, string>> = { 'tool-calls': 'tool_calls', 'content-filter': 'content_filter' };

const count = (counts: Counts, unit: keyof Counts): number => counts[unit] ?? 0;

/** `GET /generation` (spec/platform 14.4), and beyond it the receipt from which anybody can recompute the charge. */
export function generationJson({ id, createdAt, charge, state, record }: StoredRecord): Json {
  const { counts } = record;
  const prompt = tokens(counts, 'input');
  const completion = tokens(counts, 'output');
  const usd = usdNumber(nanodollars(charge));
  const discount = Number(cacheDiscount(record)) / 1e12;
  return {
    id,
    request_id: null,
    upstream_id: record.upstreamId,
    created_at: new Date(createdAt).toISOString(),
    model: record.model,
    provider_name: record.provider,
    router: record.router ?? null,
    api_type: record.operation ?? 'completions',
    streamed: record.streamed,
    cancelled: record.cancelled,
    finish_reason: record.finish === null ? null : (FINISH[record.finish] ?? record.finish),
    native_finish_reason: record.nativeFinish,
    origin: record.referer ?? '',
    http_referer: record.referer,
    user_agent: record.userAgent,
    app_id: null,
    external_user: record.user,
    session_id: record.sessionId,
    preset_id: record.presetId ?? null,
    workspace_id: null,
    is_byok: false,
    service_tier: record.serviceTier,
    data_region: 'global',
    latency: record.latencyMs,
    generation_time: record.generationMs,
    moderation_latency: null,
    tokens_prompt: prompt,
    tokens_completion: completion,
    native_tokens_prompt: prompt,
    native_tokens_completion: completion,
    native_tokens_completion_images: count(counts, 'output-image'),
    native_tokens_reasoning: count(counts, 'reasoning'),
    native_tokens_cached: count(counts, 'cache-read') + count(counts, 'input-audio-cache'),
    num_media_prompt: null,
    num_input_audio_prompt: null,
    num_media_completion: null,
    num_search_results: null,
    num_fetches: null,
    web_search_engine: null,
    usage: usd,
    total_cost: usd,
    upstream_inference_cost: usd,
    cache_discount: discount === 0 ? null : discount,
    response_cache_source_id: record.cacheSourceId ?? null,
    provider_responses: record.attempts.map((attempt) => ({
      endpoint_id: attempt.endpoint,
      is_byok: false,
      latency: attempt.latencyMs,
      model_permaslug: attempt.model,
      provider_name: attempt.provider,
      status: attempt.status === 0 ? null : attempt.status,
      ...(attempt.hedge !== undefined && { hedge: attempt.hedge }),
      ...(attempt.leaked !== undefined && { control_words: attempt.leaked }),
    })),
    turnpike: {
      state,
      error: record.error,
      estimated: record.estimated,
      usage_raw: record.usageRaw,
      waived: record.waived,
      charge_usd_nano: charge.toString(),
      receipt: receiptJson(record),
      ...(record.parts && { parts: record.parts.map(partJson) }),
      snapshot: record.snapshot,
      plan_seed: record.seed,
      dropped: record.dropped,
      ...(record.flip && {
        cache_flip: {
          from: record.flip.from,
          tokens: record.flip.tokens,
          lost_usd: Number(record.flip.lost) / 1e12,
        },
      }),
    },
  };
}
