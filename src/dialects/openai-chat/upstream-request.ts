import type { Dropped } from '../../canon/dropped.ts';
import { type Parameter, supports } from '../../canon/parameters.ts';
import type { GenerationRequest, Message, OutputForm, Tool, ToolChoice } from '../../canon/request.ts';
import type { Target } from '../../canon/target.ts';
import { fitMarks, markWire } from '../cache-marks.ts';
import type { EncodedRequest } from '../dialect.ts';
import { extraFields } from '../extras.ts';
import { callIds, NINE_CHARACTERS } from '../rewritten-names.ts';
import { writeBody } from '../short-way.ts';
import { withSpokenNames } from '../speakers.ts';
import { begunAnswer } from './begun-answer.ts';
import { DIALECT_ID } from './id.ts';
import { hasChoiceAtRoot, narrowSchema } from './narrow-schema.ts';
import { strictTurns, systemFirst } from './turns.ts';
import { keptThoughts, messageWire } from './upstream-messages.ts';
import { besideReasoning, reasoningWire, remembers, wantedEffort } from './upstream-reasoning.ts';

type Wire = Record<string, unknown>;

/**
 * What the host is told of one wish: its wire fields, or nothing where it has none for it. A row is asked only when the request has
 * the wish and the endpoint supports the parameter.
 */
interface Field {
  readonly parameter: Parameter;
  readonly pointer: string;
  readonly wish: (request: GenerationRequest) => unknown;
  readonly write: (wish: never, target: Target) => Wire | undefined;
}

const field = <T>(
  parameter: Parameter,
  pointer: string,
  wish: (request: GenerationRequest) => T | undefined,
  write: (wish: T, target: Target) => Wire | undefined,
): Field => ({ parameter, pointer, wish, write });

const toolWire = (tool: Tool, target: Target): Wire => ({
  type: 'function',
  function: {
    name: tool.name,
    ...(tool.description !== undefined && { description: tool.description }),
    ...(tool.parameters && {
      parameters: target.quirks.has('narrow-schemas') ? narrowSchema(tool.parameters) : tool.parameters,
    }),
    ...(tool.strict !== undefined && { strict: tool.strict }),
  },
  ...markWire(tool.cache, target),
});

function toolChoiceWire(choice: ToolChoice, target: Target): unknown {
  if (choice.kind === 'named') return { type: 'function', function: { name: choice.name } };
  return choice.kind === 'required' && target.quirks.has('closed-request') ? 'any' : choice.kind;
}

function outputWire(output: OutputForm): Wire {
  if (output.kind === 'json-schema') {
    const { name, schema, description, strict } = output;
    return {
      type: 'json_schema',
      json_schema: {
        name,
        ...(description !== undefined && { description }),
        schema,
        ...(strict !== undefined && { strict }),
      },
    };
  }
  if (output.kind === 'grammar') return { type: 'grammar', grammar: output.grammar };
  return { type: output.kind === 'json' ? 'json_object' : output.kind };
}

const limitWire = (limit: number, { quirks }: Target): Wire =>
  quirks.has('max-completion-tokens') ? { max_completion_tokens: limit } : { max_tokens: limit };

/** What a host gives at most that would give far less unasked: the model's own limit, and never more than leaves room for a prompt. */
function ownLimit({ maxOutputTokens, contextLength }: Target): number {
  return Math.min(maxOutputTokens ?? OUTPUT_TOKENS_UNKNOWN, Math.ceil((contextLength ?? Number.POSITIVE_INFINITY) / 2));
}
const OUTPUT_TOKENS_UNKNOWN = 4096;

const closed = (target: Target): boolean => target.quirks.has('closed-request');

