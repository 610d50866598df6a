import fc from 'fast-check';
import type { CollectedBlock, Generation } from '../../src/canon/collect.ts';
import type { Usage } from '../../src/canon/units.ts';

/** Whole valid values for property tests; a test states only what matters to it. */

const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 });
const word = fc.stringMatching(/^[a-z][a-z0-9_-]{0,15}$/);

const logprob = fc
  .record({ token: text, logprob: fc.constantFrom(-0.5, -2.25) })
  .map((one) => ({ ...one, bytes: null, top_logprobs: [] }));
const textBlock = fc
  .record({ value: text, logprobs: fc.option(fc.array(logprob, { minLength: 1, maxLength: 2 }), { nil: undefined }) })
  .map(
    ({ value, logprobs }): CollectedBlock => ({ block: { kind: 'text' }, text: value, ...(logprobs && { logprobs }) }),
  );
const soundBlock = fc
  .record({ data: word, transcript: text })
  .map((audio): CollectedBlock => ({ block: { kind: 'audio' }, text: '', audio }));
const reasoningBlock = fc
  .record({
    value: text,
    form: fc.constantFrom('text' as const, 'summary' as const),
    format: fc.constantFrom('unknown', 'anthropic-claude-v1'),
    signature: fc.option(word, { nil: undefined }),
  })
  .map(
    ({ value, form, format, signature }): CollectedBlock => ({
      block: { kind: 'reasoning', form, format },
      text: value,
      ...(signature !== undefined && form === 'text' && { signature }),
    }),
  );
const opaqueBlock = fc
  .record({ format: fc.constantFrom('openai-responses-v1', 'anthropic-claude-v1'), id: word, data: text })
  .map((block): CollectedBlock => ({ block: { kind: 'opaque', ...block }, text: '' }));
const toolBlock = fc
  .record({
    callId: fc.stringMatching(/^[a-zA-Z0-9]{9}$/),
    name: word,
    args: fc.dictionary(word, fc.oneof(fc.integer(), text), { maxKeys: 3 }),
  })
  .map(
    ({ callId, name, args }): CollectedBlock => ({
      block: { kind: 'tool-call', callId, name },
      text: JSON.stringify(args),
    }),
  );
const refusalBlock = text.map((value): CollectedBlock => ({ block: { kind: 'refusal' }, text: value }));
const imageBlock = word.map(
  (value): CollectedBlock => ({ block: { kind: 'image', url: `data:image/png;base64,${value}` }, text: '' }),
);
const citationBlock = fc.record({ url: fc.webUrl(), title: text, start: fc.nat(99), end: fc.nat(99) }).map(
  (annotation): CollectedBlock => ({
    block: { kind: 'citation', annotation: { kind: 'url', ...annotation } },
    text: '',
  }),
);

const usage: fc.Arbitrary<Usage> = fc
  .record({ input: fc.nat(1e6), 'cache-read': fc.nat(1e5), output: fc.nat(1e5), reasoning: fc.nat(1e5) })
  .map(
    (counts): Usage => ({
      counts: Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0)),
      estimated: false,
    }),
  );

/** Blocks in the order in which every wire form shows them, each kind at most a few times, tool calls with distinct ids. */
export const generation: fc.Arbitrary<Generation> = fc
  .record({
    reasoning: fc.array(fc.oneof(reasoningBlock, opaqueBlock), { maxLength: 3 }),
    text: fc.array(textBlock, { maxLength: 1 }),
    refusal: fc.array(refusalBlock, { maxLength: 1 }),
    sound: fc.array(soundBlock, { maxLength: 1 }),
    images: fc.array(imageBlock, { maxLength: 2 }),
    citations: fc.array(citationBlock, { maxLength: 2 }),
    calls: fc.uniqueArray(toolBlock, {
      maxLength: 3,
      selector: (block) => (block.block.kind === 'tool-call' ? block.block.callId : ''),
    }),
    usage,
    finish: fc.constantFrom('stop' as const, 'length' as const, 'content-filter' as const),
  })
  .map(({ reasoning, text: texts, refusal, sound, images, citations, calls, usage: counted, finish }): Generation => {
    const stop = calls.length > 0 && finish === 'stop' ? 'tool-calls' : finish;
    return {
      blocks: [...reasoning, ...texts, ...refusal, ...sound, ...images, ...citations, ...calls],
      usage: counted,
      finish: stop,
      nativeFinish: stop === 'tool-calls' ? 'tool_calls' : stop === 'content-filter' ? 'content_filter' : stop,
    };
  });
