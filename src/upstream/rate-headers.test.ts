import { describe, expect, test } from 'bun:test';
import { type RateReading, rateReading } from './rate-headers.ts';

const NOW = 1_790_000_010_000;
const read = (headers: Record<string, string>, route: object = {}, status = 200): RateReading | undefined =>
  rateReading(route, new Response('', { headers, status }), NOW);

describe('UP-148 rate headers', () => {
  const rows: readonly (readonly [string, Record<string, string>, RateReading | undefined])[] = [
    [
      'minutes without a date are those of the clock',
      { 'x-ratelimit-remaining-req-minute': '0' },
      { exhausted: true, requestsLeft: 0, untilMs: 60_000 - (NOW % 60_000) },
    ],
    [
      'tokens of a minute',
      { 'x-ratelimit-remaining-tokens-minute': '0' },
      { exhausted: true, untilMs: 60_000 - (NOW % 60_000) },
    ],
    ['tokens that are left say nothing of requests', { 'x-ratelimit-remaining-tokens-minute': '900' }, undefined],
    [
      'a duration',
      { 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '1m2s' },
      { exhausted: true, requestsLeft: 0, untilMs: 62_000 },
    ],
    [
      'requests that are left',
      { 'x-ratelimit-remaining-requests': '7', 'x-ratelimit-reset-requests': '20ms' },
      { exhausted: false, requestsLeft: 7, untilMs: 20 },
    ],
    [
      'a date',
      {
        'anthropic-ratelimit-requests-remaining': '0',
        'anthropic-ratelimit-requests-reset': new Date(NOW + 5000).toISOString(),
      },
      { exhausted: true, requestsLeft: 0, untilMs: 5000 },
    ],
    [
      'seconds with a fraction',
      { 'x-ratelimit-remaining-tokens-minute': '0', 'x-ratelimit-reset-tokens-minute': '12.5' },
      { exhausted: true, untilMs: 12_500 },
    ],
    [
      'seconds since 1970',
      { 'x-ratelimit-remaining-tokens-per-day': '0', 'x-ratelimit-reset-tokens-per-day': String(NOW / 1000 + 3) },
      { exhausted: true, untilMs: 3000 },
    ],
    [
      'milliseconds since 1970',
      { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(NOW + 4) },
      { exhausted: true, requestsLeft: 0, untilMs: 4 },
    ],
    [
      'the draft of the IETF',
      { 'ratelimit-remaining': '0', 'ratelimit-reset': '9' },
      { exhausted: true, requestsLeft: 0, untilMs: 9000 },
    ],
    [
      'of several, the one that leaves nothing for longest',
      {
        'x-ratelimit-remaining-requests': '5',
        'x-ratelimit-reset-requests': '1s',
        'x-ratelimit-remaining-tokens': '0',
        'x-ratelimit-reset-tokens': '6s',
      },
      { exhausted: true, untilMs: 6000 },
    ],
    ['a limit that is none', { 'x-ratelimit-remaining-requests': '-1', 'x-ratelimit-reset-requests': '1s' }, undefined],
    ['nothing left until nobody knows when', { 'x-ratelimit-remaining-tokens': '0' }, undefined],
    ['nonsense', { 'x-ratelimit-remaining-requests': 'many', 'x-ratelimit-reset-requests': 'soon' }, undefined],
    ['a time that is over', { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '0' }, undefined],
  ];
  test.each(rows)('%s', (_, headers, reading) => {
    expect(read(headers)).toEqual(reading);
  });

  test('that begin to come are noticed, at a 429 at once', () => {
    const route = {};
    const low = { 'ratelimit-remaining': '0', 'ratelimit-reset': '9' };
    expect(read({}, route)).toBeUndefined();
    expect(read(low, route)).toBeUndefined();
    expect(read(low, route, 429)).toBeDefined();
    expect(read(low, route)).toBeDefined();
    const other = {};
    read({}, other);
    let answers = 0;
    while (!read(low, other)) answers++;
    expect(answers).toBeLessThan(64);
  });
});
