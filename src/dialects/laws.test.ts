import { describe, expect, it } from 'bun:test';
import fc from 'fast-check';
import * as arbitrary from '../../test/support/arbitraries.ts';
import { type CollectedBlock, collect, type Generation, tell } from '../canon/collect.ts';
import type { GenerationEvent } from '../canon/event.ts';
import { grammarBreach, runMachine } from '../canon/grammar.ts';
import { ALL_PARAMETERS } from '../canon/parameters.ts';
import type { Quirk, Target } from '../canon/target.ts';
import { tokens } from '../canon/units.ts';
import type { Frame } from '../streams/sse.ts';
import { type AnswerContext, type Dialect, EXPECT_NOTHING, framingOf } from './dialect.ts';
import { DIALECTS } from './registry.ts';

/**
 * The laws every dialect passes (docs/dialects): the ingress half writes what the upstream half reads, so each wire format is its own
 * test oracle. A flavour is a set of quirks a provider of the dialect may have, with what that wire cannot carry.
 */
interface Flavour {
  readonly dialect: string;
  readonly name: string;
  /** Which frame says that the answer is complete. */
  readonly complete: RegExp;
  readonly quirks: readonly Quirk[];
  /** Where every thought has an id of the wire's own making. */
  readonly ids?: 'own';
  /** What this wire can say of an answer: the mirror law holds up to exactly this. */
  readonly carries: (generation: Generation) => Generation;
}

const same = (generation: Generation): Generation => generation;

/** Wires without `reasoning_details` carry reasoning as one plain text, and nothing a maker signed or encrypted. */
function plainReasoning(generation: Generation): Generation {
  const thoughts = generation.blocks.filter(({ block }) => block.kind === 'reasoning');
  const rest = generation.blocks.filter(({ block }) => block.kind !== 'reasoning' && block.kind !== 'opaque');
  const text = thoughts.map((block) => block.text).join('');
  const joined: CollectedBlock = { block: { kind: 'reasoning', form: 'text', format: 'unknown' }, text };
  return { ...generation, blocks: text === '' ? rest : [joined, ...rest] };
}

const MAKER = 'anthropic-claude-v1';

const OPENAI: readonly Flavour[] = [
  {
    dialect: 'openai-chat',
    complete: /"finish_reason":"/,
    name: 'our own and OpenRouter',
    quirks: ['router-answers', 'reasoning-object', 'numeric-error-codes'],
    carries: same,
  },
  {
    dialect: 'openai-chat',
    complete: /"finish_reason":"/,
    name: 'reasoning_content, usage opt-in',
    quirks: ['usage-opt-in', 'reasoning-content', 'problem-errors'],
    carries: plainReasoning,
  },
  {
    dialect: 'openai-chat',
    complete: /"finish_reason":"/,
    name: 'thinking chunks, whole calls',
    quirks: ['thinking-chunks', 'whole-tool-calls', 'usage-in-finish', 'flat-errors'],
    carries: plainReasoning,
  },
];

const tagged: Flavour = {
  dialect: 'openai-chat',
  complete: /"finish_reason":"/,
  name: 'thoughts between tags',
  quirks: ['think-tags', 'usage-opt-in'],
  carries: plainReasoning,
};

/** One flavour for each of its hosts, but none for those that only leave things out. */
const anthropic: Flavour = {
  dialect: 'anthropic-messages',
  name: 'its own hosts',
  complete: /"type":"message_stop"/,
  quirks: [],
  carries: anthropicAnswer,
};

const STOP_REASONS = {
  stop: 'end_turn',
  length: 'max_tokens',
  'tool-calls': 'tool_use',
  'content-filter': 'refusal',
  error: 'end_turn',
} as const;

/** No pictures, no refusals apart from the text, one maker's signatures, and the place of a citation is where it stands. */
function anthropicAnswer(generation: Generation): Generation {
  const blocks = generation.blocks.flatMap((one): CollectedBlock[] => {
    const { block, text } = one;
    if (block.kind === 'refusal') return [{ block: { kind: 'text' }, text }];
    if (block.kind === 'image') return [];
    if (block.kind === 'reasoning') {
      const signature = block.format === MAKER ? one.signature : undefined;
      return [
        {
          block: { kind: 'reasoning', form: 'text', format: MAKER },
          text,
          ...(signature !== undefined && { signature }),
        },
      ];
    }
    if (block.kind === 'opaque') {
      const data = block.format === MAKER ? block.data : `turnpike:${block.format}:${block.id ?? ''}:${block.data}`;
      return [{ block: { kind: 'opaque', format: MAKER, data }, text: '' }];
    }
    if (block.kind === 'citation' && block.annotation.kind === 'url')
      return [{ block: { kind: 'citation', annotation: { ...block.annotation, start: 0, end: 0 } }, text: '' }];
    return [one];
  });
  return { ...generation, blocks, nativeFinish: STOP_REASONS[generation.finish] };
}

