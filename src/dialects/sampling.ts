import type { Dropped } from '../canon/dropped.ts';
import { type Parameter, supports } from '../canon/parameters.ts';
import type { GenerationRequest, ToolCall } from '../canon/request.ts';
import type { Target } from '../canon/target.ts';
import { asObject, parseJson } from './read.ts';

type Wish = (request: GenerationRequest) => unknown;

const WISHES: readonly (readonly [Parameter, Wish])[] = [
  ['temperature', (r) => r.sampling.temperature],
  ['top_p', (r) => r.sampling.topP],
  ['top_k', (r) => r.sampling.topK],
  ['min_p', (r) => r.sampling.minP],
  ['top_a', (r) => r.sampling.topA],
  ['frequency_penalty', (r) => r.sampling.frequencyPenalty],
  ['presence_penalty', (r) => r.sampling.presencePenalty],
  ['repetition_penalty', (r) => r.sampling.repetitionPenalty],
  ['seed', (r) => r.sampling.seed],
  ['max_tokens', (r) => r.maxOutputTokens],
  ['logit_bias', (r) => r.sampling.logitBias],
  ['logprobs', (r) => r.sampling.logprobs || undefined],
  ['top_logprobs', (r) => r.sampling.topLogprobs],
  ['prediction', (r) => r.prediction],
  ['verbosity', (r) => r.verbosity],
];

/**
 * The plain parameters of a request under a wire's own names; what it has no name for, or the endpoint does not support, is named.
 * @param names parameter → the wire's name
 */
export function sampled(
  request: GenerationRequest,
  target: Target,
  names: { readonly [P in Parameter]?: string },
  dropped: Dropped[],
): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const [parameter, wish] of WISHES) {
    const value = wish(request);
    if (value === undefined) continue;
    const name = names[parameter];
    if (name !== undefined && supports(target.parameters, parameter)) out[name] = value;
    else dropped.push({ pointer: `/${parameter}`, reason: 'unsupported' });
  }
  return out;
}

/** The stops that fit. */
export function stops(request: GenerationRequest, most: number, dropped: Dropped[]): readonly string[] | undefined {
  const { stop } = request.sampling;
  if (!stop || stop.length === 0) return undefined;
  if (stop.length > most) dropped.push({ pointer: '/stop', reason: 'adapted' });
  return stop.slice(0, most);
}

/** A call's arguments for wires that want an object. What a model wrote may be nothing, or no object: then the object is empty (UP-023). */
export function argumentsObject(
  { arguments: text }: ToolCall,
  pointer: string,
  dropped: Dropped[],
): Readonly<Record<string, unknown>> {
  if (text.trim() === '') return {};
  const object = asObject(parseJson(text));
  if (!object) dropped.push({ pointer: `${pointer}/function/arguments`, reason: 'adapted' });
  return object ?? {};
}
