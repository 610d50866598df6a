import { describe, expect, test } from 'bun:test';
import { endpoint, model, provider, request, world } from '../../test/support/world.ts';
import { nanodollars } from '../money/money.ts';
import type { Candidate } from '../router/candidate.ts';
import { type Standing, UNTRIED } from '../router/standing.ts';
import { type HedgeLimits, Hedges, hedge, race } from './hedge.ts';

/** A clock whose time goes by when a test says so. */
class HandClock {
  #time = 0;
  #waiting: { at: number; action: () => void }[] = [];

  now = (): number => this.#time;
  monotonic = (): number => this.#time;

  after(ms: number, action: () => void): () => void {
    const one = { at: this.#time + ms, action };
    this.#waiting.push(one);
    return () => {
      this.#waiting = this.#waiting.filter((other) => other !== one);
    };
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  async pass(ms: number): Promise<void> {
    this.#time += ms;
    const due = this.#waiting.filter(({ at }) => at <= this.#time);
    this.#waiting = this.#waiting.filter(({ at }) => at > this.#time);
    for (const { action } of due) action();
    await Bun.sleep(0);
  }
}

const limits: HedgeLimits = { on: true, afterMs: 500, share: 0.05, addedMax: nanodollars(10_000_000n) };

describe('whom to ask as well, and when', () => {
  const snapshot = world({
    models: [model('lab/one'), model('lab/two')],
    providers: [provider('a'), provider('b'), provider('c', { cancellation: false })],
  });
  const candidate = (at: string, standing: Partial<Standing> = {}, slug = 'lab/one'): Candidate => ({
    endpoint: endpoint(at, slug, 1),
    provider: snapshot.provider(at) as Candidate['provider'],
    model: snapshot.model(slug) as Candidate['model'],
    reason: '',
    price: 1,
    standing: { ...UNTRIED, ...standing },
  });
  const size = { at: () => ({ likely: 1000, most: 1000 }) };
  const found = (
    first: Candidate,
    others: readonly Candidate[],
    more: Partial<HedgeLimits> = {},
  ): readonly [string, number] | undefined => {
    const asked = request({ stream: true, maxOutputTokens: 1000 });
    const one = hedge({ first, others, request: asked, size, snapshot }, { ...limits, ...more });
    return one && [one.second.provider.id, one.afterMs];
  };
  const latency = (p50: number, p95: number): Partial<Standing> => ({
    latency: { p50, p75: p50, p90: p50, p95, p99: p95 },
    samples: 20,
  });

  test('the next host, after the first one’s own 95th percentile', () => {
    expect(found(candidate('a', latency(300, 900)), [candidate('b')])).toEqual(['b', 900]);
  });

  test('but no later than four times its median: a tail of one in twenty hides in that percentile', () => {
    expect(found(candidate('a', latency(300, 9000)), [candidate('b')])).toEqual(['b', 1200]);
  });

  test('the configured time where it has too few answers, and never where there is none', () => {
    const few = candidate('a', { ...latency(300, 900), samples: 19 });
    expect(found(few, [candidate('b')])).toEqual(['b', 500]);
    expect(found(few, [candidate('b')], { afterMs: undefined })).toBeUndefined();
  });

  test('nobody whose bill goes on when it is left, who is unwell, of the same provider or of another model', () => {
    const first = candidate('a');
    expect(found(first, [candidate('c')])).toBeUndefined();
    expect(found(first, [candidate('b', { resting: 'cooldown' })])).toBeUndefined();
    expect(found(first, [candidate('b', { outage: true })])).toBeUndefined();
    expect(found(first, [candidate('a')])).toBeUndefined();
    expect(found(first, [candidate('b', {}, 'lab/two')])).toBeUndefined();
    expect(found(first, [candidate('c'), candidate('b')])).toEqual(['b', 500]);
  });

  test('nobody where the attempt that is given up may cost more than is allowed', () => {
    // A prompt of some thousand tokens at a dollar a million.
    expect(found(candidate('a'), [candidate('b')], { addedMax: nanodollars(1_000_000n) })).toBeUndefined();
    // The first host bills all it would have said, a thousand tokens more.
    const room = { addedMax: nanodollars(1_900_000n) };
    expect(found(candidate('a'), [candidate('b')], room)).toEqual(['b', 500]);
    expect(found(candidate('c'), [candidate('b')], room)).toBeUndefined();
  });
});

describe('how often', () => {
  test('one in twenty, and no more than twenty in a row', () => {
    const hedges = new Hedges(limits);
    let taken = 0;
    for (let i = 1; i <= 1000; i++) {
      hedges.asked();
      if (hedges.take()) taken++;
      expect(taken).toBeLessThanOrEqual(i / 20);
    }
    expect(taken).toBe(50);
    for (let i = 0; i < 10_000; i++) hedges.asked();
    let row = 0;
    while (hedges.take()) row++;
    expect(row).toBe(20);
  });
});

describe('two at once', () => {
  const after = (clock: HandClock, ms: number, outcome: string): Promise<string> =>
    new Promise((resolve) => void clock.after(ms, () => resolve(outcome)));
  const run = async (first: [number, string], second: [number, string] | undefined, until = 5000) => {
    const clock = new HandClock();
    let asked = 0;
    const begin = (): Promise<string> | undefined => {
      asked += 1;
      return second && after(clock, ...second);
    };
    const raced = race(after(clock, ...first), begin, (one) => one.startsWith('ok'), 500, clock);
    for (let at = 0; at < until; at += 100) await clock.pass(100);
    const { pending, ...result } = await raced;
    return { ...result, asked, pending: await pending, waiting: clock.waiting };
  };

  test('one alone where it is quick', async () => {
    expect(await run([400, 'ok 1'], [100, 'ok 2'])).toEqual({
      outcome: 'ok 1',
      by: 'first',
      asked: 0,
      pending: undefined,
      waiting: 0,
    });
  });

  test('the second where it is quicker, and the first where that is, with the other still to come', async () => {
    expect(await run([2000, 'ok 1'], [100, 'ok 2'])).toMatchObject({ outcome: 'ok 2', by: 'second', pending: 'ok 1' });
    expect(await run([600, 'ok 1'], [1000, 'ok 2'])).toMatchObject({ outcome: 'ok 1', by: 'first', pending: 'ok 2' });
  });

  test('whoever is left where one fails', async () => {
    expect(await run([600, 'no 1'], [1000, 'ok 2'])).toMatchObject({ outcome: 'ok 2', by: 'second', before: 'no 1' });
    expect(await run([2000, 'ok 1'], [100, 'no 2'])).toMatchObject({ outcome: 'ok 1', by: 'first', before: 'no 2' });
  });

  test('the last failure where both fail, and the first at once where it fails early', async () => {
    expect(await run([600, 'no 1'], [1000, 'no 2'])).toMatchObject({ outcome: 'no 2', before: 'no 1' });
    expect(await run([100, 'no 1'], [1000, 'ok 2'])).toMatchObject({ outcome: 'no 1', asked: 0 });
  });

  test('one where there may be no second after all', async () => {
    expect(await run([2000, 'ok 1'], undefined)).toMatchObject({ outcome: 'ok 1', by: 'first', asked: 1 });
  });
});
