import type { Model } from '../catalogue/types.ts';
import type { Facts, RuleError } from './rule.ts';

const FREE = /:free$/i;

/** The paid model that a free variant is one of, where somebody serves it. */
export function paidOf(slug: string, { snapshot, now }: Pick<Facts, 'snapshot' | 'now'>): Model | undefined {
  const paid = FREE.test(slug) ? snapshot.model(slug.replace(FREE, '')) : undefined;
  return paid && snapshot.isServed(paid, now) ? paid : undefined;
}

/** What is said of a free variant that is gone, or that there never was: no list keeps those apart (docs/decisions/0015). */
export const freeEnded = (slug: string, paid: Model): RuleError => ({
  code: 'free_variant_ended',
  message: `No endpoints found for ${slug}: nobody serves it for free any more. The paid model is ${paid.id}.`,
  availability: { code: 'free_variant_ended', fallbackModels: [paid.id] },
});

/** What is said of a model that has come to its end, and who takes its place where that is known. */
export function ended(slug: string, facts: Facts, why: string): RuleError {
  const paid = paidOf(slug, facts);
  if (paid) return freeEnded(slug, paid);
  const successor = facts.snapshot.successorOf(facts.model, facts.now);
  return {
    code: 'model_deprecated',
    message: `No endpoints found for ${slug}. ${why}${successor ? ` Use ${successor.id} instead.` : ''}`,
    availability: { code: 'model_deprecated', ...(successor && { fallbackModels: [successor.id] }) },
  };
}
