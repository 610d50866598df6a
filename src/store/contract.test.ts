import { Database } from 'bun:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import type { Preset } from '../accounts/ports.ts';
import { Books } from '../ledger/books.ts';
import type { OutcomeRow } from '../ledger/ports.ts';
import { nanodollars, ZERO } from '../money/money.ts';
import { SqliteStore, StoreUnusable } from './sqlite/store.ts';

/** What the ledger asks of a store; every adapter passes it. */

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'turnpike-store-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const path = (): string => join(folder, 'turnpike.db');
const open = () => SqliteStore.open(path());
const KEY = 'k'.repeat(64);

const outcome = (id: string, charge: bigint, overrides: Partial<OutcomeRow> = {}): OutcomeRow => ({
  id,
  keyHash: KEY,
  createdAt: 1_758_000_000_000,
  state: 'settled',
  charge: nanodollars(charge),
  entries:
    charge > 0n ? [{ kind: 'settle', ref: id, from: 'customer', to: 'revenue', amount: nanodollars(charge) }] : [],
  document: { id },
  ...overrides,
});

const grant = (amount: bigint, ref = 'initial') => ({
  kind: 'grant' as const,
  ref,
  from: 'granted' as const,
  to: 'customer' as const,
  amount: nanodollars(amount),
});

describe('the embedded store', () => {
  it('P1 I8 keeps what it acknowledged over a restart', async () => {
    const first = await open();
    expect(await first.store.writeEntry(grant(1000n), 1)).toBe('written');
    first.store.journalHold({ id: 'gen-1', keyHash: KEY, amount: nanodollars(500n), createdAt: 1 });
    await first.store.writeOutcome(outcome('gen-1', 300n));
    await first.store.close();
    const second = await open();
    expect(second.state.ledger.balances).toEqual({
      customer: nanodollars(700n),
      revenue: nanodollars(300n),
      granted: nanodollars(-1000n),
      operator: ZERO,
      writeoff: ZERO,
    });
    expect(second.state.keyDays).toEqual([{ keyHash: KEY, day: 20347, charge: 300n }]);
    expect(await second.store.generation('gen-1')).toMatchObject({
      state: 'settled',
      charge: 300n,
      document: '{"id":"gen-1"}',
    });
    expect(await second.store.audit()).toEqual([]);
    await second.store.close();
  });

  it('P2 I6 PLT-095 writes the same outcome and the same grant once', async () => {
    const { store } = await open();
    expect(await store.writeEntry(grant(1000n), 1)).toBe('written');
    expect(await store.writeEntry(grant(1000n), 1)).toBe('existed');
    store.journalHold({ id: 'gen-1', keyHash: KEY, amount: nanodollars(500n), createdAt: 1 });
    await Promise.all([store.writeOutcome(outcome('gen-1', 300n)), store.writeOutcome(outcome('gen-1', 400n))]);
    await store.writeOutcome(outcome('gen-1', 500n, { state: 'voided' }));
    expect(await store.audit()).toEqual([]);
    await store.close();
    const again = await open();
    expect(again.state.ledger.balances.customer).toBe(nanodollars(700n));
    await again.store.close();
  });

  it('I3 I12 voids what a crash left open', async () => {
    const first = await open();
    await first.store.writeEntry(grant(1000n), 1);
    first.store.journalHold({ id: 'gen-open', keyHash: KEY, amount: nanodollars(400n), createdAt: 1 });
    await first.store.close();
    const second = await open();
    expect(second.state.recovered).toBe(1);
    expect(await second.store.generation('gen-open')).toMatchObject({ state: 'voided', charge: 0n });
    expect(second.state.ledger.balances.customer).toBe(nanodollars(1000n));
    expect(await second.store.audit()).toEqual([]);
    await second.store.close();
  });

  it('P4 I1 I2 finds a balance that was tampered with', async () => {
    const { store } = await open();
    await store.writeEntry(grant(1000n), 1);
    await store.close();
    const db = new Database(path());
    db.exec("UPDATE accounts SET posted = posted + 1 WHERE id = 'customer'");
    expect(() => db.exec('UPDATE entries SET amount = 1')).toThrow('immutable');
    expect(() => db.exec('DELETE FROM entries')).toThrow('immutable');
    db.close();
    const again = await open();
    expect((await again.store.audit()).map((breach) => breach.slice(0, 2))).toEqual(['I2', 'I9']);
    await again.store.close();
  });

  it('keeps presets and their versions over a restart, each version once', async () => {
    const preset = (version: number, seed: number, more: Partial<Preset> = {}): Preset => ({
      id: 'p1',
      workspaceId: 'default',
      slug: 'brief',
      name: 'brief',
      description: null,
      status: 'active',
      statusUpdatedAt: null,
      createdAt: 5,
      updatedAt: 5 + version,
      designated: {
        id: `${more.id ?? 'p1'}-${version}-${seed}`,
        presetId: more.id ?? 'p1',
        version,
        creator: KEY,
        dialect: 'openai-chat',
        systemPrompt: version === 1 ? null : 'Be brief.\nAnd "kind".',
        config: { seed, stop: ['\n', 'é'] },
        createdAt: 5 + version,
      },
      ...more,
    });
    const first = await open();
    expect(first.state.presets).toEqual([]);
    expect(await first.store.putPreset(preset(1, 1))).toBe('written');
    expect(await first.store.putPreset(preset(1, 9))).toBe('existed');
    // Another preset of that name, and a version that skips one.
    expect(await first.store.putPreset(preset(1, 9, { id: 'p2' }))).toBe('existed');
    expect(await first.store.putPreset(preset(3, 9))).toBe('existed');
    const both = [first.store.putPreset(preset(2, 2)), first.store.putPreset(preset(2, 9))];
    expect(await Promise.all(both)).toEqual(['written', 'existed']);
    const elsewhere = preset(1, 1, { id: 'p3', workspaceId: 'other' });
    expect(await first.store.putPreset(elsewhere)).toBe('written');
    await first.store.close();
    const second = await open();
    const { store } = second;
    expect(second.state.presets).toEqual([preset(2, 2), elsewhere]);
    expect(await store.presetVersions('p1', 0, 50)).toEqual([preset(1, 1).designated, preset(2, 2).designated]);
    expect(await store.presetVersions('p1', 1, 1)).toEqual([preset(2, 2).designated]);
    expect(await store.presetVersion('p1', 1)).toEqual(preset(1, 1).designated);
    expect(await store.presetVersion('p1', 3)).toBeNull();
    expect(await store.presetVersion('p9', 1)).toBeNull();
    await store.close();
  });

  it('refuses a folder in use, a foreign file and a damaged one, each in a sentence', async () => {
    const { store } = await open();
    await expect(open()).rejects.toThrow(new StoreUnusable('the data folder is in use by another turnpike process'));
    await store.close();
    rmSync(path());
    const foreign = new Database(path());
    foreign.exec('CREATE TABLE cats (name TEXT)');
    foreign.close();
    await expect(open()).rejects.toThrow('database of another program');
    rmSync(path());
    writeFileSync(path(), 'this is not a database, it only has the name of one'.repeat(100));
    await expect(open()).rejects.toThrow('not a readable turnpike database');
  });
});

