import pino from 'pino';
import type { Log } from '../gateway/ports.ts';

/** Structured lines on stderr; stdout belongs to the welcome and to commands' answers. */
export function createLog(level: string): Log {
  return pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime, redact: ['credential', 'authorization', 'key'] },
    pino.destination({ fd: 2, sync: true }),
  );
}
