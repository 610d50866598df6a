import { expect, test } from 'bun:test';
import { readBooks } from '../support/books.ts';
import { RunningGateway } from '../support/gateway.ts';
import { readFrames } from '../support/upstream.ts';

const ROUNDS = 20;

test('P1 P2 I8 twenty times killed in the middle: what a client saw completed is there once, with its price, and nothing stays held', async () => {
  /** What clients were told: generation id and price in nano-dollars. */
  const told = new Map<string, number>();
  const config = 'credits: { mode: prepaid, initial_usd: 1000 }\n';
  let gateway = await RunningGateway.start({ config });
  const { home } = gateway;
  const folders = [gateway];
  try {
    for (let round = 0; round < ROUNDS; round += 1) {
      const before = told.size;
      const asking = Array.from({ length: 60 }, (_, index) => ask(gateway, index, told));
      // Whatever the machine's pace: some answers have been seen, others are on their way.
      const late = performance.now() + 10_000;
      while (told.size <= before + (round % 7) && performance.now() < late) await Bun.sleep(1);
      await Bun.sleep((round * 37) % 40);
      await gateway.kill();
      await Promise.all(asking);
      gateway = await RunningGateway.start({ config, home });
      folders.push(gateway);
      const books = readBooks(home);
      expect(books.breaches).toEqual([]);
      expect([books.open, books.held]).toEqual([0, 0n]);
      for (const [id, nano] of told) {
        expect([id, books.generations.get(id)?.state, books.generations.get(id)?.charge]).toEqual([
          id,
          'settled',
          BigInt(nano),
        ]);
      }
    }
    expect(told.size).toBeGreaterThan(ROUNDS);
  } finally {
    await gateway.kill();
    for (const one of folders) one.clean();
  }
}, 240_000);

async function ask(gateway: RunningGateway, index: number, told: Map<string, number>): Promise<void> {
  const stream = index % 2 === 0;
  const body = {
    model: 'mistralai/mistral-small-2603',
    stream,
    max_tokens: 30 + index,
    messages: [{ role: 'user', content: `Question ${index}` }],
  };
  try {
    for (;;) {
      const response = await gateway.post(body);
      const text = await response.text();
      if (stream) {
        const { data, done } = readFrames(text);
        const usage = data.at(-1)?.usage;
        if (done && usage) told.set(data[0]?.id, Math.round(usage.cost * 1e9));
      } else {
        const answer = JSON.parse(text);
        if (answer.usage) told.set(answer.id, Math.round(answer.usage.cost * 1e9));
      }
    }
  } catch {
    // The gateway was killed under us.
  }
}
