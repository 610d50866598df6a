import { describe, expect, test } from 'bun:test';
import { ManualClock } from '../../test/support/manual-clock.ts';
import { endpoint, model, provider, world } from '../../test/support/world.ts';
import { gatewayError } from '../canon/errors.ts';
import { Secret } from '../canon/secret.ts';
import type { Endpoint } from '../catalogue/types.ts';
import type { ProviderRoute } from '../upstream/route.ts';
import { credentialId } from '../upstream/route.ts';
import { Measurements } from './measurements.ts';
import type { Permit, Roads } from './ports.ts';

const SECOND = 1000;
const A = endpoint('a', 'lab/one', 1);
const TWO = endpoint('a', 'lab/two', 1);
const B = endpoint('b', 'lab/one', 2);
const C = endpoint('c', 'lab/one', 3);

const route = (providerId: string, key: string): ProviderRoute => ({
  providerId,
  base: 'http://x',
  auth: { kind: 'bearer' },
  credential: new Secret(key),
  headers: {},
  sandbox: false,
});
const KEY = credentialId(route('a', 'k'));

/** Three hosts of one model; `keys` gives a provider another key than `k`. */
class Scene {
  readonly clock = new ManualClock();
  keys: Readonly<Record<string, string>> = {};
  #roads: Roads | undefined;
  readonly health = new Measurements({
    clock: this.clock,
    random: () => 0.5,
    limits: {
      breaker: { failuresMax: 5, attemptsMin: 20, openMs: 5000, openMsMax: 300_000 },
      cooldownMs: 1000,
      cooldownMsMax: 3_600_000,
      slots: { start: 20, max: 1000, queueMsMax: 200 },
    },
    roads: () => this.roads(),
  });

  roads(): Roads {
    this.#roads ??= {
      snapshot: world({
        models: [model('lab/one'), model('lab/two')],
        providers: ['a', 'b', 'c'].map((id) => provider(id)),
        endpoints: [A, B, C, TWO],
      }),
      routes: new Map(['a', 'b', 'c'].map((id) => [id, route(id, this.keys[id] ?? 'k')])),
      defaultModel: undefined,
      policy: {},
      unroutable: () => undefined,
    } as unknown as Roads;
    return this.#roads;
  }

  rekey(keys: Readonly<Record<string, string>>): void {
    this.keys = keys;
    this.#roads = undefined;
  }

  enter(at: Endpoint, lastResort = false, key = KEY): Permit | undefined {
    return this.health.enter(at, key, lastResort);
  }

  must(at: Endpoint, lastResort = false): Permit {
    const permit = this.enter(at, lastResort);
    if (!permit) throw new Error(`${at.id} may not be asked`);
    return permit;
  }

  fail(at: Endpoint, code: Parameters<typeof gatewayError>[0], times = 1, retryAfterMs?: number): void {
    for (let i = 0; i < times; i++)
      this.must(at, true).release(gatewayError(code, 'no', retryAfterMs === undefined ? {} : { retryAfterMs }));
  }

  serve(at: Endpoint, times = 1): void {
    for (let i = 0; i < times; i++) {
      const permit = this.must(at);
      permit.began();
      permit.release(undefined);
    }
  }
}

