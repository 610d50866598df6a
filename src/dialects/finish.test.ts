import { describe, expect, test } from 'bun:test';
import { collect } from '../canon/collect.ts';
import type { FinishReason } from '../canon/event.ts';
import { runMachine } from '../canon/grammar.ts';
import { ALL_PARAMETERS } from '../canon/parameters.ts';
import type { Target } from '../canon/target.ts';
import type { Frame } from '../streams/sse.ts';
import { EXPECT_NOTHING } from './dialect.ts';
import { DIALECTS } from './registry.ts';

/** What every dialect's words for the end of an answer mean (spec/providers B.1 to B.8), streamed and whole, word by word. */

type Json = Record<string, any>;

interface Wire {
  readonly words: Readonly<Record<FinishReason, string>>;
  whole(word: string, call: boolean): Json;
  stream(word: string, call: boolean): readonly Frame[];
  /** Words that mean what was said: with a call they are `tool-calls`. */
  readonly calls: boolean;
}

const data = (...frames: readonly Json[]): readonly Frame[] => frames.map((frame) => ({ data: JSON.stringify(frame) }));
const events = (...frames: readonly Json[]): readonly Frame[] =>
  frames.map((frame) => ({ event: frame.type as string, data: JSON.stringify(frame) }));

const chatCall = { index: 0, id: 'call00001', type: 'function', function: { name: 'f', arguments: '{}' } };
const candidate = (word: string, call: boolean): Json => ({
  candidates: [
    {
      content: { parts: [{ text: 'A' }, ...(call ? [{ functionCall: { name: 'f', args: {} } }] : [])] },
      finishReason: word,
    },
  ],
});

const response = (word: string, call: boolean): Json => ({
  id: 'r',
  status: word === 'completed' ? 'completed' : 'incomplete',
  ...(word !== 'completed' && { incomplete_details: { reason: word } }),
  output: [
    { type: 'message', id: 'm', content: [{ type: 'output_text', text: 'A' }] },
    ...(call ? [{ type: 'function_call', id: 'f1', call_id: 'c', name: 'f', arguments: '{}' }] : []),
  ],
});

