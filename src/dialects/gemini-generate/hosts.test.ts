import { describe, expect, test } from 'bun:test';
import { collect } from '../../canon/collect.ts';
import { runMachine } from '../../canon/grammar.ts';
import { ALL_PARAMETERS } from '../../canon/parameters.ts';
import type { GenerationRequest } from '../../canon/request.ts';
import type { Target } from '../../canon/target.ts';
import { EXPECT_NOTHING } from '../dialect.ts';
import { DIALECTS } from '../registry.ts';
import { geminiGenerate as dialect } from './dialect.ts';

/** What hosts of this dialect are sent, by generation of the model, and how their answers are read. */

type Json = Record<string, any>;

const targetOf = (upstreamModel: string): Target => ({
  upstreamModel,
  quirks: new Set(),
  parameters: ALL_PARAMETERS,
  extraFields: new Set(),
});
const second = targetOf('gemini-2.5-pro');
const third = targetOf('gemini-3-flash-preview');

const chat = (wire: Json, target = second): Json => {
  const decoded = DIALECTS['openai-chat']?.decodeRequest({
    model: 'm',
    messages: [{ role: 'user', content: 'Hi' }],
    ...wire,
  });
  if (!decoded?.ok) throw new Error('not decoded');
  const { body, path, dropped } = dialect.encodeRequest(decoded.value, target);
  return { ...JSON.parse(body), path, dropped: dropped.map(({ pointer }) => pointer) };
};
const decoded = (wire: Json): GenerationRequest => {
  const request = dialect.decodeRequest(wire);
  if (!request.ok) throw new Error(request.error.message);
  return request.value;
};
const call = (id: string): Json => ({ id, type: 'function', function: { name: 'f', arguments: '{"a":1}' } });

