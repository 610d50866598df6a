import type { GatewayError } from './errors.ts';
import type { Usage } from './units.ts';

/**
 * One step of an answer. Seven kinds, noun-verb. Grammar (checked in grammar.ts): `generation-start`, then blocks one at a time,
 * `usage` anywhere (cumulative, the last wins), exactly one of `generation-end` and `generation-error`, nothing after it.
 */
export type GenerationEvent =
  | { readonly type: 'generation-start'; readonly upstreamId?: string; readonly model?: string }
  | { readonly type: 'block-start'; readonly block: Block }
  | { readonly type: 'block-delta'; readonly delta: Delta }
  | { readonly type: 'block-end' }
  | { readonly type: 'usage'; readonly usage: Usage }
  | {
      readonly type: 'generation-end';
      readonly finish: FinishReason;
      /** The provider's own word, untouched. */
      readonly nativeFinish: string | null;
      readonly serviceTier?: string;
      /** What to say to the provider so that it goes on from here, where it stopped in the middle. */
      readonly continuation?: string;
    }
  | { readonly type: 'generation-error'; readonly error: GatewayError };

/** A contiguous piece of an answer. What is whole from the start (an image, a signature blob, a citation) takes no deltas. */
export type Block =
  | { readonly kind: 'text' }
  | { readonly kind: 'refusal' }
  | { readonly kind: 'reasoning'; readonly form: 'text' | 'summary'; readonly format: string; readonly id?: string }
  | { readonly kind: 'tool-call'; readonly callId: string; readonly name: string }
  | { readonly kind: 'image'; readonly url: string }
  | { readonly kind: 'audio'; readonly id?: string }
  /** An encrypted thought or the like, which must return untouched to its maker. */
  | { readonly kind: 'opaque'; readonly format: string; readonly id?: string; readonly data: string }
  | { readonly kind: 'citation'; readonly annotation: Annotation }
  /** An embedding: numbers, or Base64 of 32-bit floats, least byte first. */
  | { readonly kind: 'vector'; readonly data: readonly number[] | string }
  /** How well a document fits, by its place among those that came. */
  | { readonly kind: 'score'; readonly index: number; readonly score: number };

export type Delta =
  /** For text, refusal and reasoning blocks. */
  | { readonly kind: 'text'; readonly text: string; readonly logprobs?: readonly unknown[] }
  /** Closes a reasoning block of a provider that signs its thoughts. */
  | { readonly kind: 'signature'; readonly signature: string }
  /** A piece of a tool call's arguments: JSON text, concatenated. */
  | { readonly kind: 'arguments'; readonly text: string }
  | { readonly kind: 'audio'; readonly data?: string; readonly transcript?: string; readonly expiresAt?: number };

/** The two kinds of annotation a client of this dialect accepts (INF-107). */
export type Annotation =
  | {
      readonly kind: 'url';
      readonly url: string;
      readonly title: string;
      readonly content?: string;
      readonly start: number;
      readonly end: number;
    }
  | { readonly kind: 'file'; readonly hash: string; readonly name: string; readonly content: readonly unknown[] };

export type FinishReason = 'stop' | 'length' | 'tool-calls' | 'content-filter' | 'error';

/** Whether an event is content in the sense of failover: after it, the attempt is committed. */
export function isContent(event: GenerationEvent): boolean {
  if (event.type === 'block-delta') return event.delta.kind !== 'text' || event.delta.text !== '';
  return event.type === 'block-start' && WHOLE_FROM_THE_START.has(event.block.kind);
}

/** A tool call counts as content once it is named: a client may already act on it. */
const WHOLE_FROM_THE_START: ReadonlySet<Block['kind']> = new Set([
  'tool-call',
  'image',
  'opaque',
  'citation',
  'vector',
  'score',
]);