/** A history of the books: grants, holds and their ends, in any order, some of them twice. */
type Command =
  | { kind: 'grant'; amount: bigint }
  | { kind: 'hold'; amount: bigint }
  | { kind: 'settle'; which: number; charge: bigint; twice: boolean }
  | { kind: 'void'; which: number };

const command: fc.Arbitrary<Command> = fc.oneof(
  fc.record({ kind: fc.constant('grant' as const), amount: fc.bigInt({ min: 1n, max: 2000n }) }),
  fc.record({ kind: fc.constant('hold' as const), amount: fc.bigInt({ min: 0n, max: 1500n }) }),
  fc.record({
    kind: fc.constant('settle' as const),
    which: fc.nat(),
    charge: fc.bigInt({ min: 0n, max: 2500n }),
    twice: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('void' as const), which: fc.nat() }),
);

describe('books over the store', () => {
  for (const mode of ['prepaid', 'unlimited'] as const) {
    it(`P2 P3 P4 any history keeps the books whole (${mode})`, async () => {
      const { store, state } = await open();
      const books = new Books(store, state.ledger, mode);
      let serial = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(command, { maxLength: 40 }), async (history) => {
          const holds: Parameters<Books['settle']>[0][] = [];
          const before = books.charged;
          let charged = 0n;
          const pending: Promise<unknown>[] = [];
          for (const step of history) {
            if (step.kind === 'grant') pending.push(books.grant(nanodollars(step.amount), `grant-${serial++}`, 1));
            else if (step.kind === 'hold') {
              const amount = nanodollars(step.amount);
              const worst = {
                promptTokens: 1,
                perPromptToken: 1n,
                prompt: amount,
                perOutputToken: 1000n,
                total: amount,
              };
              const free = books.balance - books.held;
              const hold = books.hold({
                id: `gen-${serial++}`,
                keyHash: KEY,
                createdAt: 1,
                worst,
                outputTokens: 1,
                origin: '',
              });
              expect(hold.ok).toBe(mode === 'unlimited' || step.amount === 0n || step.amount <= free);
              if (hold.ok) holds.push(hold.value);
            } else if (holds.length > 0) {
              const [hold] = holds.splice(step.which % holds.length, 1);
              if (!hold) continue;
              if (step.kind === 'void') pending.push(books.void(hold, {}));
              else {
                charged += step.charge;
                pending.push(books.settle(hold, nanodollars(step.charge), {}));
                if (step.twice) pending.push(books.settle(hold, nanodollars(step.charge), {}), books.void(hold, {}));
              }
            }
            expect(books.balance >= 0n).toBe(true);
            expect(books.balance >= books.held).toBe(true);
          }
          for (const hold of holds) pending.push(books.void(hold, {}));
          await Promise.all(pending);
          expect(books.held).toBe(ZERO);
          expect(books.openHolds).toBe(0);
          expect(books.charged - before).toBe(charged);
          expect(await store.audit()).toEqual([]);
        }),
        { numRuns: 60 },
      );
      const { balance, charged, writtenOff } = books;
      await store.close();
      const again = await open();
      const reopened = new Books(again.store, again.state.ledger, mode);
      expect(reopened).toMatchObject({ balance, charged, writtenOff });
      await again.store.close();
    });
  }
});
