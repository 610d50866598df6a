import type { GenerationRequest } from '../canon/request.ts';
import type { Plan, RoutedBy } from '../router/candidate.ts';
import { resolveModel } from '../router/resolve.ts';
import type { Execution } from './execute.ts';
import type { Roads } from './ports.ts';

/** OpenRouter's `openrouter_metadata`: how a request was routed, for callers who ask (spec/inference 5.17). */
export function routerMetadata(plan: Plan, execution: Execution, { model }: GenerationRequest): unknown {
  const winner = execution.winner?.candidate;
  const available = plan.candidates.map(({ provider, model, endpoint }) => ({
    provider: provider.name,
    model: model.id,
    selected: endpoint.id === winner?.endpoint.id,
  }));
  return {
    requested: model ?? plan.models[0]?.requested ?? '',
    strategy: strategyOf(plan),
    region: null,
    summary: `available=${available.length}${winner ? `, selected=${winner.provider.name}` : ''}`,
    attempt: execution.attempts.length,
    is_byok: false,
    endpoints: {
      total: plan.models.reduce((sum, model) => sum + model.candidates.length + model.rejected.length, 0),
      available,
    },
    ...((plan.routed || execution.pipeline) && {
      pipeline: [...(plan.routed ?? []).flatMap(stageOf), ...(execution.pipeline ?? [])],
    }),
    turnpike: { dropped: execution.winner?.encoded.dropped ?? [], ...resumed(execution) },
    ...(execution.attempts.length > 0 && {
      attempts: execution.attempts.map((attempt) => ({
        provider: attempt.provider,
        model: attempt.model,
        status: attempt.status,
        ...(attempt.hedge !== undefined && { hedge: attempt.hedge }),
        ...(attempt.leaked !== undefined && { control_words: attempt.leaked }),
      })),
    }),
  };
}

/** How the models came about: a router's choice, the caller's list, another name, or the very one that was named. */
function strategyOf({ routed, models }: Plan): string {
  const [first] = models;
  const slugs = new Set(models.map(({ requested, router }) => router ?? requested));
  if (slugs.size > 1) return 'fallback';
  if (routed?.[0]) return routed[0].kind;
  return first !== undefined && first.requested !== first.model.id ? 'alias' : 'direct';
}

/** What a router took the request for. */
const stageOf = ({ plugin, slug, taskType }: RoutedBy): readonly unknown[] =>
  taskType === undefined
    ? []
    : [{ type: 'plugin', name: plugin ?? slug, summary: `task=${taskType}`, data: { task_type: taskType } }];

/** The same for a request that no host is left for: nothing was tried. */
export function unroutedMetadata({ model, fallbacks }: GenerationRequest, { snapshot, defaultModel }: Roads): unknown {
  const slugs =
    model === undefined && fallbacks.length === 0
      ? [defaultModel ?? '']
      : [...(model === undefined ? [] : [model]), ...fallbacks];
  const total = slugs.reduce(
    (sum, slug) => sum + snapshot.hostsOf(resolveModel(snapshot, slug)?.model.id ?? '').length,
    0,
  );
  return {
    requested: slugs[0] ?? '',
    strategy: slugs.length > 1 ? 'fallback' : 'direct',
    region: null,
    summary: 'available=0',
    attempt: 0,
    is_byok: false,
    endpoints: { total, available: [] },
  };
}

/** Where the answer broke off, in characters of its text, and who went on. */
function resumed({ parts, winner }: Execution): { resumed?: readonly unknown[] } {
  if (!parts) return {};
  const names = [...parts.map((part) => part.winner), winner].map((one) => one?.candidate.provider.name);
  return { resumed: parts.map(({ at }, index) => ({ at, from: names[index], by: names[index + 1] })) };
}
