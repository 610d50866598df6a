import { supports } from '../../canon/parameters.ts';
import type { Plugins } from '../../canon/plugins.ts';
import type { AutoRouter, Task } from '../../catalogue/routers.ts';
import { taskOf } from './classify.ts';
import { permitted } from './globs.ts';
import { type Choice, FALLBACKS, type Pooled, pooled, type RouteInput } from './pool.ts';

type Settings = Exclude<Plugins['auto-router'], false | undefined>;

const BANDS = ['low', 'medium', 'high', 'xhigh', 'max'] as const;
type Band = (typeof BANDS)[number];

/** The older scale runs from 0, the best whatever it costs, to 10, the cheapest. */
const bandOfTradeoff = (tradeoff: number): Band => BANDS[Math.min(4, Math.floor((10 - tradeoff) / 2))] ?? 'low';

/**
 * Classifies the request, ranks the models for such tasks, keeps those of one band of cost and those that the caller permits, and takes the
 * first three that can serve it (spec/inference 5.9). Where the task cannot be told or nobody is ranked for it, the default models
 * stand in; what the caller forbids stays forbidden.
 */
export function chooseAuto(table: AutoRouter, input: RouteInput): Choice {
  const { plugins, messages } = input.request;
  const settings: Settings = plugins?.[table.plugin] || {};
  const pool = pooled(input).filter(({ price }) => price > 0);
  const all = pool.length > 0 ? pool : pooled(input);
  const taskType = input.taskType === undefined ? taskOf(input.request, input.promptTokens, table) : input.taskType;
  const task = table.task.find(({ id }) => id === taskType);
  const ranked = task ? rankedFor(task, all, input) : [];
  const told = task && ranked.length > 0 ? { taskType: task.id } : {};
  const list = ranked.length > 0 ? ranked : defaults(table, all, input);
  const bands = bandsOf(settings);
  const byBand = inBands(list);
  const allowed = bands
    .flatMap((band) => byBand.filter((one) => one.band === band))
    .map(({ pooled: one }) => one.model.id);
  const pin = settings.pin_model === true ? pinned(messages, input) : undefined;
  const order = pin !== undefined && allowed.includes(pin) ? [pin, ...allowed.filter((id) => id !== pin)] : allowed;
  return {
    slugs: firstFitting(
      order.filter((id) => permitted(id, settings)),
      input,
    ),
    ...told,
  };
}

/** Without a wish the cheapest band comes first, and the others only where nobody of it may serve. */
function bandsOf({ cost_tier: tier, cost_quality_tradeoff: tradeoff }: Settings): readonly Band[] {
  if (tier) return [tier];
  return tradeoff === undefined || tradeoff === null ? BANDS : [bandOfTradeoff(tradeoff)];
}

/** Each in its band by price among all of them, in the order they came: a band is a fifth of the models. */
function inBands(list: readonly Pooled[]): readonly { readonly pooled: Pooled; readonly band: Band }[] {
  const byPrice = [...list].sort((a, b) => a.price - b.price || (a.model.id < b.model.id ? -1 : 1));
  const place = new Map(byPrice.map((one, index) => [one, Math.floor((index * BANDS.length) / byPrice.length)]));
  return list.map((one) => ({ pooled: one, band: BANDS[place.get(one) ?? 0] ?? 'max' }));
}

const ORDERS: { readonly [P in Task['prefer']]: (a: Pooled, b: Pooled) => number } = {
  newest: (a, b) => b.model.created - a.model.created,
  context: (a, b) => (b.model.contextLength ?? 0) - (a.model.contextLength ?? 0),
  cheapest: (a, b) => a.price - b.price,
};

function rankedFor(
  { models, needs, prefer }: Task,
  pool: readonly Pooled[],
  { snapshot }: RouteInput,
): readonly Pooled[] {
  if (models) return listed(models, pool, snapshot);
  return pool
    .filter(({ hosts }) =>
      needs.every((need) => hosts.some(({ endpoint }) => supports(snapshot.parameters(endpoint), need))),
    )
    .sort((a, b) => ORDERS[prefer](a, b) || (a.model.id < b.model.id ? -1 : 1));
}

function defaults(table: AutoRouter, pool: readonly Pooled[], input: RouteInput): readonly Pooled[] {
  const first = listed(table.default, pool, input.snapshot);
  const otherwise = table.task.find(({ id }) => id === table.otherwise);
  return first.length > 0 || !otherwise ? first : rankedFor(otherwise, pool, input);
}

function listed(ids: readonly string[], pool: readonly Pooled[], snapshot: RouteInput['snapshot']): readonly Pooled[] {
  return ids.flatMap((id) => {
    const model = snapshot.model(id);
    return pool.find((one) => one.model === model) ?? [];
  });
}

/** The model that gave the latest answer of the conversation, as its client repeats it. */
function pinned(messages: RouteInput['request']['messages'], { snapshot }: RouteInput): string | undefined {
  const latest = messages.findLast((message) => message.role === 'assistant');
  const model = latest?.role === 'assistant' ? latest.model : undefined;
  return model === undefined ? undefined : snapshot.model(model)?.id;
}

/** As many as are asked at most; the rest is not looked at. */
export function firstFitting(slugs: readonly string[], { fits }: RouteInput): readonly string[] {
  const chosen: string[] = [];
  for (const slug of slugs) {
    if (fits(slug)) chosen.push(slug);
    if (chosen.length > FALLBACKS) break;
  }
  return chosen;
}