const WIRES: Readonly<Record<string, Wire>> = {
  'openai-chat': {
    words: {
      stop: 'stop eos eos_token end_turn stop_sequence end',
      length: 'length max_tokens model_length model_context_window_exceeded',
      'tool-calls': 'tool_calls function_call tool_use',
      'content-filter': 'content_filter sensitive safety recitation',
      error: 'error abort network_error insufficient_system_resource cancelled',
    },
    calls: true,
    whole: (finish_reason, call) => ({
      choices: [{ message: { content: 'A', ...(call && { tool_calls: [chatCall] }) }, finish_reason }],
    }),
    stream: (finish_reason, call) =>
      data(
        { choices: [{ delta: { content: 'A' } }] },
        { choices: [{ delta: call ? { tool_calls: [chatCall] } : {}, finish_reason }] },
      ),
  },
  'openai-completions': {
    words: { stop: 'stop eos', length: 'length', 'tool-calls': '', 'content-filter': 'content_filter', error: 'error' },
    calls: false,
    whole: (finish_reason) => ({ choices: [{ text: 'A', finish_reason }] }),
    stream: (finish_reason) => data({ choices: [{ text: 'A' }] }, { choices: [{ text: '', finish_reason }] }),
  },
  'openai-responses': {
    words: {
      stop: 'completed',
      length: 'max_output_tokens',
      'tool-calls': '',
      'content-filter': 'content_filter',
      error: '',
    },
    calls: true,
    whole: response,
    stream: (word, call) => {
      const whole = response(word, call);
      return events(
        { type: 'response.created', response: { id: 'r' } },
        ...whole.output.flatMap((item: Json, output_index: number) => [
          { type: 'response.output_item.added', output_index, item },
          ...(item.type === 'message' ? [{ type: 'response.output_text.delta', output_index, delta: 'A' }] : []),
          { type: 'response.output_item.done', output_index, item },
        ]),
        { type: word === 'completed' ? 'response.completed' : 'response.incomplete', response: whole },
      );
    },
  },
  'anthropic-messages': {
    words: {
      stop: 'end_turn stop_sequence pause_turn compaction',
      length: 'max_tokens model_context_window_exceeded',
      'tool-calls': 'tool_use',
      'content-filter': 'refusal',
      error: '',
    },
    calls: true,
    whole: (stop_reason, call) => ({
      type: 'message',
      content: [{ type: 'text', text: 'A' }, ...(call ? [{ type: 'tool_use', id: 't', name: 'f', input: {} }] : [])],
      stop_reason,
      usage: { input_tokens: 1, output_tokens: 1 },
    }),
    stream: (stop_reason, call) =>
      events(
        { type: 'message_start', message: { id: 'm', usage: { input_tokens: 1 } } },
        { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
        { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'A' } },
        { type: 'content_block_stop', index: 0 },
        ...(call
          ? [
              { type: 'content_block_start', index: 1, content_block: { type: 'tool_use', id: 't', name: 'f' } },
              { type: 'content_block_stop', index: 1 },
            ]
          : []),
        { type: 'message_delta', delta: { stop_reason }, usage: { output_tokens: 1 } },
        { type: 'message_stop' },
      ),
  },
  'gemini-generate': {
    words: {
      stop: 'STOP FINISH_REASON_UNSPECIFIED',
      length: 'MAX_TOKENS CONTINUATION',
      'tool-calls': '',
      'content-filter':
        'SAFETY RECITATION LANGUAGE BLOCKLIST PROHIBITED_CONTENT SPII IMAGE_SAFETY IMAGE_PROHIBITED_CONTENT IMAGE_RECITATION',
      error:
        'MALFORMED_FUNCTION_CALL UNEXPECTED_TOOL_CALL TOO_MANY_TOOL_CALLS NO_IMAGE IMAGE_OTHER OTHER MISSING_THOUGHT_SIGNATURE',
    },
    calls: true,
    whole: candidate,
    stream: (word, call) => data(candidate(word, call)),
  },
  'bedrock-converse': {
    words: {
      stop: 'end_turn stop_sequence',
      length: 'max_tokens model_context_window_exceeded',
      'tool-calls': 'tool_use',
      'content-filter': 'guardrail_intervened content_filtered',
      error: 'malformed_model_output malformed_tool_use',
    },
    calls: true,
    whole: (stopReason, call) => ({
      output: {
        message: { content: [{ text: 'A' }, ...(call ? [{ toolUse: { toolUseId: 't', name: 'f', input: {} } }] : [])] },
      },
      stopReason,
    }),
    stream: (stopReason, call) => [
      { event: 'messageStart', data: '{"role":"assistant"}' },
      { event: 'contentBlockDelta', data: '{"contentBlockIndex":0,"delta":{"text":"A"}}' },
      { event: 'contentBlockStop', data: '{"contentBlockIndex":0}' },
      ...(call
        ? [
            {
              event: 'contentBlockStart',
              data: '{"contentBlockIndex":1,"start":{"toolUse":{"toolUseId":"t","name":"f"}}}',
            },
            { event: 'contentBlockStop', data: '{"contentBlockIndex":1}' },
          ]
        : []),
      { event: 'messageStop', data: JSON.stringify({ stopReason }) },
      { event: 'metadata', data: '{"usage":{"inputTokens":1,"outputTokens":1}}' },
    ],
  },
  'cohere-v2': {
    words: {
      stop: 'COMPLETE STOP_SEQUENCE',
      length: 'MAX_TOKENS ERROR_LIMIT',
      'tool-calls': 'TOOL_CALL',
      'content-filter': 'ERROR_TOXIC',
      error: 'ERROR TIMEOUT',
    },
    calls: true,
    whole: (finish_reason, call) => ({
      id: 'c',
      message: { content: [{ type: 'text', text: 'A' }], ...(call && { tool_calls: [chatCall] }) },
      finish_reason,
    }),
    stream: (finish_reason, call) =>
      events(
        { type: 'message-start', id: 'c' },
        { type: 'content-start', index: 0, delta: { message: { content: { type: 'text', text: 'A' } } } },
        { type: 'content-end', index: 0 },
        ...(call
          ? [
              { type: 'tool-call-start', index: 0, delta: { message: { tool_calls: chatCall } } },
              { type: 'tool-call-end', index: 0 },
            ]
          : []),
        { type: 'message-end', delta: { finish_reason } },
      ),
  },
  'ollama-chat': {
    words: { stop: 'stop', length: 'length', 'tool-calls': '', 'content-filter': '', error: 'load unload' },
    calls: true,
    whole: (done_reason, call) => ({
      message: { content: 'A', ...(call && { tool_calls: [{ function: { name: 'f', arguments: {} } }] }) },
      done: true,
      done_reason,
    }),
    stream: (done_reason, call) =>
      data(
        { message: { content: 'A' }, done: false },
        ...(call
          ? [{ message: { content: '', tool_calls: [{ function: { name: 'f', arguments: {} } }] }, done: false }]
          : []),
        { message: { content: '' }, done: true, done_reason },
      ),
  },
};

