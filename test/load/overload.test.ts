import { expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { RunningGateway } from '../support/gateway.ts';
import { ScriptedUpstream, whole } from '../support/upstream.ts';

/** Ten times as many requests as the gateway may have in hand, from a process that does not wait for answers before it asks again. */

const IN_HAND = 16;
const HOST_MS = 250;
/** What can be served a second, and what comes. */
const SUSTAINABLE = (IN_HAND * 1000) / HOST_MS;
const TIMES = 10;
const TICK_MS = 25;
const SECONDS = 60;
const MEGABYTE = 1024 * 1024;
/** Of the half a gigabyte that a small container has. */
const MEMORY_MAX = 0.8 * 512 * MEGABYTE;

interface Answered {
  readonly status: number;
  readonly wait: string | null;
  readonly ms: number;
}

const percentile = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(share * values.length))] ?? Number.NaN;

const residentBytes = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;

test('P10 at ten times what can be served those who are let in are served as ever, the others are told at once to come back, and memory stays', async () => {
  const upstream = new ScriptedUpstream();
  upstream.reply = async () => {
    await Bun.sleep(HOST_MS);
    return whole('Hi');
  };
  const gateway = await RunningGateway.start({
    config: `
limits: { requests_max: ${IN_HAND} }
providers:
  mine: { base_url: ${upstream.base}, endpoints: [{ model: lab/one, upstream_model: one, pricing: { prompt: "0.000001", completion: "0.000002" } }] }
`,
  });
  const ask = async (): Promise<Answered> => {
    const began = performance.now();
    const response = await gateway.post({ model: 'lab/one', messages: [{ role: 'user', content: 'Hi' }] });
    await response.text();
    return { status: response.status, wait: response.headers.get('retry-after'), ms: performance.now() - began };
  };
  try {
    const alone: number[] = [];
    for (let round = 0; round < 15; round += 1)
      for (const { status, ms } of await Promise.all(Array.from({ length: IN_HAND / 2 }, ask))) {
        expect(status).toBe(200);
        alone.push(ms);
      }
    const each = (SUSTAINABLE * TIMES * TICK_MS) / 1000;
    const pending: Promise<Answered>[] = [];
    let most = 0;
    const began = performance.now();
    for (let tick = 0; tick * TICK_MS < SECONDS * 1000; tick += 1) {
      for (let i = 0; i < each; i += 1) pending.push(ask());
      if (tick % 40 === 0) most = Math.max(most, residentBytes(gateway.process.pid));
      await Bun.sleep(Math.max(0, began + (tick + 1) * TICK_MS - performance.now()));
    }
    const answers = await Promise.all(pending);
    const served = answers.filter(({ status }) => status === 200);
    const refused = answers.filter(({ status }) => status !== 200);
    expect(answers.length).toBeGreaterThan(0.9 * SUSTAINABLE * TIMES * SECONDS);
    expect(served.length).toBeGreaterThan(0.5 * SUSTAINABLE * SECONDS);
    expect(new Set(refused.map(({ status }) => status))).toEqual(new Set([503]));
    expect(refused.every(({ wait }) => Number(wait) >= 1)).toBe(true);
    const p99 = [alone, served.map(({ ms }) => ms)].map((times) => Math.round(percentile(times, 0.99)));
    const told = Math.round(
      percentile(
        refused.map(({ ms }) => ms),
        0.95,
      ),
    );
    process.stderr.write(
      `served ${served.length}, refused ${refused.length} within ${told} ms; p99 ${p99[0]} ms alone, ${p99[1]} ms beside them; at most ${Math.round(most / MEGABYTE)} MB\n`,
    );
    expect(p99[1] ?? 0).toBeLessThanOrEqual(2 * (p99[0] ?? 0));
    expect(told).toBeLessThanOrEqual(50);
    expect(most).toBeLessThanOrEqual(MEMORY_MAX);
    // And it is over as soon as they are gone.
    expect((await ask()).status).toBe(200);
  } finally {
    await gateway.stop();
    await upstream.stop();
  }
}, 240_000);
