import type { Clock } from './canon/clock.ts';
import type { Effects } from './cli/effects.ts';
import { run } from './cli/run.ts';

const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after: (ms, action) => {
    const timer = setTimeout(action, ms);
    return () => clearTimeout(timer);
  },
};

/** The composition root's outermost layer: time, chance, environment and streams come from here and from nowhere else. */
const effects: Effects = {
  clock: systemClock,
  random: () => Math.random(),
  environment: process.env,
  cwd: process.cwd(),
  pid: process.pid,
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  onSignal: (listener) => {
    process.on('SIGTERM', listener);
    process.on('SIGINT', listener);
  },
  onHangup: (listener) => void process.on('SIGHUP', listener),
};

process.exit(await run(process.argv.slice(2), effects));
