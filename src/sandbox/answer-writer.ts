import type { ServerResponse } from 'node:http';
import { collect } from '../canon/collect.ts';
import type { GenerationEvent } from '../canon/event.ts';
import { type AnswerContext, type Dialect, framingOf } from '../dialects/dialect.ts';
import { type Frame, formatComment } from '../streams/sse.ts';
import type { FaultId } from './faults.ts';

/** How fast, and what goes wrong on the way. */
export interface Delivery {
  readonly fault: FaultId | undefined;
  readonly latencyMs: number;
  readonly piecesPerSecond: number;
  readonly comment: string | undefined;
  readonly gone: () => boolean;
}

const sleep = (ms: number): Promise<void> =>
  ms <= 0 ? Promise.resolve() : new Promise((resolve) => setTimeout(resolve, ms));

/** A pace faster than this is written in groups, because timers are not finer. */
const TICK_MS = 10;

export async function writeStream(
  response: ServerResponse,
  dialect: Dialect,
  context: AnswerContext,
  pieces: readonly GenerationEvent[],
  delivery: Delivery,
): Promise<void> {
  const { contentType, encoding, format } = framingOf(dialect);
  response.writeHead(200, { 'content-type': contentType, 'cache-control': 'no-cache' });
  if (delivery.comment !== undefined) response.write(formatComment(delivery.comment));
  const encoder = dialect.encodeStream(context);
  const write = (frames: readonly Frame[]): void =>
    void (frames.length > 0 && response.write(frames.map(format).join(''), encoding));
  if (beforeContent(response, delivery.fault, write, dialect, () => encoder.step(START))) return;
  const contents = pieces.filter((piece) => piece.type === 'block-delta').length;
  const breakAt = midStream(delivery.fault) ? Math.max(1, Math.floor(contents / 2)) : Number.POSITIVE_INFINITY;
  const perTick = Math.max(1, Math.round((delivery.piecesPerSecond * TICK_MS) / 1000));
  const gapMs = perTick > 1 ? TICK_MS : 1000 / delivery.piecesPerSecond;
  let sent = 0;
  for (const piece of pieces) {
    if (delivery.gone()) return;
    write(encoder.step(piece));
    if (piece.type !== 'block-delta') continue;
    sent += 1;
    if (sent >= breakAt) {
      // A reset overtakes what is still under way; what was said before it has to arrive.
      await sleep(BEFORE_RESET_MS);
      breakOff(response, delivery.fault);
      return;
    }
    if (sent % perTick === 0) await sleep(gapMs);
  }
  write(encoder.end());
  response.end();
}

/** Time enough for a busy reader to have read what came before. */
const BEFORE_RESET_MS = 200;

const START: GenerationEvent = { type: 'generation-start' };

const midStream = (fault: FaultId | undefined): boolean =>
  fault === 'reset-mid-stream' || fault === 'stall-mid-stream' || fault === 'truncate';

/** Faults that strike before any content. @returns whether the answer is over */
function beforeContent(
  response: ServerResponse,
  fault: FaultId | undefined,
  write: (frames: readonly Frame[]) => void,
  dialect: Dialect,
  role: () => readonly Frame[],
): boolean {
  if (fault === 'stall-before-content') {
    write(role());
    return true;
  }
  if (fault === 'malformed-frame') {
    write([{ event: 'malformed', data: '{"id": "malformed", "choices": [' }]);
    response.end();
    return true;
  }
  if (fault === 'empty-answer') {
    write([...role(), ...(dialect.endMarker ? [dialect.endMarker] : [])]);
    response.end();
    return true;
  }
  return false;
}

/** In the middle: a reset, a proper end without an end marker, or silence. */
function breakOff(response: ServerResponse, fault: FaultId | undefined): void {
  if (fault === 'reset-mid-stream') response.socket?.destroy();
  else if (fault === 'truncate') response.end();
}

export async function writeWhole(
  response: ServerResponse,
  dialect: Dialect,
  context: AnswerContext,
  pieces: readonly GenerationEvent[],
  delivery: Delivery,
): Promise<void> {
  const deltas = pieces.filter((piece) => piece.type === 'block-delta').length;
  await sleep((1000 * deltas) / delivery.piecesPerSecond);
  if (delivery.gone()) return;
  const text = JSON.stringify(wholeBody(dialect, context, pieces, delivery.fault));
  response.writeHead(200, { 'content-type': 'application/json' });
  if (delivery.fault === 'stall-before-content') return;
  if (delivery.fault === 'malformed-frame') {
    response.end(text.slice(0, -20));
    return;
  }
  if (midStream(delivery.fault)) {
    response.write(text.slice(0, Math.floor(text.length / 2)));
    await sleep(BEFORE_RESET_MS);
    breakOff(response, delivery.fault);
    return;
  }
  response.end(text);
}

function wholeBody(
  dialect: Dialect,
  context: AnswerContext,
  pieces: readonly GenerationEvent[],
  fault: FaultId | undefined,
): unknown {
  const generation = collect(pieces);
  if (fault !== 'empty-answer') return dialect.encodeWhole(generation, context);
  const empty = dialect.encodeWhole({ ...generation, blocks: [], usage: { counts: {}, estimated: false } }, context);
  return JSON.parse(JSON.stringify(empty, (key, value) => (REASONS.has(key) ? null : value)));
}

/** Where the dialects say why an answer ended. */
const REASONS: ReadonlySet<string> = new Set([
  'finish_reason',
  'native_finish_reason',
  'stop_reason',
  'finishReason',
  'stopReason',
  'done_reason',
]);
