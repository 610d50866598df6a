import { describe, expect, test } from 'bun:test';
import type { Preset, PresetStore } from './ports.ts';
import { type PresetContent, Presets } from './presets.ts';

const content = (config: Record<string, unknown> = {}): PresetContent => ({
  creator: 'k',
  dialect: 'openai-chat',
  systemPrompt: null,
  config,
});

function presets(outcome: () => Promise<'written' | 'existed'> = async () => 'written', known: readonly Preset[] = []) {
  let id = 0;
  const written: Preset[] = [];
  const store: PresetStore = {
    putPreset: (preset) => {
      written.push(preset);
      return outcome();
    },
    presetVersions: async () => [],
    presetVersion: async () => null,
  };
  return { written, book: new Presets(store, known, () => `id-${++id}`) };
}

describe('presets', () => {
  test('of one workspace are nothing to another, not even by the same name', async () => {
    const { book } = presets();
    const one = await book.write('one', 'a', content({ seed: 1 }), 1);
    const two = await book.write('two', 'a', content({ seed: 2 }), 2);
    if (!one.ok || !two.ok) throw new Error('not written');
    expect(one.value.id).not.toBe(two.value.id);
    expect(two.value.designated.version).toBe(1);
    expect(book.find('one', 'a')?.designated.config).toEqual({ seed: 1 });
    expect(book.list('two').map(({ workspaceId }) => workspaceId)).toEqual(['two']);
    expect(book.find('three', 'a')).toBeUndefined();
    expect(book.serving('three', 'a').ok).toBe(false);
  });

  test('serve only once they are on disk, and only one writer at a time', async () => {
    let release: (outcome: 'written' | 'existed') => void = () => {};
    const { book, written } = presets(() => new Promise((resolve) => (release = resolve)));
    const first = book.write('w', 'a', content(), 1);
    expect(book.find('w', 'a')).toBeUndefined();
    const second = await book.write('w', 'a', content(), 1);
    expect(second).toMatchObject({ ok: false, error: { code: 'preset_conflict' } });
    const other = book.write('w', 'b', content(), 1);
    release('written');
    await other;
    expect(written).toHaveLength(2);
    expect(book.find('w', 'b')?.designated.version).toBe(1);
    void first;
  });

  test('somebody else’s version in the store is a conflict, and what serves stays', async () => {
    let outcome: 'written' | 'existed' = 'written';
    const { book } = presets(async () => outcome);
    await book.write('w', 'a', content({ seed: 1 }), 1);
    outcome = 'existed';
    expect(await book.write('w', 'a', content({ seed: 2 }), 2)).toMatchObject({
      ok: false,
      error: { code: 'preset_conflict' },
    });
    expect(book.find('w', 'a')?.designated.config).toEqual({ seed: 1 });
    outcome = 'written';
    expect(await book.write('w', 'a', content({ seed: 3 }), 3)).toMatchObject({
      ok: true,
      value: { designated: { version: 2 }, createdAt: 1, updatedAt: 3 },
    });
  });

  test('have bounds in number and size', async () => {
    const { book } = presets();
    for (let n = 0; n < 1000; n++) await book.write('w', `p${n}`, content(), n);
    expect(await book.write('w', 'one-more', content(), 1)).toMatchObject({ ok: false });
    expect((await book.write('w', 'p0', content(), 1)).ok).toBe(true);
    expect((await book.write('other', 'one-more', content(), 1)).ok).toBe(true);
    const large = { ...content(), systemPrompt: 'x'.repeat(256 * 1024) };
    expect(await book.write('w', 'p0', large, 1)).toMatchObject({ ok: false, error: { code: 'invalid_request' } });
  });

  test('that are not active serve nobody, though they are still there', async () => {
    const { book } = presets();
    const made = await book.write('w', 'a', content(), 1);
    if (!made.ok) throw new Error('not written');
    for (const status of ['disabled', 'archived'] as const) {
      const again = presets(undefined, [{ ...made.value, status }]).book;
      expect(again.serving('w', 'a')).toMatchObject({ ok: false, error: { code: 'preset_unknown' } });
      expect(again.find('w', 'a')?.status).toBe(status);
    }
  });
});
