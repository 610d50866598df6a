import { loadConfig } from '../config/load.ts';
import { whyOffline } from './administration.ts';
import { show, table, UsageError } from './command.ts';
import { remoteAdministration } from './control.ts';
import type { Effects } from './effects.ts';

/** The members of `GET /requests/{id}/why` that are printed. */
interface Told {
  readonly id: string;
  readonly created_at: string;
  readonly state: string;
  readonly seed?: number;
  readonly summary: string;
  readonly replay: { readonly exact: boolean; readonly note?: string };
  readonly candidates?: readonly {
    readonly position: number;
    readonly endpoint: string;
    readonly reason: string;
    readonly usd_per_million: number;
    readonly left_out?: string;
    readonly won: boolean;
    readonly attempted: boolean;
  }[];
  readonly rejected?: readonly { readonly endpoint: string; readonly rule: string; readonly reason: string }[];
  readonly attempts: readonly {
    readonly endpoint: string;
    readonly status: number;
    readonly code?: string;
    readonly latency_ms: number;
  }[];
  readonly error: {
    readonly code: string;
    readonly rule?: string;
    readonly limit?: number;
    readonly current?: number;
  } | null;
}

/** Why a request that is over went where it went: asked of the running gateway, or read from its file. @returns the exit code */
export async function explainPast(id: string, effects: Effects, json: boolean): Promise<number> {
  const config = loadConfig(effects.environment, effects.cwd);
  const remote = await remoteAdministration(config.home);
  const found = (remote ? await remote.why(id) : await whyOffline(id, config, effects)) as Told | null;
  if (!found) throw new UsageError(`nothing is known of ${id}: no such request, not over yet, or too long ago`);
  show(effects, json, found, textOf(found));
  return 0;
}

function textOf({ id, created_at, state, seed, summary, replay, candidates, rejected, attempts, error }: Told): string {
  const outcome = (one: NonNullable<Told['candidates']>[number]): string =>
    one.won ? 'won' : one.attempted ? 'tried' : (one.left_out ?? '');
  const section = (title: string, rows: readonly (readonly string[])[]): string[] =>
    rows.length > 0 ? [title, table(rows)] : [];
  const measure = error?.limit === undefined ? [] : [`limit ${error.limit}`];
  return [
    `${id} of ${created_at}, ${state}${seed === undefined ? '' : `, seed ${seed}`}`,
    summary,
    ...(error
      ? [
          [
            'Error:',
            error.code,
            error.rule ?? '',
            ...measure,
            error.current === undefined ? '' : `was ${error.current}`,
          ]
            .filter((word) => word !== '')
            .join(' '),
        ]
      : []),
    ...(replay.note === undefined ? [] : [replay.note]),
    '',
    ...section(
      'Candidates, in order:',
      (candidates ?? []).map((one) => [
        `  ${one.position}.`,
        one.endpoint,
        `$${Number(one.usd_per_million.toFixed(4))}/M`,
        outcome(one),
        one.reason,
      ]),
    ),
    ...section(
      'Attempts:',
      attempts.map((one) => [
        '  ',
        one.endpoint,
        one.status === 0 ? 'no answer' : String(one.status),
        one.code ?? 'served',
        `${one.latency_ms} ms`,
      ]),
    ),
    ...section(
      'Not used:',
      (rejected ?? []).map((one) => ['  ', one.endpoint, one.rule, one.reason]),
    ),
  ].join('\n');
}
