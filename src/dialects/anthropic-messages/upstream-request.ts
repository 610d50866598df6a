import type { Dropped } from '../../canon/dropped.ts';
import { type Parameter, supports } from '../../canon/parameters.ts';
import type { GenerationRequest, Tool } from '../../canon/request.ts';
import type { Target } from '../../canon/target.ts';
import { thinkingOf } from '../claude-thinking.ts';
import { type EncodedRequest, EXPECT_NOTHING } from '../dialect.ts';
import { extraFields } from '../extras.ts';
import { DIALECT_ID } from './id.ts';
import { pathOf } from './path.ts';
import { sanitised } from './schema.ts';
import { cacheWire, conversation, type Turn, type Wire } from './upstream-messages.ts';

/** The host demands a limit; where neither the caller nor the catalogue knows one, what its smallest model takes. */
const OUTPUT_TOKENS_UNKNOWN = 4096;
const CACHE_MARKS_MAX = 4;
/** What Google's cloud wants in the body in place of the model (spec/providers A.1.a). */
const VERTEX_VERSION = 'vertex-2023-10-16';

function samplingWire(request: GenerationRequest, target: Target, thinks: boolean, dropped: Dropped[]): Wire {
  const { temperature, topP, topK, stop } = request.sampling;
  const body: Wire = {};
  const write = (parameter: Parameter, name: string, value: number | undefined, fits: boolean): void => {
    if (value === undefined) return;
    if (fits && supports(target.parameters, parameter)) body[name] = value;
    else dropped.push({ pointer: `/${parameter}`, reason: 'unsupported' });
  };
  write('temperature', 'temperature', temperature === undefined ? undefined : Math.min(temperature, 1), !thinks);
  // The newer models refuse both at once.
  write('top_p', 'top_p', topP, !thinks && body.temperature === undefined);
  write('top_k', 'top_k', topK, !thinks);
  const sequences = stop?.filter((text) => /\S/.test(text));
  if (sequences?.length) body.stop_sequences = sequences;
  return body;
}

const ABSENT: readonly (readonly [string, (request: GenerationRequest) => unknown])[] = [
  ['/seed', (r) => r.sampling.seed],
  ['/min_p', (r) => r.sampling.minP],
  ['/top_a', (r) => r.sampling.topA],
  ['/frequency_penalty', (r) => r.sampling.frequencyPenalty],
  ['/presence_penalty', (r) => r.sampling.presencePenalty],
  ['/repetition_penalty', (r) => r.sampling.repetitionPenalty],
  ['/logit_bias', (r) => r.sampling.logitBias],
  ['/logprobs', (r) => r.sampling.logprobs || undefined],
  ['/prediction', (r) => r.prediction],
];

const toolWire = ({ name, description, parameters, strict, cache }: Tool): Wire => ({
  name,
  ...(description !== undefined && { description }),
  input_schema: { type: 'object', properties: {}, ...parameters },
  ...(strict && { strict }),
  ...cacheWire(cache),
});

function toolsWire(request: GenerationRequest, target: Target, thinks: boolean, dropped: Dropped[]): Wire {
  if (request.tools.length === 0) return {};
  if (!supports(target.parameters, 'tools')) {
    dropped.push({ pointer: '/tools', reason: 'unsupported' });
    return {};
  }
  const choice = request.toolChoice ?? { kind: 'auto' as const };
  const forced = choice.kind === 'required' || choice.kind === 'named';
  // A model that thinks decides for itself whether it calls (spec/providers B.2.2).
  if (forced && thinks) dropped.push({ pointer: '/tool_choice', reason: 'adapted' });
  const kind = forced && thinks ? 'auto' : choice.kind;
  const serial = request.parallelToolCalls === false && kind !== 'none';
  const said = request.toolChoice !== undefined || serial;
  const word = kind === 'required' ? 'any' : kind === 'named' ? 'tool' : kind;
  return {
    tools: request.tools.map(toolWire),
    ...(said && {
      tool_choice: {
        type: word,
        ...(kind === 'named' && choice.kind === 'named' && { name: choice.name }),
        ...(serial && { disable_parallel_tool_use: true }),
      },
    }),
  };
}

