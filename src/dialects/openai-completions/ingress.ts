import type { Generation } from '../../canon/collect.ts';
import type { GatewayError } from '../../canon/errors.ts';
import type { GenerationEvent } from '../../canon/event.ts';
import type { Machine } from '../../canon/machine.ts';
import type { GenerationRequest } from '../../canon/request.ts';
import { fail, ok, type Result } from '../../canon/result.ts';
import type { Frame } from '../../streams/sse.ts';
import type { AnswerContext } from '../dialect.ts';
import { invalidIssues } from '../ingress.ts';
import { decodeRequest as decodeChat } from '../openai-chat/ingress-request.ts';
import { encodeStream as encodeChatStream } from '../openai-chat/ingress-stream.ts';
import { encodeWhole as encodeChatWhole } from '../openai-chat/ingress-whole.ts';
import { asArray, asObject, asText, type JsonObject, parseJson } from '../read.ts';
import { completionsRequest } from './wire.ts';

/** A text to complete is a conversation of one turn; of several texts the first is taken. */
export function decodeRequest(body: unknown): Result<GenerationRequest, GatewayError> {
  const parsed = completionsRequest.safeParse(body);
  if (!parsed.success) return fail(invalidIssues(parsed.error));
  const { prompt, suffix, logprobs, echo, best_of: best, messages, tools, ...rest } = parsed.data;
  const content = typeof prompt === 'string' ? prompt : (prompt[0] ?? '');
  const likely = logprobs == null ? {} : { logprobs: true, ...(logprobs > 0 && { top_logprobs: logprobs }) };
  const request = decodeChat({ ...rest, ...likely, messages: [{ role: 'user', content }] });
  if (!request.ok) return request;
  const unread = [
    ...(echo === true ? ['/echo'] : []),
    ...(typeof best === 'number' && best > 1 ? ['/best_of'] : []),
    ...(messages != null ? ['/messages'] : []),
    ...(tools != null ? ['/tools'] : []),
    ...(request.value.unread ?? []),
  ];
  return ok({ ...request.value, ...(suffix != null && { suffix }), ...(unread.length > 0 && { unread }) });
}

/** Four lists side by side in place of one list of tokens. */
function logprobsWire(wire: unknown): JsonObject | null {
  const tokens = asArray(asObject(wire)?.content)?.map((one) => asObject(one) ?? {});
  if (!tokens || tokens.length === 0) return null;
  const likely = (token: JsonObject): Record<string, unknown> =>
    Object.fromEntries(
      (asArray(token.top_logprobs) ?? []).map((one) => [String(asObject(one)?.token), asObject(one)?.logprob]),
    );
  return {
    tokens: tokens.map(({ token }) => token),
    token_logprobs: tokens.map(({ logprob }) => logprob),
    top_logprobs: tokens.map(likely),
  };
}

/** A chat answer, or a chunk of one, as this wire has it: every choice has its text. */
function textWire(wire: JsonObject): JsonObject {
  const choices = asArray(wire.choices)?.map((value) => {
    const { message, delta, logprobs, ...choice } = asObject(value) ?? {};
    const said = asObject(message) ?? asObject(delta) ?? {};
    return {
      ...choice,
      // This wire has one member for whatever is read: refusals and the words of sound are text.
      text: [said.content, said.refusal, asObject(said.audio)?.transcript].map((one) => asText(one) ?? '').join(''),
      reasoning: asText(said.reasoning) ?? null,
      logprobs: logprobsWire(logprobs),
    };
  });
  return { ...wire, object: 'text_completion', ...(choices && { choices }) };
}

export function encodeStream(context: AnswerContext): Machine<GenerationEvent, Frame> {
  const chat = encodeChatStream(context);
  const texts = (frames: readonly Frame[]): readonly Frame[] =>
    frames.map((frame) => {
      const wire = asObject(parseJson(frame.data));
      return wire ? { ...frame, data: JSON.stringify(textWire(wire)) } : frame;
    });
  return { step: (event) => texts(chat.step(event)), end: () => texts(chat.end()) };
}

export function encodeWhole(generation: Generation, context: AnswerContext): unknown {
  const wire = encodeChatWhole(generation, context);
  const object = asObject(wire);
  return object ? textWire(object) : wire;
}
