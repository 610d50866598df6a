import type { Dropped } from '../../canon/dropped.ts';
import type { GenerationEvent } from '../../canon/event.ts';
import type { Machine } from '../../canon/machine.ts';
import type { GenerationRequest } from '../../canon/request.ts';
import type { Target } from '../../canon/target.ts';
import type { Frame } from '../../streams/sse.ts';
import { fitMarks } from '../cache-marks.ts';
import { type EncodedRequest, EXPECT_NOTHING, type Expectation } from '../dialect.ts';
import { extraFields } from '../extras.ts';
import { decodeStream as decodeChatStream, decodeWhole as decodeChatWhole } from '../openai-chat/upstream-answer.ts';
import { asArray, asObject, asText, type JsonObject, parseJson } from '../read.ts';
import { sampled, stops } from '../sampling.ts';
import { unsaid } from '../unsaid.ts';
import { DIALECT_ID } from './id.ts';

const NAMES = {
  temperature: 'temperature',
  top_p: 'top_p',
  top_k: 'top_k',
  min_p: 'min_p',
  frequency_penalty: 'frequency_penalty',
  presence_penalty: 'presence_penalty',
  repetition_penalty: 'repetition_penalty',
  seed: 'seed',
  max_tokens: 'max_tokens',
  logit_bias: 'logit_bias',
} as const;
const STOPS_MAX = 4;
const SUFFIX: ReadonlySet<string> = new Set(['suffix']);

/** What was said so far, one text after the other: a model of this kind knows no turns. */
function promptOf({ messages }: GenerationRequest, dropped: Dropped[]): string {
  const texts: string[] = [];
  for (const [index, message] of messages.entries())
    for (const [place, part] of message.parts.entries()) {
      if (part.kind === 'text' || part.kind === 'refusal') texts.push(part.text);
      else dropped.push({ pointer: `/messages/${index}/content/${place}`, reason: 'unsupported' });
    }
  return texts.join('\n\n');
}

export function encodeRequest(asked: GenerationRequest, target: Target): EncodedRequest {
  const dropped: Dropped[] = [];
  const request = fitMarks(asked, target, dropped);
  // Pictures and tools are named as a whole.
  unsaid(asked, { detail: true, strict: true }, dropped);
  const prompt = promptOf(request, dropped);
  const sampling = sampled({ ...request, sampling: { ...request.sampling, logprobs: false } }, target, NAMES, dropped);
  const stop = stops(request, STOPS_MAX, dropped);
  const lost = (pointer: string, wish: unknown): void => {
    if (wish) dropped.push({ pointer, reason: 'unsupported' });
  };
  lost('/tools', request.tools.length > 0);
  lost('/response_format', request.output && request.output.kind !== 'text');
  lost('/reasoning', request.reasoning);
  lost('/logprobs', request.sampling.logprobs);
  const body = {
    model: target.upstreamModel,
    prompt,
    ...(request.suffix !== undefined && { suffix: request.suffix }),
    ...sampling,
    ...(stop && { stop }),
    ...extraFields(request, DIALECT_ID, target, dropped, SUFFIX),
    ...(request.stream && { stream: true }),
    ...(request.stream && target.quirks.has('usage-opt-in') && { stream_options: { include_usage: true } }),
  };
  return { path: '/completions', body: JSON.stringify(body), dropped, expectation: EXPECT_NOTHING };
}

/** An answer of texts, or a chunk of one, as the reader of chat answers knows it. */
function chatWire(wire: JsonObject): JsonObject {
  const choices = asArray(wire.choices)?.map((value) => {
    const { text, reasoning, logprobs: _logprobs, ...choice } = asObject(value) ?? {};
    return { ...choice, delta: { content: asText(text) ?? '', ...(asText(reasoning) && { reasoning }) } };
  });
  return { ...wire, ...(choices && { choices }) };
}

export function decodeStream(target: Target, expectation: Expectation): Machine<Frame, GenerationEvent> {
  const chat = decodeChatStream(target, expectation);
  return {
    step: (frame) => {
      const wire = asObject(parseJson(frame.data));
      return chat.step(wire ? { ...frame, data: JSON.stringify(chatWire(wire)) } : frame);
    },
    end: () => chat.end(),
  };
}

export function decodeWhole(body: unknown, target: Target, expectation: Expectation): readonly GenerationEvent[] {
  const wire = asObject(body);
  const choices = asArray(wire && chatWire(wire).choices)?.map((value) => {
    const { delta, ...choice } = asObject(value) ?? {};
    return { ...choice, message: delta };
  });
  return decodeChatWhole(wire && choices ? { ...wire, choices } : body, target, expectation);
}