/** A form of output: enforced where the model can, asked for in words where it cannot. */
function outputWire(request: GenerationRequest, target: Target, dropped: Dropped[]): { format?: Wire; hint?: string } {
  const { output } = request;
  if (!output || output.kind === 'text') return {};
  if (output.kind === 'json-schema' && supports(target.parameters, 'structured_outputs'))
    return { format: { type: 'json_schema', schema: sanitised(output.schema) } };
  if (output.kind === 'json') return { hint: 'Answer with one JSON object and nothing else.' };
  dropped.push({ pointer: '/response_format', reason: output.kind === 'json-schema' ? 'adapted' : 'unsupported' });
  if (output.kind !== 'json-schema') return {};
  return { hint: `Answer with JSON that matches this JSON Schema, and nothing else: ${JSON.stringify(output.schema)}` };
}

/** Four marks at most: the latest win, because they cover the longest prefixes (UP-044). */
function limitMarks(groups: readonly (readonly Wire[])[], dropped: Dropped[]): void {
  const marked = groups.flat().filter((block) => block.cache_control !== undefined);
  for (const block of marked.slice(0, Math.max(0, marked.length - CACHE_MARKS_MAX))) {
    delete block.cache_control;
    dropped.push({ pointer: '/cache_control', reason: 'adapted' });
  }
}

/** The request as a host of this dialect takes it (spec/providers B.2.2). */
export function encodeRequest(request: GenerationRequest, target: Target): EncodedRequest {
  const dropped: Dropped[] = [];
  const { system, turns } = conversation(request.messages, dropped);
  const maxTokens = request.maxOutputTokens ?? target.maxOutputTokens ?? OUTPUT_TOKENS_UNKNOWN;
  const thinking = thinkingOf(request, target, maxTokens, dropped);
  for (const [pointer, wish] of ABSENT) {
    if (wish(request) !== undefined) dropped.push({ pointer, reason: 'unsupported' });
  }
  const { format, hint } = outputWire(request, target, dropped);
  const instructions = hint === undefined ? system : [...system, { type: 'text', text: hint }];
  const effort = thinking.effort ?? effortWord(request, target, dropped);
  const tools = toolsWire(request, target, thinking.on, dropped);
  limitMarks(
    [(tools.tools as Wire[] | undefined) ?? [], instructions, ...turns.map(({ content }: Turn) => content)],
    dropped,
  );
  const config = { ...(effort !== undefined && { effort }), ...(format && { format }) };
  const vertex = target.quirks.has('vertex-body');
  const body: Wire = {
    ...(vertex ? { anthropic_version: VERTEX_VERSION } : { model: target.upstreamModel }),
    max_tokens: maxTokens,
    ...(instructions.length > 0 && { system: instructions }),
    messages: turns,
    ...samplingWire(request, target, thinking.on, dropped),
    ...tools,
    ...(thinking.thinking && { thinking: thinking.thinking }),
    ...(Object.keys(config).length > 0 && { output_config: config }),
    ...extraFields(request, DIALECT_ID, target, dropped),
    ...(request.stream && { stream: true }),
  };
  return { path: pathOf(target, request.stream), body: JSON.stringify(body), dropped, expectation: EXPECT_NOTHING };
}

/** How wordy the answer is asked to be is this wire's effort, where the model takes one. */
function effortWord(request: GenerationRequest, target: Target, dropped: Dropped[]): string | undefined {
  if (request.verbosity === undefined) return undefined;
  if (supports(target.parameters, 'verbosity')) return request.verbosity;
  dropped.push({ pointer: '/verbosity', reason: 'unsupported' });
  return undefined;
}