const FIELDS: readonly Field[] = [
  field('max_tokens', '/max_tokens', (r) => r.maxOutputTokens, limitWire),
  field(
    'temperature',
    '/temperature',
    (r) => r.sampling.temperature,
    (temperature, target) => ({
      temperature: Math.min(temperature, target.temperatureMax ?? temperature),
    }),
  ),
  field(
    'top_p',
    '/top_p',
    (r) => r.sampling.topP,
    (top_p) => ({ top_p }),
  ),
  field(
    'top_k',
    '/top_k',
    (r) => r.sampling.topK,
    (top_k) => ({ top_k }),
  ),
  field(
    'min_p',
    '/min_p',
    (r) => r.sampling.minP,
    (min_p) => ({ min_p }),
  ),
  field(
    'top_a',
    '/top_a',
    (r) => r.sampling.topA,
    (top_a) => ({ top_a }),
  ),
  field(
    'frequency_penalty',
    '/frequency_penalty',
    (r) => r.sampling.frequencyPenalty,
    (frequency_penalty) => ({ frequency_penalty }),
  ),
  field(
    'presence_penalty',
    '/presence_penalty',
    (r) => r.sampling.presencePenalty,
    (presence_penalty) => ({ presence_penalty }),
  ),
  field(
    'repetition_penalty',
    '/repetition_penalty',
    (r) => r.sampling.repetitionPenalty,
    (repetition_penalty) => ({ repetition_penalty }),
  ),
  field(
    'seed',
    '/seed',
    (r) => r.sampling.seed,
    (seed, target) => {
      if (!closed(target)) return { seed };
      return seed < 0 ? undefined : { random_seed: seed };
    },
  ),
  field(
    'stop',
    '/stop',
    (r) => r.sampling.stop,
    (stop, target) => (target.stopsMax === 0 ? undefined : { stop: stop.slice(0, target.stopsMax) }),
  ),
  field(
    'logit_bias',
    '/logit_bias',
    (r) => r.sampling.logitBias,
    (logit_bias) => ({ logit_bias }),
  ),
  field(
    'logprobs',
    '/logprobs',
    (r) => r.sampling.logprobs,
    (logprobs, target) => (target.quirks.has('integer-logprobs') ? { logprobs: logprobs ? 1 : 0 } : { logprobs }),
  ),
  field(
    'top_logprobs',
    '/top_logprobs',
    (r) => r.sampling.topLogprobs,
    (wanted, target) => {
      const top_logprobs = Math.min(wanted, target.topLogprobsMax ?? wanted);
      return target.quirks.has('integer-logprobs') ? { logprobs: top_logprobs } : { top_logprobs };
    },
  ),
  field(
    'prediction',
    '/prediction',
    (r) => r.prediction,
    (text) => ({ prediction: { type: 'content', content: text } }),
  ),
  field(
    'tools',
    '/tools',
    (r) => (r.tools.length > 0 ? r.tools : undefined),
    (tools, target) => ({ tools: tools.map((tool) => toolWire(tool, target)) }),
  ),
  field(
    'tool_choice',
    '/tool_choice',
    (r) => (r.tools.length > 0 ? r.toolChoice : undefined),
    (choice, target) => ({
      tool_choice: toolChoiceWire(choice, target),
    }),
  ),
  field(
    'parallel_tool_calls',
    '/parallel_tool_calls',
    (r) => (r.tools.length > 0 ? r.parallelToolCalls : undefined),
    (parallel_tool_calls) => ({
      parallel_tool_calls,
    }),
  ),
  field(
    'response_format',
    '/response_format',
    (r) => (r.output?.kind === 'json-schema' ? undefined : r.output),
    (output) => ({
      response_format: outputWire(output),
    }),
  ),
  field(
    'structured_outputs',
    '/response_format',
    (r) => (r.output?.kind === 'json-schema' ? r.output : undefined),
    (output) => ({
      response_format: outputWire(output),
    }),
  ),
  field('reasoning', '/reasoning', (r) => (r.reasoning ? r : undefined), reasoningWire),
  field(
    'verbosity',
    '/verbosity',
    (r) => r.verbosity,
    (verbosity) => ({ verbosity }),
  ),
];

/** What a host with a closed list knows at most, whatever an endpoint of it says (spec/providers C.1). */
const CLOSED: ReadonlySet<Parameter> = new Set([
  'max_tokens',
  'temperature',
  'top_p',
  'frequency_penalty',
  'presence_penalty',
  'seed',
  'stop',
  'prediction',
  'tools',
  'tool_choice',
  'parallel_tool_calls',
  'response_format',
  'structured_outputs',
  'reasoning',
]);

const beyond = (wanted: number | undefined, most: number | undefined): boolean =>
  most !== undefined && most > 0 && (wanted ?? 0) > most;

function writeFields(request: GenerationRequest, target: Target, body: Wire, dropped: Dropped[]): void {
  const unthinking =
    target.unthinkingParameters && wantedEffort(request, target) === 'none' ? target.unthinkingParameters : undefined;
  for (const { parameter, pointer, wish, write } of FIELDS) {
    const value = wish(request);
    if (value === undefined) continue;
    const taken = supports(target.parameters, parameter) || unthinking?.has(parameter);
    const known = taken && (!closed(target) || CLOSED.has(parameter));
    const wire = known ? write(value as never, target) : undefined;
    if (wire) Object.assign(body, wire);
    else dropped.push({ pointer, reason: 'unsupported' });
  }
  if (request.maxOutputTokens === undefined && target.quirks.has('short-answers'))
    Object.assign(body, limitWire(ownLimit(target), target));
  if (target.quirks.has('narrow-schemas'))
    for (const [index, { parameters }] of request.tools.entries())
      if (hasChoiceAtRoot(parameters))
        dropped.push({ pointer: `/tools/${index}/function/parameters`, reason: 'adapted' });
  if (body.stop !== undefined && beyond(request.sampling.stop?.length, target.stopsMax))
    dropped.push({ pointer: '/stop', reason: 'adapted' });
  if (body.top_logprobs !== undefined && beyond(request.sampling.topLogprobs, target.topLogprobsMax))
    dropped.push({ pointer: '/top_logprobs', reason: 'adapted' });
}