const target: Target = { upstreamModel: 'm', quirks: new Set(), parameters: ALL_PARAMETERS, extraFields: new Set() };

/** How an answer that ends with a word is understood, streamed and whole: the finish and the host's own word. */
function understood(id: string, wire: Wire, word: string, call: boolean): readonly (readonly [unknown, unknown])[] {
  const dialect = DIALECTS[id];
  if (!dialect) throw new Error(`no dialect ${id}`);
  return [
    runMachine(dialect.decodeStream(target, EXPECT_NOTHING), wire.stream(word, call)),
    dialect.decodeWhole(wire.whole(word, call), target, EXPECT_NOTHING),
  ].map((all) => {
    const { finish, nativeFinish, error } = collect(all);
    return error ? ['error', word] : [finish, nativeFinish];
  });
}

const twice = (finish: string, word: string) => [
  [finish, word],
  [finish, word],
];

test('UP-103 a whole answer that names no word has stopped, or called', () => {
  const read = (finish_reason: unknown, more: Json = {}) => {
    const wire = { choices: [{ message: { content: 'A', ...more }, finish_reason }] };
    const { finish, error } = collect(DIALECTS['openai-chat']?.decodeWhole(wire, target, EXPECT_NOTHING) ?? []);
    return error?.code ?? finish;
  };
  expect([read(null), read('')]).toEqual(['stop', 'stop']);
  expect([read(null, { tool_calls: [chatCall] }), read('tool_calls')]).toEqual(['tool-calls', 'stop']);
});

test('UP-103 no dialect is forgotten', () => {
  expect(new Set(Object.keys(WIRES))).toEqual(new Set(Object.keys(DIALECTS)));
});

for (const [id, wire] of Object.entries(WIRES))
  describe(id, () => {
    for (const [meaning, list] of Object.entries(wire.words))
      for (const word of list.split(' ').filter((one) => one !== ''))
        test(`UP-103 ${word} means ${meaning}, and is kept`, () => {
          const called = meaning === 'tool-calls';
          expect(understood(id, wire, word, called)).toEqual(twice(meaning, word) as never);
          expect(DIALECTS[id]?.finishWords?.has(word.toLowerCase())).toBe(true);
          // Hosts that say `stop` although they called are not believed.
          if (meaning === 'stop' && wire.calls)
            expect(understood(id, wire, word, true)).toEqual(twice('tool-calls', word) as never);
        });

    test('UP-103 a word that nobody knows means stop, and is kept', () => {
      const word = 'tired_of_it';
      expect(understood(id, wire, word, false)).toEqual(twice('stop', word) as never);
      expect(DIALECTS[id]?.finishWords?.has(word)).toBe(false);
    });
  });
