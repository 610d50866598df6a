import type { Dropped } from '../../canon/dropped.ts';
import { type Parameter, supports } from '../../canon/parameters.ts';
import { type Effort, effortOf, type GenerationRequest, type Tool } from '../../canon/request.ts';
import type { Target } from '../../canon/target.ts';
import { type EncodedRequest, EXPECT_NOTHING } from '../dialect.ts';
import { extraFields } from '../extras.ts';
import { DIALECT_ID } from './id.ts';
import { sanitised } from './schema.ts';
import { cacheWire, conversation, type Turn, type Wire } from './upstream-messages.ts';

/** The host demands a limit; where neither the caller nor the catalogue knows one, what its smallest model takes. */
const OUTPUT_TOKENS_UNKNOWN = 4096;
const BUDGET_TOKENS_MIN = 1024;
const CACHE_MARKS_MAX = 4;

/** Effort as a share of the output limit, for models that take a budget (spec/providers B.2.2). */
const BUDGET_SHARES: { readonly [E in Effort]: number } = {
  none: 0,
  minimal: 0.1,
  low: 0.2,
  medium: 0.5,
  high: 0.8,
  xhigh: 0.95,
  max: 0.95,
};

const EFFORT_WORDS: { readonly [E in Effort]: string } = {
  none: 'low',
  minimal: 'low',
  low: 'low',
  medium: 'medium',
  high: 'high',
  xhigh: 'xhigh',
  max: 'max',
};

/** Models that take no sampling parameters think adaptively, the others within a budget (spec/providers B.2.3). */
const thinksAdaptively = (target: Target): boolean => !supports(target.parameters, 'temperature');

interface Thinking {
  readonly thinking?: Wire;
  readonly effort?: string;
  readonly on: boolean;
}

const NO_THINKING: Thinking = { on: false };

/** `max_tokens` bounds what is paid, so a budget is lowered to fit it and never the other way round (UP-033). */
function thinkingOf(request: GenerationRequest, target: Target, maxTokens: number, dropped: Dropped[]): Thinking {
  const wish = request.reasoning;
  if (!wish) return NO_THINKING;
  const lost = (reason: Dropped['reason']): Thinking => {
    dropped.push({ pointer: '/reasoning', reason });
    return NO_THINKING;
  };
  if (!supports(target.parameters, 'reasoning')) return lost('unsupported');
  const effort = effortOf(wish);
  if (effort === undefined) return NO_THINKING;
  if (effort === 'none') return { thinking: { type: 'disabled' }, on: false };
  const display = wish.exclude ? { display: 'omitted' } : {};
  if (thinksAdaptively(target)) {
    const asked = wish.effort === undefined ? {} : { effort: EFFORT_WORDS[wish.effort] };
    return { thinking: { type: 'adaptive', ...display }, ...asked, on: true };
  }
  const wanted = wish.budgetTokens ?? Math.floor(maxTokens * BUDGET_SHARES[effort]);
  const budget = Math.min(Math.max(wanted, BUDGET_TOKENS_MIN), maxTokens - 1);
  if (budget < BUDGET_TOKENS_MIN) return lost('adapted');
  return { thinking: { type: 'enabled', budget_tokens: budget, ...display }, on: true };
}

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

const extras = (request: GenerationRequest): Wire => ({
  ...request.extras[DIALECT_ID],
  ...(request.serviceTier !== undefined && { service_tier: request.serviceTier }),
});

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
  const body: Wire = {
    model: target.upstreamModel,
    max_tokens: maxTokens,
    ...(instructions.length > 0 && { system: instructions }),
    messages: turns,
    ...samplingWire(request, target, thinking.on, dropped),
    ...tools,
    ...(thinking.thinking && { thinking: thinking.thinking }),
    ...(Object.keys(config).length > 0 && { output_config: config }),
    ...extraFields(extras(request), target, dropped),
    ...(request.stream && { stream: true }),
  };
  return { path: '/messages', body: JSON.stringify(body), dropped, expectation: EXPECT_NOTHING };
}

/** How wordy the answer is asked to be is this wire's effort, where the model takes one. */
function effortWord(request: GenerationRequest, target: Target, dropped: Dropped[]): string | undefined {
  if (request.verbosity === undefined) return undefined;
  if (supports(target.parameters, 'verbosity')) return request.verbosity;
  dropped.push({ pointer: '/verbosity', reason: 'unsupported' });
  return undefined;
}
