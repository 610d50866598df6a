import type { Clock } from '../canon/clock.ts';

/** What the outside world gives: made in main.ts, handed down from there, replaced in tests. */
export interface Effects {
  readonly clock: Clock;
  readonly random: () => number;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly pid: number;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** Called at every SIGTERM and SIGINT. */
  readonly onSignal: (listener: () => void) => void;
  /** Called at every SIGHUP. */
  readonly onHangup: (listener: () => void) => void;
}
