import type { Dropped } from '../canon/dropped.ts';
import { supports } from '../canon/parameters.ts';
import { type Effort, effortOf, type GenerationRequest } from '../canon/request.ts';
import type { Target } from '../canon/target.ts';

/** How Claude is asked to think, whichever host's wire carries it (spec/providers B.2.2, B.4.2). */

const BUDGET_TOKENS_MIN = 1024;

/** Effort as a share of the output limit, for models that take a budget (spec/providers B.2.2). */
const BUDGET_SHARES: { readonly [E in Effort]: number } = {
  none: 0,
  minimal: 0.1,
  low: 0.2,
  medium: 0.5,
  high: 0.8,
  xhigh: 0.95,
  max: 0.95,
};

const EFFORT_WORDS: { readonly [E in Effort]: string } = {
  none: 'low',
  minimal: 'low',
  low: 'low',
  medium: 'medium',
  high: 'high',
  xhigh: 'xhigh',
  max: 'max',
};

/** Models that take no sampling parameters think adaptively, the others within a budget (spec/providers B.2.3). */
const thinksAdaptively = (target: Target): boolean => !supports(target.parameters, 'temperature');

export interface Thinking {
  readonly thinking?: Readonly<Record<string, unknown>>;
  readonly effort?: string;
  readonly on: boolean;
}

const NO_THINKING: Thinking = { on: false };

/** `max_tokens` bounds what is paid, so a budget is lowered to fit it and never the other way round (UP-033). */
export function thinkingOf(
  request: GenerationRequest,
  target: Target,
  maxTokens: number,
  dropped: Dropped[],
): Thinking {
  const wish = request.reasoning;
  if (!wish) return NO_THINKING;
  const lost = (reason: Dropped['reason']): Thinking => {
    dropped.push({ pointer: '/reasoning', reason });
    return NO_THINKING;
  };
  if (!supports(target.parameters, 'reasoning')) return lost('unsupported');
  const effort = effortOf(wish);
  if (effort === undefined) return NO_THINKING;
  if (effort === 'none') return { thinking: { type: 'disabled' }, on: false };
  const display = wish.exclude ? { display: 'omitted' } : {};
  if (thinksAdaptively(target)) {
    const asked = wish.effort === undefined ? {} : { effort: EFFORT_WORDS[wish.effort] };
    return { thinking: { type: 'adaptive', ...display }, ...asked, on: true };
  }
  const wanted = wish.budgetTokens ?? Math.floor(maxTokens * BUDGET_SHARES[effort]);
  const budget = Math.min(Math.max(wanted, BUDGET_TOKENS_MIN), maxTokens - 1);
  if (budget < BUDGET_TOKENS_MIN) return lost('adapted');
  return { thinking: { type: 'enabled', budget_tokens: budget, ...display }, on: true };
}
