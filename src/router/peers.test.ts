import { describe, expect, test } from 'bun:test';
import { type Breaker, CLOSED } from './breaker.ts';
import { foldAttempt, foldPace, type Health, NO_HEALTH } from './health.ts';
import { ejected, type Peer, panics, standingOf } from './peers.ts';

const health = (served: number, failed: number, ms?: number): Health => {
  let all = NO_HEALTH;
  for (let i = 0; i < served; i++) {
    all = foldAttempt(all, 'served', 0);
    if (ms !== undefined) all = foldPace(all, { firstContentMs: ms, tokensPerSecond: undefined }, 0);
  }
  for (let i = 0; i < failed; i++) all = foldAttempt(all, 'failed', 0);
  return all;
};

const peer = (overrides: Partial<Peer> = {}): Peer => ({
  health: NO_HEALTH,
  breaker: CLOSED,
  cooledUntil: 0,
  keyUntil: 0,
  ejected: false,
  readmittedAt: 0,
  ...overrides,
});

const OPEN: Breaker = { ...CLOSED, opened: 1, openedAt: 1, until: 5000 };

describe('who is ejected', () => {
  const good = health(200, 0);

  test('the one that fails far more often than five others', () => {
    expect([...ejected([good, good, good, health(150, 50), good, good], 0)]).toEqual([3]);
  });

  test('nobody among four, nobody with less than a hundred requests, nobody where all are alike', () => {
    expect(ejected([good, good, good, health(100, 100)], 0).size).toBe(0);
    expect(ejected([good, good, good, health(49, 50), good, good], 0).size).toBe(0);
    expect(ejected([good, good, good, good, good, good], 0).size).toBe(0);
    expect(ejected([undefined, undefined, good, undefined, undefined], 0).size).toBe(0);
  });

  test('the one whose slow end is three times as late as the others’', () => {
    const quick = health(100, 0, 400);
    expect([...ejected([quick, quick, health(100, 0, 2000)], 0)]).toEqual([2]);
    expect(ejected([quick, quick, health(100, 0, 1100)], 0).size).toBe(0);
    // Three times of next to nothing is nothing.
    expect(ejected([health(100, 0, 3), health(100, 0, 3), health(100, 0, 30)], 0).size).toBe(0);
  });

  test('at most a third, the worst first', () => {
    const bad = [health(100, 0, 9000), health(100, 0, 7000), health(100, 0, 8000)];
    const quick = [1, 2, 3, 4].map(() => health(100, 0, 400));
    expect([...ejected([...bad, ...quick], 0)].sort()).toEqual([0, 2]);
    expect(ejected([health(100, 0, 9000), health(100, 0, 100)], 0).size).toBe(0);
  });
});

test('breakers are ignored where more than half of a model’s endpoints are open', () => {
  const open = peer({ breaker: OPEN });
  expect(panics([open, open, peer()], 2000)).toBe(true);
  expect(panics([open, peer()], 2000)).toBe(false);
  expect(panics([open, open, undefined, undefined], 2000)).toBe(false);
  expect(panics([open, open, peer()], 6000)).toBe(false);
  expect(standingOf(open, true, 2000).resting).toBeUndefined();
  expect(standingOf(peer({ breaker: OPEN, cooledUntil: 3000 }), true, 2000).resting).toBe('cooldown');
  expect(standingOf(peer({ keyUntil: 3000 }), true, 2000).resting).toBe('credential');
});

describe('a standing', () => {
  test('names why it rests, and the trial after it', () => {
    const open = peer({ breaker: OPEN, health: health(0, 5) });
    expect(standingOf(open, false, 2000)).toMatchObject({ resting: 'breaker', outage: true });
    const after = standingOf(open, false, 5000);
    expect([after.resting, after.trial, after.outage]).toEqual([undefined, true, false]);
    expect(standingOf(peer({ ejected: true }), false, 0).resting).toBe('ejected');
    expect(standingOf(peer({ breaker: OPEN, cooledUntil: 9000 }), false, 5000)).toMatchObject({ resting: 'cooldown' });
  });

  test('of a host that came back has less weight at first', () => {
    const back = peer({ breaker: { ...CLOSED, closedAt: 1000 } });
    expect(standingOf(back, false, 1000).weight).toBeCloseTo(0.1);
    expect(standingOf(peer({ readmittedAt: 1000 }), false, 16_000).weight).toBeCloseTo(0.55);
    expect(standingOf(back, false, 31_000).weight).toBe(1);
  });
});
