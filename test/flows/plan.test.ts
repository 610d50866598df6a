import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { RunningGateway } from '../support/gateway.ts';
import { ScriptedUpstream, whole } from '../support/upstream.ts';

/** What a change would do to the requests of the last day is told before it is made; nothing is sent for it. */

type Json = Record<string, any>;

let upstream: ScriptedUpstream;
let gateway: RunningGateway;

const host = (id: string, price: string, model = 'lab/one'): string => `
  ${id}:
    base_url: ${upstream.base}
    endpoints:
      - { model: ${model}, upstream_model: ${id}, pricing: { prompt: "${price}", completion: "${price}" } }`;

beforeAll(async () => {
  upstream = new ScriptedUpstream();
  upstream.reply = () => whole('Hello');
  gateway = await RunningGateway.start({ config: `providers:${host('old', '0.000001')}` });
  const ask = async (body: Json): Promise<number> =>
    (await gateway.post({ model: 'lab/one', messages: [{ role: 'user', content: 'Hi' }], ...body })).status;
  expect(await ask({})).toBe(200);
  expect(await ask({})).toBe(200);
  expect(await ask({ provider: { only: ['new'] } })).toBe(404);
  expect(await ask({ messages: 7 })).toBe(400);
  // Refusals are written a moment later.
  for (;;) {
    const { requests, unplanned } = await json('same.yaml', `providers:${host('old', '0.000001')}`);
    if (requests === 3 && unplanned === 1) break;
  }
});
afterAll(async () => {
  await gateway.stop();
  await upstream.stop();
});

async function run(name: string, config: string, ...args: string[]): Promise<{ code: number; stdout: string }> {
  gateway.put(name, config);
  return gateway.command('plan', '--config', name, ...args);
}
const json = async (name: string, config: string): Promise<Json> =>
  JSON.parse((await run(name, config, '--json')).stdout) as Json;

describe('turnpike plan', () => {
  test('nothing changes: exit 0', async () => {
    const { code, stdout } = await run('same.yaml', `providers:${host('old', '0.000001')}`);
    expect(code).toBe(0);
    expect(stdout).toContain('3 requests');
    expect(stdout).toContain('3 stay as they are');
  });

  test('another host at twice the price: routes, cost, and a refusal that would be none; exit 3', async () => {
    const sent = upstream.received.length;
    const { code, stdout } = await run('other.yaml', `providers:${host('new', '0.000002')}`, '--json');
    expect(code).toBe(3);
    expect(JSON.parse(stdout)).toMatchObject({
      requests: 3,
      unchanged: 0,
      rerouted: 2,
      newly_refused: 0,
      newly_served: 1,
      cost_before_usd: '0.00003',
      cost_after_usd: '0.00006',
      changes: [
        { model: 'lab/one', from: 'old/lab/one', to: 'new/lab/one', requests: 2, cost_after_usd: '0.00006' },
        { model: 'lab/one', from: 'refused: only', to: 'new/lab/one', requests: 1 },
      ],
    });
    expect(upstream.received).toHaveLength(sent);
  });

  test('another catalogue, by its file or by its folder', async () => {
    const folder = join(import.meta.dir, '../../build');
    for (const place of [folder, join(folder, 'catalogue.json')])
      expect((await gateway.command('plan', '--catalogue', place)).code).toBe(0);
    expect((await gateway.command('plan', '--catalogue', 'nowhere')).code).toBe(2);
  });

  test('a catalogue with another price, and one where a host has retired the model', async () => {
    const MODEL = 'mistralai/mistral-small-2603';
    const own = await RunningGateway.start({ config: `providers: { mistral: { base_url: "${upstream.base}" } }\n` });
    try {
      const asked = await own.post({ model: MODEL, messages: [{ role: 'user', content: 'Hi' }] });
      expect(asked.status).toBe(200);
      await asked.text();
      const built = readFileSync(join(import.meta.dir, '../../build/catalogue.json'), 'utf8');
      const against = async (change: (endpoint: Json) => void): Promise<Json> => {
        const catalogue = JSON.parse(built) as Json;
        const endpoint = catalogue.endpoints.find(({ id }: Json) => id === `mistral/${MODEL}`);
        change(endpoint);
        own.put('catalogue.json', JSON.stringify(catalogue));
        const { code, stdout } = await own.command('plan', '--catalogue', 'catalogue.json', '--json');
        return { code, ...(JSON.parse(stdout) as Json) };
      };
      const dearer = await against(({ rates }) => {
        rates.input = '300000';
        rates.output = '1200000';
      });
      expect(dearer.code).toBe(3);
      const before = Number(dearer.cost_before_usd);
      expect(before).toBeGreaterThan(0);
      expect(Number(dearer.cost_after_usd)).toBeCloseTo(2 * before, 12);
      const gone = await against((endpoint) => {
        endpoint.retired = true;
      });
      expect(gone).toMatchObject({
        code: 3,
        newly_refused: 1,
        changes: [{ model: MODEL, to: expect.stringMatching(/^refused: /) }],
      });
    } finally {
      await own.stop();
    }
  });

  test('nobody left: what would be refused, also after the gateway has stopped', async () => {
    await gateway.terminate();
    const text = `providers:${host('old', '0.000001')}\nrouting: { ignore: [old] }\n`;
    const { code, stdout } = await run('strict.yaml', text);
    expect(code).toBe(3);
    expect(stdout).toContain('2 would be refused');
    expect(stdout).toMatch(/2 +lab\/one +old\/lab\/one +refused: ignore/);
    expect((await run('wrong.yaml', 'sevrer: {}\n')).code).toBe(2);
    expect((await gateway.command('plan')).code).toBe(2);
  });
});