/** Names what of earlier turns does not go back: thoughts that the host has no place for, and failures of tools. */
function nameLost(request: GenerationRequest, target: Target, dropped: Dropped[]): void {
  for (const [index, message] of request.messages.entries()) {
    if (message.role === 'tool' && message.isError)
      dropped.push({ pointer: `/messages/${index}/is_error`, reason: 'unsupported' });
    if (message.role !== 'assistant' || !message.reasoning) continue;
    const { text, details } = message.reasoning;
    const said = (text ?? '') !== '' || (details?.length ?? 0) > 0;
    if (said && !keptThoughts(message.reasoning, target, remembers(request, target)))
      dropped.push({ pointer: `/messages/${index}/reasoning`, reason: 'unsupported' });
  }
}

/** A prompt that does not say "JSON" can make a strict host emit endless whitespace in JSON mode (UP-072). */
function mentionsJson(messages: readonly Message[]): boolean {
  return messages.some((message) => message.parts.some((part) => part.kind === 'text' && /json/i.test(part.text)));
}

function adapted(request: GenerationRequest, target: Target): readonly Message[] {
  const { messages } = target.quirks.has('message-names') ? request : withSpokenNames(request);
  const placed = target.quirks.has('system-first') ? systemFirst(messages) : messages;
  const turns = target.quirks.has('strict-turns') ? strictTurns(placed) : placed;
  if (!closed(target) || request.output?.kind !== 'json' || mentionsJson(turns)) return turns;
  const [first, ...rest] = turns;
  const hint = 'Answer in JSON.';
  if (first?.role === 'system')
    return [{ ...first, parts: [...first.parts, { kind: 'text', text: `\n\n${hint}` }] }, ...rest];
  return [{ role: 'system', parts: [{ kind: 'text', text: hint }] }, ...turns];
}

/** What the route that fills gaps takes (spec/providers C.7). */
const GAP_FIELDS: readonly string[] = [
  'model',
  'temperature',
  'top_p',
  'max_tokens',
  'stream',
  'stop',
  'random_seed',
  'seed',
  'metadata',
];

/** A text between two texts has a route of its own (UP-145). */
function gapRequest(body: Wire, request: GenerationRequest, dropped: Dropped[]): EncodedRequest {
  const kept = Object.fromEntries(GAP_FIELDS.flatMap((name) => (name in body ? [[name, body[name]]] : [])));
  for (const name of Object.keys(body))
    if (!(name in kept) && name !== 'messages') dropped.push({ pointer: `/${name}`, reason: 'unsupported' });
  const prompt = request.messages
    .flatMap(({ parts }) => parts.map((part) => (part.kind === 'text' ? part.text : '')))
    .join('');
  return {
    path: '/fim/completions',
    body: JSON.stringify({ ...kept, prompt, suffix: request.suffix }),
    dropped: dropped.filter(({ pointer }) => pointer !== '/suffix'),
    expectation: {},
  };
}

/** A host that answers as a router runs the protocol's own tools. */
const SEARCHED: ReadonlySet<string> = new Set(['server_tools']);

/** The request as this host takes it. Only what it is known to accept is sent; the rest is named in `dropped`. */
export function encodeRequest(asked: GenerationRequest, target: Target): EncodedRequest {
  const dropped: Dropped[] = [];
  const request = fitMarks(asked, target, dropped);
  const turns = adapted(request, target);
  const id = target.quirks.has('nine-character-ids') ? callIds(turns, NINE_CHARACTERS) : (same: string) => same;
  const thinks = remembers(request, target);
  const messages = turns.map((message) => messageWire(message, target, id, thinks));
  const begun = begunAnswer(turns, target);
  Object.assign(messages.at(-1) ?? {}, begun?.manner.mark);
  const body: Wire = { model: target.upstreamModel, messages, ...begun?.manner.beside };
  writeFields(request, target, body, dropped);
  const replayed = messages.some((message) => message.reasoning_content !== undefined);
  Object.assign(body, besideReasoning(body, target, replayed));
  const searches = target.quirks.has('router-answers') ? (request.serverTools ?? []) : [];
  if (searches.length > 0) body.tools = [...((body.tools as Wire[]) ?? []), ...searches.map(({ wire }) => wire)];
  Object.assign(body, extraFields(request, DIALECT_ID, target, dropped, searches.length > 0 ? SEARCHED : undefined));
  Object.assign(body, markWire(request.cache, target));
  nameLost(request, target, dropped);
  if (request.stream) {
    body.stream = true;
    if (target.quirks.has('usage-opt-in')) body.stream_options = { include_usage: true };
  }
  if (request.suffix !== undefined && target.quirks.has('fim-route')) return gapRequest(body, request, dropped);
  return {
    path: begun?.manner.path ?? '/chat/completions',
    ...writeBody(body, request, DIALECT_ID),
    dropped,
    expectation: {
      ...(begun?.echo && { prefillEcho: begun.echo }),
      ...(target.quirks.has('phantom-calls') && body.tools === undefined && { noCalls: true }),
    },
  };
}
