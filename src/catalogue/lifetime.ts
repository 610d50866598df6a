import type { Model } from './types.ts';

/** A date without a time means this hour of the day in UTC (spec/platform 4.7). */
const HOUR_OF_END = 13;

/** @param day `YYYY-MM-DD`. @returns Unix seconds */
export const endOfLife = (day: string): number =>
  Date.parse(`${day}T${String(HOUR_OF_END).padStart(2, '0')}:00:00Z`) / 1000;

/**
 * Whether a model is to be seen and routed no more.
 * @param now milliseconds since 1970; without it dates are not looked at
 */
export const isGone = ({ hidden, ends }: Model, now: number | undefined): boolean =>
  hidden === true || (ends !== undefined && now !== undefined && now >= ends * 1000);
