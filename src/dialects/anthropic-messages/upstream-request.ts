import type { Dropped } from '../../canon/dropped.ts';
import { type Parameter, supports } from '../../canon/parameters.ts';
import type { CacheMark, GenerationRequest, Tool } from '../../canon/request.ts';
import { hasTrait, type Target } from '../../canon/target.ts';
import { betasOf, callersBetas, STRUCTURED_OUTPUTS } from '../claude-betas.ts';
import { effortWord, thinkingOf } from '../claude-thinking.ts';
import { type EncodedRequest, EXPECT_NOTHING } from '../dialect.ts';
import { extraFields } from '../extras.ts';
import { unsaid } from '../unsaid.ts';
import { DIALECT_ID } from './id.ts';
import { pathOf } from './path.ts';
import { sanitised } from './schema.ts';
import { cacheWire, conversation, type Turn, type Wire } from './upstream-messages.ts';

const CACHE_MARKS_MAX = 4;
const BETA_HEADER = 'anthropic-beta';
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

/** A tool as the host takes it: strict only where the trial that knows the word is asked for, its arguments as they come where there is a stream. */
function toolWire(tool: Tool, index: number, shape: ToolShape, dropped: Dropped[]): Wire {
  const { name, description, parameters, strict, cache, native } = tool;
  if (native?.dialect === DIALECT_ID && shape.native) return { ...native.wire, ...cacheWire(cache) };
  if (strict !== undefined && !shape.strict) dropped.push({ pointer: `/tools/${index}/strict`, reason: 'unsupported' });
  return {
    name,
    ...(description !== undefined && { description }),
    input_schema: { type: 'object', properties: {}, ...parameters },
    ...(strict && shape.strict && { strict }),
    ...(shape.eager && { eager_input_streaming: true }),
    ...cacheWire(cache),
  };
}

interface ToolShape {
  /** Tools that the maker knows by their type alone. */
  readonly native: boolean;
  readonly strict: boolean;
  readonly eager: boolean;
}

function toolShape(request: GenerationRequest, target: Target, schema: boolean): ToolShape {
  if (target.quirks.has('bare-messages')) return { native: false, strict: false, eager: false };
  return { native: true, strict: schema || callersBetas(request).includes(STRUCTURED_OUTPUTS), eager: request.stream };
}

function toolsWire(
  request: GenerationRequest,
  target: Target,
  thinks: boolean,
  shape: ToolShape,
  dropped: Dropped[],
): Wire {
  if (request.tools.length === 0) return {};
  if (!supports(target.parameters, 'tools')) {
    dropped.push({ pointer: '/tools', reason: 'unsupported' });
    return {};
  }
  const choice = request.toolChoice ?? { kind: 'auto' as const };
  const forced = choice.kind === 'required' || choice.kind === 'named';
  // A model that thinks decides for itself whether it calls, and a few always do (spec/providers B.2.2, B.2.3).
  const free = forced && (thinks || hasTrait(target, 'chooses-tools'));
  if (free) dropped.push({ pointer: '/tool_choice', reason: 'adapted' });
  const kind = free ? 'auto' : choice.kind;
  const serial = request.parallelToolCalls === false && kind !== 'none';
  const said = request.toolChoice !== undefined || serial;
  const word = kind === 'required' ? 'any' : kind === 'named' ? 'tool' : kind;
  return {
    tools: request.tools.map((tool, index) => toolWire(tool, index, shape, dropped)),
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

/**
 * Four marks at most: the latest win, because they cover the longest prefixes. One that lasts an hour may not follow one that lasts five
 * minutes, and then lasts as long as that (UP-044).
 */
function limitMarks(groups: readonly (readonly Wire[])[], dropped: Dropped[]): void {
  const marked = groups.flat().filter((block) => block.cache_control !== undefined);
  const spare = Math.max(0, marked.length - CACHE_MARKS_MAX);
  for (const block of marked.slice(0, spare)) {
    delete block.cache_control;
    dropped.push({ pointer: '/cache_control', reason: 'adapted' });
  }
  let short = false;
  for (const block of marked.slice(spare)) {
    const long = (block.cache_control as Wire).ttl === '1h';
    if (long && short) {
      block.cache_control = { type: 'ephemeral' };
      dropped.push({ pointer: '/cache_control/ttl', reason: 'adapted' });
    }
    short ||= !long;
  }
}

const THOUGHTS: ReadonlySet<unknown> = new Set(['thinking', 'redacted_thinking']);

/** A mark on the whole prompt stands on the last block that can bear one (spec/inference 10.4). */
function markLast(mark: CacheMark | undefined, turns: readonly Turn[]): void {
  if (!mark) return;
  const last = turns.flatMap(({ content }) => content).findLast(({ type }) => !THOUGHTS.has(type));
  if (last && last.cache_control === undefined) Object.assign(last, cacheWire(mark));
}

/** What stands in `metadata.user_id`. */
const WRITTEN: ReadonlySet<string> = new Set(['user']);

/** The request as a host of this dialect takes it (spec/providers B.2.2). */
export function encodeRequest(request: GenerationRequest, target: Target): EncodedRequest {
  const dropped: Dropped[] = [];
  unsaid(request, { strict: true, thoughts: true }, dropped);
  const thinking = thinkingOf(request, target, dropped);
  const { system, turns } = conversation(request.messages, target, thinking.on, dropped);
  for (const [pointer, wish] of ABSENT) {
    if (wish(request) !== undefined) dropped.push({ pointer, reason: 'unsupported' });
  }
  const { format, hint } = outputWire(request, target, dropped);
  const instructions = hint === undefined ? system : [...system, { type: 'text', text: hint }];
  const effort = effortWord(request, thinking, target, dropped);
  const tools = toolsWire(request, target, thinking.on, toolShape(request, target, format !== undefined), dropped);
  markLast(request.cache, turns);
  limitMarks(
    [(tools.tools as Wire[] | undefined) ?? [], instructions, ...turns.map(({ content }: Turn) => content)],
    dropped,
  );
  const config = { ...(effort !== undefined && { effort }), ...(format && { format }) };
  const body: Wire = {
    ...(target.quirks.has('vertex-body') ? { anthropic_version: VERTEX_VERSION } : { model: target.upstreamModel }),
    max_tokens: thinking.maxTokens,
    ...(instructions.length > 0 && { system: instructions }),
    messages: turns,
    ...samplingWire(request, target, thinking.on, dropped),
    ...tools,
    ...(thinking.thinking && { thinking: thinking.thinking }),
    ...(Object.keys(config).length > 0 && { output_config: config }),
    ...(request.user !== undefined && { metadata: { user_id: request.user } }),
    ...extraFields(request, DIALECT_ID, target, dropped, WRITTEN),
    ...(request.stream && { stream: true }),
  };
  const betas = target.quirks.has('bare-messages') ? [] : betasOf(body, request);
  return {
    path: pathOf(target, request.stream),
    body: JSON.stringify(body),
    ...(betas.length > 0 && { headers: { [BETA_HEADER]: betas.join(',') } }),
    dropped,
    expectation: EXPECT_NOTHING,
    ...(thinking.unable !== undefined && { unable: thinking.unable }),
  };
}
