import { type Generation, tell } from '../../canon/collect.ts';
import type { AnswerContext } from '../dialect.ts';
import { errorBody } from './ingress-error.ts';
import { PartWriter, responseWire } from './ingress-stream.ts';

type Wire = Record<string, unknown>;

/** Text that came in pieces is one part. */
function joined(parts: readonly Wire[]): readonly Wire[] {
  const whole: Wire[] = [];
  for (const part of parts) {
    const last = whole.at(-1);
    const mergeable = last && typeof last.text === 'string' && typeof part.text === 'string';
    if (mergeable && last.thought === part.thought && part.thoughtSignature === undefined)
      whole[whole.length - 1] = { ...last, text: `${String(last.text)}${String(part.text)}` };
    else whole.push(part);
  }
  return whole;
}

/** A whole answer. One that broke half-way is an error: this wire has no place for both. */
export function encodeWhole(generation: Generation, context: AnswerContext): unknown {
  if (generation.error) return errorBody(generation.error, { quirks: context.quirks });
  const writer = new PartWriter(context);
  const parts = [...tell(generation)].flatMap((event) => writer.parts(event));
  const { finish, usage } = generation;
  return responseWire(context, joined([...parts, ...writer.rest()]), { finish, usage });
}
