import type { Plan } from '../router/candidate.ts';
import type { Execution } from './execute.ts';

/** OpenRouter's `openrouter_metadata`: how a request was routed, for callers who ask (spec/inference 5.17). */
export function routerMetadata(plan: Plan, execution: Execution, requested: string): unknown {
  const winner = execution.winner?.candidate;
  const available = plan.candidates.map(({ provider, model, endpoint }) => ({
    provider: provider.name,
    model: model.id,
    selected: endpoint.id === winner?.endpoint.id,
  }));
  const alias = plan.models[0] !== undefined && plan.models[0].requested !== plan.models[0].model.id;
  return {
    requested,
    strategy: plan.models.length > 1 ? 'fallback' : alias ? 'alias' : 'direct',
    region: null,
    summary: `available=${available.length}${winner ? `, selected=${winner.provider.name}` : ''}`,
    attempt: execution.attempts.length,
    is_byok: false,
    endpoints: {
      total: plan.models.reduce((sum, model) => sum + model.candidates.length + model.rejected.length, 0),
      available,
    },
    ...(execution.pipeline && { pipeline: execution.pipeline }),
    turnpike: { dropped: execution.winner?.encoded.dropped ?? [] },
    attempts: execution.attempts.map(({ provider, model, status, leaked }) => ({
      provider,
      model,
      status,
      ...(leaked !== undefined && { control_words: leaked }),
    })),
  };
}
