import type { Unit } from '../../canon/units.ts';
import { unitPrice } from '../../catalogue/rates.ts';
import {
  type PicodollarsPerUnit,
  parsePricePerMillion,
  parseUnitPrice,
  picodollarsPerUnit,
} from '../../money/money.ts';
import type { PlannedModel } from '../candidate.ts';
import { constraint, type Facts, type Rule, ratesAt, reasons } from '../rule.ts';

/** A ceiling in pico-dollars per unit. Finer than a pico-dollar is rounded down: a ceiling is never exceeded. */
function ceiling(value: number | string, perMillion: boolean): PicodollarsPerUnit {
  const text = String(value);
  const exact = perMillion ? parsePricePerMillion(text) : parseUnitPrice(text);
  return exact ?? picodollarsPerUnit(BigInt(Math.floor(Number(text) * (perMillion ? 1e6 : 1e12))));
}

const CEILINGS: readonly {
  readonly key: 'prompt' | 'completion' | 'request' | 'image' | 'audio';
  readonly unit: Unit;
  readonly perMillion: boolean;
}[] = [
  { key: 'prompt', unit: 'input', perMillion: true },
  { key: 'completion', unit: 'output', perMillion: true },
  { key: 'request', unit: 'request', perMillion: false },
  { key: 'image', unit: 'image', perMillion: false },
  { key: 'audio', unit: 'input-audio', perMillion: false },
];

export const MAX_PRICE: Rule = {
  id: 'max_price',
  against: (facts) => {
    const wanted = facts.request.preferences.max_price;
    if (!wanted) return undefined;
    const limits = CEILINGS.flatMap(({ key, unit, perMillion }) => {
      const value = wanted[key];
      return value === null || value === undefined ? [] : [{ key, unit, most: ceiling(value, perMillion) }];
    });
    return ({ endpoint }) => {
      const rates = ratesAt(endpoint, facts);
      for (const { key, unit, most } of limits)
        if (unitPrice(rates, unit) > most) return `its ${key} price is above max_price.${key}`;
      return undefined;
    };
  },
  error: (planned, facts) => ({
    ...constraint(
      'max_price',
      'provider.max_price',
      `No endpoints found for ${planned.requested} at or below max_price: ${reasons(planned, 'max_price')}.`,
    ),
    ...nearest(planned, facts),
  }),
};

/** Where there is one ceiling: what it is, and what the cheapest of those above it takes, both in the ceiling's own unit. */
function nearest(planned: PlannedModel, facts: Facts): { limit?: number; current?: number } {
  const wanted = facts.request.preferences.max_price ?? {};
  const given = CEILINGS.filter(({ key }) => wanted[key] !== null && wanted[key] !== undefined);
  const [only] = given;
  if (!only || given.length > 1) return {};
  const rejected = planned.rejected.filter(({ rule }) => rule === 'max_price');
  const prices = rejected.map(({ endpoint }) => Number(unitPrice(ratesAt(endpoint, facts), only.unit)));
  const units = only.perMillion ? 1e6 : 1e12;
  return { limit: Number(wanted[only.key]), current: Math.min(...prices) / units };
}
