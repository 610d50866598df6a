import { chance } from './chance.ts';
import type { Fault, HostSpec } from './host.ts';
import type { Scenario } from './simulation.ts';
import { bursts, closed, conversations, open, together, usual } from './workloads.ts';

const MINUTE = 60_000;

/** A host of a usual speed: the first token after about 300 ms, a whole answer within about 2 s. */
const host = (id: string, usd: number, more: Partial<HostSpec> = {}): HostSpec => ({
  id,
  usd,
  firstTokenMs: { median: 300, sigma: 0.3 },
  tokensPerSecond: { median: 80, sigma: 0.2 },
  ...more,
});

/** Answers of 2 s on average, as in the experiment of spec/reliability 0.6. */
const twoSeconds = { firstTokenMs: { median: 500, sigma: 0.2 }, tokensPerSecond: { median: 80, sigma: 0.2 } };

/** The three upstreams of that experiment, the first of them sick from the first to the second minute. */
const crowded = (name: string, says: string, faults: readonly Omit<Fault, 'from' | 'to'>[]): Scenario => ({
  name,
  says,
  hosts: [
    host('a', 1, {
      slots: 60,
      ...twoSeconds,
      faults: faults.map((fault) => ({ ...fault, from: MINUTE, to: 2 * MINUTE })),
    }),
    host('b', 1.5, { slots: 40, ...twoSeconds }),
    host('c', 1.5, { slots: 40, ...twoSeconds }),
  ],
  limits: { attempt_first_content_ms_max: 10_000, headers_ms_max: 10_000 },
  workload: open({ perSecond: 30, toMs: 4 * MINUTE }),
});

const FIXED: readonly Scenario[] = [
  {
    name: 'steady',
    says: 'three hosts at $1, $2 and $3, nothing wrong',
    hosts: [host('a', 1), host('b', 2), host('c', 3)],
    workload: open({ perSecond: 20, toMs: 5 * MINUTE }),
  },
  {
    name: 'steady-long',
    says: 'the same for an hour, three requests a second',
    hosts: [host('a', 1), host('b', 2), host('c', 3)],
    workload: open({ perSecond: 3, toMs: 60 * MINUTE }),
  },
  {
    name: 'one-down',
    says: 'three equal hosts, one cannot be reached in the second and third minute',
    hosts: [
      host('a', 1, { faults: [{ kind: 'unreachable', from: MINUTE, to: 3 * MINUTE }] }),
      host('b', 1),
      host('c', 1),
    ],
    workload: open({ perSecond: 20, toMs: 6 * MINUTE }),
  },
  {
    name: 'one-hangs',
    says: 'three equal hosts, one takes calls and never answers from the second to the fourth minute',
    hosts: [host('a', 1, { faults: [{ kind: 'hang', from: MINUTE, to: 4 * MINUTE }] }), host('b', 1), host('c', 1)],
    limits: { attempt_first_content_ms_max: 10_000 },
    workload: open({ perSecond: 20, toMs: 4 * MINUTE }),
  },
  {
    name: 'rate-limited',
    says: 'three hosts that all answer 429 from the second to the fourth minute',
    hosts: ['a', 'b', 'c'].map((id, index) =>
      host(id, 1 + index / 2, { faults: [{ kind: 'rate-limited', from: MINUTE, to: 3 * MINUTE, retryAfterMs: 5000 }] }),
    ),
    workload: open({ perSecond: 20, toMs: 5 * MINUTE }),
  },
  {
    name: 'quota',
    says: 'three hosts that take 300 calls a minute each, and 20 come in a second',
    hosts: ['a', 'b', 'c'].map((id) => host(id, 1, { callsPerMinute: 300, retryAfterMs: 3000 })),
    workload: open({ perSecond: 20, toMs: 4 * MINUTE }),
  },
  crowded('brown-out', 'as in spec/reliability 0.6: the largest of three hosts has 6 of 60 slots for a minute', [
    { kind: 'brown-out', slots: 6 },
  ]),
  crowded(
    'hard-failure',
    'as in spec/reliability 0.6: half of the calls to the largest of three hosts hang for a minute',
    [{ kind: 'hang', share: 0.5 }],
  ),
  {
    name: 'prices',
    says: 'two hosts that change places: the cheap one becomes the dear one after two minutes',
    hosts: [host('a', 1), host('b', 3)],
    prices: [{ at: 2 * MINUTE, host: 'a', usd: 9 }],
    workload: open({ perSecond: 20, toMs: 4 * MINUTE }),
  },
  {
    name: 'slow-tail',
    says: 'two hosts, of whose answers one in twenty takes 20 times as long to begin',
    hosts: [
      host('a', 1, { slowTail: { share: 0.05, factor: 20 } }),
      host('b', 1.2, { slowTail: { share: 0.05, factor: 20 } }),
    ],
    workload: open({ perSecond: 20, toMs: 4 * MINUTE }),
  },
  {
    name: 'conversations',
    says: 'conversations of eight turns, 20 minutes apart, that pay for a cache of an hour; each host fails one call in 200',
    hosts: ['a', 'b', 'c'].map((id) =>
      host(id, 2, { cacheMs: 60 * MINUTE, faults: [{ kind: 'unavailable', share: 0.005, from: 0, to: 600 * MINUTE }] }),
    ),
    dialect: 'anthropic-messages',
    workload: conversations({ talks: 200, turns: 8, gapMs: 20 * MINUTE, withinMs: 20 * MINUTE }),
  },
];

