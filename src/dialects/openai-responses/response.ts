import type { FinishReason } from '../../canon/event.ts';
import type { GenerationRequest, Tool, ToolChoice } from '../../canon/request.ts';
import type { AnswerContext } from '../dialect.ts';

type Wire = Record<string, unknown>;

/** Why an answer is incomplete, in this wire's words; the others are complete (spec/inference 6.3). */
export const INCOMPLETE: { readonly [F in FinishReason]?: string } = {
  length: 'max_output_tokens',
  'content-filter': 'content_filter',
};

export const toolWire = ({ name, description, parameters, strict }: Tool): Wire => ({
  type: 'function',
  name,
  ...(description !== undefined && { description }),
  parameters: parameters ?? { type: 'object', properties: {} },
  strict: strict ?? false,
});

export const toolChoiceWire = (choice: ToolChoice): unknown =>
  choice.kind === 'named' ? { type: 'function', name: choice.name } : choice.kind;

export function formatWire(output: GenerationRequest['output']): Wire {
  if (output?.kind === 'json') return { type: 'json_object' };
  if (output?.kind !== 'json-schema') return { type: 'text' };
  const { name, schema, description, strict } = output;
  return {
    type: 'json_schema',
    name,
    schema,
    ...(description !== undefined && { description }),
    ...(strict !== undefined && { strict }),
  };
}

/** What every response object has beside its output: all of it required by clients, most of it an echo (INF-280). */
export function responseHead(context: AnswerContext): Wire {
  const { request } = context;
  const { sampling } = request ?? {};
  return {
    id: context.id,
    object: 'response',
    created_at: context.created,
    model: context.model,
    ...(context.quirks.has('router-answers') && context.provider !== undefined && { provider: context.provider }),
    instructions: null,
    metadata: request?.metadata ?? {},
    parallel_tool_calls: request?.parallelToolCalls ?? true,
    tool_choice: request?.toolChoice ? toolChoiceWire(request.toolChoice) : 'auto',
    tools: request?.tools.map(toolWire) ?? [],
    temperature: sampling?.temperature ?? null,
    top_p: sampling?.topP ?? null,
    frequency_penalty: sampling?.frequencyPenalty ?? null,
    presence_penalty: sampling?.presencePenalty ?? null,
    max_output_tokens: request?.maxOutputTokens ?? null,
    reasoning: { effort: request?.reasoning?.effort ?? null, summary: request?.reasoning?.summary ?? null },
    text: { format: formatWire(request?.output) },
    truncation: request?.plugins?.['context-compression'] ? 'auto' : 'disabled',
    previous_response_id: null,
    store: false,
    background: false,
  };
}
