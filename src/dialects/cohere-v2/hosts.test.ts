import { describe, expect, test } from 'bun:test';
import { collect } from '../../canon/collect.ts';
import { grammarBreach, runMachine } from '../../canon/grammar.ts';
import { ALL_PARAMETERS } from '../../canon/parameters.ts';
import type { Target } from '../../canon/target.ts';
import { EXPECT_NOTHING } from '../dialect.ts';
import { DIALECTS } from '../registry.ts';
import { cohereV2 as dialect } from './dialect.ts';

/** What hosts of this dialect are sent, and how their answers are read. */

type Json = Record<string, any>;

const target: Target = { upstreamModel: 'm', quirks: new Set(), parameters: ALL_PARAMETERS, extraFields: new Set() };

const chat = (wire: Json): Json => {
  const decoded = DIALECTS['openai-chat']?.decodeRequest({
    model: 'm',
    messages: [{ role: 'user', content: 'Hi' }],
    ...wire,
  });
  if (!decoded?.ok) throw new Error('not decoded');
  const { body, dropped, unable } = dialect.encodeRequest(decoded.value, target);
  return { ...JSON.parse(body), unable, dropped: dropped.map(({ pointer }) => pointer) };
};
const whole = (wire: Json): ReturnType<typeof collect> => collect(dialect.decodeWhole(wire, target, EXPECT_NOTHING));
const eventsOf = (frames: readonly Json[]): Parameters<typeof collect>[0] =>
  runMachine(
    dialect.decodeStream(target, EXPECT_NOTHING),
    frames.map((frame) => ({ event: frame.type as string, data: JSON.stringify(frame) })),
  );
const message = (type: string, index: number, own: Json): Json => ({ type, index, delta: { message: own } });

const PLAN = 'I look in two places.';
const wireCall = (id: string, text: string): Json => ({
  id,
  type: 'function',
  function: { name: 'look', arguments: text },
});

describe('a plan', () => {
  test('UP-078 what was said before a call is a plan, and a plan is a thought', () => {
    const { blocks } = whole({
      id: 'c',
      message: { tool_plan: PLAN, tool_calls: [wireCall('a', '{"at":"it"}')] },
      finish_reason: 'TOOL_CALL',
    });
    expect(blocks.map(({ block, text }) => [block.kind, text])).toEqual([
      ['reasoning', PLAN],
      ['tool-call', '{"at":"it"}'],
    ]);
    // And back: as the thought that it became, or as text beside a call.
    for (const said of [{ content: null, reasoning: PLAN }, { content: PLAN }]) {
      const { messages } = chat({
        messages: [
          { role: 'user', content: 'Hi' },
          { role: 'assistant', ...said, tool_calls: [wireCall('a', '')] },
          { role: 'tool', tool_call_id: 'a', content: 'x' },
        ],
      });
      expect(messages[1]).toEqual({ role: 'assistant', tool_plan: PLAN, tool_calls: [wireCall('a', '{}')] });
    }
  });

  test('UP-078 arguments that are the text null are none', () => {
    const { blocks } = whole({ message: { tool_calls: [wireCall('a', 'null')] }, finish_reason: 'TOOL_CALL' });
    expect(blocks[0]?.text).toBe('{}');
    const streamed = collect(
      eventsOf([
        { type: 'message-start', id: 'c' },
        message('tool-call-start', 0, { tool_calls: wireCall('a', '') }),
        message('tool-call-delta', 0, { tool_calls: { function: { arguments: 'null' } } }),
        { type: 'tool-call-end', index: 0 },
        { type: 'message-end', delta: { finish_reason: 'TOOL_CALL' } },
      ]),
    );
    expect(streamed.blocks[0]?.text).toBe('{}');
  });
});

const usage = {
  billed_units: { input_tokens: 8, output_tokens: 4, search_units: 2 },
  tokens: { input_tokens: 100, output_tokens: 5 },
  cached_tokens: 40,
};

