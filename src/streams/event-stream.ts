import { crc32 } from 'node:zlib';
import type { FrameDecoder, Framing } from './framing.ts';
import type { Frame } from './sse.ts';

/**
 * Amazon's binary event stream: total length, length of the headers, a checksum of these two, headers, payload, a checksum of all
 * (`application/vnd.amazon.eventstream`, spec/providers B.4.1). Written here because the published codec costs every start 60 ms and
 * 16 MB, and an installation without that provider needs neither.
 */
const PRELUDE_BYTES = 12;
const MESSAGE_BYTES_MIN = 16;
const MESSAGE_BYTES_MAX = 8 * 1024 * 1024;
const STRING = 7;
/** How long a header's value is, by its type; -1 where two bytes say so. */
const VALUE_BYTES = [0, 0, 1, 2, 4, 8, -1, -1, 8, 16] as const;
/** No JSON, so whoever reads it knows that the stream cannot be trusted any more. */
const DAMAGED: Frame = { event: 'damaged', data: 'damaged' };

/** The headers that are text. @throws RangeError where they do not fit their place */
function textHeaders(bytes: Buffer): ReadonlyMap<string, string> {
  const headers = new Map<string, string>();
  for (let at = 0; at < bytes.length; ) {
    const nameEnd = at + 1 + bytes.readUInt8(at);
    const name = bytes.toString('utf8', at + 1, nameEnd);
    const type = bytes.readUInt8(nameEnd);
    const fixed = VALUE_BYTES[type] ?? 0;
    const start = nameEnd + 1 + (fixed < 0 ? 2 : 0);
    const end = start + (fixed < 0 ? bytes.readUInt16BE(nameEnd + 1) : fixed);
    if (type === STRING) headers.set(name, bytes.toString('utf8', start, end));
    at = end;
  }
  return headers;
}

/** One message as a frame: its event or exception type, and its payload. A checksum that does not fit is a damaged frame. */
function frameOf(bytes: Buffer): Frame {
  const headersEnd = PRELUDE_BYTES + bytes.readUInt32BE(4);
  const last = bytes.length - 4;
  if (headersEnd > last || crc32(bytes.subarray(0, 8)) !== bytes.readUInt32BE(8)) return DAMAGED;
  if (crc32(bytes.subarray(0, last)) !== bytes.readUInt32BE(last)) return DAMAGED;
  try {
    const headers = textHeaders(bytes.subarray(PRELUDE_BYTES, headersEnd));
    const event =
      headers.get(':event-type') ?? headers.get(':exception-type') ?? headers.get(':error-code') ?? 'unknown';
    const message = headers.get(':error-message');
    const data = message === undefined ? bytes.toString('utf8', headersEnd, last) : JSON.stringify({ message });
    return { event, data: data === '' ? '{}' : data };
  } catch {
    return DAMAGED;
  }
}

class EventStreamDecoder implements FrameDecoder {
  overflow = false;
  #buffer: Buffer = Buffer.alloc(0);
  #damaged = false;

  step(bytes: Uint8Array): readonly Frame[] {
    const frames: Frame[] = [];
    if (this.#damaged || this.overflow) return frames;
    this.#buffer = this.#buffer.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.#buffer, bytes]);
    while (this.#buffer.length >= 4 && !this.#damaged) {
      const length = this.#buffer.readUInt32BE(0);
      this.overflow = length > MESSAGE_BYTES_MAX;
      if (this.overflow || (this.#buffer.length < length && length >= MESSAGE_BYTES_MIN)) break;
      const frame = length < MESSAGE_BYTES_MIN ? DAMAGED : frameOf(this.#buffer.subarray(0, length));
      this.#buffer = this.#buffer.subarray(length);
      this.#damaged = frame === DAMAGED;
      frames.push(frame);
    }
    return frames;
  }

  /** Half a message at the end is no message. */
  end(): readonly Frame[] {
    return this.#buffer.length > 0 && !this.#damaged ? [DAMAGED] : [];
  }
}

function header(name: string, value: string): Buffer {
  const bytes = Buffer.from(value, 'utf8');
  const length = Buffer.alloc(3);
  length.writeUInt8(STRING, 0);
  length.writeUInt16BE(bytes.length, 1);
  return Buffer.concat([Buffer.from([name.length]), Buffer.from(name, 'latin1'), length, bytes]);
}

function format({ event = 'unknown', data }: Frame): string {
  const exception = event.endsWith('Exception');
  const headers = Buffer.concat([
    header(':message-type', exception ? 'exception' : 'event'),
    header(exception ? ':exception-type' : ':event-type', event),
    header(':content-type', 'application/json'),
  ]);
  const payload = Buffer.from(data, 'utf8');
  const message = Buffer.alloc(PRELUDE_BYTES + headers.length + payload.length + 4);
  message.writeUInt32BE(message.length, 0);
  message.writeUInt32BE(headers.length, 4);
  message.writeUInt32BE(crc32(message.subarray(0, 8)), 8);
  headers.copy(message, PRELUDE_BYTES);
  payload.copy(message, PRELUDE_BYTES + headers.length);
  message.writeUInt32BE(crc32(message.subarray(0, message.length - 4)), message.length - 4);
  return message.toString('latin1');
}

export const EVENT_STREAM: Framing = {
  contentType: 'application/vnd.amazon.eventstream',
  encoding: 'latin1',
  decoder: () => new EventStreamDecoder(),
  format,
  keepAlive: '',
  comment: () => '',
};
