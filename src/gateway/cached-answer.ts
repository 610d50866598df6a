import { collect } from '../canon/collect.ts';
import type { GatewayError } from '../canon/errors.ts';
import type { GenerationEvent } from '../canon/event.ts';
import { ok, type Result } from '../canon/result.ts';
import { type AnswerContext, type Dialect, framingOf } from '../dialects/dialect.ts';
import { ZERO } from '../money/money.ts';
import { AnswerKeeper } from './answer-keeper.ts';
import { askedContext } from './asked-context.ts';
import type { Call } from './call.ts';
import { droppedHeader } from './dropped-header.ts';
import type { GatewayPorts } from './ports.ts';
import type { GenerationRecord } from './record.ts';
import { type CacheSettings, cacheKey, cacheWish, type Hit } from './response-cache.ts';

/** A request as the cache sees it: before anybody has planned or sized it. */
export type Asked = Pick<Call, 'id' | 'dialect' | 'request' | 'wire' | 'caller' | 'presetId' | 'origin'> &
  Pick<Call, 'acceptedAt' | 'startedAt'>;

/** What became of a look into the cache: an answer, or somebody who keeps the one that comes. */
export type Looked = { readonly hit: Hit } | { readonly keeper: AnswerKeeper };

/** @returns undefined where the cache is not used */
export function look(
  asked: Asked,
  settings: CacheSettings | undefined,
  { responseCache, roads }: Pick<GatewayPorts, 'responseCache' | 'roads'>,
): Looked | undefined {
  const { request, dialect, wire, caller, origin } = asked;
  const wish = cacheWish(origin.cache, settings, roads.policy);
  // Rankings are not among the routes that cache.
  if (!wish || request.operation?.kind === 'rerank') return undefined;
  const key = cacheKey({
    keyHash: caller.keyHash,
    dialect: dialect.id,
    stream: request.stream,
    strict: origin.strict === true,
    model: request.model ?? roads.defaultModel ?? '',
    wire,
  });
  if (wish.clear) responseCache.delete(key);
  const hit = responseCache.find(key);
  return hit ? { hit } : { keeper: new AnswerKeeper(asked.id, key, wish, responseCache) };
}

const FREE = { costUsd: 0, promptCostUsd: 0, completionCostUsd: 0 };
const NO_PRICE = { promptTokens: 0, perPromptToken: 0n, prompt: ZERO, perOutputToken: 0n, total: ZERO };

/** An answer of the cache as it is given: a stream's text, or a whole body. */
export interface Replayed {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * Gives a cached answer again, under the id and the time of this request. It is a generation of its own, on disk before it is given, and
 * costs nothing.
 */
export async function replay(hit: Hit, asked: Asked, ports: GatewayPorts): Promise<Result<Replayed, GatewayError>> {
  const { books } = ports;
  const held = books.hold({
    id: asked.id,
    keyHash: asked.caller.keyHash,
    createdAt: asked.acceptedAt,
    worst: NO_PRICE,
    outputTokens: 0,
    origin: asked.origin.baseUrl,
  });
  if (!held.ok) return held;
  const { dialect, request } = asked;
  const events = JSON.parse(hit.answer.events) as readonly GenerationEvent[];
  const context = contextOf(hit, asked);
  const body = request.stream ? streamed(events, dialect, context) : whole(events, dialect, context);
  await books.settle(held.value, ZERO, { ...recordOf(hit, asked, ports) });
  return ok({
    headers: {
      ...droppedHeader(hit.answer.dropped),
      'x-openrouter-cache-status': 'HIT',
      'x-openrouter-cache-age': String(hit.ageSeconds),
      'x-openrouter-cache-ttl': String(hit.ttlSeconds),
      'x-openrouter-cache-source-id': hit.answer.sourceId,
    },
    body,
  });
}

function streamed(events: readonly GenerationEvent[], dialect: Dialect, context: AnswerContext): string {
  const encoder = dialect.encodeStream(context);
  const frames = [...events.flatMap((event) => [...encoder.step(event)]), ...encoder.end()];
  return frames.map(framingOf(dialect).format).join('');
}

const whole = (events: readonly GenerationEvent[], dialect: Dialect, context: AnswerContext): string =>
  JSON.stringify(dialect.encodeWhole({ ...collect(events), usage: { counts: {}, estimated: false } }, context));

/** Routing is not told: there was none. */
const contextOf = ({ answer }: Hit, asked: Asked): AnswerContext => ({
  ...askedContext(asked),
  ...answer.context,
  bill: () => FREE,
});

function recordOf({ answer }: Hit, asked: Asked, { clock, roads }: GatewayPorts): GenerationRecord {
  const { request, origin } = asked;
  return {
    model: answer.context.model,
    provider: answer.context.provider ?? null,
    // Nobody was asked.
    endpoint: null,
    upstreamId: null,
    attempts: [],
    operation: request.operation?.kind ?? 'completions',
    streamed: request.stream,
    cancelled: false,
    finish: answer.finish,
    nativeFinish: answer.nativeFinish,
    error: null,
    latencyMs: Math.round(clock.monotonic() - asked.startedAt),
    firstContentMs: null,
    generationMs: null,
    counts: {},
    estimated: false,
    lines: [],
    waived: null,
    usageRaw: null,
    serviceTier: answer.serviceTier,
    snapshot: roads.snapshot.id,
    seed: 0,
    dropped: answer.dropped.map(({ pointer }) => pointer),
    sessionId: request.sessionId ?? origin.sessionId ?? null,
    presetId: asked.presetId ?? null,
    cacheSourceId: answer.sourceId,
    user: request.user ?? null,
    referer: origin.referer ?? null,
    title: origin.title ?? null,
    userAgent: origin.userAgent ?? null,
  };
}
