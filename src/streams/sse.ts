import type { Machine } from '../canon/machine.ts';

/** One message of a server-sent event stream. */
export interface Frame {
  readonly event?: string;
  readonly data: string;
}

/**
 * Bytes → frames, after the WHATWG rules for event streams: LF, CR and CRLF end a line, `data` lines join with LF, a byte-order mark
 * and comments are skipped, characters may be split anywhere. A last frame without its blank line is still given at the end, because
 * several providers close right after `data: [DONE]`.
 *
 * Each piece of text is scanned once: a line that arrives in a thousand pieces costs a thousand short scans, not a thousand long ones.
 */
export class SseDecoder implements Machine<Uint8Array, Frame> {
  /** True once a line or an event exceeded `bytesMax`: what follows is no longer to be trusted. */
  overflow = false;
  readonly #decoder = new TextDecoder();
  readonly #bytesMax: number;
  #line: string[] = [];
  #size = 0;
  #skipLineFeed = false;
  #event: string | undefined;
  #data: string | undefined;

  constructor(bytesMax = 8 * 1024 * 1024) {
    this.#bytesMax = bytesMax;
  }

  step(bytes: Uint8Array): readonly Frame[] {
    return this.#text(this.#decoder.decode(bytes, { stream: true }));
  }

  end(): readonly Frame[] {
    const frames = this.#text(this.#decoder.decode());
    if (this.#line.length > 0) this.#endLine('', frames);
    this.#endEvent(frames);
    return frames;
  }

  #text(text: string): Frame[] {
    const frames: Frame[] = [];
    if (text === '' || this.overflow) return frames;
    const hasReturn = text.includes('\r');
    let from = 0;
    if (this.#skipLineFeed) {
      this.#skipLineFeed = false;
      if (text.charCodeAt(0) === 10) from = 1;
    }
    for (;;) {
      let end = text.indexOf('\n', from);
      if (hasReturn) {
        const back = text.indexOf('\r', from);
        if (back >= 0 && (end < 0 || back < end)) end = back;
      }
      if (end < 0) break;
      this.#endLine(text.slice(from, end), frames);
      from = end + 1;
      if (hasReturn && text.charCodeAt(end) === 13) {
        if (from === text.length) this.#skipLineFeed = true;
        else if (text.charCodeAt(from) === 10) from += 1;
      }
    }
    if (from < text.length) {
      const rest = text.slice(from);
      this.#line.push(rest);
      this.#grow(rest.length);
    }
    return frames;
  }

  #grow(length: number): void {
    this.#size += length;
    if (this.#size > this.#bytesMax) {
      this.overflow = true;
      this.#line = [];
      this.#data = undefined;
    }
  }

  #endLine(tail: string, frames: Frame[]): void {
    let line = tail;
    if (this.#line.length > 0) {
      this.#line.push(tail);
      line = this.#line.join('');
      this.#line = [];
    } else {
      this.#grow(tail.length);
    }
    if (this.overflow) return;
    if (line === '') {
      this.#endEvent(frames);
      return;
    }
    const colon = line.indexOf(':');
    if (colon === 0) return;
    const field = colon < 0 ? line : line.slice(0, colon);
    if (field === 'data') {
      const value = colon < 0 ? '' : line.slice(line.charCodeAt(colon + 1) === 32 ? colon + 2 : colon + 1);
      this.#data = this.#data === undefined ? value : `${this.#data}\n${value}`;
    } else if (field === 'event') {
      this.#event = colon < 0 ? '' : line.slice(line.charCodeAt(colon + 1) === 32 ? colon + 2 : colon + 1);
    }
  }

  #endEvent(frames: Frame[]): void {
    this.#size = 0;
    if (this.#data !== undefined) {
      frames.push(this.#event === undefined ? { data: this.#data } : { event: this.#event, data: this.#data });
    }
    this.#data = undefined;
    this.#event = undefined;
  }
}

/** A frame as it stands on the wire. */
export function formatFrame(frame: Frame): string {
  const event = frame.event === undefined ? '' : `event: ${frame.event}\n`;
  if (!frame.data.includes('\n') && !frame.data.includes('\r')) return `${event}data: ${frame.data}\n\n`;
  return `${event}${frame.data
    .split(/\r\n|\r|\n/)
    .map((line) => `data: ${line}\n`)
    .join('')}\n`;
}

/** A comment line: proof of life that no client takes for content. */
export const formatComment = (text: string): string => `: ${text}\n\n`;
