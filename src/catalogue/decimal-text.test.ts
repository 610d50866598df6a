import { describe, expect, it } from 'bun:test';
import fc from 'fast-check';
import { formatPricePerMillion, picodollarsPerUnit } from '../money/money.ts';
import { decimalText, normalAmount } from './decimal-text.ts';

describe('decimalText', () => {
  it.each([
    [0, '0', undefined],
    [3, '3', undefined],
    [0.6, '0.6', undefined],
    [1e-6, '0.000001', undefined],
    [1e21, '1000000000000000000000', undefined],
    [12.5e-2, '0.125', undefined],
  ])('REF-008 writes %p exactly', (number, text, raw) => {
    expect(decimalText(number)).toEqual(raw === undefined ? { text } : { text, raw });
  });

  it.each([
    [0.049999999999999996, '0.05', '0.049999999999999996'],
    [0.18000000000000002, '0.18', '0.18000000000000002'],
    [0.1 + 0.2, '0.3', '0.30000000000000004'],
  ])('REF-008 frees %p of float noise and keeps what it looked like', (number, text, raw) => {
    expect(decimalText(number)).toEqual({ text, raw });
  });

  it.each([
    [0.08333333333333334, '0.083333'],
    [0.0000005, '0'],
    [0.0000015, '0.000002'],
    [0.0000025, '0.000002'],
    [1.9999996, '2'],
  ])('rounds %p half to even to what can be billed', (number, text) => {
    expect(decimalText(number)?.text).toBe(text);
    expect(decimalText(number)?.raw).toBeDefined();
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, -1])('refuses %p', (number) => {
    expect(decimalText(number)).toBeUndefined();
  });

  it('gives back every price that a JSON number can hold', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 15n - 1n }), (pico) => {
        const text = formatPricePerMillion(picodollarsPerUnit(pico));
        expect(decimalText(Number(text))).toEqual({ text });
      }),
    );
  });
});

describe('normalAmount', () => {
  it.each([
    ['0.60', '0.6'],
    ['15', '15'],
    ['0', '0'],
    ['00.5', '0.5'],
  ])('writes %s as %s', (text, normal) => {
    expect(normalAmount(text)).toBe(normal);
  });

  it.each(['', '-1', 'free', '0.0000001', '1,5'])('refuses %p', (text) => {
    expect(normalAmount(text)).toBeUndefined();
  });
});
