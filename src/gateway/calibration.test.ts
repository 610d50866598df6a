import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { endpoint, planInput, request, world } from '../../test/support/world.ts';
import { seededRandom } from '../canon/clock.ts';
import { plan } from '../router/plan.ts';
import { Calibration } from './calibration.ts';

describe('what is learned of counts', () => {
  test('UP-158 converges on what a host reports, and follows it when that changes', () => {
    const random = seededRandom(3);
    const calibration = new Calibration();
    expect(calibration.of('a/lab/one')).toEqual({ mean: 1, high: 1 });
    for (const truth of [1.35, 0.8, 1.05]) {
      for (let i = 0; i < 120; i += 1) {
        const estimated = 100 + Math.floor(random() * 5000);
        calibration.observe('a/lab/one', estimated, estimated * truth * (0.9 + 0.2 * random()));
      }
      const { mean, high } = calibration.of('a/lab/one');
      expect(Math.abs(mean / truth - 1)).toBeLessThan(0.05);
      expect(high).toBeGreaterThan(truth * 1.05);
      expect(high).toBeLessThan(truth * 1.101);
    }
    expect(calibration.of('b/lab/one')).toEqual({ mean: 1, high: 1 });
  });

  test('UP-158 a few answers are enough to be near, nonsense and tiny prompts teach little or nothing', () => {
    const calibration = new Calibration();
    for (let i = 0; i < 3; i += 1) calibration.observe('a', 1000, 1400);
    expect(calibration.of('a').mean).toBeCloseTo(1.4, 5);
    calibration.observe('a', 1000, 0);
    calibration.observe('a', 10, 1000);
    expect(calibration.of('a').mean).toBeCloseTo(1.4, 5);
    calibration.observe('a', 100, 1_000_000);
    expect(calibration.of('a').mean).toBeLessThan(2.5);
  });

  test('UP-158 no estimate within a tenth of the window blocks a request, whatever was learned', () => {
    const window = fc.integer({ min: 2000, max: 1_000_000 });
    const share = fc.double({ min: 0, max: 1.1, noNaN: true });
    const more = fc.double({ min: 1, max: 5, noNaN: true });
    fc.assert(
      fc.property(window, share, more, (contextLength, used, factor) => {
        const likely = Math.floor(contextLength * used);
        const planned = plan(
          planInput({
            request: request({ maxOutputTokens: 1 }),
            snapshot: world({ endpoints: [endpoint('a', 'lab/one', 1, { contextLength })] }),
            promptTokens: likely,
            sizeAt: () => ({ likely, most: Math.ceil(likely * factor) }),
          }),
        );
        expect(planned.ok).toBe(true);
      }),
    );
  });

  test('what is far beyond the window is not sent', () => {
    const planned = plan(
      planInput({
        request: request({ plugins: { 'context-compression': false } }),
        snapshot: world({ endpoints: [endpoint('a', 'lab/one', 1, { contextLength: 1000 })] }),
        sizeAt: () => ({ likely: 1200, most: 1200 }),
      }),
    );
    expect(planned.ok || planned.error.code).toBe('context_too_long');
  });
});