const KINDS: readonly Fault['kind'][] = [
  'unreachable',
  'unavailable',
  'rate-limited',
  'hang',
  'reset',
  'cut',
  'stall',
  'empty',
  'slow',
  'brown-out',
];

/** When the faults of a swarm are over. */
export const SWARM_FAULTS_END_MS = MINUTE;
const SWARM_END_MS = 4 * MINUTE;

/** Everything at once, drawn from the seed: hosts, prices, callers, and which kinds of faults there are (spec/reliability 4.3). */
function swarm(seed: number): Scenario {
  const draw = (...about: number[]): number => chance(seed, 77, ...about);
  const size = 2 + Math.floor(7 * draw(1));
  const kinds = KINDS.filter((_, index) => draw(2, index) < 0.5);
  const faultsOf = (index: number): readonly Fault[] =>
    kinds.flatMap((kind, which) => {
      if (draw(3, index, which) < 0.5) return [];
      const from = SWARM_FAULTS_END_MS * 0.8 * draw(4, index, which);
      return {
        kind,
        from,
        to: Math.min(SWARM_FAULTS_END_MS, from + MINUTE * draw(5, index, which)),
        share: draw(6, index, which) < 0.3 ? 1 : draw(7, index, which),
        factor: 2 + 10 * draw(8, index, which),
        slots: Math.floor(5 * draw(9, index, which)),
        ...(draw(10, index, which) < 0.5 && { retryAfterMs: 1000 + 9000 * draw(11, index, which) }),
      };
    });
  const perSecond = 5 + 20 * draw(12);
  return {
    name: 'swarm',
    says: `${size} hosts; faults until ${SWARM_FAULTS_END_MS / 1000} s: ${kinds.join(', ') || 'none'}`,
    hosts: Array.from({ length: size }, (_, index) =>
      host(`h${index}`, 1 + Math.floor(5 * draw(13, index)), {
        // Room for everybody once nothing is wrong any more, wherever they go.
        slots: 120,
        firstTokenMs: { median: 100 + 700 * draw(14, index), sigma: 0.5 * draw(15, index) },
        tokensPerSecond: { median: 40 + 200 * draw(16, index), sigma: 0.3 * draw(17, index) },
        faults: faultsOf(index),
      }),
    ),
    limits: {
      attempt_first_content_ms_max: 8000,
      stream_idle_ms_max: 8000,
      attempt_whole_ms_max: 20_000,
      request_total_ms_max: 45_000,
      // The usual longest rest of five minutes would outlast the run.
      breaker_open_ms_max: MINUTE,
    },
    workload: together(
      open({
        perSecond,
        toMs: SWARM_END_MS,
        ask: (own, number) => ({
          ...usual(own, number),
          ...(chance(own, number, 21) < 0.2 && { whole: true }),
          ...(chance(own, number, 22) < 0.05 && { leavesMs: 3000 * chance(own, number, 23) }),
        }),
      }),
      closed({ users: Math.floor(10 * draw(18)), thinkMs: 2000, toMs: SWARM_END_MS }),
      bursts({ size: 1 + Math.floor(20 * draw(19)), everyMs: 15_000 + 30_000 * draw(20), toMs: SWARM_END_MS }),
    ),
  };
}

export const SCENARIOS: Readonly<Record<string, (seed: number) => Scenario>> = {
  ...Object.fromEntries(FIXED.map((scenario) => [scenario.name, () => scenario])),
  swarm,
};

/** @throws where there is no scenario of that name */
export function scenario(name: string, seed: number): Scenario {
  const make = SCENARIOS[name];
  if (!make) throw new Error(`there is no scenario ${name}: ${Object.keys(SCENARIOS).join(', ')}`);
  return make(seed);
}
