import { describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { LIMITS } from '../config/limits.ts';
import {
  type CachedAnswer,
  type CacheKeyParts,
  cacheHeaders,
  cacheKey,
  cacheWish,
  ResponseCache,
} from './response-cache.ts';

const answer = (bytes: number, sourceId = 'gen-1'): CachedAnswer => ({
  sourceId,
  events: 'x'.repeat(bytes),
  context: { model: 'lab/one' },
  finish: 'stop',
  nativeFinish: 'stop',
  serviceTier: null,
  dropped: [],
});

function cache(bytesMax: number, entriesMax: number) {
  const clock = { ms: 0, now: () => 0, monotonic: () => clock.ms, after: () => () => undefined };
  return { clock, kept: new ResponseCache(clock, { bytesMax, entriesMax }) };
}

describe('the memory for answers', () => {
  test('says how old an answer is and how long it stays, and forgets it then', () => {
    const { clock, kept } = cache(1e6, 10);
    kept.store('a', answer(10), 60);
    clock.ms = 1999;
    expect(kept.find('a')).toMatchObject({ ageSeconds: 1, ttlSeconds: 59 });
    clock.ms = 59_999;
    expect(kept.find('a')).toMatchObject({ ageSeconds: 59, ttlSeconds: 1 });
    clock.ms = 60_000;
    expect(kept.find('a')).toBeUndefined();
    expect([kept.bytes, kept.size]).toEqual([0, 0]);
  });

  test('gives up what nobody asked for longest, by number and by bytes', () => {
    const { kept } = cache(10_000, 3);
    for (const key of ['a', 'b', 'c']) kept.store(key, answer(10), 60);
    kept.find('a');
    kept.store('d', answer(10), 60);
    expect(['a', 'b', 'c', 'd'].map((key) => kept.find(key) !== undefined)).toEqual([true, false, true, true]);
    kept.store('e', answer(7000), 60);
    expect(['a', 'c', 'd', 'e'].map((key) => kept.find(key) !== undefined)).toEqual([false, false, true, true]);
    kept.store('f', answer(10_000), 60);
    expect(kept.find('f')).toBeUndefined();
    expect(kept.find('e')).toBeDefined();
  });

  test('forgets everything at once where it is told to', () => {
    const { kept } = cache(1e6, 10);
    for (const key of ['a', 'b']) kept.store(key, answer(10), 60);
    kept.clear();
    expect([kept.find('a'), kept.find('b'), kept.bytes, kept.size]).toEqual([undefined, undefined, 0, 0]);
    kept.store('a', answer(10), 60);
    expect(kept.find('a')).toBeDefined();
  });

  test('never holds more than it may, whatever happens', () => {
    const step = fc.record({
      kind: fc.constantFrom('store', 'find', 'delete', 'wait'),
      key: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
      size: fc.integer({ min: 0, max: 6000 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { clock, kept } = cache(8000, 3);
        for (const { kind, key, size } of steps) {
          if (kind === 'store') kept.store(key, answer(size, key), 1 + (size % 5));
          else if (kind === 'find') {
            const found = kept.find(key);
            if (found) expect(found.answer.sourceId).toBe(key);
          } else if (kind === 'delete') kept.delete(key);
          else clock.ms += size;
          expect(kept.bytes).toBeLessThanOrEqual(8000);
          expect(kept.size).toBeLessThanOrEqual(3);
        }
        for (const key of ['a', 'b', 'c', 'd', 'e', 'f']) kept.delete(key);
        expect([kept.bytes, kept.size]).toEqual([0, 0]);
      }),
      { numRuns: 500 },
    );
  });
});

test('every part of a key keeps answers apart', () => {
  const parts: CacheKeyParts = {
    keyHash: 'k',
    dialect: 'openai-chat',
    stream: false,
    strict: false,
    model: 'lab/one',
    wire: { a: 1, b: 2 },
  };
  const others: readonly Partial<CacheKeyParts>[] = [
    {},
    { keyHash: 'l' },
    { dialect: 'openai-responses' },
    { stream: true },
    { strict: true },
    { model: 'lab/two' },
    { wire: { b: 2, a: 1 } },
    { wire: { a: 1, b: 2, c: null } },
  ];
  expect(new Set(others.map((other) => cacheKey({ ...parts, ...other }))).size).toBe(others.length);
  expect(cacheKey({ ...parts, wire: { a: 1, b: 2 } })).toBe(cacheKey(parts));
});

test('headers that say nothing are nothing, and words that mean nothing are not said', () => {
  expect(cacheHeaders(new Headers({ accept: '*/*' }))).toBeUndefined();
  expect(cacheHeaders(new Headers({ 'x-openrouter-cache': 'maybe' }))).toEqual({});
  expect(cacheWish({}, undefined, {})).toBeUndefined();
  expect(cacheWish(undefined, { enabled: true }, {})).toEqual({ ttlSeconds: 300, clear: false });
});

test('docs/response-cache.md says what is so', () => {
  const page = readFileSync(join(import.meta.dir, '../../docs/response-cache.md'), 'utf8');
  const rows = [...page.matchAll(/^\| (true|false|–) \| (true|false|–) \| (yes|no) \|/gm)].map(([, ...cells]) => cells);
  expect(rows).toHaveLength(9);
  const word = (text: string | undefined) => (text === '–' ? {} : { enabled: text === 'true' });
  for (const [preset, header, used] of rows)
    expect([preset, header, cacheWish(word(header), word(preset), {}) ? 'yes' : 'no']).toEqual([preset, header, used]);
  expect(page).toContain(`${LIMITS.response_cache_bytes_max.default / 1024 / 1024} MiB`);
  expect(page).toContain(`${LIMITS.response_cache_entries_max.default} answers`);
  const { ttlSeconds } = cacheWish({ enabled: true }, undefined, {}) ?? {};
  expect(page).toContain(`${ttlSeconds} seconds`);
});
