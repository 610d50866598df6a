import { expect } from 'bun:test';
import { scenario } from './scenarios.ts';
import { type Outcome, type Scenario, simulate } from './simulation.ts';

/** Seeds of a test: as many as the environment asks for, few without. `SIM_SEEDS=100 npm test test/sim` looks longer. */
export function seeds(usual: number): readonly number[] {
  const wanted = Number(Bun.env.SIM_SEEDS ?? 0);
  return Array.from({ length: Math.max(usual, wanted) }, (_, index) => index + 1);
}

/** Runs a scenario by name and asserts a claim about it; a claim that does not hold names the command that replays the run. */
export function claim(name: string, seed: number, about: (outcome: Outcome) => void): void {
  claimOf(scenario(name, seed), seed, about);
}

export function claimOf(what: Scenario, seed: number, about: (outcome: Outcome) => void): void {
  const outcome = simulate(what, seed);
  try {
    expect(outcome.breaches).toEqual([]);
    about(outcome);
  } catch (error) {
    (error as Error).message += `\n\nreplay: npm run -s sim -- --scenario ${what.name} --seed ${seed} --log`;
    throw error;
  }
}