describe('a breaker at work', () => {
  test('P8 a host that failed five times is left alone at once, tried by one after its rest, and back after four', () => {
    const scene = new Scene();
    scene.fail(A, 'upstream_server', 4);
    expect(scene.health.standing(A.id).resting).toBeUndefined();
    scene.fail(A, 'upstream_server');
    expect(scene.health.standing(A.id)).toMatchObject({ resting: 'breaker', outage: true });
    expect(scene.enter(A)).toBeUndefined();
    expect(scene.health.waitMs(A, KEY)).toBe(5000);
    scene.clock.pass(5 * SECOND);
    expect(scene.health.standing(A.id)).toMatchObject({ trial: true, outage: false });
    const probe = scene.must(A);
    // Exactly one, until it is known how that one went.
    expect(scene.enter(A)).toBeUndefined();
    probe.began();
    const more = [scene.must(A), scene.must(A), scene.must(A)];
    expect(scene.enter(A)).toBeUndefined();
    for (const permit of more) permit.began();
    expect(scene.health.standing(A.id)).toMatchObject({ outage: false, weight: 0.1 });
    expect(scene.health.standing(A.id).trial).toBeUndefined();
    scene.clock.pass(30 * SECOND);
    expect(scene.health.standing(A.id).weight).toBe(1);
  });

  test('a trial that fails makes the rest twice as long; one that says nothing makes room for the next', () => {
    const scene = new Scene();
    scene.fail(A, 'upstream_server', 5);
    scene.clock.pass(5 * SECOND);
    scene.must(A).cancel();
    scene.must(A).release(gatewayError('upstream_invalid_request', 'no'));
    scene.must(A).release(gatewayError('upstream_server', 'no'));
    expect(scene.health.waitMs(A, KEY)).toBe(10_000);
  });

  test('UP-136 half of twenty within 30 seconds open it too; another endpoint and another key have their own', () => {
    const scene = new Scene();
    for (let i = 0; i < 10; i++) {
      scene.serve(A);
      expect(scene.health.standing(A.id).resting).toBeUndefined();
      scene.fail(A, 'upstream_server');
    }
    expect(scene.health.standing(A.id).resting).toBe('breaker');
    expect(scene.health.standing(TWO.id).resting).toBeUndefined();
    scene.rekey({ a: 'other' });
    expect(scene.health.standing(A.id).resting).toBeUndefined();
    // What was seen of the endpoint is seen whoever asked.
    expect(scene.health.measured(A.id).uptime5m).toBe(50);
    scene.rekey({});
    scene.clock.pass(5 * SECOND);
    scene.serve(A, 4);
    expect(scene.health.standing(A.id).trial).toBeUndefined();
  });

  test('where more than half of the hosts are open all are asked again', () => {
    const scene = new Scene();
    scene.fail(A, 'upstream_server', 5);
    scene.fail(B, 'upstream_server', 4);
    expect(scene.enter(A)).toBeUndefined();
    scene.fail(B, 'upstream_server');
    expect([A, B, C].map(({ id }) => scene.health.standing(id).resting)).toEqual([undefined, undefined, undefined]);
    scene.serve(A);
  });

  test('the caller’s faults and limits do not open it', () => {
    const scene = new Scene();
    scene.fail(A, 'upstream_invalid_request', 30);
    scene.fail(A, 'upstream_content_policy', 30);
    scene.fail(A, 'client_gone', 30);
    expect(scene.health.standing(A.id).resting).toBeUndefined();
    expect(scene.health.measured(A.id).uptime5m).toBeNull();
  });
});

