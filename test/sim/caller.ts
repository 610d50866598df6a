import type { Client } from '../../src/gateway/call.ts';
import type { Answer } from '../../src/gateway/handle.ts';

/** What one caller got, times in milliseconds from its request. */
export interface Got {
  /** `served`: a complete answer; `refused`: an error with a status; `broken`: an error inside a stream; `left`: nobody waited for it. */
  readonly outcome: 'served' | 'refused' | 'broken' | 'left';
  readonly status: number;
  /** The `error_type` or code of whatever went wrong. */
  readonly error?: string;
  readonly firstMs?: number;
  readonly totalMs: number;
  readonly text: string;
}

/** The client's end of a simulated line: it reads as fast as it comes, and may leave. */
export class Caller implements Client {
  gone = false;
  readonly #listeners: (() => void)[] = [];

  onGone(listener: () => void): void {
    if (this.gone) listener();
    else this.#listeners.push(listener);
  }

  hangUp(): void {
    this.leave();
  }

  leave(): void {
    if (this.gone) return;
    this.gone = true;
    for (const listener of this.#listeners) listener();
  }
}

interface Chunk {
  readonly choices?: readonly {
    readonly delta?: { readonly content?: string | null };
    readonly finish_reason?: string | null;
  }[];
  readonly error?: { readonly code?: unknown; readonly metadata?: { readonly error_type?: string } };
}

/**
 * Reads an answer of the chat dialect to its end.
 * @param breach told what no client may ever see: a second end, something after the end, an end without a marker
 */
export async function readAnswer(
  { status, headers, body }: Answer,
  caller: Caller,
  since: () => number,
  breach: (what: string) => void,
): Promise<Got> {
  if (typeof body === 'string') return told(status, body, caller, since());
  // A whole answer that takes long comes in pieces too: white space, then all of it.
  if (headers['content-type'] === 'application/json') {
    let text = '';
    for await (const piece of body) text += piece;
    return told(status, text, caller, since());
  }
  const stream = new ReadStream(breach);
  let firstMs: number | undefined;
  for await (const piece of body) {
    if (caller.gone) break;
    stream.take(piece);
    if (stream.text !== '') firstMs ??= since();
  }
  if (!caller.gone) stream.over();
  const { error, text } = stream;
  const outcome = caller.gone ? 'left' : error === undefined ? 'served' : 'broken';
  return {
    outcome,
    status,
    totalMs: since(),
    text,
    ...(error !== undefined && { error }),
    ...(firstMs !== undefined && { firstMs }),
  };
}

function told(status: number, body: string, { gone }: Caller, totalMs: number): Got {
  if (gone) return { outcome: 'left', status, totalMs, text: '' };
  const parsed = JSON.parse(body) as Chunk & {
    readonly choices?: readonly { readonly message?: { readonly content?: string | null } }[];
  };
  if (status === 200 && !parsed.error)
    return { outcome: 'served', status, totalMs, firstMs: totalMs, text: parsed.choices?.[0]?.message?.content ?? '' };
  return { outcome: status === 200 ? 'broken' : 'refused', status, totalMs, error: errorOf(parsed), text: '' };
}

const errorOf = ({ error }: Chunk): string => error?.metadata?.error_type ?? String(error?.code);

class ReadStream {
  text = '';
  error: string | undefined;
  readonly #breach: (what: string) => void;
  #ends = 0;
  #done = false;

  constructor(breach: (what: string) => void) {
    this.#breach = breach;
  }

  take(piece: string): void {
    for (const line of piece.split('\n')) {
      if (line === '' || line.startsWith(':')) continue;
      if (this.#done) this.#breach('a stream goes on after its marker');
      if (line === 'data: [DONE]') this.#done = true;
      else this.#chunk(JSON.parse(line.slice('data: '.length)) as Chunk);
    }
  }

  over(): void {
    if (this.#ends !== 1 || !this.#done)
      this.#breach(`a stream has ${this.#ends} ends and ${this.#done ? 'a' : 'no'} marker`);
  }

  #chunk(chunk: Chunk): void {
    const choice = chunk.choices?.[0];
    const content = choice?.delta?.content ?? '';
    if (content !== '' && this.#ends > 0) this.#breach('text comes after the end');
    this.text += content;
    if (chunk.error) this.error = errorOf(chunk);
    if (chunk.error || (choice?.finish_reason ?? null) !== null) this.#ends += 1;
  }
}