const target = (flavour: Flavour): Target => ({
  upstreamModel: 'm',
  quirks: new Set(flavour.quirks),
  parameters: ALL_PARAMETERS,
  extraFields: new Set(),
});

const context = (flavour: Flavour): AnswerContext => ({
  id: 'gen-1',
  created: 1,
  model: 'lab/model',
  provider: 'Provider',
  quirks: new Set(flavour.quirks),
  showReasoning: true,
  streamUsage: true,
});

function withoutId(one: CollectedBlock): CollectedBlock {
  if (one.block.kind !== 'reasoning' && one.block.kind !== 'opaque') return one;
  const { id: _id, ...block } = one.block;
  return { ...one, block } as CollectedBlock;
}

/** What stays equal on the way through a wire: adjacent blocks of one kind are one block, identity and raw usage are the wire's own. */
function normal(generation: Generation, { ids }: Flavour): unknown {
  const blocks: CollectedBlock[] = [];
  for (const given of generation.blocks) {
    const block = ids === 'own' ? withoutId(given) : given;
    const last = blocks.at(-1);
    const mergeable = block.block.kind === 'text' || block.block.kind === 'refusal' || block.block.kind === 'reasoning';
    if (
      last &&
      mergeable &&
      last.signature === undefined &&
      JSON.stringify(last.block) === JSON.stringify(block.block)
    ) {
      blocks[blocks.length - 1] = { ...last, ...block, text: last.text + block.text };
    } else blocks.push(block);
  }
  return {
    blocks,
    counts: generation.usage?.counts ?? {},
    finish: generation.finish,
    native: generation.nativeFinish,
    error: generation.error?.code,
  };
}

const encode = (dialect: Dialect, frames: readonly Frame[]): Uint8Array => {
  const { format, encoding } = framingOf(dialect);
  return new Uint8Array(Buffer.from(frames.map(format).join(''), encoding));
};

function recut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const at = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...at].map((from, index) => bytes.slice(from, at[index] ?? bytes.length));
}

const ofBytes = (dialect: Dialect, flavour: Flavour, pieces: readonly Uint8Array[]): GenerationEvent[] =>
  runMachine(dialect.decodeStream(target(flavour), EXPECT_NOTHING), runMachine(framingOf(dialect).decoder(), pieces));

const streamed = (dialect: Dialect, flavour: Flavour, generation: Generation): Frame[] =>
  runMachine(dialect.encodeStream(context(flavour)), [...tell(generation)]);

/** Damages a JSON value somewhere: drops a member, or gives it another type. */
function damaged(value: unknown, seed: number): unknown {
  if (Array.isArray(value))
    return seed % 5 === 0
      ? []
      : value.map((item, i) => (i === seed % (value.length || 1) ? damaged(item, seed >> 2) : item));
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value);
    const victim = seed % (entries.length || 1);
    return Object.fromEntries(
      entries.flatMap(([key, inner], i): [string, unknown][] => {
        if (i !== victim) return [[key, inner]];
        return seed % 3 === 0 ? [] : [[key, damaged(inner, seed >> 2)]];
      }),
    );
  }
  return [null, 7, 'x', {}, [], true][seed % 6];
}

const responses: Flavour = {
  dialect: 'openai-responses',
  name: 'its own hosts',
  complete: /"type":"response\.(completed|incomplete)"/,
  quirks: [],
  carries: (generation) => ({ ...generation, nativeFinish: NATIVE[generation.finish] }),
  ids: 'own',
};

const NATIVE = {
  stop: 'completed',
  'tool-calls': 'completed',
  length: 'max_output_tokens',
  'content-filter': 'content_filter',
  error: null,
} as const;

const gemini: Flavour = {
  dialect: 'gemini-generate',
  name: 'its own hosts',
  complete: /"finishReason":"/,
  quirks: [],
  carries: geminiAnswer,
};

