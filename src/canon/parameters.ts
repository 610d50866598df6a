import type { GenerationRequest } from './request.ts';

/** What an endpoint may support, in OpenRouter's vocabulary (spec/inference 1.9). */
export const PARAMETERS = [
  'temperature',
  'top_p',
  'top_k',
  'min_p',
  'top_a',
  'frequency_penalty',
  'presence_penalty',
  'repetition_penalty',
  'max_tokens',
  'max_completion_tokens',
  'logit_bias',
  'logprobs',
  'top_logprobs',
  'prediction',
  'seed',
  'response_format',
  'structured_outputs',
  'stop',
  'tools',
  'tool_choice',
  'parallel_tool_calls',
  'include_reasoning',
  'reasoning',
  'reasoning_effort',
  'web_search_options',
  'verbosity',
] as const;

export type Parameter = (typeof PARAMETERS)[number];

export type ParameterSet = ReadonlySet<Parameter>;

export const ALL_PARAMETERS: ParameterSet = new Set(PARAMETERS);

const isParameter = (name: string): name is Parameter => (PARAMETERS as readonly string[]).includes(name);

/** Reads a list of names; names outside the vocabulary are returned apart, for the caller to report. */
export function parameterSet(names: readonly string[]): {
  readonly known: ParameterSet;
  readonly unknown: readonly string[];
} {
  return { known: new Set(names.filter(isParameter)), unknown: names.filter((name) => !isParameter(name)) };
}

/** Whether a request uses a parameter: the question `require_parameters` asks. Routing fields are no parameters (INF-057). */
const USES: { readonly [P in Parameter]: (request: GenerationRequest) => boolean } = {
  temperature: (r) => r.sampling.temperature !== undefined,
  top_p: (r) => r.sampling.topP !== undefined,
  top_k: (r) => r.sampling.topK !== undefined,
  min_p: (r) => r.sampling.minP !== undefined,
  top_a: (r) => r.sampling.topA !== undefined,
  frequency_penalty: (r) => r.sampling.frequencyPenalty !== undefined,
  presence_penalty: (r) => r.sampling.presencePenalty !== undefined,
  repetition_penalty: (r) => r.sampling.repetitionPenalty !== undefined,
  max_tokens: (r) => r.maxOutputTokens !== undefined,
  // The same wish under its newer name; a host that takes either one is told in the spelling it knows.
  max_completion_tokens: () => false,
  logit_bias: (r) => r.sampling.logitBias !== undefined,
  logprobs: (r) => r.sampling.logprobs !== undefined,
  top_logprobs: (r) => r.sampling.topLogprobs !== undefined,
  prediction: (r) => r.prediction !== undefined,
  seed: (r) => r.sampling.seed !== undefined,
  response_format: (r) => r.output !== undefined && r.output.kind !== 'json-schema',
  structured_outputs: (r) => r.output?.kind === 'json-schema',
  stop: (r) => r.sampling.stop !== undefined,
  tools: (r) => r.tools.length > 0,
  tool_choice: (r) => r.toolChoice !== undefined,
  parallel_tool_calls: (r) => r.parallelToolCalls !== undefined,
  // One wish, three spellings: `reasoning` stands for all of them.
  include_reasoning: () => false,
  reasoning: (r) => r.reasoning !== undefined,
  reasoning_effort: () => false,
  web_search_options: (r) => Object.values(r.extras).some((fields) => fields.web_search_options != null),
  verbosity: (r) => r.verbosity !== undefined,
};

export const uses = (request: GenerationRequest, parameter: Parameter): boolean => USES[parameter](request);

/** The parameters a request uses, each once. */
export function usedParameters(request: GenerationRequest): readonly Parameter[] {
  return PARAMETERS.filter((parameter) => USES[parameter](request));
}

/** Parameters that an endpoint counts as supporting when it lists another spelling of the same wish. */
const ALSO: { readonly [P in Parameter]?: readonly Parameter[] } = {
  max_tokens: ['max_completion_tokens'],
  reasoning: ['reasoning_effort', 'include_reasoning'],
  response_format: ['structured_outputs'],
};

export function supports(set: ParameterSet, parameter: Parameter): boolean {
  return set.has(parameter) || (ALSO[parameter]?.some((spelling) => set.has(spelling)) ?? false);
}