describe('what is sent', () => {
  test('the path says the model and whether to stream', () => {
    expect(chat({}).path).toBe('/models/gemini-2.5-pro:generateContent');
    expect(chat({ stream: true }).path).toBe('/models/gemini-2.5-pro:streamGenerateContent?alt=sse');
    expect(chat({ stream: true }).stream).toBeUndefined();
  });

  test('turns begin with the user, nothing is empty, and instructions stand together', () => {
    const { contents, systemInstruction } = chat({
      messages: [
        { role: 'system', content: 'One' },
        { role: 'assistant', content: 'Hello' },
        { role: 'user', content: '' },
        { role: 'system', content: 'Two' },
        { role: 'user', content: 'Hi' },
      ],
    });
    expect(systemInstruction.parts).toEqual([{ text: 'One' }, { text: 'Two' }]);
    expect(contents.map(({ role, parts }: Json) => [role, parts.length])).toEqual([
      ['user', 1],
      ['model', 1],
      ['user', 1],
    ]);
  });

  test('UP-021 results of one turn stand together, in the order of the calls, each under the name of its call', () => {
    const { contents } = chat({
      messages: [
        { role: 'user', content: 'Hi' },
        { role: 'assistant', content: null, tool_calls: [call('a'), call('b')] },
        { role: 'tool', tool_call_id: 'a', content: '{"x":1}' },
        { role: 'tool', tool_call_id: 'b', content: 'plain' },
      ],
    });
    expect(contents[2].parts).toEqual([
      { functionResponse: { id: 'a', name: 'f', response: { x: 1 } } },
      { functionResponse: { id: 'b', name: 'f', response: { result: 'plain' } } },
    ]);
  });

  test('UP-051 INF-083 a budget for the second generation, a level for the third, never both', () => {
    for (const effort of ['none', 'minimal', 'low', 'medium', 'high', 'xhigh']) {
      const two = chat({ reasoning: { effort } }).generationConfig.thinkingConfig;
      const three = chat({ reasoning: { effort } }, third).generationConfig.thinkingConfig;
      expect([typeof two.thinkingBudget, two.thinkingLevel]).toEqual(['number', undefined]);
      expect([three.thinkingBudget, typeof three.thinkingLevel]).toEqual([undefined, 'string']);
    }
    expect(chat({ reasoning: { effort: 'xhigh' } }, third).generationConfig.thinkingConfig.thinkingLevel).toBe('HIGH');
    const budget = (reasoning: Json, target: Target): number =>
      chat({ reasoning }, target).generationConfig.thinkingConfig.thinkingBudget;
    const flash = targetOf('gemini-2.5-flash');
    expect([budget({ effort: 'none' }, second), budget({ effort: 'none' }, flash)]).toEqual([128, 0]);
    expect([budget({ max_tokens: 90_000 }, second), budget({ max_tokens: 90_000 }, flash)]).toEqual([32_768, 24_576]);
    const level = (model: string): string =>
      chat({ reasoning: { effort: 'none' } }, targetOf(model)).generationConfig.thinkingConfig.thinkingLevel;
    expect([level('gemini-3-pro-preview'), level('gemini-3-flash-preview')]).toEqual(['LOW', 'MINIMAL']);
    expect(chat({ reasoning: { max_tokens: 777 } }).generationConfig.thinkingConfig.thinkingBudget).toBe(777);
  });

  test('UP-057 a signature returns to its call; a call that was never signed says so from the third generation on', () => {
    const details = [{ type: 'reasoning.encrypted', data: 'S', format: 'google-gemini-v1', id: 'a', index: 0 }];
    const past = (reasoning_details: readonly Json[], target: Target): readonly (string | undefined)[] =>
      chat(
        {
          messages: [
            { role: 'user', content: 'Hi' },
            { role: 'assistant', content: null, tool_calls: [call('a'), call('b')], reasoning_details },
            { role: 'tool', tool_call_id: 'a', content: 'x' },
            { role: 'tool', tool_call_id: 'b', content: 'y' },
          ],
        },
        target,
      ).contents[1].parts.map((part: Json) => part.thoughtSignature);
    expect(past(details, third)).toEqual(['S', undefined]);
    expect(past(details, second)).toEqual(['S', undefined]);
    expect(past([], second)).toEqual([undefined, undefined]);
    expect(past([], third)).toEqual(['skip_thought_signature_validator', undefined]);
  });

  test('pictures are data or addresses', () => {
    const image = (url: string): Json => ({ type: 'image_url', image_url: { url } });
    const { contents } = chat({
      messages: [{ role: 'user', content: [image('data:image/png;base64,AAAA'), image('https://example.org/a.jpg')] }],
    });
    expect(contents[0].parts).toEqual([
      { inlineData: { mimeType: 'image/png', data: 'AAAA' } },
      { fileData: { mimeType: 'image/jpeg', fileUri: 'https://example.org/a.jpg' } },
    ]);
  });

  test('every choice of tools, and the seed', () => {
    const tools = [{ type: 'function', function: { name: 'f' } }];
    const mode = (tool_choice: unknown): Json => chat({ tools, tool_choice }).toolConfig.functionCallingConfig;
    expect(mode('auto')).toEqual({ mode: 'AUTO' });
    expect(mode('none')).toEqual({ mode: 'NONE' });
    expect(mode('required')).toEqual({ mode: 'ANY' });
    expect(mode({ type: 'function', function: { name: 'f' } })).toEqual({ mode: 'ANY', allowedFunctionNames: ['f'] });
    expect(chat({ seed: 7 }).generationConfig.seed).toBe(7);
  });
});

describe('what clients send', () => {
  test('UP-021 results without ids find the oldest open call of their name', () => {
    const { messages } = decoded({
      contents: [
        { role: 'user', parts: [{ text: 'Hi' }] },
        {
          role: 'model',
          parts: [{ functionCall: { name: 'f', args: { n: 1 } } }, { functionCall: { name: 'f', args: { n: 2 } } }],
        },
        {
          role: 'user',
          parts: [
            { functionResponse: { name: 'f', response: { output: 'one' } } },
            { functionResponse: { name: 'f', response: { error: 'two' } } },
          ],
        },
      ],
    });
    const [, assistant, first, last] = messages;
    const ids = assistant?.role === 'assistant' ? assistant.toolCalls.map(({ id }) => id) : [];
    expect(new Set(ids).size).toBe(2);
    expect([first, last].map((one) => (one?.role === 'tool' ? [one.callId, one.isError] : []))).toEqual([
      [ids[0] as string, undefined],
      [ids[1] as string, true],
    ]);
  });

  test('their schemas become JSON Schema, whatever the members are called', () => {
    const { output } = decoded({
      contents: [{ parts: [{ text: 'Hi' }] }],
      generationConfig: {
        responseSchema: {
          type: 'OBJECT',
          properties: { type: { type: 'STRING', nullable: true }, nullable: { type: 'INTEGER' } },
          anyOf: [{ type: 'ARRAY', items: { type: 'NUMBER' } }],
        },
      },
    });
    expect(output?.kind === 'json-schema' && output.schema).toEqual({
      type: 'object',
      properties: { type: { type: ['string', 'null'] }, nullable: { type: 'integer' } },
      anyOf: [{ type: 'array', items: { type: 'number' } }],
    });
  });
});

