import { describe, expect, test } from 'bun:test';
import { collect } from '../../canon/collect.ts';
import { runMachine } from '../../canon/grammar.ts';
import { ALL_PARAMETERS } from '../../canon/parameters.ts';
import type { Target } from '../../canon/target.ts';
import { tokens } from '../../canon/units.ts';
import { EXPECT_NOTHING } from '../dialect.ts';
import { DIALECTS } from '../registry.ts';
import { bedrockConverse as dialect } from './dialect.ts';

/** What hosts of this dialect are sent, by family of the model, and how they count. */

type Json = Record<string, any>;

const targetOf = (upstreamModel: string): Target => ({
  upstreamModel,
  quirks: new Set(),
  parameters: ALL_PARAMETERS,
  extraFields: new Set(),
});
const claude = targetOf('anthropic.claude-sonnet-4-5-v1:0');
const mistral = targetOf('mistral.mistral-large-2407-v1:0');
const llama = targetOf('meta.llama3-3-70b-instruct-v1:0');

const chat = (wire: Json, target = claude): Json => {
  const decoded = DIALECTS['openai-chat']?.decodeRequest({
    model: 'm',
    messages: [{ role: 'user', content: 'Hi' }],
    ...wire,
  });
  if (!decoded?.ok) throw new Error('not decoded');
  const { body, dropped, unable } = dialect.encodeRequest(decoded.value, target);
  return { ...JSON.parse(body), unable, dropped: dropped.map(({ pointer }) => pointer) };
};
/** Whether a host would take it: ours, which demands what Amazon's does. */
const passes = ({ unable: _, dropped: __, ...body }: Json): boolean =>
  dialect.decodeRequest({ model: 'm', ...body }).ok;

const call = (id: string, name = 'look'): Json => ({
  id,
  type: 'function',
  function: { name, arguments: '{"at":"it"}' },
});
const past = (...ids: readonly string[]): readonly Json[] => [
  { role: 'user', content: 'Hi' },
  { role: 'assistant', content: 'Let me see', tool_calls: ids.map((id) => call(id)) },
  ...ids.map((id) => ({ role: 'tool', tool_call_id: id, content: `seen by ${id}` })),
];
const tools = [{ type: 'function', function: { name: 'look', parameters: { type: 'object', properties: {} } } }];

describe('what is sent', () => {
  test('UP-064 calls of the past stand beside their tools, although none may be called', () => {
    const sent = chat({ messages: past('a'), tools, tool_choice: 'none' });
    expect(sent.toolConfig.tools[0].toolSpec.name).toBe('look');
    expect(sent.toolConfig.toolChoice).toBeUndefined();
    expect(sent.dropped).toEqual(['/tool_choice']);
    expect(passes(sent)).toBe(true);
    // Without a past a ban is no tools.
    expect(chat({ tools, tool_choice: 'none' }).toolConfig).toBeUndefined();
  });

  test('UP-064 where no tools are offered any more, calls of the past are told in words', () => {
    for (const target of [claude, { ...llama, parameters: new Set([]) }]) {
      const sent = chat({ messages: past('a', 'b'), ...(target === claude ? {} : { tools }) }, target as Target);
      expect(sent.toolConfig).toBeUndefined();
      expect(JSON.stringify(sent.messages)).not.toMatch(/toolUse|toolResult/);
      expect(sent.messages.map(({ role }: Json) => role)).toEqual(['user', 'assistant', 'user']);
      expect(sent.messages[1].content.map(({ text }: Json) => text).join('\n')).toContain(
        'called look with {"at":"it"}',
      );
      expect(sent.messages[2].content.map(({ text }: Json) => text)).toEqual([
        '[result of look]',
        'seen by a',
        '[result of look]',
        'seen by b',
      ]);
      expect(sent.dropped).toContain('/messages/1/tool_calls');
      expect(passes(sent)).toBe(true);
    }
    // A host that is told of them all the same refuses.
    const { messages } = chat({ messages: past('a'), tools });
    expect(passes({ messages })).toBe(false);
  });

  const idsIn = (messages: Json): readonly string[] =>
    messages.flatMap(({ content }: Json) =>
      content.flatMap(({ toolUse, toolResult }: Json) => toolUse?.toolUseId ?? toolResult?.toolUseId ?? []),
    );

  test('UP-066 ids are of nine characters for Mistral and of 64 for others, the same for call and result', () => {
    const ids = ['call_abc:def/1', 'call_abc:def/2', 'x'.repeat(90), 'abcdefghi', 'toolu_01'];
    for (const [target, form] of [
      [mistral, /^[a-zA-Z0-9]{9}$/],
      [claude, /^[a-zA-Z0-9_-]{1,64}$/],
      [llama, /^[a-zA-Z0-9_-]{1,64}$/],
    ] as const) {
      const sent = idsIn(chat({ messages: past(...ids), tools }, target).messages);
      expect(sent).toHaveLength(10);
      for (const id of sent) expect(id).toMatch(form);
      expect(sent.slice(5)).toEqual(sent.slice(0, 5));
      expect(new Set(sent).size).toBe(5);
      // What fits is left alone.
      expect(sent[3]).toBe('abcdefghi');
      if (target !== mistral) expect(sent[4]).toBe('toolu_01');
    }
  });

  test('UP-066 a thousand ids stay apart', () => {
    const ids = Array.from({ length: 1000 }, (_, index) => `call_${index.toString(36)}:${index}`);
    for (const target of [mistral, claude])
      expect(new Set(idsIn(chat({ messages: past(...ids), tools }, target).messages)).size).toBe(1000);
  });

  test('UP-074 the schema of an answer is a text', () => {
    const schema = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
    const json_schema = { name: 'out', schema, description: 'A city' };
    const { outputConfig } = chat({ response_format: { type: 'json_schema', json_schema } });
    const told = outputConfig.textFormat.structure.jsonSchema;
    expect(typeof told.schema).toBe('string');
    expect(JSON.parse(told.schema)).toEqual(schema);
    expect(outputConfig.textFormat).toEqual({
      type: 'json_schema',
      structure: { jsonSchema: { schema: JSON.stringify(schema), name: 'out', description: 'A city' } },
    });
  });

  test('a Claude that thinks decides for itself whether it calls', () => {
    const sent = chat({ tools, tool_choice: 'required', reasoning: { max_tokens: 2000 }, max_tokens: 4000 });
    expect(sent.toolConfig.toolChoice).toEqual({ auto: {} });
    expect(sent.dropped).toContain('/tool_choice');
  });
});

