import type { Clock } from '../canon/clock.ts';
import { type GatewayError, gatewayError } from '../canon/errors.ts';
import { mediaOf } from '../canon/media.ts';
import type { Original } from '../canon/original.ts';
import type { GenerationRequest } from '../canon/request.ts';
import { countImages, upperPrompt } from '../canon/tokens.ts';
import { type Dialect, framingOf } from '../dialects/dialect.ts';
import { waitSeconds } from '../dialects/envelope.ts';
import { namesPreset } from '../dialects/preset-merge.ts';
import type { Hold } from '../ledger/books.ts';
import { both, dearer, type WorstPrice, worstPrice } from '../ledger/price.ts';
import type { Plan } from '../router/candidate.ts';
import { plan as makePlan, type PlanInput } from '../router/plan.ts';
import { Witness } from '../router/record.ts';
import { compresses } from '../router/room.ts';
import { type Asked, look, replay } from './cached-answer.ts';
import { type Call, type CallOrigin, type Client, OUR_QUIRKS } from './call.ts';
import { droppedHeader } from './dropped-header.ts';
import { exactly } from './exact.ts';
import type { Execution } from './execute.ts';
import { hedges } from './hedge.ts';
import { type KeptPlan, keptPlan, refusalRow } from './kept-plan.ts';
import { checkMedia, located } from './media.ts';
import { routerMetadata, unroutedMetadata } from './metadata.ts';
import { counted } from './overload.ts';
import type { GatewayPorts } from './ports.ts';
import { withPreset } from './preset.ts';
import { PromptSize, promptSize } from './prompt-size.ts';
import { StreamRelay } from './relay.ts';
import type { Hit } from './response-cache.ts';
import { resumes } from './resume.ts';
import { Settlement } from './settlement.ts';
import { answerWhole, type WholeAnswer } from './whole.ts';

/** What the HTTP room hands over after stages 1 and 2: a body that is JSON, and a caller who may. */
export interface Received {
  readonly dialect: Dialect;
  readonly wire: unknown;
  /** The body it stands in, where that is large. */
  readonly original: Omit<Original, 'dialect'> | undefined;
  readonly caller: Call['caller'];
  readonly origin: CallOrigin;
  readonly client: Client;
}

/** What goes back: text at once, or text as it comes. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | AsyncGenerator<string>;
}

const JSON_TYPE = 'application/json';
const STREAM_HEADERS = {
  'cache-control': 'no-cache',
  'x-accel-buffering': 'no',
} as const;

/** Stages 3 to 8 (docs/lifecycle.md): decode, plan, hold, attempt, relay, settle. Never throws for what a client or a provider does. */
export async function handle(received: Received, ports: GatewayPorts): Promise<Answer> {
  const { caller, origin, client } = received;
  const dialect = received.dialect.instead?.(received.wire) ?? received.dialect;
  const base = { id: ports.newGenerationId(), acceptedAt: ports.clock.now(), startedAt: ports.clock.monotonic() };

  const no = (error: GatewayError, metadata?: unknown, kept?: KeptPlan): Answer => {
    ports.refused?.(refusalRow({ ...base, ...caller }, error, kept));
    return refuse(base.id, dialect, error, origin, metadata);
  };

  const named = namesPreset(received.wire) ? withPreset(received.wire, dialect, ports.presets) : undefined;
  if (named && !named.ok) return no(named.error);
  const wire = named ? named.value.wire : received.wire;
  const decoded = dialect.decodeRequest(wire);
  if (!decoded.ok) return no(decoded.error);
  const request = withHeaders(withOriginal(decoded.value, received, dialect), origin);
  const sessionError = checkSession(request);
  if (sessionError) return no(sessionError);

  const braked = ports.brakes.refused(request, caller.keyHash, origin.sessionLimit, base.acceptedAt);
  if (braked) return no(braked);

  const closed = notAdmitted(request, caller.keyHash, base.acceptedAt, origin, ports);
  if (closed) return refuse(base.id, dialect, closed, origin);

  const found = mediaOf(request);
  const media = found.length > 0 ? located(found, wire) : found;
  const mediaError = media.length > 0 ? checkMedia(media, ports.downloader) : undefined;
  if (mediaError) return no(mediaError);

  const presetId = named?.value.presetId;
  const asked = { ...base, dialect, request, wire, caller, presetId, origin };
  const looked = origin.cache || named ? look(asked, named?.value.cache, ports) : undefined;
  if (looked && 'hit' in looked) return fromCache(looked.hit, asked, ports);

  const sized = promptSize(request, ports);
  const size = sized instanceof PromptSize ? sized : await counted(sized, ports);
  const conversation = ports.conversations.of(request, caller.keyHash, ports.roads);
  const { snapshot } = ports.roads;
  const witness = new Witness({
    snapshot,
    promptTokens: size.base,
    standing: ports.health.look(),
    sizeAt: (endpoint) => size.at(endpoint),
  });
  const input: PlanInput = {
    request,
    snapshot,
    defaultModel: ports.roads.defaultModel,
    unroutable: ports.roads.unroutable,
    policy: ports.roads.policy,
    now: base.acceptedAt,
    standing: witness.standing,
    promptTokens: size.base,
    sizeAt: witness.sizeAt,
    seed: ports.nextSeed(),
    ...(conversation?.sticky && { sticky: conversation.sticky.endpoint }),
    media,
  };
  const planned = makePlan(input);
  const unrouted = (error: GatewayError, made?: Plan): Answer =>
    no(error, origin.wantsMetadata && unroutedMetadata(request, ports.roads), keptPlan(witness, input, made));
  if (!planned.ok) return unrouted(planned.error);
  const exact = origin.strict || request.preferences.require_exact;
  const chosen = exact ? exactly(planned.value, request, media, size, ports) : planned;
  if (!chosen.ok) return unrouted(chosen.error, planned.value);
  const plan = chosen.value;

  const resume = resumes(request, origin.resume ?? ports.extras.resume);
  const planRecord = (): KeptPlan => keptPlan(witness, input, planned.value, plan);
  const hedge = hedges(request, media, origin.hedge ?? ports.hedges.limits.on);
  const call: Call = { ...asked, conversation, resume, hedge, media, planRecord, keeper: looked?.keeper, client };
  const held = hold(call, plan, size, ports);
  if (!held.ok) return no(held.error, metadataOf(call, plan, NO_ATTEMPTS), planRecord());

  const settlement = new Settlement(call, plan, size, held.value, ports);
  return request.stream ? stream(call, plan, settlement, size, ports) : whole(call, plan, settlement, size, ports);
}

