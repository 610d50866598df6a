import type { Clock } from '../canon/clock.ts';
import type { CacheMark, GenerationRequest, Message, Part } from '../canon/request.ts';
import { type Counts, tokens } from '../canon/units.ts';
import { type Rates, unitPrice } from '../catalogue/rates.ts';
import type { Snapshot } from '../catalogue/snapshot.ts';
import type { Price } from '../ledger/price.ts';
import type { Candidate } from '../router/candidate.ts';
import { resolveModel } from '../router/resolve.ts';
import { STICKY_IDLE_MS, type StickyHost, StickyHosts } from '../router/sticky.ts';
import { conversationName } from './conversation-name.ts';

/** A conversation whose next turn may be cheaper at one host than at others. */
export interface Conversation {
  readonly name: string;
  /** The host that has it in its cache, where one has. */
  readonly sticky: StickyHost | undefined;
}

/** What caches of prompts did for one key. */
export interface CacheAccount {
  /** Input tokens of all answers, and those of them that came from a cache. */
  inputTokens: number;
  cachedTokens: number;
  /** What reading from caches saved against the plain price of input, less what writing to them cost on top. Pico-dollars. */
  savedPico: bigint;
  /** Answers that came from another host than the one that had the conversation in its cache. */
  flips: number;
  /** What those tokens would have saved that the host before had in its cache and the next had not. Pico-dollars. */
  lostPico: bigint;
}

/** A conversation that moved, as its record keeps it. */
export interface Flip {
  /** The endpoint that had it in its cache. */
  readonly from: string;
  readonly tokens: number;
  /** Pico-dollars. */
  readonly lost: bigint;
}

/** An answer that is paid. */
export interface ServedTurn {
  readonly keyHash: string;
  readonly conversation: Conversation | undefined;
  readonly request: GenerationRequest;
  readonly snapshot: Snapshot;
  readonly candidate: Candidate;
  readonly counts: Counts;
  readonly price: Price;
}

const CONVERSATIONS_MAX = 50_000;
const KEYS_MAX = 10_000;
const HOUR_MS = 3_600_000;

/**
 * Keeps conversations at the host that has them in its cache (spec/inference 5.7), and counts what that is worth by key. Bounded, and
 * gone with the process.
 */
export class Conversations {
  /** Since when it counts, milliseconds since 1970. */
  readonly since: number;
  readonly #clock: Clock;
  readonly #hosts = new StickyHosts(CONVERSATIONS_MAX);
  readonly #accounts = new Map<string, CacheAccount>();

  constructor(clock: Clock) {
    this.#clock = clock;
    this.since = clock.now();
  }

  /**
   * The conversation of a request. An order of the caller's wins over it, so then there is none.
   * @returns undefined where no host could save anything by having served before: then nothing is hashed either
   */
  of(
    request: GenerationRequest,
    keyHash: string,
    { snapshot, defaultModel }: { readonly snapshot: Snapshot; readonly defaultModel: string | undefined },
  ): Conversation | undefined {
    const { operation, preferences, model, fallbacks } = request;
    if (operation || preferences.order?.length) return undefined;
    let found: Conversation | undefined;
    const first = model ?? (fallbacks.length === 0 ? defaultModel : undefined);
    if (first !== undefined) found = this.#with(found, first, request, keyHash, snapshot);
    for (const slug of fallbacks) found = this.#with(found, slug, request, keyHash, snapshot);
    return found;
  }

