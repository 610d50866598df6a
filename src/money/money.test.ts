import { describe, expect, it } from 'bun:test';
import fc from 'fast-check';
import {
  formatPricePerMillion,
  formatUnitPrice,
  formatUsd,
  nanodollars,
  parsePricePerMillion,
  parseUnitPrice,
  parseUsd,
  picodollarsPerUnit,
  roundToNano,
  roundUpToNano,
  total,
  usdNumber,
} from './money.ts';

describe('amounts', () => {
  it.each([
    ['0.15', 150_000_000n],
    ['10', 10_000_000_000n],
    ['-1.5', -1_500_000_000n],
    ['1e-9', 1n],
    ['1.000000000000', 1_000_000_000n],
  ])('reads %s USD', (text, nano) => {
    expect(parseUsd(text)).toBe(nanodollars(nano));
  });

  it.each(['', 'abc', '1,5', '0x10', '1e-10', '0.0000000001', '1e999', '99999999999', 'Infinity', 'NaN', '1.'])(
    'refuses %p',
    (text) => {
      expect(parseUsd(text)).toBeUndefined();
    },
  );

  it('prints and reads every nano-dollar amount back', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n }), (nano) => {
        expect(parseUsd(formatUsd(nanodollars(nano)))).toBe(nanodollars(nano));
      }),
    );
  });

  it('PLT-084 unit prices are plain decimal strings that survive a round trip', () => {
    expect(formatUnitPrice(picodollarsPerUnit(150_000n))).toBe('0.00000015');
    expect(formatUnitPrice(picodollarsPerUnit(0n))).toBe('0');
    expect(formatPricePerMillion(picodollarsPerUnit(150_000n))).toBe('0.15');
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 60n }), (pico) => {
        const text = formatUnitPrice(picodollarsPerUnit(pico));
        expect(text).toMatch(/^\d+(\.\d+)?$/);
        expect(parseUnitPrice(text)).toBe(picodollarsPerUnit(pico));
        expect(parsePricePerMillion(formatPricePerMillion(picodollarsPerUnit(pico)))).toBe(picodollarsPerUnit(pico));
      }),
    );
  });

  it('gives the nearest JSON number', () => {
    expect(usdNumber(nanodollars(21_000n))).toBe(0.000021);
    expect(JSON.stringify(usdNumber(nanodollars(1_234_567_891n)))).toBe('1.234567891');
  });
});

describe('rounding', () => {
  it.each([
    [500n, 0n],
    [1500n, 2n],
    [2500n, 2n],
    [2501n, 3n],
    [-1500n, -2n],
    [-500n, 0n],
    [999n, 1n],
  ])('%p pico → %p nano, half to even', (pico, nano) => {
    expect(roundToNano(pico)).toBe(nanodollars(nano));
  });

  it('never reserves less than it may charge', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 60n }), (pico) => {
        expect(roundUpToNano(pico) >= roundToNano(pico)).toBe(true);
      }),
    );
  });

  it('rounds a bill once, not line by line', () => {
    const line = { quantity: 1, price: picodollarsPerUnit(400n) };
    expect(total([line, line, line])).toBe(nanodollars(1n));
  });
});
