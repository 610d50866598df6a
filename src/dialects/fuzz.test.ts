import { describe, expect, it } from 'bun:test';
import fc from 'fast-check';
import * as arbitrary from '../../test/support/arbitraries.ts';
import { seededRandom } from '../canon/clock.ts';
import { tell } from '../canon/collect.ts';
import type { GenerationEvent } from '../canon/event.ts';
import { grammarBreach, runMachine } from '../canon/grammar.ts';
import { ALL_PARAMETERS } from '../canon/parameters.ts';
import type { Quirk, Target } from '../canon/target.ts';
import { type Dialect, EXPECT_NOTHING, framingOf } from './dialect.ts';
import { DIALECTS } from './registry.ts';

/**
 * Answers as a broken network or a broken host sends them: bytes flipped, cut off, inserted, split anywhere. Whatever comes, the decoder
 * ends exactly once and never throws, and what was cut before its end does not end as if it were complete.
 */

const CASES = 10_000;
const STREAMS = 24;

/** Habits of hosts that change how answers are read, and the mark by which each wire says that an answer is complete. */
const WIRES: Readonly<Record<string, { readonly mark: string; readonly quirks: readonly Quirk[] }>> = {
  'openai-chat': {
    mark: '"finish_reason":"',
    quirks: ['think-tags', 'thinking-chunks', 'reasoning-object', 'usage-opt-in'],
  },
  'openai-completions': { mark: '"finish_reason":"', quirks: ['usage-opt-in'] },
  'openai-responses': { mark: '"type":"response.completed"', quirks: [] },
  'anthropic-messages': { mark: '"type":"message_stop"', quirks: [] },
  'gemini-generate': { mark: '"finishReason":"', quirks: [] },
  'ollama-chat': { mark: '"done":true', quirks: [] },
  'cohere-v2': { mark: '"type":"message-end"', quirks: [] },
  'bedrock-converse': { mark: 'messageStop', quirks: [] },
};

interface Recorded {
  readonly bytes: Uint8Array;
  /** Where the frame that says "complete" begins. */
  readonly completeAt: number;
  readonly whole: string;
}

const target = (quirks: readonly Quirk[]): Target => ({
  upstreamModel: 'm',
  quirks: new Set(quirks),
  parameters: ALL_PARAMETERS,
  extraFields: new Set(),
});

function record(dialect: Dialect, quirks: readonly Quirk[], mark: string): readonly Recorded[] {
  const context = {
    id: 'gen-1',
    created: 1,
    model: 'lab/model',
    provider: 'Provider',
    quirks: new Set(quirks),
    showReasoning: true,
    streamUsage: true,
  };
  const { format, encoding } = framingOf(dialect);
  const all = fc.sample(arbitrary.generation, { numRuns: 10 * STREAMS, seed: 7 }).map((generation) => {
    const frames = runMachine(dialect.encodeStream(context), [...tell(generation)]);
    const place = frames.findIndex((frame) => `${frame.event ?? ''} ${frame.data}`.includes(mark));
    const text = frames.map(format);
    const bytesOf = (lines: readonly string[]): Uint8Array => new Uint8Array(Buffer.from(lines.join(''), encoding));
    return {
      bytes: bytesOf(text),
      completeAt: bytesOf(text.slice(0, Math.max(0, place))).length,
      whole: JSON.stringify(dialect.encodeWhole(generation, context)),
    };
  });
  const usual = all.filter(({ completeAt }) => completeAt > 0).sort((a, b) => a.bytes.length - b.bytes.length);
  return usual.slice(STREAMS, 2 * STREAMS);
}

const below = (random: () => number, limit: number): number => Math.floor(random() * limit);

/** Bytes that mean something to a framing, which plain chance would seldom hit. */
const TELLING = [...Buffer.from('\n\r\0"{}[],:\\dataeventDONE 0', 'latin1'), 0xff, 0xc3, 0xef];