async function fromCache(hit: Hit, asked: Asked, ports: GatewayPorts): Promise<Answer> {
  const { id, dialect, origin, request } = asked;
  const replayed = replay(hit, asked, ports);
  ports.running.track({ cut: () => undefined }, replayed);
  const answer = await replayed;
  if (!answer.ok) return refuse(id, dialect, answer.error, origin);
  const type = request.stream ? streamHeaders(dialect) : { 'content-type': JSON_TYPE };
  return { status: 200, headers: { ...type, ...identity(id), ...answer.value.headers }, body: answer.value.body };
}

const streamHeaders = (dialect: Dialect): Readonly<Record<string, string>> => ({
  'content-type': `${framingOf(dialect).contentType}; charset=utf-8`,
  ...STREAM_HEADERS,
});

/** What is refused whatever the plan: too many requests of free models, and spent money (spec/inference 0.4). */
function notAdmitted(
  request: GenerationRequest,
  keyHash: string,
  now: number,
  { baseUrl }: CallOrigin,
  ports: GatewayPorts,
): GatewayError | undefined {
  const { freeModels, roads } = ports;
  const named = freeModels && [request.model ?? request.fallbacks[0] ?? roads.defaultModel ?? '', ...request.fallbacks];
  return (named && freeModels.admit(named, now)) ?? ports.books.closed(ports.allowance(keyHash, now), baseUrl);
}

const NO_ATTEMPTS: Execution = { attempts: [], echoes: [] };

const withOriginal = (request: GenerationRequest, { original }: Received, { id }: Dialect): GenerationRequest =>
  original ? { ...request, original: { ...original, dialect: id } } : request;

/** What headers say beside the body, which wins. */
function withHeaders(request: GenerationRequest, { sessionId, betas }: CallOrigin): GenerationRequest {
  const session = request.sessionId === undefined && sessionId !== undefined;
  if (!session && !betas) return request;
  return { ...request, ...(session && { sessionId }), ...(betas && { betas }) };
}

function checkSession(request: GenerationRequest): GatewayError | undefined {
  if ((request.sessionId?.length ?? 0) <= 256) return undefined;
  return gatewayError('invalid_request', 'session_id: may have 256 characters', {
    issues: [{ path: 'session_id', message: 'may have 256 characters' }],
    rule: 'session_id',
    limit: 256,
    current: request.sessionId?.length ?? 0,
  });
}

/** The dearest candidate decides what is reserved, because any of them may serve; where two may, both do. */
function hold(
  call: Call,
  plan: Plan,
  size: PromptSize,
  ports: GatewayPorts,
): { ok: true; value: Hold } | { ok: false; error: GatewayError } {
  const { request } = call;
  const images = countImages(request);
  let worst: WorstPrice | undefined;
  let rest: WorstPrice | undefined;
  let outputTokens = 0;
  for (const { endpoint, model } of plan.candidates) {
    const { likely, most: mostPrompt } = size.at(endpoint);
    const whole = Math.max(upperPrompt(likely, request), mostPrompt);
    // What does not fit is shortened, so no more than a window is paid for.
    const window = compresses(request, endpoint, model) ? endpoint.contextLength : undefined;
    const prompt = Math.min(whole, window ?? whole);
    const most = endpoint.maxOutputTokens ?? model.maxOutputTokens ?? endpoint.contextLength;
    const output = request.maxOutputTokens ?? most ?? OUTPUT_TOKENS_UNKNOWN;
    const priced = (promptTokens: number): WorstPrice =>
      worstPrice(
        { promptTokens, outputTokens: output, images },
        ports.roads.snapshot.worstRates(endpoint, { promptTokens, tier: request.serviceTier }),
      );
    const candidate = priced(prompt);
    // Who is asked as well costs as much; who goes on reads what was said so far as well.
    if (call.hedge) rest = dearer(rest, candidate);
    if (call.resume) rest = dearer(rest, priced(prompt + output));
    if (worst && candidate.total <= worst.total) continue;
    worst = candidate;
    outputTokens = output;
  }
  if (!worst) return { ok: false, error: gatewayError('internal', 'a plan without candidates') };
  return ports.books.hold({
    id: call.id,
    keyHash: call.caller.keyHash,
    createdAt: call.acceptedAt,
    worst: rest ? both(worst, rest) : worst,
    allowance: ports.allowance(call.caller.keyHash, call.acceptedAt),
    outputTokens,
    origin: call.origin.baseUrl,
  });
}

