import type { Dropped } from '../../canon/dropped.ts';
import { supports } from '../../canon/parameters.ts';
import { effortOf, type GenerationRequest, type Message, type Part } from '../../canon/request.ts';
import type { Target } from '../../canon/target.ts';
import { fitMarks } from '../cache-marks.ts';
import { type EncodedRequest, EXPECT_NOTHING } from '../dialect.ts';
import { extraFields } from '../extras.ts';
import { sampled, stops } from '../sampling.ts';
import { unsaid } from '../unsaid.ts';
import { DIALECT_ID } from './id.ts';

type Wire = Record<string, unknown>;

const NAMES = {
  temperature: 'temperature',
  top_p: 'p',
  top_k: 'k',
  seed: 'seed',
  frequency_penalty: 'frequency_penalty',
  presence_penalty: 'presence_penalty',
  max_tokens: 'max_tokens',
  logprobs: 'logprobs',
} as const;
const STOPS_MAX = 5;
/** What each number may be here; beyond it the nearest is sent (spec/providers B.5). */
const RANGES: readonly (readonly [name: string, least: number, most: number, asSaid?: string])[] = [
  ['temperature', 0, 1],
  ['p', 0.01, 0.99, 'top_p'],
  ['k', 0, 500, 'top_k'],
  ['frequency_penalty', 0, 1],
  ['presence_penalty', 0, 1],
];
const BUDGETS = { none: 0, minimal: 512, low: 2048, medium: 8192, high: 16_384, xhigh: 32_768, max: 32_768 } as const;

function partWire(part: Part): Wire | undefined {
  if (part.kind === 'text' || part.kind === 'refusal')
    return part.text === '' ? undefined : { type: 'text', text: part.text };
  if (part.kind !== 'image') return undefined;
  return { type: 'image_url', image_url: { url: part.url, ...(part.detail !== undefined && { detail: part.detail }) } };
}

function contentWire(parts: readonly Part[], pointer: string, dropped: Dropped[]): string | Wire[] {
  const wires = parts.flatMap((part, index) => {
    const wire = partWire(part);
    if (!wire && part.kind !== 'text' && part.kind !== 'refusal')
      dropped.push({ pointer: `${pointer}/content/${index}`, reason: 'unsupported' });
    return wire ? [wire] : [];
  });
  return wires.every(({ type }) => type === 'text') ? wires.map(({ text }) => String(text)).join('') : wires;
}

/** What an assistant said before it called a tool was its plan: that is where it goes back to (UP-078). */
function messageWire(message: Message, pointer: string, dropped: Dropped[]): Wire {
  const content = contentWire(message.parts, pointer, dropped);
  if (message.role === 'tool') return { role: 'tool', tool_call_id: message.callId, content };
  if (message.role !== 'assistant') return { role: message.role === 'user' ? 'user' : 'system', content };
  const details = message.reasoning?.details ?? [];
  if (details.some(({ kind }) => kind === 'reasoning.encrypted'))
    dropped.push({ pointer: `${pointer}/reasoning`, reason: 'unsupported' });
  const thought = message.reasoning?.text ?? details.map(({ text }) => text ?? '').join('');
  if (message.toolCalls.length === 0) {
    const text = typeof content === 'string' ? [{ type: 'text', text: content }] : content;
    return {
      role: 'assistant',
      content: thought === '' ? content : [{ type: 'thinking', thinking: thought }, ...text],
    };
  }
  const plan = [thought, typeof content === 'string' ? content : ''].filter((text) => text !== '').join('\n');
  return {
    role: 'assistant',
    ...(plan !== '' && { tool_plan: plan }),
    tool_calls: message.toolCalls.map(({ id, name, arguments: text }) => ({
      id,
      type: 'function',
      function: { name, arguments: text.trim() === '' ? '{}' : text },
    })),
  };
}

/** One tool by name is all tools but that one left out, and a call required (spec/providers B.14.1). */
function tools(request: GenerationRequest, target: Target, dropped: Dropped[]): Wire {
  if (request.tools.length === 0) return {};
  if (!supports(target.parameters, 'tools')) {
    dropped.push({ pointer: '/tools', reason: 'unsupported' });
    return {};
  }
  if (request.parallelToolCalls === false) dropped.push({ pointer: '/parallel_tool_calls', reason: 'unsupported' });
  const choice = request.toolChoice;
  const offered = choice?.kind === 'named' ? request.tools.filter(({ name }) => name === choice.name) : request.tools;
  const forced = choice?.kind === 'required' || choice?.kind === 'named';
  return {
    tools: offered.map(({ name, description, parameters }) => ({
      type: 'function',
      function: {
        name,
        ...(description !== undefined && { description }),
        parameters: parameters ?? { type: 'object', properties: {} },
      },
    })),
    ...(forced && { tool_choice: 'REQUIRED' }),
    ...(choice?.kind === 'none' && { tool_choice: 'NONE' }),
    ...(request.tools.some(({ strict }) => strict) && { strict_tools: true }),
  };
}

function outputForm({ output }: GenerationRequest, target: Target, dropped: Dropped[]): Wire {
  if (!output || output.kind === 'text') return {};
  if (output.kind === 'json' && supports(target.parameters, 'response_format'))
    return { response_format: { type: 'json_object' } };
  if (output.kind === 'json-schema' && supports(target.parameters, 'structured_outputs'))
    return { response_format: { type: 'json_object', json_schema: output.schema } };
  dropped.push({ pointer: '/response_format', reason: 'unsupported' });
  return {};
}

function thinking(request: GenerationRequest, target: Target, dropped: Dropped[]): Wire {
  const effort = effortOf(request.reasoning);
  if (effort === undefined) return {};
  if (!supports(target.parameters, 'reasoning')) {
    dropped.push({ pointer: '/reasoning', reason: 'unsupported' });
    return {};
  }
  if (effort === 'none') return { thinking: { type: 'disabled' } };
  const wish = request.reasoning;
  const budget = wish?.budgetTokens ?? (wish?.effort === undefined ? undefined : BUDGETS[effort]);
  return { thinking: { type: 'enabled', ...(budget !== undefined && { token_budget: budget }) } };
}

/** The request as a host of this dialect takes it (spec/providers B.5). */
export function encodeRequest(asked: GenerationRequest, target: Target): EncodedRequest {
  const dropped: Dropped[] = [];
  unsaid(asked, { detail: true, strict: true, thoughts: true }, dropped);
  const request = fitMarks(asked, target, dropped);
  const sampling = sampled(request, target, NAMES, dropped);
  for (const [name, least, most, asSaid = name] of RANGES) {
    const value = sampling[name];
    if (typeof value !== 'number' || (value >= least && value <= most)) continue;
    sampling[name] = Math.min(Math.max(value, least), most);
    dropped.push({ pointer: `/${asSaid}`, reason: 'adapted' });
  }
  const stopSequences = stops(request, STOPS_MAX, dropped);
  const body = {
    model: target.upstreamModel,
    messages: request.messages.map((message, index) => messageWire(message, `/messages/${index}`, dropped)),
    stream: request.stream,
    ...sampling,
    ...(stopSequences && { stop_sequences: stopSequences }),
    ...tools(request, target, dropped),
    ...outputForm(request, target, dropped),
    ...thinking(request, target, dropped),
    ...extraFields(request, DIALECT_ID, target, dropped),
  };
  return { path: '/chat', body: JSON.stringify(body), dropped, expectation: EXPECT_NOTHING };
}
