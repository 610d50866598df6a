import type { GatewayError } from './errors.ts';
import type { Block, Delta, FinishReason, GenerationEvent } from './event.ts';
import type { Usage } from './units.ts';

/** A block with everything its deltas brought. */
export interface CollectedBlock {
  readonly block: Block;
  /** Text, reasoning, refusal or arguments, concatenated. */
  readonly text: string;
  readonly signature?: string;
  readonly logprobs?: readonly unknown[];
  readonly audio?: { readonly data: string; readonly transcript: string; readonly expiresAt?: number };
}

/** A whole answer. An answer that failed half-way has both blocks and an error. */
export interface Generation {
  readonly upstreamId?: string;
  readonly model?: string;
  readonly blocks: readonly CollectedBlock[];
  readonly usage?: Usage;
  readonly finish: FinishReason;
  readonly nativeFinish: string | null;
  readonly serviceTier?: string;
  readonly error?: GatewayError;
}

interface OpenBlock {
  readonly block: Block;
  text: string[];
  signature: string | undefined;
  logprobs: unknown[];
  audio: { data: string[]; transcript: string[]; expiresAt: number | undefined };
}

const opened = (block: Block): OpenBlock => ({
  block,
  text: [],
  signature: undefined,
  logprobs: [],
  audio: { data: [], transcript: [], expiresAt: undefined },
});

function take(open: OpenBlock, delta: Delta): void {
  if (delta.kind === 'text') {
    open.text.push(delta.text);
    if (delta.logprobs) open.logprobs.push(...delta.logprobs);
  } else if (delta.kind === 'arguments') {
    open.text.push(delta.text);
  } else if (delta.kind === 'signature') {
    open.signature = delta.signature;
  } else {
    if (delta.data !== undefined) open.audio.data.push(delta.data);
    if (delta.transcript !== undefined) open.audio.transcript.push(delta.transcript);
    if (delta.expiresAt !== undefined) open.audio.expiresAt = delta.expiresAt;
  }
}

function closed(open: OpenBlock): CollectedBlock {
  const { expiresAt } = open.audio;
  return {
    block: open.block,
    text: open.text.join(''),
    ...(open.signature !== undefined && { signature: open.signature }),
    ...(open.logprobs.length > 0 && { logprobs: open.logprobs }),
    ...(open.block.kind === 'audio' && {
      audio: {
        data: open.audio.data.join(''),
        transcript: open.audio.transcript.join(''),
        ...(expiresAt !== undefined && { expiresAt }),
      },
    }),
  };
}

/** Folds a well-formed event sequence into a whole answer; a non-streamed answer takes the streamed path this way. */
export function collect(events: Iterable<GenerationEvent>): Generation {
  const blocks: CollectedBlock[] = [];
  let open: OpenBlock | undefined;
  let start: Extract<GenerationEvent, { type: 'generation-start' }> | undefined;
  let usage: Usage | undefined;
  let end: Extract<GenerationEvent, { type: 'generation-end' }> | undefined;
  let error: GatewayError | undefined;
  for (const event of events) {
    if (event.type === 'generation-start') start = event;
    else if (event.type === 'block-start') open = opened(event.block);
    else if (event.type === 'block-delta') {
      if (open) take(open, event.delta);
    } else if (event.type === 'block-end') {
      if (open) blocks.push(closed(open));
      open = undefined;
    } else if (event.type === 'usage') usage = event.usage;
    else if (event.type === 'generation-end') end = event;
    else error = event.error;
  }
  if (open) blocks.push(closed(open));
  return {
    ...(start?.upstreamId !== undefined && { upstreamId: start.upstreamId }),
    ...(start?.model !== undefined && { model: start.model }),
    blocks,
    ...(usage && { usage }),
    finish: end?.finish ?? 'error',
    nativeFinish: end?.nativeFinish ?? null,
    ...(end?.serviceTier !== undefined && { serviceTier: end.serviceTier }),
    ...(error && { error }),
  };
}

/** The inverse of {@link collect}: the shortest event sequence that tells the same answer. */
export function* tell(generation: Generation): Generator<GenerationEvent> {
  yield {
    type: 'generation-start',
    ...(generation.upstreamId !== undefined && { upstreamId: generation.upstreamId }),
    ...(generation.model !== undefined && { model: generation.model }),
  };
  for (const { block, text, signature, logprobs, audio } of generation.blocks) {
    yield { type: 'block-start', block };
    if (text !== '' || logprobs) {
      yield {
        type: 'block-delta',
        delta:
          block.kind === 'tool-call'
            ? { kind: 'arguments', text }
            : { kind: 'text', text, ...(logprobs && { logprobs }) },
      };
    }
    if (signature !== undefined) yield { type: 'block-delta', delta: { kind: 'signature', signature } };
    if (audio) yield { type: 'block-delta', delta: { kind: 'audio', ...audio } };
    yield { type: 'block-end' };
  }
  if (generation.usage) yield { type: 'usage', usage: generation.usage };
  if (generation.error) yield { type: 'generation-error', error: generation.error };
  else {
    yield {
      type: 'generation-end',
      finish: generation.finish,
      nativeFinish: generation.nativeFinish,
      ...(generation.serviceTier !== undefined && { serviceTier: generation.serviceTier }),
    };
  }
}
