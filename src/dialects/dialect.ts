import type { Generation } from '../canon/collect.ts';
import type { Dropped } from '../canon/dropped.ts';
import type { ErrorCode, GatewayError } from '../canon/errors.ts';
import type { GenerationEvent } from '../canon/event.ts';
import type { Machine } from '../canon/machine.ts';
import type { GenerationRequest } from '../canon/request.ts';
import type { Result } from '../canon/result.ts';
import type { Quirk, Target } from '../canon/target.ts';
import { type Framing, SSE } from '../streams/framing.ts';
import type { Frame } from '../streams/sse.ts';

/** What an answer says about itself. */
export interface AnswerContext {
  /** Where our own pages are, for the links in errors that come in the middle of an answer. */
  readonly origin?: string;
  /** The generation id. */
  readonly id: string;
  /** Unix seconds. */
  readonly created: number;
  /** The slug that served. */
  readonly model: string;
  /** Display name of the provider that served; undefined while none has. */
  readonly provider?: string;
  /** How this wire deviates from its dialect: a provider's habits when the sandbox plays it, our own otherwise. */
  readonly quirks: ReadonlySet<Quirk>;
  /** False hides reasoning that was produced and is billed (INF-079). */
  readonly showReasoning: boolean;
  /** Signatures and sealed thoughts are told although nothing is shown. */
  readonly sealedReasoning?: boolean;
  /** Whether a stream reports usage at all, where that must be asked for. */
  readonly streamUsage: boolean;
  /** Whether what is written to a cache has a price here, and is therefore told; undefined tells what there is. */
  readonly cacheWrites?: boolean;
  /** The chunk that tells the usage has a choice without content, for clients that read the first choice of every chunk (spec/inference 3.3). */
  readonly usagePlaceholder?: true;
  /** Bodies as hosts were sent them, JSON texts, where the caller asked to see them: they stand before everything else. */
  readonly echoes?: readonly string[];
  /** What was asked, for wires whose answers repeat it. */
  readonly request?: GenerationRequest;
  /** The settled bill; asked for only after settlement, when the last chunk or the whole answer is written. */
  readonly bill?: () => Bill | undefined;
  /** Routing metadata, where the caller opted in. */
  readonly metadata?: () => unknown;
}

/** What the caller was charged, in USD as JSON numbers. */
export interface Bill {
  readonly costUsd: number;
  readonly promptCostUsd: number;
  readonly completionCostUsd: number;
}

export interface EncodedRequest {
  /** Appended to the provider's base URL. */
  readonly path: string;
  /** The body's JSON text, but for what is taken from the caller's own. */
  readonly body: string;
  /** Pieces of the caller's own body, in order (short-way.ts). */
  readonly verbatim?: readonly Verbatim[];
  /** Headers that this request needs beside those of its host; of a header both have, the host is told both lists. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly dropped: readonly Dropped[];
  readonly expectation: Expectation;
  /** Why this host cannot be asked at all, where it cannot: the next one is. */
  readonly unable?: string;
}

/** A piece that belongs into a body's text at a place. */
export interface Verbatim {
  readonly at: number;
  readonly bytes: Uint8Array;
}

/** What the decoder of the answer must know of the request. */
export interface Expectation {
  /** Text of a trailing assistant message that the provider repeats at the start of its answer. */
  readonly prefillEcho?: string;
  /** No tools were given to a host that calls some all the same: what looks like a call is none. */
  readonly noCalls?: boolean;
  /** Names of functions that the host was told, with the caller's own for them, where they differ. */
  readonly functionNames?: ReadonlyMap<string, string>;
}

export const EXPECT_NOTHING: Expectation = {};

export interface EncodedError {
  readonly status: number;
  readonly body: unknown;
}

/**
 * A wire format as a mirror: the ingress half serves clients, the upstream half calls providers, and one undoes the other.
 * Every function is pure; machines are fresh per stream.
 */
export interface Dialect {
  readonly id: string;
  /** Where it is served and called, below the base URL. */
  readonly route: string;
  /** The bases under which its clients look for it, where these are not the usual ones. */
  readonly bases?: readonly string[];
  /** Where the path says what other wires say in the body. */
  readonly fromPath?: (path: string) => PathCall | undefined;
  /** Where hosts with certain habits are called, in place of `route`; only the sandbox asks. */
  readonly hostPath?: (path: string, quirks: ReadonlySet<Quirk>) => PathCall | undefined;
  /** Another dialect that a body means, although it came on this one's route. */
  readonly instead?: (wire: unknown) => Dialect | undefined;
  /** How it says a prompt's size, where its clients ask for that. */
  readonly countTokens?: (tokens: number) => unknown;
  /** All words that its hosts end with, in lower case, as far as we know: others are noticed. */
  readonly finishWords?: ReadonlySet<string>;
  /** Whether a host takes a form for its answer or tools, but not both at once. */
  readonly formOrTools?: (target: Target) => boolean;
  /** Its hosts want to be told how long the answer may be, and are told the most they can produce where the caller does not say. */
  readonly limitsOutput?: true;
  /** How its streams are framed; server-sent events where nothing is said. */
  readonly framing?: Framing;
  /** Headers every call to a provider of this dialect carries. */
  readonly headers: Readonly<Record<string, string>>;
  /** What closes a complete stream, beyond its last event. */
  readonly endMarker?: Frame;
  /** The event name of an error inside a stream, where it has one. */
  readonly errorEvent?: string;
  /** The format in which its maker signs thoughts, where it does. */
  readonly signs?: string;
  // ingress: client ↔ us
  decodeRequest(wire: unknown, target?: Target): Result<GenerationRequest, GatewayError>;
  encodeStream(context: AnswerContext): Machine<GenerationEvent, Frame>;
  /** Failures that this wire tells as an answer that became too long. */
  readonly toldAsLength?: ReadonlySet<ErrorCode>;
  /** One frame for each body in `echoes`; wires without it have no place for them. */
  encodeEchoes?(context: AnswerContext): readonly Frame[];
  encodeWhole(generation: Generation, context: AnswerContext): unknown;
  encodeError(error: GatewayError, context: ErrorContext): EncodedError;
  // upstream: us ↔ provider
  encodeRequest(request: GenerationRequest, target: Target): EncodedRequest;
  decodeStream(target: Target, expectation: Expectation): Machine<Frame, GenerationEvent>;
  decodeWhole(wire: unknown, target: Target, expectation: Expectation): readonly GenerationEvent[];
  decodeError(status: number, body: unknown, target: Target): GatewayError;
  /** The same request, asked to go on from where its answer stopped; only of wires whose answers can say so. */
  continued?(encoded: EncodedRequest, continuation: string): EncodedRequest;
}

export const framingOf = ({ framing = SSE }: Dialect): Framing => framing;

/** What a path says of a request. */
export interface PathCall {
  /** Put into the body before it is decoded. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** The prompt's size is asked for, not an answer. */
  readonly counts: boolean;
}

export interface ErrorContext {
  readonly quirks: ReadonlySet<Quirk>;
  /** Where docs and settings pages live, for the links in error texts. */
  readonly origin: string;
  readonly metadata?: unknown;
  /** The generation id, once there is one. */
  readonly id?: string;
  /** Given where the sandbox plays a provider that fails with this status. */
  readonly status?: number;
}
