import type { Dropped } from '../../canon/dropped.ts';
import { supports } from '../../canon/parameters.ts';
import { effortOf, type GenerationRequest, type ToolChoice } from '../../canon/request.ts';
import { hasTrait, type Target } from '../../canon/target.ts';
import { callsAsText } from '../calls-as-text.ts';
import { callersBetas } from '../claude-betas.ts';
import { effortWord, thinkingOf } from '../claude-thinking.ts';
import { type EncodedRequest, EXPECT_NOTHING } from '../dialect.ts';
import { extraFields } from '../extras.ts';
import { forcesCall, NO_FORCE } from '../forced-calls.ts';
import { sampled, stops } from '../sampling.ts';
import { unsaid } from '../unsaid.ts';
import { DIALECT_ID } from './id.ts';
import { toPath } from './path.ts';
import { conversation, isClaude, isMistral, isNova, point, type Turn, type Wire } from './upstream-messages.ts';

const STOPS_MAX = 4;
const CACHE_POINTS_MAX = 4;

const NAMES = { temperature: 'temperature', top_p: 'topP', max_tokens: 'maxTokens', top_k: 'top_k' } as const;

const NOVA_LEVELS = { minimal: 'low', low: 'low', medium: 'medium', high: 'high', xhigh: 'high', max: 'high' } as const;

/** Each family is asked in fields of its own (spec/providers B.4.2). */
function thinking(
  request: GenerationRequest,
  target: Target,
  dropped: Dropped[],
): { fields: Wire; effort?: string; on: boolean; unable?: string } {
  if (isClaude(target)) {
    const asked = thinkingOf(request, target, dropped);
    const { thinking: wish, on, unable } = asked;
    const effort = effortWord(request, asked, target, dropped);
    const betas = callersBetas(request);
    const fields = { ...(wish && { thinking: wish }), ...(betas.length > 0 && { anthropic_beta: betas }) };
    return { fields, on, ...(effort !== undefined && { effort }), ...(unable !== undefined && { unable }) };
  }
  const effort = effortOf(request.reasoning);
  if (effort === undefined) return { fields: {}, on: false };
  if (!supports(target.parameters, 'reasoning')) {
    dropped.push({ pointer: '/reasoning', reason: 'unsupported' });
    return { fields: {}, on: false };
  }
  if (isNova(target))
    return effort === 'none'
      ? { fields: { reasoningConfig: { type: 'disabled' } }, on: false }
      : { fields: { reasoningConfig: { type: 'enabled', maxReasoningEffort: NOVA_LEVELS[effort] } }, on: true };
  return { fields: { reasoning_effort: effort }, on: effort !== 'none' };
}

const hasCalls = ({ messages }: GenerationRequest): boolean =>
  messages.some((message) => message.role === 'tool' || (message.role === 'assistant' && message.toolCalls.length > 0));

interface Tools {
  readonly config: Wire;
  /** How a family wants the choice said, where it has a way of its own. */
  readonly fields: Wire;
}

/**
 * Tools and the choice among them. A ban on calls is no tools at all, except where the past holds calls: then the host demands them and
 * the ban is lost (UP-064).
 */
function toolWires(request: GenerationRequest, target: Target, dropped: Dropped[]): Tools {
  const none = { config: {}, fields: {} };
  if (request.tools.length === 0) return none;
  if (!supports(target.parameters, 'tools')) {
    dropped.push({ pointer: '/tools', reason: 'unsupported' });
    return none;
  }
  const banned = request.toolChoice?.kind === 'none';
  const serial = request.parallelToolCalls === false && !banned;
  if (serial && !isClaude(target)) dropped.push({ pointer: '/parallel_tool_calls', reason: 'unsupported' });
  if (banned && !hasCalls(request)) return none;
  if (banned) dropped.push({ pointer: '/tool_choice', reason: 'adapted' });
  const tools = request.tools.flatMap(({ name, description, parameters, strict, cache }, index): Wire[] => [
    {
      toolSpec: {
        name,
        ...(description && { description }),
        inputSchema: { json: { type: 'object', properties: {}, ...parameters } },
        ...(strict && { strict }),
      },
    },
    ...point(cache, target, `/tools/${index}`, dropped),
  ]);
  if (serial && isClaude(target))
    return { config: { toolConfig: { tools } }, fields: serialChoice(request.toolChoice) };
  return { config: { toolConfig: { tools, ...choiceWire(request.toolChoice) } }, fields: {} };
}

/** One call at a time is Claude's own wish, said with the choice in Claude's own words. */
function serialChoice(choice: ToolChoice | undefined): Wire {
  const own = choice?.kind === 'named' ? { type: 'tool', name: choice.name } : undefined;
  const type = choice?.kind === 'required' ? 'any' : 'auto';
  return { tool_choice: { ...(own ?? { type }), disable_parallel_tool_use: true } };
}

function choiceWire(choice: ToolChoice | undefined): Wire {
  if (!choice || choice.kind === 'none') return {};
  if (choice.kind === 'auto') return { toolChoice: { auto: {} } };
  return { toolChoice: choice.kind === 'named' ? { tool: { name: choice.name } } : { any: {} } };
}

/** A Claude that thinks decides for itself whether it calls. */
function willing(request: GenerationRequest, target: Target, thinks: boolean, dropped: Dropped[]): GenerationRequest {
  const decides = isClaude(target) && (thinks || hasTrait(target, 'chooses-tools'));
  if (!decides || !forcesCall(request)) return request;
  dropped.push({ pointer: '/tool_choice', reason: 'adapted' });
  return { ...request, toolChoice: { kind: 'auto' } };
}

