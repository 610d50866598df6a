/** Tiers of service that are endpoints of their own, by the names that callers use (spec/inference 5.11). */
export const TIERS = ['flex', 'priority'] as const;
export type Tier = (typeof TIERS)[number];

export const isTier = (name: string | undefined): name is Tier =>
  (TIERS as readonly (string | undefined)[]).includes(name);
