/** Tiers of service that are endpoints of their own, by the names that callers use (spec/inference 5.11). */
export const TIERS = ['flex', 'priority'] as const;
export type Tier = (typeof TIERS)[number];

const HOSTS_WORDS: Readonly<Record<string, string>> = { standard: 'default', on_demand: 'default', fast: 'priority' };

/** The tier that served, by the name that callers use, from what a host calls it; words of its own stay as they are. */
export const servedTier = (word: string | undefined): string | undefined =>
  word === undefined ? undefined : (HOSTS_WORDS[word] ?? word);

/** The same where a wire has words for no other tiers: what is neither flex nor priority is the usual one. */
export const toldTier = (tier: string): Tier | 'default' => (isTier(tier) ? tier : 'default');

export const isTier = (name: string | undefined): name is Tier =>
  (TIERS as readonly (string | undefined)[]).includes(name);