/** Only some families can be made to call (spec/providers B.4.2). */
const canForce = (target: Target): boolean => isClaude(target) || isNova(target) || isMistral(target);

/** The schema is a text here, not an object (UP-074). */
function textFormat({ output }: GenerationRequest, target: Target, dropped: Dropped[]): Wire {
  if (!output || output.kind === 'text') return {};
  if (output.kind !== 'json-schema' || !supports(target.parameters, 'structured_outputs')) {
    dropped.push({ pointer: '/response_format', reason: 'unsupported' });
    return {};
  }
  const { schema, name, description } = output;
  const jsonSchema = { schema: JSON.stringify(schema), name, ...(description !== undefined && { description }) };
  return { textFormat: { type: 'json_schema', structure: { jsonSchema } } };
}

/**
 * Four points at most: the latest win, because they cover the longest prefixes. One that lasts an hour may not follow one that lasts five
 * minutes.
 */
function limitPoints(groups: readonly Wire[][], dropped: Dropped[]): void {
  const points = groups.flatMap((group) => group.filter(({ cachePoint }) => cachePoint));
  const spare = new Set(points.slice(0, Math.max(0, points.length - CACHE_POINTS_MAX)));
  for (const group of groups) group.splice(0, group.length, ...group.filter((wire) => !spare.has(wire)));
  for (const _ of spare) dropped.push({ pointer: '/cache_control', reason: 'adapted' });
  let short = false;
  for (const wire of points) {
    if (spare.has(wire)) continue;
    const long = (wire.cachePoint as Wire).ttl === '1h';
    if (long && short) {
      wire.cachePoint = { type: 'default' };
      dropped.push({ pointer: '/cache_control/ttl', reason: 'adapted' });
    }
    short ||= !long;
  }
}

/** A mark on the whole prompt is a point at its end. */
function pointLast({ cache }: GenerationRequest, turns: readonly Turn[], target: Target, dropped: Dropped[]): void {
  const content = turns.at(-1)?.content;
  if (content && content.at(-1)?.cachePoint === undefined) content.push(...point(cache, target, '', dropped));
}

/** The request as a host of this dialect takes it (spec/providers B.4.2); the path says the model and whether to stream. */
export function encodeRequest(request: GenerationRequest, target: Target): EncodedRequest {
  const dropped: Dropped[] = [];
  unsaid(request, { strict: true, thoughts: true }, dropped);
  const { fields, effort, on, unable } = thinking(request, target, dropped);
  const tools = toolWires(willing(request, target, on, dropped), target, dropped);
  // Past calls are taken only beside tools.
  const alone = tools.config.toolConfig === undefined && hasCalls(request);
  const messages = alone ? callsAsText(request.messages, dropped) : request.messages;
  const { system, turns } = conversation(messages, target, dropped);
  const { verbosity: _effort, ...quiet } = request;
  const { top_k: topK, ...config } = sampled(isClaude(target) ? quiet : request, target, NAMES, dropped);
  if (typeof config.temperature === 'number') config.temperature = Math.min(config.temperature, 1);
  // A thinking Claude refuses all three.
  if (on && isClaude(target))
    for (const [name, pointer] of [
      ['temperature', '/temperature'],
      ['topP', '/top_p'],
    ] as const)
      if (config[name] !== undefined) {
        delete config[name];
        dropped.push({ pointer, reason: 'unsupported' });
      }
  const topKFits = isClaude(target) && !on;
  if (topK !== undefined && !topKFits) dropped.push({ pointer: '/top_k', reason: 'unsupported' });
  const stopSequences = stops(request, STOPS_MAX, dropped);
  if (stopSequences) config.stopSequences = stopSequences;
  const declared = ((tools.config.toolConfig as { tools: Wire[] } | undefined)?.tools ?? []) as Wire[];
  const instructions = [...system];
  pointLast(request, turns, target, dropped);
  limitPoints([declared, instructions, ...turns.map(({ content }: Turn) => content)], dropped);
  const more = { ...fields, ...tools.fields, ...(topK !== undefined && topKFits && { top_k: topK }) };
  const output = { ...textFormat(request, target, dropped), ...(effort !== undefined && { effort }) };
  const tier = SERVICE_TIERS[request.serviceTier ?? ''];
  if (request.serviceTier !== undefined && tier === undefined)
    dropped.push({ pointer: '/service_tier', reason: 'unsupported' });
  const body = {
    messages: turns,
    ...(instructions.length > 0 && { system: instructions }),
    ...(Object.keys(config).length > 0 && { inferenceConfig: config }),
    ...tools.config,
    ...(Object.keys(output).length > 0 && { outputConfig: output }),
    ...(Object.keys(more).length > 0 && { additionalModelRequestFields: more }),
    ...(tier !== undefined && { serviceTier: { type: tier } }),
    ...(request.metadata && { requestMetadata: request.metadata }),
    ...extraFields(request, DIALECT_ID, target, dropped, WRITTEN),
  };
  return {
    path: toPath(target.upstreamModel, request.stream),
    body: JSON.stringify(body),
    dropped,
    expectation: EXPECT_NOTHING,
    ...(unable !== undefined && { unable }),
    ...(forcesCall(request) && !canForce(target) && { unable: NO_FORCE }),
  };
}

/** Wishes that have a place of their own. */
const WRITTEN: ReadonlySet<string> = new Set(['service_tier', 'metadata']);

const SERVICE_TIERS: Readonly<Record<string, string>> = {
  default: 'default',
  auto: 'default',
  flex: 'flex',
  priority: 'priority',
};