test('UP-091 a plan, two calls, text with citations between its pieces, and nothing after the end', () => {
  const events = eventsOf([
    { type: 'message-start', id: 'c-1', delta: { message: { role: 'assistant' } } },
    { type: 'tool-plan-delta', delta: { message: { tool_plan: 'I look ' } } },
    { type: 'tool-plan-delta', delta: { message: { tool_plan: 'in two places.' } } },
    message('tool-call-start', 0, { tool_calls: wireCall('a', '') }),
    message('tool-call-delta', 0, { tool_calls: { function: { arguments: '{"at":' } } }),
    message('tool-call-delta', 0, { tool_calls: { function: { arguments: '"here"}' } } }),
    { type: 'tool-call-end', index: 0 },
    message('tool-call-start', 1, { tool_calls: wireCall('b', '') }),
    message('tool-call-delta', 1, { tool_calls: { function: { arguments: '{"at":"there"}' } } }),
    { type: 'tool-call-end', index: 1 },
    message('content-start', 0, { content: { type: 'text', text: '' } }),
    message('content-delta', 0, { content: { text: 'The Rhine ' } }),
    message('citation-start', 0, {
      citations: {
        start: 4,
        end: 9,
        text: 'Rhine',
        sources: [{ id: 'doc', document: { url: 'https://r.example', title: 'R' } }],
      },
    }),
    { type: 'citation-end', index: 0 },
    message('content-delta', 0, { content: { text: 'is long.' } }),
    { type: 'content-end', index: 0 },
    { type: 'debug', prompt: 'x' },
    { type: 'message-end', delta: { finish_reason: 'TOOL_CALL', usage } },
    message('content-delta', 0, { content: { text: 'too late' } }),
  ]);
  expect(grammarBreach(events)).toBeUndefined();
  const answer = collect(events);
  expect(
    answer.blocks.map(({ block, text }) => [block.kind === 'tool-call' ? block.callId : block.kind, text]),
  ).toEqual([
    ['reasoning', PLAN],
    ['a', '{"at":"here"}'],
    ['b', '{"at":"there"}'],
    ['text', 'The Rhine '],
    ['citation', ''],
    ['text', 'is long.'],
  ]);
  expect(answer.blocks[4]?.block).toEqual({
    kind: 'citation',
    annotation: { kind: 'url', url: 'https://r.example', title: 'R', content: 'Rhine', start: 4, end: 9 },
  });
  expect(answer).toMatchObject({ upstreamId: 'c-1', finish: 'tool-calls', nativeFinish: 'TOOL_CALL' });
  // Complete by its own last event and by nothing else.
  const cut = collect(eventsOf([{ type: 'message-start' }, message('content-delta', 0, { content: { text: 'A' } })]));
  expect(cut.error?.code).toBe('upstream_interrupted');
});

test('UP-110 tokens are what was processed; what the host bills is kept beside them', () => {
  const answers = [
    whole({ message: { content: [{ type: 'text', text: 'A' }] }, finish_reason: 'COMPLETE', usage }),
    collect(
      eventsOf([
        message('content-start', 0, { content: { type: 'text', text: 'A' } }),
        { type: 'message-end', delta: { finish_reason: 'COMPLETE', usage } },
      ]),
    ),
  ];
  for (const answer of answers) {
    expect(answer.usage?.counts).toEqual({ input: 60, 'cache-read': 40, output: 5, 'web-search': 2 });
    expect(answer.usage?.raw).toEqual(usage);
  }
  // A host that tells only what it bills is still counted.
  const { billed_units } = usage;
  const billed = whole({
    message: { content: [{ type: 'text', text: 'A' }] },
    finish_reason: 'COMPLETE',
    usage: { billed_units },
  });
  expect(billed.usage?.counts).toEqual({ input: 8, output: 4, 'web-search': 2 });
});
