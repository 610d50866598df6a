import { parseArgs } from 'node:util';
import { report } from './report.ts';
import { SCENARIOS, scenario } from './scenarios.ts';
import { simulate } from './simulation.ts';

/** `npm run sim -- --scenario brown-out --seed 7`: prints what came of it; without a name, of all. */
const { values } = parseArgs({
  options: {
    scenario: { type: 'string' },
    seed: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '1' },
    log: { type: 'boolean', default: false },
  },
});

const first = Number(values.seed);
let broken = 0;
for (const name of values.scenario === undefined ? Object.keys(SCENARIOS) : [values.scenario]) {
  for (let seed = first; seed < first + Number(values.seeds); seed++) {
    const outcome = simulate(scenario(name, seed), seed);
    if (values.log) for (const { at, what } of outcome.log) console.log(`${at.toFixed(3)} ${what}`);
    console.log(report(outcome));
    broken += outcome.breaches.length;
  }
}
process.exit(broken > 0 ? 1 : 0);
