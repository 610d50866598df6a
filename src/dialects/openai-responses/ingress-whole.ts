import { type Generation, tell } from '../../canon/collect.ts';
import type { AnswerContext } from '../dialect.ts';
import { errorEnvelope } from './ingress-error.ts';
import { ResponseWriter, TOLD_AS_LENGTH } from './ingress-stream.ts';

/** A whole answer is what its stream would have ended with. One that broke half-way is an error (spec/inference 6.5). */
export function encodeWhole(generation: Generation, context: AnswerContext): unknown {
  if (generation.error && !TOLD_AS_LENGTH.has(generation.error.code))
    return errorEnvelope(generation.error, { quirks: context.quirks, origin: context.origin ?? '' });
  const writer = new ResponseWriter(context);
  for (const event of tell(generation)) writer.step(event);
  return writer.response();
}
