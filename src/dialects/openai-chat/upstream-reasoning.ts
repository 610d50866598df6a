import { supports } from '../../canon/parameters.ts';
import { budgetShare, type Effort, effortOf, type GenerationRequest, nearestEffort } from '../../canon/request.ts';
import type { Quirk, Target } from '../../canon/target.ts';
import { asObject } from '../read.ts';

type Wire = Record<string, unknown>;

/** What a wish for thinking comes to here: a budget is a share of what may be given at most (INF-084). */
export const wantedEffort = ({ reasoning, maxOutputTokens }: GenerationRequest, target: Target): Effort | undefined =>
  effortOf(reasoning, maxOutputTokens ?? target.maxOutputTokens);

/** The host's word for the nearest of the levels; a wish that it has a word for of its own needs no nearest. */
function levelWord(effort: Effort, levels: readonly Effort[] | undefined, { effortWords }: Target): string | undefined {
  const level = effortWords?.[effort] === undefined && levels ? nearestEffort(effort, levels) : effort;
  return level && (effortWords?.[level] ?? level);
}

/** Budgets beyond this are refused by some that take budgets; without one the model takes what it needs. */
const BUDGET_TOKENS_SAFE = 32_768;

/** A budget for hosts that know no levels: the caller's own, or a weak effort's share of the limit. */
function budgetOf(request: GenerationRequest, target: Target, effort: Effort): number | undefined {
  const own = request.reasoning?.budgetTokens;
  const limit = request.maxOutputTokens ?? target.maxOutputTokens;
  if (own !== undefined || limit === undefined) return own;
  const share = budgetShare(effort);
  return share > 0.5 ? undefined : Math.min(Math.floor(limit * share), BUDGET_TOKENS_SAFE);
}

interface Switch {
  readonly quirk: Quirk;
  /** Undefined where the wish cannot be told. */
  readonly write: (on: boolean, budget: number | undefined) => Wire | undefined;
  /** Whether a level goes beside it, where the model has several. */
  readonly level?: boolean;
}

/** Switches beside or in place of a level. */
const SWITCHES: readonly Switch[] = [
  { quirk: 'thinking-switch', write: (on) => ({ thinking: { type: on ? 'enabled' : 'disabled' } }), level: true },
  {
    quirk: 'enable-thinking',
    write: (on, budget) => ({
      enable_thinking: on,
      ...(on && budget !== undefined && { thinking_budget: budget }),
    }),
  },
  { quirk: 'reasoning-enabled', write: (on) => ({ reasoning: { enabled: on } }), level: true },
  { quirk: 'template-thinking', write: (on) => ({ chat_template_kwargs: { thinking: on } }) },
  { quirk: 'template-enable-thinking', write: (on) => ({ chat_template_kwargs: { enable_thinking: on } }) },
  { quirk: 'always-thinks', write: (on) => (on ? {} : undefined) },
];

/** How a host is asked to think: the unified object, a switch, or a level it knows (spec/providers B.1.6, C.8). */
export function reasoningWire(request: GenerationRequest, target: Target): Wire | undefined {
  const wish = request.reasoning;
  if (!wish) return undefined;
  if (target.quirks.has('reasoning-object')) {
    return {
      reasoning: {
        ...(wish.effort !== undefined && { effort: wish.effort }),
        ...(wish.budgetTokens !== undefined && { max_tokens: wish.budgetTokens }),
        ...(wish.enabled !== undefined && { enabled: wish.enabled }),
        ...(wish.exclude && { exclude: true }),
        ...(wish.summary !== undefined && { summary: wish.summary }),
      },
    };
  }
  const effort = wantedEffort(request, target);
  if (effort === undefined || target.efforts?.length === 0) return undefined;
  const switched = SWITCHES.find(({ quirk }) => target.quirks.has(quirk));
  if (switched) return switchWire(switched, effort, request, target);
  // A budget is a wish to think, however small its share of the limit (spec/providers C.8).
  const thinking = wish.budgetTokens !== undefined && effort !== 'none' ? target.efforts?.filter(isThought) : undefined;
  const word =
    thinking && thinking.length > 0 ? nearestEffort(effort, thinking) : levelWord(effort, target.efforts, target);
  return word === undefined ? undefined : { reasoning_effort: word };
}

const isThought = (effort: Effort): boolean => effort !== 'none';

function switchWire(
  { write, level }: Switch,
  effort: Effort,
  request: GenerationRequest,
  target: Target,
): Wire | undefined {
  const on = effort !== 'none';
  const wire = write(on, on ? budgetOf(request, target, effort) : undefined);
  const levels = target.efforts?.filter(isThought) ?? [];
  // Where there is only one level, it needs no word.
  const word = wire && level && on && levels.length > 1 ? levelWord(effort, levels, target) : undefined;
  return wire && { ...wire, ...(word !== undefined && { reasoning_effort: word }) };
}

/** What makes a host keep the thoughts of earlier turns, where they would be thrown away unsaid (UP-060). */
const KEEPERS: readonly (readonly [Quirk, (body: Wire) => Wire])[] = [
  ['preserve-thinking', () => ({ preserve_thinking: true })],
  [
    'clear-thinking',
    ({ thinking }) => ({ thinking: { type: 'enabled', ...asObject(thinking), clear_thinking: false } }),
  ],
  ['reasoning-history', () => ({ reasoning_history: 'preserved' })],
];

/** Whether thoughts may go back in a request like this: a model that is told not to think has no use for them. */
export const remembers = (request: GenerationRequest, target: Target): boolean =>
  wantedEffort(request, target) !== 'none' && target.efforts?.length !== 0;

/** The name under which this host takes back what it thought before; undefined where it does not. */
export function replayField({ quirks }: Target): 'reasoning_content' | 'reasoning' | undefined {
  if (quirks.has('reasoning-replay') || KEEPERS.some(([quirk]) => quirks.has(quirk))) return 'reasoning_content';
  return quirks.has('reasoning-replay-plain') ? 'reasoning' : undefined;
}

/** Fields that say something of thinking beside the wish itself. */
export function besideReasoning(body: Wire, target: Target, replayed: boolean): Wire {
  const keeper = replayed ? KEEPERS.find(([quirk]) => target.quirks.has(quirk)) : undefined;
  // Without this word thoughts come inside the text.
  const parsed = target.quirks.has('parsed-reasoning') && supports(target.parameters, 'reasoning');
  return { ...keeper?.[1](body), ...(parsed && { reasoning_format: 'parsed' }) };
}
