import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { request } from '../../test/support/world.ts';
import type { Generation } from '../canon/collect.ts';
import type { OutputForm } from '../canon/request.ts';
import { formToHeal, heal, mend } from './healing.ts';

const JSON_FORM = { kind: 'json' } as const;
const schema = (type: string): Extract<OutputForm, { kind: 'json-schema' }> => ({
  kind: 'json-schema',
  name: 'x',
  schema: { type },
});

describe('JSON is mended', () => {
  test.each([
    ['a fence', '```json\n{"a": 1}\n```', '{"a": 1}'],
    ['a fence with prose around it', 'Sure:\n```\n{"a": [1, 2]}\n```\nDone.', '{"a": [1, 2]}'],
    ['a fence around other defects', '```json\n{a: 1,}\n```', '{"a":1}'],
    ['prose around', 'Here is [the] answer {as asked}: {"a": {"b": "c"}} Hope it helps!', '{"a":{"b":"c"}}'],
    ['a trailing comma', '{"a": [1, 2,], "b": 3 , }', '{"a":[1,2],"b":3}'],
    ['a key without quotes', '{a: 1, b_2: {c-d: null}}', '{"a":1,"b_2":{"c-d":null}}'],
    ['missing closers at the end', '{"a": {"b": [1, {"c": "}"', '{"a":{"b":[1,{"c":"}"}]}}'],
    ['a missing closer inside', '{"a": [1, 2, "b"}', '{"a":[1,2,"b"]}'],
    ['all of it at once', 'Well, ```json\n{a: [1, 2,], b: {"c": "x, y: {z"\n```', '{"a":[1,2],"b":{"c":"x, y: {z"}}'],
  ])('%s', (_, text, mended) => {
    expect(mend(text, JSON_FORM)).toBe(mended);
  });

  test('an array where the schema asks for one', () => {
    expect(mend('The list: [1, {"a": 2,}', schema('array'))).toBe('[1,{"a":2}]');
    expect(mend('The list: [1, 2]', schema('object'))).toBeUndefined();
    expect(mend('It is "x"', schema('string'))).toBeUndefined();
  });
});

describe('what is not one of the five defects is left alone', () => {
  test.each([
    ['JSON', '{"a": 1}'],
    ['JSON with space around it', ' \n{"a":\t1}\n '],
    ['prose', 'I cannot answer that {sorry}.'],
    ['nothing', ''],
    ['single quotes', "{'a': 'b'}"],
    ['comments', '{"a": 1 /* one */}'],
    ['names that are no JSON', '{"a": None}'],
    ['a missing comma', '{"a": 1 "b": 2}'],
    ['a missing value', '{"a": }'],
    ['two commas', '{"a": 1,, "b": 2}'],
    ['a string that does not end', '{"a": "b}'],
    ['two values', '{"a": 1}\n{"b": 2}'],
    ['a value and one more in prose', 'Either {"a": 1} or {b: 2}'],
  ])('%s', (_, text) => {
    expect(mend(text, JSON_FORM)).toBeUndefined();
  });
});

test('whatever is mended is JSON, and what was broken in these ways comes back as it was', () => {
  const word = fc.stringMatching(/^[a-z][a-z0-9_]{0,6}$/);
  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      { depthSize: 'small' },
      fc.string(),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      tie('array'),
      tie('object'),
    ),
    array: fc.array(tie('any'), { maxLength: 4 }),
    object: fc.dictionary(word, tie('any'), { maxKeys: 4 }),
  })).object as fc.Arbitrary<Record<string, unknown>>;
  /** Written with keys bare, a comma behind everything, and some brackets left open at the end. */
  const broken = (one: unknown): string => {
    if (Array.isArray(one)) return `[${one.map((inner) => `${broken(inner)},`).join(' ')}]`;
    if (typeof one !== 'object' || one === null) return JSON.stringify(one);
    return `{${Object.entries(one)
      .map(([key, inner]) => `${key}: ${broken(inner)},`)
      .join('\n')}}`;
  };
  fc.assert(
    fc.property(value, fc.nat(3), (one, open) => {
      const text = broken(one).replace(new RegExp(`[}\\]]{0,${open}}$`), '');
      const mended = mend(text, JSON_FORM) ?? text;
      expect(JSON.parse(mended)).toEqual(one);
    }),
    { numRuns: 1000 },
  );
  fc.assert(
    fc.property(fc.stringMatching(/^[{}[\]",:a1 \n`]{0,40}$/), (text) => {
      const mended = mend(text, JSON_FORM);
      if (mended !== undefined) expect(typeof JSON.parse(mended)).toBe('object');
    }),
    { numRuns: 3000 },
  );
});

describe('an answer', () => {
  const answer = (overrides: Partial<Generation> = {}): Generation => ({
    blocks: [
      { block: { kind: 'reasoning', form: 'text', format: 'unknown' }, text: '{a' },
      { block: { kind: 'text' }, text: '{a: ' },
      { block: { kind: 'text' }, text: '1,}' },
    ],
    finish: 'stop',
    nativeFinish: 'stop',
    ...overrides,
  });

  test('is mended over all its texts, and thoughts are left alone', () => {
    const healed = heal(answer(), JSON_FORM);
    expect(healed?.blocks.map(({ text }) => text)).toEqual(['{a', '{"a":1}']);
    expect(healed?.stage.data).toEqual({ mode: 'json_object', improved: true, original_length: 7, healed_length: 7 });
  });

  test('that was cut off, calls a tool or is refused is given as it came', () => {
    const { blocks } = answer();
    expect(heal(answer({ finish: 'length' }), JSON_FORM)).toBeUndefined();
    expect(heal(answer({ finish: 'content-filter' }), JSON_FORM)).toBeUndefined();
    const call = { block: { kind: 'tool-call', callId: 'c', name: 'f' }, text: '{a:1' } as const;
    expect(heal(answer({ blocks: [...blocks, call] }), JSON_FORM)).toBeUndefined();
  });

  test('is mended only where that is asked for and JSON is', () => {
    const plugins = { 'response-healing': {} };
    expect(formToHeal(request({ plugins, output: JSON_FORM }))).toBe(JSON_FORM);
    expect(formToHeal(request({ output: JSON_FORM }))).toBeUndefined();
    expect(formToHeal(request({ plugins: { 'response-healing': false }, output: JSON_FORM }))).toBeUndefined();
    expect(formToHeal(request({ plugins, output: JSON_FORM, stream: true }))).toBeUndefined();
    expect(formToHeal(request({ plugins }))).toBeUndefined();
    expect(formToHeal(request({ plugins, output: { kind: 'text' } }))).toBeUndefined();
  });
});