const GEMINI_WORDS = {
  stop: 'STOP',
  'tool-calls': 'STOP',
  length: 'MAX_TOKENS',
  'content-filter': 'SAFETY',
  error: 'OTHER',
} as const;

/** No refusals apart from the text, no citations, and nobody else's signatures and sealed thoughts. */
function geminiAnswer(generation: Generation): Generation {
  const blocks = generation.blocks.flatMap(({ block, text, ...rest }): CollectedBlock[] => {
    if (block.kind === 'refusal') return [{ block: { kind: 'text' }, text }];
    if (block.kind === 'citation' || block.kind === 'opaque') return [];
    if (block.kind === 'reasoning')
      return [{ block: { kind: 'reasoning', form: 'text', format: 'google-gemini-v1' }, text }];
    return [{ block, text, ...rest }];
  });
  return { ...generation, blocks, nativeFinish: GEMINI_WORDS[generation.finish] };
}

/** Counts by direction alone. */
function plainUsage({ usage }: Generation): Pick<Generation, 'usage'> {
  const input = tokens(usage?.counts ?? {}, 'input');
  const output = tokens(usage?.counts ?? {}, 'output');
  return { usage: { counts: { ...(input > 0 && { input }), ...(output > 0 && { output }) }, estimated: false } };
}

/** Thoughts, then words, then calls, and nothing else. */
function plainBlocks(generation: Generation, others: readonly string[] = []): readonly CollectedBlock[] {
  return generation.blocks.flatMap(({ block, text }): CollectedBlock[] => {
    if (block.kind === 'refusal') return [{ block: { kind: 'text' }, text }];
    if (block.kind === 'reasoning') return [{ block: { kind: 'reasoning', form: 'text', format: 'unknown' }, text }];
    return block.kind === 'text' || block.kind === 'tool-call' || others.includes(block.kind) ? [{ block, text }] : [];
  });
}

const ollama: Flavour = {
  dialect: 'ollama-chat',
  name: 'its own hosts',
  complete: /"done":true/,
  quirks: [],
  carries: (generation) => {
    const blocks = plainBlocks(generation);
    const called = blocks.some(({ block }) => block.kind === 'tool-call');
    const finish = generation.finish === 'length' ? 'length' : called ? 'tool-calls' : 'stop';
    const nativeFinish = finish === 'length' ? 'length' : 'stop';
    return { ...generation, blocks, finish, nativeFinish, ...plainUsage(generation) };
  },
};

const COHERE_WORDS = {
  stop: 'COMPLETE',
  length: 'MAX_TOKENS',
  'tool-calls': 'TOOL_CALL',
  'content-filter': 'ERROR_TOXIC',
  error: 'ERROR',
} as const;

/** What was read from the cache is told; thoughts are counted with the rest. */
const cohere: Flavour = {
  dialect: 'cohere-v2',
  name: 'its own hosts',
  complete: /"type":"message-end"/,
  quirks: [],
  carries: (generation) => {
    const counts = generation.usage?.counts ?? {};
    const output = tokens(counts, 'output');
    const { input, 'cache-read': cached } = counts;
    return {
      ...generation,
      blocks: plainBlocks(generation, ['citation']),
      nativeFinish: COHERE_WORDS[generation.finish],
      usage: {
        counts: { ...(input && { input }), ...(cached && { 'cache-read': cached }), ...(output > 0 && { output }) },
        estimated: false,
      },
    };
  },
};

const BEDROCK_WORDS = {
  stop: 'end_turn',
  length: 'max_tokens',
  'tool-calls': 'tool_use',
  'content-filter': 'content_filtered',
  error: 'malformed_model_output',
} as const;

/** One maker's signatures and seals, no pictures, no citations; thoughts are counted with the rest. */
const bedrock: Flavour = {
  dialect: 'bedrock-converse',
  name: 'its own hosts',
  complete: /^messageStop /,
  quirks: [],
  carries: (generation) => {
    const { reasoning: thought = 0, output = 0, ...others } = generation.usage?.counts ?? {};
    const counts = { ...others, ...(output + thought > 0 && { output: output + thought }) };
    const blocks = anthropicAnswer(generation).blocks.flatMap((one): CollectedBlock[] => {
      if (one.block.kind === 'citation') return [];
      return one.block.kind === 'opaque' && one.block.data.startsWith('turnpike:') ? [] : [one];
    });
    return {
      ...generation,
      blocks,
      nativeFinish: BEDROCK_WORDS[generation.finish],
      usage: { counts, estimated: false },
    };
  },
};

