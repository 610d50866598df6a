import type { Percentiles } from './histogram.ts';

/**
 * What is known of an endpoint at the moment a plan is made, as plain values: the planner looks at nothing else, so a plan can be
 * replayed from what it saw. Made by the health fold (health.ts), read by rules and order.
 */
export interface Standing {
  /** A significant outage within the last 30 seconds (spec/inference 5.2). */
  readonly outage: boolean;
  /** Degraded goes behind normal, down goes last (spec/inference 5.2). */
  readonly uptime: 'normal' | 'degraded' | 'down';
  /** Why it is not asked for now, where it is not: after everybody else, and only because nobody else is left. */
  readonly resting?: 'breaker' | 'cooldown' | 'credential' | 'ejected';
  /** It has rested, and one request is to find out whether it is well again: that one goes there first where nothing was sorted or listed. */
  readonly trial?: true;
  /** The share of its usual weight in the draw: below 1 while it comes back (spec/reliability 4.2, slow start). */
  readonly weight: number;
  /** Milliseconds to the first content over 5 minutes; higher percentiles are slower. */
  readonly latency?: Percentiles;
  /** Answers that is told from. */
  readonly samples?: number;
  /** Output tokens a second over 5 minutes; higher percentiles are slower too: the speed that this share of answers reached. */
  readonly throughput?: Percentiles;
  /** How it calls tools; absent where it has called none. */
  readonly tools?: {
    /** Requests within 30 minutes, with and without tools. */
    readonly requests: number;
    /** Answers with calls within 2 hours, and the share of them whose every call was as declared, 0 to 1. */
    readonly toolRequests: number;
    readonly success: number;
  };
}

/** Nobody has asked it yet. */
export const UNTRIED: Standing = { outage: false, uptime: 'normal', weight: 1 };
