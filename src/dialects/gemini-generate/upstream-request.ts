import type { Dropped } from '../../canon/dropped.ts';
import { supports } from '../../canon/parameters.ts';
import { type Effort, effortOf, type GenerationRequest, type Tool, type ToolChoice } from '../../canon/request.ts';
import type { Target } from '../../canon/target.ts';
import { type EncodedRequest, EXPECT_NOTHING } from '../dialect.ts';
import { extraFields } from '../extras.ts';
import { sampled, stops } from '../sampling.ts';
import { unsaid } from '../unsaid.ts';
import { CONFIG_EXTRAS, DIALECT_ID } from './id.ts';
import { imageConfig } from './image-config.ts';
import { reducedSchema } from './reduced-schema.ts';
import { conversation, generation, hasLevels, type Wire } from './upstream-contents.ts';

const STOPS_MAX = 5;
const LEVELS = {
  none: 'MINIMAL',
  minimal: 'MINIMAL',
  low: 'LOW',
  medium: 'MEDIUM',
  high: 'HIGH',
  xhigh: 'HIGH',
  max: 'HIGH',
} as const;
const BUDGETS = { none: 0, minimal: 512, low: 2048, medium: 8192, high: 16_384, xhigh: 24_576, max: 24_576 } as const;

/** Wishes that have a place in `generationConfig`. */
const WRITTEN: ReadonlySet<string> = new Set(['modalities']);
const WRITTEN_DRAWING: ReadonlySet<string> = new Set(['modalities', 'image_config']);

const NAMES = {
  temperature: 'temperature',
  top_p: 'topP',
  top_k: 'topK',
  seed: 'seed',
  frequency_penalty: 'frequencyPenalty',
  presence_penalty: 'presencePenalty',
  max_tokens: 'maxOutputTokens',
  logprobs: 'responseLogprobs',
  top_logprobs: 'logprobs',
} as const;

/** The larger models always think, the smaller ones may not; each has its most (spec/providers B.3.2). */
const isPro = (target: Target): boolean => /-pro\b/.test(target.upstreamModel);

function budgetOf(wanted: number, target: Target): number {
  if (wanted < 0) return wanted;
  return isPro(target) ? Math.min(Math.max(wanted, 128), 32_768) : Math.min(wanted, 24_576);
}

function levelOf(effort: Effort, target: Target): string {
  const level = LEVELS[effort];
  return isPro(target) && level === 'MINIMAL' ? 'LOW' : level;
}

/** A budget for the second generation, a level for the third and later, never both (UP-051). */
function thinkingConfig(request: GenerationRequest, target: Target, dropped: Dropped[]): Wire {
  const wish = request.reasoning;
  const effort = effortOf(wish);
  if (!wish) return {};
  if (!supports(target.parameters, 'reasoning')) {
    dropped.push({ pointer: '/reasoning', reason: 'unsupported' });
    return {};
  }
  const shown = { includeThoughts: !wish.exclude };
  if (effort === undefined) return { thinkingConfig: shown };
  if (hasLevels(target)) return { thinkingConfig: { ...shown, thinkingLevel: levelOf(effort, target) } };
  const budget = wish.budgetTokens ?? (wish.enabled && wish.effort === undefined ? -1 : BUDGETS[effort]);
  return { thinkingConfig: { ...shown, thinkingBudget: budgetOf(budget, target) } };
}

function outputConfig(request: GenerationRequest, target: Target, dropped: Dropped[]): Wire {
  const { output } = request;
  if (!output || output.kind === 'text') return {};
  const parameter = output.kind === 'json-schema' ? 'structured_outputs' : 'response_format';
  const known = output.kind === 'json' || output.kind === 'json-schema';
  if (!known || !supports(target.parameters, parameter)) {
    dropped.push({ pointer: '/response_format', reason: 'unsupported' });
    return {};
  }
  return {
    responseMimeType: 'application/json',
    ...(output.kind === 'json-schema' && schemaWire(output.schema, target, dropped)),
  };
}

/** Models before 2.5 know the reduced form alone. */
function schemaWire(schema: Wire, target: Target, dropped: Dropped[]): Wire {
  if (generation(target) === 0 || generation(target) >= 2.5) return { responseJsonSchema: schema };
  const { schema: reduced, lossy } = reducedSchema(schema);
  if (lossy) dropped.push({ pointer: '/response_format', reason: 'adapted' });
  return reduced ? { responseSchema: reduced } : {};
}

const MODES = { none: 'NONE', auto: 'AUTO', required: 'ANY', named: 'ANY' } as const;

const choiceWire = (choice: ToolChoice): Wire => ({
  functionCallingConfig: {
    mode: MODES[choice.kind],
    ...(choice.kind === 'named' && { allowedFunctionNames: [choice.name] }),
  },
});

function declaration({ name, description, parameters }: Tool, index: number, dropped: Dropped[]): Wire {
  const { schema, lossy } = reducedSchema(parameters ?? {});
  if (lossy) dropped.push({ pointer: `/tools/${index}/function/parameters`, reason: 'adapted' });
  return { name, ...(description !== undefined && { description }), ...(schema && { parameters: schema }) };
}

function toolsWire(request: GenerationRequest, target: Target, dropped: Dropped[]): Wire {
  if (request.tools.length === 0) return {};
  if (!supports(target.parameters, 'tools')) {
    dropped.push({ pointer: '/tools', reason: 'unsupported' });
    return {};
  }
  const functionDeclarations = request.tools.map((tool, index) => declaration(tool, index, dropped));
  return {
    tools: [{ functionDeclarations }],
    ...(request.toolChoice && { toolConfig: choiceWire(request.toolChoice) }),
  };
}

/** The request as a host of this dialect takes it (spec/providers B.3.2); the path says the model and whether to stream. */
export function encodeRequest(request: GenerationRequest, target: Target): EncodedRequest {
  const dropped: Dropped[] = [];
  unsaid(request, { thoughts: true }, dropped);
  const { system, turns } = conversation(request.messages, target, dropped);
  const config: Wire = sampled(request, target, NAMES, dropped);
  if (request.cache) dropped.push({ pointer: '/cache_control', reason: 'unsupported' });
  const stopSequences = stops(request, STOPS_MAX, dropped);
  if (stopSequences) config.stopSequences = stopSequences;
  if (request.parallelToolCalls === false) dropped.push({ pointer: '/parallel_tool_calls', reason: 'unsupported' });
  if (request.modalities) config.responseModalities = request.modalities.map((one) => one.toUpperCase());
  const drawing = imageConfig(request, target);
  if (drawing) config.imageConfig = drawing;
  // What a client of this wire says beside, and we have no word for, its hosts know best.
  const { [CONFIG_EXTRAS]: beside, ...extras } = request.extras;
  Object.assign(config, thinkingConfig(request, target, dropped), outputConfig(request, target, dropped), beside);
  const body: Wire = {
    contents: turns,
    ...(system.length > 0 && { systemInstruction: { parts: system } }),
    ...toolsWire(request, target, dropped),
    ...(Object.keys(config).length > 0 && { generationConfig: config }),
  };
  const written = drawing ? WRITTEN_DRAWING : WRITTEN;
  Object.assign(body, extraFields({ ...request, extras }, DIALECT_ID, target, dropped, written));
  const method = request.stream ? 'streamGenerateContent?alt=sse' : 'generateContent';
  return {
    path: `/models/${target.upstreamModel}:${method}`,
    body: JSON.stringify(body),
    dropped,
    expectation: EXPECT_NOTHING,
  };
}