describe('what is counted', () => {
  const counted = (usage: Json): readonly [number, number, Json] => {
    const answers = [
      dialect.decodeWhole(
        { output: { message: { content: [{ text: 'A' }] } }, stopReason: 'end_turn', usage },
        claude,
        EXPECT_NOTHING,
      ),
      runMachine(dialect.decodeStream(claude, EXPECT_NOTHING), [
        { event: 'contentBlockDelta', data: '{"contentBlockIndex":0,"delta":{"text":"A"}}' },
        { event: 'messageStop', data: '{"stopReason":"end_turn"}' },
        { event: 'metadata', data: JSON.stringify({ usage }) },
      ]),
    ].map((events) => collect(events).usage);
    expect(answers[0]).toEqual(answers[1]);
    const { counts = {}, estimated, raw } = answers[0] ?? {};
    expect([estimated, raw]).toEqual([false, usage]);
    return [tokens(counts, 'input'), tokens(counts, 'output'), { ...counts }];
  };

  test('UP-107 counts add up to the total, with and without what was cached', () => {
    expect(counted({ inputTokens: 10, outputTokens: 5, totalTokens: 15 })).toEqual([10, 5, { input: 10, output: 5 }]);
    // Beside the input.
    const beside = { inputTokens: 10, outputTokens: 5, cacheReadInputTokens: 100, cacheWriteInputTokens: 50 };
    expect(counted({ ...beside, totalTokens: 165 })).toEqual([
      160,
      5,
      { input: 10, 'cache-read': 100, 'cache-write': 50, output: 5 },
    ]);
    // In the input: the total is too small for the sum.
    expect(counted({ ...beside, inputTokens: 160, totalTokens: 165 })).toEqual([
      160,
      5,
      { input: 10, 'cache-read': 100, 'cache-write': 50, output: 5 },
    ]);
    // Without a total they are taken as told.
    expect(counted(beside)[0]).toBe(160);
    const cacheDetails = [
      { ttl: '5m', inputTokens: 20 },
      { ttl: '1h', inputTokens: 30 },
    ];
    expect(counted({ ...beside, totalTokens: 165, cacheDetails })).toEqual([
      160,
      5,
      { input: 10, 'cache-read': 100, 'cache-write': 20, 'cache-write-1h': 30, output: 5 },
    ]);
  });
});