  /** The conversation with what is known of it under one model; of several models the first that knows it. */
  #with(
    found: Conversation | undefined,
    slug: string,
    request: GenerationRequest,
    keyHash: string,
    snapshot: Snapshot,
  ): Conversation | undefined {
    const model = snapshot.model(slug) ?? resolveModel(snapshot, slug)?.model;
    if (!model || found?.sticky || !cacheMatters(snapshot, model.id)) return found;
    const name = found?.name ?? conversationName(request);
    return { name, sticky: this.#hosts.find(keyOf(keyHash, model.id, name), this.#clock.monotonic()) };
  }

  /** Counts a paid answer, and remembers who gave it where that will help the next. @returns what a change of hosts cost, where there was one */
  served(turn: ServedTurn): Flip | undefined {
    const account = this.#accountOf(turn.keyHash);
    const input = tokens(turn.counts, 'input');
    account.inputTokens += input;
    account.cachedTokens += cacheReads(turn.counts);
    account.savedPico += saved(turn.price);
    if (!turn.conversation) return undefined;
    const flip = flipOf(turn, turn.conversation, input);
    if (flip) {
      account.flips += 1;
      account.lostPico += flip.lost;
    }
    this.#remember(turn, turn.conversation);
    return flip;
  }

  /** What caches did for a key since `since`; undefined where it has had no answer. */
  account(keyHash: string): Readonly<CacheAccount> | undefined {
    return this.#accounts.get(keyHash);
  }

  #remember({ keyHash, request, snapshot, candidate, counts }: ServedTurn, { name }: Conversation): void {
    const { endpoint, model } = candidate;
    if (!readsForLess(snapshot.rates(endpoint))) return;
    const now = this.#clock.monotonic();
    const key = keyOf(keyHash, model.id, name);
    const before = this.#hosts.find(key, now);
    const cached = cacheReads(counts) + cacheWrites(counts);
    // Without a session nobody says that there will be a next turn, unless something was put into a cache for it.
    if (request.sessionId === undefined && cached === 0 && before?.endpoint !== endpoint.id) return;
    const bought = counts['cache-write-1h'] !== undefined || (cached > 0 && wantsAnHour(request));
    this.#hosts.keep(key, { endpoint: endpoint.id, model: model.id, cached }, bought ? HOUR_MS : STICKY_IDLE_MS, now);
  }

  #accountOf(keyHash: string): CacheAccount {
    let account = this.#accounts.get(keyHash);
    if (!account) {
      account = { inputTokens: 0, cachedTokens: 0, savedPico: 0n, flips: 0, lostPico: 0n };
      this.#accounts.set(keyHash, account);
      if (this.#accounts.size > KEYS_MAX) this.#accounts.delete(this.#accounts.keys().next().value ?? '');
    }
    return account;
  }
}

const keyOf = (keyHash: string, modelId: string, name: string): string => `${keyHash} ${modelId} ${name}`;

const mattering = new WeakMap<Snapshot, Map<string, boolean>>();

/** Whether a model has a choice of hosts, one of which reads from its cache for less than it reads. */
function cacheMatters(snapshot: Snapshot, modelId: string): boolean {
  let known = mattering.get(snapshot);
  if (!known) {
    known = new Map();
    mattering.set(snapshot, known);
  }
  let matters = known.get(modelId);
  if (matters === undefined) {
    const hosts = snapshot.hostsOf(modelId);
    matters = hosts.length > 1 && hosts.some(({ endpoint }) => readsForLess(snapshot.rates(endpoint)));
    known.set(modelId, matters);
  }
  return matters;
}

const readsForLess = (rates: Rates): boolean => unitPrice(rates, 'cache-read') < unitPrice(rates, 'input');

const cacheReads = (counts: Counts): number => (counts['cache-read'] ?? 0) + (counts['input-audio-cache'] ?? 0);

const cacheWrites = (counts: Counts): number => (counts['cache-write'] ?? 0) + (counts['cache-write-1h'] ?? 0);

function saved({ lines, input }: Price): bigint {
  let pico = 0n;
  for (const { unit, quantity, price } of lines)
    if (unit.startsWith('cache-')) pico += BigInt(quantity) * (input - price);
  return pico;
}

/** A turn that came from another host: what the one before had in its cache and this one had not, at the discount of the one before. */
function flipOf(
  { candidate, snapshot, counts }: ServedTurn,
  { sticky }: Conversation,
  input: number,
): Flip | undefined {
  if (!sticky || sticky.model !== candidate.model.id || sticky.endpoint === candidate.endpoint.id) return undefined;
  const before = snapshot.endpoint(sticky.endpoint);
  const missed = Math.max(0, Math.min(sticky.cached, input) - cacheReads(counts));
  const rates = before && snapshot.rates(before);
  const discount = rates ? unitPrice(rates, 'input') - unitPrice(rates, 'cache-read') : 0n;
  return { from: sticky.endpoint, tokens: missed, lost: BigInt(missed) * (discount > 0n ? discount : 0n) };
}

/** Whether the caller paid for a cache that lasts an hour. */
function wantsAnHour({ cache, tools, messages }: GenerationRequest): boolean {
  return hour(cache) || tools.some((tool) => hour(tool.cache)) || messages.some(marked);
}

const hour = (mark: CacheMark | undefined): boolean => mark?.ttl === '1h';

const marked = (message: Message): boolean =>
  message.parts.some((part: Part) => 'cache' in part && hour(part.cache)) ||
  (message.role === 'assistant' && message.toolCalls.some((call) => hour(call.cache)));
