import type { GenerationEvent } from '../canon/event.ts';
import type { Machine } from '../canon/machine.ts';
import type { GenerationRequest, Message } from '../canon/request.ts';
import type { Frame } from '../streams/sse.ts';
import type { Dialect } from './dialect.ts';
import { type NameForm, rewritten } from './rewritten-names.ts';

type UpstreamHalf = Pick<Dialect, 'encodeRequest' | 'decodeStream' | 'decodeWhole'>;

function* functionNames({ tools, toolChoice, messages }: GenerationRequest): Generator<string> {
  for (const { name } of tools) yield name;
  if (toolChoice?.kind === 'named') yield toolChoice.name;
  for (const message of messages)
    if (message.role === 'assistant') for (const { name } of message.toolCalls) yield name;
}

function renamed(request: GenerationRequest, of: (name: string) => string): GenerationRequest {
  const { tools, toolChoice, messages } = request;
  return {
    ...request,
    tools: tools.map((tool) => ({ ...tool, name: of(tool.name) })),
    ...(toolChoice?.kind === 'named' && { toolChoice: { kind: 'named', name: of(toolChoice.name) } }),
    messages: messages.map(
      (message): Message =>
        message.role === 'assistant'
          ? { ...message, toolCalls: message.toolCalls.map((call) => ({ ...call, name: of(call.name) })) }
          : message,
    ),
  };
}

const named = (event: GenerationEvent, names: ReadonlyMap<string, string>): GenerationEvent =>
  event.type === 'block-start' && event.block.kind === 'tool-call'
    ? { ...event, block: { ...event.block, name: names.get(event.block.name) ?? event.block.name } }
    : event;

const namedStream = (
  inner: Machine<Frame, GenerationEvent>,
  names: ReadonlyMap<string, string>,
): Machine<Frame, GenerationEvent> => ({
  step: (frame) => inner.step(frame).map((event) => named(event, names)),
  end: () => inner.end().map((event) => named(event, names)),
});

/**
 * A wire whose hosts refuse some names of functions: those are rewritten on the way out, and answers carry the caller's own names again
 * (UP-070). Where all names fit, nothing is in the way.
 */
export function withFunctionNames(half: UpstreamHalf, form: NameForm): UpstreamHalf {
  return {
    encodeRequest(request, target) {
      const map = rewritten(functionNames(request), form);
      if (map.size === 0) return half.encodeRequest(request, target);
      const encoded = half.encodeRequest(
        renamed(request, (name) => map.get(name) ?? name),
        target,
      );
      const theirs = new Map([...map].map(([own, other]) => [other, own]));
      return { ...encoded, expectation: { ...encoded.expectation, functionNames: theirs } };
    },
    decodeStream(target, expectation) {
      const inner = half.decodeStream(target, expectation);
      return expectation.functionNames ? namedStream(inner, expectation.functionNames) : inner;
    },
    decodeWhole(wire, target, expectation) {
      const events = half.decodeWhole(wire, target, expectation);
      const names = expectation.functionNames;
      return names ? events.map((event) => named(event, names)) : events;
    },
  };
}