describe('who was told to wait', () => {
  test('waits from the first 429 on, by endpoint and key, for as long as it says', () => {
    const scene = new Scene();
    scene.fail(A, 'upstream_rate_limited', 1, 20_000);
    expect(scene.health.standing(A.id)).toMatchObject({ resting: 'cooldown', uptime: 'normal', outage: false });
    expect(scene.enter(A)).toBeUndefined();
    expect(scene.health.standing(TWO.id).resting).toBeUndefined();
    scene.clock.pass(21 * SECOND);
    expect(scene.health.standing(A.id).resting).toBeUndefined();
  });

  test('is asked once a second, and no more, where nobody else is left', () => {
    const scene = new Scene();
    scene.fail(A, 'upstream_rate_limited', 1, 20_000);
    scene.clock.pass(SECOND);
    scene.must(A, true).cancel();
    expect(scene.enter(A, true)).toBeUndefined();
    scene.clock.pass(SECOND);
    scene.must(A, true).release(undefined);
    // It was served: the wait is over.
    expect(scene.health.standing(A.id).resting).toBeUndefined();
  });

  test('a refused key rests at all endpoints of its provider, a new one does not', () => {
    const scene = new Scene();
    scene.fail(A, 'upstream_auth');
    expect([A, TWO, B].map(({ id }) => scene.health.standing(id).resting)).toEqual([
      'credential',
      'credential',
      undefined,
    ]);
    scene.rekey({ a: 'new' });
    expect(scene.health.standing(TWO.id).resting).toBeUndefined();
    scene.rekey({});
    expect(scene.health.standing(TWO.id).resting).toBe('credential');
    // An answer with it ends that everywhere.
    scene.clock.pass(SECOND);
    scene.must(A, true).release(undefined);
    expect(scene.health.standing(TWO.id).resting).toBeUndefined();
    scene.fail(A, 'upstream_auth');
    expect(scene.health.standing(TWO.id).resting).toBe('credential');
    scene.clock.pass(61 * 1.05 * SECOND);
    expect(scene.health.standing(A.id).resting).toBeUndefined();
  });

  test('UP-148 what a provider says is left is kept: nothing rests, few are counted down', () => {
    const scene = new Scene();
    const told = scene.must(A);
    told.told({ exhausted: false, requestsLeft: 2, untilMs: 30_000 });
    told.release(undefined);
    scene.serve(A, 2);
    expect(scene.enter(A)).toBeUndefined();
    scene.clock.pass(30 * SECOND);
    scene.must(A).told({ exhausted: true, untilMs: 8000 });
    expect(scene.health.standing(A.id).resting).toBe('cooldown');
    scene.clock.pass(8 * SECOND);
    expect(scene.health.standing(A.id).resting).toBeUndefined();
  });
});

describe('a host that has enough to do', () => {
  test('is passed over, but turns nobody away before it was too much once', async () => {
    const scene = new Scene();
    const at = Array.from({ length: 20 }, () => scene.must(A));
    expect(scene.enter(A)).toBeUndefined();
    expect(scene.health.queue(A, KEY)).toBeUndefined();
    at.push(scene.must(A, true));
    at.pop()?.release(gatewayError('upstream_timeout', 'no'));
    // 21 were too many: 14 are let in.
    expect(scene.enter(A, true)).toBeUndefined();
    const queued = scene.health.queue(A, KEY);
    expect(queued).toBeDefined();
    for (const permit of at) permit.release(undefined);
    expect(await queued).toBeDefined();
  });

  test('gives each slot back once, however it ends', () => {
    const scene = new Scene();
    for (let i = 0; i < 100; i++) {
      const permit = scene.must(A);
      permit.cancel();
      permit.release(undefined);
      permit.cancel();
    }
    expect(scene.health.measured(A.id).uptime5m).toBeNull();
    for (let i = 0; i < 20; i++) scene.must(A);
    expect(scene.enter(A)).toBeUndefined();
  });
});

test('INF-192 PLT-064 limits and the caller’s faults do not lower uptime; refused keys and server errors do', () => {
  const counts = (code: Parameters<typeof gatewayError>[0]): boolean => {
    const scene = new Scene();
    scene.serve(A);
    scene.must(A).release(gatewayError(code, 'no'));
    return scene.health.measured(A.id).uptime5m === 50;
  };
  for (const code of [
    'upstream_rate_limited',
    'upstream_invalid_request',
    'upstream_unprocessable',
    'upstream_payload_too_large',
    'upstream_context_too_long',
    'upstream_content_policy',
    'upstream_forbidden',
    'client_gone',
  ] as const)
    expect([code, counts(code)]).toEqual([code, false]);
  for (const code of [
    'upstream_auth',
    'upstream_quota',
    'upstream_not_found',
    'upstream_server',
    'upstream_overloaded',
    'upstream_timeout',
    'upstream_request_timeout',
    'upstream_reset',
    'upstream_interrupted',
    'upstream_empty',
  ] as const)
    expect([code, counts(code)]).toEqual([code, true]);
});
