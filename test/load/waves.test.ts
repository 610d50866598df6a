import { expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { readBooks, recompute } from '../support/books.ts';
import { FORGIVING, RunningGateway } from '../support/gateway.ts';

const WAVES = 5;
const REQUESTS = 1000;
const FAULTS = [
  '500',
  '429',
  'reset-before-headers',
  'reset-mid-stream',
  'truncate',
  'malformed-frame',
  'empty-answer',
  'error-in-200',
];

const HOSTS = ['openrouter', 'nvidia', 'mistral', 'anthropic', 'google-ai-studio'];
const MODELS = ['mistralai/mistral-small-2603', 'anthropic/claude-opus-4.6', 'google/gemini-2.5-flash'];

interface Wish {
  readonly model: string;
  readonly stream: boolean;
  readonly text: string;
  readonly most: number;
  readonly thinks: boolean;
}

/** The same wish in every wire. */
const WIRES: readonly ((wish: Wish) => readonly [path: string, body: object])[] = [
  ({ model, stream, text, most, thinks }) => [
    '/api/v1/chat/completions',
    {
      model,
      stream,
      max_tokens: most,
      messages: [{ role: 'user', content: text }],
      ...(thinks && { reasoning: { effort: 'high' } }),
    },
  ],
  ({ model, stream, text, most, thinks }) => [
    '/api/v1/responses',
    { model, stream, max_output_tokens: most, input: text, ...(thinks && { reasoning: { effort: 'high' } }) },
  ],
  ({ model, stream, text, most, thinks }) => [
    '/api/v1/messages',
    {
      model,
      stream,
      max_tokens: most,
      messages: [{ role: 'user', content: text }],
      ...(thinks && { thinking: { type: 'adaptive' } }),
    },
  ],
  ({ model, stream, text, most }) => [
    `/v1beta/models/${model}:${stream ? 'streamGenerateContent?alt=sse' : 'generateContent'}`,
    { contents: [{ role: 'user', parts: [{ text }] }], generationConfig: { maxOutputTokens: most } },
  ],
];

const residentBytes = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;

/** The least of three seconds of rest: what a wave has taken is given back when the collector comes round to it. */
async function restingBytes(pid: number): Promise<number> {
  let least = residentBytes(pid);
  for (let look = 0; look < 12; look += 1) {
    await Bun.sleep(250);
    least = Math.min(least, residentBytes(pid));
  }
  return least;
}

test('P4 I10 I3 five waves of 1,000 mixed requests with aborts and faults: receipts equal the books, nothing stays held, memory is flat', async () => {
  const gateway = await RunningGateway.start({
    // Hosts that rest would leave too few answers that somebody can leave in the middle of.
    config: `credits: { mode: prepaid, initial_usd: 1000 }\nlimits: ${JSON.stringify(FORGIVING)}\n`,
  });
  const memory: number[] = [];
  try {
    for (let wave = 0; wave < WAVES; wave += 1) {
      for (const host of HOSTS) {
        await fetch(`${gateway.host(host)}/_sandbox/faults`, { method: 'DELETE' });
        // Slow enough that who leaves after the first words leaves in the middle.
        await gateway.fault(host, { fault: 'latency', value: 5 });
        await gateway.fault(host, { fault: 'tokens-per-second', value: 200 });
        for (const fault of FAULTS) await gateway.fault(host, { fault, probability: 0.01 });
      }
      await Promise.all(Array.from({ length: REQUESTS }, (_, index) => one(gateway, index)));
      await settled(gateway);
      memory.push(await restingBytes(gateway.process.pid));
    }
    const credits = ((await gateway.json('/credits')) as { data: Record<string, number> }).data;
    await gateway.terminate();
    const books = readBooks(gateway.home);
    expect(books.breaches).toEqual([]);
    expect([books.open, books.held]).toEqual([0, 0n]);
    // Who leaves before the request has arrived leaves no row.
    expect(books.generations.size).toBeGreaterThan(WAVES * REQUESTS * 0.9);
    const receipts = [...books.generations.values()].reduce(
      (sum, { state, document }) => sum + (state === 'settled' ? recompute(document) : 0n),
      0n,
    );
    expect(receipts).toBe(books.charged);
    expect(receipts).toBeGreaterThan(0n);
    expect(Math.round((credits.total_usage ?? 0) * 1e9)).toBe(Number(receipts));
    const cancelled = [...books.generations.values()].filter(({ document }) => document?.cancelled).length;
    expect(cancelled).toBeGreaterThan(WAVES * REQUESTS * 0.05);
    process.stderr.write(
      `resident after each wave: ${memory.map((bytes) => `${Math.round(bytes / 1048576)} MB`).join(', ')}\n`,
    );
    expect((memory[4] ?? 0) - (memory[1] ?? 0)).toBeLessThanOrEqual(30 * 1024 * 1024);
  } finally {
    await gateway.kill();
    gateway.clean();
  }
}, 240_000);

/** One in five leaves in the middle. */
async function one(gateway: RunningGateway, index: number): Promise<void> {
  const leaving = new AbortController();
  const stream = index % 3 !== 0;
  // Both walk through all combinations: one wire and one model meet every fault, and every leaver.
  const wire = WIRES[index % WIRES.length] as (typeof WIRES)[number];
  const [path, body] = wire({
    model: MODELS[Math.floor(index / WIRES.length) % MODELS.length] ?? '',
    stream,
    text: `Question ${index} about the Rhine`,
    most: 40 + (index % 60),
    thinks: index % 7 === 0,
  });
  const leaves = index % 5 === 0;
  try {
    if (leaves && !stream) setTimeout(() => leaving.abort(), 20 + (index % 50));
    const response = await fetch(gateway.url + path, {
      method: 'POST',
      headers: { authorization: `Bearer ${gateway.key}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: leaving.signal,
    });
    if (!leaves) {
      await response.text();
      return;
    }
    const reader = response.body?.getReader();
    await reader?.read();
    leaving.abort();
  } catch {
    // Faults may leave nothing to read, and leaving is an error of our own making.
  }
}

async function settled(gateway: RunningGateway): Promise<void> {
  for (let tries = 0; tries < 100; tries += 1) {
    if (readBooks(gateway.home).open === 0) return;
    await Bun.sleep(100);
  }
}
