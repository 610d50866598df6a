import { describe, expect, it } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import * as arbitrary from '../../test/support/arbitraries.ts';
import { type CollectedBlock, collect, type Generation, tell } from '../canon/collect.ts';
import type { GenerationEvent } from '../canon/event.ts';
import { grammarBreach, runMachine } from '../canon/grammar.ts';
import { ALL_PARAMETERS } from '../canon/parameters.ts';
import type { Quirk, Target } from '../canon/target.ts';
import { type Counts, tokens } from '../canon/units.ts';
import type { Frame } from '../streams/sse.ts';
import { type AnswerContext, type Dialect, EXPECT_NOTHING, framingOf } from './dialect.ts';
import { LOSSES, LOST, type Loss } from './losses.ts';
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
  /** Whether it tells thoughts as mere text, where other hosts of the dialect do more. */
  readonly plainThoughts?: boolean;
  /** Whose signatures and seals the wire is made for. */
  readonly maker?: string;
  /** Its own words for an end. */
  readonly words?: Readonly<Record<Generation['finish'], string | null>>;
}

const lossesOf = ({ dialect, plainThoughts }: Flavour): readonly Loss[] => {
  const lost = LOST[dialect];
  return [...(lost?.always ?? []), ...(plainThoughts ? (lost?.plainThoughts ?? []) : [])];
};

type Taken = (generation: Generation, flavour: Flavour) => Generation;

/** Every block as the wire has it: one, several or none. */
const each =
  (change: (one: CollectedBlock, flavour: Flavour) => CollectedBlock | undefined): Taken =>
  (generation, flavour) => ({ ...generation, blocks: generation.blocks.flatMap((one) => change(one, flavour) ?? []) });

const without = (kind: CollectedBlock['block']['kind']): Taken =>
  each((one) => (one.block.kind === kind ? undefined : one));

const unsigned = ({ signature: _signature, ...one }: CollectedBlock): CollectedBlock => one;

const counted = (generation: Generation, counts: Counts): Generation => ({
  ...generation,
  usage: {
    counts: Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0)),
    estimated: false,
  },
});

/** What each loss takes from an answer; in the order in which a wire lists them. */
const TAKES: { readonly [L in Loss]: Taken } = {
  refusals: each(({ block, ...one }) => ({ ...one, block: block.kind === 'refusal' ? { kind: 'text' } : block })),
  images: without('image'),
  sound: each((one) => (one.audio ? { block: { kind: 'text' }, text: one.audio.transcript } : one)),
  citations: without('citation'),
  'citation-places': each((one) => {
    if (one.block.kind !== 'citation' || one.block.annotation.kind !== 'url') return one;
    return { ...one, block: { kind: 'citation', annotation: { ...one.block.annotation, start: 0, end: 0 } } };
  }),
  logprobs: each(({ logprobs: _logprobs, ...one }) => one),
  calls: (generation, flavour) => ({
    ...without('tool-call')(generation, flavour),
    finish: generation.finish === 'tool-calls' ? 'stop' : generation.finish,
  }),
  'thought-places': (generation) => {
    const thoughts = generation.blocks.filter(({ block }) => block.kind === 'reasoning');
    const rest = generation.blocks.filter(({ block }) => block.kind !== 'reasoning');
    const [first] = thoughts;
    const text = thoughts.map((one) => one.text).join('');
    return { ...generation, blocks: first ? [{ block: first.block, text }, ...rest] : rest };
  },
  'thought-ids': each((one) => {
    if (one.block.kind !== 'reasoning' && one.block.kind !== 'opaque') return one;
    const { id: _id, ...block } = one.block;
    return { ...one, block } as CollectedBlock;
  }),
  makers: each((one, { maker = 'unknown' }) =>
    one.block.kind === 'reasoning' ? { ...one, block: { kind: 'reasoning', form: 'text', format: maker } } : one,
  ),
  signatures: each(unsigned),
  'foreign-signatures': each((one, { maker }) =>
    one.block.kind === 'reasoning' && one.block.format !== maker ? unsigned(one) : one,
  ),
  sealed: without('opaque'),
  'foreign-sealed': each((one, { maker }) => {
    if (one.block.kind !== 'opaque') return one;
    const { format, data } = one.block;
    return format === maker ? { ...one, block: { kind: 'opaque', format, data } } : undefined;
  }),
  'sealed-names': each((one, { maker }) => {
    if (one.block.kind !== 'opaque' || maker === undefined) return one;
    const { format, id = '', data: own } = one.block;
    const data = format === maker ? own : `turnpike:${format}:${id}:${own}`;
    return { ...one, block: { kind: 'opaque', format: maker, data } };
  }),
  filters: (generation) => {
    const called = generation.blocks.some(({ block }) => block.kind === 'tool-call');
    const finish = generation.finish === 'length' ? 'length' : called ? 'tool-calls' : 'stop';
    return { ...generation, finish };
  },
  'token-kinds': (generation) => {
    const counts = generation.usage?.counts ?? {};
    return counted(generation, { input: tokens(counts, 'input'), output: tokens(counts, 'output') });
  },
  'token-kinds-but-cache': (generation) => {
    const counts = generation.usage?.counts ?? {};
    const { input = 0, 'cache-read': cached = 0 } = counts;
    return counted(generation, { input, 'cache-read': cached, output: tokens(counts, 'output') });
  },
  'thought-tokens': (generation) => {
    const { reasoning = 0, output = 0, ...others } = generation.usage?.counts ?? {};
    return counted(generation, { ...others, output: output + reasoning });
  },
  'native-finish': (generation, { words }) => ({ ...generation, nativeFinish: words?.[generation.finish] ?? null }),
};

