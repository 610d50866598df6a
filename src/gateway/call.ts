import type { PlacedMedia } from '../canon/media.ts';
import type { GenerationRequest } from '../canon/request.ts';
import type { Quirk } from '../canon/target.ts';
import type { Dialect } from '../dialects/dialect.ts';
import type { AnswerKeeper } from './answer-keeper.ts';
import type { BrakeLimits } from './brakes.ts';
import type { Conversation } from './conversations.ts';
import type { KeptPlan } from './kept-plan.ts';
import type { CacheHeaders } from './response-cache.ts';

/** One client request after it was received, authenticated and decoded. */
export interface Call {
  readonly id: string;
  readonly dialect: Dialect;
  readonly request: GenerationRequest;
  /** Where a host may have it in its cache. */
  readonly conversation: Conversation | undefined;
  /** Another host is asked as well where the first takes long to begin. */
  readonly hedge?: boolean;
  /** Where the answer breaks off, another host goes on. */
  readonly resume?: boolean;
  /** The body as it came, with its preset's settings, to tell what was said from what was made of it. */
  readonly wire: unknown;
  /** Its parts that are not text; their pointers lead into what the caller wrote. */
  readonly media: readonly PlacedMedia[];
  readonly caller: { readonly keyHash: string };
  /** The preset whose settings are part of the request. */
  readonly presetId: string | undefined;
  /** Keeps the answer, where it may be given again. */
  readonly keeper: AnswerKeeper | undefined;
  /** What its plan was made from. */
  readonly planRecord: () => KeptPlan;
  readonly origin: CallOrigin;
  /** Wall clock when the request was accepted, and the monotonic time that goes with it. */
  readonly acceptedAt: number;
  readonly startedAt: number;
  readonly client: Client;
}

/** What headers told. */
export interface CallOrigin {
  /** Base address under which the client reached us, for links in texts. */
  readonly baseUrl: string;
  readonly wantsMetadata: boolean;
  /** What was said of the response cache, where something was. */
  readonly cache?: CacheHeaders;
  /** Nothing may be left out, whatever the body says. */
  readonly strict?: boolean;
  readonly usagePlaceholder?: true;
  readonly sessionId?: string;
  /** What the caller allows its session. */
  readonly sessionLimit?: BrakeLimits;
  /** Whether another host is asked as well where the first takes long, whatever the operator says. */
  readonly hedge?: boolean;
  /** Whether another host goes on where a stream breaks off, whatever the operator says. */
  readonly resume?: boolean;
  /** A maker's features in trial. */
  readonly betas?: readonly string[];
  readonly referer?: string;
  readonly title?: string;
  readonly userAgent?: string;
}

/** The client's end of the wire. */
export interface Client {
  readonly gone: boolean;
  onGone(listener: () => void): void;
  /** Closes a connection whose reader has stopped reading. */
  hangUp(): void;
}

/** How our own wire deviates from the plain dialect: we speak it as a router does. */
export const OUR_QUIRKS: ReadonlySet<Quirk> = new Set(['router-answers', 'reasoning-object', 'numeric-error-codes']);
