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
  const { body, path, dropped, unable } = dialect.encodeRequest(decoded.value, target);
  return { ...JSON.parse(body), path, unable, dropped: dropped.map(({ pointer }) => pointer) };
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

  test('UP-031 turns begin with the user, nothing is empty, and instructions stand together', () => {
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

  test('UP-031 whatever is empty, no turn and no part is', () => {
    const empty = { role: 'user', content: '' };
    const none = { role: 'assistant', content: null };
    for (const messages of [
      [empty],
      [{ role: 'system', content: 'Be brief' }],
      [{ role: 'system', content: 'Be brief' }, empty],
      [none, empty],
      [{ role: 'assistant', content: 'Hello' }],
      [{ role: 'user', content: [{ type: 'text', text: '' }] }, none, { role: 'user', content: 'Hi' }],
      [
        { role: 'assistant', content: '', tool_calls: [call('a')] },
        { role: 'tool', tool_call_id: 'a', content: '' },
      ],
    ] as readonly Json[]) {
      const { contents } = chat({ messages });
      expect(contents[0].role).toBe('user');
      for (const { parts } of contents) expect(parts.length).toBeGreaterThan(0);
      for (const part of contents.flatMap(({ parts }: Json) => parts)) {
        expect(Object.keys(part).length).toBeGreaterThan(0);
        expect(part.text).not.toBe('');
      }
    }
  });

  test('UP-031 the open-weight family hears its instructions from the user', () => {
    const messages = [
      { role: 'system', content: 'Be brief' },
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: 'Hello' },
      { role: 'user', content: 'Bye' },
    ];
    const { contents, systemInstruction } = chat({ messages }, targetOf('gemma-3-27b-it'));
    expect(systemInstruction).toBeUndefined();
    expect(contents[0]).toEqual({ role: 'user', parts: [{ text: 'Be brief' }, { text: 'Hi' }] });
    expect(contents).toHaveLength(3);
    const first = chat({ messages: [messages[0], messages[2], messages[3]] }, targetOf('gemma-3-27b-it')).contents[0];
    expect(first).toEqual({ role: 'user', parts: [{ text: 'Be brief' }, { text: ' ' }] });
    expect(chat({ messages }).systemInstruction.parts).toEqual([{ text: 'Be brief' }]);
  });

  test('UP-068 schemas of tools are reduced to what this wire takes, and what is lost is named', () => {
    const declared = (parameters: Json | undefined): readonly [Json | undefined, boolean] => {
      const sent = chat({ tools: [{ type: 'function', function: { name: 'f', parameters } }] });
      return [sent.tools[0].functionDeclarations[0].parameters, sent.dropped.includes('/tools/0/function/parameters')];
    };
    const member = (schema: unknown, more: Json = {}): Json | undefined =>
      declared({ type: 'object', properties: { at: schema }, ...more })[0]?.properties.at;
    // References, one inside the other.
    const $defs = {
      place: { type: 'object', properties: { city: { $ref: '#/$defs/city' } } },
      city: { type: 'string' },
    };
    expect(member({ $ref: '#/$defs/place', description: 'Where' }, { $defs })).toEqual({
      type: 'OBJECT',
      description: 'Where',
      properties: { city: { type: 'STRING' } },
    });
    expect(member({ $ref: '#/definitions/a~1b' }, { definitions: { 'a/b': { type: 'integer' } } })).toEqual({
      type: 'INTEGER',
    });
    // A schema inside itself ends somewhere.
    const node = { type: 'object', properties: { next: { $ref: '#/$defs/node' } } };
    expect(declared({ $ref: '#/$defs/node', $defs: { node } })).toEqual([
      { type: 'OBJECT', properties: { next: { type: 'OBJECT' } } },
      true,
    ]);
    // Null is a mark.
    expect(member({ type: ['string', 'null'] })).toEqual({ type: 'STRING', nullable: true });
    expect(member({ anyOf: [{ type: 'integer' }, { type: 'null' }] })).toEqual({ type: 'INTEGER', nullable: true });
    expect(member({ enum: ['a', null] })).toEqual({ type: 'STRING', nullable: true, enum: ['a'] });
    // Enums are texts.
    expect(member({ const: 'a' })).toEqual({ type: 'STRING', enum: ['a'] });
    expect(member({ type: 'integer', enum: [1, 2], description: 'How many.' })).toEqual({
      type: 'INTEGER',
      description: 'How many. One of 1, 2.',
    });
    // Nothing stands beside a choice.
    expect(
      member({
        type: 'object',
        description: 'D',
        anyOf: [{ properties: { a: { type: 'string' } } }, { type: 'integer' }],
      }),
    ).toEqual({
      anyOf: [
        { type: 'OBJECT', description: 'D', properties: { a: { type: 'STRING' } } },
        { type: 'INTEGER', description: 'D' },
      ],
    });
    expect(member({ type: ['string', 'number'] })).toEqual({ anyOf: [{ type: 'STRING' }, { type: 'NUMBER' }] });
    expect(member({ oneOf: [{ type: 'string' }, { type: 'boolean' }] })).toEqual({
      anyOf: [{ type: 'STRING' }, { type: 'BOOLEAN' }],
    });
    // All of several is one.
    expect(
      member(
        {
          allOf: [
            { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] },
            { $ref: '#/$defs/place' },
          ],
        },
        { $defs },
      ),
    ).toEqual({ type: 'OBJECT', properties: { a: { type: 'STRING' }, city: { type: 'STRING' } }, required: ['a'] });
    // Lists have items of one kind.
    expect(member({ type: 'array' })).toEqual({ type: 'ARRAY', items: { type: 'STRING' } });
    expect(member({ type: 'array', prefixItems: [{ type: 'string' }, { type: 'integer' }], minItems: 2 })).toEqual({
      type: 'ARRAY',
      minItems: 2,
      items: { anyOf: [{ type: 'STRING' }, { type: 'INTEGER' }] },
    });
    // Unknown keywords and formats go; members may have any name.
    expect(
      declared({
        $schema: 'x',
        type: 'object',
        additionalProperties: false,
        properties: { type: { type: 'string', format: 'uri' }, $ref: { type: 'string', format: 'date-time' } },
        required: ['type', 'gone'],
        if: {},
      }),
    ).toEqual([
      {
        type: 'OBJECT',
        properties: { type: { type: 'STRING' }, $ref: { type: 'STRING', format: 'date-time' } },
        required: ['type'],
      },
      true,
    ]);
    // Nothing at all is said of nothing.
    expect(declared({ type: 'object', properties: {} })).toEqual([undefined, false]);
    expect(declared(undefined)).toEqual([undefined, false]);
    expect(declared({ type: 'object', properties: { a: { type: 'string', default: 'x' } }, $schema: 'x' })[1]).toBe(
      false,
    );
  });

  test('the schema of an answer is as it came from 2.5 on, and reduced before', () => {
    const schema = { type: 'object', properties: { city: { type: 'string' } }, additionalProperties: false };
    const form = { response_format: { type: 'json_schema', json_schema: { name: 'out', schema } } };
    const whole = { responseMimeType: 'application/json', responseJsonSchema: schema };
    expect([chat(form).generationConfig, chat(form).dropped]).toEqual([whole, []]);
    expect(chat(form, third).generationConfig).toEqual(whole);
    const old = chat(form, targetOf('gemini-2.0-flash'));
    expect(old.generationConfig).toEqual({
      responseMimeType: 'application/json',
      responseSchema: { type: 'OBJECT', properties: { city: { type: 'STRING' } } },
    });
    expect(old.dropped).toEqual(['/response_format']);
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

  test('UP-067 calls without ids get some, each once, and no other answer has the same', () => {
    const parts = [{ functionCall: { name: 'f' } }, { functionCall: { name: 'f' } }, { functionCall: { name: 'g' } }];
    const ids = (responseId: string, more: readonly Json[] = []): readonly string[] =>
      read([
        { ...chunk(parts), responseId },
        { ...chunk(more, { finishReason: 'STOP' }), responseId },
      ]).blocks.map(({ block }) => (block.kind === 'tool-call' ? block.callId : ''));
    const first = ids('r-1', [{ functionCall: { name: 'f' } }]);
    expect(new Set([...first, ...ids('r-2')]).size).toBe(7);
    expect(first.every((id) => /^[a-zA-Z0-9_-]{6,64}$/.test(id))).toBe(true);
    // The same answer read again is the same, and the host's own ids are kept.
    expect(ids('r-1', [{ functionCall: { name: 'f' } }])).toEqual(first);
    expect(ids('r-1', [{ functionCall: { name: 'f', id: 'own' } }]).at(-1)).toBe('own');
  });

  test('UP-088 arguments in pieces are what they would have been whole', () => {
    const args = {
      brightness: 50,
      'colour name': 'warm white',
      on: true,
      room: null,
      lamps: [{ id: 'a' }, { id: 'b', spots: [1, 2] }],
      where: { floor: { name: 'Été' } },
    };
    const piece = (jsonPath: string, value: Json): Json => ({ jsonPath, ...value });
    const more = (...partialArgs: readonly Json[]): Json => ({ functionCall: { partialArgs, willContinue: true } });
    const streamed = read([
      chunk([{ functionCall: { name: 'light', id: 'c1', willContinue: true }, thoughtSignature: 'S' }]),
      chunk([more(piece('$.brightness', { numberValue: 50 }))]),
      chunk([more(piece("$['colour name']", { stringValue: 'warm ', willContinue: true }))]),
      chunk([more(piece("$['colour name']", { stringValue: 'whi', willContinue: true }))]),
      chunk([more(piece("$['colour name']", { stringValue: 'te' }), piece('$.on', { boolValue: true }))]),
      chunk([more(piece('$.room', { nullValue: 'NULL_VALUE' }), piece('$.lamps[0].id', { stringValue: 'a' }))]),
      chunk([more(piece('$.lamps[1].id', { stringValue: 'b' }), piece('$.lamps[1].spots[0]', { numberValue: 1 }))]),
      chunk([more(piece('$.lamps[1].spots[1]', { numberValue: 2 }))]),
      chunk([more(piece('$.where.floor.name', { stringValue: 'Été' }))]),
      chunk([{ functionCall: {} }, { functionCall: { name: 'next', args: { n: 1 } } }], { finishReason: 'STOP' }),
    ]);
    const whole = read([
      chunk([
        { functionCall: { name: 'light', id: 'c1', args }, thoughtSignature: 'S' },
        { functionCall: { name: 'next', args: { n: 1 } } },
      ]),
      chunk([], { finishReason: 'STOP' }),
    ]);
    expect(streamed).toEqual(whole);
    expect(JSON.parse(streamed.blocks[1]?.text ?? '')).toEqual(args);
    // A call that ends the answer, and one that never got an argument.
    const open = [
      chunk([{ functionCall: { name: 'light', willContinue: true } }]),
      chunk([more(piece('$.n', { numberValue: 1 }))], { finishReason: 'STOP' }),
    ];
    expect(read(open).blocks.map(({ text }) => text)).toEqual(['{"n":1}']);
    expect(read([open[0], chunk([], { finishReason: 'STOP' })]).blocks.map(({ text }) => text)).toEqual(['{}']);
    // A member with a dangerous name is a member.
    const strange = read([
      chunk([{ functionCall: { name: 'f', partialArgs: [piece('$.__proto__.x', { numberValue: 1 })] } }]),
      chunk([], { finishReason: 'STOP' }),
    ]);
    expect(strange.blocks[0]?.text).toBe('{"__proto__":{"x":1}}');
    expect(({} as Json).x).toBeUndefined();
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
});