/** What this wire can say of an answer: the mirror law holds up to exactly this. */
const carried = (generation: Generation, flavour: Flavour): Generation =>
  lossesOf(flavour).reduce((left, loss) => TAKES[loss](left, flavour), generation);

const chat = { dialect: 'openai-chat', complete: /"finish_reason":"/ };
const CLAUDE = 'anthropic-claude-v1';

const FLAVOURS: readonly Flavour[] = [
  { ...chat, name: 'our own and OpenRouter', quirks: ['router-answers', 'reasoning-object', 'numeric-error-codes'] },
  {
    ...chat,
    name: 'reasoning_content, usage opt-in',
    quirks: ['usage-opt-in', 'reasoning-content', 'problem-errors'],
    plainThoughts: true,
  },
  {
    ...chat,
    name: 'thinking chunks, whole calls',
    quirks: ['thinking-chunks', 'whole-tool-calls', 'usage-in-finish', 'flat-errors'],
    plainThoughts: true,
  },
  { ...chat, name: 'thoughts between tags', quirks: ['think-tags', 'usage-opt-in'], plainThoughts: true },
  {
    dialect: 'openai-completions',
    name: 'its own hosts',
    complete: /"finish_reason":"/,
    quirks: ['usage-opt-in'],
  },
  // One flavour for each of its hosts, but none for those that only leave things out.
  {
    dialect: 'anthropic-messages',
    name: 'its own hosts',
    complete: /"type":"message_stop"/,
    quirks: [],
    maker: CLAUDE,
    words: {
      stop: 'end_turn',
      length: 'max_tokens',
      'tool-calls': 'tool_use',
      'content-filter': 'refusal',
      error: 'end_turn',
    },
  },
  {
    dialect: 'openai-responses',
    name: 'its own hosts',
    complete: /"type":"response\.(completed|incomplete)"/,
    quirks: [],
    words: {
      stop: 'completed',
      'tool-calls': 'completed',
      length: 'max_output_tokens',
      'content-filter': 'content_filter',
      error: null,
    },
  },
  {
    dialect: 'gemini-generate',
    name: 'its own hosts',
    complete: /"finishReason":"/,
    quirks: [],
    maker: 'google-gemini-v1',
    words: { stop: 'STOP', 'tool-calls': 'STOP', length: 'MAX_TOKENS', 'content-filter': 'SAFETY', error: 'OTHER' },
  },
  {
    dialect: 'ollama-chat',
    name: 'its own hosts',
    complete: /"done":true/,
    quirks: [],
    words: { stop: 'stop', 'tool-calls': 'stop', length: 'length', 'content-filter': 'stop', error: 'stop' },
  },
  {
    dialect: 'cohere-v2',
    name: 'its own hosts',
    complete: /"type":"message-end"/,
    quirks: [],
    words: {
      stop: 'COMPLETE',
      length: 'MAX_TOKENS',
      'tool-calls': 'TOOL_CALL',
      'content-filter': 'ERROR_TOXIC',
      error: 'ERROR',
    },
  },
  {
    dialect: 'bedrock-converse',
    name: 'its own hosts',
    complete: /^messageStop /,
    quirks: [],
    maker: CLAUDE,
    words: {
      stop: 'end_turn',
      length: 'max_tokens',
      'tool-calls': 'tool_use',
      'content-filter': 'content_filtered',
      error: 'malformed_model_output',
    },
  },
];

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

/** What stays equal on the way through a wire: adjacent blocks of one kind are one block, identity and raw usage are the wire's own. */
function normal(given: Generation, flavour: Flavour): unknown {
  const generation = lossesOf(flavour).includes('thought-ids') ? TAKES['thought-ids'](given, flavour) : given;
  const blocks: CollectedBlock[] = [];
  for (const block of generation.blocks) {
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
            fc.pre(carried(generation, flavour).blocks.length > 0);
            const events = ofBytes(dialect, flavour, [encode(dialect, streamed(dialect, flavour, generation))]);
            expect(grammarBreach(events)).toBeUndefined();
            expect(normal(collect(events), flavour)).toEqual(normal(carried(generation, flavour), flavour));
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

describe('what is lost', () => {
  const page = (id: string): string => readFileSync(join(import.meta.dir, '../../docs/dialects', `${id}.md`), 'utf8');
  const stated = (text: string, begin: string): readonly string[] =>
    (text.split(`${begin}\n\n`)[1]?.split('\n\n')[0] ?? '').split('\n').filter((line) => line.startsWith('- '));
  const bullets = (losses: readonly Loss[] = []): readonly string[] => losses.map((loss) => `- ${LOSSES[loss]}`);

  it('every dialect has a flavour and says what it loses', () => {
    expect(Object.keys(LOST).sort()).toEqual(Object.keys(DIALECTS).sort());
    expect(new Set(FLAVOURS.map(({ dialect }) => dialect))).toEqual(new Set(Object.keys(DIALECTS)));
  });

  for (const [id, { always, plainThoughts }] of Object.entries(LOST)) {
    it(`the page of ${id} names exactly what its answers lose`, () => {
      expect(stated(page(id), '**Lost in an answer:**')).toEqual(bullets(always));
      expect(stated(page(id), '**Lost beyond that, where a host tells thoughts as mere text:**')).toEqual(
        bullets(plainThoughts),
      );
    });
  }
});
