import { describe, expect, test } from 'bun:test';
import Ajv2020 from 'ajv/dist/2020';
import fc from 'fast-check';
import { request } from '../../../test/support/world.ts';
import { collect } from '../../canon/collect.ts';
import { grammarBreach } from '../../canon/grammar.ts';
import type { GenerationRequest } from '../../canon/request.ts';
import { answer } from './answer.ts';

const options = { modelName: 'model-x', maxOutputTokens: 10_000, efforts: ['none', 'high'], echoPrefill: false };

const user = (text: string, overrides: Partial<GenerationRequest> = {}): GenerationRequest =>
  request({ messages: [{ role: 'user', parts: [{ kind: 'text', text }] }], ...overrides });

function answered(wish: GenerationRequest, more: Partial<typeof options> = {}) {
  const made = answer(wish, { ...options, ...more });
  if (!made.ok) throw new Error(made.error.message);
  expect(grammarBreach(made.value.pieces)).toBeUndefined();
  return collect(made.value.pieces);
}

const tool = (name: string, properties: object, required: readonly string[]) => ({
  name,
  parameters: { type: 'object', properties, required },
});

describe('prose', () => {
  test('is about the prompt, names the model, says once that it is the sandbox, and repeats itself exactly', () => {
    const text = answered(user('Tell me about the Rhine')).blocks[0]?.text ?? '';
    expect(text).toContain('Rhine');
    expect(text).toContain('model-x');
    expect(text.match(/sandbox/g)).toHaveLength(1);
    expect(answered(user('Tell me about the Rhine')).blocks[0]?.text).toBe(text);
  });

  test('keeps to the length that was asked for', () => {
    expect(answered(user('Write 40 words on rivers')).blocks[0]?.text.split(' ')).toHaveLength(40);
    expect(answered(user('Answer with exactly: pong')).blocks[0]?.text).toBe('pong');
  });

  test('stops where it must and counts what it said', () => {
    const cut = answered(user('Tell me about the Rhine', { maxOutputTokens: 5 }));
    expect([cut.finish, cut.usage?.counts.output]).toEqual(['length', 5]);
    const stopped = answered(user('Reply with exactly: one two three', { sampling: { stop: ['two'] } }));
    expect([stopped.finish, stopped.blocks[0]?.text]).toEqual(['stop', 'one ']);
  });

  test('thinks when asked, and counts that apart', () => {
    const thought = answered(user('Why?', { reasoning: { effort: 'high', exclude: false } }));
    expect(thought.blocks.map(({ block }) => block.kind)).toEqual(['reasoning', 'text']);
    expect(thought.usage?.counts.reasoning).toBeGreaterThan(10);
    expect(
      answered(user('Why?', { reasoning: { effort: 'high', exclude: false } }), { efforts: [] }).blocks,
    ).toHaveLength(1);
  });
});

describe('tools', () => {
  test('the one whose words the prompt shares is called, once for each name', () => {
    const tools = [
      tool('send_mail', { to: { type: 'string' } }, ['to']),
      tool('get_weather', { city: { type: 'string' } }, ['city']),
    ];
    const calls = answered(user('What is the weather in Paris and Rome?', { tools }));
    expect(calls.blocks.map(({ block, text }) => [block.kind === 'tool-call' && block.name, text])).toEqual([
      ['get_weather', '{"city":"Paris"}'],
      ['get_weather', '{"city":"Rome"}'],
    ]);
    expect(calls.finish).toBe('tool-calls');
    expect(answered(user('Tell me a joke', { tools })).blocks[0]?.block.kind).toBe('text');
    expect(answered(user('Tell me a joke', { tools, toolChoice: { kind: 'required' } })).blocks[0]?.block.kind).toBe(
      'tool-call',
    );
  });

  test('numbers of the prompt fill numbers', () => {
    const tools = [tool('add', { a: { type: 'number' }, b: { type: 'number' } }, ['a', 'b'])];
    expect(answered(user('Please add 2 and 40.5', { tools })).blocks[0]?.text).toBe('{"a":2,"b":40.5}');
  });
});

