import type { Block, Delta, GenerationEvent } from './event.ts';
import type { Machine } from './machine.ts';

/** Which deltas a block may take. */
const DELTAS: { readonly [K in Block['kind']]: readonly Delta['kind'][] } = {
  text: ['text'],
  refusal: ['text'],
  reasoning: ['text', 'signature'],
  'tool-call': ['arguments'],
  image: [],
  audio: ['audio'],
  opaque: [],
  citation: [],
  vector: [],
  score: [],
};

/**
 * Finds the first breach of the event grammar.
 * @returns a sentence that names it, or undefined for a well-formed sequence that has ended exactly once
 */
export function grammarBreach(events: Iterable<GenerationEvent>): string | undefined {
  let started = false;
  let open: Block['kind'] | undefined;
  let ended: string | undefined;
  let position = 0;
  for (const event of events) {
    const at = `event ${position++} (${event.type})`;
    if (ended) return `${at} comes after ${ended}`;
    if (event.type === 'generation-start') {
      if (started) return `${at} is a second start`;
      started = true;
      continue;
    }
    if (!started && event.type !== 'generation-error') return `${at} comes before generation-start`;
    if (event.type === 'block-start') {
      if (open) return `${at} opens a block inside ${open}`;
      open = event.block.kind;
    } else if (event.type === 'block-delta') {
      if (!open) return `${at} is outside of any block`;
      if (!DELTAS[open].includes(event.delta.kind))
        return `${at} of kind ${event.delta.kind} is not for a ${open} block`;
    } else if (event.type === 'block-end') {
      if (!open) return `${at} closes nothing`;
      open = undefined;
    } else if (event.type === 'generation-end') {
      if (open) return `${at} leaves a ${open} block open`;
      ended = event.type;
    } else if (event.type === 'generation-error') {
      ended = event.type;
    }
  }
  return ended ? undefined : 'the sequence has no terminal event';
}

/** Runs a machine over all inputs and to its end. */
export function runMachine<I, O>(machine: Machine<I, O>, inputs: Iterable<I>): O[] {
  const outputs: O[] = [];
  for (const input of inputs) outputs.push(...machine.step(input));
  outputs.push(...machine.end());
  return outputs;
}