const completions: Flavour = {
  dialect: 'openai-completions',
  name: 'its own hosts',
  complete: /"finish_reason":"/,
  quirks: ['usage-opt-in'],
  carries: (generation) => {
    const all = plainReasoning(generation).blocks.filter(
      ({ block }) => block.kind === 'text' || block.kind === 'reasoning',
    );
    const finish = generation.finish === 'tool-calls' ? 'stop' : generation.finish;
    return { ...generation, blocks: all, finish };
  },
};

const FLAVOURS: readonly Flavour[] = [
  ...OPENAI,
  tagged,
  completions,
  anthropic,
  responses,
  gemini,
  ollama,
  cohere,
  bedrock,
];

for (const dialect of Object.values(DIALECTS)) {
  for (const flavour of FLAVOURS.filter((one) => one.dialect === dialect.id)) {
    describe(`${dialect.id}, ${flavour.name}`, () => {
      it('L1 any split of the bytes gives the same answer', () => {
        fc.assert(
          fc.property(arbitrary.generation, fc.array(fc.nat(), { maxLength: 8 }), (generation, places) => {
            const bytes = encode(dialect, streamed(dialect, flavour, generation));
            expect(ofBytes(dialect, flavour, recut(bytes, places))).toEqual(ofBytes(dialect, flavour, [bytes]));
          }),
        );
      });

      it('L2 damaged frames and garbage still end exactly once and never throw', () => {
        const check = (frames: readonly Frame[]): void => {
          const events = runMachine(dialect.decodeStream(target(flavour), EXPECT_NOTHING), frames);
          expect(grammarBreach(events)).toBeUndefined();
        };
        fc.assert(
          fc.property(arbitrary.generation, fc.nat(), fc.nat(), (generation, seed, place) => {
            const frames = streamed(dialect, flavour, generation);
            check(
              frames.map((frame, i) => {
                if (i !== place % frames.length || frame.data === dialect.endMarker?.data) return frame;
                return { ...frame, data: JSON.stringify(damaged(JSON.parse(frame.data), seed)) };
              }),
            );
          }),
          { numRuns: 300 },
        );
        fc.assert(
          fc.property(fc.array(fc.oneof(fc.string(), fc.json())), (lines) => {
            check(lines.map((data) => ({ data })));
          }),
          { numRuns: 300 },
        );
        fc.assert(
          fc.property(fc.jsonValue(), (wire) => {
            expect(grammarBreach(dialect.decodeWhole(wire, target(flavour), EXPECT_NOTHING))).toBeUndefined();
          }),
          { numRuns: 300 },
        );
      });

      it('L3 the upstream half reads what the ingress half wrote', () => {
        fc.assert(
          fc.property(arbitrary.generation, (generation) => {
            fc.pre(flavour.carries(generation).blocks.length > 0);
            const events = ofBytes(dialect, flavour, [encode(dialect, streamed(dialect, flavour, generation))]);
            expect(grammarBreach(events)).toBeUndefined();
            expect(normal(collect(events), flavour)).toEqual(normal(flavour.carries(generation), flavour));
          }),
          { numRuns: 300 },
        );
      });

      it('L4 a stream cut before its finish ends in an error, never as if complete', () => {
        fc.assert(
          fc.property(arbitrary.generation, fc.nat(), (generation, place) => {
            const frames = streamed(dialect, flavour, generation);
            const finish = frames.findIndex((frame) => flavour.complete.test(`${frame.event ?? ''} ${frame.data}`));
            const events = runMachine(
              dialect.decodeStream(target(flavour), EXPECT_NOTHING),
              frames.slice(0, place % (finish + 1)),
            );
            expect(events.at(-1)?.type).toBe('generation-error');
          }),
        );
      });

      it('L5 a whole answer says the same as its stream', () => {
        fc.assert(
          fc.property(arbitrary.generation, (generation) => {
            const wire = JSON.parse(JSON.stringify(dialect.encodeWhole(generation, context(flavour)))) as unknown;
            const whole = collect(dialect.decodeWhole(wire, target(flavour), EXPECT_NOTHING));
            const stream = collect(
              ofBytes(dialect, flavour, [encode(dialect, streamed(dialect, flavour, generation))]),
            );
            expect(normal(whole, flavour)).toEqual(normal(stream, flavour));
          }),
          { numRuns: 300 },
        );
      });
    });
  }
}