type Damage = (bytes: Uint8Array, random: () => number) => Uint8Array;
const DAMAGES: Readonly<Record<string, Damage>> = {
  flip: (bytes, random) => {
    const copy = bytes.slice();
    for (let n = 1 + below(random, 4); n > 0; n--) {
      const at = below(random, copy.length);
      copy[at] = (copy[at] ?? 0) ^ (1 << below(random, 8));
    }
    return copy;
  },
  overwrite: (bytes, random) => {
    const copy = bytes.slice();
    copy[below(random, copy.length)] = TELLING[below(random, TELLING.length)] ?? 0;
    return copy;
  },
  insert: (bytes, random) => {
    const at = below(random, bytes.length + 1);
    const noise = Uint8Array.from({ length: 1 + below(random, 12) }, () => TELLING[below(random, TELLING.length)] ?? 0);
    return Buffer.concat([bytes.subarray(0, at), noise, bytes.subarray(at)]);
  },
  remove: (bytes, random) => {
    const at = below(random, bytes.length);
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + below(random, 40))]);
  },
  repeat: (bytes, random) => {
    const from = below(random, bytes.length);
    const to = from + below(random, bytes.length - from);
    return Buffer.concat([bytes.subarray(0, to), bytes.subarray(from)]);
  },
  none: (bytes) => bytes,
};

/** Into one to five pieces, wherever that falls. */
function split(bytes: Uint8Array, random: () => number): readonly Uint8Array[] {
  const places = Array.from({ length: below(random, 5) }, () => below(random, bytes.length + 1)).sort((a, b) => a - b);
  return [0, ...places].map((from, index) => bytes.slice(from, places[index] ?? bytes.length));
}

for (const dialect of Object.values(DIALECTS)) {
  const { mark, quirks } = WIRES[dialect.id] ?? { mark: '', quirks: [] };
  const recorded = record(dialect, quirks, mark);
  const read = (pieces: readonly Uint8Array[]): readonly GenerationEvent[] =>
    runMachine(
      dialect.decodeStream(target(quirks), EXPECT_NOTHING),
      runMachine(framingOf(dialect).decoder(), [...pieces]),
    );

  describe(dialect.id, () => {
    it(`reads ${CASES} damaged answers without throwing, hanging or growing, and takes none that was cut for complete`, () => {
      const random = seededRandom(42);
      const kinds = Object.values(DAMAGES);
      const heap = (): number => {
        Bun.gc(true);
        return process.memoryUsage().heapUsed;
      };
      const before = heap();
      const breaches: string[] = [];
      for (let n = 0; n < CASES; n++) {
        const { bytes, completeAt } = recorded[n % recorded.length] ?? { bytes: new Uint8Array(), completeAt: 0 };
        const cut = random() < 0.5;
        const kept = cut ? bytes.subarray(0, below(random, completeAt + 1)) : bytes;
        const damaged = kept.length === 0 ? kept : (kinds[n % kinds.length]?.(kept, random) ?? kept);
        const events = read(split(damaged, random));
        const breach = grammarBreach(events);
        const clean = cut && events.at(-1)?.type !== 'generation-error';
        // By chance damage may say that the answer is complete.
        if (breach !== undefined || (clean && !Buffer.from(damaged).includes(mark)))
          breaches.push(`${n}: ${breach ?? 'ended cleanly'} ${Buffer.from(damaged)}`);
      }
      expect(breaches.slice(0, 3)).toEqual([]);
      expect(heap() - before).toBeLessThan(32 * 1024 * 1024);
    }, 60_000);

    it('takes an answer cut at any byte before its end for one that was cut', () => {
      for (const { bytes, completeAt } of recorded.slice(0, 3))
        for (let at = 0; at <= completeAt; at++)
          expect(read([bytes.subarray(0, at)]).at(-1)?.type).toBe('generation-error');
    });

    it('reads damaged whole answers without throwing', () => {
      const random = seededRandom(43);
      const kinds = Object.values(DAMAGES);
      for (let n = 0; n < 2000; n++) {
        const { whole } = recorded[n % recorded.length] ?? { whole: '' };
        const text = Buffer.from(kinds[n % kinds.length]?.(Buffer.from(whole), random) ?? []).toString();
        let wire: unknown;
        try {
          wire = JSON.parse(text);
        } catch {
          wire = undefined;
        }
        expect(grammarBreach(dialect.decodeWhole(wire, target(quirks), EXPECT_NOTHING))).toBeUndefined();
      }
    });
  });
}
