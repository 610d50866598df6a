import { describe, expect, it } from 'bun:test';
import { quarantine } from './quarantine.ts';
import type { Fact } from './types.ts';
import { moreThanFold, unitSuspicion } from './unit-guard.ts';

const fact = (value: string): Fact => ({
  value,
  state: 'listed',
  source: 'data',
  checked: '2026-07-01',
  rule: 'only-word',
  supports: [],
  dissents: [],
});

const sheet = (input: string, output: string) => ({ 'price.input': fact(input), 'price.output': fact(output) });
const draft = (provider: string, model = 'lab/model') => ({ provider, model, upstream: 'x' });
const noLab = () => undefined;

describe('unitSuspicion', () => {
  it.each([
    ['20', '0.02', 'unit'],
    ['0.02', '20', 'unit'],
    ['150000', '0.15', 'unit'],
    ['2.1', '0.3', 'currency'],
    ['0.6', '0.15', undefined],
    ['0', '0.15', undefined],
    ['15', '0.02', undefined],
  ])('%s beside %s: %p', (price, other, suspicion) => {
    expect(unitSuspicion(price, other)).toBe(suspicion as never);
  });
});

describe('moreThanFold', () => {
  it.each([
    ['0.5', '0.1', false],
    ['0.500001', '0.1', true],
    ['0.1', '0.6', true],
    ['0', '0.1', true],
    ['0', '0', false],
  ])('%s and %s: %p', (price, other, more) => {
    expect(moreThanFold(5n, price, other)).toBe(more);
  });
});

describe('quarantine', () => {
  it('REF-024 holds back a price a thousand times the cheapest of its peers', () => {
    const facts = {
      'endpoint:a/lab/model': sheet('0.02', '0.04'),
      'endpoint:b/lab/model': sheet('0.03', '0.05'),
      'endpoint:c/lab/model': sheet('0.15', '0.15'),
      'endpoint:off/lab/model': sheet('20', '40'),
    };
    const held = quarantine(
      facts,
      ['a', 'b', 'c', 'off'].map((provider) => draft(provider)),
      noLab,
    );
    expect(held['endpoint:off/lab/model']?.['price.input']).toMatchObject({
      value: null,
      state: 'disputed',
      rule: 'unit-guard',
      dissents: [{ value: '20', conflict: 'unit' }],
    });
    expect(held['endpoint:a/lab/model']).toEqual(facts['endpoint:a/lab/model']);
  });

  it('REF-025 holds back a price in yuan beside the lab’s own in dollars', () => {
    const facts = { 'endpoint:lab-api/lab/model': sheet('0.3', '1.2'), 'endpoint:shop/lab/model': sheet('2.1', '8.4') };
    const held = quarantine(facts, [draft('lab-api'), draft('shop')], (provider) =>
      provider === 'lab-api' ? 'lab' : undefined,
    );
    expect(held['endpoint:shop/lab/model']?.['price.output']).toMatchObject({
      value: null,
      dissents: [{ conflict: 'currency' }],
    });
    expect(held['endpoint:lab-api/lab/model']?.['price.input']).toMatchObject({ value: '0.3' });
  });

  it('leaves a price alone that is off in one direction only, or has too few peers', () => {
    const oneOff = {
      'endpoint:lab-api/lab/model': sheet('0.3', '1.2'),
      'endpoint:shop/lab/model': sheet('2.1', '1.2'),
    };
    const lab = (provider: string) => (provider === 'lab-api' ? 'lab' : undefined);
    expect(quarantine(oneOff, [draft('lab-api'), draft('shop')], lab)).toEqual(oneOff);
    const alone = { 'endpoint:a/lab/model': sheet('0.02', '0.04'), 'endpoint:off/lab/model': sheet('20', '40') };
    expect(quarantine(alone, [draft('a'), draft('off')], noLab)).toEqual(alone);
  });
});