/** Schemas of the subset that can be met. */
const schema: fc.Arbitrary<Record<string, unknown>> = fc.letrec<{ any: Record<string, unknown> }>((tie) => ({
  any: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constant({ type: 'boolean' }),
    fc.constant({ type: ['string', 'null'] }),
    fc.record({ const: fc.oneof(fc.string(), fc.integer(), fc.constant(null)) }),
    fc.record({ enum: fc.array(fc.oneof(fc.string(), fc.integer()), { minLength: 1, maxLength: 4 }) }),
    fc
      .tuple(fc.nat(20), fc.nat(20))
      .map(([a, b]) => ({ type: 'string', minLength: Math.min(a, b), maxLength: Math.max(a, b) })),
    fc
      .tuple(fc.integer({ min: -99, max: 99 }), fc.nat(50))
      .map(([minimum, span]) => ({ type: 'integer', minimum, maximum: minimum + span })),
    fc
      .tuple(fc.integer({ min: -99, max: 99 }), fc.integer({ min: 1, max: 50 }))
      .map(([low, span]) => ({ type: 'number', exclusiveMinimum: low, exclusiveMaximum: low + span })),
    fc
      .tuple(tie('any'), fc.nat(3), fc.nat(3))
      .map(([items, a, b]) => ({ type: 'array', items, minItems: Math.min(a, b), maxItems: Math.max(a, b) })),
    fc.array(tie('any'), { minLength: 1, maxLength: 3 }).map((anyOf) => ({ anyOf })),
    fc
      .dictionary(fc.stringMatching(/^[a-z]{1,6}$/), tie('any'), { maxKeys: 4 })
      .chain((properties) =>
        fc
          .subarray(Object.keys(properties))
          .map((required) => ({ type: 'object', properties, required, additionalProperties: false })),
      ),
  ),
})).any;

describe('structured output', () => {
  const ajv = new Ajv2020({ strict: false });

  test('satisfies every schema of the subset', () => {
    fc.assert(
      fc.property(schema, fc.string(), (wanted, text) => {
        const made = answered(user(text, { output: { kind: 'json-schema', name: 'x', schema: wanted } }));
        const value = JSON.parse(made.blocks[0]?.text ?? '');
        if (!ajv.validate(wanted, value)) throw new Error(`${JSON.stringify(value)}: ${ajv.errorsText()}`);
      }),
      { numRuns: 500 },
    );
  });

  test('follows references, also to itself', () => {
    const tree = {
      $ref: '#/$defs/node',
      $defs: {
        node: {
          type: 'object',
          properties: { name: { type: 'string' }, next: { anyOf: [{ $ref: '#/$defs/node' }, { type: 'null' }] } },
          required: ['name', 'next'],
        },
      },
    };
    const made = answered(user('Hi', { output: { kind: 'json-schema', name: 'x', schema: tree } }));
    expect(ajv.validate(tree, JSON.parse(made.blocks[0]?.text ?? ''))).toBe(true);
  });

  test('what is beyond the subset, and what nothing can satisfy, is refused by its place', () => {
    for (const [wrong, place] of [
      [{ type: 'string', pattern: '^a' }, '#/pattern'],
      [{ type: 'object', properties: { a: { oneOf: [] } }, required: ['a'] }, '#/properties/a/oneOf'],
      [{ type: 'integer', minimum: 5, maximum: 4 }, '#'],
      [{ $ref: '#/nowhere' }, '#/$ref'],
      [{ $ref: '#' }, '#'],
    ] as const) {
      const made = answer(user('Hi', { output: { kind: 'json-schema', name: 'x', schema: wrong } }), options);
      expect(made.ok ? '' : made.error.message).toContain(place);
    }
  });
});
