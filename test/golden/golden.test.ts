import { describe, expect, test } from 'bun:test';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { collect } from '../../src/canon/collect.ts';
import type { GenerationEvent } from '../../src/canon/event.ts';
import { grammarBreach, runMachine } from '../../src/canon/grammar.ts';
import { ALL_PARAMETERS, parameterSet } from '../../src/canon/parameters.ts';
import { QUIRK_IDS, type Quirk, type Target } from '../../src/canon/target.ts';
import { type AnswerContext, EXPECT_NOTHING, framingOf } from '../../src/dialects/dialect.ts';
import { LOST } from '../../src/dialects/losses.ts';
import { DIALECTS } from '../../src/dialects/registry.ts';
import { type Framing, SSE } from '../../src/streams/framing.ts';
import { formatFrame, SseDecoder } from '../../src/streams/sse.ts';

/**
 * Transcripts of what goes over the wire, a folder each: `about.md` says what is shown and where it is from, `target.json` which habits
 * the host has. `upstream.sse` must give `events.json` and, told on by us, `client.sse`; `request.json` must give `upstream-request.json`.
 * Where a change is meant, `GOLDEN=write npm test` writes the expectations anew, for a reader to look at.
 */
const WRITE = process.env.GOLDEN === 'write';

const read = (path: string): string => readFileSync(path, 'utf8');
const pretty = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;

function expectFile(path: string, found: string): void {
  if (WRITE) writeFileSync(path, found);
  expect(found).toBe(read(path));
}

function targetOf(folder: string): Target {
  const { quirks, parameters, upstreamModel } = JSON.parse(read(join(folder, 'target.json'))) as {
    quirks: Quirk[];
    parameters?: string[];
    upstreamModel?: string;
  };
  for (const quirk of quirks) expect(QUIRK_IDS).toContain(quirk);
  return {
    upstreamModel: upstreamModel ?? 'm',
    quirks: new Set(quirks),
    parameters: parameters ? parameterSet(parameters).known : ALL_PARAMETERS,
    extraFields: new Set(),
  };
}

/** Transcripts are server-sent events to the eye; a wire with frames of its own gets them as its host would send them. */
function wireBytes(text: string, framing: Framing): Uint8Array {
  const plain = new TextEncoder().encode(text);
  if (framing === SSE) return plain;
  const frames = runMachine(new SseDecoder(), [plain]);
  return new Uint8Array(Buffer.from(frames.map(framing.format).join(''), framing.encoding));
}

/** How we tell our own clients. */
const ours: AnswerContext = {
  id: 'gen-1774000000-golden',
  created: 1_774_000_000,
  model: 'lab/model',
  provider: 'Provider',
  quirks: new Set(['router-answers', 'reasoning-object', 'numeric-error-codes']),
  showReasoning: true,
  streamUsage: true,
};

/** Read off the transcripts themselves. */
function kindsIn(id: string, folder: string): readonly string[] {
  const request = join(folder, 'request.json');
  if (existsSync(request)) {
    const decoded = DIALECTS[id]?.decodeRequest(JSON.parse(read(request)));
    const parts = decoded?.ok ? decoded.value.messages.flatMap((message) => message.parts) : [];
    return parts.some(({ kind }) => kind === 'image') ? ['image'] : [];
  }
  const events = JSON.parse(read(join(folder, 'events.json'))) as readonly GenerationEvent[];
  const { blocks, error } = collect(events);
  const calls = blocks.filter(({ block }) => block.kind === 'tool-call').length;
  const cut = error && (error.code === 'upstream_interrupted' || error.code === 'upstream_malformed');
  return [
    ...blocks.map(({ block }) => block.kind),
    ...(calls === 1 ? ['tool'] : calls > 1 ? ['parallel tools'] : []),
    ...(error ? [cut ? 'cut' : 'error'] : []),
  ];
}

const goldens = Object.keys(DIALECTS).flatMap((id) => {
  const folder = join(import.meta.dir, id);
  return existsSync(folder) ? readdirSync(folder).map((name) => [id, name, join(folder, name)] as const) : [];
});

describe('goldens', () => {
  test('every dialect has some, and each says what it is', () => {
    expect([...new Set(goldens.map(([id]) => id))]).toEqual(Object.keys(DIALECTS));
    expect(readdirSync(import.meta.dir).filter((name) => !(name in DIALECTS))).toEqual(['golden.test.ts']);
    for (const [, , folder] of goldens) {
      expect(read(join(folder, 'about.md'))).toMatch(/^# .+\n\n.+recorded/s);
      expect(existsSync(join(folder, 'upstream.sse')) || existsSync(join(folder, 'request.json'))).toBe(true);
    }
  });

  for (const id of Object.keys(DIALECTS)) {
    const { always = [] } = LOST[id] ?? {};
    test(`${id}: something of each kind that the wire has`, () => {
      const shown = new Set(goldens.flatMap(([of, , folder]) => (of === id ? kindsIn(id, folder) : [])));
      const lost = [...(always.includes('calls') ? ['tool', 'parallel tools', 'reasoning', 'image'] : [])];
      const wanted = ['text', 'tool', 'parallel tools', 'reasoning', 'image', 'error', 'cut'];
      expect(wanted.filter((kind) => !shown.has(kind) && !lost.includes(kind))).toEqual([]);
    });
  }

  for (const [id, name, folder] of goldens) {
    const dialect = DIALECTS[id];
    if (!dialect) continue;
    test(`${id}: ${name}`, () => {
      const target = targetOf(folder);
      const framing = framingOf(dialect);
      if (existsSync(join(folder, 'upstream.sse'))) {
        const bytes = wireBytes(read(join(folder, 'upstream.sse')), framing);
        const events = runMachine(dialect.decodeStream(target, EXPECT_NOTHING), runMachine(framing.decoder(), [bytes]));
        expect(grammarBreach(events)).toBeUndefined();
        expectFile(join(folder, 'events.json'), pretty(events));
        const pieces = Array.from(bytes, (_, i) => bytes.slice(i, i + 1));
        const bitwise = runMachine(dialect.decodeStream(target, EXPECT_NOTHING), runMachine(framing.decoder(), pieces));
        expect(collect(bitwise)).toEqual(collect(events));
        const told = runMachine(dialect.encodeStream(ours), events).map(formatFrame).join('');
        expectFile(join(folder, 'client.sse'), told);
      }
      if (existsSync(join(folder, 'request.json'))) {
        const decoded = dialect.decodeRequest(JSON.parse(read(join(folder, 'request.json'))));
        if (!decoded.ok) throw new Error(decoded.error.message);
        const { body, dropped } = dialect.encodeRequest(decoded.value, target);
        expectFile(join(folder, 'upstream-request.json'), pretty({ body: JSON.parse(body), dropped }));
      }
    });
  }
});
