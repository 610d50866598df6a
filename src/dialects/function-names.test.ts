import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { collect } from '../canon/collect.ts';
import { runMachine } from '../canon/grammar.ts';
import { ALL_PARAMETERS } from '../canon/parameters.ts';
import type { GenerationRequest } from '../canon/request.ts';
import type { Target } from '../canon/target.ts';
import type { AnswerContext } from './dialect.ts';
import { DIALECTS } from './registry.ts';
import { LETTERS_64, NINE_CHARACTERS, rewritten } from './rewritten-names.ts';

/** Names of functions that a wire refuses, out and back. */

const target: Target = {
  upstreamModel: 'anthropic.claude-sonnet-4-5',
  quirks: new Set(),
  parameters: ALL_PARAMETERS,
  extraFields: new Set(),
};

const FORMS: Readonly<Record<string, RegExp>> = {
  'openai-chat': /^[a-zA-Z0-9_-]{1,64}$/,
  'openai-responses': /^[a-zA-Z0-9_-]{1,64}$/,
  'anthropic-messages': /^[a-zA-Z0-9_-]{1,128}$/,
  'gemini-generate': /^[a-zA-Z_][a-zA-Z0-9_.:-]{0,63}$/,
  'cohere-v2': /^[a-zA-Z0-9_-]{1,64}$/,
  'bedrock-converse': /^[a-zA-Z0-9_-]{1,64}$/,
};

const LONG = `look_${'very_'.repeat(30)}far`;
const NAMES = ['weather.get', 'get the weather', 'weather:get', 'weather_get', LONG, `${LONG}_too`, '9lives', 'Straße'];

const asked = (chosen: string): GenerationRequest => ({
  model: 'm',
  fallbacks: [],
  messages: [
    { role: 'user', parts: [{ kind: 'text', text: 'Hi' }] },
    {
      role: 'assistant',
      parts: [],
      toolCalls: NAMES.map((name, index) => ({ id: `call0000${index}`, name, arguments: '{}' })),
    },
    ...NAMES.map(
      (_, index) => ({ role: 'tool', callId: `call0000${index}`, parts: [{ kind: 'text', text: 'x' }] }) as const,
    ),
  ],
  tools: NAMES.map((name) => ({ name, parameters: { type: 'object', properties: { at: { type: 'string' } } } })),
  toolChoice: { kind: 'named', name: chosen },
  sampling: {},
  stream: true,
  preferences: {},
  echoUpstreamBody: false,
  extras: {},
});

const context: AnswerContext = {
  id: 'gen-1',
  created: 1,
  model: 'm',
  quirks: new Set(),
  showReasoning: true,
  streamUsage: true,
};

for (const [id, form] of Object.entries(FORMS))
  describe(id, () => {
    const dialect = DIALECTS[id];
    if (!dialect) throw new Error(`no dialect ${id}`);

    test('UP-070 each name is one that the wire takes, everywhere the same, and comes back as it was', () => {
      for (const chosen of NAMES) {
        const encoded = dialect.encodeRequest(asked(chosen), target);
        // The host reads what it was sent.
        const read = dialect.decodeRequest({ model: 'm', ...JSON.parse(encoded.body), max_tokens: 1000 });
        if (!read.ok) throw new Error(read.error.message);
        const { tools, toolChoice, messages } = read.value;
        const told = tools.map(({ name }) => name);
        for (const name of told) expect(name).toMatch(form);
        expect(new Set(told).size).toBe(told.length);
        const calls = messages.flatMap((message) => (message.role === 'assistant' ? message.toolCalls : []));
        const theirs = toolChoice?.kind === 'named' ? toolChoice.name : (told[0] ?? '');
        // A wire that cannot name one offers that one alone.
        if (told.length === NAMES.length) expect(calls.map(({ name }) => name)).toEqual(told);
        if (form.test(chosen)) expect(theirs).toBe(chosen);
        // It calls, and the caller hears its own word.
        const events = [
          { type: 'generation-start' },
          { type: 'block-start', block: { kind: 'tool-call', callId: 'c1', name: theirs } },
          { type: 'block-delta', delta: { kind: 'arguments', text: '{"at":"it"}' } },
          { type: 'block-end' },
          { type: 'usage', usage: { counts: { input: 1, output: 1 }, estimated: false } },
          { type: 'generation-end', finish: 'tool-calls', nativeFinish: null },
        ] as const;
        const frames = runMachine(dialect.encodeStream(context), events);
        const whole = JSON.parse(JSON.stringify(dialect.encodeWhole(collect(events), context))) as unknown;
        for (const answer of [
          runMachine(dialect.decodeStream(target, encoded.expectation), frames),
          dialect.decodeWhole(whole, target, encoded.expectation),
        ])
          expect(collect(answer).blocks).toMatchObject([
            { block: { kind: 'tool-call', name: chosen }, text: '{"at":"it"}' },
          ]);
      }
    });

    test('UP-070 names that fit are left alone', () => {
      const request = { ...asked('look'), messages: [], tools: [{ name: 'look' }, { name: 'look-2' }] };
      const { body, expectation } = dialect.encodeRequest(request, target);
      expect(body).toContain('"look"');
      expect(expectation.functionNames).toBeUndefined();
    });
  });

test('UP-070 names stay apart, fit, and are the same each time', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ minLength: 1 })), fc.constantFrom(LETTERS_64, NINE_CHARACTERS), (names, form) => {
      const map = rewritten(names, form);
      const all = [...new Set(names)].map((name) => map.get(name) ?? name);
      expect(new Set(all).size).toBe(all.length);
      for (const name of all) expect(name).toMatch(form.fits);
      expect(rewritten(names, form)).toEqual(map);
    }),
  );
});
