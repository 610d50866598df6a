import { expect, test } from 'bun:test';
import { ALL_PARAMETERS } from '../../canon/parameters.ts';
import type { Quirk, Target } from '../../canon/target.ts';
import { DIALECTS } from '../registry.ts';

/** What hosts are sent that take less of JSON Schema, and those that answer in a few words unless told. */

type Json = Record<string, any>;

const targetOf = (quirks: readonly Quirk[], more: Partial<Target> = {}): Target => ({
  upstreamModel: 'm',
  quirks: new Set(quirks),
  parameters: ALL_PARAMETERS,
  extraFields: new Set(),
  ...more,
});

const chat = (wire: Json, target: Target): Json => {
  const dialect = DIALECTS['openai-chat'];
  const decoded = dialect?.decodeRequest({ model: 'm', messages: [{ role: 'user', content: 'Hi' }], ...wire });
  if (!dialect || !decoded?.ok) throw new Error('not decoded');
  const { body, dropped } = dialect.encodeRequest(decoded.value, target);
  return { ...JSON.parse(body), dropped: dropped.map(({ pointer }) => pointer) };
};

const declared = (
  parameters: Json,
  quirks: readonly Quirk[] = ['narrow-schemas'],
): readonly [Json, readonly string[]] => {
  const sent = chat({ tools: [{ type: 'function', function: { name: 'f', parameters } }] }, targetOf(quirks));
  return [sent.tools[0].function.parameters, sent.dropped];
};

test('UP-068 schemas of tools are objects, with tuples and choices as the host takes them', () => {
  const parameters = {
    $schema: 'http://json-schema.org/draft-07/schema#',
    properties: {
      at: { type: 'array', items: [{ type: 'number' }, { type: 'number' }], additionalItems: { type: 'string' } },
      many: { type: 'array', items: { $schema: 'x', type: 'string' } },
      either: {
        type: 'object',
        description: 'D',
        anyOf: [{ properties: { a: {} } }, { type: 'null' }, { $ref: '#/$defs/b' }],
      },
      type: { enum: [{ $schema: 'kept' }] },
    },
    $defs: { b: { $schema: 'x', type: 'object' } },
  };
  expect(declared(parameters)).toEqual([
    {
      type: 'object',
      properties: {
        at: { type: 'array', prefixItems: [{ type: 'number' }, { type: 'number' }], items: { type: 'string' } },
        many: { type: 'array', items: { type: 'string' } },
        either: {
          description: 'D',
          anyOf: [{ type: 'object', properties: { a: {} } }, { type: 'null' }, { $ref: '#/$defs/b' }],
        },
        type: { enum: [{ $schema: 'kept' }] },
      },
      $defs: { b: { type: 'object' } },
    },
    [],
  ]);
  // A choice at the root is all its members, and that is named.
  const choice = { anyOf: [{ type: 'object', properties: { a: {} }, required: ['a'] }, { properties: { b: {} } }] };
  expect(declared(choice)).toEqual([
    { type: 'object', properties: { a: {}, b: {} } },
    ['/tools/0/function/parameters'],
  ]);
  // Other hosts get schemas as they came.
  expect(declared(parameters, [])[0]).toEqual(parameters);
});

test('UP-048 a host that answers in a few words unless told is always told a limit', () => {
  const told = (wire: Json, more: Partial<Target>): unknown =>
    chat(wire, targetOf(['short-answers'], { maxOutputTokens: 8000, contextLength: 100_000, ...more })).max_tokens;
  expect(told({}, {})).toBe(8000);
  expect(told({ stream: true }, {})).toBe(8000);
  expect(told({ max_tokens: 7 }, {})).toBe(7);
  // Where the whole context could be an answer, half of it is left for the prompt.
  expect(told({}, { maxOutputTokens: 100_000 })).toBe(50_000);
  const { maxOutputTokens: _, contextLength: __, ...unknown } = targetOf(['short-answers']);
  expect(chat({}, unknown).max_tokens).toBe(4096);
  expect(chat({}, targetOf([]))).not.toHaveProperty('max_tokens');
});
