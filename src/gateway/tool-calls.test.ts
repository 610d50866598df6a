import { describe, expect, it } from 'bun:test';
import { faultOf, ToolRecord } from './tool-calls.ts';

const TOOLS = [
  {
    name: 'weather',
    parameters: {
      type: 'object',
      properties: { city: { type: 'string' } },
      required: ['city'],
      additionalProperties: false,
    },
  },
  { name: 'now' },
  { name: 'odd', parameters: { type: 'object', properties: { x: { pattern: '(' } } } },
];
const call = (name: string, text: string): string | undefined => faultOf([{ name, arguments: text }], TOOLS);

describe('calls of tools', () => {
  it('INF-243 are bad where arguments do not parse, nobody has that name, or the schema says otherwise', () => {
    expect(call('weather', '{"city":"Rome"}')).toBeUndefined();
    expect(call('weather', '{"city":"Ro')).toBe('InvalidJson');
    expect(call('wether', '{"city":"Rome"}')).toBe('UnknownName');
    expect(call('weather', '{"city":7}')).toBe('SchemaMismatch');
    expect(call('weather', '{"town":"Rome"}')).toBe('SchemaMismatch');
    // Without a schema, or with one that cannot be read, everything is valid.
    expect(call('now', '')).toBeUndefined();
    expect(call('now', '{"any":1}')).toBeUndefined();
    expect(call('odd', '{"x":"y"}')).toBeUndefined();
    const both = [
      { name: 'now', arguments: '{}' },
      { name: 'weather', arguments: '{' },
    ];
    expect(faultOf(both, TOOLS)).toBe('InvalidJson');
  });

  it('are counted over two hours and then forgotten', () => {
    const record = new ToolRecord();
    const minute = 60_000;
    for (let at = 0; at < 120; at += 5) record.add(at % 10 === 0, at * minute);
    expect(record.over(119 * minute)).toEqual({ toolRequests: 24, success: 0.5 });
    expect(record.over(180 * minute).toolRequests).toBe(11);
    expect(record.over(240 * minute)).toEqual({ toolRequests: 0, success: 1 });
    record.add(true, 300 * minute);
    expect(record.over(300 * minute)).toEqual({ toolRequests: 1, success: 1 });
  });
});
