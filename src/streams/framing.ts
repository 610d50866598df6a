import type { Machine } from '../canon/machine.ts';
import { type Frame, formatComment, formatFrame, SseDecoder } from './sse.ts';

/** Bytes → frames, as they come off a socket. */
export interface FrameDecoder extends Machine<Uint8Array, Frame> {
  /** True once a frame exceeded its limit: what follows is no longer to be trusted. */
  readonly overflow: boolean;
}

/** How frames stand one after the other on a wire. */
export interface Framing {
  readonly contentType: string;
  /** How the text of a frame becomes bytes. */
  readonly encoding: 'utf8' | 'latin1';
  decoder(): FrameDecoder;
  format(frame: Frame): string;
  /** Proof of life that no client takes for content; empty where there is none. */
  readonly keepAlive: string;
  /** A word to whoever reads comments; empty where there are none. */
  comment(text: string): string;
}

/** Server-sent events. The comment is byte for byte what OpenRouter's clients know. */
export const SSE: Framing = {
  contentType: 'text/event-stream',
  encoding: 'utf8',
  decoder: () => new SseDecoder(),
  format: formatFrame,
  keepAlive: formatComment('OPENROUTER PROCESSING'),
  comment: formatComment,
};

const LINE_CHARS_MAX = 8 * 1024 * 1024;

/** A JSON value per line. */
class LineDecoder implements FrameDecoder {
  overflow = false;
  readonly #decoder = new TextDecoder();
  #pieces: string[] = [];
  #size = 0;

  step(bytes: Uint8Array): readonly Frame[] {
    return this.#text(this.#decoder.decode(bytes, { stream: true }));
  }

  end(): readonly Frame[] {
    return this.#text(`${this.#decoder.decode()}\n`);
  }

  #text(text: string): readonly Frame[] {
    const frames: Frame[] = [];
    let from = 0;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', from)) {
      const line = [...this.#pieces, text.slice(from, end)].join('').trim();
      this.#pieces = [];
      this.#size = 0;
      if (line !== '' && !this.overflow) frames.push({ data: line });
      from = end + 1;
    }
    if (from < text.length) this.#pieces.push(text.slice(from));
    this.#size += text.length - from;
    this.overflow ||= this.#size > LINE_CHARS_MAX;
    return frames;
  }
}

/** White space before a value is part of no value, so a space keeps a silent line alive. */
export const NDJSON: Framing = {
  contentType: 'application/x-ndjson',
  encoding: 'utf8',
  decoder: () => new LineDecoder(),
  format: ({ data }) => `${data}\n`,
  keepAlive: ' ',
  comment: () => '',
};
