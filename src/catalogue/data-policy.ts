import { z } from 'zod';
import { present } from './present.ts';
import { day, link, slug, text } from './schema-parts.ts';

/**
 * How a customer comes by having nothing kept: nobody need ask; a switch of the account or a field of the request; the provider must
 * agree to it; not to be had.
 */
const ZERO_RETENTION = ['default', 'setting', 'agreement', 'never'] as const;
type ZeroRetention = (typeof ZERO_RETENTION)[number];

/** What a provider does with prompts and answers, by its own word. What is absent is not known, which is not the same as no. */
export interface DataPolicy {
  /** Where nobody asks for it or against it. */
  readonly trainsOnPrompts?: boolean;
  /** The longest that what an ordinary call holds may be kept where nothing else is agreed or switched on. */
  readonly retentionDays?: number;
  readonly zeroRetention?: ZeroRetention;
  /** Where prompts are worked on and kept, where that is promised. */
  readonly regions: readonly string[];
  /** Speaks of a router only: whoever is behind it has a policy too, and the weaker of both holds. */
  readonly passesOn: boolean;
  /** What the figures leave out, in our own words. */
  readonly note?: string;
  /** The provider's own pages that say so; what runs on the operator's own machine needs none. */
  readonly source: readonly string[] | 'own-machine';
  readonly checked: string;
}

/** What a provider does with prompts and answers, by its own word: a fact without the page that says it is none. */
export const policyForm = z
  .strictObject({
    trains_on_prompts: z.boolean().optional(),
    retention_days: z.int().nonnegative().optional(),
    zero_retention: z.enum(ZERO_RETENTION).optional(),
    regions: z.array(slug).default([]),
    passes_on: z.boolean().default(false),
    note: text.optional(),
    source: z.union([
      z.literal('own-machine'),
      link.transform((page): readonly string[] => [page]),
      z.array(link).min(1).readonly(),
    ]),
    checked: day,
  })
  .refine(
    ({ trains_on_prompts, retention_days, zero_retention, regions }) =>
      [trains_on_prompts, retention_days, zero_retention, regions[0]].some((fact) => fact !== undefined),
    'says nothing: a policy that is not known is left out',
  )
  .refine(
    ({ retention_days, zero_retention }) =>
      retention_days === undefined ||
      zero_retention === undefined ||
      (retention_days === 0) === (zero_retention === 'default'),
    'contradicts itself: keeping nothing by default is both 0 days and zero retention by default',
  );

export type PolicyForm = z.infer<typeof policyForm>;

export function policyOf(form: PolicyForm): DataPolicy {
  return {
    regions: form.regions,
    passesOn: form.passes_on,
    source: form.source,
    checked: form.checked,
    ...present({
      trainsOnPrompts: form.trains_on_prompts,
      retentionDays: form.retention_days,
      zeroRetention: form.zero_retention,
      note: form.note,
    }),
  };
}
