/**
 * A synchronous stateful transformer: no I/O, no clock, no promise. A fresh object per stream.
 * `step` takes one input and gives what it makes of it; `end` is called once, after the last input.
 */
export interface Machine<I, O> {
  step(input: I): readonly O[];
  end(): readonly O[];
}

export const NOTHING: readonly never[] = [];