const read = (chunks: readonly unknown[]): ReturnType<typeof collect> =>
  collect(
    runMachine(
      dialect.decodeStream(second, EXPECT_NOTHING),
      chunks.map((chunk) => ({ data: JSON.stringify(chunk) })),
    ),
  );
const chunk = (parts: readonly Json[], more: Json = {}, usageMetadata?: Json): Json => ({
  candidates: [{ content: { role: 'model', parts }, ...more }],
  ...(usageMetadata && { usageMetadata }),
});

describe('what is read', () => {
  test('UP-087 pieces add up, calls come whole, a signature may stand on nothing, and the last usage counts', () => {
    const answer = read([
      chunk([{ text: 'A' }], {}, { promptTokenCount: 5 }),
      chunk([{ text: 'B' }]),
      chunk([{ functionCall: { name: 'f', args: { a: 1 } } }]),
      chunk(
        [{ text: '', thoughtSignature: 'S' }],
        { finishReason: 'STOP' },
        { promptTokenCount: 9, candidatesTokenCount: 3 },
      ),
    ]);
    expect(answer.blocks.map(({ block, text }) => [block.kind, text])).toEqual([
      ['text', 'AB'],
      ['tool-call', '{"a":1}'],
      ['opaque', ''],
    ]);
    expect(answer.usage?.counts).toEqual({ input: 9, output: 3 });
    expect([answer.finish, answer.error]).toEqual(['tool-calls', undefined]);
    expect(read([chunk([{ text: 'A' }]), [{ error: { code: 429, message: 'no', status: 'X' } }]]).error?.code).toBe(
      'upstream_rate_limited',
    );
  });

  test('calls without ids get some, each once', () => {
    const parts = [{ functionCall: { name: 'f' } }, { functionCall: { name: 'f' } }, { functionCall: { name: 'g' } }];
    const ids = read([chunk(parts, { finishReason: 'STOP' })]).blocks.map(({ block }) =>
      block.kind === 'tool-call' ? block.callId : '',
    );
    expect(new Set(ids).size).toBe(3);
    expect(ids.every((id) => id !== '')).toBe(true);
  });

  test('UP-104 a blocked prompt is a filter with its usage', () => {
    const blocked = { promptFeedback: { blockReason: 'SAFETY' }, usageMetadata: { promptTokenCount: 7 } };
    for (const answer of [read([blocked]), collect(dialect.decodeWhole(blocked, second, EXPECT_NOTHING))])
      expect(answer).toMatchObject({
        finish: 'content-filter',
        nativeFinish: 'SAFETY',
        usage: { counts: { input: 7 } },
      });
  });

  test('UP-108 thoughts are counted beside the candidates, and what tools cost belongs to the prompt', () => {
    const usage = {
      promptTokenCount: 100,
      cachedContentTokenCount: 40,
      toolUsePromptTokenCount: 10,
      thoughtsTokenCount: 7,
    };
    const counts = { input: 70, 'cache-read': 40, reasoning: 7 };
    expect(read([chunk([], { finishReason: 'MAX_TOKENS' }, usage)])).toMatchObject({
      finish: 'length',
      usage: { counts },
    });
  });

  test('each finish reason has its meaning, and its own word is kept', () => {
    for (const [word, meaning] of [
      ['STOP', 'stop'],
      ['MAX_TOKENS', 'length'],
      ['SAFETY', 'content-filter'],
      ['RECITATION', 'content-filter'],
      ['MALFORMED_FUNCTION_CALL', 'error'],
      ['FINISH_REASON_UNSPECIFIED', 'stop'],
    ] as const)
      expect(read([chunk([{ text: 'A' }], { finishReason: word })])).toMatchObject({
        finish: meaning,
        nativeFinish: word,
      });
  });
});