/** Where neither the caller nor the catalogue says how long an answer may be. */
const OUTPUT_TOKENS_UNKNOWN = 32_768;

async function stream(
  call: Call,
  plan: Plan,
  settlement: Settlement,
  size: PromptSize,
  ports: GatewayPorts,
): Promise<Answer> {
  const relay = new StreamRelay(call, plan, settlement, size, ports);
  const beginning = await soon(relay.beginning, ports.limits.streamCommitMs, ports.clock);
  if (beginning?.kind === 'failed')
    return refuse(call.id, call.dialect, beginning.error, call.origin, metadataOf(call, plan, beginning.execution));
  return {
    status: 200,
    headers: {
      ...streamHeaders(call.dialect),
      ...identity(call.id),
      ...droppedHeader(beginning?.winner?.encoded.dropped),
      ...call.keeper?.headers,
    },
    body: relay.outlet.body(),
  };
}

/** How long a whole answer may take before the connection needs a sign of life, and how often after that (spec/inference 2.6). */
const WHOLE_SILENCE_MS = 15_000;

async function whole(
  call: Call,
  plan: Plan,
  settlement: Settlement,
  size: PromptSize,
  ports: GatewayPorts,
): Promise<Answer> {
  const pending = answerWhole(call, plan, settlement, size, ports);
  const answer = await soon(pending, WHOLE_SILENCE_MS, ports.clock);
  if (!answer)
    return {
      status: 200,
      headers: { 'content-type': JSON_TYPE, ...identity(call.id), ...call.keeper?.headers },
      body: patiently(pending, call, plan, ports.clock),
    };
  if (answer.kind === 'failed')
    return refuse(call.id, call.dialect, answer.error, call.origin, metadataOf(call, plan, answer.execution));
  return {
    status: 200,
    headers: {
      'content-type': JSON_TYPE,
      ...identity(call.id),
      ...droppedHeader(answer.winner?.encoded.dropped),
      ...call.keeper?.headers,
    },
    body: JSON.stringify(answer.body),
  };
}

/** White space before the JSON keeps intermediaries from closing the line; every JSON parser skips it. */
async function* patiently(pending: Promise<WholeAnswer>, call: Call, plan: Plan, clock: Clock): AsyncGenerator<string> {
  let answer: WholeAnswer | undefined;
  while (!answer) {
    yield '\n';
    answer = await soon(pending, WHOLE_SILENCE_MS, clock);
  }
  yield answer.kind === 'answer'
    ? JSON.stringify(answer.body)
    : (refuse(call.id, call.dialect, answer.error, call.origin, metadataOf(call, plan, answer.execution))
        .body as string);
}

/** The promise's value if it comes in time. */
function soon<T>(promise: Promise<T>, ms: number, clock: Clock): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(ms, () => resolve(undefined));
    promise.then((value) => {
      cancel();
      resolve(value);
    }, reject);
  });
}

function metadataOf(call: Call, plan: Plan, execution: Execution): unknown {
  return call.origin.wantsMetadata ? routerMetadata(plan, execution, call.request) : undefined;
}

/** Under our own name, and under the one Anthropic's clients look for. */
const identity = (id: string): Record<string, string> => ({ 'x-generation-id': id, 'request-id': id });

/** An error in the client's own dialect. */
export function refuse(
  id: string | undefined,
  dialect: Dialect,
  error: GatewayError,
  origin: { readonly baseUrl: string },
  metadata?: unknown,
): Answer {
  const { status, body } = dialect.encodeError(error, {
    quirks: OUR_QUIRKS,
    origin: origin.baseUrl,
    ...(id !== undefined && { id }),
    ...(metadata !== undefined && metadata !== false && { metadata }),
  });
  const wait = error.facts.retryAfterMs;
  const retry =
    wait !== undefined && (status === 429 || status === 402 || status >= 502)
      ? { 'retry-after': String(waitSeconds(wait)) }
      : {};
  return {
    status,
    headers: { 'content-type': JSON_TYPE, ...(id !== undefined && identity(id)), ...retry, ...error.facts.rateHeaders },
    body: JSON.stringify(body),
  };
}
