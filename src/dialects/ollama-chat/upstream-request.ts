import type { Dropped } from '../../canon/dropped.ts';
import { supports } from '../../canon/parameters.ts';
import { effortOf, type GenerationRequest, type Message, type Part } from '../../canon/request.ts';
import type { Target } from '../../canon/target.ts';
import { fitMarks } from '../cache-marks.ts';
import { dataUrl } from '../data-url.ts';
import { type EncodedRequest, EXPECT_NOTHING } from '../dialect.ts';
import { extraFields } from '../extras.ts';
import { forcesCall, NO_FORCE } from '../forced-calls.ts';
import { argumentsObject, sampled, stops } from '../sampling.ts';
import { unsaid } from '../unsaid.ts';
import { DIALECT_ID, OPTION_EXTRAS } from './id.ts';

type Wire = Record<string, unknown>;

const NAMES = {
  temperature: 'temperature',
  top_p: 'top_p',
  top_k: 'top_k',
  min_p: 'min_p',
  repetition_penalty: 'repeat_penalty',
  presence_penalty: 'presence_penalty',
  frequency_penalty: 'frequency_penalty',
  seed: 'seed',
  max_tokens: 'num_predict',
} as const;
const STOPS_MAX = 16;

/** Text together, pictures as mere Base64; everything else has no place here. */
function contentWire(parts: readonly Part[], pointer: string, dropped: Dropped[]): Wire {
  const texts: string[] = [];
  const images: string[] = [];
  for (const [index, part] of parts.entries()) {
    const inline = part.kind === 'image' ? dataUrl(part.url) : undefined;
    if (part.kind === 'text' || part.kind === 'refusal') texts.push(part.text);
    else if (inline) images.push(inline.data);
    else dropped.push({ pointer: `${pointer}/content/${index}`, reason: 'unsupported' });
  }
  return { content: texts.join(''), ...(images.length > 0 && { images }) };
}

function messageWire(message: Message, pointer: string, names: Map<string, string>, dropped: Dropped[]): Wire {
  const content = contentWire(message.parts, pointer, dropped);
  if (message.role === 'tool') {
    const name = names.get(message.callId);
    return {
      role: 'tool',
      ...content,
      tool_call_id: message.callId,
      ...(name !== undefined && { tool_name: name }),
    };
  }
  if (message.role !== 'assistant') return { role: message.role === 'user' ? 'user' : 'system', ...content };
  for (const { id, name } of message.toolCalls) names.set(id, name);
  const details = message.reasoning?.details ?? [];
  if (details.some(({ kind }) => kind === 'reasoning.encrypted'))
    dropped.push({ pointer: `${pointer}/reasoning`, reason: 'unsupported' });
  const thinking = message.reasoning?.text ?? details.map(({ text }) => text ?? '').join('');
  const calls = message.toolCalls.map((call, index) => ({
    id: call.id,
    function: { name: call.name, arguments: argumentsObject(call, `${pointer}/tool_calls/${index}`, dropped) },
  }));
  return {
    role: 'assistant',
    ...content,
    ...(thinking !== '' && { thinking }),
    ...(calls.length > 0 && { tool_calls: calls }),
  };
}

/** Levels where the model has several, else on or off (spec/providers B.8). */
function think(request: GenerationRequest, target: Target, dropped: Dropped[]): Wire {
  const effort = effortOf(request.reasoning);
  if (effort === undefined) return {};
  if (!supports(target.parameters, 'reasoning')) {
    dropped.push({ pointer: '/reasoning', reason: 'unsupported' });
    return {};
  }
  if (effort === 'none') return { think: false };
  if ((target.efforts?.length ?? 0) < 2) return { think: true };
  const level = effort === 'minimal' ? 'low' : effort === 'xhigh' ? 'high' : effort;
  return { think: level };
}

function format({ output }: GenerationRequest, target: Target, dropped: Dropped[]): Wire {
  if (!output || output.kind === 'text') return {};
  const json = output.kind === 'json' && supports(target.parameters, 'response_format');
  const schema = output.kind === 'json-schema' && supports(target.parameters, 'structured_outputs');
  if (json) return { format: 'json' };
  if (schema) return { format: output.schema };
  dropped.push({ pointer: '/response_format', reason: 'unsupported' });
  return {};
}

/** There is no way to choose among tools: none means that there are none (spec/providers B.14.1). */
function tools(request: GenerationRequest, target: Target, dropped: Dropped[]): Wire {
  if (request.tools.length === 0) return {};
  const kind = request.toolChoice?.kind;
  if (request.parallelToolCalls === false) dropped.push({ pointer: '/parallel_tool_calls', reason: 'unsupported' });
  if (kind === 'none') return {};
  if (!supports(target.parameters, 'tools')) {
    dropped.push({ pointer: '/tools', reason: 'unsupported' });
    return {};
  }
  return {
    tools: request.tools.map(({ name, description, parameters }) => ({
      type: 'function',
      function: {
        name,
        ...(description !== undefined && { description }),
        parameters: parameters ?? { type: 'object', properties: {} },
      },
    })),
  };
}

/** The request as a host of this dialect takes it (spec/providers B.8). `stream` is always said, because its absence means yes (UP-047). */
export function encodeRequest(asked: GenerationRequest, target: Target): EncodedRequest {
  const dropped: Dropped[] = [];
  unsaid(asked, { thoughts: true }, dropped);
  const request = fitMarks(asked, target, dropped);
  const names = new Map<string, string>();
  const options = sampled(request, target, NAMES, dropped);
  const stop = stops(request, STOPS_MAX, dropped);
  if (stop) options.stop = stop;
  if (target.contextLength !== undefined) options.num_ctx = target.contextLength;
  // What a client of this wire says beside, and we have no word for, its hosts know best.
  const { [OPTION_EXTRAS]: beside, ...extras } = request.extras;
  Object.assign(options, beside);
  const body = {
    model: target.upstreamModel,
    messages: request.messages.map((message, index) => messageWire(message, `/messages/${index}`, names, dropped)),
    stream: request.stream,
    ...tools(request, target, dropped),
    ...format(request, target, dropped),
    ...think(request, target, dropped),
    ...(Object.keys(options).length > 0 && { options }),
    ...extraFields({ ...request, extras }, DIALECT_ID, target, dropped),
  };
  return {
    path: '/api/chat',
    body: JSON.stringify(body),
    dropped,
    expectation: EXPECT_NOTHING,
    ...(forcesCall(request) && { unable: NO_FORCE }),
  };
}
