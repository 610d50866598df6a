import { chance, untilNext } from './chance.ts';
import { type Ask, type Callers, saying } from './simulation.ts';

/** What callers do. Times are milliseconds from the start. */
export type Workload = (callers: Callers) => void;

/** A request of the usual size; its lengths scatter with its number. */
export function usual(seed: number, number: number): Ask {
  return {
    promptTokens: 50 + Math.floor(400 * chance(seed, number, 11)),
    outputTokens: 40 + Math.floor(160 * chance(seed, number, 12)),
  };
}

interface Open {
  readonly perSecond: number;
  readonly fromMs?: number;
  readonly toMs: number;
  readonly ask?: (seed: number, number: number) => Ask;
}

/** Requests that come at random whatever became of those before: the callers are many and do not know each other. */
export const open =
  ({ perSecond, fromMs = 0, toMs, ask = usual }: Open): Workload =>
  (callers) => {
    let number = 0;
    const next = (): void => {
      const wait = untilNext(perSecond, chance(callers.seed, number, 1, fromMs));
      if (callers.now() + wait >= toMs) return;
      callers.after(wait, () => {
        void callers.send(ask(callers.seed, number++));
        next();
      });
    };
    callers.after(fromMs, next);
  };

/** Many requests at one moment, again and again. */
export const bursts =
  ({ size, everyMs, toMs }: { readonly size: number; readonly everyMs: number; readonly toMs: number }): Workload =>
  (callers) => {
    for (let at = everyMs, burst = 0; at < toMs; at += everyMs, burst++) {
      callers.after(at, () => {
        for (let one = 0; one < size; one++) void callers.send(usual(callers.seed, burst * size + one));
      });
    }
  };

/** Callers who wait for their answer, think, and ask again. */
export const closed =
  ({ users, thinkMs, toMs }: { readonly users: number; readonly thinkMs: number; readonly toMs: number }): Workload =>
  (callers) => {
    const round = (user: number, turn: number): void => {
      const think = 2 * thinkMs * chance(callers.seed, user, turn, 2);
      if (callers.now() + think >= toMs) return;
      callers.after(think, () => {
        void callers.send(usual(callers.seed, user * 10_000 + turn)).then(() => round(user, turn + 1));
      });
    };
    for (let user = 0; user < users; user++) round(user, 0);
  };

interface Talks {
  readonly talks: number;
  readonly turns: number;
  /** Between an answer and the next question, more or less by a tenth. */
  readonly gapMs: number;
  /** All begin within this time. */
  readonly withinMs: number;
}

const SYSTEM_TOKENS = 2000;
const TURN_TOKENS = 150;

/** Conversations that repeat all that was said, every other one with a session's name; their prompts are cached for an hour. */
export const conversations =
  ({ talks, turns, gapMs, withinMs }: Talks): Workload =>
  (callers) => {
    const talk = async (which: number): Promise<void> => {
      const name = `talk ${which}`;
      const system = { role: 'system', content: `You are guest ${which}. ${'word '.repeat(50)}` };
      const said: unknown[] = [system];
      for (let turn = 0; turn < turns; turn++) {
        const ended = await callers.send({
          promptTokens: SYSTEM_TOKENS + 2 * TURN_TOKENS * turn + TURN_TOKENS,
          outputTokens: TURN_TOKENS,
          conversation: name,
          messages: [...said],
          ...(which % 2 === 0 && { wire: { session_id: name } }),
        });
        said.push(
          { role: 'user', content: saying(ended.order.number, true) },
          { role: 'assistant', content: ended.text === '' ? 'no answer' : ended.text },
        );
        const gap = gapMs * (0.9 + 0.2 * chance(callers.seed, which, turn, 3));
        await new Promise<void>((resolve) => callers.after(gap, resolve));
      }
    };
    for (let which = 0; which < talks; which++)
      callers.after(withinMs * chance(callers.seed, which, 4), () => void talk(which));
  };

/** Several at once. */
export const together =
  (...all: readonly Workload[]): Workload =>
  (callers) => {
    for (const one of all) one(callers);
  };
