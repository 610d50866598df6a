import { PARAMETERS, type Parameter } from '../canon/parameters.ts';
import type { Feature } from './authored-schema.ts';

const ALWAYS: readonly Parameter[] = ['max_tokens', 'stop', 'seed'];
/** A model that takes no temperature takes no other knob of the draw either (spec/providers A.2.1). */
const SAMPLING: readonly Parameter[] = ['temperature', 'top_p', 'frequency_penalty', 'presence_penalty'];

const BY_FEATURE: { readonly [F in Feature]: readonly Parameter[] } = {
  temperature: SAMPLING,
  tools: ['tools', 'tool_choice'],
  structured_outputs: ['response_format', 'structured_outputs'],
  reasoning: ['reasoning', 'include_reasoning'],
};

export interface DeriveInput {
  /** Undefined where nobody has said what the model can do. */
  readonly features: readonly Feature[] | undefined;
  readonly writesText: boolean;
  /** What every endpoint of the provider takes or refuses beyond that. */
  readonly add: readonly Parameter[];
  readonly remove: readonly Parameter[];
}

/** The parameters of an endpoint that nobody has listed, in the order of the vocabulary. */
export function deriveParameters({ features, writesText, add, remove }: DeriveInput): readonly Parameter[] {
  if (!writesText) return [];
  const taken = new Set<Parameter>([...ALWAYS, ...add]);
  for (const feature of features ?? (['temperature'] as const))
    for (const parameter of BY_FEATURE[feature]) taken.add(parameter);
  // Parallel calls are a matter of tools: a host that knows the switch does not have it for models without them.
  if (!taken.has('tools')) taken.delete('parallel_tool_calls');
  return PARAMETERS.filter((parameter) => taken.has(parameter) && !remove.includes(parameter));
}
