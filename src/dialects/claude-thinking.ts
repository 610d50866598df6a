import type { Dropped } from '../canon/dropped.ts';
import { supports } from '../canon/parameters.ts';
import { type Effort, effortOf, type GenerationRequest, nearestEffort, type ReasoningWish } from '../canon/request.ts';
import { hasTrait, type Target } from '../canon/target.ts';

/** How Claude is asked to think, whichever host's wire carries it (spec/providers B.2.2, B.2.3, B.4.2). */

const BUDGET_TOKENS_MIN = 1024;
/** The most that an effort comes to; who names a budget may name a larger one. */
const EFFORT_TOKENS_MAX = 128_000;
/** The host demands a limit; where neither the caller nor the catalogue knows one, what its smallest model takes. */
const OUTPUT_TOKENS_UNKNOWN = 4096;

/** Effort as a share of the output limit, for models that take a budget (spec/inference 10.5). */
const BUDGET_SHARES: { readonly [E in Effort]: number } = {
  none: 0,
  minimal: 0.1,
  low: 0.2,
  medium: 0.5,
  high: 0.8,
  xhigh: 0.95,
  max: 0.95,
};

/** Levels that the wire has words for, where the model's own are not known. */
const LEVELS = ['low', 'medium', 'high', 'xhigh', 'max'] as const satisfies readonly Effort[];

export interface Thinking {
  readonly thinking?: Readonly<Record<string, unknown>>;
  readonly effort?: string;
  readonly on: boolean;
  readonly maxTokens: number;
  /** Why the model cannot be asked at all, where it cannot. */
  readonly unable?: string;
}

/** The nearest level that the model takes and that the wire has a word for. */
function levelOf(effort: Effort, target: Target): string {
  const own = target.efforts?.filter((level) => (LEVELS as readonly Effort[]).includes(level)) ?? [];
  return nearestEffort(effort, own.length > 0 ? own : LEVELS) ?? 'high';
}

/** A budget as an effort, for models that take levels alone: the one whose share of the limit is nearest. */
function effortOfBudget(budget: number, most: number): Effort {
  const distance = (effort: Effort): number => Math.abs(BUDGET_SHARES[effort] - budget / most);
  return LEVELS.reduce<Effort>((best, one) => (distance(one) < distance(best) ? one : best), 'minimal');
}

/**
 * What the model is asked to think, and the limit that goes with it. An effort's budget fits below the limit that the caller gave, because
 * that bounds what is paid; a budget of the caller's own that does not fit contradicts it and is refused (spec/inference 10.5).
 */
export function thinkingOf(request: GenerationRequest, target: Target, dropped: Dropped[]): Thinking {
  const wish = request.reasoning;
  const maxTokens = request.maxOutputTokens ?? target.maxOutputTokens ?? OUTPUT_TOKENS_UNKNOWN;
  const off: Thinking = { on: false, maxTokens };
  const effort = effortOf(wish);
  if (!wish || effort === undefined) return off;
  if (!supports(target.parameters, 'reasoning')) {
    dropped.push({ pointer: '/reasoning', reason: 'unsupported' });
    return off;
  }
  if (effort === 'none') {
    if (!hasTrait(target, 'thinking-stays-on')) return { ...off, thinking: { type: 'disabled' } };
    dropped.push({ pointer: '/reasoning', reason: 'adapted' });
    return { on: true, effort: levelOf('minimal', target), maxTokens };
  }
  const adaptive =
    hasTrait(target, 'adaptive-thinking') && (wish.budgetTokens === undefined || !hasTrait(target, 'thinking-budget'));
  return adaptive ? adaptively(wish, target, maxTokens, dropped) : withinBudget(wish, effort, request, target, dropped);
}

const displayOf = ({ exclude }: ReasoningWish): { readonly display?: string } =>
  exclude ? { display: 'omitted' } : {};

function adaptively(wish: ReasoningWish, target: Target, maxTokens: number, dropped: Dropped[]): Thinking {
  const { budgetTokens } = wish;
  if (budgetTokens !== undefined) dropped.push({ pointer: '/reasoning/max_tokens', reason: 'adapted' });
  const asked = wish.effort ?? (budgetTokens === undefined ? undefined : effortOfBudget(budgetTokens, maxTokens));
  return {
    thinking: { type: 'adaptive', ...displayOf(wish) },
    ...(asked !== undefined && !hasTrait(target, 'no-levels') && { effort: levelOf(asked, target) }),
    on: true,
    maxTokens,
  };
}

function withinBudget(
  wish: ReasoningWish,
  effort: Effort,
  request: GenerationRequest,
  target: Target,
  dropped: Dropped[],
): Thinking {
  const limit = request.maxOutputTokens ?? target.maxOutputTokens;
  const share = Math.min(Math.floor((limit ?? OUTPUT_TOKENS_UNKNOWN) * BUDGET_SHARES[effort]), EFFORT_TOKENS_MAX);
  const wanted = Math.max(wish.budgetTokens ?? share, BUDGET_TOKENS_MIN);
  const thinking = (budget_tokens: number, maxTokens: number): Thinking => ({
    thinking: { type: 'enabled', budget_tokens, ...displayOf(wish) },
    on: true,
    maxTokens,
  });
  if (limit === undefined) return thinking(wanted, Math.max(OUTPUT_TOKENS_UNKNOWN, wanted + 1));
  if (wanted < limit) return thinking(wanted, limit);
  if (wish.budgetTokens !== undefined && request.maxOutputTokens !== undefined)
    return {
      on: false,
      maxTokens: limit,
      unable: `needs max_tokens above the ${wanted} tokens of its thinking budget`,
    };
  dropped.push({ pointer: '/reasoning', reason: 'adapted' });
  return limit > BUDGET_TOKENS_MIN ? thinking(limit - 1, limit) : { on: false, maxTokens: limit };
}

const TOO_KEEN: ReadonlySet<string> = new Set(['xhigh', 'max']);

/** There is one word for how hard to think and how much to say: that of the thinking wins. */
export function effortWord(
  request: GenerationRequest,
  { effort, thinking }: Thinking,
  target: Target,
  dropped: Dropped[],
): string | undefined {
  const { verbosity } = request;
  if (verbosity === undefined) return effort;
  const lost = (reason: Dropped['reason'], word: string | undefined): string | undefined => {
    if (word !== verbosity) dropped.push({ pointer: '/verbosity', reason });
    return word;
  };
  if (effort !== undefined) return lost('adapted', effort);
  if (!supports(target.parameters, 'verbosity')) return lost('unsupported', undefined);
  const word = levelOf(verbosity as Effort, target);
  const calm = thinking?.type === 'disabled' && hasTrait(target, 'calm-without-thinking') && TOO_KEEN.has(word);
  return lost('adapted', calm ? 'high' : word);
}
