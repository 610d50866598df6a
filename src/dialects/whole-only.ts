import { gatewayError } from '../canon/errors.ts';
import type { GenerationEvent } from '../canon/event.ts';
import { type Machine, NOTHING } from '../canon/machine.ts';
import type { Frame } from '../streams/sse.ts';
import type { Dialect } from './dialect.ts';
import { decodeError } from './upstream-error.ts';

/** The halves of a stream for operations that have none: nobody asks for one, and one that comes is no answer. */
export const WHOLE_ONLY: Pick<Dialect, 'encodeStream' | 'decodeStream' | 'decodeError' | 'headers'> = {
  headers: {},
  encodeStream: (): Machine<GenerationEvent, Frame> => ({ step: () => NOTHING, end: () => NOTHING }),
  decodeStream: (): Machine<Frame, GenerationEvent> => ({
    step: () => NOTHING,
    end: () => [
      { type: 'generation-error', error: gatewayError('upstream_malformed', 'Provider streamed what has no stream') },
    ],
  }),
  decodeError,
};
